// Recognising dialects, and the listener flag.
// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include <fmt/core.h>

#include "config/errors.h"
#include "config/ese.h"
#include "config/native.h"
#include "config/xml_scan.h"

namespace latchkey::config {
namespace {

std::string_view skip_blank(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

/// The first line that holds something else than a `#` comment.
std::string_view first_line(std::string_view text) {
    text = skip_blank(text);
    while (text.starts_with('#'))
        text = skip_blank(text.substr(std::min(text.find('\n'), text.size())));
    std::string_view line = text.substr(0, text.find('\n'));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.remove_suffix(1);
    return line;
}

/// mosquitto.conf is `word value` on each line, without `=` or `[`; its first word tells.
bool is_mosquitto(std::string_view text) {
    static constexpr std::array<std::string_view, 30> kWords{"listener",
                                                             "allow_anonymous",
                                                             "password_file",
                                                             "acl_file",
                                                             "plugin",
                                                             "auth_plugin",
                                                             "persistence",
                                                             "log_dest",
                                                             "log_type",
                                                             "port",
                                                             "bind_address",
                                                             "cafile",
                                                             "certfile",
                                                             "keyfile",
                                                             "per_listener_settings",
                                                             "pid_file",
                                                             "user",
                                                             "include_dir",
                                                             "connection",
                                                             "protocol",
                                                             "max_queued_messages",
                                                             "max_inflight_messages",
                                                             "persistence_location",
                                                             "persistent_client_expiration",
                                                             "require_certificate",
                                                             "use_identity_as_username",
                                                             "tls_version",
                                                             "global_plugin",
                                                             "plugin_load",
                                                             "socket_domain"};
    const std::string_view line = first_line(text);
    const std::size_t space = line.find_first_of(" \t");
    if (space == std::string_view::npos || line.find('=') < line.find_first_of("\"'/")) return false;
    return std::ranges::find(kWords, line.substr(0, space)) != kWords.end();
}

/// XML whose root is ActiveMQ's broker, or the Spring file around it, or Artemis's.
bool is_activemq(std::string_view text) {
    if (text.find("activemq.apache.org/schema") != std::string_view::npos) return true;
    return text.find("<broker ") != std::string_view::npos ||
           text.find("urn:activemq") != std::string_view::npos;
}

enum class Recognised : unsigned char { Native, Xml, Mosquitto, ActiveMq };

Recognised recognise(std::string_view text) {
    const std::string_view start = skip_blank(text);
    // A full-width < or a tag glued behind pasted characters still means XML: the reader names the character.
    const bool xml = start.starts_with('<') || start.starts_with("\xEF\xBC\x9C") ||
                     (start.find("<?xml") < 64) || (start.find("<enterprise-security-extension") < 4096);
    if (xml) return is_activemq(text) ? Recognised::ActiveMq : Recognised::Xml;
    return is_mosquitto(text) ? Recognised::Mosquitto : Recognised::Native;
}

void check_kinds(const Configuration& configuration, const LoadOptions& options, Faults& faults) {
    for (const ListenerConfig& listener : configuration.listeners) {
        if (std::ranges::find(options.listener_kinds, listener.kind) != options.listener_kinds.end())
            continue;
        std::string known;
        for (const ListenerKind kind : options.listener_kinds)
            known += fmt::format("{}{}", known.empty() ? "" : ", ", name_of(kind));
        faults.error(listener.at,
                     fmt::format("listener kind {} is not supported by this version", name_of(listener.kind)),
                     "use one of: " + known);
    }
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) return fail(kBadListenerFlag, "port");
    return port;
}

Result<void> parse_option(std::string_view option, ListenerConfig& listener) {
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos || equals + 1 == option.size())
        return fail(kBadListenerFlag, fmt::format("\"{}\" is no NAME=VALUE", option));
    const std::string value(option.substr(equals + 1));
    const std::string_view key = option.substr(0, equals);
    std::string* member = key == "name"        ? &listener.name
                          : key == "cert"      ? &listener.certificate
                          : key == "key"       ? &listener.key
                          : key == "client-ca" ? &listener.client_ca
                          : key == "path"      ? &listener.path
                                               : nullptr;
    if (member == nullptr) return fail(kBadListenerFlag, fmt::format("unknown option \"{}\"", key));
    if (!member->empty()) return fail(kBadListenerFlag, fmt::format("\"{}\" is given twice", key));
    *member = value;
    return {};
}

}  // namespace

