// An MQTT client of the simulator: encodes with the client half of the codec, decodes what comes back, and
// keeps a readable record of it. Acknowledges by itself unless told not to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt/client_connection.h"
#include "mqtt/client_encoder.h"
#include "sim/sim_net.h"

namespace latchkey::sim {

struct ConnectSpec {
    std::string client_id;
    std::string user = "u";
    bool clean = true;
    std::uint32_t expiry_s = 0;
    std::uint16_t keep_alive_s = 0;
    std::optional<std::uint16_t> receive_maximum = std::nullopt;
    mqtt::Level level = mqtt::Level::V5;
    struct WillSpec {
        std::string topic;
        std::string payload;
        std::uint8_t qos = 0;
        bool retain = false;
        std::uint32_t delay_s = 0;
        std::optional<std::uint32_t> expiry_s = std::nullopt;
    };
    std::optional<WillSpec> will = std::nullopt;
    std::optional<std::uint32_t> max_packet = std::nullopt;
    std::uint16_t topic_aliases = 0;  ///< Topic Alias Maximum
    std::optional<std::string> auth_method = std::nullopt;
    std::string auth_data{};
    std::string from = "127.0.0.1";
};

/// A PUBLISH with everything a test may want to say about it. Packet id 0: the next one.
struct PublishSpec {
    std::string_view topic;
    std::string_view payload;
    std::uint8_t qos = 0;
    bool retain = false;
    bool dup = false;
    std::uint16_t packet_id = 0;
    std::optional<std::uint32_t> expiry_s = std::nullopt;
    mqtt::OutboundAlias alias = {};
};

struct Received {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 0;
    bool retain = false;
    bool dup = false;
    std::uint16_t packet_id = 0;
    std::vector<std::uint32_t> ids;
    std::optional<std::uint32_t> expiry_s = std::nullopt;
};

class SimClient final : public mqtt::ClientHandler {
  public:
    SimClient(std::string client_name, std::shared_ptr<Pipe> from_broker, std::shared_ptr<Pipe> to_broker,
              std::string& trace);

    void connect(const ConnectSpec& spec);
    std::uint16_t publish(std::string_view topic, std::string_view payload, std::uint8_t qos = 0,
                          bool retain = false);
    std::uint16_t publish(const PublishSpec& spec);
    std::uint16_t subscribe(const mqtt::SubscribeFilter& one, std::uint32_t id = 0);
    std::uint16_t subscribe(std::string_view filter, std::uint8_t qos = 0, std::uint8_t retain_handling = 0,
                            std::uint32_t id = 0, bool no_local = false);
    std::uint16_t unsubscribe(std::string_view filter);
    void ack(mqtt::PacketType type, std::uint16_t packet_id, mqtt::Reason reason = mqtt::Reason::Success);
    void ping();
    void auth(mqtt::Reason reason, std::string_view method, std::string_view data);
    void disconnect(mqtt::Reason reason = mqtt::Reason::NormalDisconnection);
    void disconnect_with_expiry(std::uint32_t seconds);
    /// The network fails: no DISCONNECT.
    void cut();
    void raw(std::string_view bytes) { out_->bytes.append(bytes); }
    /// Reads what has arrived. @return whether anything did
    bool pump();

    /// The same client on a new connection: packet ids go on where it left off, as its session asks.
    void continue_ids(const SimClient& before) { last_id_ = before.last_id_; }

    bool closed() const { return in_->closed && in_->bytes.empty(); }
    std::vector<std::string> payloads() const;
    bool acked(std::uint16_t packet_id) const;
    std::uint16_t last_id() const { return last_id_; }

    const std::string name;
    bool auto_ack = true;
    std::optional<mqtt::Reason> connack;
    bool session_present = false;
    std::optional<mqtt::Reason> disconnected;
    std::vector<std::pair<mqtt::Reason, std::string>> auths;  ///< AUTH packets with their data
    std::string connack_method;
    std::string connack_data;
    std::vector<Received> received;
    std::vector<std::pair<std::uint16_t, mqtt::Reason>> pubacks;  ///< PUBACK and PUBCOMP
    std::vector<std::pair<std::uint16_t, mqtt::Reason>> pubrecs;
    std::vector<std::pair<std::uint16_t, std::vector<mqtt::Reason>>> subacks;
    std::vector<std::string> reason_strings;  ///< of acknowledgements and SUBACK, where there is one
    std::optional<std::uint16_t> server_keep_alive_s;
    std::optional<std::uint32_t> session_expiry_s;  ///< as CONNACK says
    std::vector<std::string> order;                 ///< everything that came, in order, one word or two each
    std::size_t read_room = ~std::size_t{0};        ///< bytes taken per pump()
    std::size_t bytes_received = 0;

    mqtt::Flow on_connack(const mqtt::Connack& packet) override;
    mqtt::Flow on_publish(const mqtt::Publish& packet) override;
    mqtt::Flow on_ack(const mqtt::Ack& packet) override;
    mqtt::Flow on_suback(const mqtt::Suback& packet) override;
    mqtt::Flow on_pingresp() override;
    mqtt::Flow on_disconnect(const mqtt::Disconnect& packet) override;
    mqtt::Flow on_auth(const mqtt::Auth& packet) override;
    void on_protocol_error(mqtt::Reason reason, std::string_view detail) override;
    Pipe& to_broker() { return *out_; }
    Pipe& to_client() { return *in_; }

  private:
    void note(std::string text);
    void flush(mqtt::Buffer& buffer);
    std::uint16_t next_id();

    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
    std::string& trace_;
    std::unique_ptr<mqtt::ClientConnection> protocol_;
    std::string tail_;
    std::uint16_t last_id_ = 0;
};

}  // namespace latchkey::sim
