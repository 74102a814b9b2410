// `latchkey serve`: puts the parts together in order, opens listeners only when everything is ready, and
// takes them down in reverse.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/dev_mode.h"
#include "app/files.h"
#include "app/running.h"
#include "base/log.h"
#include "config/load.h"
#include "net/fd.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kDefaultData = "latchkey-data";

/// The signals that are waited for instead of handled. Before any thread is made: they inherit it.
sigset_t hold_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

/// One descriptor per client: what the operator allows at all.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log::event(log::Level::Warn, "descriptor_limit_kept", {log::field("clients", limit.rlim_cur)});
}

/// A core file would hold keys, tokens and payloads. The limit alone does not stop a handler behind a pipe;
/// who is not dumpable is not traced by others of its user either.
void forbid_core_dumps() {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log::event(log::Level::Warn, "core_dumps_possible", {});
}

void init_log(const ServeArgs& args) {
    log::Options options;
    options.level = log::parse_level(args.log_level).value_or(log::Level::Info);
    options.format = args.log_format == "json" ? log::Format::Json : log::Format::Text;
    log::init(std::move(options));
}

int failed(const Error& error) {
    complain(error.message());
    return kFailed;
}

std::optional<config::LoadOptions> load_options(const ServeArgs& args) {
    config::LoadOptions options;
    options.allow_plain_http = args.allow_plain_http;
    options.listener_kinds.assign(supported_listeners().begin(), supported_listeners().end());
    for (const std::string& text : args.listeners) {
        const auto listener = config::parse_listener_flag(text);
        if (!listener) {
            complain("--listener " + text + ": " + listener.error().message());
            return std::nullopt;
        }
        options.listeners.push_back(*listener);
    }
    return options;
}

/// --dev never leaves the machine, whatever its flags say.
bool loopback_only(const std::vector<config::ListenerConfig>& listeners) {
    for (const config::ListenerConfig& listener : listeners) {
        const auto address = net::parse_address(listener.address, listener.port);
        if (address && address->loopback()) continue;
        complain("--dev listens on this machine only: " + listener.address + " is not loopback");
        return false;
    }
    return true;
}

/// TLS listeners from flags use the development certificate unless they bring their own.
void add_dev_certificates(std::vector<config::ListenerConfig>& listeners, const DevFolder& folder) {
    for (config::ListenerConfig& listener : listeners) {
        if (!config::has_tls(listener.kind) || !listener.certificate.empty()) continue;
        listener.certificate = folder.file("server.pem");
        listener.key = folder.file("server-key.pem");
    }
}

unsigned shard_count(const ServeArgs& args, const config::Configuration& configuration) {
    if (args.shards) return *args.shards;
    if (configuration.broker.shards > 0) return configuration.broker.shards;
    return std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
}

/// Serves until told to stop.
void wait_for_end(Running& running, const sigset_t& signals) {
    for (;;) {
        const timespec look{.tv_sec = 1, .tv_nsec = 0};
        const int signal = ::sigtimedwait(&signals, nullptr, &look);
        if (signal < 0) {
            running.look_after_files();
            continue;
        }
        if (signal != SIGHUP) {
            log::event(log::Level::Info, "stopping",
                       {log::field("signal", signal == SIGINT ? "INT" : "TERM")});
            return;
        }
        running.reload();
    }
}

int run(const ServeArgs& args, const sigset_t& signals) {
    auto options = load_options(args);
    if (!options) return kWrongUsage;
    if (args.dev && !loopback_only(options->listeners)) return kWrongUsage;
    std::unique_ptr<DevMode> dev;  // goes after `running`: its keys are asked for until the end
    Running running;
    std::string path = args.config;
    if (args.dev) {
        const std::string data = absolute_path(args.data.empty() ? std::string(kDefaultData) : args.data);
        if (const auto opened = running.open_data(data); !opened) return failed(opened.error());
        auto started =
            start_dev_mode(data, args.admin_port.value_or(kDevAdminPort), running.random(), running.clock());
        if (!started) return failed(started.error());
        dev = *std::move(started);
        path = dev->config_path;
        add_dev_certificates(options->listeners, *dev->folder);
    }
    config::Loaded loaded = config::load(path, *options);
    std::fputs(loaded.faults.to_text().c_str(), stderr);
    if (!loaded.configuration) return kFailed;
    config::Configuration& configuration = *loaded.configuration;
    if (configuration.listeners.empty()) {
        complain("no listener: give --listener KIND:PORT, as --listener tcp:1883, or write [[listeners]]");
        return kWrongUsage;
    }
    if (!args.dev) {
        const std::string& written = configuration.broker.data_dir;
        const std::string data = !args.data.empty() ? args.data
                                 : !written.empty() ? written
                                                    : std::string(kDefaultData);
        if (const auto opened = running.open_data(absolute_path(data)); !opened)
            return failed(opened.error());
    }
    if (args.admin_port) configuration.admin.port = *args.admin_port;
    const bool port_is_wish = !args.admin_port && configuration.dialect != config::Dialect::Native;
    const unsigned shards = shard_count(args, configuration);
    const auto started =
        running.start({.path = path, .load = *options, .shards = shards, .admin_port_is_wish = port_is_wish},
                      std::move(configuration));
    if (!started) return failed(started.error());
    if (!*started) return kFailed;
    if (!args.ready_file.empty())
        if (const auto written = running.write_ready_file(args.ready_file); !written)
            return failed(written.error());
    if (dev) {
        const std::string text =
            dev_welcome(*dev->folder, own_path(), path, running.listeners(), running.admin_url());
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
    }
    wait_for_end(running, signals);
    running.stop();
    return kOk;
}

}  // namespace

int run_serve(const ServeArgs& args) {
    if (args.dev != args.config.empty()) {
        complain(args.dev ? "--dev goes without --config" : "give --config FILE, or --dev to try it out");
        return kWrongUsage;
    }
    const sigset_t signals = hold_signals();
    net::ignore_broken_pipes();
    init_log(args);
    raise_descriptor_limit();
    if (!args.core_dumps) forbid_core_dumps();
    const int code = run(args, signals);
    log::shutdown();
    return code;
}

}  // namespace latchkey::app
