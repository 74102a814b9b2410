// Dialects, listener flags, and that every shipped example loads.
// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "config/test_files_for_test.h"

namespace latchkey::config {
namespace {

using testing::FakeMachine;

std::string faults_of(std::string text) {
    FakeMachine machine;
    machine.files["/c"] = std::move(text);
    return machine.load("/c").faults.to_text();
}

TEST(Load, RecognisesForeignDialectsByContent) {
    EXPECT_EQ(faults_of("# Mosquitto\nlistener 1883 0.0.0.0\nallow_anonymous true\n"),
              "/c:1:1: this is a mosquitto.conf, which this version recognises but cannot run yet; write "
              "native TOML, or an "
              "ESE config\n");
    EXPECT_EQ(faults_of("<broker xmlns=\"http://activemq.apache.org/schema/core\"/>"),
              "/c:1:1: this is an ActiveMQ configuration, which this version recognises but cannot run yet; "
              "write native "
              "TOML, or an ESE config\n");
    EXPECT_TRUE(faults_of("<other/>").starts_with("/c:1:2: the root element is <other>"))
        << faults_of("<other/>");
    EXPECT_EQ(faults_of("port = 1\n"),
              "/c:1:1: unknown key port; known here: broker, limits, admin, logs, listeners, realms, "
              "pipelines\n");
    EXPECT_TRUE(faults_of("\xC2\xA0<enterprise-security-extension>")
                    .starts_with("/c:1:1: U+00A0 NO-BREAK SPACE stands here"));
    EXPECT_EQ(faults_of(""), "");
}

TEST(Load, AMissingFileIsAFault) {
    EXPECT_EQ(
        FakeMachine{}.load("/none").faults.to_text(),
        "/none:1:1: the file cannot be read; check the path, its permissions, and its size: at most 1 MiB\n");
}

TEST(ListenerFlag, ReadsKindAddressPortAndOptions) {
    const auto plain = parse_listener_flag("tcp:1883");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->kind, ListenerKind::Tcp);
    EXPECT_EQ(plain->address, "127.0.0.1");
    EXPECT_EQ(plain->port, 1883);
    const auto tls = parse_listener_flag("tls:[::1]:0,name=n,cert=c,key=k,client-ca=a");
    ASSERT_TRUE(tls);
    EXPECT_EQ(tls->address, "::1");
    EXPECT_EQ(tls->name, "n");
    EXPECT_EQ(tls->certificate, "c");
    EXPECT_EQ(tls->key, "k");
    EXPECT_EQ(tls->client_ca, "a");
    EXPECT_EQ(tls->client_certificate, net::ClientCertificate::Required);
    EXPECT_EQ(parse_listener_flag("ws:0.0.0.0:80")->address, "0.0.0.0");
    EXPECT_EQ(parse_listener_flag("ws:80,path=/")->path, "/");
    for (const std::string_view bad :
         {"", "tcp", "tcp:", "udp:1", "tcp:65536", "tcp:-1", "tcp:1 ", "tcp:::1:1883", "tcp::1", "tls:1,cert",
          "tls:1,cert=", "tls:1,crt=x", "tls:1,cert=a,cert=b", "tls:1,", "TCP:1"})
        EXPECT_FALSE(parse_listener_flag(bad)) << bad;
}

TEST(ListenerFlag, ReplacesTheListenersOfTheFile) {
    FakeMachine machine;
    machine.files["/c.toml"] =
        "[[listeners]]\nkind = \"tcp\"\nport = 1\n[[pipelines]]\nlistener = \"ALL\"\n"
        "authenticate = \"allow-all\"\nauthorize = \"allow-all\"\n";
    LoadOptions options = machine.options();
    options.listeners.push_back(*parse_listener_flag("tcp:0.0.0.0:2,name=two"));
    const Loaded loaded = load("/c.toml", options);
    ASSERT_TRUE(loaded.configuration) << loaded.faults.to_text();
    ASSERT_EQ(loaded.configuration->listeners.size(), 1U);
    EXPECT_EQ(loaded.configuration->listeners[0].name, "two");
    EXPECT_NE(loaded.faults.to_text().find(
                  "warning: listener two at 0.0.0.0 takes passwords and tokens without TLS"),
              std::string::npos);
    options.listeners = {*parse_listener_flag("ws:2,name=w")};
    options.listener_kinds = {ListenerKind::Tcp};
    EXPECT_NE(
        load("/c.toml", options).faults.to_text().find("listener kind ws is not supported by this version"),
        std::string::npos);
}

TEST(Load, EveryShippedExampleLoads) {
    const auto examples = std::filesystem::path(__FILE__).parent_path() / "../../examples";
    LoadOptions options;
    options.surroundings.environment = [](const std::string&) -> std::optional<std::string> { return "x"; };
    std::size_t loaded_files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(examples)) {
        const std::string name = entry.path().filename();
        if (!name.ends_with(".toml") && (!name.ends_with(".xml") || name == "roles.xml")) continue;
        const Loaded loaded = load(entry.path(), options);
        EXPECT_TRUE(loaded.configuration) << loaded.faults.to_text();
        EXPECT_TRUE(loaded.configuration && loaded.configuration->concerns.empty()) << entry.path();
        ++loaded_files;
    }
    EXPECT_GE(loaded_files, 5U);
}

}  // namespace
}  // namespace latchkey::config
