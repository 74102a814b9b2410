// `latchkey check`: loads and assembles a configuration as serve would, without a network.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/core.h>

#include "app/assemble.h"
#include "app/cli.h"
#include "app/files.h"
#include "app/mailbox_loop.h"
#include "app/offline_fetcher.h"
#include "base/json.h"
#include "base/utf8.h"
#include "config/load.h"

namespace latchkey::app {
namespace {

/// What serve would do with the configuration once it is loaded; adds what only shows then to `faults`.
bool assembles(const config::Configuration& configuration, Faults& faults) {
    const SystemClock clock;
    SystemRandom random;
    OfflineFetcher fetcher;
    const auto loop = MailboxLoop::create();
    if (!loop) {
        faults.error({configuration.file, 1, 1}, loop.error().message());
        return false;
    }
    policy::AuthorityTable authorities{HashSeed{}};
    const Services services{.clock = clock,
                            .random = random,
                            .fetcher = fetcher,
                            .background = (*loop)->mailbox(),
                            .pool = nullptr,
                            .authorities = authorities};
    const auto assembly = Assembly::build(configuration, services, 1, faults);
    return assembly != nullptr && assembly->prepare(faults);
}

void print_text(const config::Loaded& loaded, const Faults& faults, bool good, const std::string& file) {
    std::string out = faults.to_text();
    if (loaded.configuration) {
        const config::Configuration& configuration = *loaded.configuration;
        out += fmt::format("{}: {} configuration, {} realms, {} pipelines\n", file,
                           config::name_of(configuration.dialect), configuration.realms.size(),
                           configuration.pipelines.size());
        for (const config::ListenerConfig& listener : configuration.listeners)
            out += fmt::format("listener {} ({} {}:{}): {}\n", escape_for_terminal(listener.name),
                               config::name_of(listener.kind), listener.address, listener.port,
                               escape_for_terminal(describe_pipeline(configuration, listener.name)));
        if (configuration.listeners.empty()) {
            for (const config::PipelineConfig& pipeline : configuration.pipelines)
                out += fmt::format("listener {}: {}\n", escape_for_terminal(pipeline.listener),
                                   escape_for_terminal(describe_pipeline(configuration, pipeline.listener)));
            out += "no listeners here: serve gets them by --listener\n";
        }
    }
    out += good ? "ok\n" : "serve would not start with this\n";
    std::fputs(out.c_str(), stdout);
}

void print_json(const config::Loaded& loaded, const Faults& faults, bool good) {
    std::string out;
    json::Writer json(out);
    json.begin_object().field("ok", good).begin_array("faults");
    for (const Fault& fault : faults.all()) {
        json.begin_object();
        json.field("severity", fault.severity == Severity::Error ? "error" : "warning");
        json.field("file", fault.position.file).field("line", fault.position.line);
        json.field("column", fault.position.column).field("message", fault.message).field("hint", fault.hint);
        json.end_object();
    }
    json.end_array().begin_array("listeners");
    if (loaded.configuration) {
        for (const config::ListenerConfig& listener : loaded.configuration->listeners) {
            json.begin_object().field("name", listener.name).field("kind", config::name_of(listener.kind));
            json.field("address", listener.address).field("port", listener.port);
            json.field("enforced", describe_pipeline(*loaded.configuration, listener.name)).end_object();
        }
    }
    json.end_array().end_object();
    std::puts(out.c_str());
}

}  // namespace

int run_check(const CheckArgs& args) {
    config::LoadOptions options;
    options.allow_plain_http = args.allow_plain_http;
    options.listener_kinds.assign(supported_listeners().begin(), supported_listeners().end());
    for (const std::string& text : args.listeners) {
        const auto listener = config::parse_listener_flag(text);
        if (!listener) {
            complain("--listener " + text + ": " + listener.error().message());
            return kWrongUsage;
        }
        options.listeners.push_back(*listener);
    }
    const config::Loaded loaded = config::load(args.file, options);
    Faults faults = loaded.faults;
    const bool good = loaded.configuration && assembles(*loaded.configuration, faults);
    if (args.json)
        print_json(loaded, faults, good);
    else
        print_text(loaded, faults, good, args.file);
    return good ? kOk : kFailed;
}

}  // namespace latchkey::app
