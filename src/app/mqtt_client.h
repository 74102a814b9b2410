// A small blocking MQTT client (5.0, 3.1.1, 3.1) for the commands pub, sub and shell and for tests: one
// operation at a time, each waits for its answer. What arrives meanwhile is kept for receive().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/byte_stream.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "mqtt/packet.h"

namespace latchkey::app {

using Properties = std::vector<std::pair<std::string, std::string>>;

/// A message as a person writes or reads it.
struct ClientMessage {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 0;
    bool retain = false;
    bool dup = false;
    std::optional<std::uint8_t> payload_format;
    std::optional<std::uint32_t> expiry_s;
    std::string content_type;
    std::string response_topic;
    std::optional<std::string> correlation_data;
    Properties user;
};

struct ClientOptions {
    mqtt::Level level = mqtt::Level::V5;
    std::string client_id;  ///< empty: the broker assigns one (3.1.1: a clean session only)
    std::optional<std::string> user_name;
    std::optional<Secret> password;
    bool clean_start = true;
    std::uint16_t keep_alive_s = 60;
    std::optional<std::uint32_t> session_expiry_s;
    std::optional<ClientMessage> will;
    std::uint32_t will_delay_s = 0;
    Properties user;
    std::uint32_t max_packet_bytes = 268'435'460;
    std::chrono::milliseconds patience{10'000};  ///< for each answer
};

/// What the broker said to one request.
struct Answer {
    mqtt::Reason reason = mqtt::Reason::Success;
    std::string reason_string;  ///< the broker's words: escape before printing (describe does)
    bool ok() const noexcept { return !mqtt::is_error(reason); }
    /// "Not authorized (0x87): why", fit for a terminal.
    std::string describe() const;
};

struct ConnectAnswer : Answer {
    bool session_present = false;
    std::string assigned_client_id;
    std::optional<std::uint16_t> server_keep_alive_s;
};

struct SubscribeAnswer {
    std::vector<Answer> filters;  ///< in the order asked; Success means QoS 0 granted
    bool ok() const noexcept;
};

struct ClientFilter {
    std::string filter;
    std::uint8_t qos = 0;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint8_t retain_handling = 0;
};

/// Refusals are answers, not errors; errors are broken connections, timeouts and what MQTT does not allow.
/// @error of every operation: kStreamEnded, kStreamFailed, kClientTimeout, kServerProtocol, kServerDisconnect
/// (its
///        detail holds reason and words of the broker), kNotSendable
/// @thread one at a time
class MqttClient {
  public:
    MqttClient(std::unique_ptr<ByteStream> stream, const Clock& clock);
    MqttClient(MqttClient&&) noexcept;
    MqttClient& operator=(MqttClient&&) noexcept;
    ~MqttClient();

    Result<ConnectAnswer> connect(const ClientOptions& options);
    /// QoS 0: once written. QoS 1 and 2: once acknowledged to the end.
    Result<Answer> publish(const ClientMessage& message);
    Result<SubscribeAnswer> subscribe(const std::vector<ClientFilter>& filters,
                                      std::uint32_t subscription_id = 0);
    Result<SubscribeAnswer> unsubscribe(const std::vector<std::string>& filters);
    /// The next message, or nothing within `patience`. Acknowledges it, pings when the keep-alive wants it.
    Result<std::optional<ClientMessage>> receive(std::chrono::milliseconds patience);
    /// PINGREQ and its answer.
    Result<void> ping();
    /// DISCONNECT; the stream stays open until the client goes. Reason and expiry are said in 5.0 only.
    Result<void> disconnect(mqtt::Reason reason = mqtt::Reason::NormalDisconnection,
                            std::optional<std::uint32_t> session_expiry_s = std::nullopt);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::app
