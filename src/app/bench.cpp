// See bench.h: judges the options, spreads the load over threads, adds up and prints.
// SPDX-License-Identifier: Apache-2.0
#include "app/bench.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "app/bench_load.h"
#include "app/cli.h"
#include "app/files.h"
#include "base/json.h"

namespace latchkey::app {
namespace {

/// What is wrong with the options; empty when nothing is.
std::string_view problem_of(const BenchOptions& options) {
    if (options.version != "mqttv5" && options.version != "mqttv311")
        return "--version is mqttv5 or mqttv311";
    if (options.publishers == 0 || options.subscribers == 0)
        return "at least one publisher and one subscriber are needed";
    if (options.topics > std::min(options.publishers, options.subscribers))
        return "each topic needs a publisher and a subscriber of its own";
    if (options.qos > 2) return "--qos is 0, 1 or 2";
    if (options.window == 0 || options.window > 32'768) return "--window is 1 to 32768";
    if (options.payload_bytes > 16U * 1024 * 1024) return "--payload-bytes is at most 16 MiB";
    if (options.rate != 0 && options.payload_bytes < 8) return "with --rate a payload holds at least 8 bytes";
    if (options.rate > 1'000'000) return "--rate is at most a million a second";
    if (options.threads == 0 || options.threads > 64) return "--threads is 1 to 64";
    return {};
}

Result<std::vector<Secret>> read_passwords(const std::string& path) {
    std::vector<Secret> passwords;
    if (path.empty()) return passwords;
    LK_TRY(const std::string text, read_file(path));
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (end > 0) passwords.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return passwords;
}

void add(LoadResult& sum, LoadResult&& part) {
    sum.published += part.published;
    sum.delivered += part.delivered;
    sum.expected += part.expected;
    sum.refused += part.refused;
    sum.started = std::min(sum.started, part.started);
    sum.ended = std::max(sum.ended, part.ended);
    sum.cpu += part.cpu;
    sum.latency_ns.insert(sum.latency_ns.end(), part.latency_ns.begin(), part.latency_ns.end());
    if (!sum.failure) sum.failure = part.failure;
}

std::uint32_t percentile(const std::vector<std::uint32_t>& sorted, unsigned per_mille) {
    return sorted[std::min(sorted.size() - 1, sorted.size() * per_mille / 1000)];
}

void print(const BenchOptions& options, LoadResult& sum) {
    const std::uint64_t took_us = static_cast<std::uint64_t>(std::max<std::int64_t>(
        1, std::chrono::duration_cast<std::chrono::microseconds>(sum.ended - sum.started).count()));
    std::string text;
    json::Writer writer(text);
    writer.begin_object()
        .field("publishers", options.publishers)
        .field("subscribers", options.subscribers)
        .field("topics", options.topics)
        .field("qos", options.qos)
        .field("payload_bytes", options.payload_bytes)
        .field("window", options.window)
        .field("published", sum.published)
        .field("delivered", sum.delivered)
        .field("expected", sum.expected)
        .field("refused", sum.refused)
        .field("took_us", took_us)
        .field("delivered_per_s", sum.delivered * 1'000'000 / took_us)
        .field("generator_cpu_us", std::chrono::duration_cast<std::chrono::microseconds>(sum.cpu).count());
    if (!sum.latency_ns.empty()) {
        std::ranges::sort(sum.latency_ns);
        writer.field("latency_p50_ns", percentile(sum.latency_ns, 500))
            .field("latency_p99_ns", percentile(sum.latency_ns, 990))
            .field("latency_max_ns", sum.latency_ns.back());
    }
    writer.end_object();
    std::puts(text.c_str());
}

}  // namespace

int run_bench(const BenchOptions& asked) {
    BenchOptions options = asked;
    if (options.topics == 0) options.topics = std::min(options.publishers, options.subscribers);
    if (const std::string_view problem = problem_of(options); !problem.empty()) {
        complain(problem);
        return kWrongUsage;
    }
    const auto passwords = read_passwords(options.passwords_file);
    if (!passwords) {
        complain(passwords.error().message());
        return kFailed;
    }
    const SystemClock clock;
    const unsigned threads = std::min(options.threads, options.topics);
    std::vector<std::unique_ptr<BenchLoad>> loads;
    for (unsigned i = 0; i < threads; ++i) {
        loads.push_back(std::make_unique<BenchLoad>(options, *passwords, clock, i, threads));
        if (const auto ready = loads.back()->establish(); !ready) {
            complain(ready.error().message());
            return kFailed;
        }
    }
    std::vector<LoadResult> parts(threads);
    {
        std::vector<std::jthread> running;
        for (unsigned i = 1; i < threads; ++i)
            running.emplace_back([&parts, &loads, i] { parts[i] = loads[i]->run(); });
        parts[0] = loads[0]->run();
    }
    LoadResult sum = std::move(parts[0]);
    for (unsigned i = 1; i < threads; ++i)
        add(sum, std::move(parts[i]));
    print(options, sum);
    if (sum.failure) complain(sum.failure->message());
    if (!sum.failure && sum.delivered != sum.expected) complain("messages were lost or doubled");
    return sum.failure || sum.delivered != sum.expected ? kFailed : kOk;
}

}  // namespace latchkey::app
