// The command line as plain structs: what each subcommand is asked to do. The parser (and its library) stays
// behind parse().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "app/bench.h"

namespace latchkey::app {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kProtectionLost = 3;  ///< import: something that protects was not carried over
inline constexpr int kDenied = 10;

struct ServeArgs {
    std::string config;
    bool dev = false;
    std::string data;
    std::string ready_file;
    std::vector<std::string> listeners;
    std::optional<unsigned> shards;
    std::optional<std::uint16_t> admin_port;
    std::string log_level = "info";
    std::string log_format = "text";
    bool allow_plain_http = false;
    bool core_dumps = false;
};

struct CheckArgs {
    std::string file;
    std::vector<std::string> listeners;
    bool allow_plain_http = false;
    bool json = false;
};

struct ExplainArgs {
    std::string config;
    std::string listener;
    std::string client_id;
    std::optional<std::string> user_name;
    std::string password_file;
    std::string token_file;
    std::optional<std::string> publish;
    std::optional<std::string> subscribe;
    unsigned qos = 0;
    bool retain = false;
    std::string decision;
    std::string live;
    bool allow_plain_http = false;
    bool json = false;
};

struct TokenFetchArgs {
    std::string issuer;
    std::string token_url;
    std::string client_id;
    std::string client_secret_file;
    std::string scope;
    std::string audience;
    std::string ca_file;
    std::string out;
    bool allow_plain_http = false;
    bool json = false;
};
struct TokenMintArgs {
    std::string dev;
    std::string key;
    std::string algorithm = "ES256";
    std::string type = "at+jwt";
    std::string issuer;
    std::string audience;
    std::string subject;
    std::vector<std::string> roles;
    std::vector<std::string> claims;
    std::int64_t lifetime_s = 3600;
    std::string out;
};
struct TokenDecodeArgs {
    std::string token_file;
    std::string jwks;
    bool json = false;
};

/// What pub and sub share: where the broker is and who asks.
struct ConnectArgs {
    std::string host = "localhost";
    std::optional<std::uint16_t> port;
    std::string version = "mqttv5";
    std::string client_id;
    std::optional<std::string> user_name;
    std::optional<std::string> password;
    std::string token_file;
    std::string ca_file;
    std::string cert_file;
    std::string key_file;
    bool tls = false;
    bool insecure = false;
    std::uint16_t keep_alive_s = 60;
    bool clean = true;
    std::optional<std::uint32_t> session_expiry_s;
    std::string will_topic;
    std::string will_payload;
    unsigned will_qos = 0;
    bool will_retain = false;
    bool quiet = false;
};
struct PubArgs {
    ConnectArgs connect;
    std::string topic;
    std::optional<std::string> message;
    std::string file;
    bool lines = false;
    bool empty = false;
    unsigned qos = 0;
    bool retain = false;
    bool json = false;
};
struct SubArgs {
    ConnectArgs connect;
    std::vector<std::string> topics;
    unsigned qos = 0;
    std::uint64_t count = 0;  ///< 0: no end
    unsigned wait_s = 0;      ///< 0: no end
    bool verbose = false;
    bool no_newline = false;
    bool no_retained = false;
    bool no_local = false;
    bool json = false;
};

struct ImportArgs {
    std::string kind;
    std::string file;
};
struct DocsArgs {
    std::string kind;
};

using Command = std::variant<ServeArgs, CheckArgs, ExplainArgs, TokenFetchArgs, TokenMintArgs,
                             TokenDecodeArgs, PubArgs, SubArgs, ImportArgs, BenchOptions, DocsArgs>;

/// A command, or the exit code after help or a fault was shown.
struct Parsed {
    std::optional<Command> command;
    int exit_code = kOk;
    std::string text;  ///< to show: help on stdout, a fault (exit 2) on stderr
};
/// @param arguments  without the program's name @thread control
Parsed parse(std::span<const std::string> arguments);

int run_serve(const ServeArgs& args);
int run_check(const CheckArgs& args);
int run_explain(const ExplainArgs& args);
int run_token_fetch(const TokenFetchArgs& args);
int run_token_mint(const TokenMintArgs& args);
int run_token_decode(const TokenDecodeArgs& args);
int run_pub(const PubArgs& args);
int run_sub(const SubArgs& args);
int run_import(const ImportArgs& args);
int run_docs(const DocsArgs& args);

}  // namespace latchkey::app
