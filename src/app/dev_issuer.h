// The token issuer of `serve --dev`: a token endpoint for client credentials, a key set and a discovery
// document, on loopback.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/dev_folder.h"
#include "net/http_server.h"

namespace latchkey::app {

/// Starts it where it listened last, or on any free port, which the folder then remembers. `folder`, `random`
/// and `clock` must outlive the server. @error as net::HttpServer::start
Result<std::unique_ptr<net::HttpServer>> start_dev_issuer(DevFolder& folder, Random& random,
                                                          const Clock& clock);

/// A member of an application/x-www-form-urlencoded text, decoded; nothing when absent, malformed or there
/// twice.
/// @spec RFC 6749 appendix B
std::optional<std::string> form_member(std::string_view body, std::string_view name);

}  // namespace latchkey::app
