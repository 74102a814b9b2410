// See bench_load.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/bench_load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/bench_errors.h"
#include "app/byte_stream.h"
#include "app/mqtt_client_errors.h"
#include "mqtt/client_encoder.h"
#include "mqtt/decoder.h"

namespace latchkey::app {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kBlockBytes = 64 * 1024;  ///< of equal packets copied at once
constexpr milliseconds kConnectPatience{10'000};
constexpr milliseconds kDrainPatience{10'000};  ///< without any progress
constexpr milliseconds kTick{100};

std::byte* put_u16(std::byte* at, std::uint16_t value) {
    at[0] = static_cast<std::byte>(value >> 8);
    at[1] = static_cast<std::byte>(value & 0xFF);
    return at + 2;
}

std::uint16_t get_u16(const std::byte* at) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8 |
                                      std::to_integer<unsigned>(at[1]));
}

Duration thread_cpu() {
    rusage usage{};
    LK_IGNORE(::getrusage(RUSAGE_THREAD, &usage), "cannot fail for the own thread");
    const auto of = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

struct BenchLoad::Client {
    Group* group = nullptr;
    bool publisher = false;
    unsigned number = 0;  ///< among publishers or among subscribers
    std::string id;
    int fd = -1;
    bool ready = false;
    bool touched = false;
    bool wants_write = false;
    std::uint16_t next_id = 1;
    std::uint32_t window = 0;   ///< publishers: unacknowledged messages allowed
    std::uint32_t unacked = 0;  ///< publishers with QoS 1 and 2
    std::uint64_t delivered = 0;
    std::vector<std::byte> tail;  ///< of an incomplete packet
    mqtt::Buffer out;
    std::size_t written = 0;

    std::size_t pending() const { return out.size() - written; }
};

/// One topic with everybody on it.
struct BenchLoad::Group {
    std::string topic;
    std::vector<Client*> publishers;
    std::vector<Client*> subscribers;
    std::uint64_t sent = 0;
    std::size_t turn = 0;  ///< whose turn it is
    bool changed = false;  ///< something arrived or was written since top_up
    mqtt::Buffer block;    ///< equal PUBLISH packets, back to back
    std::size_t packet_bytes = 0;
    std::size_t packet_id_at = 0;

    /// How far the slowest subscriber is.
    std::uint64_t arrived() const {
        std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
        for (const Client* client : subscribers)
            least = std::min(least, client->delivered);
        return least;
    }
};

BenchLoad::BenchLoad(const BenchOptions& options, std::span<const Secret> passwords, const Clock& clock,
                     unsigned index, unsigned step)
    : options_(options),
      passwords_(passwords),
      clock_(clock),
      level_(options.version == "mqttv311" ? mqtt::Level::V311 : mqtt::Level::V5) {
    const auto add = [&](unsigned number, bool publisher) {
        const unsigned topic = number % options.topics;
        if (topic % step != index) return;
        auto client = std::make_unique<Client>();
        client->group = groups_.at(topic / step).get();
        client->publisher = publisher;
        client->number = number;
        client->id = fmt::format("{}-{}-{}", options.client_prefix, publisher ? 'p' : 's', number);
        client->window = options.window;
        (publisher ? client->group->publishers : client->group->subscribers).push_back(client.get());
        if (publisher) publishers_.push_back(client.get());
        clients_.push_back(std::move(client));
    };
    for (unsigned topic = index; topic < options.topics; topic += step) {
        groups_.push_back(std::make_unique<Group>());
        groups_.back()->topic = fmt::format("{}/{}", options.topic_prefix, topic);
        make_packets(*groups_.back());
    }
    for (unsigned i = 0; i < options.subscribers; ++i)
        add(i, false);
    for (unsigned i = 0; i < options.publishers; ++i)
        add(i, true);
    const std::size_t longest = groups_.empty() ? 0 : groups_.front()->packet_bytes;
    static_cast<void>(input_.append(kReadBytes + 2 * longest));
}

BenchLoad::~BenchLoad() {
    for (const auto& client : clients_)
        if (client->fd >= 0) ::close(client->fd);
    if (epoll_ >= 0) ::close(epoll_);
}

void BenchLoad::make_packets(Group& group) {
    const std::vector<std::byte> payload(options_.payload_bytes, std::byte{'x'});
    const mqtt::PublishOut message{.topic = group.topic,
                                   .payload = payload,
                                   .packet_id = 1,
                                   .qos = static_cast<std::uint8_t>(options_.qos)};
    const mqtt::Peer peer{.level = level_};
    group.packet_bytes = mqtt::encode_publish(group.block, peer, message);
    group.packet_id_at = group.packet_bytes - payload.size() - (level_ == mqtt::Level::V5 ? 3 : 2);
    const std::size_t copies = std::clamp<std::size_t>(kBlockBytes / group.packet_bytes, 1, options_.window);
    for (std::size_t i = 1; i < copies; ++i)
        mqtt::encode_publish(group.block, peer, message);
}

Result<void> BenchLoad::establish() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return fail(kStreamFailed, "epoll_create1");
    for (const auto& client : clients_)
        LK_CHECK(open(*client));
    const MonoTime deadline = clock_.mono() + kConnectPatience;
    while (ready_ < clients_.size() && !result_.failure) {
        if (clock_.mono() > deadline) return fail(kClientTimeout, "CONNACK or SUBACK");
        turn(kTick);
    }
    if (result_.failure) return fail(*result_.failure);
    return {};
}

Result<void> BenchLoad::open(Client& client) {
    LK_TRY(client.fd, connect_tcp_fd(options_.host, options_.port, kConnectPatience));
    mqtt::ConnectOut connect{.level = level_, .keep_alive_s = 0, .client_id = client.id};
    if (options_.user_name) connect.user_name = *options_.user_name;
    if (!passwords_.empty()) {
        const std::size_t line = client.publisher ? client.number : options_.publishers + client.number;
        const Secret& password = passwords_[line % passwords_.size()];
        connect.password = password.expose();
        client.out.reserve(password.size() + client.id.size() + 1024);
    }
    mqtt::encode_connect(client.out, connect);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event) != 0) return fail(kStreamFailed, "epoll_ctl");
    flush(client);
    if (client.pending() == 0) client.out.wipe();
    return {};
}

