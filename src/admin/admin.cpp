// See admin.h.
// SPDX-License-Identifier: Apache-2.0
#include "admin/admin.h"

#include <atomic>
#include <chrono>
#include <string_view>

#include "admin/errors.h"
#include "base/json.h"
#include "base/process_usage.h"
#include "broker/broker.h"
#include "policy/decision_ring.h"

namespace latchkey::admin {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);
constexpr std::size_t kRecent = 100;
constexpr std::string_view kDecisions = "/decisions";

std::string_view name_of(auth::HealthState state) {
    switch (state) {
        case auth::HealthState::Ok:
            return "ok";
        case auth::HealthState::Degraded:
            return "degraded";
        case auth::HealthState::Down:
            return "down";
    }
    return "down";
}

net::HttpServerResponse error_response(int status, const ErrorInfo& info) {
    net::HttpServerResponse response;
    response.status = status;
    json::Writer(response.body)
        .begin_object()
        .field("error", info.name)
        .field("text", info.text)
        .field("remedy", info.remedy)
        .end_object();
    return response;
}

net::HttpServerResponse one_decision(broker::Broker& broker, std::string_view text, bool plain) {
    const auto id = policy::parse_decision_id(text);
    if (!id) return error_response(404, kUnknownDecision);
    const auto found = broker.find_denial(*id, kPatience);
    if (!found) return error_response(404, kUnknownDecision);
    net::HttpServerResponse response;
    if (plain) response.content_type = "text/plain; charset=utf-8";
    response.body = plain ? found->text : found->json;
    return response;
}

net::HttpServerResponse recent_decisions(broker::Broker& broker) {
    net::HttpServerResponse response;
    json::Writer json(response.body);
    json.begin_object().begin_array("decisions");
    for (const std::string& denial : broker.recent_denials(kRecent, kPatience))
        json.raw(denial);
    json.end_array().end_object();
    return response;
}

void write_counters(json::Writer& json, const broker::Counters& c) {
    json.field("connections", c.connections).field("connections_refused", c.connections_refused);
    json.field("connections_displaced", c.connections_displaced);
    json.field("logins_granted", c.logins_granted).field("logins_refused", c.logins_refused);
    json.field("logins_failed", c.logins_failed).field("logins_throttled", c.logins_throttled);
    json.field("logins_over_quota", c.logins_over_quota).field("sessions_expired", c.sessions_expired);
    json.field("packets_received", c.packets_received).field("packets_sent", c.packets_sent);
    json.field("bytes_received", c.bytes_received).field("bytes_sent", c.bytes_sent);
    json.field("publishes_received", c.publishes_received).field("publishes_sent", c.publishes_sent);
    json.field("publishes_denied", c.publishes_denied).field("subscribes_denied", c.subscribes_denied);
    json.field("publishes_over_quota", c.publishes_over_quota);
    json.field("deliveries_withheld", c.deliveries_withheld);
    json.field("deliveries_dropped", c.deliveries_dropped);
    json.field("deliveries_expired", c.deliveries_expired).field("wills_withheld", c.wills_withheld);
}

net::HttpServerResponse status(broker::Broker& broker) {
    const broker::Totals totals = broker.totals(kPatience);
    net::HttpServerResponse response;
    json::Writer json(response.body);
    const broker::Quotas& quotas = broker.quotas();
    const ProcessUsage usage = process_usage();
    const auto us = [](Duration time) {
        return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    };
    json.begin_object();
    json.field("connections", totals.connections).field("sessions", totals.sessions);
    json.field("connected", totals.connected).field("subscriptions", totals.subscriptions);
    json.field("filters", totals.filters).field("retained", totals.retained);
    json.field("half_open", broker.admission().half_open());
    json.field("offline_bytes", quotas.offline_bytes()).field("retained_bytes", quotas.retained_bytes());
    json.begin_object("since_start");
    write_counters(json, totals.counters);
    json.end_object();
    // Anew with each request. CPU time is the shard's own; the wall also counts what other processes took.
    json.begin_object("turns");
    json.field("count", totals.turns.turns).field("longest_us", us(totals.turns.longest_wall));
    json.field("longest_cpu_us", us(totals.turns.longest_cpu)).field("over_20_ms", totals.turns.slow);
    json.end_object();
    json.begin_object("process");
    json.field("cpu_us", us(usage.cpu));
    json.field("rss_bytes", usage.rss_bytes).field("peak_rss_bytes", usage.peak_rss_bytes);
    json.end_object().end_object();
    return response;
}

}  // namespace

std::string to_json(const HealthReport& report) {
    std::string out;
    json::Writer json(out);
    json.begin_object();
    json.field("status", name_of(report.state));
    json.field("reasons", std::span<const std::string>(report.reasons));
    json.begin_array("listeners");
    for (const ListenerStatus& listener : report.listeners) {
        json.begin_object();
        json.field("name", listener.name).field("kind", listener.kind);
        json.field("address", listener.address).field("port", listener.port);
        json.end_object();
    }
    json.end_array();
    json.field("policy_version", report.policy_version);
    json.end_object();
    return out;
}

struct Admin::State {
    std::function<HealthReport()> health;
    std::atomic<broker::Broker*> broker{nullptr};

    net::HttpServerResponse on_health() const {
        const HealthReport report = health();
        return {.status = report.state == auth::HealthState::Down ? 503 : 200,
                .content_type = "application/json",
                .body = to_json(report),
                .headers = {}};
    }
    net::HttpServerResponse on_decisions(const net::HttpServerRequest& request) const {
        broker::Broker* const attached = broker.load();
        if (attached == nullptr) return error_response(503, kNotReady);
        if (request.path == kDecisions || request.path.size() <= kDecisions.size() + 1)
            return recent_decisions(*attached);
        return one_decision(*attached, std::string_view(request.path).substr(kDecisions.size() + 1),
                            request.query == "format=text");
    }
    net::HttpServerResponse on_status() const {
        broker::Broker* const attached = broker.load();
        return attached == nullptr ? error_response(503, kNotReady) : status(*attached);
    }
};

Admin::Admin() : state_(std::make_shared<State>()) {}

Result<std::unique_ptr<Admin>> Admin::start(AdminOptions options) {
    std::unique_ptr<Admin> admin(new Admin);
    admin->state_->health = std::move(options.health);
    const auto state = admin->state_;
    std::vector<net::HttpRoute> routes;
    routes.push_back(
        {"GET", "/health", [state](const net::HttpServerRequest&) { return state->on_health(); }});
    routes.push_back({"GET", std::string(kDecisions), [state](const net::HttpServerRequest& request) {
                          return state->on_decisions(request);
                      }});
    routes.push_back(
        {"GET", "/status", [state](const net::HttpServerRequest&) { return state->on_status(); }});
    net::HttpServerOptions server;
    server.host = options.address;
    server.port = options.port;
    LK_TRY(admin->server_, net::HttpServer::start(std::move(server), std::move(routes)));
    return admin;
}

Admin::~Admin() {
    stop();
}

const net::Address& Admin::address() const {
    return server_->address();
}

void Admin::attach(broker::Broker& broker) {
    state_->broker.store(&broker);
}

void Admin::stop() {
    if (server_) server_->stop();
}

}  // namespace latchkey::admin
