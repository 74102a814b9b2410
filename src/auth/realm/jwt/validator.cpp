// The rules on claims, one function each.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/validator.h"

#include <algorithm>
#include <array>

namespace latchkey::auth {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kYear9999 = 253'402'300'799;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(x) == lower(y);
    });
}

/// A media type may be written with or without "application/" (RFC 7515 4.1.9).
std::string_view media_subtype(std::string_view typ) {
    constexpr std::string_view kPrefix = "application/";
    if (typ.size() > kPrefix.size() && equal_ignoring_case(typ.substr(0, kPrefix.size()), kPrefix))
        typ.remove_prefix(kPrefix.size());
    return typ;
}

bool is_access_typ(std::optional<std::string_view> typ) {
    return typ && equal_ignoring_case(media_subtype(*typ), "at+jwt");
}

bool says_bearer(const json::Value& claims) {
    const std::string* kind = claims.find_string("typ");
    return kind != nullptr && (*kind == "Bearer" || *kind == "DPoP");
}

/// RFC 8725 3.12: kinds of tokens must not be taken for each other.
Result<void> check_kind(const json::Value& claims, std::optional<std::string_view> typ) {
    static constexpr std::array<std::string_view, 4> kForeignTypes{"logout+jwt", "secevent+jwt", "dpop+jwt",
                                                                   "token-introspection+jwt"};
    static constexpr std::array<std::string_view, 4> kForeignKinds{"ID", "Refresh", "Offline", "Logout"};
    static constexpr std::array<std::string_view, 3> kForeignClaims{"events", "at_hash", "c_hash"};
    if (typ)
        for (const std::string_view foreign : kForeignTypes)
            if (equal_ignoring_case(media_subtype(*typ), foreign)) return fail(kWrongKind, foreign);
    if (const std::string* kind = claims.find_string("typ"))
        for (const std::string_view foreign : kForeignKinds)
            if (equal_ignoring_case(*kind, foreign)) return fail(kWrongKind, foreign);
    for (const std::string_view foreign : kForeignClaims)
        if (claims.find(foreign) != nullptr) return fail(kWrongKind, foreign);
    // A nonce belongs to an ID token, unless something that only access tokens have stands beside it.
    const bool access = is_access_typ(typ) || says_bearer(claims) || claims.find("scope") != nullptr ||
                        claims.find("scp") != nullptr;
    if (claims.find("nonce") != nullptr && !access) return fail(kWrongKind, "nonce");
    return {};
}

bool has_evidence(const json::Value& claims, std::optional<std::string_view> typ) {
    static constexpr std::array<std::string_view, 6> kSigns{"scope", "scp",       "azp",
                                                            "appid", "client_id", "cid"};
    if (is_access_typ(typ)) return true;
    return std::ranges::any_of(kSigns, [&](std::string_view sign) { return claims.find(sign) != nullptr; });
}

Result<WallTime> check_times(const json::Value& claims, const JwtPolicy& policy, WallTime now) {
    const json::Value* exp = claims.find("exp");
    if (exp == nullptr) return fail(kBadTime, "exp");
    LK_TRY(const WallTime expires_at, time_claim(*exp, "exp"));
    if (const json::Value* nbf = claims.find("nbf")) {
        LK_TRY(const WallTime not_before, time_claim(*nbf, "nbf"));
        if (not_before > now + policy.leeway) return fail(kNotYetValid, "nbf");
    }
    if (const json::Value* iat = claims.find("iat")) {
        LK_TRY(const WallTime issued_at, time_claim(*iat, "iat"));
        if (issued_at > now + policy.leeway) return fail(kNotYetValid, "iat");
    }
    // RFC 7519 4.1.4: at exp itself the token is no longer good.
    if (now >= expires_at + std::max(policy.leeway, policy.exp_grace)) return fail(kExpired);
    return expires_at;
}

Result<void> check_scopes(const json::Value& claims, const JwtPolicy& policy) {
    if (policy.scopes.empty()) return {};
    const std::vector<std::string> held = scope_words(claims.find(policy.scope_claim));
    for (const std::string& scope : policy.scopes)
        if (std::ranges::find(held, scope) == held.end()) return fail(kScopeMissing, scope);
    return {};
}

std::string client_of(const json::Value& claims) {
    for (const std::string_view name : {"client_id", "azp", "cid", "appid"})
        if (const std::string* client = claims.find_string(name)) return *client;
    return {};
}