void BenchLoad::stop(const Client& client, const Error& error) {
    if (result_.failure) return;
    const std::string_view detail = error.detail();
    result_.failure =
        Error(error.info(), detail.empty() ? client.id : fmt::format("{}: {}", client.id, detail));
    sending_ = false;
}

void BenchLoad::turn(Duration patience) {
    std::array<epoll_event, 256> events;
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(patience);
    const timespec wait{.tv_sec = whole.count(), .tv_nsec = (patience - whole).count()};
    const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int i = 0; i < count; ++i) {
        Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
        touch(client);
        if ((events[static_cast<std::size_t>(i)].events & ~std::uint32_t{EPOLLOUT}) != 0) read_some(client);
    }
    if (sending_ && options_.rate == 0) {
        for (std::size_t i = 0, n = touched_.size(); i < n; ++i)
            if (std::exchange(touched_[i]->group->changed, false)) top_up(*touched_[i]->group);
    }
    for (Client* client : touched_) {
        client->touched = false;
        flush(*client);
    }
    touched_.clear();
}

void BenchLoad::touch(Client& client) {
    if (client.touched) return;
    client.touched = true;
    client.group->changed = true;
    touched_.push_back(&client);
}

void BenchLoad::read_some(Client& client) {
    const std::size_t kept = client.tail.size();
    if (kept > 0) std::memcpy(input_.data(), client.tail.data(), kept);
    const ssize_t got = ::recv(client.fd, input_.data() + kept, input_.size() - kept, 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        stop(client, got == 0 ? Error(kStreamEnded) : Error(kStreamFailed, std::strerror(errno)));
        LK_IGNORE(::epoll_ctl(epoll_, EPOLL_CTL_DEL, client.fd, nullptr), "the load stops anyway");
        return;
    }
    const std::span<const std::byte> bytes(input_.data(), kept + static_cast<std::size_t>(got));
    const std::size_t taken = take_packets(client, bytes);
    client.tail.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
}

