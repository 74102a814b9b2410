// `latchkey pub`.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/client_command.h"
#include "app/files.h"
#include "base/json.h"

namespace latchkey::app {
namespace {

Result<std::vector<std::string>> payloads(const PubArgs& args) {
    if (args.empty) return std::vector<std::string>{std::string()};
    if (args.message) return std::vector<std::string>{*args.message};
    LK_TRY(const std::string text, read_file(args.lines ? "-" : args.file));
    if (!args.lines) return std::vector<std::string>{text};
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

void print_json(const PubArgs& args, bool accepted, std::string_view answer) {
    std::string out;
    json::Writer(out)
        .begin_object()
        .field("topic", args.topic)
        .field("accepted", accepted)
        .field("answer", answer)
        .field("decision", decision_in(answer))
        .end_object();
    std::puts(out.c_str());
}

/// One message; true once the broker took it.
bool send(MqttClient& client, const PubArgs& args, std::string payload) {
    ClientMessage message;
    message.topic = args.topic;
    message.payload = std::move(payload);
    message.qos = static_cast<std::uint8_t>(args.qos);
    message.retain = args.retain;
    const auto answer = client.publish(message);
    // QoS 0 has no answer; one to a PING behind it shows at least that the broker did not end the connection.
    const auto alive = answer && args.qos == 0 ? client.ping() : Result<void>{};
    const bool accepted = answer && answer->ok() && alive;
    const std::string words = !answer  ? answer.error().message()
                              : !alive ? alive.error().message()
                                       : answer->describe();
    if (args.json) print_json(args, accepted, words);
    if (!accepted) say_refused(args.connect, "publish", words);
    return accepted;
}

}  // namespace

int run_pub(const PubArgs& args) {
    const SystemClock clock;
    auto messages = payloads(args);
    if (!messages) {
        complain(messages.error().message());
        return kFailed;
    }
    auto client = open_client(args.connect, clock);
    if (!client) return kFailed;
    for (std::string& payload : *messages)
        if (!send(*client, args, std::move(payload))) return kFailed;
    LK_IGNORE(client->disconnect(), "everything was acknowledged; a broker gone by now changes nothing");
    return kOk;
}

}  // namespace latchkey::app
