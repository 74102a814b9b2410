// See listener_transport.h.
// SPDX-License-Identifier: Apache-2.0
#include "config/listener_transport.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace latchkey::config {
namespace {

constexpr std::size_t kMaxPathBytes = 256;

bool visible(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

// As the request line has it: no query, no fragment.
bool is_path(std::string_view path) {
    return path.starts_with('/') && path.size() <= kMaxPathBytes && visible(path) &&
           path.find_first_of("?#") == std::string_view::npos;
}

// RFC 6454 6.2: scheme://host[:port] and nothing behind it. "null" is what a page from a file sends.
bool is_origin(std::string_view text) {
    if (text == "*" || text == "null") return true;
    const std::size_t scheme = text.find("://");
    return scheme != std::string_view::npos && scheme > 0 && scheme + 3 < text.size() && visible(text) &&
           text.find_first_of("/?#@", scheme + 3) == std::string_view::npos;
}

void judge_websocket(const ListenerConfig& listener, Faults& faults) {
    if (!is_websocket(listener.kind)) {
        if (listener.path.empty() && listener.allowed_origins.empty()) return;
        faults.error(listener.at,
                     fmt::format("listener {} is {}, which has no {}", listener.name, name_of(listener.kind),
                                 listener.path.empty() ? "origins" : "path"),
                     listener.kind == ListenerKind::Tcp ? "is kind ws meant?" : "is kind wss meant?");
        return;
    }
    if (!listener.path.empty() && !is_path(listener.path))
        faults.error(listener.at, fmt::format("path \"{}\" is no path of a request", listener.path),
                     "begin it with /, without ?, # and blanks, as /mqtt");
    for (const std::string& origin : listener.allowed_origins)
        if (!is_origin(origin))
            faults.error(listener.at, fmt::format("\"{}\" in allowed_origins is no origin", origin),
                         "write it as browsers do, as https://app.example or http://localhost:3000");
}

void judge_proxy(const ListenerConfig& listener, Faults& faults) {
    if (listener.proxy_protocol && listener.proxy_from.empty())
        faults.error(listener.at,
                     fmt::format("listener {} has proxy_protocol without proxy_from", listener.name),
                     "list the load balancers: who is not listed could claim any address");
    if (!listener.proxy_protocol && !listener.proxy_from.empty())
        faults.error(listener.at,
                     fmt::format("listener {} has proxy_from without proxy_protocol", listener.name),
                     "write proxy_protocol = true, or remove proxy_from");
    for (const std::string& text : listener.proxy_from) {
        const auto range = net::parse_address_range(text);
        if (!range)
            faults.error(listener.at, fmt::format("\"{}\" in proxy_from is no address or prefix", text),
                         std::string(range.error().info().remedy));
        else if (range->bits == 0)
            faults.warning(listener.at,
                           fmt::format("listener {} believes the PROXY header of everybody", listener.name),
                           "list the load balancers alone");
    }
}

}  // namespace

void judge_listener_transport(const ListenerConfig& listener, Faults& faults) {
    judge_websocket(listener, faults);
    judge_proxy(listener, faults);
}

std::shared_ptr<const net::WebSocketOptions> websocket_options(const ListenerConfig& listener) {
    if (!is_websocket(listener.kind)) return nullptr;
    net::WebSocketOptions options;
    if (!listener.path.empty()) options.path = listener.path;
    options.allowed_origins = listener.allowed_origins;
    return std::make_shared<const net::WebSocketOptions>(std::move(options));
}

std::shared_ptr<const net::ProxyRules> proxy_rules(const ListenerConfig& listener) {
    if (!listener.proxy_protocol) return nullptr;
    net::ProxyRules rules;
    for (const std::string& text : listener.proxy_from)
        if (const auto range = net::parse_address_range(text)) rules.from.push_back(*range);
    return std::make_shared<const net::ProxyRules>(std::move(rules));
}

}  // namespace latchkey::config
