// Fuzzes connections against each other: two clients of one user, often under the same client id, do on a
// whole simulated broker what the input says - connects of every kind, packets in any order, bytes of any
// kind, cuts, slow sockets, waiting, another policy. A third client of another user must notice nothing: it
// gets every message it sends, in order, and stays connected. tests/sim/fuzz_replay_test.cpp replays the
// corpus.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/log.h"
#include "sim/world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace latchkey::sim {
namespace {

constexpr std::size_t kActs = 120;
constexpr int kSteps = 400;  ///< turns after an act; what is still under way then meets the next one

constexpr std::string_view kNames[] = {"x", "y", "", "a-longer-client-id"};
constexpr std::string_view kTopics[] = {"t",      "t/1", "t/2/3", "$SYS/x",   "$share/g/t",
                                        "calm/x", "",    "t/+",   "u\xC3\xA9"};
constexpr std::string_view kFilters[] = {
    "t", "t/#",          "+/1",   "#", "$share/g/t/#", "$share/h/t",  "$share//t", "t#", "calm/#", "$SYS/#",
    "+", "$share/g/+/1", "t/+/3", "",  "$share/g",     "u\xC3\xA9/#", "/",         "t/1"};

/// Choices, drawn from the input; zeros once it has ended.
class Choices {
  public:
    explicit Choices(std::span<const std::uint8_t> data) : data_(data) {}
    bool empty() const { return data_.empty(); }
    std::uint8_t byte() {
        if (data_.empty()) return 0;
        const std::uint8_t first = data_.front();
        data_ = data_.subspan(1);
        return first;
    }
    std::size_t below(std::size_t bound) { return byte() % bound; }
    bool maybe() { return (byte() & 1) != 0; }
    std::string bytes(std::size_t most) {
        std::string out;
        for (std::size_t n = below(most + 1); n > 0 && !data_.empty(); --n)
            out.push_back(static_cast<char>(byte()));
        return out;
    }
    template <std::size_t N>
    std::string_view one_of(const std::string_view (&list)[N]) {
        return list[below(N)];
    }

  private:
    std::span<const std::uint8_t> data_;
};

class Fight {
  public:
    explicit Fight(std::span<const std::uint8_t> data) : choices_(data), world_(options()) {
        world_.realm->users["rogue"] = {.roles = {"rogue"}};
        world_.realm->allow_shared("rogue", "t/#");
        world_.realm->allow("rogue", "+/1");
        if (!world_.adopt()) std::abort();
        calm_ = &world_.online({.client_id = "calm", .clean = false, .expiry_s = 3600});
        calm_->subscribe("calm/#", 1);
        world_.settle();
    }

    void run() {
        for (std::size_t act = 0; act < kActs && !choices_.empty(); ++act) {
            one_act();
            calm_->publish("calm/x", std::to_string(sent_++), 1);
            for (int i = 0; i < kSteps; ++i) {
                world_.step();
                world_.pump();
            }
        }
        for (SimClient* one : rogues_) {
            if (one) one->to_client().room = 1 << 20;
        }
        world_.settle();
        if (calm_->closed() || calm_->received.size() != sent_) std::abort();
        for (std::size_t i = 0; i < sent_; ++i) {
            if (calm_->received[i].payload != std::to_string(i)) std::abort();
        }
    }

  private:
    WorldOptions options() {
        WorldOptions out;
        out.shards = static_cast<std::uint32_t>(1 + choices_.below(3));
        out.seed = choices_.byte();
        const std::uint32_t entries = choices_.maybe() ? 2 : 64;
        out.publish.entries = entries;
        out.forward.entries = entries;
        out.settings.packets.max_packet_bytes = 4096;
        out.settings.packets.topic_alias_maximum = 3;
        out.settings.receive_maximum = 4;
        out.settings.max_queued_messages = 20;
        out.settings.max_subscriptions = 8;
        out.settings.max_inflight = 4;
        if (choices_.maybe()) out.denied = broker::DeniedPublish::Disconnect;
        return out;
    }

