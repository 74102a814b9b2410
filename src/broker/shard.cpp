// See shard.h: the turn and connections. What control asks of a shard is in shard_control.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "broker/shard.h"

#include <algorithm>

#include "base/invariant.h"
#include "base/log.h"
#include "broker/errors.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kCarefulReadBytes = 4 * 1024;  ///< before CONNACK, and while anything is stashed
constexpr std::size_t kLargeTail = 64 * 1024;        ///< beyond that a packet grows in its own buffer
constexpr int kAcceptsPerEvent = 64;
constexpr unsigned kHandshakesPerTurn = 4;
constexpr Duration kAcceptPause = std::chrono::milliseconds(200);
constexpr Duration kLinger = std::chrono::seconds(2);
constexpr std::uint32_t kListenerSlot = 0x80000000;  ///< poll tokens of listeners; generation 0

std::size_t owed(const Client& client) {
    // A large payload on its way is no answer, and no copy.
    return client.control.size() + client.leftover.bytes.size();
}

}  // namespace

Shard::Shard(const ShardServices& services, EpochRef epoch)
    : services_(services),
      seed_(services.mesh.table_seed()),
      mailbox_(word_, services.poller),
      epoch_(std::move(epoch)),
      now_(services.clock.mono()),
      wheel_(now_),
      rights_(*this, seed_, services.process_epoch),
      sessions_(*this, seed_),
      subscriptions_(*this, seed_),
      ingress_(*this, seed_),
      delivery_(*this),
      retained_(*this),
      groups_(*this, seed_),
      shares_(*this),
      logins_(*this),
      door_(*this),
      sys_(*this) {
    services_.mesh.seat(index(), mailbox_, word_, services_.poller);
}

Shard::~Shard() = default;

void Shard::open_listeners() {
    for (std::uint32_t i = 0; i < services_.acceptors.size(); ++i) {
        const auto added = services_.poller.add(services_.acceptors[i]->handle(), {kListenerSlot | i, 0},
                                                net::Interest::Accept);
        if (!added) {
            log::event(log::Level::Error, "listener_not_watched",
                       {log::field("listener", epoch_->listeners[i].name),
                        log::field("cause", added.error().message())});
        }
    }
}

MonoTime Shard::turn(MonoTime now, std::span<const net::PollEvent> events) {
    const ShardScope scope(this);
    now_ = now;
    auto snapshot = mailbox_.snapshot();
    drain_lanes();
    snapshot.serve();
    ingress_.settle();
    for (const net::PollEvent& event : events)
        on_event(event);
    run_ready();
    run_handshakes();
    logins_.run_waiting();
    reauths_.run_waiting();
    run_timers();
    spent_ = 0;  // what this leaves is for those who ask next
    requests_.run();
    subscriptions_.run();
    shares_.run();
    certificates_.run();
    sys_.run();
    ingress_.commit();
    ingress_.notify();
    flush();
    if (ingress_.uncommitted()) {
        // Packet ids and endings of the flush are records too; nobody else would close their batch.
        ingress_.commit();
        ingress_.notify();
    }
    const bool more = !ready_.empty() || !dirty_.empty() || requests_.pending() || subscriptions_.pending() ||
                      shares_.pending() || certificates_.pending() || logins_.waiting() ||
                      reauths_.waiting() || (lanes_wait_ && !ingress_.paused()) || !handshakes_.empty();
    return more ? now : std::min({wheel_.next_deadline(), flush_deadline_, sys_.due()});
}

// Lanes
// -----------------------------------------------------------------------------------------------------------

void Shard::drain_lanes() {
    const ShardIndex shards = mesh().shards();
    // The tails of `forward` are read first: whatever a page was scanned after is then drained before the
    // page.
    std::array<std::uint64_t, kMaxShards> forward_tails;
    for (ShardIndex from = 0; from < shards; ++from)
        forward_tails[from] = mesh().forward(from, index()).tail();
    for (ShardIndex from = 0; from < shards; ++from)
        drain_publish(from);
    for (ShardIndex from = 0; from < shards; ++from)
        drain_forward(from, forward_tails[from]);
    shares_.on_drained_lanes();
}