/// Whole packets only. @return how many bytes they were
std::size_t BenchLoad::take_packets(Client& client, std::span<const std::byte> in) {
    std::size_t at = 0;
    while (in.size() - at >= 2) {
        std::size_t length = 0;
        std::size_t header = 1;
        bool more = true;
        for (unsigned shift = 0; more && shift < 28 && at + header < in.size(); shift += 7) {
            const auto digit = std::to_integer<std::size_t>(in[at + header++]);
            length |= (digit & 0x7F) << shift;
            more = (digit & 0x80) != 0;
        }
        if (more && header == 5) {
            stop(client, Error(kServerProtocol, "length of a packet"));
            return in.size();
        }
        if (more || in.size() - at < header + length) break;
        if (header + length > input_.size() / 2) {
            stop(client, Error(kServerProtocol, "packet larger than any that was sent"));
            return in.size();
        }
        const auto first = std::to_integer<unsigned>(in[at]);
        const auto type = static_cast<mqtt::PacketType>(first >> 4);
        const std::span<const std::byte> body = in.subspan(at + header, length);
        if (type == mqtt::PacketType::Publish)
            take_publish(client, first >> 1 & 3, body);
        else if (type >= mqtt::PacketType::Puback && type <= mqtt::PacketType::Pubcomp && length >= 2)
            take_ack(client, type, body);
        else
            take_rare(client, type, body);
        at += header + length;
    }
    return at;
}

void BenchLoad::take_publish(Client& client, unsigned qos, std::span<const std::byte> body) {
    ++client.delivered;
    if (options_.rate != 0 && body.size() >= options_.payload_bytes) {
        std::int64_t then = 0;
        std::memcpy(&then, body.data() + body.size() - options_.payload_bytes, sizeof(then));
        const std::int64_t took = clock_.mono().time_since_epoch().count() - then;
        result_.latency_ns.push_back(static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(took, 0, std::numeric_limits<std::uint32_t>::max())));
    }
    if (qos == 0 || body.size() < 2) return;
    const std::size_t id_at = 2U + get_u16(body.data());
    if (id_at + 2 > body.size()) return stop(client, Error(kServerProtocol, "PUBLISH too short"));
    put_ack(client, qos == 1 ? mqtt::PacketType::Puback : mqtt::PacketType::Pubrec, get_u16(&body[id_at]));
}

void BenchLoad::take_ack(Client& client, mqtt::PacketType type, std::span<const std::byte> body) {
    const std::uint16_t id = get_u16(body.data());
    if (type == mqtt::PacketType::Pubrel) return put_ack(client, mqtt::PacketType::Pubcomp, id);
    const bool refused = body.size() > 2 && std::to_integer<unsigned>(body[2]) >= 0x80;
    if (refused) {
        ++result_.refused;
        stop(client, Error(kBenchRefused, "a message was acknowledged with an error"));
    } else if (type == mqtt::PacketType::Pubrec) {
        return put_ack(client, mqtt::PacketType::Pubrel, id);
    }
    if (client.unacked > 0) --client.unacked;
}

void BenchLoad::put_ack(Client& client, mqtt::PacketType type, std::uint16_t packet_id) {
    std::byte* at = client.out.append(4);
    at[0] = static_cast<std::byte>(static_cast<unsigned>(type) << 4 |
                                   (type == mqtt::PacketType::Pubrel ? 2U : 0U));
    at[1] = std::byte{2};
    put_u16(at + 2, packet_id);
}

