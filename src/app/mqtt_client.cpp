// The blocking client: each operation writes, then reads until its answer or the deadline.
// SPDX-License-Identifier: Apache-2.0
#include "app/mqtt_client.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include <fmt/core.h>

#include "app/mqtt_client_errors.h"
#include "base/utf8.h"
#include "mqtt/client_connection.h"
#include "mqtt/client_encoder.h"

namespace latchkey::app {
namespace {

using std::chrono::milliseconds;

std::vector<mqtt::UserProperty> views(const Properties& properties) {
    std::vector<mqtt::UserProperty> out;
    for (const auto& [name, value] : properties)
        out.push_back({name, value});
    return out;
}

mqtt::Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}
std::string text_of(mqtt::Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_forward(mqtt::Buffer& to, const ClientMessage& message) {
    const auto user = views(message.user);
    mqtt::MessagePropertiesOut out;
    out.payload_format = message.payload_format;
    out.content_type = message.content_type;
    out.response_topic = message.response_topic;
    if (message.correlation_data) out.correlation_data = bytes_of(*message.correlation_data);
    out.user = user;
    append_forward_properties(to, out);
}

ClientMessage message_of(const mqtt::Publish& packet) {
    ClientMessage message;
    message.topic = packet.topic;
    message.payload = text_of(packet.payload);
    message.qos = packet.qos;
    message.retain = packet.retain;
    message.dup = packet.dup;
    const mqtt::MessageProperties& from = packet.properties;
    message.payload_format = from.payload_format;
    message.expiry_s = from.expiry_s;
    message.content_type = from.content_type.value_or("");
    message.response_topic = from.response_topic.value_or("");
    if (from.correlation_data) message.correlation_data = text_of(*from.correlation_data);
    from.user.for_each([&](const mqtt::UserProperty& property) {
        message.user.emplace_back(property.name, property.value);
    });
    return message;
}

}  // namespace

std::string Answer::describe() const {
    std::string out = fmt::format("{} (0x{:02x})", mqtt::reason_name(reason), static_cast<unsigned>(reason));
    if (!reason_string.empty()) out += ": " + escape_for_terminal(reason_string);
    return out;
}

bool SubscribeAnswer::ok() const noexcept {
    return std::all_of(filters.begin(), filters.end(), [](const Answer& answer) { return answer.ok(); });
}

class MqttClient::Impl final : public mqtt::ClientHandler {
  public:
    Impl(std::unique_ptr<ByteStream> stream, const Clock& clock)
        : stream_(std::move(stream)), clock_(clock) {}

    Result<ConnectAnswer> connect(const ClientOptions& options);
    Result<Answer> publish(const ClientMessage& message);
    Result<SubscribeAnswer> subscribe(const std::vector<ClientFilter>& filters,
                                      std::uint32_t subscription_id);
    Result<SubscribeAnswer> unsubscribe(const std::vector<std::string>& filters);
    Result<std::optional<ClientMessage>> receive(milliseconds patience);
    Result<void> ping();
    Result<void> disconnect(mqtt::Reason reason, std::optional<std::uint32_t> session_expiry_s);

    mqtt::Flow on_connack(const mqtt::Connack& packet) override;
    mqtt::Flow on_publish(const mqtt::Publish& packet) override;
    mqtt::Flow on_ack(const mqtt::Ack& packet) override;
    mqtt::Flow on_suback(const mqtt::Suback& packet) override;
    mqtt::Flow on_pingresp() override;
    mqtt::Flow on_disconnect(const mqtt::Disconnect& packet) override;
    mqtt::Flow on_auth(const mqtt::Auth& packet) override;
    void on_protocol_error(mqtt::Reason reason, std::string_view detail) override;

  private:
    /// Reads once, at most until `deadline`, and takes in what came; sends what that caused.
    Result<void> pump(MonoTime deadline);
    /// Pumps until `done()` or the patience for an answer ends.
    template <class Done>
    Result<void> await(const char* what, Done&& done);
    Result<void> flush();
    Result<SubscribeAnswer> await_suback(const char* what);
    std::uint16_t take_packet_id() {
        last_packet_id_ =
            last_packet_id_ == 65'535 ? std::uint16_t{1} : static_cast<std::uint16_t>(last_packet_id_ + 1);
        return last_packet_id_;
    }
    void acknowledge(mqtt::PacketType type, std::uint16_t id, mqtt::Reason reason = mqtt::Reason::Success) {
        encode_ack(out_, connection_->peer(),
                   {.type = type, .packet_id = id, .reason = reason, .reason_string = {}, .user = {}});
    }

