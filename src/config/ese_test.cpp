// HiveMQ's files: what the two articles' configurations mean, the variants seen in the wild, and what is
// said of files that are wrong.
// SPDX-License-Identifier: Apache-2.0
#include "config/ese.h"

#include <functional>

#include <gtest/gtest.h>

#include "config/test_files_for_test.h"

namespace latchkey::config {
namespace {

using testing::EseParts;
using testing::FakeMachine;

constexpr std::string_view kRoles = R"(<ese-file-realm><mqtt><roles><role><id>niagara4</id><permissions>
<permission><topic>topic-1</topic><qos>ALL</qos><activity>PUBLISH</activity></permission>
<permission><topic>topic-2</topic><qos>ALL</qos><activity>SUBSCRIBE</activity></permission>
</permissions></role></roles></mqtt></ese-file-realm>)";

constexpr std::string_view kFileRealm =
    "<file-realm><name>file</name><enabled>true</enabled><configuration><file-path>conf/roles.xml</file-path>"
    "</configuration></file-realm>";

Loaded load_parts(const EseParts& parts, const FakeMachine& base = {}) {
    FakeMachine machine = base;
    machine.files["/hive/conf/config.xml"] = parts.text();
    machine.files.try_emplace("/hive/conf/roles.xml", kRoles);
    return machine.load("/hive/conf/config.xml");
}

/// Faults without the folder and the name of the file.
std::string faults_of(const Loaded& loaded) {
    std::string text = loaded.faults.to_text();
    for (const std::string_view prefix : {"/hive/conf/config.xml:", "/hive/conf/"})
        for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
            text.erase(at, prefix.size());
    return text;
}

TEST(EseConfig, TheOktaArticleMeansAudienceScopeAndIntrospection) {
    const Loaded loaded = load_parts({});
    ASSERT_TRUE(loaded.configuration) << loaded.faults.to_text();
    const Configuration& c = *loaded.configuration;
    EXPECT_EQ(c.dialect, Dialect::HivemqEse);
    ASSERT_EQ(c.realms.size(), 1U);
    const auto& realm = std::get<JwtRealmEntry>(c.realms[0].settings).realm;
    EXPECT_EQ(realm.jwks_url, "https://okta.test/keys");
    EXPECT_EQ(realm.introspection_url, "https://okta.test/introspect");
    EXPECT_EQ(realm.client_id, "CLIENT");
    EXPECT_EQ(realm.client_secret.expose(), "SECRET");
    EXPECT_EQ(realm.jwks_cache, std::chrono::seconds(1800));
    ASSERT_EQ(c.pipelines.size(), 1U);
    const PipelineConfig& pipeline = c.pipelines[0];
    EXPECT_EQ(pipeline.listener, "ALL");
    EXPECT_EQ(pipeline.on_denied_publish, OnDeniedPublish::Disconnect);
    EXPECT_TRUE(pipeline.closed.empty());
    ASSERT_EQ(pipeline.authenticate.size(), 1U);
    ASSERT_TRUE(pipeline.authenticate[0].jwt);
    const auth::JwtCheckConfig& check = *pipeline.authenticate[0].jwt;
    EXPECT_EQ(check.audience, std::vector<std::string>{"HiveMQ"});
    EXPECT_EQ(check.scope, std::vector<std::string>{"mqtt"});
    EXPECT_EQ(check.scope_claim, "scp");
    EXPECT_EQ(check.leeway.count(), 0);
    EXPECT_TRUE(check.disconnect_after_expiry);
    ASSERT_EQ(pipeline.authorize.size(), 1U);
    EXPECT_TRUE(pipeline.authorize[0].allow_all);
    EXPECT_TRUE(c.concerns.empty());
    EXPECT_EQ(faults_of(loaded),
              "10:2: warning: everybody let in at listener ALL may publish and subscribe everything; "
              "allow-all is for a "
              "first try; a file realm gives rights by role\n");
}

EseParts entra(std::string_view tenant) {
    EseParts parts;
    parts.realm_configuration = "<jwks-endpoint>https://login.microsoftonline.com/" + std::string(tenant) +
                                "/discovery/v2.0/keys</jwks-endpoint>"
                                "<simple-auth><username>C</username><password>S</password></simple-auth>";
    parts.validation =
        "<jwt-validation><exp-grace disconnect-after-expiry=\"true\">300</exp-grace></jwt-validation>";
    parts.more_realms = kFileRealm;
    parts.before_authorization =
        "<authorization-preprocessors><jwt-preprocessor prefix=\"{{\" postfix=\"}}\">"
        "<source>authentication-byte-secret</source><jwt-extractions><jwt-extraction><jwt-claim>roles</"
        "jwt-claim>"
        "<ese-variable>authorization-role-key</ese-variable></jwt-extraction></jwt-extractions></"
        "jwt-preprocessor>"
        "</authorization-preprocessors>";
    parts.authorizer =
        "<file-authorization-manager><realm>file</realm><use-authorization-key>false</use-authorization-key>"
        "<use-authorization-role-key>true</use-authorization-role-key></file-authorization-manager>";
    return parts;
}

TEST(EseConfig, TheEntraArticleMeansRolesFromTheFile) {
    const Loaded loaded = load_parts(entra("9f3c1c2e-5b7a-4e0f-8a52-0d6a2f1b7c11"));
    ASSERT_TRUE(loaded.configuration) << loaded.faults.to_text();
    const Configuration& c = *loaded.configuration;
    const auto& file = std::get<FileRealmEntry>(c.realms[1].settings);
    EXPECT_EQ(file.path, "/hive/conf/roles.xml");
    EXPECT_EQ(file.data.name, "file");
    ASSERT_EQ(file.data.roles.size(), 1U);
    EXPECT_EQ(file.data.roles[0].id, "niagara4");
    ASSERT_EQ(file.data.roles[0].permissions.size(), 2U);
    EXPECT_EQ(file.data.roles[0].permissions[0].topic, "topic-1");
    EXPECT_EQ(file.data.roles[0].permissions[0].activity, auth::Activity::Publish);
    EXPECT_EQ(file.data.roles[0].permissions[1].activity, auth::Activity::Subscribe);
    EXPECT_EQ(file.data.roles[0].permissions[1].at, (Position{"/hive/conf/roles.xml", 3, 20}));
    const PipelineConfig& pipeline = c.pipelines[0];
    EXPECT_EQ(pipeline.authenticate[0].jwt->exp_grace, std::chrono::seconds(300));
    ASSERT_EQ(pipeline.before_authorization.size(), 1U);
    const auto& jwt = std::get<auth::JwtPreprocessorConfig>(pipeline.before_authorization[0]);
    EXPECT_EQ(jwt.prefix, "{{");
    EXPECT_FALSE(jwt.json_pointers);
    ASSERT_EQ(jwt.extractions.size(), 1U);
    EXPECT_EQ(jwt.extractions[0].claim, "roles");
    EXPECT_EQ(jwt.extractions[0].variable, "authorization-role-key");
    EXPECT_EQ(pipeline.authorize[0].realm, "file");
    EXPECT_EQ(pipeline.authorize[0].use_authorization_key, false);
    EXPECT_EQ(pipeline.authorize[0].use_authorization_role_key, true);
    // The tenant in the key URL limits the issuer; the audience is open, and the secret has no use.
    EXPECT_TRUE(c.concerns.empty());
    EXPECT_NE(faults_of(loaded).find(
                  "4:31: warning: jwt realm 'Okta': the client's credentials have no use without "
                  "introspection"),
              std::string::npos)
        << faults_of(loaded);
    EXPECT_NE(faults_of(loaded).find("8:2: warning: realm 'Okta': the audience is not checked"),
              std::string::npos)
        << faults_of(loaded);
}

TEST(EseConfig, NeitherAudienceNorIssuerIsALoudWarningAndDegradesHealth) {
    for (const std::string_view tenant : {"common", "organizations", "TENANT"}) {
        const Loaded loaded = load_parts(entra(tenant));
        ASSERT_TRUE(loaded.configuration) << loaded.faults.to_text();
        ASSERT_EQ(loaded.configuration->concerns.size(), 1U) << tenant;
        EXPECT_EQ(loaded.configuration->concerns[0],
                  "/hive/conf/config.xml:8:2: listener ALL takes any token that the keys of realm Okta sign: "
                  "neither "
                  "audience nor issuer is checked");
        EXPECT_NE(
            faults_of(loaded).find("8:2: warning: realm 'Okta': neither audience nor issuer is checked"),
            std::string::npos)
            << faults_of(loaded);
    }
}

struct Variant {
    std::string_view what;
    std::function<void(EseParts&)> change;
};

TEST(EseConfig, VariantsSeenInTheWildLoad) {
    const std::vector<Variant> variants = {
        {"user-name",
         [](EseParts& p) {
             p.realm_configuration =
                 "<simple-auth><password>s</password><user-name>c</user-name></simple-auth>"
                 "<jwks-endpoint>https://a.test/k</jwks-endpoint>";
         }},
        {"http on loopback",
         [](EseParts& p) { p.realm_configuration = "<jwks-endpoint>http://127.0.0.1:9/k</jwks-endpoint>"; }},
        {"a cache duration and a PEM trust store",
         [](EseParts& p) {
             p.realm_configuration +=
                 "<jwks-cache-duration>\n 60 \n</jwks-cache-duration>"
                 "<ssl-trust-store type=\"PEM\">conf/ca.pem</ssl-trust-store>";
         }},
        {"a named listener", [](EseParts& p) { p.pipeline_attributes = "name='p' listener='tls'"; }},
        {"no validation", [](EseParts& p) { p.validation.clear(); }},
        {"only a grace",
         [](EseParts& p) { p.validation = "<jwt-validation><exp-grace>9</exp-grace></jwt-validation>"; }},
        {"both use options left out",
         [](EseParts& p) {
             p.more_realms = kFileRealm;
             p.authorizer = "<file-authorization-manager><realm>file</realm></file-authorization-manager>";
         }},
        {"booleans as digits",
         [](EseParts& p) {
             p.more_realms = kFileRealm;
             p.authorizer =
                 "<file-authorization-manager><realm>file</realm><use-authorization-key>1"
                 "</use-authorization-key><use-authorization-role-key>0</use-authorization-role-key>"
                 "</file-authorization-manager>";
         }},
        {"an unused SQL realm, options in any order",
         [](EseParts& p) {
             p.more_realms =
                 "<sql-realm><name>db</name><enabled>true</enabled><configuration><db-name>n</db-name>"
                 "<db-port>5432</db-port><db-type>POSTGRES</db-type></configuration></sql-realm>";
         }},
        {"other domains' pipelines",
         [](EseParts& p) {
             p.more_pipelines =
                 "<control-center-pipeline><x/></control-center-pipeline><rest-api-pipeline "
                 "listener='ALL'/>";
         }},
        {"an access log",
         [](EseParts& p) {
             p.access_log =
                 "<access-log><enabled>true</enabled><file-name>a</file-name><sub-folder>s</sub-folder>"
                 "<write-through>true</write-through></access-log>";
         }},
        {"file authentication",
         [](EseParts& p) {
             p.more_realms = kFileRealm;
             p.authenticator =
                 "<file-authentication-manager><realm>file</realm></file-authentication-manager>";
         }},
        {"a plain preprocessor",
         [](EseParts& p) {
             p.before_authentication =
                 "<authentication-preprocessors><plain-preprocessor><transformations><transformation "
                 "encoding=\"UTF8\"><from>mqtt-clientid</from><to>authentication-key</to></transformation>"
                 "</transformations></plain-preprocessor></authentication-preprocessors>";
         }},
    };
    for (const Variant& variant : variants) {
        EseParts parts;
        variant.change(parts);
        const Loaded loaded = load_parts(parts);
        ASSERT_TRUE(loaded.configuration) << variant.what << "\n" << loaded.faults.to_text();
        EXPECT_TRUE(loaded.configuration->pipelines[0].closed.empty()) << variant.what;
    }
}

TEST(EseConfig, WhatGuardsAndIsNotSupportedClosesItsPipeline) {
    const std::vector<Variant> variants = {
        {"sql authentication",
         [](EseParts& p) {
             p.authenticator = "<sql-authentication-manager><realm>db</realm></sql-authentication-manager>";
         }},
        {"ldap authorization",
         [](EseParts& p) {
             p.authorizer = "<ldap-authorization-manager><realm>dir</realm></ldap-authorization-manager>";
         }},
        {"Java code",
         [](EseParts& p) {
             p.before_authorization =
                 "<authorization-preprocessors><custom-preprocessor><implementation>\n com.example.X\n"
                 "</implementation></custom-preprocessor></authorization-preprocessors>";
         }},
        {"custom claims",
         [](EseParts& p) {
             p.validation = "<jwt-validation><custom-claims><x>1</x></custom-claims></jwt-validation>";
         }},
        {"a subject",
         [](EseParts& p) {
             p.validation =
                 "<jwt-validation><reserved-claims><sub>x</sub></reserved-claims></jwt-validation>";
         }},
        {"an issuer under another name",
         [](EseParts& p) {
             p.validation =
                 "<jwt-validation><reserved-claims><iss alt=\"x\">y</iss></reserved-claims></jwt-validation>";
         }},
        {"a realm that is switched off",
         [](EseParts& p) {
             p.more_realms = kFileRealm;
             p.more_realms.replace(p.more_realms.find("true"), 4, "false");
             p.authorizer = "<file-authorization-manager><realm>file</realm></file-authorization-manager>";
         }},
    };
    for (const Variant& variant : variants) {
        EseParts parts;
        variant.change(parts);
        const Loaded loaded = load_parts(parts);
        ASSERT_TRUE(loaded.configuration) << variant.what << "\n" << loaded.faults.to_text();
        EXPECT_FALSE(loaded.configuration->pipelines[0].closed.empty()) << variant.what;
        EXPECT_FALSE(loaded.configuration->concerns.empty()) << variant.what;
        EXPECT_NE(loaded.faults.to_text().find("the pipeline of listener ALL refuses everybody: "),
                  std::string::npos)
            << variant.what;
    }
}

struct Bad {
    std::function<void(EseParts&)> change;
    std::string_view fault;  ///< one whole line that must be among the faults
};

TEST(EseConfig, SaysWhatIsWrongWhereAndHowToRepairIt) {
    const std::vector<Bad> rows = {
        {[](EseParts& p) { p.validation = "<jwt-validaton/>"; },
         "8:49: unknown element <jwt-validaton> in <jwt-authentication-manager>; did you mean "
         "jwt-validation?\n"},
        {[](EseParts& p) { p.realm_configuration = "<jwks-endpont>https://a.test</jwks-endpont>"; },
         "4:17: unknown element <jwks-endpont> in <configuration>; did you mean jwks-endpoint?\n"},
        {[](EseParts& p) { p.realm_configuration.clear(); },
         "4:2: <configuration> of a jwt-realm lacks <jwks-endpoint>; name the URL of the provider's key set "
         "(jwks_uri in "
         "its discovery document)\n"},
        {[](EseParts& p) { p.more_realms = "<jwt-relm/>"; },
         "5:2: unknown element <jwt-relm> in <realms>; did you mean jwt-realm?\n"},
        {[](EseParts& p) {
             p.more_realms =
                 "<jwt-realm><name>Okta</name><configuration><jwks-endpoint>https://b.test/k"
                 "</jwks-endpoint></configuration></jwt-realm>";
         },
         "5:2: two realms are called Okta; the first stands at 3:10\n"},
        {[](EseParts& p) {
             p.realm_configuration = "<jwks-endpoint>http://keys.example.com/k</jwks-endpoint>";
         },
         "4:31: key set 'http://keys.example.com/k': "},
        {[](EseParts& p) { p.realm_configuration += "<jwks-cache-duration>soon</jwks-cache-duration>"; },
         ": <jwks-cache-duration> must be an integer, not \"soon\"\n"},
        {[](EseParts& p) {
             p.realm_configuration += "<ssl-trust-store type=\"jks\" password=\"x\">/t.jks</ssl-trust-store>";
         },
         ": a Java trust store (JKS or PKCS12) cannot be read; export its certificates as PEM (keytool "
         "-exportcert -rfc) "
         "and name that file, type=\"PEM\"\n"},
        {[](EseParts& p) {
             p.realm_configuration =
                 "<jwks-endpoint>https://a.test/k</jwks-endpoint><simple-auth><username>a</username>"
                 "<user-name>b</user-name><password>c</password></simple-auth>";
         },
         ": both <username> and <user-name> are given; keep one\n"},
        {[](EseParts& p) { p.realm_configuration = "<jwks-endpoint>${ENV:KEYS_URL}</jwks-endpoint>"; },
         "4:31: environment variable KEYS_URL is not set; set it before the start, or write the value "
         "here\n"},
        {[](EseParts& p) { p.pipeline_attributes = "listner=\"ALL\""; },
         "6:31: unknown attribute listner of <listener-pipeline>; did you mean listener?\n"},
        {[](EseParts& p) { p.pipeline_attributes.clear(); },
         "6:13: <listener-pipeline> names no listener; write listener=\"ALL\" or the name of one\n"},
        {[](EseParts& p) {
             p.more_pipelines =
                 "<listener-pipeline listener=\"ALL\"><allow-all-authentication-manager/>"
                 "<allow-all-authorization-manager/></listener-pipeline>";
         },
         "11:2: two pipelines guard listener ALL; the first stands at 6:13; keep one\n"},
        {[](EseParts& p) {
             p.authorizer = "<authorization-preprocessors/>" + p.authorizer;
             p.before_authorization = p.authorizer.substr(30);
         },
         "10:2: <authorization-preprocessors> must stand before the authorization manager; the order is: "
         "preprocessors, "
         "authentication, preprocessors, authorization\n"},
        {[](EseParts& p) { p.authorizer.clear(); },
         "6:13: <listener-pipeline> lacks the authorization manager; as <file-authorization-manager>, or "
         "<allow-all-authorization-manager/>\n"},
        {[](EseParts& p) { p.authorizer += p.authorizer; },
         "10:36: the authorization manager is given twice in one pipeline; keep one\n"},
        {[](EseParts& p) { p.authorizer = "<file-authorisation-manager/>"; },
         "10:2: unknown element <file-authorisation-manager> in <listener-pipeline>; did you mean "
         "file-authorization-manager?\n"},
        {[](EseParts& p) {
             p.authenticator = "<jwt-authentication-manager><realm>Otka</realm></jwt-authentication-manager>";
         },
         "8:30: realm Otka does not exist; did you mean Okta?\n"},
        {[](EseParts& p) {
             p.authenticator =
                 "<file-authentication-manager><realm>Okta</realm></file-authentication-manager>";
         },
         "8:2: realm Okta is a jwt-realm, which this manager cannot use; use <jwt-authentication-manager>\n"},
        {[](EseParts& p) {
             p.authorizer = "<file-authorization-manager><realm>Okta</realm></file-authorization-manager>";
         },
         "10:2: realm Okta is a jwt realm and knows no rights; name a file realm\n"},
        {[](EseParts& p) {
             p.validation =
                 "<jwt-validation><exp-grace disconnect-after-expiry=\"yes\">5m</exp-grace></jwt-validation>";
         },
         ": <exp-grace> must be an integer, not \"5m\"\n"},
        {[](EseParts& p) {
             p.validation =
                 "<jwt-validation><exp-grace disconnect-after-expiry=\"yes\">5</exp-grace></jwt-validation>";
         },
         ": disconnect-after-expiry is \"yes\", which is neither true nor false; write true or false\n"},
        {[](EseParts& p) {
             p.validation =
                 "<jwt-validation><reserved-claims><aud>a</aud><aud>b</aud></reserved-claims></"
                 "jwt-validation>";
         },
         ": <aud> is given twice in <reserved-claims>; the first stands in line 8\n"},
        {[](EseParts& p) {
             p.validation =
                 "<jwt-validation><reserved-claims><aud> </aud></reserved-claims></jwt-validation>";
         },
         ": <aud> is empty\n"},
        {[](EseParts& p) {
             p.validation =
                 "<jwt-validation><reserved-claims><iss>any</iss></reserved-claims></jwt-validation>";
         },
         ": the issuer is \"any\", which is no issuer; delete <iss> or name one\n"},
        {[](EseParts& p) {
             p.before_authorization =
                 "<authorization-preprocessors><jwt-preprocesor/></authorization-preprocessors>";
         },
         "9:31: unknown element <jwt-preprocesor> in <authorization-preprocessors>; did you mean "
         "jwt-preprocessor?\n"},
        {[](EseParts& p) { p.access_log = "<access-log><sub-folder>../../etc</sub-folder></access-log>"; },
         "2:25: <sub-folder> must be one plain name, not \"../../etc\"; the log stays below the data "
         "folder\n"},
        {[](EseParts& p) {
             p.more_realms =
                 "<file-realm><name>f</name><configuration><file-path>gone.xml</file-path></configuration></"
                 "file-realm>";
         },
         "5:53: file /hive/gone.xml cannot be read; a relative path counts from /hive\n"},
    };
    for (const Bad& row : rows) {
        EseParts parts;
        row.change(parts);
        const Loaded loaded = load_parts(parts);
        EXPECT_FALSE(loaded.configuration) << row.fault;
        EXPECT_NE(faults_of(loaded).find(row.fault), std::string::npos) << row.fault << "\nnot in\n"
                                                                        << faults_of(loaded);
    }
}

TEST(EseConfig, TellsFragmentsAndSwappedFiles) {
    const auto faults = [](std::string text) {
        FakeMachine machine;
        machine.files["/c.xml"] = std::move(text);
        const Loaded loaded = machine.load("/c.xml");
        EXPECT_FALSE(loaded.configuration);
        return loaded.faults.to_text();
    };
    EXPECT_EQ(faults("<jwt-realm/>"),
              "/c.xml:1:2: this is only a fragment: <jwt-realm> stands alone, without the "
              "<enterprise-security-extension> "
              "around it; put it into a whole file, as the examples show\n");
    EXPECT_EQ(faults("<roles/>"),
              "/c.xml:1:2: this is only a fragment: <roles> stands alone, without the <ese-file-realm> "
              "around it; and a "
              "file with <enterprise-security-extension> is due here\n");
    EXPECT_EQ(faults(std::string(kRoles)),
              "/c.xml:1:2: this is <ese-file-realm>, but <enterprise-security-extension> is due here; are "
              "the two files "
              "swapped?\n");
    EXPECT_EQ(faults("<enterprise-security-extention/>"),
              "/c.xml:1:2: the root element is <enterprise-security-extention>, not "
              "<enterprise-security-extension>; did "
              "you mean enterprise-security-extension?\n");
}

TEST(EseConfig, ListsAllFaultsInOnePass) {
    EseParts parts;
    parts.realm_configuration += "<x/>";
    parts.validation = "<y/>";
    parts.pipeline_attributes += " z='1'";
    parts.authorizer = "<file-authorization-manager><realm>q</realm></file-authorization-manager>";
    const Loaded loaded = load_parts(parts);
    EXPECT_EQ(loaded.faults.size(), 5U)
        << loaded.faults.to_text();  // four errors, and no audience and issuer
}

TEST(EseConfig, PathsCountFromTheFolderAboveConf) {
    EXPECT_EQ(ese_home("/a/conf/config.xml"), "/a");
    EXPECT_EQ(ese_home("/a/b/config.xml"), "/a/b");
    EXPECT_EQ(ese_home("conf/config.xml"), ".");
    EXPECT_EQ(ese_home("config.xml"), ".");
    EXPECT_EQ(ese_home("/config.xml"), "/");
    EXPECT_EQ(ese_home("/conf/config.xml"), "/");
}

TEST(EseConfig, AListenerWithoutPipelineRefusesAndDegradesHealth) {
    EseParts parts;
    parts.pipeline_attributes = "listener='tls'";
    FakeMachine machine;
    machine.files["/c.xml"] = parts.text();
    LoadOptions options = machine.options();
    options.listeners.push_back(*parse_listener_flag("tcp:0,name=plain"));
    const Loaded loaded = load("/c.xml", options);
    ASSERT_TRUE(loaded.configuration);
    EXPECT_EQ(loaded.configuration->pipeline_of("plain"), nullptr);
    ASSERT_EQ(loaded.configuration->concerns.size(), 1U);
    EXPECT_NE(loaded.configuration->concerns[0].find("no pipeline guards listener plain"), std::string::npos);
}

std::string file_faults(std::string_view text) {
    Faults faults;
    const auth::FileRealmData data =
        read_ese_file_realm("r.xml", text, FakeMachine{}.options().surroundings, faults);
    auth::validate(data, faults);
    return faults.to_text();
}

TEST(EseFileRealm, ReadsEveryPartOfAPermission) {
    Faults faults;
    const auto data = read_ese_file_realm("r.xml", R"(<ese-file-realm version="1"><rest-api/><mqtt>
<roles><role><id>press</id><permissions><permission><shared-group>g1</shared-group>
<shared-subscription>SHARED</shared-subscription><retain>NOT_RETAINED</retain><activity>ALL</activity><qos>ZERO_TWO</qos>
<topic>plant/${mqtt-clientid}/#</topic></permission></permissions></role></roles>
<users><user><name>press-7</name><password>s3cret</password><roles><role>press</role></roles></user></users>
</mqtt></ese-file-realm>)",
                                          FakeMachine{}.options().surroundings, faults);
    EXPECT_EQ(faults.to_text(),
              "r.xml:1:30: warning: <rest-api> is not supported by this version; that access stays closed\n");
    ASSERT_EQ(data.roles.size(), 1U);
    const auth::FilePermission& permission = data.roles[0].permissions.at(0);
    EXPECT_EQ(permission.topic, "plant/${mqtt-clientid}/#");
    EXPECT_EQ(permission.qos, (std::array<bool, 3>{true, false, true}));
    EXPECT_EQ(permission.activity, auth::Activity::All);
    EXPECT_EQ(permission.retain, auth::Retention::NotRetained);
    EXPECT_EQ(permission.sharing, auth::Sharing::Shared);
    EXPECT_EQ(permission.shared_group, "g1");
    ASSERT_EQ(data.users.size(), 1U);
    EXPECT_EQ(data.users[0].password.expose(), "s3cret");
    EXPECT_EQ(data.users[0].roles, std::vector<std::string>{"press"});
}

