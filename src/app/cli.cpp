// Reading the command line with CLI11; nothing else of the room knows that library.
// SPDX-License-Identifier: Apache-2.0
#include "app/cli.h"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

namespace latchkey::app {
namespace {

/// One subcommand with its examples below the options.
CLI::App* add(CLI::App& parent, const std::string& name, const std::string& what,
              const std::string& examples) {
    CLI::App* app = parent.add_subcommand(name, what);
    app->footer("Examples:\n" + examples);
    return app;
}

void plain_http(CLI::App* app, bool& into) {
    app->add_flag("--allow-plain-http", into, "talk to providers without TLS, and not only on this machine");
}

void define_serve(CLI::App& root, ServeArgs& args) {
    CLI::App* app =
        add(root, "serve", "Run the broker",
            "  latchkey serve --dev\n"
            "  latchkey serve --config latchkey.toml --data /var/lib/latchkey\n"
            "  latchkey serve --config conf/config.xml --listener tls:0.0.0.0:8883,cert=c.pem,key=k.pem\n");
    app->add_option("--config", args.config, "native TOML or an ESE config.xml, recognised by content");
    app->add_flag("--dev", args.dev,
                  "no config: loopback listeners, own CA, own token issuer, two demo roles");
    app->add_option("--data", args.data, "data folder (default ./latchkey-data, or the config's)");
    app->add_option("--ready-file", args.ready_file,
                    "written once every listener accepts: pid and ports as JSON");
    app->add_option(
        "--listener", args.listeners,
        "KIND:[ADDRESS:]PORT[,name=N][,cert=F,key=F][,client-ca=F][,path=P]; repeatable; replaces "
        "the config's listeners; KIND is tcp, tls, ws or wss; loopback unless ADDRESS is given; "
        "port 0 is any free one");
    app->add_option("--shards", args.shards, "shares of the broker, each on a thread (default: one per core)")
        ->check(CLI::Range(1, 64));
    app->add_option("--admin-port", args.admin_port,
                    "port of health and decisions, on loopback; 0: any free one");
    app->add_option("--log-level", args.log_level, "debug, info, warn or error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app->add_option("--log-format", args.log_format, "text or json")->check(CLI::IsMember({"text", "json"}));
    app->add_flag("--core-dumps", args.core_dumps,
                  "for debugging: a crash may write memory, with keys and passwords, to disk");
    plain_http(app, args.allow_plain_http);
}

void define_check(CLI::App& root, CheckArgs& args) {
    CLI::App* app =
        add(root, "check", "Say what is wrong in a config and how it will be enforced; contacts nothing",
            "  latchkey check latchkey.toml\n  latchkey check conf/config.xml --listener tls:8883,"
            "cert=c.pem,key=k.pem\n");
    app->add_option("FILE", args.file, "the config")->required();
    app->add_option("--listener", args.listeners, "as for serve");
    app->add_flag("--json", args.json, "as one JSON object");
    plain_http(app, args.allow_plain_http);
}

void define_explain(CLI::App& root, ExplainArgs& args) {
    CLI::App* app =
        add(root, "explain", "Say why a client may or may not do something; exit 0 allowed, 10 denied",
            "  latchkey explain --config latchkey.toml --listener tls --client-id m1 --token-file m1.token "
            "--publish plant/m1/state\n"
            "  latchkey explain --decision d-0a1b2c3d4e5f6 --live http://127.0.0.1:8080\n");
    app->add_option("--config", args.config, "the config that is asked");
    app->add_option("--listener", args.listener, "the listener's name; any where one pipeline guards ALL");
    app->add_option("--client-id", args.client_id, "as in CONNECT");
    app->add_option("--username", args.user_name, "as in CONNECT");
    app->add_option("--password-file", args.password_file,
                    "its content is the password; a final newline is not");
    app->add_option("--token-file", args.token_file, "the same for a token, which is sent as the password");
    auto* publish = app->add_option("--publish", args.publish, "may it publish to this topic?");
    app->add_option("--subscribe", args.subscribe, "may it subscribe to this filter?")->excludes(publish);
    app->add_option("--qos", args.qos, "0, 1 or 2")->check(CLI::Range(0, 2));
    app->add_flag("--retain", args.retain, "the publish is a retained one");
    app->add_option("--decision", args.decision, "the id of a past denial, with --live");
    app->add_option("--live", args.live, "admin address of a running broker, as http://127.0.0.1:8080");
    app->add_flag("--json", args.json, "as one JSON object");
    plain_http(app, args.allow_plain_http);
    app->callback([&args] {
        if (!args.decision.empty()) {
            if (args.live.empty()) throw CLI::ValidationError("--decision needs --live URL");
            return;
        }
        if (args.config.empty())
            throw CLI::ValidationError("give --config FILE, or --decision ID --live URL");
        if (args.listener.empty()) throw CLI::ValidationError("give --listener NAME");
        if (!args.publish && !args.subscribe)
            throw CLI::ValidationError("give --publish TOPIC or --subscribe FILTER");
    });
}

void define_token(CLI::App& root, TokenFetchArgs& fetch, TokenMintArgs& mint, TokenDecodeArgs& decode) {
    CLI::App* token = add(root, "token", "Obtain, make or show tokens",
                          "  latchkey token client-credentials --issuer https://idp.example --client-id d1 "
                          "--client-secret-file s\n  latchkey token decode --token-file d1.token\n");
    token->require_subcommand(1);
    CLI::App* app =
        add(*token, "client-credentials", "Ask a provider for a token with a client's own secret",
            "  latchkey token client-credentials --token-url https://idp.example/token --client-id d1 "
            "--client-secret-file secret --scope mqtt --out d1.token\n");
    app->add_option("--issuer", fetch.issuer, "finds the token endpoint by discovery");
    app->add_option("--token-url", fetch.token_url, "the token endpoint itself");
    app->add_option("--client-id", fetch.client_id)->required();
    app->add_option("--client-secret-file", fetch.client_secret_file, "its content is the secret")
        ->required();
    app->add_option("--scope", fetch.scope, "what to ask for");
    app->add_option("--audience", fetch.audience, "for providers that want one");
    app->add_option("--ca-file", fetch.ca_file, "PEM to trust for the provider in place of the system's");
    app->add_option("--out", fetch.out, "write it there, readable by you alone, and not to the terminal");
    app->add_flag("--json", fetch.json, "the whole answer");
    plain_http(app, fetch.allow_plain_http);
    app->callback([&fetch] {
        if (fetch.issuer.empty() == fetch.token_url.empty())
            throw CLI::ValidationError("give --issuer URL or --token-url URL");
    });

    app = add(*token, "mint", "Make a token with a key of your own",
              "  latchkey token mint --dev latchkey-data --subject sensor --role sensor\n"
              "  latchkey token mint --key key.pem --issuer https://me --audience mqtt --subject d1 "
              "--claim dept=north\n");
    auto* dev =
        app->add_option("--dev", mint.dev, "the data folder of serve --dev: its key, issuer and audience");
    app->add_option("--key", mint.key, "PKCS#8 PEM private key")->excludes(dev);
    app->add_option("--algorithm", mint.algorithm, "of --key: RS256, PS256, ES256 (384, 512) or EdDSA");
    app->add_option("--type", mint.type, "the header's typ");
    app->add_option("--issuer", mint.issuer);
    app->add_option("--audience", mint.audience);
    app->add_option("--subject", mint.subject)->required();
    app->add_option("--role", mint.roles, "repeatable: the roles claim");
    app->add_option("--claim", mint.claims, "NAME=VALUE, repeatable; VALUE is JSON, or else a text");
    app->add_option("--lifetime", mint.lifetime_s, "seconds from now; may be negative, for tests");
    app->add_option("--out", mint.out, "write it there, readable by you alone");
    app->callback([&mint] {
        if (mint.dev.empty() == mint.key.empty())
            throw CLI::ValidationError("give --dev FOLDER or --key FILE");
    });

    app = add(*token, "decode",
              "Show header and claims of a token; its signature is not checked without --jwks",
              "  latchkey token decode --token-file d1.token\n  latchkey token decode --jwks keys.json < "
              "d1.token\n");
    app->add_option("--token-file", decode.token_file, "default: standard input");
    app->add_option("--jwks", decode.jwks, "a key set file to check the signature with");
    app->add_flag("--json", decode.json, "as one JSON object");
}

void define_connect(CLI::App* app, ConnectArgs& args) {
    app->set_help_flag("--help", "Print this help and exit");
    app->add_option("-h,--host", args.host, "the broker (default localhost)");
    app->add_option("-p,--port", args.port, "default 1883, with TLS 8883");
    app->add_option("-V,--protocol-version", args.version, "mqttv5 (default), mqttv311 or mqttv31")
        ->check(CLI::IsMember({"mqttv5", "mqttv311", "mqttv31", "5", "311", "31"}));
    app->add_option("-i,--id", args.client_id, "client id (default: the broker gives one)");
    app->add_option("-u,--username", args.user_name);
    auto* password =
        app->add_option("-P,--pw", args.password,
                        "password; others on this machine can read it there: --token-file is better");
    app->add_option("--token-file", args.token_file, "the file's content is the password")
        ->excludes(password);
    app->add_option("--cafile", args.ca_file, "PEM to trust; switches TLS on");
    app->add_option("--cert", args.cert_file, "client certificate, PEM");
    app->add_option("--key", args.key_file, "its key");
    app->add_flag("--tls", args.tls, "TLS with the system's CAs");
    app->add_flag("--insecure", args.insecure, "do not check the broker's certificate");
    app->add_option("-k,--keepalive", args.keep_alive_s, "seconds");
    app->add_flag("!-c,!--disable-clean-session", args.clean, "keep the session");
    app->add_option("-x,--session-expiry-interval", args.session_expiry_s, "seconds, MQTT 5");
    app->add_option("--will-topic", args.will_topic);
    app->add_option("--will-payload", args.will_payload);
    app->add_option("--will-qos", args.will_qos)->check(CLI::Range(0, 2));
    app->add_flag("--will-retain", args.will_retain);
    app->add_flag("--quiet", args.quiet, "no messages about failures");
}

void define_pub(CLI::App& root, PubArgs& args) {
    CLI::App* app =
        add(root, "pub", "Publish a message",
            "  latchkey pub -t demo/m1/telemetry -m 21.5 -i m1 --token-file m1.token\n"
            "  latchkey pub -h broker --cafile ca.pem -t a -f picture.jpg -q 1 -r -u u -P secret\n");
    define_connect(app, args.connect);
    app->add_option("-t,--topic", args.topic)->required();
    app->add_option("-m,--message", args.message, "the payload");
    app->add_option("-f,--file", args.file, "the payload is this file's content");
    app->add_flag("-l,--stdin-line", args.lines, "one message per line of standard input");
    app->add_flag("-n,--null-message", args.empty, "an empty payload");
    app->add_option("-q,--qos", args.qos)->check(CLI::Range(0, 2));
    app->add_flag("-r,--retain", args.retain, "keep it for later subscribers");
    app->add_flag("--json", args.json, "the answer as JSON");
    app->callback([&args] {
        const int sources = (args.message ? 1 : 0) + (args.file.empty() ? 0 : 1) + (args.lines ? 1 : 0) +
                            (args.empty ? 1 : 0);
        if (sources != 1) throw CLI::ValidationError("give one of -m, -f, -l, -n");
    });
}

void define_sub(CLI::App& root, SubArgs& args) {
    CLI::App* app = add(root, "sub", "Subscribe and print what arrives",
                        "  latchkey sub -t 'demo/#' -v --token-file operator.token\n"
                        "  latchkey sub -h broker --cafile ca.pem -t a -t b -q 1 -C 2 -W 30\n");
    define_connect(app, args.connect);
    app->add_option("-t,--topic", args.topics, "filter; repeatable")->required();
    app->add_option("-q,--qos", args.qos)->check(CLI::Range(0, 2));
    app->add_option("-C,--count", args.count, "end after so many messages");
    app->add_option("-W,--timeout", args.wait_s, "end after so many seconds");
    app->add_flag("-v,--verbose", args.verbose, "the topic before each payload");
    app->add_flag("-N,--no-newline", args.no_newline, "no newline behind payloads");
    app->add_flag("-R,--no-retained", args.no_retained, "do not print retained messages");
    app->add_flag("--no-local", args.no_local, "not what this client publishes itself");
    app->add_flag("--json", args.json, "one JSON object per message");
}

void define_import(CLI::App& root, ImportArgs& args) {
    CLI::App* app = add(root, "import", "Write another product's configuration as native TOML",
                        "  latchkey import hivemq-ese conf/config.xml > latchkey.toml\n"
                        "Exit 3: something that protects could not be carried over.\n");
    app->add_option("KIND", args.kind, "hivemq-ese")->required()->check(CLI::IsMember({"hivemq-ese"}));
    app->add_option("FILE", args.file)->required();
}

void define_bench(CLI::App& root, BenchOptions& args) {
    CLI::App* app =
        add(root, "bench", "Load an MQTT broker and print what came through, as JSON",
            "  latchkey bench --publishers 10 --subscribers 10 --duration-ms 5000\n"
            "  latchkey bench --port 1884 --qos 1 --rate 2000 --username u --passwords-file tokens\n");
    app->add_option("--host", args.host);
    app->add_option("--port", args.port);
    app->add_option("--protocol-version", args.version)->check(CLI::IsMember({"mqttv5", "mqttv311"}));
    app->add_option("--publishers", args.publishers);
    app->add_option("--subscribers", args.subscribers);
    app->add_option("--topics", args.topics, "0: the smaller of both counts");
    app->add_option("--qos", args.qos)->check(CLI::Range(0, 2));
    app->add_option("--payload-bytes", args.payload_bytes);
    app->add_option("--window", args.window, "messages of each publisher that may be under way");
    app->add_option("--messages", args.messages, "in all; 0: as many as the duration allows");
    app->add_option("--duration-ms", args.duration_ms);
    app->add_option("--rate", args.rate,
                    "messages a second in all, with their latency; 0: as fast as possible");
    app->add_option("--threads", args.threads);
    app->add_option("--topic-prefix", args.topic_prefix);
    app->add_option("--client-prefix", args.client_prefix);
    app->add_option("--username", args.user_name);
    app->add_option("--passwords-file", args.passwords_file,
                    "a password or token in each line, dealt out in turn");
}

void define_docs(CLI::App& root, DocsArgs& args) {
    CLI::App* app = add(root, "docs", "Print reference pages from the tables they come from",
                        "  latchkey docs errors\n  latchkey docs config\n  latchkey docs schema\n");
    app->add_option("KIND", args.kind, "errors, config or schema")
        ->required()
        ->check(CLI::IsMember({"errors", "config", "schema"}));
}

}  // namespace

Parsed parse(std::span<const std::string> arguments) {
    CLI::App root("Latchkey: an MQTT broker whose keys your identity provider holds", "latchkey");
    root.require_subcommand(1);
    root.footer("Every command has --help with examples. Exit codes: 0 ok, 1 failed, 2 wrong usage.");
    root.set_version_flag("--version", "latchkey 0.1.0");
    ServeArgs serve;
    CheckArgs check;
    ExplainArgs explain;
    TokenFetchArgs fetch;
    TokenMintArgs mint;
    TokenDecodeArgs decode;
    PubArgs pub;
    SubArgs sub;
    ImportArgs imported;
    BenchOptions bench;
    DocsArgs docs;
    define_serve(root, serve);
    define_check(root, check);
    define_explain(root, explain);
    define_token(root, fetch, mint, decode);
    define_pub(root, pub);
    define_sub(root, sub);
    define_import(root, imported);
    define_bench(root, bench);
    define_docs(root, docs);

    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        root.parse(reversed);
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        std::ostringstream err;
        const bool shown = root.exit(error, out, err) == 0;
        return {std::nullopt, shown ? kOk : kWrongUsage, shown ? out.str() : err.str()};
    }
    const auto is = [&root](const char* name) { return root.get_subcommand(name)->parsed(); };
    Parsed parsed;
    if (is("serve")) parsed.command = std::move(serve);
    if (is("check")) parsed.command = std::move(check);
    if (is("explain")) parsed.command = std::move(explain);
    if (is("pub")) parsed.command = std::move(pub);
    if (is("sub")) parsed.command = std::move(sub);
    if (is("import")) parsed.command = std::move(imported);
    if (is("bench")) parsed.command = std::move(bench);
    if (is("docs")) parsed.command = std::move(docs);
    if (is("token")) {
        CLI::App* token = root.get_subcommand("token");
        if (token->get_subcommand("client-credentials")->parsed()) parsed.command = std::move(fetch);
        if (token->get_subcommand("mint")->parsed()) parsed.command = std::move(mint);
        if (token->get_subcommand("decode")->parsed()) parsed.command = std::move(decode);
    }
    return parsed;
}

}  // namespace latchkey::app
