// Native TOML: what its keys mean and what is said of wrong ones.
// SPDX-License-Identifier: Apache-2.0
#include "config/native.h"

#include <gtest/gtest.h>

#include "config/test_files_for_test.h"

namespace latchkey::config {
namespace {

using testing::FakeMachine;

Loaded load_toml(std::string text) {
    FakeMachine machine;
    machine.files["/e/c.toml"] = std::move(text);
    machine.files["/e/secret"] = "s \n";
    machine.variables["ID"] = "client";
    return machine.load("/e/c.toml");
}

std::string faults_of(std::string text) {
    const Loaded loaded = load_toml(std::move(text));
    EXPECT_EQ(loaded.configuration.has_value(), !loaded.faults.has_errors());
    return loaded.faults.to_text();
}

constexpr std::string_view kGood = R"([broker]
shards = 2
session_cap_s = 60
[admin]
port = 0
[[listeners]]
kind = "tls"
port = 0
certificate = "c.pem"
key = "/k.pem"
[realms.idp]
kind = "jwt"
jwks_url = "https://idp.test/keys"
introspection_url = "https://idp.test/introspect"
client_id = "${ENV:ID}"
client_secret = "${FILE:secret}"
issuer = "https://idp.test/"
audience = ["a", "b"]
roles_claim = "/realm_access/roles"
[realms.local]
kind = "file"
[[realms.local.roles]]
id = "r"
permissions = [{ topic = "a/${mqtt-clientid}", activity = "publish", qos = [0, 1], retain = "not_retained" },
               { topic = "b/#", activity = "subscribe", shared = "all" }]
[[realms.local.users]]
name = "u"
password = "p"
roles = ["r"]
[[pipelines]]
listener = "ALL"
authenticate = [{ realm = "idp", on_failure = "next", audience = "c" }, "local"]
authorize = ["local"]
require_grants = true
)";

TEST(NativeConfig, MeansWhatItSays) {
    const Loaded loaded = load_toml(std::string(kGood));
    ASSERT_TRUE(loaded.configuration) << loaded.faults.to_text();
    EXPECT_EQ(loaded.faults.to_text(), "");
    const Configuration& c = *loaded.configuration;
    EXPECT_EQ(c.broker.shards, 2);
    EXPECT_EQ(c.broker.session_cap.count(), 60);
    EXPECT_EQ(c.admin.port, 0);
    ASSERT_EQ(c.listeners.size(), 1U);
    EXPECT_EQ(c.listeners[0].name, "tls-0");
    EXPECT_EQ(c.listeners[0].address, "127.0.0.1");
    EXPECT_EQ(c.listeners[0].certificate, "/e/c.pem");
    EXPECT_EQ(c.listeners[0].key, "/k.pem");
    ASSERT_EQ(c.realms.size(), 2U);
    const auto& idp = std::get<JwtRealmEntry>(c.realms[0].settings);
    EXPECT_EQ(idp.realm.name, "idp");
    EXPECT_EQ(idp.realm.client_id, "client");
    EXPECT_EQ(idp.realm.client_secret.expose(), "s ");
    EXPECT_EQ(idp.check.issuer, std::vector<std::string>{"https://idp.test/"});
    const auto& local = std::get<FileRealmEntry>(c.realms[1].settings).data;
    EXPECT_EQ(local.roles.at(0).permissions.at(0).qos, (std::array<bool, 3>{true, true, false}));
    EXPECT_EQ(local.roles.at(0).permissions.at(0).sharing, auth::Sharing::NotShared);
    EXPECT_EQ(local.roles.at(0).permissions.at(0).retain, auth::Retention::NotRetained);
    EXPECT_EQ(local.roles.at(0).permissions.at(1).sharing, auth::Sharing::All);
    EXPECT_EQ(local.users.at(0).password.expose(), "p");
    const PipelineConfig& pipeline = c.pipelines.at(0);
    EXPECT_EQ(pipeline.authenticate.at(0).link.on_failure, auth::OnFailure::Next);
    EXPECT_EQ(pipeline.authenticate.at(0).link.on_refused, auth::OnRefused::Stop);
    EXPECT_EQ(pipeline.authenticate.at(0).jwt->audience, std::vector<std::string>{"c"});
    EXPECT_EQ(pipeline.authenticate.at(0).jwt->issuer, std::vector<std::string>{"https://idp.test/"});
    EXPECT_FALSE(pipeline.authenticate.at(1).jwt);
    EXPECT_TRUE(pipeline.require_grants);
    EXPECT_EQ(pipeline.on_denied_publish, OnDeniedPublish::Acknowledge);
    const auto& roles = std::get<auth::JwtPreprocessorConfig>(pipeline.before_authorization.at(0));
    EXPECT_EQ(roles.extractions.at(0).claim, "/realm_access/roles");
    EXPECT_TRUE(roles.json_pointers);
}

std::string changed(std::string_view from, std::string_view to) {
    std::string text(kGood);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

struct Bad {
    std::string_view from;
    std::string_view to;
    std::string_view faults;
};

TEST(NativeConfig, SaysWhatIsWrongWhereAndHowToRepairIt) {
    const std::vector<Bad> rows = {
        {"shards = 2", "shard = 2", "/e/c.toml:2:1: unknown key broker.shard; did you mean shards?\n"},
        {"[broker]", "[brokr]", "/e/c.toml:1:2: unknown key brokr; did you mean broker?\n"},
        {"shards = 2", "shards = \"2\"",
         "/e/c.toml:2:10: broker.shards must be an integer, not a string; write it without quotes\n"},
        {"shards = 2", "shards = 65", "/e/c.toml:2:10: broker.shards must be 0 to 64, not 65\n"},
        {"shards = 2", "shards = 1.5",
         "/e/c.toml:2:10: broker.shards must not be a number with a fraction; write integer, 0 to 64\n"},
        {"kind = \"tls\"", "kind = \"tsl\"",
         "/e/c.toml:7:8: listeners.kind must be one of tcp, tls, ws, wss, not \"tsl\"; did you "
         "mean \"tls\"?\n"},
        {"key = \"/k.pem\"", "",
         "/e/c.toml:6:1: listener tls-0 needs a certificate and its key; add certificate and key\n"},
        {"kind = \"jwt\"", "kind = \"jwt-realm\"",
         "/e/c.toml:12:8: realms.idp.kind is \"jwt-realm\"; known here: jwt, file\n"},
        {"jwks_url", "jwks_uri", "/e/c.toml:13:1: unknown key realms.idp.jwks_uri; did you mean jwks_url?\n"},
        {"${ENV:ID}", "${ENV:IDD}",
         "/e/c.toml:15:13: environment variable IDD is not set; set it before the start, or write the value "
         "here\n"},
        {"${FILE:secret}", "${FILE:secrets}",
         "/e/c.toml:16:17: file /e/secrets cannot be read; check the path, its permissions and its size\n"},
        {"audience = [\"a\", \"b\"]", "audience = [1]",
         "/e/c.toml:18:12: realms.idp.audience holds an integer; write a list of strings\n"},
        {"activity = \"publish\"", "activity = \"pub\"",
         "/e/c.toml:24:59: realms.local.roles.permissions.activity is \"pub\"; known here: publish, "
         "subscribe, all\n"},
        {"activity = \"publish\", ", "",
         "/e/c.toml:24:16: realms.local.roles.permissions.activity is missing; write "
         "publish, subscribe or all\n"},
        {"qos = [0, 1]", "qos = [3]",
         "/e/c.toml:24:77: realms.local.roles.permissions.qos holds something else than 0, 1 and 2\n"},
        {"listener = \"ALL\"", "listener = \"tls\"",
         "/e/c.toml:30:1: the pipeline guards listener tls, which does not exist; known here: ALL, tls-0\n"},
        {"\"local\"]\nauthorize", "\"locale\"]\nauthorize",
         "/e/c.toml:32:73: realm locale does not exist; did you mean local?\n"},
        {"authorize = [\"local\"]", "",
         "/e/c.toml:30:1: pipelines.authorize is missing; name a realm, or write authorize "
         "= \"allow-all\"\n"},
        {"authorize = [\"local\"]", "authorize = [\"idp\"]",
         "/e/c.toml:33:14: realm idp is a jwt realm and knows no rights; name a file realm\n"},
        {"authorize = [\"local\"]", "authorize = [\"allow-all\", \"local\"]",
         "/e/c.toml:33:14: allow-all must stand alone in pipelines.authorize\n"},
        {"on_failure = \"next\"", "on_failur = \"next\"",
         "/e/c.toml:32:34: unknown key pipelines.authenticate.on_failur; did you mean on_failure?\n"},
        {"port = 0\n[[", "address = \"0.0.0.0\"\n[[",
         "/e/c.toml:1:1: admin.address is \"0.0.0.0\"; the admin port has no logins yet and stays on "
         "loopback: write "
         "127.0.0.1 or ::1\n"},
    };
    for (const Bad& row : rows) {
        const std::string faults = faults_of(changed(row.from, row.to));
        EXPECT_NE(faults.find(row.faults), std::string::npos) << row.faults << "not in\n" << faults;
    }
}

TEST(NativeConfig, WebSocketAndProxyRowsAreJudged) {
    constexpr std::string_view kTls = "kind = \"tls\"\nport = 0\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\n";
    const std::vector<std::pair<std::string_view, std::string_view>> rows = {
        {"kind = \"ws\"\nport = 0\n", ""},
        {"kind = \"ws\"\nport = 0\npath = \"/\"\nallowed_origins = [\"https://a.example:8443\", \"*\", "
         "\"null\"]\n",
         ""},
        {"kind = \"wss\"\nport = 0\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\nproxy_protocol = true\n"
         "proxy_from = [\"10.0.0.0/8\", \"2001:db8::5\"]\n",
         ""},
        {"kind = \"ws\"\nport = 0\npath = \"mqtt\"\n",
         "path \"mqtt\" is no path of a request; begin it with /, without ?, # and blanks, as /mqtt\n"},
        {"kind = \"ws\"\nport = 0\npath = \"/m?x\"\n", "path \"/m?x\" is no path of a request"},
        {"kind = \"ws\"\nport = 0\nallowed_origins = \"app.example\"\n",
         "\"app.example\" in allowed_origins is no origin; write it as browsers do"},
        {"kind = \"ws\"\nport = 0\nallowed_origins = \"https://app.example/\"\n", "is no origin"},
        {"kind = \"tcp\"\nport = 0\npath = \"/mqtt\"\n",
         "listener tcp-0 is tcp, which has no path; is kind ws meant?\n"},
        {"kind = \"tcp\"\nport = 0\nallowed_origins = [\"*\"]\n",
         "listener tcp-0 is tcp, which has no origins"},
        {"kind = \"ws\"\nport = 0\ncertificate = \"c\"\nkey = \"k\"\n", "is kind wss meant?\n"},
        {"kind = \"ws\"\nport = 0\naddress = \"0.0.0.0\"\n",
         "use kind wss, or write allow_plain_credentials"},
        {"kind = \"tcp\"\nport = 0\nproxy_protocol = true\n",
         "listener tcp-0 has proxy_protocol without proxy_from; list the load balancers"},
        {"kind = \"tcp\"\nport = 0\nproxy_from = \"10.0.0.1\"\n", "has proxy_from without proxy_protocol"},
        {"kind = \"tcp\"\nport = 0\nproxy_protocol = true\nproxy_from = [\"lb.example\"]\n",
         "\"lb.example\" in proxy_from is no address or prefix"},
        {"kind = \"tcp\"\nport = 0\nproxy_protocol = true\nproxy_from = [\"0.0.0.0/0\"]\n",
         "warning: listener tcp-0 believes the PROXY header of everybody"},
    };
    for (const auto& [lines, fault] : rows) {
        const std::string faults = faults_of(changed(kTls, lines));
        EXPECT_EQ(faults.empty(), fault.empty()) << lines << faults;
        EXPECT_NE(faults.find(fault), std::string::npos) << fault << " not in\n" << faults;
    }
}

TEST(NativeConfig, AListenerWithoutPipelineIsAnError) {
    std::string text(kGood);
    text.resize(text.find("[[pipelines]]"));
    EXPECT_EQ(faults_of(text),
              "/e/c.toml:6:1: no pipeline guards listener tls-0; add [[pipelines]] with its name, or with "
              "listener = \"ALL\"\n");
}

TEST(NativeConfig, PlainCredentialsBeyondLoopbackNeedAWord) {
    const std::string plain = changed("kind = \"tls\"\nport = 0\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\n",
                                      "kind = \"tcp\"\naddress = \"0.0.0.0\"\nport = 0\n");
    EXPECT_EQ(faults_of(plain),
              "/e/c.toml:6:1: listener tcp-0 at 0.0.0.0 takes passwords and tokens without TLS from beyond "
              "this machine; use kind tls, or write allow_plain_credentials = true\n");
    std::string allowed = plain;
    allowed.insert(allowed.find("port = 0\n[realms"), "allow_plain_credentials = true\n");
    EXPECT_EQ(faults_of(allowed), "");
}

TEST(NativeConfig, ARealmWithoutIssuerMustBeAlone) {
    const std::string second =
        "[realms.two]\nkind = \"jwt\"\njwks_url = \"https://two.test/\"\naudience = \"x\"\n[realms.local]";
    std::string text = changed("[realms.local]", second);
    text.replace(text.find(", \"local\"]"), 10, ", \"two\"]");
    EXPECT_NE(faults_of(text).find(
                  "realm two checks no issuer and stands beside another token realm; set issuer: it decides "
                  "whose token it is\n"),
              std::string::npos)
        << faults_of(text);
}

TEST(NativeConfig, AnyIssuerWithoutAudienceDegradesHealth) {
    std::string text =
        changed("issuer = \"https://idp.test/\"\naudience = [\"a\", \"b\"]", "issuer = \"any\"");
    text.replace(text.find(", audience = \"c\""), 16, "");
    const Loaded loaded = load_toml(text);
    ASSERT_TRUE(loaded.configuration) << loaded.faults.to_text();
    ASSERT_EQ(loaded.configuration->concerns.size(), 1U);
    EXPECT_NE(loaded.configuration->concerns[0].find("neither audience nor issuer is checked"),
              std::string::npos);
}

}  // namespace
}  // namespace latchkey::config
