// `latchkey token`: obtain, make, show.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>

#include <fmt/core.h>

#include "app/cli.h"
#include "app/dev_folder.h"
#include "app/errors.h"
#include "app/files.h"
#include "auth/realm/jwt/introspection.h"
#include "base/json.h"
#include "base/utf8.h"
#include "crypto/base64.h"
#include "crypto/jws.h"
#include "net/http_client.h"
#include "store/identity.h"

namespace latchkey::app {
namespace {

constexpr Duration kPatience = std::chrono::seconds(15);

int failed(const Error& error) {
    complain(error.message());
    return kFailed;
}

/// To the file, readable by its owner alone, or to standard output.
int give_out(const std::string& token, const std::string& file) {
    if (file.empty()) {
        std::puts(token.c_str());
        return kOk;
    }
    if (const auto written = store::replace_file(file, token + "\n", 0600); !written)
        return failed(written.error());
    return kOk;
}

Result<std::string> token_endpoint(const TokenFetchArgs& args, const Clock& clock) {
    if (!args.token_url.empty()) return args.token_url;
    net::HttpRequest request;
    request.url = args.issuer + (args.issuer.ends_with('/') ? "" : "/") + ".well-known/openid-configuration";
    request.ca_file = args.ca_file;
    request.allow_plain_http = args.allow_plain_http;
    request.deadline = clock.mono() + kPatience;
    LK_TRY(const net::HttpResponse response, net::fetch_blocking(clock, std::move(request)));
    const auto document = json::parse(response.body);
    if (response.status != 200 || !document) return fail(kNoTokenEndpoint, args.issuer);
    // OpenID Connect Discovery 4.3: a document that speaks for somebody else is not believed.
    const std::string* issuer = document->find_string("issuer");
    if (issuer == nullptr || *issuer != args.issuer)
        return fail(kNoTokenEndpoint, "the document is about " + (issuer == nullptr ? "nobody" : *issuer));
    const std::string* endpoint = document->find_string("token_endpoint");
    if (endpoint == nullptr) return fail(kNoTokenEndpoint, args.issuer);
    return *endpoint;
}

Result<std::string> fetch_token(const TokenFetchArgs& args, const Clock& clock) {
    LK_TRY(const Secret secret, read_secret_file(args.client_secret_file));
    net::HttpRequest request;
    LK_TRY(request.url, token_endpoint(args, clock));
    request.method = net::HttpMethod::Post;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    std::string body = "grant_type=client_credentials";
    if (!args.scope.empty()) body += "&scope=" + auth::form_encode(args.scope);
    if (!args.audience.empty()) body += "&audience=" + auth::form_encode(args.audience);
    request.body = Secret(body);
    request.basic = auth::basic_credentials(args.client_id, secret, auth::ClientAuth::Basic);
    request.ca_file = args.ca_file;
    request.allow_plain_http = args.allow_plain_http;
    request.deadline = clock.mono() + kPatience;
    LK_TRY(const net::HttpResponse response, net::fetch_blocking(clock, std::move(request)));
    const auto answer = json::parse(response.body);
    const std::string* token = answer ? answer->find_string("access_token") : nullptr;
    if (response.status != 200 || token == nullptr) {
        const std::string* error = answer ? answer->find_string("error") : nullptr;
        return fail(kTokenRefused,
                    fmt::format("HTTP {}{}", response.status, error == nullptr ? "" : ", " + *error));
    }
    return args.json ? response.body : *token;
}

/// NAME=VALUE with a JSON value, or else a text.
void add_claim(json::Writer& json, const std::string& claim) {
    const std::size_t equals = claim.find('=');
    const std::string text = equals == std::string::npos ? std::string() : claim.substr(equals + 1);
    json.key(claim.substr(0, equals));
    const auto value = json::parse(text);
    if (value)
        json.value(*value);
    else
        json.string(text);
}

struct MintKey {
    crypto::Signer signer;
    std::string issuer;
    std::string audience;
};

Result<MintKey> mint_key(const TokenMintArgs& args) {
    if (!args.dev.empty()) {
        LK_TRY(DevFolder folder, DevFolder::load(absolute_path(args.dev)));
        LK_TRY(const std::string pem, read_file(folder.file("issuer-key.pem")));
        LK_TRY(crypto::Signer signer, crypto::Signer::from_pem(Secret(pem), crypto::Algorithm::Es256));
        return MintKey{std::move(signer), folder.issuer(), folder.audience()};
    }
    const auto algorithm = crypto::find_algorithm(args.algorithm);
    if (!algorithm) return fail(kTokenMalformed, "unknown algorithm " + args.algorithm);
    LK_TRY(const std::string pem, read_file(args.key));
    LK_TRY(crypto::Signer signer, crypto::Signer::from_pem(Secret(pem), *algorithm));
    return MintKey{std::move(signer), {}, {}};
}

std::string mint_claims(const TokenMintArgs& args, const MintKey& key, std::int64_t now, Random& random) {
    std::string claims;
    json::Writer json(claims);
    json.begin_object();
    const std::string& issuer = args.issuer.empty() ? key.issuer : args.issuer;
    const std::string& audience = args.audience.empty() ? key.audience : args.audience;
    if (!issuer.empty()) json.field("iss", issuer);
    if (!audience.empty()) json.field("aud", audience);
    json.field("sub", args.subject).field("client_id", args.subject);
    if (!args.roles.empty()) json.field("roles", std::span<const std::string>(args.roles));
    json.field("iat", std::min(now, now + args.lifetime_s)).field("exp", now + args.lifetime_s);
    json.field("jti", random_name(random));
    for (const std::string& claim : args.claims)
        add_claim(json, claim);
    json.end_object();
    return claims;
}

struct Opened {
    json::Value header;
    json::Value claims;
};

Result<Opened> open_token(std::string_view token) {
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos) return fail(kTokenMalformed);
    const auto header = crypto::base64url_decode(token.substr(0, first));
    const auto claims = crypto::base64url_decode(token.substr(first + 1, second - first - 1));
    if (!header || !claims) return fail(kTokenMalformed);
    LK_TRY(json::Value header_value, json::parse(*header));
    LK_TRY(json::Value claims_value, json::parse(*claims));
    if (!header_value.is_object() || !claims_value.is_object()) return fail(kTokenMalformed);
    return Opened{std::move(header_value), std::move(claims_value)};
}

Result<void> check_signature(std::string_view token, const std::string& jwks) {
    LK_TRY(const std::string text, read_file(jwks));
    LK_TRY(const crypto::JwkSet keys, crypto::parse_jwk_set(text));
    LK_TRY(const crypto::ParsedJws parsed, crypto::parse_compact(token));
    LK_TRY(const crypto::Key* key, crypto::verify(parsed, keys, crypto::kAsymmetric));
    LK_IGNORE(key, "which of the keys does not matter here");
    return {};
}

/// "exp 1764025200 (2025-11-24T23:00:00Z)" for the claims that are times.
std::string times_of(const json::Value& claims) {
    std::string out;
    for (const char* name : {"iat", "nbf", "exp"}) {
        const json::Value* value = claims.find(name);
        const json::Number* number = value == nullptr ? nullptr : value->number();
        const auto seconds = number == nullptr ? std::nullopt : number->floor_int64();
        if (!seconds || *seconds < 0 || *seconds > 253'402'300'799) continue;
        const std::time_t time = *seconds;
        std::tm parts{};
        ::gmtime_r(&time, &parts);
        out += fmt::format("{}: {:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z\n", name, parts.tm_year + 1900,
                           parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    }
    return out;
}

}  // namespace

int run_token_fetch(const TokenFetchArgs& args) {
    const SystemClock clock;
    const auto token = fetch_token(args, clock);
    return token ? give_out(*token, args.out) : failed(token.error());
}

int run_token_mint(const TokenMintArgs& args) {
    const SystemClock clock;
    SystemRandom random;
    const auto key = mint_key(args);
    if (!key) return failed(key.error());
    const std::int64_t now =
        std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
    const std::string claims = mint_claims(args, *key, now, random);
    if (const auto readable = json::parse(claims); !readable)
        return failed(readable.error());  // a claim twice
    const auto token = key->signer.sign_compact(key->signer.header(args.type), claims);
    return token ? give_out(*token, args.out) : failed(token.error());
}

int run_token_decode(const TokenDecodeArgs& args) {
    const auto text = read_file(args.token_file.empty() ? "-" : args.token_file);
    if (!text) return failed(text.error());
    std::string_view token = *text;
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
        token.remove_suffix(1);
    const auto opened = open_token(token);
    if (!opened) return failed(opened.error());
    std::string signature = "not checked; give --jwks FILE to check it";
    bool good = true;
    if (!args.jwks.empty()) {
        const auto checked = check_signature(token, args.jwks);
        good = checked.has_value();
        signature = good ? "good" : "NOT good: " + checked.error().message();
    }
    if (args.json) {
        std::string out;
        json::Writer json(out);
        json.begin_object().key("header").value(opened->header).key("claims").value(opened->claims);
        json.field("signature", signature).end_object();
        std::puts(out.c_str());
    } else {
        const std::string out =
            fmt::format("header: {}\nclaims: {}\n{}signature: {}\n", json::write(opened->header),
                        json::write(opened->claims), times_of(opened->claims), signature);
        std::fputs(out.c_str(), stdout);
    }
    return good ? kOk : kFailed;
}

}  // namespace latchkey::app