void Shard::drain_publish(ShardIndex from) {
    Lane& lane = mesh().publish(from, index());
    const std::uint64_t end = lane.tail();
    while (const LaneEntry* next = lane.front(end)) {
        // Only a full forward lane, which is always drained, pauses this one: no cycle (data-path 5).
        lanes_wait_ = ingress_.paused();
        if (lanes_wait_) return;
        const LaneEntry entry = *next;
        lane.pop();
        moved_ = true;
        switch (entry.kind) {
            case LaneEntry::Kind::Deliver:
                deliver(MessageRef::received(entry.message));
                break;
            case LaneEntry::Kind::Retain:
                retained_.store(MessageRef::received(entry.message));
                break;
            case LaneEntry::Kind::Mark:
                retained_.on_mark(entry.round);
                break;
            case LaneEntry::Kind::RetainedPage:
            case LaneEntry::Kind::Handoff:
                break;  // never on this lane
        }
    }
    if (lane.take_stall()) mesh().rouse(from);
}

void Shard::deliver(const MessageRef& message) {
    delivery_.deliver(message);
    if (!groups_.empty()) groups_.deliver(message);
}

void Shard::drain_forward(ShardIndex from, std::uint64_t end) {
    Lane& lane = mesh().forward(from, index());
    while (const LaneEntry* next = lane.front(end)) {
        const LaneEntry entry = *next;
        lane.pop();
        moved_ = true;
        if (entry.kind == LaneEntry::Kind::Handoff) {
            shares_.on_handoff(from, std::unique_ptr<Handoff>(entry.handoff));
        } else if (const std::unique_ptr<RetainedPage> page(entry.page); page) {
            retained_.on_page(*page);
        }
    }
    if (lane.take_stall()) mesh().rouse(from);
}

// Connections
// -----------------------------------------------------------------------------------------------------

Client* Shard::admit(std::unique_ptr<net::Transport> transport, std::uint32_t listener) {
    if (stage_ == Stage::Flushed || stage_ == Stage::Closed) return nullptr;  // the transport closes itself
    const SlotId id = clients_.emplace(*this, std::move(transport), listener, settings().packets);
    Client& client = *clients_.find(id);
    client.id = id;
    client.accepted_under = static_cast<std::uint32_t>(epoch_->number);
    client.deadline = now_ + settings().connect_limit;
    client.interest = net::Interest::Readable;
    const auto added =
        services_.poller.add(client.transport->handle(), {id.slot, id.generation}, client.interest);
    if (!added) {
        log::event(log::Level::Error, "connection_not_watched",
                   {log::field("cause", added.error().message())});
        client.transport->close();
        clients_.erase(id);
        return nullptr;
    }
    arm_timer(client);
    if (stage_ != Stage::Running) suspend(client, kSuspendShutdown);
    return &client;
}

std::unique_ptr<net::Transport> Shard::release(Client& client) {
    services_.poller.remove(client.transport->handle());
    wheel_.cancel(client.timer);
    std::unique_ptr<net::Transport> transport = std::move(client.transport);
    clients_.erase(client.id);
    return transport;
}

void Shard::accept_from(std::uint32_t listener) {
    if (stage_ != Stage::Running) return;
    const ListenerPlan& plan = epoch_->listeners[listener];
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
        net::AcceptResult result = services_.acceptors[listener]->try_accept(plan.transport, &door_);
        if (result.status == net::AcceptStatus::Unwelcome) continue;
        if (result.status == net::AcceptStatus::Exhausted) return pause_accepting();
        if (result.status == net::AcceptStatus::Refused) {
            tell_broken(result.remote, listener, result.error);
            continue;
        }
        if (result.status != net::AcceptStatus::Ok) return;
        ++counters_.connections;
        if (Client* client = admit(std::move(result.transport), listener)) door_.enter(*client);
    }
}

void Shard::pause_accepting() {
    // Out of descriptors: a level-triggered poller would fire for ever. Others may still accept.
    log::event(log::Level::Warn, "accepting_paused",
               {log::field("cause", "out of file descriptors or memory")});
    for (net::Acceptor* acceptor : services_.acceptors)
        services_.poller.remove(acceptor->handle());
    wheel_.schedule(accept_timer_, now_ + kAcceptPause);
}

