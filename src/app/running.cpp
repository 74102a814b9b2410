// See running.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/running.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

#include "app/errors.h"
#include "base/json.h"
#include "base/log.h"
#include "net/errors.h"

namespace latchkey::app {
namespace {

constexpr Duration kFlushLimit = std::chrono::seconds(5);

HashSeed fresh_seed(Random& random) {
    HashSeed seed;
    random.fill(seed);
    return seed;
}

std::string below(const std::string& folder, const std::string& path) {
    return path.starts_with('/') ? path : folder + "/" + path;
}

/// An error that names what it is about.
std::unexpected<Error> about(std::string_view what, const Error& error) {
    return fail(error.info(), fmt::format("{} {}", what, error.detail()));
}

/// A line for each error. @return the first, for the health report
std::string tell_refusal(std::string_view event, std::string_view what, const Faults& faults) {
    std::string first;
    for (const Fault& fault : faults.all()) {
        if (fault.severity != Severity::Error) continue;
        const std::string why = to_string(fault);
        log::event(log::Level::Error, event, {log::field("why", why)});
        if (first.empty()) first = fmt::format("{} was refused, the old stays: {}", what, why);
    }
    return first;
}

}  // namespace

Result<void> Running::open_data(const std::string& folder) {
    LK_TRY(identity_, store::Identity::open(folder, random_));
    return {};
}

Result<bool> Running::start(RunOptions options, config::Configuration configuration) {
    options_ = std::move(options);
    LK_CHECK(open_logs(configuration.logs));
    LK_CHECK(start_services());
    Faults faults;
    const config::AdminConfig admin = configuration.admin;
    tls_files_.reset(tls_files(configuration));
    assembly_ = assemble(std::move(configuration), faults);
    const bool ready = assembly_ != nullptr && assembly_->prepare(faults);
    std::fputs(faults.to_text().c_str(), stderr);
    if (!ready) return false;
    LK_CHECK(start_admin(admin, options_.admin_port_is_wish));
    LK_CHECK(start_broker(options_.shards));
    for (const std::string& concern : assembly_->configuration().concerns)
        log::event(log::Level::Warn, "concern", {log::field("what", concern)});
    for (const admin::ListenerStatus& one : listeners_)
        log::event(log::Level::Info, "listening",
                   {log::field("listener", one.name), log::field("kind", one.kind),
                    log::field("address", one.address), log::field("port", one.port)});
    log::event(log::Level::Info, "ready",
               {log::field("shards", options_.shards), log::field("data", identity_->folder()),
                log::field("admin", admin_url())});
    return true;
}

Result<void> Running::open_logs(const config::LogsConfig& logs) {
    const std::string& folder = identity_->folder();
    if (logs.access) {
        LK_TRY(access_, auth::FileLineLog::open(
                            {.path = below(folder, logs.access_file), .write_through = logs.write_through}));
    }
    LK_TRY(audit_, auth::FileLineLog::open(
                       {.path = below(folder, logs.audit_file), .write_through = logs.write_through}));
    login_log_ = std::make_unique<auth::LoginLog>(access_.get(), *audit_);
    return {};
}

Result<void> Running::start_services() {
    authorities_ = std::make_unique<policy::AuthorityTable>(fresh_seed(random_));
    LK_TRY(background_, MailboxLoop::create());
    background_thread_ = std::make_unique<net::Executor>(clock_, "background");
    background_thread_->seat(*background_);
    background_thread_->start();
    http_ = std::make_unique<net::HttpClient>(clock_, net::HttpClient::Options{});
    pool_ = std::make_unique<net::WorkerPool>(clock_, net::WorkerPool::Options{});
    services_.emplace(Services{.clock = clock_,
                               .random = random_,
                               .fetcher = *http_,
                               .background = background_->mailbox(),
                               .pool = pool_.get(),
                               .authorities = *authorities_});
    return {};
}

std::shared_ptr<Assembly> Running::assemble(config::Configuration configuration, Faults& faults) {
    const auto version = identity_->next_policy_version();
    if (!version) {
        faults.error({identity_->folder() + "/identity", 1, 1}, version.error().message());
        return nullptr;
    }
    return Assembly::build(std::move(configuration), *services_, *version, faults);
}

Result<void> Running::start_admin(const config::AdminConfig& config, bool port_is_wish) {
    if (!config.enabled) return {};
    const auto options = [&](std::uint16_t port) {
        return admin::AdminOptions{
            .address = config.address, .port = port, .health = [this] { return health(); }};
    };
    auto started = admin::Admin::start(options(config.port));
    if (!started && port_is_wish && started.error().is(net::kAddressInUse)) {
        log::event(log::Level::Warn, "admin_port_taken",
                   {log::field("port", config.port), log::field("instead", "any free one")});
        started = admin::Admin::start(options(0));
    }
    if (!started) return about("admin port", started.error());
    admin_ = *std::move(started);
    return {};
}

Result<std::unique_ptr<net::TcpListener>> Running::open_listener(const config::ListenerConfig& listener) {
    auto socket = net::TcpListener::open({.host = listener.address, .port = listener.port});
    if (!socket) return about("listener " + listener.name + ":", socket.error());
    const net::Address& address = (*socket)->address();
    const std::lock_guard lock(mutex_);  // the admin port answers already
    listeners_.push_back(
        {listener.name, std::string(config::name_of(listener.kind)), address.text(), address.port});
    return socket;
}

Result<void> Running::start_broker(unsigned shards) {
    broker::BrokerOptions options;
    options.mesh.shards = shards;
    options.mesh.placement_seed = identity_->placement_seed();
    options.mesh.partitions = identity_->partitions();
    options.mesh.table_seed = fresh_seed(random_);
    options.mesh.own = authorities_->broker();
    options.process_epoch = identity_->process_epoch();
    for (const config::ListenerConfig& listener : assembly_->configuration().listeners) {
        LK_TRY(auto socket, open_listener(listener));
        options.acceptors.push_back(socket.get());
        sockets_.push_back(std::move(socket));
    }
    LK_TRY(broker_, broker::Broker::create(options, assembly_->make_epoch(admin_url()), clock_, *login_log_));
    broker_->start();
    if (admin_) admin_->attach(*broker_);
    return {};
}

std::string Running::admin_url() const {
    return admin_ ? "http://" + admin_->address().with_port() : std::string();
}

Result<void> Running::write_ready_file(const std::string& path) const {
    std::string text;
    json::Writer json(text);
    json.begin_object().field("pid", static_cast<std::int64_t>(::getpid()));
    json.begin_array("listeners");
    for (const admin::ListenerStatus& one : listeners_) {
        json.begin_object().field("name", one.name).field("kind", one.kind);
        json.field("address", one.address).field("port", one.port).end_object();
    }
    json.end_array();
    if (admin_) {
        json.begin_object("admin").field("address", admin_->address().text());
        json.field("port", admin_->address().port).end_object();
    }
    json.end_object();
    return store::replace_file(path, text + "\n", 0644);
}

admin::HealthReport Running::health() const {
    admin::HealthReport report;
    std::shared_ptr<Assembly> assembly;
    std::array<std::string, 2> troubles;
    {
        const std::lock_guard lock(mutex_);
        report.listeners = listeners_;
        assembly = assembly_;
        troubles = {tls_trouble_, reload_trouble_};
    }
    report.state = assembly->health(report.reasons);
    report.policy_version = assembly->policy()->version();
    for (const std::string& trouble : troubles) {
        if (trouble.empty()) continue;
        report.reasons.push_back(trouble);
        if (report.state == auth::HealthState::Ok) report.state = auth::HealthState::Degraded;
    }
    const auth::Health logs = login_log_->health();
    for (const Error& reason : logs.reasons)
        report.reasons.push_back("login log: " + reason.message());
    // Without its logs no login is let in: that is down.
    if (logs.state != auth::HealthState::Ok) report.state = auth::HealthState::Down;
    return report;
}

Result<void> Running::same_listeners(const config::Configuration& configuration) const {
    const auto& now = assembly_->configuration().listeners;
    const auto& next = configuration.listeners;
    if (now.size() != next.size()) return fail(kListenersChanged);
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i].name != next[i].name || now[i].kind != next[i].kind || now[i].address != next[i].address ||
            now[i].port != next[i].port)
            return fail(kListenersChanged, next[i].name);
    }
    return {};
}

