// Facts: what is known of a connection, as typed variables under their ESE names. Every value is proven (by a
// certificate, a verified token, a checked password) or merely claimed by the peer; whoever builds rights
// from one must look. Roles stay a list from end to end: the text {{a}}{{b}} is only a way to show them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace latchkey::auth {

enum class Standing : std::uint8_t { Claimed, Proven };
enum class VariableType : std::uint8_t { Text, Bytes, Roles };

/// What a variable's name says about it.
struct VariableKind {
    VariableType type;
    bool read_only;
};
/// @error kBadVariable @thread any
Result<VariableKind> variable_kind(std::string_view name);

/// `{{a}}{{b}}`; absent when a role cannot be told apart in that form (it holds `}}` or ends with `}`).
std::optional<std::string> encode_roles(const std::vector<std::string>& roles);
/// The inverse; refuses everything that encode_roles does not produce. @error kBadRoleList
Result<std::vector<std::string>> decode_roles(std::string_view text);

struct TlsFacts {
    std::string version;
    std::string cipher;
    std::string server_name;
};

/// A client certificate that the TLS layer has verified against the listener's CA.
struct CertificateFacts {
    std::string subject;
    std::string common_name;
    std::string serial_hex;
    std::string sha256_hex;
};

/// @thread any (value type; one login owns one)
class Facts {
  public:
    std::string listener;
    std::string remote_address;
    std::optional<TlsFacts> tls;
    std::optional<CertificateFacts> certificate;
    std::string auth_method;  ///< MQTT 5 Authentication Method, empty if none
    Secret auth_data;

    /// Fills mqtt-clientid, mqtt-username, mqtt-password and the authentication-* defaults from a CONNECT.
    void set_connect(std::string client_id, std::optional<std::string> user_name,
                     std::optional<Secret> password);

    std::string_view client_id() const;
    std::optional<std::string_view> user_name() const;

    /// Text of a text variable; absent for bytes, for roles see roles(). @thread any
    std::optional<std::string_view> text(std::string_view name) const;
    /// Bytes of a byte variable; null when absent.
    const Secret* bytes(std::string_view name) const;
    /// Null when absent, which differs from an empty list only in reports.
    const std::vector<std::string>* roles() const;
    /// Claimed for what is absent.
    Standing standing(std::string_view name) const;

    /// @error kBadVariable | kReadOnlyVariable | kVariableType | kBadRoleList (text for
    /// authorization-role-key)
    Result<void> set_text(std::string_view name, std::string value, Standing standing);
    Result<void> set_bytes(std::string_view name, Secret value, Standing standing);
    void set_roles(std::vector<std::string> roles, Standing standing);
    Result<void> clear(std::string_view name);

    /// One variable: for templates, explain and tests. Byte variables are listed without their value.
    struct Variable {
        std::string name;
        std::variant<std::string, Secret, std::vector<std::string>> value;
        Standing standing;
    };
    const std::vector<Variable>& variables() const { return variables_; }

  private:
    const Variable* find(std::string_view name) const;
    void put(std::string_view name, decltype(Variable::value) value, Standing standing);
    std::vector<Variable> variables_;  // a dozen at most: a scan beats a map
};

inline constexpr std::string_view kMqttClientId = "mqtt-clientid";
inline constexpr std::string_view kMqttUsername = "mqtt-username";
inline constexpr std::string_view kMqttPassword = "mqtt-password";
inline constexpr std::string_view kAuthenticationKey = "authentication-key";
inline constexpr std::string_view kAuthenticationByteSecret = "authentication-byte-secret";
inline constexpr std::string_view kAuthenticationCharSecret = "authentication-char-secret";
inline constexpr std::string_view kAuthorizationKey = "authorization-key";
inline constexpr std::string_view kAuthorizationRoleKey = "authorization-role-key";

}  // namespace latchkey::auth