void Shard::on_event(const net::PollEvent& event) {
    if (event.token.generation == 0) return accept_from(event.token.slot & ~kListenerSlot);
    const SlotId id{event.token.slot, event.token.generation};
    Client* client = clients_.find(id);
    if (!client) return;
    if (event.hangup) client->fin = true;
    if (event.broken && client->suspended != 0) return drop(*client, kTransport);
    if (event.writable) {
        client->want_write = false;
        mark_dirty(*client);
        if (client->read_wants_write) return read(id);  // a handshake or the answer to a ping goes on
    }
    // What an earlier suspension left is parsed first: a FIN behind it must not be met before it.
    if ((event.readable || event.broken) && !client->ready) read(id);
}

void Shard::read(SlotId id) {
    Client* client = clients_.find(id);
    if (!client || client->suspended != 0 || client->phase == Client::Phase::Closing) return;
    if (!client->transport->peer().handshake_done) return await_handshake(*client);
    receive(*client);
}

void Shard::receive(Client& client) {
    if (client.tail.size() > kLargeTail) return grow_tail(client);
    const std::size_t room = read_room(client);
    read_buffer_.clear();
    read_buffer_.append(client.tail.bytes());
    const std::size_t before = read_buffer_.size();
    std::byte* fresh = read_buffer_.append(room);
    const net::IoResult result = client.transport->read({fresh, room});
    if (on_read_end(client, result)) return;
    if (client.phase == Client::Phase::AwaitConnect && !door_.still_admits(client)) return;
    if (result.more) make_ready(client);
    if (result.bytes == 0) return;
    counters_.bytes_received += result.bytes;
    client.tail.clear();
    read_buffer_.truncate(before + result.bytes);
    parse(client, read_buffer_.bytes());
}

std::size_t Shard::read_room(const Client& client) const {
    const bool careful = client.phase != Client::Phase::Online || ingress_.stashed();
    return careful ? kCarefulReadBytes : kReadBytes;
}

bool Shard::on_read_end(Client& client, const net::IoResult& result) {
    client.read_wants_write = result.status == net::IoStatus::WantWrite;
    if (client.read_wants_write) {
        client.want_write = true;
        watch(client);
        return true;
    }
    if (result.status == net::IoStatus::Eof) {
        drop(client, kPeerClosed);
        return true;
    }
    if (result.status != net::IoStatus::Failed) return false;
    tell_broken(client.transport->peer().remote, client.listener, result.error);
    drop(client, kTransport);
    return true;
}

void Shard::tell_broken(const net::Address& remote, std::uint32_t listener, const ErrorInfo* error) const {
    log::event(
        log::Level::Info, "connection_failed",
        {log::field("address", remote.text()), log::field("listener", epoch_->listeners[listener].name),
         log::field("cause", error ? error->text : "the connection broke"),
         log::field("remedy", error ? error->remedy : std::string_view())});
}

void Shard::grow_tail(Client& client) {
    // A large packet collects in its own buffer, straight from the socket, and not a byte beyond it: parsed
    // once, when it is whole, and then it becomes the message.
    const std::size_t have = client.tail.size();
    const bool one = client.need > have;
    const std::size_t room = one ? std::min(client.need - have, read_room(client)) : kCarefulReadBytes;
    if (one) client.tail.reserve(std::min<std::size_t>(client.need, std::max(2 * have, have + room)));
    std::byte* fresh = client.tail.append(room);
    const net::IoResult result = client.transport->read({fresh, room});
    client.tail.truncate(have + result.bytes);
    counters_.bytes_received += result.bytes;
    if (on_read_end(client, result)) return;
    if (result.bytes != 0) client.heard = now_;
    if (result.more) make_ready(client);
    if (client.tail.size() < client.need) return;
    mqtt::Buffer whole = std::move(client.tail);
    client.tail = mqtt::Buffer();
    if (one) packet_ = &whole;
    parse(client, whole.bytes());
    packet_ = nullptr;
}

mqtt::Buffer* Shard::packet_of(std::span<const std::byte> payload) noexcept {
    // Mostly payload: else a message would keep more than it needs.
    return packet_ && payload.size() >= packet_->size() / 2 ? packet_ : nullptr;
}

void Shard::await_handshake(Client& client) {
    if (client.handshaking) return;
    client.handshaking = true;
    handshakes_.push_back(client.id);
}

