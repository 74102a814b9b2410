// Micro benchmarks of what a published message asks of single parts: decode, decide, match, encode. What the
// whole costs is measured by compare.py; these say which part has moved.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "mqtt/decoder.h"
#include "mqtt/encoder.h"
#include "policy/bind.h"
#include "policy/decide.h"
#include "topic/trie.h"

namespace latchkey {
namespace {

constexpr std::size_t kBatch = 256;

mqtt::PublishOut message(mqtt::Bytes payload) {
    return {.topic = "factory/line1/robot17/state", .payload = payload};
}

/// One turn's worth of equal QoS 0 packets into a buffer that is used again.
void encode(benchmark::State& state) {
    const std::vector<std::byte> payload(64, std::byte{'x'});
    mqtt::Buffer buffer(256 * 1024);
    for ([[maybe_unused]] auto turn : state) {
        buffer.clear();
        for (std::size_t i = 0; i < kBatch; ++i)
            mqtt::encode_publish(buffer, {}, message(payload));
        benchmark::DoNotOptimize(buffer.data());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(kBatch) * state.iterations());
}
BENCHMARK(encode);

/// The same packets, framed and decoded in place.
void decode(benchmark::State& state) {
    const std::vector<std::byte> payload(64, std::byte{'x'});
    mqtt::Buffer buffer;
    for (std::size_t i = 0; i < kBatch; ++i)
        mqtt::encode_publish(buffer, {}, message(payload));
    for ([[maybe_unused]] auto turn : state) {
        for (mqtt::Bytes rest = buffer.bytes(); !rest.empty();) {
            const auto frame = mqtt::read_frame(rest, 1 << 20);
            if (!frame || !frame->complete) std::abort();
            mqtt::Publish packet;
            const mqtt::Bytes body =
                rest.subspan(frame->header_bytes, frame->total_bytes - frame->header_bytes);
            if (!mqtt::decode_publish(frame->flags, body, {}, packet)) std::abort();
            benchmark::DoNotOptimize(packet.payload.data());
            rest = rest.subspan(frame->total_bytes);
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(kBatch) * state.iterations());
}
BENCHMARK(decode);

policy::Program program_of(std::size_t rules) {
    const std::vector<policy::Variable> known{{"mqtt-clientid", false, true}};
    const policy::BlockRef role{"file", policy::BlockKind::Role, "robots"};
    policy::PolicyBuilder builder;
    for (std::size_t i = 0; i < rules; ++i) {
        auto topic =
            policy::Template::parse("factory/line" + std::to_string(i) + "/${mqtt-clientid}/+", known);
        if (!topic) std::abort();
        policy::Rule rule;
        rule.effect = policy::Effect::Allow;
        rule.acts = policy::bit(policy::Act::Publish);
        rule.topic = *std::move(topic);
        if (!builder.add(role, std::move(rule))) std::abort();
    }
    policy::AuthorityData data;
    data.blocks = {role};
    data.values.push_back({"mqtt-clientid", {"robot17"}, false});
    policy::AuthorityTable table{HashSeed{}};
    const auto policy = builder.build(1);
    const auto authority = table.intern(std::move(data));
    if (!policy || !authority) std::abort();
    return policy::bind(*policy, *authority);
}

/// A miss of the cache of routes and decisions, answered by the last of so many rules with a name filled in.
void decide(benchmark::State& state) {
    const auto rules = static_cast<std::size_t>(state.range(0));
    const policy::Program program = program_of(rules);
    const std::string topic = "factory/line" + std::to_string(rules - 1) + "/robot17/state";
    const policy::Request request{.topic = topic, .qos = 1};
    if (!policy::decide(program, request).allowed()) std::abort();
    for ([[maybe_unused]] auto turn : state)
        benchmark::DoNotOptimize(policy::decide(program, request).effect);
}
BENCHMARK(decide)->Arg(1)->Arg(21)->Arg(200)->Arg(10'000);

/// A topic that was not asked for lately, among so many filters.
void match(benchmark::State& state) {
    const auto filters = static_cast<std::size_t>(state.range(0));
    topic::Trie<std::uint32_t> trie(HashSeed{});
    std::vector<std::string> topics;
    for (std::size_t i = 0; i < filters; ++i) {
        const std::string device = "plant/line" + std::to_string(i % 100) + "/device-" + std::to_string(i);
        trie.insert(device + "/+", static_cast<std::uint32_t>(i));
        topics.push_back(device + "/temperature");
    }
    std::size_t next = 0;
    std::size_t found = 0;
    for ([[maybe_unused]] auto turn : state) {
        next = (next + 7919) % topics.size();
        trie.match(topics[next], [&](std::uint32_t&) { ++found; });
    }
    if (found != static_cast<std::size_t>(state.iterations())) std::abort();
    state.counters["bytes/filter"] =
        benchmark::Counter(static_cast<double>(trie.memory_bytes()) / static_cast<double>(filters));
}
BENCHMARK(match)->Arg(100)->Arg(100'000);

}  // namespace
}  // namespace latchkey
