// Writes down every event of a protocol connection as text, so that tests and fuzzers can compare two runs;
// and plays the part of the connection's caller: tail, chunks, acceptance. Used by src/mqtt's tests and
// fuzz/mqtt_*.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt/client_connection.h"
#include "mqtt/connection.h"
#include "mqtt/packet.h"

namespace latchkey::mqtt::probe {

inline std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// Builds "name=value " lines; absent values leave no trace.
class Line {
  public:
    explicit Line(std::string_view name) : text_(name) {}
    Line& add(std::string_view name, std::string_view value) {
        text_.append(" ").append(name).append("=").append(value);
        return *this;
    }
    Line& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
    template <class T>
        requires std::is_integral_v<T>
    Line& add(std::string_view name, T value) {
        return add(name, std::string_view(std::to_string(value)));
    }
    Line& add(std::string_view name, Reason value) { return add(name, static_cast<unsigned>(value)); }
    Line& add(std::string_view name, Bytes value) { return add(name, text_of(value)); }
    template <class T>
    Line& add(std::string_view name, const std::optional<T>& value) {
        return value ? add(name, *value) : *this;
    }
    Line& add(const UserProperties& user) {
        user.for_each([&](const UserProperty& p) { add(p.name, p.value); });
        return *this;
    }
    Line& add(const MessageProperties& p) {
        add("format", p.payload_format).add("expiry", p.expiry_s).add("type", p.content_type);
        add("response", p.response_topic).add("correlation", p.correlation_data).add(p.user);
        std::string forward(p.forward.size(), '\0');
        p.forward.copy_to(reinterpret_cast<std::byte*>(forward.data()));
        return add("forward", std::string_view(forward));
    }
    std::string take() { return std::move(text_) + "\n"; }

  private:
    std::string text_;
};

inline std::string describe(const Connect& p) {
    Line line("CONNECT");
    line.add("level", static_cast<unsigned>(p.level))
        .add("clean", p.clean_start)
        .add("keep_alive", p.keep_alive_s);
    line.add("id", p.client_id).add("user", p.user_name).add("password", p.password);
    line.add("expiry", p.session_expiry_s)
        .add("receive", p.receive_maximum)
        .add("size", p.maximum_packet_size);
    line.add("alias", p.topic_alias_maximum).add("response", p.request_response_information);
    line.add("problem", p.request_problem_information).add("method", p.auth_method).add("data", p.auth_data);
    line.add(p.user);
    if (p.will) {
        line.add("will", p.will->topic).add("payload", p.will->payload).add("qos", p.will->qos);
        line.add("retain", p.will->retain).add("delay", p.will->delay_s).add(p.will->properties);
    }
    return line.take();
}
inline std::string describe(const Publish& p) {
    Line line("PUBLISH");
    line.add("qos", p.qos)
        .add("dup", p.dup)
        .add("retain", p.retain)
        .add("id", p.packet_id)
        .add("topic", p.topic);
    line.add("payload", p.payload).add(p.properties);
    p.for_each_subscription_id([&](std::uint32_t id) { line.add("subscription", id); });
    return line.take();
}
inline std::string describe(const Ack& p) {
    return Line(packet_name(p.type))
        .add("id", p.packet_id)
        .add("reason", p.reason)
        .add("text", p.reason_string)
        .add(p.user)
        .take();
}
inline std::string describe(Filters filters) {
    std::string out;
    for (SubscribeFilter f; filters.take(f);) {
        out += Line(" ")
                   .add("filter", f.filter)
                   .add("qos", f.qos)
                   .add("no_local", f.no_local)
                   .add("as_published", f.retain_as_published)
                   .add("handling", f.retain_handling)
                   .take();
    }
    return out;
}
inline std::string describe(const Subscribe& p) {
    return Line("SUBSCRIBE")
               .add("id", p.packet_id)
               .add("subscription", p.subscription_id)
               .add(p.user)
               .take() +
           describe(p.filters);
}
inline std::string describe(const Unsubscribe& p) {
    return Line("UNSUBSCRIBE").add("id", p.packet_id).add(p.user).take() + describe(p.filters);
}
inline std::string describe(const Disconnect& p) {
    return Line("DISCONNECT")
        .add("reason", p.reason)
        .add("expiry", p.session_expiry_s)
        .add("text", p.reason_string)
        .add("server", p.server_reference)
        .add(p.user)
        .take();
}
inline std::string describe(const Auth& p) {
    return Line("AUTH")
        .add("reason", p.reason)
        .add("method", p.method)
        .add("data", p.data)
        .add("text", p.reason_string)
        .add(p.user)
        .take();
}
inline std::string describe(const Connack& p) {
    Line line("CONNACK");
    line.add("present", p.session_present).add("reason", p.reason).add("code", p.return_code);
    line.add("expiry", p.session_expiry_s).add("receive", p.receive_maximum).add("qos", p.maximum_qos);
    line.add("retain", p.retain_available).add("size", p.maximum_packet_size).add("id", p.assigned_client_id);
    line.add("alias", p.topic_alias_maximum)
        .add("text", p.reason_string)
        .add("wildcard", p.wildcard_available);
    line.add("ids", p.subscription_ids_available).add("shared", p.shared_available);
    line.add("keep_alive", p.server_keep_alive_s).add("response", p.response_information);
    line.add("server", p.server_reference).add("method", p.auth_method).add("data", p.auth_data).add(p.user);
    return line.take();
}
inline std::string describe(const Suback& p) {
    return Line(packet_name(p.type))
        .add("id", p.packet_id)
        .add("reasons", p.reasons)
        .add("text", p.reason_string)
        .add(p.user)
        .take();
}
/// Only the code: the detail may know more when more bytes are there (TLS or HTTP on the wrong port).
inline std::string describe_error(Reason reason) {
    return Line("ERROR").add("reason", reason).take();
}

/// Server side. Accepts a CONNECT at once, or after the first AUTH when it names a method.
class Recorder final : public Handler {
  public:
    explicit Recorder(Connection& connection) : connection_(connection) {}
    Flow on_connect(const Connect& p) override {
        note(describe(p));
        if (!p.auth_method) connection_.accepted();
        return next;
    }
    Flow on_publish(const Publish& p) override { return note(describe(p)); }
    Flow on_ack(const Ack& p) override { return note(describe(p)); }
    Flow on_subscribe(const Subscribe& p) override { return note(describe(p)); }
    Flow on_unsubscribe(const Unsubscribe& p) override { return note(describe(p)); }
    Flow on_pingreq() override { return note("PINGREQ\n"); }
    Flow on_disconnect(const Disconnect& p) override { return note(describe(p)); }
    Flow on_auth(const Auth& p) override {
        note(describe(p));
        connection_.accepted();
        if (p.reason != Reason::ReAuthenticate) connection_.reauthenticated();
        return next;
    }
    void on_protocol_error(Reason reason, std::string_view detail) override {
        error = reason;
        error_detail = detail;
        answer = connection_.error_answer(reason);
        note(describe_error(reason));
    }

