// Field rows of the structs that belong to no room, and look-ups.
// SPDX-License-Identifier: Apache-2.0
#include "config/configuration.h"

#include <array>

#include "broker/epoch.h"

namespace latchkey::config {
namespace {

constexpr std::array<std::string_view, 3> kClientCertificates{"none", "optional", "required"};

constexpr std::array<Field, 13> kListenerRows{
    field<&ListenerConfig::name>(
        "name", {.default_text = "kind and port, as tcp-1883", .doc = "what pipelines and logs call it"}),
    field<&ListenerConfig::kind>(
        "kind", {.required = true,
                 .doc = "the transport: MQTT directly or over WebSocket, without or with TLS",
                 .choices = kListenerKinds}),
    field<&ListenerConfig::address>("address", {.doc = "the address to listen at; 0.0.0.0 or :: for all"}),
    field<&ListenerConfig::port>("port", {.required = true, .doc = "0 takes any free port"}),
    field<&ListenerConfig::certificate>(
        "certificate",
        {.kind = FieldKind::Path, .doc = "PEM file of the server's certificate, its own first"}),
    field<&ListenerConfig::key>("key", {.kind = FieldKind::Path, .doc = "PEM file of the certificate's key"}),
    field<&ListenerConfig::client_ca>(
        "client_ca",
        {.kind = FieldKind::Path, .doc = "PEM file of the CAs whose client certificates are taken"}),
    field<&ListenerConfig::client_certificate>("client_certificate",
                                               {.default_text = "required when client_ca is given, else none",
                                                .doc = "whether clients show one",
                                                .choices = kClientCertificates}),
    field<&ListenerConfig::allow_plain_credentials>(
        "allow_plain_credentials",
        {.doc = "passwords and tokens may cross a network without TLS here; loopback needs no such word"}),
    field<&ListenerConfig::path>(
        "path", {.default_text = "/mqtt", .doc = "ws and wss: the path of the URL that clients connect to"}),
    field<&ListenerConfig::allowed_origins>(
        "allowed_origins",
        {.doc = "ws and wss: pages that may connect, as https://app.example; * any page; clients that are no "
                "browser need no entry"}),
    field<&ListenerConfig::proxy_protocol>(
        "proxy_protocol",
        {.doc = "each connection begins with a PROXY header, version 1 or 2, also before TLS"}),
    field<&ListenerConfig::proxy_from>(
        "proxy_from",
        {.doc = "required with proxy_protocol: the load balancers, as 10.0.0.5 or 10.0.0.0/24; others are "
                "closed"}),
};
constexpr FieldTable kListenerTable{"listeners", "Where clients connect; one [[listeners]] block each.",
                                    kListenerRows};

constexpr std::array<Field, 5> kBrokerRows{
    field<&BrokerConfig::data_dir>("data_dir", {.kind = FieldKind::Path,
                                                .default_text = "./latchkey-data",
                                                .doc = "where logs and state live; --data wins"}),
    field<&BrokerConfig::shards>("shards", {.default_text = "one per core",
                                            .doc = "threads that serve clients; --shards wins",
                                            .min = 0,
                                            .max = 64}),
    field<&BrokerConfig::durability>(
        "durability", {.doc = "what survives a stop: memory keeps nothing", .choices = kDurabilities}),
    field<&BrokerConfig::session_cap>(
        "session_cap_s", {.doc = "a connection ends after this long, however long its token lives; 0 never"}),
    field<&BrokerConfig::sys_interval>(
        "sys_interval_s", {.doc = "how often the topics below $SYS are published anew; 0 never"}),
};
constexpr FieldTable kBrokerTable{"broker", "The process as a whole.", kBrokerRows};

constexpr std::array<Field, 23> kLimitsRows{
    field<&LimitsConfig::max_packet_bytes>(
        "max_packet_bytes", {.unit = "bytes", .doc = "a whole MQTT packet", .min = 1024, .max = 268'435'460}),
    field<&LimitsConfig::max_connect_bytes>(
        "max_connect_bytes",
        {.unit = "bytes", .doc = "a CONNECT packet, its token included", .min = 1024, .max = 1'048'576}),
    field<&LimitsConfig::receive_maximum>(
        "receive_maximum", {.doc = "QoS 1 and 2 messages of one client on their way to us", .min = 1}),
    field<&LimitsConfig::max_session_expiry_s>(
        "max_session_expiry_s",
        {.unit = "seconds",
         .doc = "how long a session is kept at most; a device that is away for longer "
                "than the week of the default begins anew, and ids used once do not "
                "pile up"}),
    field<&LimitsConfig::max_keep_alive_s>(
        "max_keep_alive_s", {.unit = "seconds",
                             .doc = "imposed on who asks for more or for none; MQTT 5 clients are told",
                             .min = 1}),
    field<&LimitsConfig::max_queued_messages>("max_queued_messages", {.doc = "waiting for one session"}),
    field<&LimitsConfig::max_queued_bytes>("max_queued_bytes",
                                           {.unit = "bytes", .doc = "waiting for one session"}),
    field<&LimitsConfig::max_subscriptions>("max_subscriptions", {.doc = "of one session"}),
    field<&LimitsConfig::max_inflight>(
        "max_inflight", {.doc = "QoS 1 and 2 messages on their way to one client", .min = 1, .max = 65'535}),
    field<&LimitsConfig::topic_alias_maximum>(
        "topic_alias_maximum", {.doc = "topics that one client may give a number; 64 KiB of them at most"}),
    field<&LimitsConfig::max_connections>("max_connections", {.doc = "at once, of all listeners", .min = 1}),
    field<&LimitsConfig::max_connections_per_address>(
        "max_connections_per_address",
        {.doc = "at once, of one IPv4 address or IPv6 /64; a site behind NAT is one address", .min = 1}),
    field<&LimitsConfig::max_connections_per_prefix>(
        "max_connections_per_prefix", {.doc = "at once, of one IPv4 /24 or IPv6 /48", .min = 1}),
    field<&LimitsConfig::max_half_open>(
        "max_half_open",
        {.doc = "connections without a complete CONNECT; the oldest gives way to a new one", .min = 1}),
    field<&LimitsConfig::max_half_open_per_address>(
        "max_half_open_per_address",
        {.doc = "likewise, of one IPv4 address or IPv6 /64: a flood from there displaces itself", .min = 1}),
    field<&LimitsConfig::max_refused_logins>(
        "max_refused_logins",
        {.doc = "of one IPv4 address or IPv6 /64 in a minute; further CONNECTs from there are refused "
                "unseen, for one second, then two, four, up to sixty; 0 never: right behind a balancer "
                "without PROXY protocol, where all clients have one address"}),
    field<&LimitsConfig::max_sessions>("max_sessions", {.doc = "with and without a connection", .min = 1}),
    field<&LimitsConfig::max_sessions_per_principal>("max_sessions_per_principal",
                                                     {.doc = "likewise, of one identity", .min = 1}),
    field<&LimitsConfig::max_offline_bytes>(
        "max_offline_bytes",
        {.unit = "bytes", .doc = "waiting for all sessions without a connection; what is more is dropped"}),
    field<&LimitsConfig::max_retained_messages>(
        "max_retained_messages",
        {.doc = "kept for all topics; when full, a PUBLISH with RETAIN is answered 0x97 (3.1.1: closed)"}),
    field<&LimitsConfig::max_retained_bytes>("max_retained_bytes",
                                             {.unit = "bytes", .doc = "likewise, topics and payloads"}),
    field<&LimitsConfig::connect_limit>(
        "connect_limit_ms", {.doc = "from the connection to its whole CONNECT", .min = 100, .max = 600'000}),
    field<&LimitsConfig::login_limit>("login_limit_ms",
                                      {.doc = "from CONNECT to its answer", .min = 100, .max = 600'000}),
};
constexpr FieldTable kLimitsTable{"limits", "What clients may ask of the broker.", kLimitsRows};

constexpr std::array<Field, 3> kAdminRows{
    field<&AdminConfig::enabled>("enabled", {.doc = "serve health and recent decisions over HTTP"}),
    field<&AdminConfig::address>("address", {.doc = "loopback only: it has no logins yet"}),
    field<&AdminConfig::port>("port", {.doc = "0 takes any free port"}),
};
constexpr FieldTable kAdminTable{"admin", "The admin port.", kAdminRows};

constexpr std::array<Field, 4> kLogsRows{
    field<&LogsConfig::access>("access", {.doc = "write the access log, in the lines of HiveMQ's"}),
    field<&LogsConfig::write_through>("write_through",
                                      {.doc = "each batch of lines reaches the disk at once"}),
    field<&LogsConfig::access_file>("access_file", {.doc = "below the data folder"}),
    field<&LogsConfig::audit_file>("audit_file", {.doc = "below the data folder; JSON lines"}),
};
constexpr FieldTable kLogsTable{"logs", "The logs of logins and decisions.", kLogsRows};

}  // namespace

std::string_view name_of(Dialect dialect) noexcept {
    switch (dialect) {
        case Dialect::Native:
            return "native";
        case Dialect::HivemqEse:
            return "hivemq-ese";
    }
    return "native";
}

std::string_view name_of(ListenerKind kind) noexcept {
    return kListenerKinds[static_cast<std::size_t>(kind)];
}

bool has_tls(ListenerKind kind) noexcept {
    return kind == ListenerKind::Tls || kind == ListenerKind::Wss;
}

bool is_websocket(ListenerKind kind) noexcept {
    return kind == ListenerKind::Ws || kind == ListenerKind::Wss;
}

const FieldTable& listener_fields() {
    return kListenerTable;
}
const FieldTable& broker_fields() {
    return kBrokerTable;
}
const FieldTable& limits_fields() {
    return kLimitsTable;
}
const FieldTable& admin_fields() {
    return kAdminTable;
}
const FieldTable& logs_fields() {
    return kLogsTable;
}

std::string_view RealmEntry::kind() const noexcept {
    if (std::holds_alternative<JwtRealmEntry>(settings)) return "jwt";
    if (std::holds_alternative<FileRealmEntry>(settings)) return "file";
    return std::get_if<UnsupportedRealm>(&settings)->element;
}

const RealmEntry* Configuration::realm(std::string_view name) const noexcept {
    for (const RealmEntry& entry : realms)
        if (entry.name == name) return &entry;
    return nullptr;
}

const PipelineConfig* Configuration::pipeline_of(std::string_view listener) const noexcept {
    const PipelineConfig* all = nullptr;
    for (const PipelineConfig& pipeline : pipelines) {
        if (pipeline.listener == listener) return &pipeline;
        if (pipeline.listener == "ALL") all = &pipeline;
    }
    return all;
}

broker::Settings settings_of(const LimitsConfig& limits) {
    broker::Settings settings;
    settings.packets.max_packet_bytes = limits.max_packet_bytes;
    settings.packets.max_connect_bytes = limits.max_connect_bytes;
    settings.receive_maximum = limits.receive_maximum;
    settings.max_session_expiry_s = limits.max_session_expiry_s;
    settings.max_keep_alive_s = limits.max_keep_alive_s;
    settings.max_queued_messages = limits.max_queued_messages;
    settings.max_queued_bytes = limits.max_queued_bytes;
    settings.max_subscriptions = limits.max_subscriptions;
    settings.max_inflight = limits.max_inflight;
    settings.packets.topic_alias_maximum = limits.topic_alias_maximum;
    settings.admission = {.connections = limits.max_connections,
                          .connections_per_address = limits.max_connections_per_address,
                          .connections_per_prefix = limits.max_connections_per_prefix,
                          .half_open = limits.max_half_open,
                          .half_open_per_address = limits.max_half_open_per_address};
    settings.login_throttle.refused_logins = limits.max_refused_logins;
    settings.quotas = {.sessions = limits.max_sessions,
                       .sessions_per_principal = limits.max_sessions_per_principal,
                       .offline_bytes = limits.max_offline_bytes,
                       .retained_messages = limits.max_retained_messages,
                       .retained_bytes = limits.max_retained_bytes};
    settings.connect_limit = limits.connect_limit;
    settings.login_limit = limits.login_limit;
    return settings;
}

}  // namespace latchkey::config
