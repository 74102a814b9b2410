// See sys_topics.h. Names and meanings are those of Mosquitto's manual, so that its dashboards work
// unchanged.
// SPDX-License-Identifier: Apache-2.0
#include "broker/sys_topics.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "base/process_usage.h"
#include "broker/shard.h"

namespace latchkey::broker {

namespace {

constexpr std::string_view kRoot = "$SYS/broker/";
constexpr std::array<std::pair<std::string_view, double>, 3> kSpans{
    {{"1min", 60.0}, {"5min", 300.0}, {"15min", 900.0}}};

}  // namespace

SysTopics::SysTopics(Shard& shard) : shard_(shard), started_(shard.now()), last_(shard.now()), due_(kNever) {
    on_settings();
}

void SysTopics::on_settings() {
    const bool here = shard_.index() == 0 && shard_.mesh().own_authority();
    due_ = here && shard_.settings().sys_interval != Duration{} ? shard_.now() : kNever;
}

void SysTopics::run() {
    const MonoTime now = shard_.now();
    if (now < due_) return;
    if (shard_.stage() != Stage::Running) {
        due_ = kNever;  // on the way down nothing is told any more
        return;
    }
    due_ = now + shard_.settings().sys_interval;
    if (!asking_) ask_all();
}

void SysTopics::ask_all() {
    asking_ = true;
    struct Sum {
        Totals totals;
        std::size_t missing;
    };
    const ShardIndex shards = shard_.mesh().shards();
    const auto sum = std::make_shared<Sum>(Sum{{}, shards});
    for (ShardIndex i = 0; i < shards; ++i) {
        Shard& other = shard_.peer(i);
        shard_.mesh().mailbox(i).deliver([this, sum, &other] {
            shard_.mesh().mailbox(0).deliver([this, sum, part = other.totals()] {
                sum->totals += part;
                if (--sum->missing != 0) return;
                asking_ = false;
                if (shard_.stage() == Stage::Running) publish_all(sum->totals);
            });
        });
    }
}

void SysTopics::publish_all(const Totals& totals) {
    const MonoTime now = shard_.now();
    elapsed_ = std::max<Duration>(now - last_, std::chrono::milliseconds(1));
    last_ = now;
    const auto up = std::chrono::duration_cast<std::chrono::seconds>(now - started_).count();
    publish("version", "latchkey version " LK_VERSION);
    publish("uptime", fmt::format("{} seconds", up));
    publish_clients(totals);
    publish_messages(totals);
    publish_loads(totals.counters);
    const ProcessUsage usage = process_usage();
    publish("heap/current", usage.rss_bytes);
    publish("heap/maximum", usage.peak_rss_bytes);
}

void SysTopics::publish_clients(const Totals& totals) {
    most_clients_ = std::max(most_clients_, totals.sessions);
    const std::size_t away = totals.sessions - totals.connected;
    publish("clients/total", totals.sessions);
    publish("clients/maximum", most_clients_);
    publish("clients/connected", totals.connected);
    publish("clients/active", totals.connected);
    publish("clients/disconnected", away);
    publish("clients/inactive", away);
    publish("clients/expired", totals.counters.sessions_expired);
    publish("subscriptions/count", totals.subscriptions);
    publish("shared_subscriptions/count", totals.shared_subscriptions);
}

void SysTopics::publish_messages(const Totals& totals) {
    const Counters& c = totals.counters;
    const Quotas& quotas = shard_.mesh().quotas();
    const std::uint64_t stored = totals.retained + quotas.offline_messages();
    publish("messages/received", c.packets_received);
    publish("messages/sent", c.packets_sent);
    publish("messages/stored", stored);
    publish("store/messages/count", stored);
    publish("store/messages/bytes", quotas.retained_bytes() + quotas.offline_bytes());
    publish("retained messages/count", totals.retained);
    publish("publish/messages/received", c.publishes_received);
    publish("publish/messages/sent", c.publishes_sent);
    publish("publish/messages/dropped", c.deliveries_dropped);
    publish("publish/bytes/received", c.payload_bytes_received);
    publish("publish/bytes/sent", c.payload_bytes_sent);
    publish("bytes/received", c.bytes_received);
    publish("bytes/sent", c.bytes_sent);
}

void SysTopics::publish_loads(const Counters& c) {
    load("messages/received", c.packets_received);
    load("messages/sent", c.packets_sent);
    load("publish/received", c.publishes_received);
    load("publish/sent", c.publishes_sent);
    load("publish/dropped", c.deliveries_dropped);
    load("bytes/received", c.bytes_received);
    load("bytes/sent", c.bytes_sent);
    load("sockets", c.connections);
    load("connections", c.logins_granted);
}

void SysTopics::load(std::string_view name, std::uint64_t total) {
    Load& load = loads_[std::string(name)];
    const double seconds = std::chrono::duration<double>(elapsed_).count();
    const double rate = static_cast<double>(total - load.last) * 60.0 / seconds;
    load.last = total;
    for (std::size_t i = 0; i < kSpans.size(); ++i) {
        const double kept = std::exp(-seconds / kSpans[i].second);
        load.average[i] = rate + kept * (load.average[i] - rate);
        publish(fmt::format("load/{}/{}", name, kSpans[i].first), fmt::format("{:.2f}", load.average[i]));
    }
}

void SysTopics::publish(std::string_view topic, std::string value) {
    std::string& sent = sent_[std::string(topic)];
    if (sent == value) return;
    const std::string name = std::string(kRoot).append(topic);
    const MessageRef message =
        MessageRef::created(Message::create({.topic = name,
                                             .payload = std::as_bytes(std::span(value)),
                                             .author = shard_.mesh().own_authority(),
                                             .policy_version = shard_.epoch()->policy_version(),
                                             .qos = 0,  // nothing waits for who is away
                                             .retain = true}));
    // What a lane did not take is offered again at the next round.
    if (shard_.ingress().offer_own(message)) sent = std::move(value);
}

}  // namespace latchkey::broker
