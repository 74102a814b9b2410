// Fuzzes the judge of claims, the reader of introspection answers and the role list: nothing passes without
// what the policy demands, an answer grants only by a boolean yes, and one role never reads as two.
// claims_corpus_test.cpp replays the corpus through this file.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/facts.h"
#include "auth/realm/jwt/introspection.h"
#include "auth/realm/jwt/validator.h"

namespace {

using namespace latchkey;

constexpr std::int64_t kFuzzNow = 1'800'000'000;

void require(bool promise) {
    if (!promise) std::abort();
}

bool holds(const std::vector<std::string>& list, const std::string& wanted) {
    return std::ranges::find(list, wanted) != list.end();
}

void check_judged(const json::Value& claims) {
    auth::JwtPolicy policy;
    policy.realm = "idp";
    policy.issuers = {"https://a"};
    policy.audiences = {"mqtt-broker"};
    policy.scopes = {"mqtt"};
    policy.leeway = std::chrono::seconds(30);
    policy.require_evidence = true;
    const WallTime now{std::chrono::seconds(kFuzzNow)};
    const auto token = auth::judge(claims, "JWT", crypto::Algorithm::Rs256, policy, now);
    if (!token) return;
    require(*claims.find_string("iss") == "https://a");
    require(token->subject == *claims.find_string("sub") && !token->subject.empty());
    require(token->expires_at + policy.leeway > now);
    require(claims.find("exp")->number() != nullptr);
    require(auth::names_audience(claims.find("aud"), policy.audiences));
    require(holds(auth::scope_words(claims.find("scope")), "mqtt"));
    require(claims.find("events") == nullptr && claims.find("at_hash") == nullptr);
    // What is demanded of one audience is not met by another.
    policy.audiences = {"another-broker"};
    const bool both = auth::names_audience(claims.find("aud"), policy.audiences);
    require(both == auth::judge(claims, "JWT", crypto::Algorithm::Rs256, policy, now).has_value());
}

void check_answer(std::string_view text) {
    const json::Value none{json::Object{}};
    require(!auth::read_introspection(500, text, none));
    const auto answer = auth::read_introspection(200, text, none);
    if (!answer) return;
    const auto value = json::parse(text);
    require(value && value->find("active") != nullptr && value->find("active")->boolean() == true);
}

void check_roles(std::string_view text) {
    const auto roles = auth::decode_roles(text);
    if (roles) {
        for (const std::string& role : *roles)
            require(!role.empty() && role.find("}}") == std::string::npos);
        // What can be written at all is written as it was read.
        const auto again = auth::encode_roles(*roles);
        require(!again || *again == text);
    }
    const auto one = auth::encode_roles({std::string(text)});
    if (one) require(auth::decode_roles(*one) && auth::decode_roles(*one)->size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_roles(text);
    check_answer(text);
    if (const auto claims = json::parse(text); claims && claims->is_object()) check_judged(*claims);
    return 0;
}
