// decide against an obvious twin on random policies and requests: the twin knows no masks, no layout and no
// algebra, it tries every topic of a small world. LK_PROPERTY_RUNS and LK_PROPERTY_SEED change how many and
// which.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "base/random.h"
#include "policy/build_for_test.h"
#include "policy/explain.h"
#include "topic/name.h"
#include "topic/universe_for_test.h"

namespace latchkey::policy {
namespace {

using namespace testing;  // NOLINT: test vocabulary
using topic::testing::universe;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class World {
  public:
    explicit World(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t n) { return random_.below(n); }
    Mask some(unsigned bits) { return static_cast<Mask>(1 + below((1U << bits) - 1)); }
    const std::string& topic() { return universe().topics[below(universe().topics.size())]; }

    Rule rule() {
        Rule r = testing::rule(below(3) == 0 ? Effect::Deny : Effect::Allow, some(4), pattern());
        r.qos = below(2) == 0 ? kAnyQos : some(3);
        r.retain = below(2) == 0 ? kEither : some(2);
        r.via = below(2) == 0 ? kEither : some(2);
        r.wild = below(3) > 0 ? kEither : some(2);
        switch (below(4)) {
            case 0:
                r.share = {true, ShareKind::Any, {}};
                break;
            case 1:
                r.share = {below(2) == 0, ShareKind::Group, below(2) == 0 ? "g" : "h"};
                break;
            default:
                break;
        }
        r.priority = static_cast<std::int32_t>(below(3));
        return r;
    }
    Roles roles() {
        Roles out;
        for (const char* name : {"r1", "r2", "r3"}) {
            out.push_back({name, {}});
            for (std::uint64_t n = below(4); n > 0; --n)
                out.back().second.push_back(rule());
        }
        return out;
    }
    AuthorityData identity() {
        static const std::vector<std::string> kIds{"a", "b", "z", "$x", "", "+", "a/b", "#"};
        AuthorityData data = holder({}, kIds[below(kIds.size())]);
        for (const char* name : {"r3", "r1", "r2", "nobody"}) {
            if (below(3) > 0) data.blocks.push_back(role(name));
        }
        if (below(3) == 0) data.ceilings.push_back({"scope", {role("r1"), role("r2")}});
        return data;
    }
    Request request() {
        Request out;
        out.act = static_cast<Act>(below(4));
        const bool filter = out.act == Act::Subscribe || out.act == Act::Unsubscribe;
        out.topic = filter ? universe().filters[below(universe().filters.size())] : topic();
        out.qos = static_cast<std::uint8_t>(below(3));
        out.retain = below(2) == 0;
        out.via = below(4) == 0 ? Via::Will : Via::Live;
        out.wild = below(2) == 0;
        if (below(4) == 0) out.group = below(2) == 0 ? "g" : "h";
        return out;
    }

  private:
    std::string pattern() {
        static const std::vector<std::string> kTemplates{"${mqtt-clientid}", "a/${mqtt-clientid}",
                                                         "${mqtt-clientid}/#", "a/${mqtt-clientid}/+"};
        if (below(6) == 0) return kTemplates[below(kTemplates.size())];
        return universe().filters[below(universe().filters.size())];
    }
    SeededRandom random_;
};

// --- the twin

bool in(Mask mask, unsigned i) {
    return (mask & (1U << i)) != 0;
}

bool twin_scalars(const Rule& r, const Request& q) {
    const bool subscriber = q.act == Act::Subscribe || q.act == Act::Receive;
    const Mask acts = subscriber ? acts_of(Act::Subscribe, Act::Receive) : bit(q.act);
    if ((r.acts & acts) == 0 || !in(r.qos, q.qos)) return false;
    if (q.act == Act::Publish) return in(r.retain, q.retain ? 1 : 0) && in(r.via, q.via == Via::Will ? 1 : 0);
    const bool wild = q.act == Act::Receive ? q.wild : topic::has_wildcard(q.topic);
    if (!in(r.wild, wild ? 1 : 0)) return false;
    if (!q.group) return r.share.plain;
    return r.share.kind == ShareKind::Any || (r.share.kind == ShareKind::Group && r.share.group == *q.group);
}

struct TwinRule {
    std::vector<std::string> filters;
    Rule rule;
    std::string role;
};

std::vector<TwinRule> twin_list(const Roles& roles, const std::vector<BlockRef>& held,
                                const AuthorityData& data) {
    std::vector<TwinRule> out;
    for (const auto& [name, rules] : roles) {
        if (std::find(held.begin(), held.end(), role(name)) == held.end()) continue;
        for (const Rule& r : rules)
            out.push_back({r.topic.expand(r.effect, data.values).filters, r, name});
    }
    std::stable_sort(out.begin(), out.end(), [](const TwinRule& a, const TwinRule& b) {
        if (a.rule.priority != b.rule.priority) return a.rule.priority > b.rule.priority;
        if (a.rule.effect != b.rule.effect) return a.rule.effect == Effect::Deny;
        return a.role < b.role;
    });
    return out;
}

bool twin_topic(const std::vector<TwinRule>& list, const Request& q, std::string_view topic) {
    for (const TwinRule& t : list) {
        if (!twin_scalars(t.rule, q)) continue;
        for (const std::string& filter : t.filters) {
            if (topic::testing::obvious_match(filter, topic)) return t.rule.effect == Effect::Allow;
        }
    }
    return false;
}

bool twin_list_allows(const std::vector<TwinRule>& list, const Request& q) {
    if (q.act != Act::Subscribe) return twin_topic(list, q, q.topic);
    return std::all_of(universe().topics.begin(), universe().topics.end(), [&](const std::string& topic) {
        return !topic::testing::obvious_match(q.topic, topic) || twin_topic(list, q, topic);
    });
}

bool twin(const Roles& roles, const AuthorityData& data, const Request& q) {
    if (q.act == Act::Unsubscribe) return true;
    if (q.act == Act::Publish && q.via == Via::Will && q.topic[0] == '$') return false;
    if (!twin_list_allows(twin_list(roles, data.blocks, data), q)) return false;
    return std::all_of(data.ceilings.begin(), data.ceilings.end(), [&](const Ceiling& ceiling) {
        return twin_list_allows(twin_list(roles, ceiling.blocks, data), q);
    });
}

std::string show(const Roles& roles, const AuthorityData& data, const Request& q) {
    std::string out;
    for (const auto& [name, rules] : roles) {
        for (const Rule& r : rules)
            out += name + ": " + std::to_string(r.priority) + ' ' + describe(r) + '\n';
    }
    for (const BlockRef& ref : data.blocks)
        out += "holds " + ref.name + '\n';
    for (const TemplateValue& v : data.values)
        out += "id " + v.values[0] + '\n';
    return out + "act " + std::to_string(static_cast<int>(q.act)) + ' ' + std::string(q.topic) + " qos " +
           std::to_string(q.qos) + (q.retain ? " retain" : "") + (q.wild ? " wild" : "") +
           (q.group ? " group " + std::string(*q.group) : "") + (data.ceilings.empty() ? "" : " ceiling");
}

TEST(DecideProperty, EqualsTheObviousTwin) {
    const std::uint64_t runs = from_environment("LK_PROPERTY_RUNS", 4'000);
    const std::uint64_t seed = from_environment("LK_PROPERTY_SEED", 20'261'124);
    World world(seed);
    std::uint64_t allowed = 0;
    std::uint64_t asked = 0;
    Binder binder{HashSeed{}};
    for (std::uint64_t run = 0; run < runs; ++run) {
        const Roles roles = world.roles();
        const PolicyRef policy = policy_of(roles);
        const Bench bench(policy, world.identity());
        const AuthorityData& data = bench.authority->data();
        const Program shared = binder.bind(policy, bench.authority);
        for (int n = 0; n < 12; ++n, ++asked) {
            const Request q = world.request();
            const Decision decision = decide(bench.program, q);
            ASSERT_NE(decision.reason, Reason::Budget);
            ASSERT_EQ(decision.allowed(), twin(roles, data, q)) << show(roles, data, q) << "\nseed " << seed;
            TraceSink trace;
            const Decision traced = decide(bench.program, q, &trace);
            ASSERT_EQ(traced.effect, decision.effect) << "a listener must not change the answer";
            ASSERT_EQ(traced.rule, decision.rule);
            ASSERT_EQ(decide(shared, q).effect, decision.effect) << "nor may sharing";
            allowed += decision.allowed() ? 1 : 0;
            if (decision.allowed()) {
                ASSERT_FALSE(nearest_allow(bench.program, q));
            }
        }
    }
    std::cout << asked << " requests on " << runs << " policies, " << allowed << " allowed, seed " << seed
              << '\n';
    ASSERT_GT(allowed, asked / 20);
}

TEST(DecideProperty, ThePublishMaskIsSixDecisions) {
    World world(7);
    for (int run = 0; run < 4'000; ++run) {
        const Bench bench(policy_of(world.roles()), world.identity());
        for (int n = 0; n < 5; ++n) {
            Request q;
            q.topic = world.topic();
            const PublishMask mask = publish_mask(bench.program, q.topic);
            for (unsigned qos = 0; qos < 3; ++qos) {
                for (const bool retain : {false, true}) {
                    q.qos = static_cast<std::uint8_t>(qos);
                    q.retain = retain;
                    ASSERT_EQ(mask_allows(mask, qos, retain), decide(bench.program, q).allowed()) << q.topic;
                }
            }
        }
    }
}

/// Filters longer than the words that decide compares at once, of all three kinds.
TEST(DecideProperty, LongFiltersAreComparedToTheirEnd) {
    const std::vector<std::string> filters{
        "abcdefgh",       "abcdefg",      "abcdefghi", "abcdefgh/#",      "abcdefg/#",   "abcdefghi/#",
        "abcdefgh/+",     "abcdefgh/+/x", "a/b/c/d/e", "a/b/c/d/#",       "a/b/c/d/+/#", "a/b/c/d/e/f/+",
        "abcdefgh/ijk/#", "+/bcdefgh/i",  "/#",        "abcdefghijklmnop"};
    const std::vector<std::string> topics{
        "abcdefgh",    "abcdefg",   "abcdefghi",        "abcdefgh/x",       "abcdefgh/",
        "abcdefg/x",   "abcdefghj", "abcdefgh/y/x",     "abcdefgh/y/z",     "a/b/c/d",
        "a/b/c/d/e",   "a/b/c/d/f", "a/b/c/d/e/f/g",    "abcdefgh/ijk/lmn", "abcdefgh/ijx/lmn",
        "q/bcdefgh/i", "/",         "abcdefghijklmnop", "abcdefghijklmnoq", "abcdefghijklmno",
        "$/bcdefgh/i"};
    for (const std::string& filter : filters) {
        const Bench bench({allow(kPub, filter)});
        for (const std::string& topic : topics) {
            EXPECT_EQ(bench.publish(topic), topic::testing::obvious_match(filter, topic))
                << filter << " on " << topic;
        }
    }
}

}  // namespace
}  // namespace latchkey::policy
