// Field rows and load checks of the jwt realm.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/errors.h"
#include "auth/realm/jwt/validator.h"
#include "net/http_client.h"

namespace latchkey::auth {
namespace {

constexpr std::array<std::string_view, 2> kClientAuthChoices{"basic", "basic-raw"};

constexpr std::array<Field, 11> kRealmFields{
    field<&JwtRealmConfig::jwks_url>(
        "jwks_url", {.xml = "jwks-endpoint", .kind = FieldKind::Url, .doc = "where the provider's keys are"}),
    field<&JwtRealmConfig::jwks_file>(
        "jwks_file", {.kind = FieldKind::Path, .doc = "the provider's keys in a file, in place of jwks_url"}),
    field<&JwtRealmConfig::jwks_cache>(
        "jwks_cache_s", {.xml = "jwks-cache-duration",
                         .doc = "how long keys are used before they are asked for again, where the answer's "
                                "Cache-Control does not say",
                         .min = 1,
                         .max = 86'400}),
    field<&JwtRealmConfig::introspection_url>(
        "introspection_url", {.xml = "introspection-endpoint",
                              .kind = FieldKind::Url,
                              .doc = "asked at each login whether the token is still active"}),
    field<&JwtRealmConfig::introspection_cache>(
        "introspection_cache_s",
        {.doc = "how long the answer that a token is active is believed; 0 asks every time", .max = 60}),
    field<&JwtRealmConfig::client_id>("client_id", {.doc = "the broker's own client id, for introspection"}),
    field<&JwtRealmConfig::client_secret>("client_secret", {.doc = "and its secret"}),
    field<&JwtRealmConfig::client_auth>(
        "client_auth",
        {.doc = "basic form-encodes id and secret as RFC 6749 demands; basic-raw is for servers "
                "that do not decode",
         .choices = kClientAuthChoices}),
    field<&JwtRealmConfig::ca_file>(
        "ca_file", {.xml = "ssl-trust-store",
                    .kind = FieldKind::Path,
                    .doc = "PEM certificates to trust for the provider in place of the system's"}),
    field<&JwtRealmConfig::allow_plain_http>(
        "allow_plain_http", {.doc = "talk to the provider without TLS, and not only on this machine"}),
    field<&JwtRealmConfig::algorithms>(
        "algorithms", {.default_text = "all with a public key",
                       .doc = "signature algorithms to accept: RS256, PS256, ES256 (384, 512), EdDSA"}),
};

constexpr std::array<Field, 2> kSimpleAuthFields{
    field<&JwtSimpleAuth::user_name>("client_id", {.xml = "username|user-name", .required = true}),
    field<&JwtSimpleAuth::password>("client_secret", {.xml = "password", .required = true}),
};

constexpr std::array<Field, 10> kCheckFields{
    field<&JwtCheckConfig::issuer>(
        "issuer", {.xml = "iss", .doc = "accepted iss values; \"any\" switches the check off"}),
    field<&JwtCheckConfig::audience>("audience",
                                     {.xml = "aud", .doc = "the token's aud must hold one of these"}),
    field<&JwtCheckConfig::audience_claim>("audience_claim", {.doc = "the claim read as audience"}),
    field<&JwtCheckConfig::scope>("scope", {.xml = "scope", .doc = "scopes that the token must all hold"}),
    field<&JwtCheckConfig::scope_claim>(
        "scope_claim", {.xml = "@alt", .doc = "the claim read as scope: a text or a list of texts"}),
    field<&JwtCheckConfig::leeway>("leeway_s",
                                   {.doc = "clock difference forgiven for exp, nbf and iat", .max = 300}),
    field<&JwtCheckConfig::exp_grace>(
        "exp_grace_s", {.xml = "exp-grace", .doc = "how long after exp a token still passes", .max = 86'400}),
    field<&JwtCheckConfig::disconnect_after_expiry>(
        "disconnect_after_expiry", {.xml = "@disconnect-after-expiry",
                                    .doc = "end the connection when its token, with grace, has expired"}),
    field<&JwtCheckConfig::require_evidence>(
        "require_access_token",
        {.doc = "demand a sign that it is an access token: typ at+jwt, a scope, or a client id"}),
    field<&JwtCheckConfig::max_token_bytes>("max_token_bytes",
                                            {.doc = "longer tokens are refused", .min = 512, .max = 65'535}),
};

constexpr FieldTable kRealmTable{
    "realm.jwt", "An OAuth provider whose signed access tokens are the passwords.", kRealmFields};
constexpr FieldTable kSimpleAuthTable{"simple-auth", "The broker's own credentials at the provider.",
                                      kSimpleAuthFields};
constexpr FieldTable kCheckTable{"realm.jwt.check", "What a token must satisfy.", kCheckFields};

constexpr std::string_view kEntraHost = "https://login.microsoftonline.com/";
constexpr std::string_view kEntraV1 = "https://sts.windows.net/";

bool is_guid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

bool is_entra(std::string_view url) {
    return url.starts_with(kEntraHost) || url.starts_with(kEntraV1);
}

void check_endpoint(std::string_view what, const std::string& url, bool plain, const Position& at,
                    Faults& faults) {
    if (url.empty()) return;
    const Result<void> usable = net::check_url(url, plain);
    if (usable) return;
    const ErrorInfo& info = usable.error().info();
    faults.error(at, std::string(what) + " '" + url + "': " + std::string(info.text),
                 std::string(info.remedy));
}

}  // namespace

const FieldTable& jwt_realm_fields() {
    return kRealmTable;
}

const FieldTable& jwt_simple_auth_fields() {
    return kSimpleAuthTable;
}

const FieldTable& jwt_check_fields() {
    return kCheckTable;
}

JwtCheckConfig ese_check_defaults() {
    JwtCheckConfig check;
    check.leeway = std::chrono::seconds(0);
    check.require_evidence = false;
    return check;
}

void validate(const JwtRealmConfig& realm, const Position& at, Faults& faults) {
    if (realm.jwks_url.empty() == realm.jwks_file.empty())
        faults.error(at, "jwt realm '" + realm.name + "' needs exactly one source of keys",
                     std::string(kNoKeySource.remedy));
    check_endpoint("key set", realm.jwks_url, realm.allow_plain_http, at, faults);
    check_endpoint("introspection", realm.introspection_url, realm.allow_plain_http, at, faults);
    if (const auto algorithms = parse_algorithms(realm.algorithms); !algorithms)
        faults.error(at, "algorithm '" + std::string(algorithms.error().detail()) + "' cannot be allowed",
                     std::string(kBadAlgorithm.remedy));
    if (realm.introspection_url.empty() && !realm.client_id.empty())
        faults.warning(at, "jwt realm '" + realm.name + "': " + std::string(kUnusedCredentials.text),
                       std::string(kUnusedCredentials.remedy));
    if (!realm.introspection_url.empty() && realm.client_id.empty())
        faults.error(
            at, "jwt realm '" + realm.name + "' asks for introspection without credentials",
            "providers answer it only to a known client: set client_id and client_secret (simple-auth)");
}

void validate(const JwtRealmConfig& realm, const JwtCheckConfig& check, const Position& at, bool native,
              Faults& faults) {
    const Result<JwtPolicy> policy = make_policy(realm, check);
    if (!policy) {
        faults.error(at,
                     std::string(policy.error().info().text) + ": " + std::string(policy.error().detail()),
                     std::string(policy.error().info().remedy));
        return;
    }
    if (policy->audiences.empty() && policy->issuers.empty())
        faults.warning(at, "realm '" + realm.name + "': " + std::string(kNoAudienceOrIssuer.text),
                       std::string(kNoAudienceOrIssuer.remedy));
    if (!check.disconnect_after_expiry)
        faults.warning(at, "realm '" + realm.name + "': " + std::string(kNoDisconnect.text),
                       std::string(kNoDisconnect.remedy));
    if (native && !check.require_evidence)
        faults.warning(at, "realm '" + realm.name + "': " + std::string(kNoEvidenceNeeded.text));
}

Result<crypto::AlgorithmSet> parse_algorithms(const std::vector<std::string>& names) {
    if (names.empty()) return crypto::kAsymmetric;
    crypto::AlgorithmSet set;
    for (const std::string& name : names) {
        const std::optional<crypto::Algorithm> algorithm = crypto::find_algorithm(name);
        if (!algorithm || !crypto::kAsymmetric.has(*algorithm)) return fail(kBadAlgorithm, name);
        set.add(*algorithm);
    }
    return set;
}

std::string entra_tenant(std::string_view jwks_url) {
    if (!jwks_url.starts_with(kEntraHost)) return {};
    const std::string_view path = jwks_url.substr(kEntraHost.size());
    const std::string_view tenant = path.substr(0, path.find('/'));
    return is_guid(tenant) ? std::string(tenant) : std::string();
}

Result<JwtPolicy> make_policy(const JwtRealmConfig& realm, const JwtCheckConfig& check) {
    JwtPolicy policy;
    policy.realm = realm.name;
    LK_TRY(policy.algorithms, parse_algorithms(realm.algorithms));
    const bool any = std::ranges::find(check.issuer, "any") != check.issuer.end();
    if (any && check.issuer.size() != 1) return fail(kBadRange, "issuer: \"any\" stands alone");
    if (!any) policy.issuers = check.issuer;
    // Entra ID signs for every tenant with the same keys: a key URL with a tenant in it means that tenant.
    const std::string tenant = entra_tenant(realm.jwks_url);
    if (check.issuer.empty() && !tenant.empty()) policy.issuers = entra_issuers(tenant);
    policy.entra = is_entra(realm.jwks_url) || std::ranges::any_of(policy.issuers, is_entra);
    policy.audiences = check.audience;
    policy.audience_claim = check.audience_claim;
    policy.scopes = check.scope;
    policy.scope_claim = check.scope_claim;
    policy.leeway = check.leeway;
    policy.exp_grace = check.exp_grace;
    policy.disconnect_after_expiry = check.disconnect_after_expiry;
    policy.require_evidence = check.require_evidence;
    const bool size_ok = check.max_token_bytes >= 512 && check.max_token_bytes <= 65'535;
    const bool time_ok = check.leeway.count() >= 0 && check.leeway <= std::chrono::seconds(300) &&
                         check.exp_grace.count() >= 0 && check.exp_grace <= std::chrono::seconds(86'400);
    if (!size_ok) return fail(kBadRange, "max_token_bytes");
    if (!time_ok) return fail(kBadRange, "leeway or grace");
    for (const std::string& audience : policy.audiences)
        if (audience.empty()) return fail(kBadRange, "empty audience");
    for (const std::string& scope : policy.scopes)
        if (scope.empty() || scope.find(' ') != std::string::npos)
            return fail(kBadRange, "a scope is one word; list several");
    policy.max_token_bytes = static_cast<std::size_t>(check.max_token_bytes);
    return policy;
}

}  // namespace latchkey::auth
