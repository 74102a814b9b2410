// What `serve --dev` keeps below its data folder: an own authority, a signing key, the secrets of two demo
// clients. Made once, at random, readable by the owner alone; only --dev trusts any of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/signer.h"

namespace latchkey::app {

/// A client that may fetch tokens, and the one role its tokens name.
struct DevClient {
    std::string name;
    Secret secret;
};

/// @thread control
class DevFolder {
  public:
    /// Makes what is missing, and a fresh server certificate at each start.
    /// @param data  absolute @error kDevFolderDamaged | store::kFolderUnusable | those of crypto
    static Result<DevFolder> open(const std::string& data, Random& random, const Clock& clock);

    /// What is there already, for `token mint`: state and signing key; changes nothing.
    static Result<DevFolder> load(const std::string& data);

    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
    const std::string& id() const { return id_; }
    const std::string& audience() const { return audience_; }
    /// Where the issuer listened last; 0 at first.
    std::uint16_t issuer_port() const { return issuer_port_; }
    /// Remembers it: the port is part of the issuer's name.
    Result<void> set_issuer_port(std::uint16_t port);
    std::string issuer() const;
    const crypto::Signer& signer() const { return *signer_; }
    const std::array<DevClient, 2>& clients() const { return clients_; }

  private:
    DevFolder() = default;
    Result<void> load_state();
    Result<void> save_state() const;
    Result<void> make_keys();
    Result<void> make_certificates(const Clock& clock);
    Result<void> make_secrets(Random& random);

    std::string path_;
    std::string id_;
    std::string audience_;
    std::uint16_t issuer_port_ = 0;
    std::optional<crypto::Signer> signer_;
    std::array<DevClient, 2> clients_{DevClient{"sensor", {}}, DevClient{"operator", {}}};
};

/// An access token: iss, aud, sub, client_id, roles, scope, iat, exp, jti. @error of Signer
Result<std::string> dev_token(const DevFolder& folder, std::string_view client, Random& random, WallTime now);

/// Random letters and digits that carry 128 bits.
std::string random_name(Random& random);

}  // namespace latchkey::app
