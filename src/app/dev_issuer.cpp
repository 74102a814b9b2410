// See dev_issuer.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/dev_issuer.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "crypto/base64.h"

namespace latchkey::app {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> form_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out.push_back(' ');
        } else if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

net::HttpServerResponse oauth_error(int status, std::string_view error) {
    net::HttpServerResponse response;
    response.status = status;
    json::Writer(response.body).begin_object().field("error", error).end_object();
    response.headers = {{"Cache-Control", "no-store"}};
    return response;
}

/// The client that the request proves to be; null otherwise.
const DevClient* authenticated(const DevFolder& folder, const net::HttpServerRequest& request) {
    static constexpr std::string_view kBasic = "Basic ";
    std::optional<std::string> id;
    std::optional<std::string> secret;
    const std::string_view header = request.header("authorization");
    if (header.starts_with(kBasic)) {
        const auto decoded = crypto::base64_decode(header.substr(kBasic.size()));
        const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
        if (!decoded || colon == std::string::npos) return nullptr;
        id = form_decode(std::string_view(*decoded).substr(0, colon));
        secret = form_decode(std::string_view(*decoded).substr(colon + 1));
    } else {
        id = form_member(request.body, "client_id");
        secret = form_member(request.body, "client_secret");
    }
    if (!id || !secret) return nullptr;
    for (const DevClient& client : folder.clients())
        if (client.name == *id && client.secret.equals(*secret)) return &client;
    return nullptr;
}

net::HttpServerResponse token_response(const DevFolder& folder, Random& random, const Clock& clock,
                                       const net::HttpServerRequest& request) {
    if (form_member(request.body, "grant_type") != "client_credentials")
        return oauth_error(400, "unsupported_grant_type");
    const DevClient* client = authenticated(folder, request);
    if (client == nullptr) return oauth_error(401, "invalid_client");
    const auto token = dev_token(folder, client->name, random, clock.wall());
    if (!token) return oauth_error(500, "server_error");
    net::HttpServerResponse response;
    response.headers = {{"Cache-Control", "no-store"}};
    json::Writer(response.body)
        .begin_object()
        .field("access_token", *token)
        .field("token_type", "Bearer")
        .field("expires_in", 3600)
        .field("scope", "mqtt")
        .end_object();
    return response;
}

net::HttpServerResponse discovery_response(const DevFolder& folder) {
    const std::string issuer = folder.issuer();
    net::HttpServerResponse response;
    json::Writer json(response.body);
    json.begin_object().field("issuer", issuer);
    json.field("token_endpoint", issuer + "/token").field("jwks_uri", issuer + "/jwks");
    json.begin_array("grant_types_supported").string("client_credentials").end_array();
    json.begin_array("token_endpoint_auth_methods_supported");
    json.string("client_secret_basic").string("client_secret_post").end_array();
    json.end_object();
    return response;
}

}  // namespace

std::optional<std::string> form_member(std::string_view body, std::string_view name) {
    std::optional<std::string> found;
    while (!body.empty()) {
        const std::string_view pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(body.size(), pair.size() + 1));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        const auto key = form_decode(pair.substr(0, equals));
        if (key != name) continue;
        if (found) return std::nullopt;
        found = form_decode(pair.substr(equals + 1));
        if (!found) return std::nullopt;
    }
    return found;
}

Result<std::unique_ptr<net::HttpServer>> start_dev_issuer(DevFolder& folder, Random& random,
                                                          const Clock& clock) {
    const auto routes = [&] {
        const std::string base = "/" + folder.id();
        std::vector<net::HttpRoute> list;
        list.push_back({"POST", base + "/token", [&](const net::HttpServerRequest& request) {
                            return token_response(folder, random, clock, request);
                        }});
        list.push_back({"GET", base + "/jwks", [&folder](const net::HttpServerRequest&) {
                            return net::HttpServerResponse{.status = 200,
                                                           .content_type = "application/json",
                                                           .body = folder.signer().jwk_set(),
                                                           .headers = {}};
                        }});
        list.push_back({"GET", base + "/.well-known/openid-configuration",
                        [&folder](const net::HttpServerRequest&) { return discovery_response(folder); }});
        return list;
    };
    net::HttpServerOptions options;
    options.port = folder.issuer_port();
    auto server = net::HttpServer::start(options, routes());
    if (!server && options.port != 0) {
        options.port = 0;  // somebody else took it meanwhile; tokens of earlier starts end with the new name
        server = net::HttpServer::start(options, routes());
    }
    if (!server) return fail(server.error());
    LK_CHECK(folder.set_issuer_port((*server)->address().port));
    return server;
}

}  // namespace latchkey::app