void BenchLoad::take_rare(Client& client, mqtt::PacketType type, std::span<const std::byte> body) {
    const mqtt::Rules rules{.level = level_, .sender = mqtt::Sender::Server};
    if (type == mqtt::PacketType::Connack) return take_connack(client, body);
    if (type == mqtt::PacketType::Suback) {
        mqtt::Suback suback;
        if (!mqtt::decode_suback(type, body, rules, suback) || suback.reasons.empty())
            return stop(client, Error(kServerProtocol, "SUBACK"));
        if (std::to_integer<unsigned>(suback.reasons[0]) != options_.qos)
            return stop(client, Error(kBenchRefused, "the subscription, or its QoS"));
        return become_ready(client);
    }
    mqtt::Disconnect disconnect;
    if (type == mqtt::PacketType::Disconnect && mqtt::decode_disconnect(body, rules, disconnect))
        return stop(client, Error(kServerDisconnect, mqtt::reason_name(disconnect.reason)));
    stop(client, Error(kServerProtocol, mqtt::packet_name(type)));
}

void BenchLoad::take_connack(Client& client, std::span<const std::byte> body) {
    mqtt::Connack connack;
    if (!mqtt::decode_connack(body, {.level = level_, .sender = mqtt::Sender::Server}, connack))
        return stop(client, Error(kServerProtocol, "CONNACK"));
    if (mqtt::is_error(connack.reason))
        return stop(client, Error(kBenchRefused, mqtt::reason_name(connack.reason)));
    client.window = std::min<std::uint32_t>(client.window, connack.receive_maximum);
    if (client.publisher) return become_ready(client);
    const mqtt::SubscribeFilter filter{.filter = client.group->topic,
                                       .qos = static_cast<std::uint8_t>(options_.qos)};
    mqtt::encode_subscribe(client.out, {.level = level_}, {.packet_id = 1, .filters = {&filter, 1}});
}

void BenchLoad::become_ready(Client& client) {
    if (!std::exchange(client.ready, true)) ++ready_;
}

void BenchLoad::flush(Client& client) {
    while (client.pending() > 0) {
        const ssize_t sent =
            ::send(client.fd, client.out.data() + client.written, client.pending(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return stop(client, Error(kStreamFailed, std::strerror(errno)));
        if (sent < 0) break;
        client.written += static_cast<std::size_t>(sent);
    }
    const bool pending = client.pending() > 0;
    if (!pending) {
        client.out.clear();
        client.written = 0;
    }
    if (pending == client.wants_write) return;
    client.wants_write = pending;
    epoll_event event{.events = pending ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = &client}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event) != 0)
        stop(client, Error(kStreamFailed, "epoll_ctl"));
}

/// Lets the publishers of a topic send what the window has room for, but in no crumbs: a quarter at least.
void BenchLoad::top_up(Group& group) {
    const std::uint64_t bound = std::uint64_t{options_.window} * group.publishers.size();
    std::uint64_t room = bound - (group.sent - group.arrived());
    if (room * 4 < bound) return;
    const std::uint64_t share = std::max<std::uint64_t>(1, room / group.publishers.size());
    const std::size_t first = group.turn++;
    for (std::size_t i = 0; i < group.publishers.size() && room > 0 && left_ > 0; ++i) {
        Client& client = *group.publishers[(first + i) % group.publishers.size()];
        const std::uint64_t free = options_.qos == 0 ? room : client.window - client.unacked;
        if (client.pending() > 4 * group.packet_bytes || (options_.qos > 0 && free * 4 < client.window))
            continue;
        const std::uint64_t count = std::min({share, room, free, left_});
        put_publishes(client, count);
        room -= count;
    }
}

/// Rate mode: what is due by `now`, one publisher after the other.
void BenchLoad::pace(MonoTime now) {
    while (next_due_ <= now && left_ > 0) {
        put_publishes(*publishers_[next_publisher_], 1);
        next_publisher_ = (next_publisher_ + 1) % publishers_.size();
        next_due_ += interval_;
    }
}