TEST(EseFileRealm, SaysWhatIsWrong) {
    EXPECT_EQ(file_faults("<ese-file-realm><roles><role/></roles></ese-file-realm>"),
              "r.xml:1:18: only a fragment: <roles> stands without the <mqtt> around it; wrap <users> and "
              "<roles> in "
              "<mqtt>...</mqtt>\n");
    EXPECT_EQ(
        file_faults(
            "<ese-file-realm><mqtt><roles><role><id>a</id><permissions><permission><topic>t</topic>"
            "<qos>ONLY</qos><activity>PUBLISHING</activity></permission></permissions></role></roles></mqtt>"
            "</ese-file-realm>"),
        "r.xml:1:92: <qos> is \"ONLY\"; known here: ALL, ZERO, ONE, TWO, ZERO_ONE, ZERO_TWO, ONE_TWO\n"
        "r.xml:1:112: <activity> is \"PUBLISHING\"; did you mean PUBLISH?\n");
    EXPECT_EQ(file_faults(
                  "<ese-file-realm><mqtt><roles><role><name>a</name></role></roles></mqtt></ese-file-realm>")
                  .substr(0, 60),
              "r.xml:1:37: unknown element <name> in <role>; known here: id");
    EXPECT_NE(
        file_faults("<ese-file-realm><mqtt><users><user><name>a</name><password>x</password></user><user>"
                    "<name>a</name><password>y</password></user></users></mqtt></ese-file-realm>")
            .find("user 'a' is defined twice"),
        std::string::npos);
}

}  // namespace
}  // namespace latchkey::config
