// The auth room's errors: the true cause of every verdict. Peers never see them (RFC 6750 3.1, RFC 9068 4);
// they go to the audit log, to `explain` and to the reference page printed from kErrors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::auth {

/// What ESE writes for every failed authentication, whatever the cause; operators search for it.
inline constexpr std::string_view kEseFailureText =
    "unknown authentication key or wrong authentication secret";

inline constexpr ErrorInfo kNoCause{8000, "no_cause", "nothing went wrong", ""};

// Pipeline and chain.
inline constexpr ErrorInfo kNoPipeline{8001, "no_pipeline", "no pipeline guards this listener",
                                       "Add a pipeline for the listener; until then it refuses everybody."};
inline constexpr ErrorInfo kNobodysIdentity{
    8002, "nobodys_identity", "no realm of the pipeline recognises this identity",
    "Check that the client sends a credential of a configured realm."};
inline constexpr ErrorInfo kBadChallenge{8003, "bad_challenge",
                                         "a realm asked for more without an Authentication Method", ""};
inline constexpr ErrorInfo kNotPinned{8004, "not_pinned",
                                      "the realm that began this exchange no longer recognises it", ""};
inline constexpr ErrorInfo kAuthorizerFailed{8005, "authorizer_failed", "the rights could not be looked up",
                                             "See the health of the authorizing realm."};
inline constexpr ErrorInfo kNoGrants{8006, "no_grants", "no role or user of this identity has any rights",
                                     "Grant a role, or drop require_grants."};
inline constexpr ErrorInfo kPreprocessorFailed{8007, "preprocessor_failed", "a preprocessor failed", ""};
inline constexpr ErrorInfo kAuthorityRevoked{8008, "authority_revoked", "this identity has been revoked", ""};
inline constexpr ErrorInfo kDraining{8009, "draining", "the realm is shutting down", ""};
inline constexpr ErrorInfo kLogFull{8010, "log_full", "the access or audit log cannot take more lines",
                                    "Check the disk that holds the log folder."};
inline constexpr ErrorInfo kDeadline{8011, "deadline", "the realm did not answer in time", ""};
inline constexpr ErrorInfo kBusy{8012, "busy", "too many logins wait for the same answer", ""};
inline constexpr ErrorInfo kOtherMethod{8013, "other_method",
                                        "the realm does not speak the client's Authentication Method", ""};

// Facts and variables.
inline constexpr ErrorInfo kBadVariable{
    8020, "bad_variable", "not the name of a variable",
    "Use a name of the reference, string-NAME or byte-NAME (lower case letters, digits, hyphens)."};
inline constexpr ErrorInfo kReadOnlyVariable{8021, "read_only_variable",
                                             "variables named mqtt-* cannot be written",
                                             "Write to authentication-*, authorization-* or string-NAME."};
inline constexpr ErrorInfo kVariableType{8022, "variable_type",
                                         "text and byte variables cannot be mixed here",
                                         "Give an encoding, or use a variable of the other type."};
inline constexpr ErrorInfo kBadRoleList{8023, "bad_role_list", "not a role list of the form {{role}}{{role}}",
                                        ""};
inline constexpr ErrorInfo kBadText{8024, "bad_text", "the value is not UTF-8 text", ""};
inline constexpr ErrorInfo kRolesNeedBraces{
    8025, "roles_need_braces", "roles are extracted without the braces that separate them",
    "Write prefix=\"{{\" postfix=\"}}\" on the jwt-preprocessor that fills authorization-role-key."};
inline constexpr ErrorInfo kClaimType{8026, "claim_type", "the claim has a form that no variable can hold",
                                      ""};

// Tokens.
inline constexpr ErrorInfo kNoToken{8040, "no_token", "no credential was sent", ""};
inline constexpr ErrorInfo kNotAToken{8041, "not_a_token", "the password is not a signed token (JWS)", ""};
inline constexpr ErrorInfo kForeignIssuer{8042, "foreign_issuer",
                                          "the token's iss is none of the configured ones",
                                          "Compare the token's iss with the realm's issuer, byte for byte."};
