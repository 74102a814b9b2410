// Beast's parser reads the request; everything about WebSocket and MQTT is judged here. Extensions are never
// accepted: a compressing context costs ten times the memory of a connection.
// SPDX-License-Identifier: Apache-2.0
#include "net/websocket_upgrade.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/ascii.h"
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "net/errors.h"

namespace latchkey::net {
namespace {

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;

constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3

// The second is what clients of MQTT 3.1 ask for; in the order in which we prefer them.
constexpr std::string_view kSubprotocols[] = {"mqtt", "mqttv3.1"};

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

std::string_view text_of(const std::array<std::byte, 20>& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// RFC 7230 7: a list may be spread over several header lines.
template <class Wanted>
bool lists(const Request& request, http::field name, Wanted wanted) {
    const auto [first, last] = request.equal_range(name);
    for (auto line = first; line != last; ++line) {
        std::string_view rest = view(line->value());
        for (;;) {
            const std::size_t comma = rest.find(',');
            if (wanted(trimmed(rest.substr(0, comma)))) return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

bool has_token(const Request& request, http::field name, std::string_view token) {
    return lists(request, name, [&](std::string_view one) { return lower(one) == token; });
}

// The value of a header that stands there once.
std::optional<std::string_view> only(const Request& request, http::field name) {
    if (request.count(name) != 1) return std::nullopt;
    return trimmed(view(request[name]));
}

// RFC 6455 4.1, point 7: 16 bytes in base64. Clients that roll the characters themselves leave stray bits in
// the last one, which harms nobody.
bool is_key(std::string_view text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return text.size() == 24 && text.ends_with("==") && text.find_first_not_of(kAlphabet) == 22;
}

bool has_body(const Request& request) {
    if (request.count(http::field::transfer_encoding) != 0) return true;
    const auto [first, last] = request.equal_range(http::field::content_length);
    return std::any_of(first, last, [](const auto& line) { return view(line.value()) != "0"; });
}

// A page of somewhere else must not use its visitor's network, certificate or loopback (RFC 6455 10.2),
// whatever name it has given that. Clients that are no browser may send an Origin all the same (Paho for
// Python: its own address): every browser says its User-Agent, and they do not.
bool origin_allowed(const Request& request, const WebSocketOptions& options) {
    if (request.count(http::field::origin) == 0) return true;
    const auto origin = only(request, http::field::origin);
    if (!origin) return false;
    const std::string asked = lower(*origin);
    const std::size_t scheme = asked.find("://");
    const auto host = only(request, http::field::host);
    const bool browser = request.count(http::field::user_agent) != 0;
    if (!browser && scheme != std::string::npos && host && asked.substr(scheme + 3) == lower(*host))
        return true;
    return std::ranges::any_of(options.allowed_origins, [&](const std::string& allowed) {
        return allowed == "*" || lower(allowed) == asked;
    });
}

// Subprotocol names are compared as they are (RFC 6455 11.3.4).
std::string_view choose_subprotocol(const Request& request) {
    for (const std::string_view ours : kSubprotocols)
        if (lists(request, http::field::sec_websocket_protocol,
                  [&](std::string_view one) { return one == ours; }))
            return ours;
    return {};
}

const ErrorInfo* judge(const Request& request, const WebSocketOptions& options) {
    const std::string_view target = view(request.target());
    if (request.method() != http::verb::get) return &kUpgradeMethod;
    if (request.version() != 11 || !only(request, http::field::host) || has_body(request))
        return &kUpgradeMalformed;
    if (target.substr(0, target.find('?')) != options.path) return &kUpgradePath;
    if (!has_token(request, http::field::upgrade, "websocket") ||
        !has_token(request, http::field::connection, "upgrade"))
        return &kUpgradeMissing;
    if (only(request, http::field::sec_websocket_version) != "13") return &kUpgradeVersion;
    const auto key = only(request, http::field::sec_websocket_key);
    if (!key || !is_key(*key)) return &kUpgradeMalformed;
    if (!origin_allowed(request, options)) return &kUpgradeOrigin;
    if (choose_subprotocol(request).empty()) return &kUpgradeSubprotocol;
    return nullptr;
}

struct Status {
    const ErrorInfo& error;
    std::string_view line;
    std::string_view header;
};
constexpr Status kStatuses[] = {
    {kUpgradeMalformed, "400 Bad Request", ""},
    {kUpgradeSubprotocol, "400 Bad Request", ""},
    {kUpgradeOrigin, "403 Forbidden", ""},
    {kUpgradePath, "404 Not Found", ""},
    {kUpgradeMethod, "405 Method Not Allowed", "Allow: GET\r\n"},
    {kUpgradeMissing, "426 Upgrade Required", "Upgrade: websocket\r\n"},
    {kUpgradeVersion, "426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
    {kUpgradeTooLarge, "431 Request Header Fields Too Large", ""},
};

}  // namespace

UpgradeAnswer refuse_upgrade(const ErrorInfo& why) {
    const auto status =
        std::ranges::find_if(kStatuses, [&](const Status& one) { return &one.error == &why; });
    const Status& chosen = status == std::end(kStatuses) ? kStatuses[0] : *status;
    const std::string body = std::string(why.text) + ": " + std::string(why.remedy) + "\n";
    UpgradeAnswer answer{.response = "HTTP/1.1 ", .refused = &why};
    answer.response.append(chosen.line).append("\r\n").append(chosen.header);
    answer.response +=
        "Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
    answer.response +=
        "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return answer;
}

UpgradeAnswer answer_upgrade(std::string_view head, const WebSocketOptions& options) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(kMaxUpgradeBytes));
    parser.eager(false);
    boost::system::error_code code;
    LK_IGNORE(parser.put(boost::asio::buffer(head.data(), head.size()), code), "whole, or an error");
    if (code == http::error::header_limit) return refuse_upgrade(kUpgradeTooLarge);
    if (code || !parser.is_header_done()) return refuse_upgrade(kUpgradeMalformed);
    const Request& request = parser.get();
    if (const ErrorInfo* refused = judge(request, options)) return refuse_upgrade(*refused);

    std::string key(*only(request, http::field::sec_websocket_key));
    key.append(kKeySuffix);
    UpgradeAnswer answer{.response =
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: "};
    answer.response += crypto::base64_encode(text_of(crypto::sha1(key)));
    // [MQTT-6.0.0-4]: the name that was chosen, exactly.
    answer.response.append("\r\nSec-WebSocket-Protocol: ").append(choose_subprotocol(request));
    answer.response += "\r\n\r\n";
    return answer;
}

}  // namespace latchkey::net
