// A Fetcher that reaches nobody: `check` builds everything and contacts nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "net/errors.h"
#include "net/http_client.h"

namespace latchkey::app {

/// @thread any
class OfflineFetcher final : public net::Fetcher {
  public:
    void fetch(net::HttpRequest, net::Mailbox& reply_to, Done done) override {
        reply_to.deliver([done = std::move(done)]() mutable { done(fail(net::kHttpStopped)); });
    }
};

}  // namespace latchkey::app