inline constexpr ErrorInfo kTokenTooLong{8043, "token_too_long", "the token exceeds the size limit", ""};
inline constexpr ErrorInfo kTokenMalformed{8044, "token_malformed", "the token is malformed", ""};
inline constexpr ErrorInfo kAlgorithmRefused{
    8045, "algorithm_refused", "the token's alg is not allowed",
    "Allow it in the realm's algorithms if the provider really signs so."};
inline constexpr ErrorInfo kUnknownKey{8046, "unknown_key", "no key of the provider has the token's kid",
                                       "The token was signed by someone else, or its key was withdrawn."};
inline constexpr ErrorInfo kUnusableKey{8047, "unusable_key",
                                        "the key with the token's kid may not be used for it", ""};
inline constexpr ErrorInfo kBadSignature{8048, "bad_signature", "the token's signature is wrong", ""};
inline constexpr ErrorInfo kWrongKind{8049, "wrong_kind", "this is not an access token",
                                      "Send the access token, not the ID, refresh or logout token."};
inline constexpr ErrorInfo kWrongAudience{8050, "wrong_audience", "the token's aud does not name this broker",
                                          "Ask the provider for a token with the configured audience."};
inline constexpr ErrorInfo kScopeMissing{8051, "scope_missing", "the token lacks a required scope", ""};
inline constexpr ErrorInfo kExpired{8052, "expired", "the token has expired", "Fetch a new one."};
inline constexpr ErrorInfo kNotYetValid{8053, "not_yet_valid", "the token is not valid yet",
                                        "Compare the clocks of broker and provider."};
inline constexpr ErrorInfo kBadTime{8054, "bad_time", "exp, nbf or iat is missing or no number in range", ""};
inline constexpr ErrorInfo kNoEvidence{8055, "no_evidence",
                                       "nothing in the token shows that it is an access token",
                                       "The provider should send typ at+jwt, a scope or a client id."};
inline constexpr ErrorInfo kNoSubject{8056, "no_subject", "the token names no subject", ""};
inline constexpr ErrorInfo kKeysUnavailable{8057, "keys_unavailable", "the provider's keys cannot be fetched",
                                            "Check the key set URL, its certificate and the network."};
inline constexpr ErrorInfo kFetchBudgetSpent{8058, "fetch_budget_spent",
                                             "unknown key id, and the budget for asking again is spent", ""};
inline constexpr ErrorInfo kKeySetRefused{8059, "key_set_refused", "the provider's key set was not accepted",
                                          ""};
inline constexpr ErrorInfo kBoundToKey{8060, "bound_to_key",
                                       "the token is bound to a key that this connection did not prove", ""};

// Introspection.
inline constexpr ErrorInfo kInactive{8070, "inactive", "the provider says that the token is not active",
                                     "Revoked, or the broker's own client is not in the token's audience."};
inline constexpr ErrorInfo kIntrospectionMismatch{8071, "introspection_mismatch",
                                                  "the provider's answer describes another token", ""};
inline constexpr ErrorInfo kIntrospectionDown{
    8072, "introspection_down", "the introspection endpoint gave no usable answer",
    "Check the endpoint; latchkey check --online shows its answer."};
inline constexpr ErrorInfo kIntrospectionClient{
    8073, "introspection_client", "the introspection endpoint refuses the broker's own credentials",
    "Check simple-auth, or set client_auth = \"basic-raw\"."};

// Users and roles of a file.
inline constexpr ErrorInfo kUnknownUser{8080, "unknown_user", "no such user", ""};
inline constexpr ErrorInfo kWrongPassword{8081, "wrong_password", "wrong password", ""};
inline constexpr ErrorInfo kDuplicateUser{8082, "duplicate_user", "two users have the same name",
                                          "Remove one."};
inline constexpr ErrorInfo kDuplicateRole{8083, "duplicate_role", "two roles have the same id",
                                          "Remove one."};
inline constexpr ErrorInfo kRoleIdBraces{8084, "role_id_braces", "a role id may not hold }} or end with }",
                                         "Rename the role."};
inline constexpr ErrorInfo kBadPermission{8085, "bad_permission", "not a value of this part of a permission",
                                          ""};
inline constexpr ErrorInfo kUndefinedRole{8086, "undefined_role", "the user has a role that the file lacks",
                                          "Define the role or correct its name."};
