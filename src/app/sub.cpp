// `latchkey sub`.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/client_command.h"
#include "app/files.h"
#include "base/json.h"
#include "base/utf8.h"

namespace latchkey::app {
namespace {

void print(const SubArgs& args, const ClientMessage& message) {
    std::string out;
    if (args.json) {
        json::Writer json(out);
        json.begin_object().field("topic", message.topic).field("payload", message.payload);
        json.field("qos", message.qos).field("retain", message.retain).end_object();
    } else {
        // The topic is text of a peer's and goes to a terminal; the payload is data and goes out as it is.
        if (args.verbose) out = escape_for_terminal(message.topic) + " ";
        out += message.payload;
    }
    if (!args.no_newline) out.push_back('\n');
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fflush(stdout);
}

/// True when at least one filter was granted.
bool subscribe(MqttClient& client, const SubArgs& args) {
    std::vector<ClientFilter> filters;
    for (const std::string& topic : args.topics)
        filters.push_back({.filter = topic,
                           .qos = static_cast<std::uint8_t>(args.qos),
                           .no_local = args.no_local,
                           .retain_as_published = false,
                           .retain_handling = static_cast<std::uint8_t>(args.no_retained ? 2 : 0)});
    const auto answer = client.subscribe(filters);
    if (!answer) {
        say_refused(args.connect, "subscribe", answer.error().message());
        return false;
    }
    bool granted = false;
    for (std::size_t i = 0; i < answer->filters.size() && i < args.topics.size(); ++i) {
        granted = granted || answer->filters[i].ok();
        if (!answer->filters[i].ok())
            say_refused(args.connect, "subscribe " + args.topics[i], answer->filters[i].describe());
    }
    return granted;
}

}  // namespace

int run_sub(const SubArgs& args) {
    using std::chrono::milliseconds;
    constexpr Duration kStep = std::chrono::seconds(1);
    const SystemClock clock;
    auto client = open_client(args.connect, clock);
    if (!client || !subscribe(*client, args)) return kFailed;
    const MonoTime end = args.wait_s == 0 ? kNever : clock.mono() + std::chrono::seconds(args.wait_s);
    std::uint64_t printed = 0;
    while (args.count == 0 || printed < args.count) {
        const MonoTime now = clock.mono();
        if (now >= end) break;
        const auto message = client->receive(std::chrono::ceil<milliseconds>(std::min(kStep, end - now)));
        if (!message) {
            say_refused(args.connect, "connection", message.error().message());
            return kFailed;
        }
        if (!*message) continue;
        if (args.no_retained && (*message)->retain) continue;
        print(args, **message);
        ++printed;
    }
    LK_IGNORE(client->disconnect(), "the work is done");
    return args.count != 0 && printed < args.count ? kFailed : kOk;
}

}  // namespace latchkey::app