Result<ListenerConfig> parse_listener_flag(std::string_view text) {
    ListenerConfig listener;
    listener.from_flag = true;
    listener.at = {"--listener " + std::string(text), 1, 1};
    std::string_view head = text.substr(0, text.find(','));
    std::string_view options = text.substr(head.size());
    const std::size_t colon = head.find(':');
    if (colon == std::string_view::npos) return fail(kBadListenerFlag, "no port");
    const auto kind = std::ranges::find(kListenerKinds, head.substr(0, colon));
    if (kind == std::end(kListenerKinds))
        return fail(kBadListenerFlag, fmt::format("unknown kind \"{}\"", head.substr(0, colon)));
    listener.kind = static_cast<ListenerKind>(kind - std::begin(kListenerKinds));
    head.remove_prefix(colon + 1);
    const std::size_t last = head.rfind(':');
    if (last != std::string_view::npos) {
        std::string_view address = head.substr(0, last);
        head.remove_prefix(last + 1);
        const bool bracketed = address.starts_with('[') && address.ends_with(']');
        if (bracketed) address = address.substr(1, address.size() - 2);
        if (address.empty()) return fail(kBadListenerFlag, "empty address");
        if (!bracketed && address.find(':') != std::string_view::npos)
            return fail(kBadListenerFlag, "an IPv6 address stands in brackets, as [::1]");
        listener.address = address;
    }
    LK_TRY(listener.port, parse_port(head));
    while (!options.empty()) {
        options.remove_prefix(1);
        const std::string_view option = options.substr(0, options.find(','));
        LK_CHECK(parse_option(option, listener));
        options.remove_prefix(option.size());
    }
    if (!listener.client_ca.empty()) listener.client_certificate = net::ClientCertificate::Required;
    return listener;
}

Loaded load_text(const std::string& path, std::string_view text, const LoadOptions& options) {
    Loaded loaded;
    Configuration configuration;
    const Position start{path, 1, 1};
    switch (text.size() > kMaxFileBytes ? Recognised::Native : recognise(text)) {
        case Recognised::Native:
            configuration = read_native(path, text, options.surroundings, loaded.faults);
            break;
        case Recognised::Xml:
            configuration =
                read_ese(path, text, options.allow_plain_http, options.surroundings, loaded.faults);
            break;
        case Recognised::Mosquitto:
            loaded.faults.error(start,
                                "this is a mosquitto.conf, which this version recognises but cannot run yet",
                                "write native TOML, or an ESE config");
            return loaded;
        case Recognised::ActiveMq:
            loaded.faults.error(
                start, "this is an ActiveMQ configuration, which this version recognises but cannot run yet",
                "write native TOML, or an ESE config");
            return loaded;
    }
    if (!options.listeners.empty()) configuration.listeners = options.listeners;
    check_kinds(configuration, options, loaded.faults);
    finish(configuration, loaded.faults);
    if (!loaded.faults.has_errors()) loaded.configuration = std::move(configuration);
    return loaded;
}

Loaded load(const std::string& path, const LoadOptions& options) {
    const auto text = options.surroundings.read_file(path);
    if (text) return load_text(path, *text, options);
    Loaded loaded;
    loaded.faults.error({path, 1, 1}, "the file cannot be read",
                        "check the path, its permissions, and its size: at most 1 MiB");
    return loaded;
}

}  // namespace latchkey::config
