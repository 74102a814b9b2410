// decide, row by row: the models that compile to set programs, the house rules, ceilings, the merged order.
// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

#include <gtest/gtest.h>

#include "policy/build_for_test.h"

namespace latchkey::policy {
namespace {

using namespace testing;  // NOLINT: test vocabulary

Decision ask(const Program& program, Act act, std::string_view topic) {
    Request request;
    request.act = act;
    request.topic = topic;
    return decide(program, request);
}

// --- HiveMQ ESE: one allow per permission, all dimensions together

Rule permission(Mask acts, std::string_view topic, Mask qos, Mask retain) {
    Rule r = allow(acts, topic);
    r.qos = qos;
    r.retain = retain;
    r.share = {true, ShareKind::Any, {}};
    return r;
}

TEST(DecideEse, TwoPermissionsNeverMixIntoAThird) {
    const Bench b({permission(kPub, "a", qos_bit(0), kYes), permission(kPub, "a", qos_bit(1), kNo)});
    EXPECT_TRUE(b.publish("a", 0, true));
    EXPECT_TRUE(b.publish("a", 1, false));
    EXPECT_FALSE(b.publish("a", 1, true)) << "each dimension is allowed somewhere, all together nowhere";
    EXPECT_FALSE(b.publish("a", 0, false));
    EXPECT_FALSE(b.publish("a", 2, false));
}

TEST(DecideEse, RequestedQosIsCheckedAndNeverDowngraded) {
    const Bench b({permission(kSub, "a/#", qos_bit(0) | qos_bit(1), kEither)});
    EXPECT_TRUE(b.subscribe("a/#", 1));
    EXPECT_FALSE(b.subscribe("a/#", 2));
    EXPECT_FALSE(b.subscribe("a/b", 2));
}

TEST(DecideEse, TwoPermissionsOfDifferentQosDoNotCoverAFilterTogether) {
    const Bench b(
        {permission(kSub, "a", qos_bit(0), kEither), permission(kSub, "a/+/#", qos_bit(1), kEither)});
    EXPECT_FALSE(b.subscribe("a/#", 0));
    EXPECT_FALSE(b.subscribe("a/#", 1));
    const Bench both(
        {permission(kSub, "a", qos_bit(0), kEither), permission(kSub, "a/+/#", qos_bit(0), kEither)});
    EXPECT_TRUE(both.subscribe("a/#", 0)) << "with equal scalars they are one set";
}

TEST(DecideEse, AWiderFilterIsRefused) {
    const Bench plus({permission(kSub, "a/+", kAnyQos, kEither)});
    EXPECT_FALSE(plus.subscribe("a/#"));
    EXPECT_TRUE(plus.subscribe("a/+"));
    EXPECT_TRUE(plus.subscribe("a/b"));
    const Bench top({permission(kSub, "+", kAnyQos, kEither)});
    EXPECT_FALSE(top.subscribe("#"));
    const Bench hash({permission(kSub, "a/#", kAnyQos, kEither)});
    EXPECT_TRUE(hash.subscribe("a"));
    EXPECT_TRUE(hash.subscribe("a/+/b"));
    const Bench exact({permission(kPub, "a/b", kAnyQos, kEither)});
    EXPECT_FALSE(exact.publish("a/b/")) << "a trailing slash is another topic";
}

TEST(DecideEse, HashDoesNotOpenDollarTopics) {
    const Bench b({permission(acts_of(Act::Publish, Act::Subscribe), "#", kAnyQos, kEither)});
    EXPECT_TRUE(b.subscribe("#"));
    EXPECT_FALSE(b.subscribe("$SYS/#"));
    EXPECT_FALSE(b.receive("$SYS/broker/uptime", 0, true));
    EXPECT_FALSE(b.publish("$other/x"));
}

TEST(DecideEse, SharedSubscriptionsNeedTheirGroup) {
    Rule any = allow(kSub, "a/#");
    any.share = {true, ShareKind::Any, {}};
    Rule none = allow(kSub, "b/#");
    none.share = {true, ShareKind::None, {}};
    Rule group = allow(kSub, "c/#");
    group.share = {true, ShareKind::Group, "g"};
    Rule only = allow(kSub, "d/#");
    only.share = {false, ShareKind::Group, "g"};
    const Bench b({any, none, group, only});
    EXPECT_TRUE(b.subscribe("a/x", 0, "whatever"));
    EXPECT_TRUE(b.subscribe("b/x"));
    EXPECT_FALSE(b.subscribe("b/x", 0, "g"));
    EXPECT_FALSE(b.subscribe("b/#", 0, "g"));
    EXPECT_TRUE(b.subscribe("c/#", 0, "g"));
    EXPECT_FALSE(b.subscribe("c/#", 0, "h"));
    EXPECT_FALSE(b.subscribe("c/x", 0, "h"));
    EXPECT_TRUE(b.subscribe("c/#"));
    EXPECT_TRUE(b.subscribe("d/#", 0, "g"));
    EXPECT_FALSE(b.subscribe("d/#")) << "shared alone";
    EXPECT_TRUE(b.receive("c/x", 0, true, "g"));
    EXPECT_FALSE(b.receive("c/x", 0, true, "h"));
    EXPECT_FALSE(b.receive("d/x", 0, true));
}

TEST(DecideEse, AWillIsAPublishWithItsOwnDimension) {
    Rule live = allow(kPub, "a");
    live.via = bit(Via::Live);
    Rule will = allow(kPub, "w");
    will.via = bit(Via::Will);
    const Bench b({live, will, allow(kPub, "both")});
    EXPECT_TRUE(b.publish("a"));
    EXPECT_FALSE(b.publish("a", 0, false, Via::Will));
    EXPECT_TRUE(b.publish("w", 0, false, Via::Will));
    EXPECT_FALSE(b.publish("w"));
    EXPECT_TRUE(b.publish("both") && b.publish("both", 0, false, Via::Will));
}

TEST(DecideEse, PlaceholdersAreCaseSensitiveAndNeverReachAcrossLevels) {
    const std::vector<Rule> rules{allow(kPub, "telemetry/${mqtt-clientid}"),
                                  allow(kSub, "cmd/${mqtt-clientid}/#")};
    const Bench b(rules, "sensor_1");
    EXPECT_TRUE(b.publish("telemetry/sensor_1"));
    EXPECT_FALSE(b.publish("telemetry/SENSOR_1"));
    EXPECT_FALSE(b.publish("telemetry/sensor_2"));
    for (const char* hostile : {"+", "#", "a/b", "sensor/#", "+/+"}) {
        const Bench bad(rules, hostile);
        EXPECT_FALSE(bad.publish("telemetry/sensor_1")) << hostile;
        EXPECT_FALSE(bad.publish(std::string("telemetry/") + "a/b")) << hostile;
        EXPECT_FALSE(bad.subscribe("cmd/#")) << hostile;
        EXPECT_FALSE(bad.subscribe("cmd/+/#")) << hostile;
    }
    const Bench absent(rules);
    EXPECT_FALSE(absent.publish("telemetry/"));
}

// --- topic spaces: Publisher = publish, Subscriber = subscribe

TEST(DecideTopicSpaces, CoveringCountsOverlapDoesNot) {
    const Bench b({allow(kSub, "a/+")});
    EXPECT_FALSE(b.subscribe("a/#"));
    EXPECT_FALSE(b.subscribe("+/b"));
    EXPECT_TRUE(b.subscribe("a/b"));
}

TEST(DecideTopicSpaces, ANameThatBeginsWithDollarOpensNothing) {
    AuthorityData data = holder({"group"});
    data.values = {{"authentication-key", {"$SYS"}, true}};
    const Bench b(
        policy_of({{"group", {allow(acts_of(Act::Publish, Act::Subscribe), "${authentication-key}/#")}}}),
        data);
    EXPECT_FALSE(b.subscribe("$SYS/#"));
    EXPECT_FALSE(b.subscribe("$SYS/broker"));
    EXPECT_FALSE(b.receive("$SYS/broker"));
    EXPECT_FALSE(b.publish("$SYS/broker"));
    AuthorityData control = holder({"group"});
    control.values = {{"authentication-key", {"$CONTROL"}, true}};
    const Bench c(b.policy, control);
    EXPECT_FALSE(c.publish("$CONTROL/dynamic-security/v1"));
}

TEST(DecideTopicSpaces, SubscribeAndReceiveAreOneRight) {
    const Bench b({allow(kSub, "a/#"), deny(bit(Act::Receive), "b/#"), allow(kSub, "b/#")});
    EXPECT_TRUE(b.subscribe("a/#"));
    EXPECT_TRUE(b.receive("a/x"));
    EXPECT_FALSE(b.subscribe("b/#"));
    EXPECT_FALSE(b.publish("a/x")) << "the right to read is not the right to write";
}

// --- native: denies, priorities, merged roles

TEST(DecideNative, ADenyInsideAnAllowRefusesTheWiderFilter) {
    const Bench b({deny(kSub, "a/secret"), allow(kSub, "a/#")});
    EXPECT_FALSE(b.subscribe("a/#"));
    EXPECT_FALSE(b.subscribe("a/+"));
    EXPECT_FALSE(b.subscribe("a/secret"));
    EXPECT_TRUE(b.subscribe("a/open"));
    EXPECT_TRUE(b.subscribe("a/+/x"));
    EXPECT_FALSE(b.receive("a/secret", 0, true));
}

TEST(DecideNative, AnEarlierAllowLiftsADeny) {
    Rule exception = allow(kSub, "a/secret/mine");
    exception.priority = 10;
    const Bench b({deny(kSub, "a/secret/#"), exception, allow(kSub, "a/secret/#")});
    EXPECT_TRUE(b.subscribe("a/secret/mine"));
    EXPECT_FALSE(b.subscribe("a/secret/other"));
}

TEST(DecideNative, DenyBeatsAllowOfEqualPriorityWhateverTheOrderOfRoles) {
    const Roles roles{{"aaa", {allow(kPub, "x")}}, {"zzz", {deny(kPub, "x")}}};
    for (const auto& held :
         {std::vector<std::string>{"aaa", "zzz"}, std::vector<std::string>{"zzz", "aaa"}}) {
        EXPECT_FALSE(Bench(roles, held).publish("x"));
    }
    EXPECT_TRUE(Bench(roles, {"aaa"}).publish("x"));
}

TEST(DecideNative, HigherPriorityGoesFirst) {
    Rule strong = allow(kPub, "x");
    strong.priority = 5;
    EXPECT_TRUE(Bench({{"a", {deny(kPub, "#")}}, {"b", {strong}}}, {"a", "b"}).publish("x"));
    Rule stronger = deny(kPub, "x");
    stronger.priority = 6;
    EXPECT_FALSE(Bench({{"a", {stronger}}, {"b", {strong}}}, {"b", "a"}).publish("x"));
}

TEST(DecideNative, AnUnusableValueWidensADeny) {
    const std::vector<Rule> rules{deny(kPub, "u/${mqtt-clientid}/private"), allow(kPub, "u/#")};
    EXPECT_FALSE(Bench(rules, "me").publish("u/me/private"));
    EXPECT_TRUE(Bench(rules, "me").publish("u/you/private"));
    EXPECT_FALSE(Bench(rules, "+").publish("u/you/private"));
    EXPECT_FALSE(Bench(rules, "a/b").publish("u/you/anything"));
    EXPECT_FALSE(Bench(rules).publish("u/you/private"));
}

TEST(DecideNative, WildcardsCanBeBannedByTheirDimension) {
    Rule ban = deny(kSub, "#");
    ban.wild = kYes;
    const Bench b({ban, allow(kSub, "#")});
    EXPECT_FALSE(b.subscribe("a/#"));
    EXPECT_FALSE(b.subscribe("+"));
    EXPECT_TRUE(b.subscribe("a/b"));
    EXPECT_FALSE(b.receive("a/b", 0, true));
    EXPECT_TRUE(b.receive("a/b", 0, false));
}

TEST(DecideNative, RetainIsADimension) {
    Rule plain = allow(kPub, "a");
    plain.retain = kNo;
    const Bench b({plain});
    EXPECT_TRUE(b.publish("a"));
    EXPECT_FALSE(b.publish("a", 0, true)) << "clearing a retained message needs it too";
}

// --- what holds for every model

TEST(Decide, NothingIsAllowedByDefault) {
    EXPECT_EQ(ask(Program{}, Act::Publish, "a").reason, Reason::NoAuthority);
    for (const Act act : {Act::Publish, Act::Subscribe, Act::Unsubscribe, Act::Receive}) {
        EXPECT_FALSE(ask(Program{}, act, "a").allowed()) << "a null authority";
    }
    const Bench none(std::vector<Rule>{});
    const Bench unknown({{"r", {allow(kPub, "#")}}}, {"R", "other"});
    for (const Bench* b : {&none, &unknown}) {
        EXPECT_FALSE(b->publish("a"));
        EXPECT_FALSE(b->subscribe("a"));
        EXPECT_FALSE(b->receive("a"));
        EXPECT_EQ(ask(b->program, Act::Publish, "a").reason, Reason::NoMatch);
        EXPECT_EQ(publish_mask(b->program, "a"), 0);
    }
    EXPECT_EQ(publish_mask(Program{}, "a"), 0);
}

TEST(Decide, UnsubscribeNeedsNoRightInSetPrograms) {
    const Bench b(std::vector<Rule>{});
    const Decision decision = ask(b.program, Act::Unsubscribe, "a/#");
    EXPECT_TRUE(decision.allowed());
    EXPECT_EQ(decision.reason, Reason::Unasked);
}

TEST(Decide, HouseRulesStandAboveEveryPolicy) {
    const Mask all = acts_of(Act::Publish, Act::Subscribe);
    const Bench b(
        {allow(all, "$SYS/#"), allow(all, "$share/#"), allow(all, "$CONTROL/#"), allow(all, "$q/#")});
    EXPECT_EQ(ask(b.program, Act::Publish, "$SYS/x").house, HouseRule::PublishSys);
    EXPECT_EQ(ask(b.program, Act::Publish, "$SYS").house, HouseRule::PublishSys);
    EXPECT_EQ(ask(b.program, Act::Publish, "$share/g/x").house, HouseRule::PublishShare);
    EXPECT_EQ(ask(b.program, Act::Subscribe, "$share/g/x").house, HouseRule::NestedShare);
    EXPECT_FALSE(b.publish("$SYS/x"));
    EXPECT_FALSE(b.publish("$share/g/x"));
    EXPECT_FALSE(b.subscribe("$share/g/x"));
    EXPECT_TRUE(b.subscribe("$SYS/x")) << "reading is a matter of policy";
    EXPECT_TRUE(b.publish("$CONTROL/x")) << "named literally";
    EXPECT_TRUE(b.publish("$q/x"));
    EXPECT_FALSE(b.publish("$q/x", 0, false, Via::Will)) << "no will under $";
    EXPECT_FALSE(b.publish("$CONTROL/x", 0, false, Via::Will));
    EXPECT_FALSE(b.publish("$q/x", 3));
    EXPECT_EQ(publish_mask(b.program, "$SYS/x"), 0);
    EXPECT_EQ(publish_mask(b.program, "$share/x"), 0);
    EXPECT_TRUE(b.publish("$SYSTEM/x") == false) << "only what a rule names";
}

TEST(Decide, EveryCeilingMustAllowToo) {
    const auto policy = policy_of({{"writer", {allow(kPub, "#"), allow(kSub, "#")}},
                                   {"scope:a", {allow(acts_of(Act::Publish, Act::Subscribe), "a/#")}},
                                   {"scope:b", {deny(kPub, "a/b"), allow(kPub, "#")}}});
    AuthorityData data = holder({"writer"});
    data.ceilings = {{"scope", {role("scope:a")}}};
    const Bench b(policy, data);
    EXPECT_TRUE(b.publish("a/b"));
    EXPECT_FALSE(b.publish("c"));
    EXPECT_FALSE(b.subscribe("#"));
    EXPECT_TRUE(b.subscribe("a/#"));
    EXPECT_EQ(publish_mask(b.program, "c"), 0);
    const Decision decision = ask(b.program, Act::Publish, "c");
    EXPECT_EQ(decision.reason, Reason::Ceiling);
    ASSERT_NE(decision.ceiling, nullptr);
    EXPECT_EQ(decision.ceiling->name, "scope");

    data.ceilings.push_back({"tenant", {role("scope:b")}});
    const Bench two(policy, data);
    EXPECT_FALSE(two.publish("a/b"));
    EXPECT_TRUE(two.publish("a/c"));
    data.ceilings = {{"scope", {role("no-such-scope")}}};
    EXPECT_FALSE(Bench(policy, data).publish("a/b")) << "an unknown ceiling allows nothing";
    data.ceilings = {{"scope", {}}};
    EXPECT_FALSE(Bench(policy, data).publish("a/b")) << "nor does an empty one";
}

TEST(Decide, ARevokedAuthorityIsDeniedEvenWithAnOldProgram) {
    Bench b({allow(acts_of(Act::Publish, Act::Subscribe), "#")});
    ASSERT_TRUE(b.publish("a"));
    b.table.revoke(b.authority);
    EXPECT_FALSE(b.publish("a"));
    EXPECT_FALSE(b.subscribe("a"));
    EXPECT_FALSE(b.receive("a"));
    EXPECT_EQ(publish_mask(b.program, "a"), 0);
    EXPECT_EQ(ask(b.program, Act::Unsubscribe, "a").reason, Reason::Revoked);
    EXPECT_EQ(ask(b.program, Act::Publish, "a").authority_version, 2U);
}

TEST(Decide, TheBrokerMayPublishBelowSys) {
    AuthorityTable table{HashSeed{}};
    const Program program = latchkey::policy::bind(policy_of({}), table.broker());
    EXPECT_EQ(ask(program, Act::Publish, "$SYS/broker/uptime").reason, Reason::Broker);
    EXPECT_TRUE(mask_allows(publish_mask(program, "$SYS/x"), 0, true));
}

TEST(Decide, TheAnswerNamesRuleAndVersions) {
    Rule named = allow(kPub, "a/+");
    named.origin = {"roles.xml", 12, 5};
    const auto policy = policy_of({{"w", {named}}}, 42);
    const Bench b(policy, holder({"w"}));
    const Decision decision = ask(b.program, Act::Publish, "a/x");
    ASSERT_NE(decision.rule, nullptr);
    EXPECT_EQ(where(*decision.rule), "roles.xml:12:5");
    EXPECT_EQ(decision.block->ref.name, "w");
    EXPECT_EQ(decision.policy_version, 42U);
    EXPECT_EQ(decision.authority_version, 1U);
}

TEST(Decide, AFilterThatCostsTooMuchIsRefusedAndSaysSo) {
    std::vector<Rule> rules;
    for (int i = 0; i < 24; ++i) {
        std::string filter;
        for (int level = 0; level < 24; ++level)
            filter += (level > 0 ? "/" : "") + std::string(level == i ? "a" : "+");
        Rule a = allow(kSub, filter);
        a.priority = 100 - 2 * i;
        Rule d = deny(kSub, filter);
        d.priority = 99 - 2 * i;
        rules.push_back(a);
        rules.push_back(d);
    }
    rules.push_back(allow(kSub, "#"));
    const Bench b(rules);
    const Decision decision = ask(b.program, Act::Subscribe, "#");
    EXPECT_FALSE(decision.allowed());
    EXPECT_EQ(decision.reason, Reason::Budget);
    EXPECT_TRUE(b.receive("x/y")) << "single topics are always cheap";
}

TEST(Binder, IdentitiesWithEqualBlocksShareOneList) {
    const auto policy =
        policy_of({{"plain", {allow(kPub, "a")}}, {"own", {allow(kPub, "u/${mqtt-clientid}")}}});
    AuthorityTable table{HashSeed{}};
    Binder binder{HashSeed{}};
    const auto program = [&](const std::vector<std::string>& roles, const std::string& id) {
        AuthorityData data = holder(roles, id);
        data.principal.subject = id;
        return binder.bind(policy, *table.intern(data));
    };
    const Program one = program({"plain"}, "1");
    const Program two = program({"plain"}, "2");
    EXPECT_EQ(one.rights(), two.rights());
    EXPECT_NE(one.authority(), two.authority());
    const Program own_one = program({"own"}, "1");
    const Program own_two = program({"own"}, "2");
    EXPECT_NE(own_one.rights(), own_two.rights());
    EXPECT_TRUE(ask(own_one, Act::Publish, "u/1").allowed());
    EXPECT_FALSE(ask(own_one, Act::Publish, "u/2").allowed());
    EXPECT_FALSE(ask(binder.bind(policy, AuthorityRef()), Act::Publish, "a").allowed());
    EXPECT_EQ(binder.list_count(), 3U);
    EXPECT_FALSE(
        ask(binder.bind(policy_of({{"plain", {}}}, 2), one.authority()), Act::Publish, "a").allowed())
        << "a new policy forgets the old lists";
}

TEST(Binder, DropsListsThatNobodyHolds) {
    const auto policy = policy_of({{"own", {allow(kPub, "u/${mqtt-clientid}")}}});
    AuthorityTable table{HashSeed{}};
    Binder binder{HashSeed{}};
    for (int i = 0; i < 5'000; ++i) {
        LK_IGNORE(binder.bind(policy, *table.intern(holder({"own"}, "c" + std::to_string(i)))),
                  "dropped at once");
    }
    EXPECT_LE(binder.list_count(), 1'025U);
}

}  // namespace
}  // namespace latchkey::policy
