// ESE's file realm: users, roles and permissions that the operator wrote into a file. Rights are found by
// role (from a token) or by user; passwords are those of the file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "auth/realm.h"
#include "auth/realm/file/data.h"

namespace latchkey::auth {

/// ESE's two switches; both left out means both.
struct FileAuthorization {
    std::optional<bool> use_authorization_key;
    std::optional<bool> use_authorization_role_key;
};

struct FileRealmState;

/// @thread any (immutable)
class FileRealm final : public Realm {
  public:
    /// @param data  validated
    explicit FileRealm(FileRealmData data);
    ~FileRealm() override;

    std::string_view name() const override;
    Result<void> prepare() override { return {}; }
    void drain() override;
    Health health() const override;
    std::shared_ptr<Authenticator> authenticator() override;
    std::shared_ptr<Authorizer> authorizer() override { return authorizer_for({}); }
    std::shared_ptr<Authorizer> authorizer_for(FileAuthorization options);

  private:
    std::shared_ptr<FileRealmState> state_;
};

}  // namespace latchkey::auth
