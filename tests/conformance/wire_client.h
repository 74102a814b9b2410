// A client of bytes: says exactly what a test writes and keeps exactly what came back, with no codec of ours
// in between. Conformance tests compare packets with it byte for byte.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "sim/world.h"
#include "support/mqtt_build.h"

namespace latchkey::conformance {

using namespace mqtt::probe;  // NOLINT: the byte builders are the language of these tests

/// "e0 01 82": what a failed comparison shows.
std::string hex(std::string_view bytes);

/// One whole packet as it was on the wire.
struct Wire {
    std::string bytes;

    unsigned first() const { return static_cast<unsigned char>(bytes[0]); }
    unsigned type() const { return first() >> 4; }
    std::string body() const;
    /// Return or reason code of CONNACK, DISCONNECT, PUBACK and its kin; nullopt of others.
    std::optional<unsigned> code() const;
};

struct PropertyBytes {
    unsigned id = 0;
    std::string value;  ///< as on the wire, lengths included
};
/// The properties of a CONNACK or a PUBLISH of level 5, in their order.
std::vector<PropertyBytes> properties_of(const Wire& wire);
/// The value of the first with that identifier, or nothing.
std::optional<std::string> property_of(const Wire& wire, unsigned id);

/// Splits a stream into packets; what is left of a cut one is a packet too, and fails the test.
std::vector<Wire> packets_of(std::string_view stream);

/// What a test says in CONNECT. Level 3 has its own protocol name.
struct Hello {
    std::string client_id = "c";
    unsigned level = 5;
    bool clean = true;
    unsigned keep_alive = 0;
    std::string properties = {};
    std::string user = "u";
    std::string will_properties = {};
    std::string will_topic = {};  ///< empty: no will
    std::string will_payload = {};
    unsigned will_qos = 0;
    bool will_retain = false;

    std::string bytes() const;
};

/// @thread one
class WireClient {
  public:
    /// Offered to the acceptor; with `shard`, accepted by that one.
    explicit WireClient(sim::World& world, int shard = -1);

    /// Puts bytes into the pipe; nothing moves before the world does.
    void write(std::string_view bytes) { out_->bytes.append(bytes); }
    /// write(), until nothing moves any more, and what has come back meanwhile.
    std::string say(std::string_view bytes);
    std::vector<Wire> ask(std::string_view bytes) { return packets_of(say(bytes)); }
    /// What came since the last call.
    std::string take() { return std::exchange(in_->bytes, {}); }
    std::vector<Wire> heard() { return packets_of(take()); }
    /// Sends CONNECT and expects success. @return the CONNACK
    Wire connect(const Hello& hello);
    /// The broker has closed, once everything it sent is read.
    bool closed() const { return in_->closed; }
    /// The network fails.
    void cut();

  private:
    sim::World& world_;
    std::shared_ptr<sim::Pipe> in_;
    std::shared_ptr<sim::Pipe> out_;
};

/// A world of one shard, and one of several: where the number could matter, both.
class OnShards : public testing::TestWithParam<std::uint32_t> {
  protected:
    /// Made at the first call; settings of later calls are not looked at.
    sim::World& world(const broker::Settings& settings = {});
    WireClient& client(int shard = -1);
    WireClient& online(const Hello& hello);

  private:
    std::unique_ptr<sim::World> world_;
    std::vector<std::unique_ptr<WireClient>> clients_;
};

// What tests say often.
inline std::string publish0(std::string_view topic, std::string_view payload, unsigned level = 5,
                            const std::string& properties = {}, bool retain = false) {
    return packet(retain ? 0x31 : 0x30,
                  s(topic) + (level == 5 ? block(properties) : "") + std::string(payload));
}
inline std::string publish(unsigned qos, std::string_view topic, std::string_view payload, unsigned id,
                           unsigned level = 5, const std::string& properties = {}, unsigned flags = 0) {
    return packet(0x30 | qos << 1 | flags,
                  s(topic) + u16(id) + (level == 5 ? block(properties) : "") + std::string(payload));
}
inline std::string subscribe(std::string_view filter, unsigned options, unsigned id = 9, unsigned level = 5,
                             const std::string& properties = {}) {
    return packet(0x82, u16(id) + (level == 5 ? block(properties) : "") + s(filter) + b({options}));
}
/// PUBACK, PUBREC, PUBREL, PUBCOMP in their shortest form.
inline std::string ack(unsigned type, unsigned id) {
    return packet(type << 4 | (type == 6 ? 2 : 0), u16(id));
}
inline const std::string kPing = b({0xC0, 0x00});
inline const std::string kPong = b({0xD0, 0x00});
inline const std::string kGoodbye = b({0xE0, 0x00});

}  // namespace latchkey::conformance
