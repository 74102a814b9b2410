// Rights by role and by user, passwords of the file.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/file/file_realm.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "auth/realm/file/compile.h"

namespace latchkey::auth {

struct FileRealmState {
    FileRealmData data;
    std::map<std::string_view, const FileUser*> users;
    std::map<std::string_view, const FileRole*> roles;
    std::atomic<bool> draining{false};
};

namespace {

/// For names that nobody has: the comparison takes as long as one with a real password.
const Secret& dummy_password() {
    static const Secret kDummy("latchkey-no-such-user");
    return kDummy;
}

class FileAuthenticator final : public Authenticator {
  public:
    explicit FileAuthenticator(std::shared_ptr<const FileRealmState> state) : state_(std::move(state)) {}

    void authenticate(const Attempt& attempt, VerdictDone done) override { done(judge(attempt.facts)); }
    bool hides_timing() const override { return true; }

  private:
    Verdict judge(const Facts& facts) const {
        if (state_->draining) return Verdict::failed(kDraining);
        const std::optional<std::string_view> name = facts.text(kAuthenticationKey);
        const Secret* password = facts.bytes(kAuthenticationByteSecret);
        if (!name || name->empty() || password == nullptr || password->empty())
            return Verdict::not_mine(kNoToken);
        const auto found = state_->users.find(*name);
        const FileUser* user = found == state_->users.end() ? nullptr : found->second;
        const Secret& expected = user == nullptr ? dummy_password() : user->password;
        const bool equal = expected.equals(password->expose());
        if (user == nullptr) return Verdict::not_mine(kUnknownUser);
        if (!equal || expected.empty()) return Verdict::refused(kWrongPassword);
        Identity who;
        who.principal = {state_->data.name, policy::PrincipalKind::User, user->name, 0};
        who.realm = state_->data.name;
        who.authorization_key = user->name;
        who.roles = user->roles;
        return Verdict::granted(std::move(who));
    }

    std::shared_ptr<const FileRealmState> state_;
};

policy::BlockRef block_of(const std::string& realm, policy::BlockKind kind, std::string name) {
    return {realm, kind, std::move(name)};
}

/// @thread any (immutable)
class FileAuthorizer final : public Authorizer {
  public:
    FileAuthorizer(std::shared_ptr<const FileRealmState> state, FileAuthorization options)
        : state_(std::move(state)),
          by_key_(options.use_authorization_key.value_or(true)),
          by_role_(options.use_authorization_role_key.value_or(true)) {}

    void resolve(const Attempt& attempt, const Identity&, GrantsDone done) override {
        if (state_->draining) return done(fail(kDraining));
        Grants grants;
        if (by_key_) add_user(attempt.facts, grants);
        if (by_role_ && attempt.facts.roles() != nullptr)
            for (const std::string& role : *attempt.facts.roles())
                add_role(role, grants);
        done(std::move(grants));
    }

    Result<void> contribute(policy::PolicyBuilder& policy) const override {
        const std::string& realm = state_->data.name;
        for (const FileRole& role : state_->data.roles)
            LK_CHECK(add_block(policy, block_of(realm, policy::BlockKind::Role, role.id), role.permissions));
        for (const FileUser& user : state_->data.users)
            LK_CHECK(
                add_block(policy, block_of(realm, policy::BlockKind::User, user.name), user.permissions));
        return {};
    }

  private:
    static Result<void> add_block(policy::PolicyBuilder& policy, const policy::BlockRef& block,
                                  const std::vector<FilePermission>& permissions) {
        policy.add(block);
        for (const FilePermission& permission : permissions) {
            LK_TRY(policy::Rule rule, compile(permission));
            LK_CHECK(policy.add(block, std::move(rule)));
        }
        return {};
    }

    void add_user(const Facts& facts, Grants& grants) const {
        const std::optional<std::string_view> key = facts.text(kAuthorizationKey);
        if (!key) return;
        const auto user = state_->users.find(*key);
        if (user == state_->users.end()) return;
        add(block_of(state_->data.name, policy::BlockKind::User, user->second->name), grants);
        for (const std::string& role : user->second->roles)
            add_role(role, grants);
    }

    /// An unknown role contributes nothing.
    void add_role(const std::string& role, Grants& grants) const {
        if (state_->roles.contains(role))
            add(block_of(state_->data.name, policy::BlockKind::Role, role), grants);
    }

    static void add(policy::BlockRef block, Grants& grants) {
        if (std::ranges::find(grants.blocks, block) == grants.blocks.end())
            grants.blocks.push_back(std::move(block));
    }

    std::shared_ptr<const FileRealmState> state_;
    const bool by_key_;
    const bool by_role_;
};

}  // namespace

FileRealm::FileRealm(FileRealmData data) : state_(std::make_shared<FileRealmState>()) {
    state_->data = std::move(data);
    for (const FileUser& user : state_->data.users)
        state_->users.emplace(user.name, &user);
    for (const FileRole& role : state_->data.roles)
        state_->roles.emplace(role.id, &role);
}

FileRealm::~FileRealm() = default;

std::string_view FileRealm::name() const {
    return state_->data.name;
}

void FileRealm::drain() {
    state_->draining = true;
}

Health FileRealm::health() const {
    return state_->draining ? Health{HealthState::Down, {kDraining}} : Health{};
}

std::shared_ptr<Authenticator> FileRealm::authenticator() {
    return std::make_shared<FileAuthenticator>(state_);
}

std::shared_ptr<Authorizer> FileRealm::authorizer_for(FileAuthorization options) {
    return std::make_shared<FileAuthorizer>(state_, options);
}

}  // namespace latchkey::auth
