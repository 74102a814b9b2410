// What config prints: native TOML that means what the original meant, the reference page, the JSON Schema.
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "base/json.h"
#include "config/native_keys.h"
#include "config/reference.h"
#include "config/test_files_for_test.h"
#include "config/write_native.h"

namespace latchkey::config {
namespace {

using testing::EseParts;
using testing::FakeMachine;

EseParts rich_parts() {
    EseParts parts;
    parts.more_realms =
        "<file-realm><name>file</name><configuration><file-path>r.xml</file-path></configuration>"
        "</file-realm>";
    parts.before_authentication =
        "<authentication-preprocessors><plain-preprocessor><transformations><transformation "
        "encoding=\"UTF8\">"
        "<from>mqtt-password</from><to>string-1</to></transformation></transformations></plain-preprocessor>"
        "</authentication-preprocessors>";
    parts.before_authorization =
        "<authorization-preprocessors><jwt-preprocessor prefix=\"{{\" "
        "postfix=\"}}\"><jwt-extractions><jwt-extraction>"
        "<jwt-claim>realm_access.roles</jwt-claim><ese-variable>authorization-role-key</ese-variable></"
        "jwt-extraction>"
        "</jwt-extractions></jwt-preprocessor></authorization-preprocessors>";
    parts.authorizer =
        "<file-authorization-manager><realm>file</realm><use-authorization-key>false"
        "</use-authorization-key></file-authorization-manager>";
    return parts;
}

TEST(WriteNative, MeansWhatTheEseFileMeant) {
    FakeMachine machine;
    machine.files["/c.xml"] = rich_parts().text();
    machine.files["/r.xml"] =
        "<ese-file-realm><mqtt><users><user><name>u</name><password>p\"w</password><roles><role>r</role></"
        "roles></user>"
        "</users><roles><role><id>r</id><permissions><permission><topic>a/${mqtt-clientid}</"
        "topic><qos>ZERO_TWO</qos>"
        "<activity>PUBLISH</activity><retain>RETAINED</retain></permission></permissions></role></roles></"
        "mqtt>"
        "</ese-file-realm>";
    const Loaded original = machine.load("/c.xml");
    ASSERT_TRUE(original.configuration) << original.faults.to_text();
    const Written first = write_native(*original.configuration);
    EXPECT_TRUE(first.losses.empty());
    EXPECT_EQ(first.toml.find("SECRET\""), std::string::npos) << "a secret was printed";
    EXPECT_EQ(first.toml.find("p\\"), std::string::npos) << "a password was printed";
    ASSERT_EQ(first.variables.size(), 2U);
    EXPECT_EQ(first.variables[0].name, "LATCHKEY_CLIENT_SECRET_OF_REALM_OKTA");
    machine.variables[first.variables[0].name] = "SECRET";
    machine.variables[first.variables[1].name] = "p\"w";
    machine.files["/c.toml"] = first.toml;
    const Loaded again = machine.load("/c.toml");
    ASSERT_TRUE(again.configuration) << again.faults.to_text() << first.toml;
    EXPECT_EQ(write_native(*again.configuration).toml, first.toml);
    const Configuration& c = *again.configuration;
    const auto& jwt = std::get<JwtRealmEntry>(c.realms.at(0).settings).realm;
    EXPECT_EQ(jwt.client_secret.expose(), "SECRET");
    const auth::JwtCheckConfig& check = *c.pipelines.at(0).authenticate.at(0).jwt;
    EXPECT_EQ(check.audience, std::vector<std::string>{"HiveMQ"});
    EXPECT_EQ(check.scope_claim, "scp");
    EXPECT_EQ(check.leeway.count(), 0);
    EXPECT_FALSE(check.require_evidence);
    EXPECT_EQ(c.pipelines.at(0).on_denied_publish, OnDeniedPublish::Disconnect);
    EXPECT_EQ(c.pipelines.at(0).authorize.at(0).use_authorization_key, false);
    const auto& data = std::get<FileRealmEntry>(c.realms.at(1).settings).data;
    EXPECT_EQ(data.users.at(0).password.expose(), "p\"w");
    const auth::FilePermission& permission = data.roles.at(0).permissions.at(0);
    EXPECT_EQ(permission.qos, (std::array<bool, 3>{true, false, true}));
    EXPECT_EQ(permission.retain, auth::Retention::Retained);
    EXPECT_EQ(permission.sharing, auth::Sharing::All);
    const auto& roles = std::get<auth::JwtPreprocessorConfig>(c.pipelines.at(0).before_authorization.at(0));
    EXPECT_EQ(roles.extractions.at(0).claim, "/realm_access/roles");
    const auto& plain =
        std::get<auth::PlainPreprocessorConfig>(c.pipelines.at(0).before_authentication.at(0));
    EXPECT_TRUE(plain.transformations.at(0).utf8);
}

TEST(WriteNative, NamesWhatProtectedAndIsLost) {
    EseParts parts;
    parts.authorizer = "<sql-authorization-manager><realm>db</realm></sql-authorization-manager>";
    FakeMachine machine;
    machine.files["/c.xml"] = parts.text();
    const Loaded original = machine.load("/c.xml");
    ASSERT_TRUE(original.configuration) << original.faults.to_text();
    const Written written = write_native(*original.configuration);
    ASSERT_EQ(written.losses.size(), 1U);
    EXPECT_EQ(written.toml.find("[[pipelines]]"), std::string::npos);
}

TEST(Reference, PageAndSchemaHoldEveryKey) {
    const std::string page = reference_page();
    const std::string schema = json_schema();
    const auto parsed = json::parse(schema);
    ASSERT_TRUE(parsed) << schema;
    std::vector<std::string_view> keys;
    for (const FieldTable* table : {&broker_fields(), &limits_fields(), &admin_fields(), &logs_fields(),
                                    &listener_fields(), &auth::jwt_realm_fields(), &auth::jwt_check_fields()})
        for (const std::string_view key : table->keys())
            keys.push_back(key);
    for (const std::string_view key : names_of(kPipelineKeys))
        keys.push_back(key);
    for (const std::string_view key : names_of(kPermissionKeys))
        keys.push_back(key);
    for (const std::string_view key : keys) {
        EXPECT_NE(page.find("| `" + std::string(key) + "` |"), std::string::npos) << key;
        EXPECT_NE(schema.find("\"" + std::string(key) + "\": {"), std::string::npos) << key;
    }
    constexpr std::string_view kRef = "\"#/$defs/";
    for (std::size_t at = schema.find(kRef); at != std::string::npos; at = schema.find(kRef, at + 1)) {
        const std::string name = schema.substr(at + kRef.size(), schema.find('"', at + 1) - at - kRef.size());
        EXPECT_NE(schema.find("\n    \"" + name + "\": {"), std::string::npos) << "undefined " << name;
    }
}

}  // namespace
}  // namespace latchkey::config
