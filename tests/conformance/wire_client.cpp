// See wire_client.h.
// SPDX-License-Identifier: Apache-2.0
#include "conformance/wire_client.h"

namespace latchkey::conformance {

std::string hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char one : bytes) {
        const auto value = static_cast<unsigned char>(one);
        if (!out.empty()) out.push_back(' ');
        out.push_back(kDigits[value >> 4]);
        out.push_back(kDigits[value & 15]);
    }
    return out;
}

std::string Wire::body() const {
    std::size_t at = 1;
    while (at < bytes.size() && (static_cast<unsigned char>(bytes[at]) & 0x80) != 0)
        ++at;
    return bytes.substr(std::min(at + 1, bytes.size()));
}

std::optional<unsigned> Wire::code() const {
    const std::string rest = body();
    const auto at = [&](std::size_t i) { return rest.size() > i ? static_cast<unsigned char>(rest[i]) : 0U; };
    if (type() == 2) return at(1);
    if (type() == 14 || type() == 15) return at(0);
    if (type() >= 4 && type() <= 7) return at(2);
    return std::nullopt;
}

std::vector<Wire> packets_of(std::string_view stream) {
    std::vector<Wire> out;
    while (!stream.empty()) {
        std::size_t size = 0;
        std::size_t at = 1;
        for (unsigned shift = 0; at < stream.size(); shift += 7) {
            const auto byte = static_cast<unsigned char>(stream[at++]);
            size |= static_cast<std::size_t>(byte & 0x7FU) << shift;
            if ((byte & 0x80) == 0) break;
        }
        EXPECT_LE(at + size, stream.size()) << "a packet is cut: " << hex(stream);
        const std::size_t whole = std::min(at + size, stream.size());
        out.push_back({std::string(stream.substr(0, whole))});
        stream.remove_prefix(whole);
    }
    return out;
}

std::vector<PropertyBytes> properties_of(const Wire& wire) {
    const std::string body = wire.body();
    const auto at = [&](std::size_t i) -> std::size_t { return static_cast<unsigned char>(body.at(i)); };
    const auto text_size = [&](std::size_t i) { return 2 + (at(i) << 8 | at(i + 1)); };
    std::size_t i = 2;  // CONNACK: flags and reason code
    if (wire.type() == 3) i = text_size(0) + ((wire.first() & 0x06) != 0 ? 2 : 0);
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
        const std::size_t byte = at(i++);
        size |= (byte & 0x7F) << shift;
        if (byte < 0x80) break;
    }
    std::vector<PropertyBytes> out;
    for (const std::size_t end = i + size; i < end;) {
        const auto id = static_cast<unsigned>(at(i++));
        const auto among = [&](std::string_view ids) { return ids.find(static_cast<char>(id)) != ids.npos; };
        std::size_t length = 1;
        if (id == 0x0B) {
            while (at(i + length - 1) >= 0x80)
                ++length;
        } else if (among("\x13\x21\x22\x23")) {
            length = 2;
        } else if (among("\x02\x11\x18\x27")) {
            length = 4;
        } else if (!among("\x01\x17\x19\x24\x25\x28\x29\x2a")) {
            length = text_size(i);
            if (id == 0x26) length += text_size(i + length);
        }
        out.push_back({id, body.substr(i, length)});
        i += length;
    }
    return out;
}

std::optional<std::string> property_of(const Wire& wire, unsigned id) {
    for (const PropertyBytes& one : properties_of(wire)) {
        if (one.id == id) return one.value;
    }
    return std::nullopt;
}

std::string Hello::bytes() const {
    unsigned flags = (clean ? 0x02U : 0U) | (user.empty() ? 0U : 0x80U);
    std::string payload = s(client_id);
    if (!will_topic.empty()) {
        flags |= 0x04U | will_qos << 3 | (will_retain ? 0x20U : 0U);
        payload += (level == 5 ? block(will_properties) : "") + s(will_topic) + s(will_payload);
    }
    if (!user.empty()) payload += s(user);
    return packet(0x10, s(level == 3 ? "MQIsdp" : "MQTT") + b({level, flags}) + u16(keep_alive) +
                            (level == 5 ? block(properties) : "") + payload);
}

WireClient::WireClient(sim::World& world, int shard) : world_(world) {
    sim::SimNet::Connection ends = world.network.connect(*net::parse_address("127.0.0.1", 40000));
    in_ = ends.to_client;
    out_ = ends.to_broker;
    world.acceptor.offer(std::move(ends.broker));
    while (shard >= 0 && world.acceptor.waiting())
        world.step(static_cast<std::uint32_t>(shard));
    if (shard < 0) world.settle();
}

std::string WireClient::say(std::string_view bytes) {
    write(bytes);
    world_.settle();
    return take();
}

Wire WireClient::connect(const Hello& hello) {
    const auto answers = ask(hello.bytes());
    EXPECT_GE(answers.size(), 1U);
    if (answers.empty()) return {b({0x20, 0x02, 0x00, 0xFF})};
    EXPECT_EQ(answers[0].type(), 2U);
    EXPECT_EQ(answers[0].code(), 0U) << hex(answers[0].bytes);
    // What was queued for a resumed session comes right behind: it is for the test to read.
    for (auto one = answers.rbegin(); one + 1 != answers.rend(); ++one)
        in_->bytes.insert(0, one->bytes);
    return answers[0];
}

void WireClient::cut() {
    out_->closed = true;
    world_.settle();
}

sim::World& OnShards::world(const broker::Settings& settings) {
    if (!world_) {
        world_ = std::make_unique<sim::World>(
            sim::WorldOptions{.shards = GetParam(), .seed = 11, .settings = settings});
    }
    return *world_;
}

WireClient& OnShards::client(int shard) {
    clients_.push_back(std::make_unique<WireClient>(world(), shard));
    return *clients_.back();
}

WireClient& OnShards::online(const Hello& hello) {
    WireClient& made = client();
    made.connect(hello);
    return made;
}

}  // namespace latchkey::conformance