    std::unique_ptr<ByteStream> stream_;
    const Clock& clock_;
    std::optional<mqtt::ClientConnection> connection_;
    mqtt::Buffer out_;
    std::vector<std::byte> tail_;
    std::deque<ClientMessage> messages_;
    std::set<std::uint16_t> held_qos2_;  ///< delivered, PUBREL still to come
    milliseconds patience_{10'000};
    Duration keep_alive_{};
    MonoTime last_sent_{};
    std::uint16_t last_packet_id_ = 0;
    std::uint16_t awaited_id_ = 0;
    std::optional<ConnectAnswer> connack_;
    std::optional<Answer> acked_;
    std::optional<SubscribeAnswer> suback_;
    bool ping_open_ = false;
    std::optional<Error> ended_;
};

Result<void> MqttClient::Impl::flush() {
    if (out_.empty()) return {};
    const Result<void> written = stream_->write_all(out_.bytes());
    out_.shrink(65'536);
    last_sent_ = clock_.mono();
    return written;
}

Result<void> MqttClient::Impl::pump(MonoTime deadline) {
    if (ended_) return fail(*ended_);
    std::array<std::byte, 65'536> chunk;
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock_.mono());
    LK_TRY(const std::size_t got, stream_->read_some(chunk, std::max(left, milliseconds{0})));
    tail_.insert(tail_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(got));
    const mqtt::Consumed consumed = connection_->on_bytes(tail_, *this);
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(consumed.bytes));
    LK_CHECK(flush());
    // What came before a DISCONNECT or an error still counts: the next pump reports the end.
    return {};
}

template <class Done>
Result<void> MqttClient::Impl::await(const char* what, Done&& done) {
    LK_CHECK(flush());
    const MonoTime deadline = clock_.mono() + patience_;
    while (!done()) {
        if (clock_.mono() >= deadline) return fail(kClientTimeout, what);
        LK_CHECK(pump(deadline));
    }
    return {};
}

Result<ConnectAnswer> MqttClient::Impl::connect(const ClientOptions& options) {
    const auto user = views(options.user);
    mqtt::Buffer will_properties;
    mqtt::ConnectOut out;
    out.level = options.level;
    out.clean_start = options.clean_start;
    out.keep_alive_s = options.keep_alive_s;
    out.client_id = options.client_id;
    if (options.user_name) out.user_name = *options.user_name;
    if (options.password) out.password = options.password->expose();
    if (options.will) {
        append_forward(will_properties, *options.will);
        out.will = mqtt::WillOut{.topic = options.will->topic,
                                 .payload = bytes_of(options.will->payload),
                                 .qos = options.will->qos,
                                 .retain = options.will->retain,
                                 .delay_s = options.will_delay_s,
                                 .expiry_s = options.will->expiry_s,
                                 .forward = will_properties.bytes()};
    }
    out.session_expiry_s = options.session_expiry_s;
    out.maximum_packet_size = options.max_packet_bytes;
    out.user = user;
    connection_.emplace(options.level, mqtt::Limits{.max_packet_bytes = options.max_packet_bytes,
                                                    .max_connect_bytes = options.max_packet_bytes,
                                                    .topic_alias_maximum = 0,
                                                    .max_user_properties = 1000});
    patience_ = options.patience;
    keep_alive_ = std::chrono::seconds(options.keep_alive_s);
    // Room for everything at once: growing would leave copies of the password behind.
    mqtt::Buffer packet(65'536 * 6 + will_properties.size());
    if (encode_connect(packet, out) == 0) return fail(kNotSendable, "CONNECT");
    const Result<void> written = stream_->write_all(packet.bytes());
    packet.wipe();
    LK_CHECK(written);
    last_sent_ = clock_.mono();
    LK_CHECK(await("CONNECT", [&] { return connack_.has_value(); }));
    if (connack_->server_keep_alive_s) keep_alive_ = std::chrono::seconds(*connack_->server_keep_alive_s);
    return *connack_;
}

Result<Answer> MqttClient::Impl::publish(const ClientMessage& message) {
    mqtt::Buffer forward;
    append_forward(forward, message);
    mqtt::PublishOut out;
    out.topic = message.topic;
    out.payload = bytes_of(message.payload);
    out.forward = forward.bytes();
    out.expiry_s = message.expiry_s;
    out.qos = message.qos;
    out.retain = message.retain;
    out.packet_id = awaited_id_ = message.qos == 0 ? std::uint16_t{0} : take_packet_id();
    acked_.reset();
    if (encode_publish(out_, connection_->peer(), out) == 0) return fail(kNotSendable, "PUBLISH");
    if (message.qos == 0) {
        LK_CHECK(flush());
        return Answer{};
    }
    LK_CHECK(await("PUBLISH", [&] { return acked_.has_value(); }));
    return *acked_;
}

Result<SubscribeAnswer> MqttClient::Impl::await_suback(const char* what) {
    suback_.reset();
    LK_CHECK(await(what, [&] { return suback_.has_value(); }));
    return *suback_;
}

Result<SubscribeAnswer> MqttClient::Impl::subscribe(const std::vector<ClientFilter>& filters,
                                                    std::uint32_t subscription_id) {
    std::vector<mqtt::SubscribeFilter> wanted;
    for (const ClientFilter& filter : filters) {
        wanted.push_back(
            {filter.filter, filter.qos, filter.no_local, filter.retain_as_published, filter.retain_handling});
    }
    awaited_id_ = take_packet_id();
    const mqtt::SubscribeOut out{
        .packet_id = awaited_id_, .subscription_id = subscription_id, .filters = wanted, .user = {}};
    if (encode_subscribe(out_, connection_->peer(), out) == 0) return fail(kNotSendable, "SUBSCRIBE");
    return await_suback("SUBSCRIBE");
}

Result<SubscribeAnswer> MqttClient::Impl::unsubscribe(const std::vector<std::string>& filters) {
    const std::vector<std::string_view> wanted(filters.begin(), filters.end());
    awaited_id_ = take_packet_id();
    const mqtt::UnsubscribeOut out{.packet_id = awaited_id_, .filters = wanted, .user = {}};
    if (encode_unsubscribe(out_, connection_->peer(), out) == 0) return fail(kNotSendable, "UNSUBSCRIBE");
    return await_suback("UNSUBSCRIBE");
}

Result<std::optional<ClientMessage>> MqttClient::Impl::receive(milliseconds patience) {
    const MonoTime deadline = clock_.mono() + patience;
    while (messages_.empty()) {
        const MonoTime now = clock_.mono();
        if (now >= deadline) return std::optional<ClientMessage>{};
        MonoTime until = deadline;
        if (keep_alive_ > Duration{}) {
            // A little early, so that the line's delay does not count against us.
            const MonoTime due = last_sent_ + keep_alive_ * 9 / 10;
            if (now >= due) {
                if (ping_open_) return fail(kClientTimeout, "PINGREQ");
                ping_open_ = true;
                encode_pingreq(out_);
                LK_CHECK(flush());
                continue;
            }
            until = std::min(until, due);
        }
        LK_CHECK(pump(until));
    }
    std::optional<ClientMessage> message(std::move(messages_.front()));
    messages_.pop_front();
    return message;
}

Result<void> MqttClient::Impl::ping() {
    ping_open_ = true;
    encode_pingreq(out_);
    return await("PINGREQ", [&] { return !ping_open_; });
}

Result<void> MqttClient::Impl::disconnect(mqtt::Reason reason,
                                          std::optional<std::uint32_t> session_expiry_s) {
    mqtt::DisconnectOut out;
    out.reason = reason;
    out.session_expiry_s = session_expiry_s;
    encode_disconnect(out_, connection_->peer(), out, true);
    return flush();
}

mqtt::Flow MqttClient::Impl::on_connack(const mqtt::Connack& packet) {
    ConnectAnswer answer;
    answer.reason = packet.reason;
    answer.reason_string = packet.reason_string;
    answer.session_present = packet.session_present;
    answer.assigned_client_id = packet.assigned_client_id;
    answer.server_keep_alive_s = packet.server_keep_alive_s;
    connack_ = std::move(answer);
    return mqtt::Flow::Continue;
}

mqtt::Flow MqttClient::Impl::on_publish(const mqtt::Publish& packet) {
    if (packet.qos == 1) acknowledge(mqtt::PacketType::Puback, packet.packet_id);
    if (packet.qos == 2) {
        acknowledge(mqtt::PacketType::Pubrec, packet.packet_id);
        if (!held_qos2_.insert(packet.packet_id).second) return mqtt::Flow::Continue;
    }
    messages_.push_back(message_of(packet));
    return mqtt::Flow::Continue;
}

mqtt::Flow MqttClient::Impl::on_ack(const mqtt::Ack& packet) {
    if (packet.type == mqtt::PacketType::Pubrel) {
        const bool known = held_qos2_.erase(packet.packet_id) != 0;
        acknowledge(mqtt::PacketType::Pubcomp, packet.packet_id,
                    known ? mqtt::Reason::Success : mqtt::Reason::PacketIdentifierNotFound);
        return mqtt::Flow::Continue;
    }
    const Answer answer{packet.reason, std::string(packet.reason_string)};
    if (packet.type == mqtt::PacketType::Pubrec && answer.ok()) {
        acknowledge(mqtt::PacketType::Pubrel, packet.packet_id);
        return mqtt::Flow::Continue;
    }
    if (packet.packet_id == awaited_id_) acked_ = answer;
    return mqtt::Flow::Continue;
}

mqtt::Flow MqttClient::Impl::on_suback(const mqtt::Suback& packet) {
    if (packet.packet_id != awaited_id_) return mqtt::Flow::Continue;
    SubscribeAnswer answer;
    for (const std::byte reason : packet.reasons) {
        answer.filters.push_back({static_cast<mqtt::Reason>(reason), std::string(packet.reason_string)});
    }
    suback_ = std::move(answer);
    return mqtt::Flow::Continue;
}

mqtt::Flow MqttClient::Impl::on_pingresp() {
    ping_open_ = false;
    return mqtt::Flow::Continue;
}

mqtt::Flow MqttClient::Impl::on_disconnect(const mqtt::Disconnect& packet) {
    ended_ = Error(kServerDisconnect, Answer{packet.reason, std::string(packet.reason_string)}.describe());
    return mqtt::Flow::Stop;
}

mqtt::Flow MqttClient::Impl::on_auth(const mqtt::Auth&) {
    ended_ = Error(kServerProtocol, "AUTH that was not asked for");
    return mqtt::Flow::Stop;
}

void MqttClient::Impl::on_protocol_error(mqtt::Reason reason, std::string_view detail) {
    ended_ = Error(kServerProtocol, fmt::format("{}: {}", mqtt::reason_name(reason), detail));
}

MqttClient::MqttClient(std::unique_ptr<ByteStream> stream, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(stream), clock)) {}
MqttClient::MqttClient(MqttClient&&) noexcept = default;
MqttClient& MqttClient::operator=(MqttClient&&) noexcept = default;
MqttClient::~MqttClient() = default;

Result<ConnectAnswer> MqttClient::connect(const ClientOptions& options) {
    return impl_->connect(options);
}
Result<Answer> MqttClient::publish(const ClientMessage& message) {
    return impl_->publish(message);
}
Result<SubscribeAnswer> MqttClient::subscribe(const std::vector<ClientFilter>& filters,
                                              std::uint32_t subscription_id) {
    return impl_->subscribe(filters, subscription_id);
}
Result<SubscribeAnswer> MqttClient::unsubscribe(const std::vector<std::string>& filters) {
    return impl_->unsubscribe(filters);
}
Result<std::optional<ClientMessage>> MqttClient::receive(std::chrono::milliseconds patience) {
    return impl_->receive(patience);
}
Result<void> MqttClient::ping() {
    return impl_->ping();
}
Result<void> MqttClient::disconnect(mqtt::Reason reason, std::optional<std::uint32_t> session_expiry_s) {
    return impl_->disconnect(reason, session_expiry_s);
}

}  // namespace latchkey::app
