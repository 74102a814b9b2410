// The one list of what this build offers: listener kinds, realms, preprocessors, authorizers. Whoever adds
// one adds a branch here; nothing registers itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "auth/pipeline.h"
#include "base/random.h"
#include "base/result.h"
#include "config/configuration.h"
#include "net/http_client.h"
#include "net/pool.h"
#include "policy/authority.h"

namespace latchkey::auth {
class FileRealm;
class JwtRealm;
}  // namespace latchkey::auth

namespace latchkey::app {

/// What realms and pipelines need from outside; all of it outlives them.
struct Services {
    const Clock& clock;
    Random& random;
    net::Fetcher& fetcher;
    net::Mailbox& background;  ///< of a thread that is no shard
    net::Pool* pool = nullptr;
    policy::AuthorityTable& authorities;
};

/// The listener kinds that can be opened.
std::span<const config::ListenerKind> supported_listeners() noexcept;

/// One realm of the configuration, alive. Exactly one of the two is set.
struct LiveRealm {
    std::shared_ptr<auth::JwtRealm> jwt;
    std::shared_ptr<auth::FileRealm> file;
    auth::Realm& realm() const;
};
using LiveRealms = std::map<std::string, LiveRealm, std::less<>>;

/// Nothing for a realm that is known by name only, or not enabled.
/// @error as the realm's make()
Result<LiveRealm> make_realm(const config::RealmEntry& entry, const Services& services);
/// @error as the realm's; kNoCause never
Result<auth::ChainLink> make_link(const config::AuthenticationStep& step, const LiveRealms& realms);
Result<std::pair<std::string, std::shared_ptr<auth::Authorizer>>> make_authorizer(
    const config::AuthorizationStep& step, const LiveRealms& realms);
std::shared_ptr<const auth::Preprocessor> make_preprocessor(const config::PreprocessorEntry& entry);

}  // namespace latchkey::app
