// The command line: what each form means, and what is wrong usage.
// SPDX-License-Identifier: Apache-2.0
#include "app/cli.h"

#include <gtest/gtest.h>

namespace latchkey::app {
namespace {

using Arguments = std::vector<std::string>;

struct UsageRow {
    const char* why;
    Arguments arguments;
};
void PrintTo(const UsageRow& row, std::ostream* out) {
    *out << row.why;
}
class WrongUsage : public ::testing::TestWithParam<UsageRow> {};

TEST_P(WrongUsage, ExitsWithTwoAndRunsNothing) {
    const Parsed parsed = parse(GetParam().arguments);
    EXPECT_FALSE(parsed.command);
    EXPECT_EQ(parsed.exit_code, kWrongUsage);
    EXPECT_FALSE(parsed.text.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, WrongUsage,
    ::testing::Values(
        UsageRow{"no command", {}}, UsageRow{"an unknown command", {"no-such-command"}},
        UsageRow{"an unknown option", {"serve", "--no-such-option"}},
        UsageRow{"check without a file", {"check"}},
        UsageRow{"no shards", {"serve", "--dev", "--shards", "0"}},
        UsageRow{"more shards than a mask has bits", {"serve", "--dev", "--shards", "65"}},
        UsageRow{"an unknown log level", {"serve", "--dev", "--log-level", "loud"}},
        UsageRow{"a port that is none", {"serve", "--dev", "--admin-port", "70000"}},
        UsageRow{"explain without a question", {"explain", "--config", "f", "--listener", "l"}},
        UsageRow{"explain without a listener", {"explain", "--config", "f", "--publish", "t"}},
        UsageRow{"explain with two questions",
                 {"explain", "--config", "f", "--listener", "l", "--publish", "t", "--subscribe", "t"}},
        UsageRow{"a decision without a broker", {"explain", "--decision", "d-0123456789abc"}},
        UsageRow{"a QoS that does not exist",
                 {"explain", "--config", "f", "--listener", "l", "--publish", "t", "--qos", "3"}},
        UsageRow{"token alone", {"token"}},
        UsageRow{"client credentials from nowhere",
                 {"token", "client-credentials", "--client-id", "a", "--client-secret-file", "f"}},
        UsageRow{"mint with two keys", {"token", "mint", "--dev", "d", "--key", "k", "--subject", "s"}},
        UsageRow{"mint without a key", {"token", "mint", "--subject", "s"}},
        UsageRow{"pub without a payload", {"pub", "-t", "a"}},
        UsageRow{"pub with two payloads", {"pub", "-t", "a", "-m", "x", "-n"}},
        UsageRow{"pub without a topic", {"pub", "-m", "x"}},
        UsageRow{"two passwords", {"sub", "-t", "a", "-P", "x", "--token-file", "f"}},
        UsageRow{"sub without a filter", {"sub"}},
        UsageRow{"a page that is not there", {"docs", "nothing"}}));

TEST(CommandLine, HelpOfEveryCommandShowsAnExampleAndExitsWithZero) {
    for (const char* name : {"serve", "check", "explain", "token", "pub", "sub", "docs"}) {
        const Parsed parsed = parse(Arguments{name, "--help"});
        EXPECT_FALSE(parsed.command) << name;
        EXPECT_EQ(parsed.exit_code, kOk) << name;
        EXPECT_NE(parsed.text.find("Examples:"), std::string::npos) << name;
        EXPECT_NE(parsed.text.find(std::string("latchkey ") + name + " "), std::string::npos) << name;
    }
    EXPECT_EQ(parse(Arguments{"--help"}).exit_code, kOk);
}

TEST(CommandLine, ServeKeepsEveryListenerInItsOrder) {
    const Parsed parsed =
        parse(Arguments{"serve", "--config", "c.toml", "--listener", "tcp:0,name=a", "--listener",
                        "tls:[::1]:8883,cert=c,key=k", "--shards", "2", "--ready-file", "r"});
    ASSERT_TRUE(parsed.command);
    const auto& args = std::get<ServeArgs>(*parsed.command);
    EXPECT_EQ(args.config, "c.toml");
    EXPECT_EQ(args.listeners, (Arguments{"tcp:0,name=a", "tls:[::1]:8883,cert=c,key=k"}));
    EXPECT_EQ(args.shards, 2U);
    EXPECT_EQ(args.ready_file, "r");
    EXPECT_FALSE(args.dev);
}

TEST(CommandLine, PubTakesMosquittosLetters) {
    const Parsed parsed = parse(Arguments{"pub",   "-h", "broker", "-p", "8883", "--cafile", "ca",  "-i",
                                          "me",    "-u", "u",      "-P", "p",    "-t",       "a/b", "-m",
                                          "hello", "-q", "1",      "-r", "-V",   "mqttv311"});
    ASSERT_TRUE(parsed.command) << parsed.text;
    const auto& args = std::get<PubArgs>(*parsed.command);
    EXPECT_EQ(args.connect.host, "broker");
    EXPECT_EQ(args.connect.port, 8883);
    EXPECT_EQ(args.connect.ca_file, "ca");
    EXPECT_EQ(args.connect.client_id, "me");
    EXPECT_EQ(args.connect.user_name, "u");
    EXPECT_EQ(args.connect.password, "p");
    EXPECT_EQ(args.topic, "a/b");
    EXPECT_EQ(args.message, "hello");
    EXPECT_EQ(args.qos, 1U);
    EXPECT_TRUE(args.retain);
    EXPECT_EQ(args.connect.version, "mqttv311");
    EXPECT_TRUE(args.connect.clean);
}

TEST(CommandLine, SubTakesSeveralFiltersAndKeepsItsSession) {
    const Parsed parsed = parse(Arguments{"sub", "-t", "a/#", "-t", "b", "-c", "-C", "3", "-W", "9", "-v"});
    ASSERT_TRUE(parsed.command) << parsed.text;
    const auto& args = std::get<SubArgs>(*parsed.command);
    EXPECT_EQ(args.topics, (Arguments{"a/#", "b"}));
    EXPECT_FALSE(args.connect.clean);
    EXPECT_EQ(args.count, 3U);
    EXPECT_EQ(args.wait_s, 9U);
    EXPECT_TRUE(args.verbose);
}

TEST(CommandLine, AnEmptyUserNameDiffersFromNone) {
    const Parsed with =
        parse(Arguments{"explain", "--config", "f", "--listener", "l", "--publish", "t", "--username", ""});
    ASSERT_TRUE(with.command) << with.text;
    EXPECT_EQ(std::get<ExplainArgs>(*with.command).user_name, "");
    const Parsed without = parse(Arguments{"explain", "--config", "f", "--listener", "l", "--publish", "t"});
    ASSERT_TRUE(without.command);
    EXPECT_FALSE(std::get<ExplainArgs>(*without.command).user_name);
}

TEST(CommandLine, EachTokenCommandIsItsOwn) {
    EXPECT_TRUE(std::holds_alternative<TokenFetchArgs>(
        *parse(Arguments{"token", "client-credentials", "--token-url", "https://x", "--client-id", "a",
                         "--client-secret-file", "f"})
             .command));
    EXPECT_TRUE(std::holds_alternative<TokenMintArgs>(
        *parse(Arguments{"token", "mint", "--dev", "d", "--subject", "s", "--role", "a", "--role", "b"})
             .command));
    EXPECT_TRUE(std::holds_alternative<TokenDecodeArgs>(
        *parse(Arguments{"token", "decode", "--token-file", "f"}).command));
}

}  // namespace
}  // namespace latchkey::app