inline constexpr ErrorInfo kEmptyName{8087, "empty_name", "a name is empty", ""};

// Configuration of a realm.
inline constexpr ErrorInfo kBadUrl{8100, "bad_url", "not a usable URL", "Use https://HOST/PATH."};
inline constexpr ErrorInfo kPlainHttp{8101, "plain_http", "provider over plain http beyond loopback",
                                      "Use https, or set allow_plain_http = true if the path is protected."};
inline constexpr ErrorInfo kNoKeySource{8102, "no_key_source", "a jwt realm needs a key set",
                                        "Set jwks_url (jwks-endpoint) or jwks_file."};
inline constexpr ErrorInfo kBadAlgorithm{8103, "bad_algorithm",
                                         "not a signature algorithm that may be allowed",
                                         "Use RS256, PS256, ES256 (also 384, 512) or EdDSA."};
inline constexpr ErrorInfo kBadRange{8104, "bad_range", "the number is out of range", ""};
inline constexpr ErrorInfo kNoAudienceOrIssuer{
    8105, "no_audience_or_issuer",
    "neither audience nor issuer is checked: any token these keys sign is accepted",
    "Set the audience (aud), the issuer, or both."};
inline constexpr ErrorInfo kUnusedCredentials{8106, "unused_credentials",
                                              "the client's credentials have no use without introspection",
                                              "Remove them or name an introspection endpoint."};
inline constexpr ErrorInfo kNoEvidenceNeeded{
    8107, "no_evidence_needed", "a token without any sign of an access token will be accepted", ""};
inline constexpr ErrorInfo kNoDisconnect{8108, "no_disconnect", "connections outlive their expired tokens",
                                         "Set disconnect-after-expiry=\"true\"."};

// Logs.
inline constexpr ErrorInfo kLogWrite{8120, "log_write", "a log file cannot be written",
                                     "Check space and rights."};

inline constexpr std::array<const ErrorInfo*, 64> kErrors{&kNoCause,
                                                          &kNoPipeline,
                                                          &kNobodysIdentity,
                                                          &kBadChallenge,
                                                          &kNotPinned,
                                                          &kAuthorizerFailed,
                                                          &kNoGrants,
                                                          &kPreprocessorFailed,
                                                          &kAuthorityRevoked,
                                                          &kDraining,
                                                          &kLogFull,
                                                          &kDeadline,
                                                          &kBusy,
                                                          &kOtherMethod,
                                                          &kBadVariable,
                                                          &kReadOnlyVariable,
                                                          &kVariableType,
                                                          &kBadRoleList,
                                                          &kBadText,
                                                          &kRolesNeedBraces,
                                                          &kClaimType,
                                                          &kNoToken,
                                                          &kNotAToken,
                                                          &kForeignIssuer,
                                                          &kTokenTooLong,
                                                          &kTokenMalformed,
                                                          &kAlgorithmRefused,
                                                          &kUnknownKey,
                                                          &kUnusableKey,
                                                          &kBadSignature,
                                                          &kWrongKind,
                                                          &kWrongAudience,
                                                          &kScopeMissing,
                                                          &kExpired,
                                                          &kNotYetValid,
                                                          &kBadTime,
                                                          &kNoEvidence,
                                                          &kNoSubject,
                                                          &kKeysUnavailable,
                                                          &kFetchBudgetSpent,
                                                          &kKeySetRefused,
                                                          &kBoundToKey,
                                                          &kInactive,
                                                          &kIntrospectionMismatch,
                                                          &kIntrospectionDown,
                                                          &kIntrospectionClient,
                                                          &kUnknownUser,
                                                          &kWrongPassword,
                                                          &kDuplicateUser,
                                                          &kDuplicateRole,
                                                          &kRoleIdBraces,
                                                          &kBadPermission,
                                                          &kUndefinedRole,
                                                          &kEmptyName,
                                                          &kBadUrl,
                                                          &kPlainHttp,
                                                          &kNoKeySource,
                                                          &kBadAlgorithm,
                                                          &kBadRange,
                                                          &kNoAudienceOrIssuer,
                                                          &kUnusedCredentials,
                                                          &kNoEvidenceNeeded,
                                                          &kNoDisconnect,
                                                          &kLogWrite};

}  // namespace latchkey::auth
