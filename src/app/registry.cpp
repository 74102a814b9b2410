// See registry.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/registry.h"

#include <array>
#include <variant>

#include "auth/authorize/allow_all.h"
#include "auth/errors.h"
#include "auth/preprocess/jwt.h"
#include "auth/preprocess/plain.h"
#include "auth/realm/file/file_realm.h"
#include "auth/realm/jwt/jwt_realm.h"

namespace latchkey::app {
namespace {

constexpr std::array kListeners{config::ListenerKind::Tcp, config::ListenerKind::Tls,
                                config::ListenerKind::Ws, config::ListenerKind::Wss};

template <class... Branches>
struct Overloaded : Branches... {
    using Branches::operator()...;
};

}  // namespace

std::span<const config::ListenerKind> supported_listeners() noexcept {
    return kListeners;
}

auth::Realm& LiveRealm::realm() const {
    if (jwt) return *jwt;
    return *file;
}

Result<LiveRealm> make_realm(const config::RealmEntry& entry, const Services& services) {
    return std::visit(Overloaded{
                          [&](const config::JwtRealmEntry& settings) -> Result<LiveRealm> {
                              LK_TRY(auto realm, auth::JwtRealm::make(settings.realm, settings.check,
                                                                      {.clock = services.clock,
                                                                       .random = services.random,
                                                                       .fetcher = services.fetcher,
                                                                       .background = services.background,
                                                                       .pool = services.pool}));
                              return LiveRealm{.jwt = std::move(realm), .file = nullptr};
                          },
                          [&](const config::FileRealmEntry& settings) -> Result<LiveRealm> {
                              return LiveRealm{.jwt = nullptr,
                                               .file = std::make_shared<auth::FileRealm>(settings.data)};
                          },
                          [](const config::UnsupportedRealm&) -> Result<LiveRealm> { return LiveRealm{}; },
                      },
                      entry.settings);
}

Result<auth::ChainLink> make_link(const config::AuthenticationStep& step, const LiveRealms& realms) {
    if (step.allow_all)
        return auth::ChainLink{std::string(auth::kAllowAll), std::make_shared<auth::AllowAllAuthenticator>(),
                               step.link};
    const auto found = realms.find(step.realm);
    if (found == realms.end()) return fail(auth::kNoPipeline, step.realm);
    if (found->second.jwt && step.jwt) {
        LK_TRY(auto authenticator, found->second.jwt->authenticator_for(*step.jwt));
        return auth::ChainLink{step.realm, std::move(authenticator), step.link};
    }
    auto authenticator = found->second.realm().authenticator();
    if (!authenticator) return fail(auth::kNoPipeline, step.realm);
    return auth::ChainLink{step.realm, std::move(authenticator), step.link};
}

Result<std::pair<std::string, std::shared_ptr<auth::Authorizer>>> make_authorizer(
    const config::AuthorizationStep& step, const LiveRealms& realms) {
    using Pair = std::pair<std::string, std::shared_ptr<auth::Authorizer>>;
    if (step.allow_all)
        return Pair{std::string(auth::kAllowAll), std::make_shared<auth::AllowAllAuthorizer>()};
    const auto found = realms.find(step.realm);
    if (found == realms.end() || !found->second.file) return fail(auth::kNoPipeline, step.realm);
    return Pair{step.realm, found->second.file->authorizer_for(
                                {step.use_authorization_key, step.use_authorization_role_key})};
}

std::shared_ptr<const auth::Preprocessor> make_preprocessor(const config::PreprocessorEntry& entry) {
    return std::visit(
        Overloaded{
            [](const auth::JwtPreprocessorConfig& settings) -> std::shared_ptr<const auth::Preprocessor> {
                return std::make_shared<auth::JwtPreprocessor>(settings);
            },
            [](const auth::PlainPreprocessorConfig& settings) -> std::shared_ptr<const auth::Preprocessor> {
                return std::make_shared<auth::PlainPreprocessor>(settings);
            }},
        entry);
}

}  // namespace latchkey::app