void Shard::run_handshakes() {
    // A handshake costs hundreds of microseconds: a flood of them must not hold up a turn, and who came first
    // takes its step first.
    for (unsigned i = 0; i < kHandshakesPerTurn && !handshakes_.empty(); ++i) {
        Client* client = clients_.find(handshakes_.front());
        handshakes_.pop_front();
        if (!client) continue;
        client->handshaking = false;
        if (client->suspended == 0 && client->phase != Client::Phase::Closing) receive(*client);
    }
}

void Shard::parse(Client& client, std::span<const std::byte> bytes) {
    client.heard = now_;
    const mqtt::Consumed consumed = client.protocol.on_bytes(bytes, client);
    client.need = static_cast<std::uint32_t>(consumed.need);
    if (client.phase == Client::Phase::Closing) return;
    const auto rest = bytes.subspan(consumed.bytes);
    if (rest.empty()) {
        client.tail.shrink(0);
    } else {
        client.tail.append(rest);
    }
    if (std::exchange(client.spent, 0) >= Client::kParseBudget) make_ready(client);
    // Last: the client may move to another shard in there.
    if (client.phase == Client::Phase::LoggingIn && consumed.state == mqtt::Consumed::State::Stopped) {
        logins_.proceed(client);
    }
}

void Shard::make_ready(Client& client) {
    if (client.ready) return;
    client.ready = true;
    ready_.push_back(client.id);
}

void Shard::run_ready() {
    for (const SlotId id : std::exchange(ready_, {})) {
        Client* client = clients_.find(id);
        if (!client) continue;
        client->ready = false;
        if (client->suspended != 0 || client->phase == Client::Phase::Closing) continue;
        moved_ = true;
        if (!client->tail.empty() && client->tail.size() >= client->need) {
            const mqtt::Buffer tail = std::exchange(client->tail, mqtt::Buffer());
            parse(*client, tail.bytes());
            client = clients_.find(id);
            if (!client || client->ready) continue;  // gone, or what it has is not parsed yet
        }
        read(id);
    }
}

void Shard::suspend(Client& client, SuspendReason reason) {
    client.suspended |= reason;
    watch(client);
}

void Shard::resume(Client& client, SuspendReason reason) {
    if ((client.suspended & reason) == 0) return;
    client.suspended &= static_cast<std::uint8_t>(~reason);
    if (client.suspended != 0) return;
    client.heard = now_;  // keep-alive stood still
    watch(client);
    make_ready(client);
}

void Shard::watch(Client& client) {
    if (!client.transport || client.transport->handle() < 0) return;
    net::Interest interest = net::Interest::None;
    if (client.suspended == 0 && client.phase != Client::Phase::Closing) {
        interest = net::Interest::Readable;
    } else if (!client.fin) {
        interest = net::Interest::HangupOnly;
    }
    if (client.want_write) interest = interest | net::Interest::Writable;
    if (interest == client.interest) return;
    client.interest = interest;
    services_.poller.modify(client.transport->handle(), {client.id.slot, client.id.generation}, interest);
}

void Shard::mark_dirty(Client& client) {
    // Whoever sends and does not read is answered no further: its answers would grow without bound.
    if (!client.control.empty() && owed(client) > settings().max_owed_bytes) suspend(client, kSuspendOutput);
    if (client.dirty || client.want_write) return;
    client.dirty = true;
    dirty_.push_back(client.id);
}

// Endings
// ---------------------------------------------------------------------------------------------------------

void Shard::close(Client& client, mqtt::Reason reason, const Error& cause) {
    if (client.phase == Client::Phase::Closing) return;
    if (client.phase == Client::Phase::Online && !client.login) {  // before CONNACK there is no DISCONNECT
        mqtt::encode_disconnect(client.control, client.protocol.peer(), {.reason = reason});
    }
    leave(client, cause, cause.is(kShuttingDown) ? Departure::Shutdown : Departure::WithWill);
}

void Shard::end_after_output(Client& client, const Error& cause) {
    leave(client, cause, Departure::WithWill);
}

void Shard::departed(Client& client, bool normal) {
    leave(client, kPeerClosed, normal ? Departure::Normal : Departure::WithWill);
}

void Shard::drop(Client& client, const Error& cause) {
    client.control.clear();
    client.leftover.clear();
    leave(client, cause, Departure::WithWill);
    bury(client);
}