void BenchLoad::put_publishes(Client& client, std::uint64_t count) {
    Group& group = *client.group;
    touch(client);
    group.sent += count;
    left_ -= count;
    result_.published += count;
    result_.expected += count * group.subscribers.size();
    if (options_.qos > 0) client.unacked += static_cast<std::uint32_t>(count);
    const std::uint64_t whole_block = group.block.size() / group.packet_bytes;
    while (count > 0) {
        const std::uint64_t copies = std::min(count, whole_block);
        const std::size_t bytes = static_cast<std::size_t>(copies) * group.packet_bytes;
        std::byte* at = client.out.append(bytes);
        std::memcpy(at, group.block.data(), bytes);
        for (std::byte* packet = at; options_.qos > 0 && packet < at + bytes; packet += group.packet_bytes) {
            put_u16(packet + group.packet_id_at, client.next_id);
            client.next_id = client.next_id == 0xFFFF ? 1 : static_cast<std::uint16_t>(client.next_id + 1);
        }
        if (options_.rate != 0) {
            const std::int64_t now = clock_.mono().time_since_epoch().count();
            std::memcpy(at + bytes - options_.payload_bytes, &now, sizeof(now));
        }
        count -= copies;
    }
}

bool BenchLoad::drained() const {
    return std::ranges::all_of(groups_, [](const auto& group) { return group->arrived() >= group->sent; }) &&
           std::ranges::all_of(publishers_,
                               [](const Client* c) { return c->unacked == 0 && c->pending() == 0; });
}

void BenchLoad::publish_and_drain() {
    if (options_.rate == 0) {
        for (const auto& group : groups_)
            top_up(*group);
    }
    MonoTime now = clock_.mono();
    MonoTime give_up = now + kDrainPatience;
    std::uint64_t before = 0;
    while (!result_.failure) {
        Duration patience = kTick;
        if (sending_ && options_.rate != 0) {
            pace(now);
            for (Client* client : touched_)
                flush(*client);
            patience = std::clamp<Duration>(next_due_ - clock_.mono(), Duration{0}, kTick);
        }
        turn(patience);
        now = clock_.mono();
        if (now >= end_ || left_ == 0) sending_ = false;
        std::uint64_t arrived = 0;
        for (const auto& group : groups_)
            arrived += group->arrived();
        if (std::exchange(before, arrived) != arrived) give_up = now + kDrainPatience;
        if (!sending_ && drained()) return;
        if (now > give_up) return;
    }
}

LoadResult BenchLoad::run() {
    const std::uint64_t loads = std::max<std::uint64_t>(1, options_.topics / groups_.size());
    left_ = options_.messages == 0 ? std::numeric_limits<std::uint64_t>::max()
                                   : std::max<std::uint64_t>(1, options_.messages / loads);
    const Duration cpu_before = thread_cpu();
    result_.started = clock_.mono();
    if (options_.rate != 0) {
        interval_ = Duration(std::chrono::seconds(1)) / options_.rate * static_cast<Duration::rep>(loads);
        next_due_ = result_.started;
        result_.latency_ns.reserve(1 << 20);
    }
    end_ = options_.messages == 0 ? result_.started + milliseconds(options_.duration_ms) : kNever;
    sending_ = true;
    publish_and_drain();
    result_.ended = clock_.mono();
    result_.cpu = thread_cpu() - cpu_before;
    for (const auto& client : clients_)
        result_.delivered += client->delivered;
    say_goodbye();
    return std::move(result_);
}

void BenchLoad::say_goodbye() {
    for (const auto& client : clients_) {
        client->out.clear();
        client->written = 0;
        mqtt::encode_disconnect(client->out, {.level = level_}, {}, true);
        LK_IGNORE(::send(client->fd, client->out.data(), client->out.size(), MSG_NOSIGNAL), "a courtesy");
    }
}

}  // namespace latchkey::app
