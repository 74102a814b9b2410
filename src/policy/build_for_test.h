// Short words for tests: rules, policies and identities in one line each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "policy/bind.h"
#include "policy/decide.h"

namespace latchkey::policy::testing {

inline const std::vector<Variable>& variables() {
    static const std::vector<Variable> kKnown{{"mqtt-clientid", false, true},
                                              {"mqtt-username", false, true},
                                              {"authentication-key", false, false},
                                              {"string-", true, true}};
    return kKnown;
}

inline Rule rule(Effect effect, Mask acts, std::string_view topic) {
    auto parsed = Template::parse(topic, variables());
    EXPECT_TRUE(parsed.has_value()) << topic;
    Rule out;
    out.effect = effect;
    out.acts = acts;
    if (parsed) out.topic = *std::move(parsed);
    out.origin = {"roles.xml", 1, 1};
    return out;
}
inline constexpr Mask kPub = bit(Act::Publish);
inline constexpr Mask kSub = bit(Act::Subscribe);
inline Rule allow(Mask acts, std::string_view topic) {
    return rule(Effect::Allow, acts, topic);
}
inline Rule deny(Mask acts, std::string_view topic) {
    return rule(Effect::Deny, acts, topic);
}

inline BlockRef role(std::string_view name) {
    return {"file", BlockKind::Role, std::string(name)};
}

using Roles = std::vector<std::pair<std::string, std::vector<Rule>>>;
inline PolicyRef policy_of(const Roles& roles, PolicyVersion version = 1) {
    PolicyBuilder builder;
    for (const auto& [name, rules] : roles) {
        builder.add(role(name));
        for (const Rule& r : rules)
            EXPECT_TRUE(builder.add(role(name), r));
    }
    auto built = builder.build(version);
    EXPECT_TRUE(built);
    return *built;
}

/// An identity with these roles, and "mqtt-clientid" if given.
inline AuthorityData holder(const std::vector<std::string>& roles, std::string_view client_id = {}) {
    AuthorityData data;
    data.principal = {"okta", PrincipalKind::Client, "device-7", 0};
    for (const std::string& name : roles)
        data.blocks.push_back(role(name));
    if (!client_id.empty()) data.values.push_back({"mqtt-clientid", {std::string(client_id)}, false});
    return data;
}

/// Policy, table and program of one identity.
struct Bench {
    explicit Bench(std::vector<Rule> rules, std::string_view client_id = {})
        : Bench(Roles{{"r", std::move(rules)}}, {"r"}, client_id) {}
    Bench(const Roles& roles, const std::vector<std::string>& held, std::string_view client_id = {})
        : Bench(policy_of(roles), holder(held, client_id)) {}
    Bench(PolicyRef p, AuthorityData data) : policy(std::move(p)) {
        auto interned = table.intern(std::move(data));
        EXPECT_TRUE(interned);
        authority = *interned;
        program = latchkey::policy::bind(policy, authority);
    }

    bool publish(std::string_view topic, std::uint8_t qos = 0, bool retain = false,
                 Via via = Via::Live) const {
        Request request;
        request.topic = topic;
        request.qos = qos;
        request.retain = retain;
        request.via = via;
        return decide(program, request).allowed();
    }
    bool subscribe(std::string_view filter, std::uint8_t qos = 0,
                   std::optional<std::string_view> group = {}) const {
        Request request;
        request.act = Act::Subscribe;
        request.topic = filter;
        request.qos = qos;
        request.group = group;
        return decide(program, request).allowed();
    }
    bool receive(std::string_view topic, std::uint8_t qos = 0, bool wild = false,
                 std::optional<std::string_view> group = {}) const {
        Request request;
        request.act = Act::Receive;
        request.topic = topic;
        request.qos = qos;
        request.wild = wild;
        request.group = group;
        return decide(program, request).allowed();
    }

    AuthorityTable table{HashSeed{}};
    PolicyRef policy;
    AuthorityRef authority;
    Program program;
};

}  // namespace latchkey::policy::testing