void Shard::leave(Client& client, const Error& cause, Departure how) {
    if (client.phase == Client::Phase::Closing) return;
    if (stage_ != Stage::Running) how = Departure::Shutdown;  // whatever ends it now, its will stays stored
    client.protocol.close();
    logins_.abandon(client);
    reauths_.abandon(client);
    client.phase = Client::Phase::Closing;
    Session* session = std::exchange(client.session, nullptr);
    if (session) {
        log::event(log::Level::Debug, "disconnected",
                   {log::field("client", session->client_id), log::field("cause", cause.info().name)});
        sessions_.detach(*session, how);
    }
    client.tail.shrink(0);
    wheel_.schedule(client.timer, now_ + kLinger);
    watch(client);
    mark_dirty(client);
}

void Shard::bury(Client& client) {
    if (client.transport->handle() < 0) return;
    services_.poller.remove(client.transport->handle());
    client.transport->close();
    dead_.push_back(client.id);
}

void Shard::flush() {
    for (const SlotId id : std::exchange(dirty_, {})) {
        Client* client = clients_.find(id);
        if (!client || client->transport->handle() < 0) continue;
        client->dirty = false;
        counters_.packets_sent += mqtt::count_packets(client->control.bytes());
        const bool again = delivery_.flush(*client);
        if (client->transport->handle() < 0) continue;
        if (client->phase == Client::Phase::Closing && !client->has_output()) {
            bury(*client);
            continue;
        }
        if (owed(*client) <= settings().max_owed_bytes / 2) resume(*client, kSuspendOutput);
        if (client->session && !client->session->pulls.empty()) retained_.on_drained(*client->session);
        if (client->session) shares_.on_drained(*client->session);
        watch(*client);
        if (again) mark_dirty(*client);
        if (stage_ == Stage::Flushed && !again && !client->want_write) {
            close(*client, mqtt::Reason::ServerShuttingDown, kShuttingDown);
        }
    }
    for (const SlotId id : std::exchange(dead_, {}))
        clients_.erase(id);
    if (flushed_ && (clients_.empty() || now_ >= flush_deadline_)) {
        flush_deadline_ = kNever;
        std::exchange(flushed_, nullptr)();
    }
}

// Timers
// ----------------------------------------------------------------------------------------------------------

void Shard::arm_timer(Client& client) {
    MonoTime due = client.deadline;
    if (client.phase == Client::Phase::Online) {
        due = std::min(client.ends, Reauths::deadline(client));
        if (client.keep_alive_s != 0) {
            due = std::min(due, client.heard + std::chrono::milliseconds(1500) * client.keep_alive_s);
        }
    }
    if (due == kNever) return wheel_.cancel(client.timer);
    wheel_.schedule(client.timer, due);
}

void Shard::run_timers() {
    wheel_.advance(now_, [this](TimerNode& node) {
        Timer& timer = static_cast<Timer&>(node);
        if (timer.session) {
            // Wills and expiry stand still on the way down: they fire after a restart (data-path 11).
            if (stage_ == Stage::Running) sessions_.on_timer(*timer.session);
        } else if (timer.client) {
            on_timer(*timer.client);
        } else if (stage_ == Stage::Running) {
            open_listeners();
        }
    });
}

void Shard::on_timer(Client& client) {
    switch (client.phase) {
        case Client::Phase::AwaitConnect:
            return drop(client, kConnectTimeout);
        case Client::Phase::LoggingIn:
            return logins_.on_deadline(client);
        case Client::Phase::Closing:
            return bury(client);
        case Client::Phase::Online:
            break;
    }
    if (now_ >= client.ends) return close(client, mqtt::Reason::MaximumConnectTime, kExpired);
    if (now_ >= Reauths::deadline(client)) return reauths_.on_deadline(client);
    // A suspended connection is not read, so its silence is ours; unless it is one that does not read.
    if ((client.suspended & ~kSuspendOutput) != 0) client.heard = now_;
    const auto patience = std::chrono::milliseconds(1500) * client.keep_alive_s;
    if (client.keep_alive_s != 0 && now_ - client.heard >= patience) {
        return close(client, mqtt::Reason::KeepAliveTimeout, kKeepAliveTimeout);
    }
    arm_timer(client);
}

}  // namespace latchkey::broker
