// The file realm: spellings, defaults, rights by role and by user, and what its rules decide.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/file/file_realm.h"

#include <gtest/gtest.h>

#include "auth/authorize/allow_all.h"
#include "auth/login_log.h"
#include "auth/realm/file/compile.h"
#include "policy/bind.h"
#include "policy/decide.h"
#include "support/realm_contract.h"

namespace latchkey::auth {
namespace {

FilePermission permission(std::string topic, Activity activity = Activity::All) {
    FilePermission made;
    made.topic = std::move(topic);
    made.activity = activity;
    made.at = {"roles.xml", 7, 3};
    return made;
}

FileRealmData sample() {
    FileRealmData data;
    data.name = "file";
    data.roles = {{"niagara4",
                   {permission("topic-1", Activity::Publish), permission("topic-2", Activity::Subscribe)},
                   {}},
                  {"own", {permission("own/${mqtt-clientid}/#")}, {}}};
    data.users = {{"alice", Secret("s3cret"), {"own"}, {permission("direct")}, {}}};
    return data;
}

Grants resolve(FileRealm& realm, FileAuthorization options, const Facts& facts) {
    test::AuthWorld world;
    Grants grants;
    const Attempt attempt = world.attempt(facts);
    realm.authorizer_for(options)->resolve(attempt, Identity{}, [&](Result<Grants> got) {
        ASSERT_TRUE(got);
        grants = *std::move(got);
    });
    return grants;
}

std::vector<std::string> names(const Grants& grants) {
    std::vector<std::string> made;
    for (const policy::BlockRef& block : grants.blocks)
        made.push_back(policy::describe(block));
    return made;
}

TEST(FileRealm, PassesTheRealmContract) {
    test::AuthWorld world;
    test::RealmContract(world, {std::make_shared<FileRealm>(sample()), "alice", "s3cret", {}}).check_all();
}

TEST(FileRealm, PasswordsAndNames) {
    test::AuthWorld world;
    FileRealmData data = sample();
    data.users.push_back({"empty", Secret(""), {}, {}, {}});
    FileRealm realm(std::move(data));
    const struct {
        const char* user;
        const char* password;
        VerdictKind kind;
    } rows[] = {
        {"alice", "s3cret", VerdictKind::Granted},  {"alice", "wrong", VerdictKind::Refused},
        {"alice", "s3cret ", VerdictKind::Refused}, {"Alice", "s3cret", VerdictKind::NotMine},
        {"bob", "s3cret", VerdictKind::NotMine},    {"bob", "latchkey-no-such-user", VerdictKind::NotMine},
        {"empty", "x", VerdictKind::Refused},       {"empty", "", VerdictKind::NotMine}};
    auto authenticator = realm.authenticator();
    EXPECT_TRUE(authenticator->hides_timing());
    for (const auto& row : rows) {
        const Facts facts = test::connect_facts(row.user, row.password);
        const Attempt attempt = world.attempt(facts);
        authenticator->authenticate(attempt, [&](const Verdict& verdict) {
            EXPECT_EQ(verdict.kind, row.kind) << row.user << ' ' << row.password;
        });
    }
}

TEST(FileRealm, RightsByRoleByUserOrBoth) {
    FileRealm realm(sample());
    Facts facts = test::connect_facts("u", "p");
    facts.set_roles({"niagara4", "unknown"}, Standing::Proven);
    ASSERT_TRUE(facts.set_text(kAuthorizationKey, "alice", Standing::Proven));
    using Names = std::vector<std::string>;
    const Names by_role{"role niagara4"};
    const Names by_user{"user alice", "role own"};
    const Names both{"user alice", "role own", "role niagara4"};
    EXPECT_EQ(names(resolve(realm, {false, true}, facts)), by_role);
    EXPECT_EQ(names(resolve(realm, {true, false}, facts)), by_user);
    EXPECT_EQ(names(resolve(realm, {}, facts)), both) << "both left out means both";
    EXPECT_EQ(names(resolve(realm, {false, false}, facts)), Names{});
    facts.set_roles({"a}}{{niagara4", "niagara4 ", "NIAGARA4", ""}, Standing::Proven);
    EXPECT_EQ(names(resolve(realm, {false, true}, facts)), Names{});
    EXPECT_EQ(names(resolve(realm, {}, test::connect_facts("alice", "p"))), Names{})
        << "a claimed name gives nothing";
}

TEST(FileRealm, Spellings) {
    using Qos = std::array<bool, 3>;
    EXPECT_EQ(parse_qos("ALL"), (Qos{true, true, true}));
    EXPECT_EQ(parse_qos("ZERO"), (Qos{true, false, false}));
    EXPECT_EQ(parse_qos("ONE"), (Qos{false, true, false}));
    EXPECT_EQ(parse_qos("TWO"), (Qos{false, false, true}));
    EXPECT_EQ(parse_qos("ZERO_ONE"), (Qos{true, true, false}));
    EXPECT_EQ(parse_qos("ZERO_TWO"), (Qos{true, false, true}));
    EXPECT_EQ(parse_qos("ONE_TWO"), (Qos{false, true, true}));
    EXPECT_EQ(parse_activity("SUBSCRIBE"), Activity::Subscribe);
    EXPECT_EQ(parse_retention("NOT_RETAINED"), Retention::NotRetained);
    EXPECT_EQ(parse_sharing("SHARED"), Sharing::Shared);
    for (const char* bad : {"", "all", "ALL ", "THREE", "0"}) {
        EXPECT_FALSE(parse_qos(bad)) << bad;
        EXPECT_FALSE(parse_activity(bad)) << bad;
        EXPECT_FALSE(parse_retention(bad)) << bad;
        EXPECT_FALSE(parse_sharing(bad)) << bad;
    }
    for (const std::string_view spelling : kQosSpellings)
        EXPECT_TRUE(parse_qos(spelling)) << spelling;
    for (const std::string_view spelling : kActivitySpellings)
        EXPECT_TRUE(parse_activity(spelling)) << spelling;
}

TEST(FileRealm, LoadFaults) {
    const auto errors = [](FileRealmData data) {
        Faults faults;
        validate(data, faults);
        return faults.to_text();
    };
    EXPECT_EQ(errors(sample()), "");
    FileRealmData data = sample();
    data.roles.push_back({"a}}{{admin", {}, {"f", 9, 1}});
    EXPECT_NE(errors(data).find("f:9:1: "), std::string::npos) << errors(data);
    data = sample();
    data.roles.push_back(data.roles.front());
    EXPECT_NE(errors(data), "");
    data = sample();
    data.users.push_back(data.users.front());
    EXPECT_NE(errors(data), "");
    data = sample();
    data.roles.front().permissions.push_back(permission("a/${mqtt-client}/b"));
    EXPECT_NE(errors(data).find("roles.xml:7:3"), std::string::npos) << errors(data);
    data = sample();
    data.users.front().roles.push_back("nobody");
    EXPECT_NE(errors(data).find("warning"), std::string::npos);
    data = sample();
    data.roles.front().permissions.push_back(data.roles.front().permissions.front());
    EXPECT_EQ(errors(data), "") << "an identical permission twice is no fault";
}

class FileRealmRights : public ::testing::Test {
  protected:
    policy::Program program(const std::vector<std::string>& roles, std::string client_id = "c1") {
        policy::PolicyBuilder builder;
        EXPECT_TRUE(realm.authorizer()->contribute(builder));
        auto built = builder.build(1);
        EXPECT_TRUE(built);
        policy = *built;
        policy::AuthorityData data;
        data.principal = {"idp", policy::PrincipalKind::Client, "app", 0};
        for (const std::string& role : roles)
            data.blocks.push_back({"file", policy::BlockKind::Role, role});
        data.values.push_back({std::string(kMqttClientId), {std::move(client_id)}, false});
        return policy::bind(policy, *authorities.intern(std::move(data)));
    }
    static bool may(const policy::Program& program, policy::Act act, std::string_view topic,
                    std::uint8_t qos = 0, bool retain = false) {
        policy::Request request;
        request.act = act;
        request.topic = topic;
        request.qos = qos;
        request.retain = retain;
        return policy::decide(program, request).allowed();
    }
    FileRealm realm{sample()};
    policy::AuthorityTable authorities{HashSeed{}};
    policy::PolicyRef policy;
};

TEST_F(FileRealmRights, TheRoleOfTheEntraArticleOpensItsTwoTopicsOnly) {
    using policy::Act;
    const policy::Program p = program({"niagara4"});
    EXPECT_TRUE(may(p, Act::Publish, "topic-1", 2, true));
    EXPECT_FALSE(may(p, Act::Publish, "topic-2"));
    EXPECT_TRUE(may(p, Act::Subscribe, "topic-2", 2));
    EXPECT_FALSE(may(p, Act::Subscribe, "topic-1"));
    EXPECT_FALSE(may(p, Act::Subscribe, "#"));
    EXPECT_FALSE(may(program({}), Act::Publish, "topic-1"));
    EXPECT_FALSE(may(program({"other"}), Act::Publish, "topic-1"));
}

TEST_F(FileRealmRights, A28AClientIdThatIsNoLevelOpensNothing) {
    using policy::Act;
    EXPECT_TRUE(may(program({"own"}, "c1"), Act::Publish, "own/c1/x"));
    EXPECT_FALSE(may(program({"own"}, "c1"), Act::Publish, "own/c2/x"));
    for (const char* hostile : {"+", "#", "c1/..", "", "a/b"}) {
        EXPECT_FALSE(may(program({"own"}, hostile), Act::Publish, "own/c1/x")) << hostile;
        EXPECT_FALSE(may(program({"own"}, hostile), Act::Subscribe, "own/#")) << hostile;
    }
}

TEST(FilePermissions, DimensionsAreNotMixed) {
    FilePermission quiet = permission("a", Activity::Publish);
    quiet.qos = {true, false, false};
    quiet.retain = Retention::Retained;
    FilePermission loud = permission("a", Activity::Publish);
    loud.qos = {false, true, false};
    loud.retain = Retention::NotRetained;
    FileRealmData data;
    data.name = "file";
    data.roles = {{"r", {quiet, loud}, {}}};
    FileRealm realm(std::move(data));
    policy::PolicyBuilder builder;
    ASSERT_TRUE(realm.authorizer()->contribute(builder));
    const auto policy = builder.build(1);
    policy::AuthorityTable authorities{HashSeed{}};
    policy::AuthorityData who;
    who.principal = {"idp", policy::PrincipalKind::User, "u", 0};
    who.blocks = {{"file", policy::BlockKind::Role, "r"}};
    const policy::Program program = policy::bind(*policy, *authorities.intern(std::move(who)));
    const auto publish = [&](std::uint8_t qos, bool retain) {
        policy::Request request;
        request.topic = "a";
        request.qos = qos;
        request.retain = retain;
        return policy::decide(program, request).allowed();
    };
    EXPECT_TRUE(publish(0, true));
    EXPECT_TRUE(publish(1, false));
    EXPECT_FALSE(publish(1, true));
    EXPECT_FALSE(publish(0, false));
}

TEST(AccessLog, PermissionsArePrintedToTheLetter) {
    policy::PolicyBuilder builder;
    ASSERT_TRUE(AllowAllAuthorizer().contribute(builder));
    FileRealm realm(sample());
    ASSERT_TRUE(realm.authorizer()->contribute(builder));
    const auto policy = builder.build(1);
    policy::AuthorityTable authorities{HashSeed{}};
    const auto line = [&](policy::BlockRef block) {
        policy::AuthorityData who;
        who.principal = {"idp", policy::PrincipalKind::User, "u", 0};
        who.blocks = {std::move(block)};
        who.values.push_back({std::string(kMqttClientId), {"c'1"}, false});
        const auto permissions =
            logged_permissions(policy::bind(*policy, *authorities.intern(std::move(who))));
        const WallTime at{std::chrono::milliseconds(1'574'698'673'327)};
        return access_line_authorized(at, "token-client", "127.0.0.1", permissions);
    };
    EXPECT_EQ(line({"allow-all", policy::BlockKind::Everyone, "allow-all"}),
              "2019-11-25 16:17:53,327 UTC - authorization-succeeded - Client succeeded authorization: ID "
              "token-client, IP 127.0.0.1, permissions [Permission{topicFilter='#', qos=[0, 1, 2], "
              "activity=[publish, subscribe], retainedPublishAllowed=true, sharedSubscribeAllowed=true, "
              "sharedGroup='', from='allow-all'}].");
    EXPECT_NE(line({"file", policy::BlockKind::Role, "own"}).find("from='own'"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::auth