void Running::reload() {
    config::Loaded loaded = config::load(options_.path, options_.load);
    Faults faults = loaded.faults;
    std::shared_ptr<Assembly> next;
    FileWatch files;
    if (loaded.configuration) {
        if (const auto same = same_listeners(*loaded.configuration); !same) {
            faults.error({options_.path, 1, 1}, same.error().message());
        } else {
            files.reset(tls_files(*loaded.configuration));
            next = assemble(*std::move(loaded.configuration), faults);
            if (next && !next->prepare(faults)) next = nullptr;
        }
    }
    std::fputs(faults.to_text().c_str(), stderr);
    if (!next) return set_trouble(reload_trouble_, tell_refusal("reload_refused", "the reload", faults));
    tls_files_ = std::move(files);
    set_trouble(reload_trouble_, "");
    set_trouble(tls_trouble_, "");
    adopt(std::move(next));
}

void Running::look_after_files() {
    if (!tls_files_.changed()) return;
    Faults faults;
    if (!assembly_->renew_tls(faults))
        return set_trouble(tls_trouble_, tell_refusal("tls_renewal_refused", "the renewal of TLS", faults));
    set_trouble(tls_trouble_, "");
    log::event(log::Level::Info, "tls_renewed", {});
    // Policy and pipelines are the same objects: logins under way go on.
    broker_->control().adopt(assembly_->make_epoch(admin_url()), [] {
        log::event(log::Level::Info, "tls_in_use", {log::field("receipt", true)});
    });
}

void Running::set_trouble(std::string& which, std::string text) {
    const std::lock_guard lock(mutex_);
    which = std::move(text);
}

void Running::adopt(std::shared_ptr<Assembly> assembly) {
    const policy::PolicyVersion version = assembly->policy()->version();
    auto epoch = assembly->make_epoch(admin_url());
    {
        const std::lock_guard lock(mutex_);
        std::swap(assembly_, assembly);
    }
    log::event(log::Level::Info, "reload_begun", {log::field("policy_version", version)});
    // The old realms are not drained: logins under way run to their end under the configuration they began
    // with, and what they hold goes with the last of them.
    broker_->control().adopt(std::move(epoch), [version] {
        log::event(log::Level::Info, "reload_done",
                   {log::field("policy_version", version), log::field("receipt", true)});
    });
}

void Running::stop() {
    if (admin_) admin_->stop();
    if (broker_) {
        broker_->control().shut_down(kFlushLimit);
        broker_->join();
    }
    if (assembly_) assembly_->drain();
    if (pool_) pool_->drain();
    if (http_) http_->drain();
    if (background_thread_) {
        background_->stop();
        background_thread_->join();
        background_thread_.reset();
    }
    if (login_log_) login_log_->flush();
    admin_.reset();
    broker_.reset();
    assembly_.reset();
}

}  // namespace latchkey::app