    std::string log;
    std::size_t events = 0;
    Flow next = Flow::Continue;
    std::optional<Reason> error;
    std::string error_detail;
    Connection::ErrorAnswer answer = Connection::ErrorAnswer::None;

  private:
    Flow note(std::string text) {
        log += text;
        ++events;
        return next;
    }
    Connection& connection_;
};

class ClientRecorder final : public ClientHandler {
  public:
    Flow on_connack(const Connack& p) override { return note(describe(p)); }
    Flow on_publish(const Publish& p) override { return note(describe(p)); }
    Flow on_ack(const Ack& p) override { return note(describe(p)); }
    Flow on_suback(const Suback& p) override { return note(describe(p)); }
    Flow on_pingresp() override { return note("PINGRESP\n"); }
    Flow on_disconnect(const Disconnect& p) override { return note(describe(p)); }
    Flow on_auth(const Auth& p) override { return note(describe(p)); }
    void on_protocol_error(Reason reason, std::string_view) override {
        error = reason;
        note(describe_error(reason));
    }

    std::string log;
    std::optional<Reason> error;

  private:
    Flow note(std::string text) {
        log += text;
        return Flow::Continue;
    }
};

/// Feeds `in` in chunks whose sizes `chunk_size()` gives (at least 1), keeping the tail as a real caller
/// does, and stops the process where a promise of on_bytes is broken. `limit` is the largest packet allowed.
template <class Connection, class Handler, class ChunkSize>
void feed(Connection& connection, Handler& handler, Bytes in, std::size_t limit, ChunkSize&& chunk_size) {
    const auto promise = [](bool kept) {
        if (!kept) std::abort();
    };
    std::vector<std::byte> tail;
    std::size_t at = 0;
    while (at < in.size()) {
        const std::size_t take = std::min(in.size() - at, std::max<std::size_t>(chunk_size(), 1));
        tail.insert(tail.end(), in.begin() + static_cast<std::ptrdiff_t>(at),
                    in.begin() + static_cast<std::ptrdiff_t>(at + take));
        at += take;
        for (;;) {
            // A copy of exactly the right size, so that a sanitizer sees every step beyond it.
            const std::vector<std::byte> exact(tail);
            const Consumed consumed = connection.on_bytes(exact, handler);
            promise(consumed.bytes <= exact.size());
            tail.erase(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(consumed.bytes));
            if (consumed.state == Consumed::State::Closed || consumed.state == Consumed::State::Waiting)
                return;
            if (consumed.state == Consumed::State::Stopped) continue;
            promise(tail.empty() == (consumed.need == 0));
            promise(tail.empty() || consumed.need > tail.size());
            promise(consumed.need <= std::max<std::size_t>(limit, 5));
            break;
        }
    }
}

/// One server connection over the whole input.
inline std::string run_server(Bytes in, const Limits& limits, std::size_t chunk, Flow flow = Flow::Continue) {
    Connection connection(limits);
    Recorder recorder(connection);
    recorder.next = flow;
    feed(connection, recorder, in, limits.max_packet_bytes, [&] { return chunk; });
    return recorder.log;
}

/// The claim of both fuzzers: however the input is cut, and whether or not the handler stops after every
/// packet, the same packets are seen in the same order up to the same error. Aborts otherwise.
inline void check_split_invariance(Bytes in, const Limits& limits) {
    const std::string whole = run_server(in, limits, std::max<std::size_t>(in.size(), 1));
    if (in.size() <= 512 && run_server(in, limits, 1) != whole) std::abort();
    if (run_server(in, limits, 7) != whole) std::abort();
    if (run_server(in, limits, 64, Flow::Stop) != whole) std::abort();
}

}  // namespace latchkey::mqtt::probe