/// A client acts for itself when its subject is one of the names that it goes by (RFC 9068 5).
bool is_client_itself(const json::Value& claims, std::string_view subject) {
    for (const std::string_view name : {"client_id", "azp", "cid", "appid"})
        if (const std::string* client = claims.find_string(name); client != nullptr && *client == subject)
            return true;
    return false;
}

bool usable_subject(const std::string* subject) {
    return subject != nullptr && !subject->empty() && subject->find('\0') == std::string::npos;
}

Result<void> set_subject(JudgedToken& token, const json::Value& claims, const JwtPolicy& policy) {
    const std::string* sub = claims.find_string("sub");
    token.client = client_of(claims);
    if (policy.entra) {
        const std::string* tid = claims.find_string("tid");
        const std::string* oid = claims.find_string("oid");
        if (!usable_subject(tid) || !usable_subject(oid)) return fail(kNoSubject, "tid, oid");
        token.subject = *tid + "/" + *oid;
        const std::string* kind = claims.find_string("idtyp");
        token.is_client = (sub != nullptr && *sub == *oid) || (kind != nullptr && *kind == "app");
        return {};
    }
    if (!usable_subject(sub)) return fail(kNoSubject, "sub");
    token.subject = *sub;
    token.is_client = is_client_itself(claims, *sub);
    return {};
}

}  // namespace

Result<WallTime> time_claim(const json::Value& value, std::string_view name) {
    const json::Number* number = value.number();
    if (number == nullptr) return fail(kBadTime, name);
    const std::optional<std::int64_t> whole = number->floor_int64();
    if (!whole || *whole < 0 || *whole > kYear9999) return fail(kBadTime, name);
    return WallTime(seconds(*whole));
}

std::vector<std::string> scope_words(const json::Value* value) {
    std::vector<std::string> words;
    if (value == nullptr) return words;
    if (const std::string* text = value->string()) {
        std::string_view rest = *text;
        while (!rest.empty()) {
            const std::size_t space = rest.find(' ');
            if (space != 0) words.emplace_back(rest.substr(0, space));
            rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
        }
        return words;
    }
    const json::Array* list = value->array();
    if (list == nullptr) return words;
    for (const json::Value& item : *list) {
        const std::string* text = item.string();
        if (text == nullptr) return {};
        words.push_back(*text);
    }
    return words;
}

bool names_audience(const json::Value* value, const std::vector<std::string>& accepted) {
    if (value == nullptr) return false;
    const auto wanted = [&](const std::string& text) {
        return std::ranges::find(accepted, text) != accepted.end();
    };
    if (const std::string* text = value->string()) return wanted(*text);
    const json::Array* list = value->array();
    if (list == nullptr) return false;
    bool found = false;
    for (const json::Value& item : *list) {
        const std::string* text = item.string();
        if (text == nullptr) return false;  // not a list of audiences at all
        found = found || wanted(*text);
    }
    return found;
}

std::vector<std::string> entra_issuers(std::string_view tenant) {
    const std::string id(tenant);
    return {"https://login.microsoftonline.com/" + id + "/v2.0", "https://sts.windows.net/" + id + "/"};
}

Result<void> check_owner(const json::Value& claims, const JwtPolicy& policy) {
    const json::Value* iss = claims.find("iss");
    if (iss != nullptr && iss->string() == nullptr) return fail(kTokenMalformed, "iss");
    if (policy.issuers.empty()) return {};
    if (iss == nullptr) return fail(kForeignIssuer, "no iss");
    if (std::ranges::find(policy.issuers, *iss->string()) == policy.issuers.end())
        return fail(kForeignIssuer);
    return {};
}

Result<JudgedToken> judge(const json::Value& claims, std::optional<std::string_view> typ,
                          crypto::Algorithm algorithm, const JwtPolicy& policy, WallTime now) {
    if (!claims.is_object()) return fail(kTokenMalformed);
    LK_CHECK(check_owner(claims, policy));
    if (!policy.algorithms.has(algorithm)) return fail(kAlgorithmRefused, crypto::name_of(algorithm));
    LK_CHECK(check_kind(claims, typ));
    JudgedToken token;
    token.has_evidence = has_evidence(claims, typ);
    if (policy.require_evidence && !token.has_evidence) return fail(kNoEvidence);
    LK_TRY(token.expires_at, check_times(claims, policy, now));
    if (!policy.audiences.empty() && !names_audience(claims.find(policy.audience_claim), policy.audiences))
        return fail(kWrongAudience);
    LK_CHECK(check_scopes(claims, policy));
    LK_CHECK(set_subject(token, claims, policy));
    if (const std::string* iss = claims.find_string("iss")) token.issuer = *iss;
    return token;
}

}  // namespace latchkey::auth