    void come(std::size_t who) {
        ConnectSpec spec{.client_id = std::string(choices_.one_of(kNames)), .user = "rogue"};
        const std::uint8_t how = choices_.byte();
        spec.clean = (how & 1) != 0;
        spec.expiry_s = (how & 2) != 0 ? 5 : 0;
        spec.level = (how & 4) != 0 ? mqtt::Level::V5 : (how & 8) != 0 ? mqtt::Level::V311 : mqtt::Level::V31;
        spec.keep_alive_s = (how & 16) != 0 ? 1 : 0;
        if ((how & 32) != 0) spec.receive_maximum = 2;
        if ((how & 64) != 0) spec.topic_aliases = 2;
        if ((how & 128) != 0) {
            spec.will = ConnectSpec::WillSpec{.topic = std::string(choices_.one_of(kTopics)),
                                              .payload = "will",
                                              .qos = static_cast<std::uint8_t>(choices_.below(3)),
                                              .retain = choices_.maybe(),
                                              .delay_s = static_cast<std::uint32_t>(choices_.below(3))};
        }
        rogues_[who] = &world_.client(spec);
        rogues_[who]->auto_ack = choices_.maybe();
    }

    void publish(SimClient& client) {
        const std::string payload(choices_.below(200) * 20, 'p');
        PublishSpec spec{.topic = choices_.one_of(kTopics), .payload = payload};
        spec.qos = static_cast<std::uint8_t>(choices_.below(3));
        spec.retain = choices_.maybe();
        spec.dup = spec.qos != 0 && choices_.maybe();
        spec.packet_id = static_cast<std::uint16_t>(choices_.below(5));
        if (choices_.maybe()) spec.expiry_s = static_cast<std::uint32_t>(choices_.below(3));
        if (choices_.maybe())
            spec.alias = {.alias = static_cast<std::uint16_t>(choices_.below(5)), .known = choices_.maybe()};
        client.publish(spec);
    }

    void one_act() {
        const std::uint8_t first = choices_.byte();
        const std::size_t who = first & 1;
        if (!rogues_[who]) come(who);
        SimClient& client = *rogues_[who];
        switch ((first >> 1) % 14) {
            case 0:
                return come(who);
            case 1:
            case 2:
                return publish(client);
            case 3:
                client.subscribe({.filter = choices_.one_of(kFilters),
                                  .qos = static_cast<std::uint8_t>(choices_.below(3)),
                                  .no_local = choices_.maybe(),
                                  .retain_as_published = choices_.maybe(),
                                  .retain_handling = static_cast<std::uint8_t>(choices_.below(3))},
                                 static_cast<std::uint32_t>(choices_.below(3)));
                return;
            case 4:
                client.unsubscribe(choices_.one_of(kFilters));
                return;
            case 5:
                return client.ack(static_cast<mqtt::PacketType>(4 + choices_.below(4)),
                                  static_cast<std::uint16_t>(choices_.below(6)));
            case 6:
                return client.raw(choices_.bytes(60));
            case 7: {
                // A packet that is framed well and holds anything.
                const auto head = static_cast<char>(choices_.byte());
                const std::string body = choices_.bytes(100);
                return client.raw(std::string{head, static_cast<char>(body.size())} + body);
            }
            case 8:
                if (choices_.maybe()) return client.cut();
                return client.disconnect(choices_.maybe() ? mqtt::Reason::NormalDisconnection
                                                          : mqtt::Reason::DisconnectWithWill);
            case 9:
                return world_.advance(std::chrono::milliseconds(choices_.below(2) == 0 ? 300 : 3000));
            case 10:
                return client.ping();
            case 11:
                client.to_client().room = choices_.maybe() ? 1 << 20 : choices_.below(100);
                return;
            case 12:
                client.auto_ack = !client.auto_ack;
                return;
            default:
                narrow_ = !narrow_;
                world_.realm->rules.clear();
                world_.realm->allow("all", "#");
                world_.realm->allow_shared("rogue", narrow_ ? "t" : "t/#");
                if (!narrow_) world_.realm->allow("rogue", "+/1");
                if (!world_.adopt()) std::abort();
                return;
        }
    }

    Choices choices_;
    World world_;
    SimClient* calm_ = nullptr;
    SimClient* rogues_[2] = {};
    std::size_t sent_ = 0;
    bool narrow_ = false;
};

}  // namespace
}  // namespace latchkey::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace latchkey;
    static const bool quiet = [] {
        log::init({.level = log::Level::Error, .capture = [](std::string_view) {}, .synchronous = true});
        return true;
    }();
    if (!quiet || size < 4) return 0;
    sim::Fight(std::span(data, size)).run();
    return 0;
}
