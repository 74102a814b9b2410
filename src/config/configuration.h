// One whole configuration as plain structs, whatever dialect it was written in: what serve runs, check
// judges and explain asks. Composed from the rooms' own structs; here are those that belong to no single
// room.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/chain.h"
#include "auth/preprocess/jwt.h"
#include "auth/preprocess/plain.h"
#include "auth/realm/file/data.h"
#include "auth/realm/jwt/config.h"
#include "base/fault.h"
#include "base/field.h"
#include "net/tls.h"

namespace latchkey::broker {
struct Settings;
}

namespace latchkey::config {

enum class Dialect : std::uint8_t { Native, HivemqEse };
std::string_view name_of(Dialect dialect) noexcept;

enum class ListenerKind : std::uint8_t { Tcp, Tls, Ws, Wss };
inline constexpr std::string_view kListenerKinds[] = {"tcp", "tls", "ws", "wss"};
std::string_view name_of(ListenerKind kind) noexcept;
/// tls or wss.
bool has_tls(ListenerKind kind) noexcept;
/// ws or wss.
bool is_websocket(ListenerKind kind) noexcept;

/// One listening socket. ([[listeners]], or --listener)
struct ListenerConfig {
    std::string name;  ///< unique; `KIND-PORT` when not given
    ListenerKind kind = ListenerKind::Tcp;
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: any free one
    std::string certificate;
    std::string key;
    net::ClientCertificate client_certificate = net::ClientCertificate::None;
    std::string client_ca;
    bool allow_plain_credentials = false;  ///< passwords and tokens in clear beyond loopback
    std::string path;                      ///< of ws and wss; empty: /mqtt
    std::vector<std::string> allowed_origins;
    bool proxy_protocol = false;
    std::vector<std::string> proxy_from;  ///< addresses and prefixes
    bool from_flag = false;
    Position at;
};
const FieldTable& listener_fields();

/// A jwt realm; `check` is what its own steps demand unless the step says otherwise.
struct JwtRealmEntry {
    auth::JwtRealmConfig realm;
    auth::JwtCheckConfig check;
};
struct FileRealmEntry {
    std::string path;  ///< where the data came from; empty when written inline
    auth::FileRealmData data;
};
/// A realm kind that is known by name only: it keeps its pipelines closed.
struct UnsupportedRealm {
    std::string element;
};
using RealmSettings = std::variant<JwtRealmEntry, FileRealmEntry, UnsupportedRealm>;

struct RealmEntry {
    std::string name;
    bool enabled = true;
    RealmSettings settings;
    Position at;
    Position source_at;                      ///< of what it reads from: the key set's URL, the file's path
    std::string_view kind() const noexcept;  ///< "jwt", "file", or the unsupported element
};

using PreprocessorEntry = std::variant<auth::JwtPreprocessorConfig, auth::PlainPreprocessorConfig>;

/// One link of a chain.
struct AuthenticationStep {
    bool allow_all = false;
    std::string realm;  ///< empty with allow_all
    auth::LinkOptions link;
    std::optional<auth::JwtCheckConfig> jwt;  ///< present exactly for jwt realms
    Position at;
    Position realm_at;  ///< where the realm is named; without a file: at `at`
};

/// Where rights come from.
struct AuthorizationStep {
    bool allow_all = false;
    std::string realm;
    std::optional<bool> use_authorization_key;
    std::optional<bool> use_authorization_role_key;
    Position at;
    Position realm_at;  ///< as above
};

/// What becomes of a client whose PUBLISH is denied.
enum class OnDeniedPublish : std::uint8_t { Acknowledge, Disconnect };

struct PipelineConfig {
    std::string name;
    std::string listener;  ///< a listener's name, or ALL
    std::vector<PreprocessorEntry> before_authentication;
    std::vector<AuthenticationStep> authenticate;
    std::vector<PreprocessorEntry> before_authorization;
    std::vector<AuthorizationStep> authorize;
    bool require_grants = false;
    OnDeniedPublish on_denied_publish = OnDeniedPublish::Acknowledge;
    /// Not empty: the pipeline refuses everybody, and this is why.
    std::string closed;
    Position at;
};

enum class Durability : std::uint8_t { Memory };
inline constexpr std::string_view kDurabilities[] = {"memory"};

/// Process-wide settings. ([broker])
struct BrokerConfig {
    std::string data_dir;  ///< empty: ./latchkey-data, or --data
    std::uint16_t shards = 0;
    Durability durability = Durability::Memory;
    std::chrono::seconds session_cap{24 * 3600};
    std::chrono::seconds sys_interval{10};
};
const FieldTable& broker_fields();

/// Bounds of what clients may ask. ([limits])
struct LimitsConfig {
    std::uint32_t max_packet_bytes = 1024 * 1024;
    std::uint32_t max_connect_bytes = 16 * 1024;
    std::uint16_t receive_maximum = 1024;
    std::uint32_t max_session_expiry_s = 7 * 24 * 3600;
    std::uint16_t max_keep_alive_s = 65535;
    std::uint32_t max_queued_messages = 10'000;
    std::uint64_t max_queued_bytes = 64ULL << 20;
    std::uint32_t max_subscriptions = 10'000;
    std::uint32_t max_inflight = 1024;
    std::uint16_t topic_alias_maximum = 32;
    std::uint32_t max_connections = 200'000;
    std::uint32_t max_connections_per_address = 60'000;
    std::uint32_t max_connections_per_prefix = 120'000;
    std::uint32_t max_half_open = 16'384;
    std::uint32_t max_half_open_per_address = 4'096;
    std::uint32_t max_refused_logins = 200;
    std::uint32_t max_sessions = 1'000'000;
    std::uint32_t max_sessions_per_principal = 250'000;
    std::uint64_t max_offline_bytes = 1ULL << 30;
    std::uint32_t max_retained_messages = 1'000'000;
    std::uint64_t max_retained_bytes = 1ULL << 30;
    std::chrono::milliseconds connect_limit{10'000};
    std::chrono::milliseconds login_limit{20'000};
};
const FieldTable& limits_fields();
/// The broker's own form of it.
broker::Settings settings_of(const LimitsConfig& limits);

/// Health and recent decisions over HTTP; loopback only until it has logins. ([admin])
struct AdminConfig {
    bool enabled = true;
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;
};
const FieldTable& admin_fields();

/// The logs of logins. Relative paths count from the data folder. ([logs])
struct LogsConfig {
    bool access = true;
    bool write_through = false;  ///< access lines reach the disk before a login goes on
    std::string access_file = "log/access/access.log";
    std::string audit_file = "log/audit/audit.log";
};
const FieldTable& logs_fields();

struct Configuration {
    Dialect dialect = Dialect::Native;
    std::string file;
    BrokerConfig broker;
    LimitsConfig limits;
    AdminConfig admin;
    LogsConfig logs;
    std::vector<ListenerConfig> listeners;
    std::vector<RealmEntry> realms;
    std::vector<PipelineConfig> pipelines;
    /// Why health is degraded from the start, whatever the realms say: one sentence each, with FILE:LINE:COL.
    std::vector<std::string> concerns;

    const RealmEntry* realm(std::string_view name) const noexcept;
    /// The listener's own pipeline, else the one for ALL, else null: such a listener refuses everybody.
    const PipelineConfig* pipeline_of(std::string_view listener) const noexcept;
};

/// What no single reader sees: names that must be unique or exist, realms that cannot do what a pipeline
/// wants of them, tokens that nobody's audience or issuer limits, plain credentials beyond loopback. Pins
/// Entra tenants to their issuers, fills in the steps' checks, and notes concerns. Call once, after listeners
/// are final.
void finish(Configuration& configuration, Faults& faults);

}  // namespace latchkey::config
