// See client_command.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/client_command.h"

#include <cstdio>

#include <fmt/core.h>

#include "app/files.h"
#include "app/tls_stream.h"
#include "net/fd.h"
#include "policy/decision_ring.h"

namespace latchkey::app {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};

bool wants_tls(const ConnectArgs& args) {
    return args.tls || args.insecure || !args.ca_file.empty() || !args.cert_file.empty();
}

Result<std::unique_ptr<ByteStream>> reach(const ConnectArgs& args) {
    if (!wants_tls(args)) return connect_tcp(args.host, args.port.value_or(1883), kPatience);
    return connect_tls(args.host, args.port.value_or(8883),
                       {.ca_file = args.ca_file,
                        .certificate_file = args.cert_file,
                        .key_file = args.key_file,
                        .insecure = args.insecure},
                       kPatience);
}

mqtt::Level level_of(const ConnectArgs& args) {
    if (args.version == "mqttv31" || args.version == "31") return mqtt::Level::V31;
    if (args.version == "mqttv311" || args.version == "311") return mqtt::Level::V311;
    return mqtt::Level::V5;
}

Result<ClientOptions> options_of(const ConnectArgs& args) {
    ClientOptions options;
    options.level = level_of(args);
    options.client_id = args.client_id;
    options.user_name = args.user_name;
    if (args.password) options.password = Secret(*args.password);
    if (!args.token_file.empty()) {
        LK_TRY(options.password, read_secret_file(args.token_file));
    }
    // MQTT 3.1.1 knows no password without a user name [MQTT-3.1.2-22].
    if (options.level != mqtt::Level::V5 && options.password && !options.user_name)
        options.user_name = "latchkey";
    options.clean_start = args.clean;
    options.keep_alive_s = args.keep_alive_s;
    options.session_expiry_s = args.session_expiry_s;
    if (!args.will_topic.empty()) {
        ClientMessage will;
        will.topic = args.will_topic;
        will.payload = args.will_payload;
        will.qos = static_cast<std::uint8_t>(args.will_qos);
        will.retain = args.will_retain;
        options.will = std::move(will);
    }
    return options;
}

}  // namespace

std::optional<MqttClient> open_client(const ConnectArgs& args, const Clock& clock) {
    net::ignore_broken_pipes();
    const auto say = [&](const Error& error) {
        if (!args.quiet) complain(error.message());
        return std::nullopt;
    };
    const auto options = options_of(args);
    if (!options) return say(options.error());
    auto stream = reach(args);
    if (!stream) return say(stream.error());
    MqttClient client(*std::move(stream), clock);
    const auto answer = client.connect(*options);
    if (!answer) return say(answer.error());
    if (!answer->ok()) {
        say_refused(args, "login", answer->describe());
        return std::nullopt;
    }
    return client;
}

std::string decision_in(std::string_view words) {
    constexpr std::size_t kLength = 15;  // d- and 13 characters
    for (std::size_t at = words.find("d-"); at != std::string_view::npos; at = words.find("d-", at + 1)) {
        const std::string_view id = words.substr(at, kLength);
        if (policy::parse_decision_id(id)) return std::string(id);
    }
    return {};
}

void say_refused(const ConnectArgs& args, std::string_view what, std::string_view answer) {
    if (args.quiet) return;
    complain(fmt::format("{} refused: {}", what, answer));
    const std::string id = decision_in(answer);
    if (!id.empty())
        complain(
            fmt::format("ask why, on the broker's machine: latchkey explain --decision {} --live "
                        "http://127.0.0.1:8080",
                        id));
}

}  // namespace latchkey::app
