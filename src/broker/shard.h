// Shard: one share of the broker. It owns its connections, sessions, subscriptions and retained topics, and
// is the only one to touch them; other shards reach it through lanes and its mailbox. A shard only has turns:
// an executor thread or the simulator calls them. Order of a turn (data-path 1): inbox snapshot, lanes, serve
// the snapshot, sockets, timers, commit, flush.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "base/ticket.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "broker/certificate_sweep.h"
#include "broker/client.h"
#include "broker/counters.h"
#include "broker/delivery.h"
#include "broker/door.h"
#include "broker/epoch.h"
#include "broker/filter_requests.h"
#include "broker/groups.h"
#include "broker/ingress.h"
#include "broker/logins.h"
#include "broker/mesh.h"
#include "broker/reauth.h"
#include "broker/retained.h"
#include "broker/rights.h"
#include "broker/sessions.h"
#include "broker/shares.h"
#include "broker/subscriptions.h"
#include "broker/sys_topics.h"
#include "broker/totals.h"
#include "net/executor.h"
#include "net/listener.h"
#include "store/store.h"

namespace latchkey::auth {
class LoginLog;
}

namespace latchkey::broker {

/// What a shard is given; all of it outlives the shard.
struct ShardServices {
    ShardIndex index = 0;
    std::uint32_t process_epoch = 0;  ///< grows with each start
    const Clock& clock;
    Random& random;
    Mesh& mesh;
    store::Store& store;
    net::Poller& poller;
    auth::LoginLog& login_log;
    std::span<Shard* const> peers;  ///< all shards by index; only posted to, never called directly
    std::span<net::Acceptor* const> acceptors;  ///< by listener index
};

/// Where a shard stands on its way down (data-path 11).
enum class Stage : std::uint8_t { Running, NoIngress, Flushed, Closed };

/// @thread shard, except wake_word() and the mailbox
class Shard final : public net::Turnable {
  public:
    static constexpr std::uint32_t kTurnBudget = 512;

    Shard(const ShardServices& services, EpochRef epoch);
    ~Shard() override;

    // net::Turnable
    MonoTime turn(MonoTime now, std::span<const net::PollEvent> events) override;
    void took(const net::TurnTime& time) override { turns_.add(time); }
    net::Poller& poller() override { return services_.poller; }
    net::WakeWord& wake_word() override { return word_; }
    bool finished() const override { return stage_ == Stage::Closed; }

    // What the parts of a shard share.
    ShardIndex index() const noexcept { return services_.index; }
    MonoTime now() const noexcept { return now_; }
    WallTime wall() const { return services_.clock.wall(); }
    Random& random() noexcept { return services_.random; }
    Mesh& mesh() noexcept { return services_.mesh; }
    store::Store& store() noexcept { return services_.store; }
    auth::LoginLog& login_log() noexcept { return services_.login_log; }
    net::Mailbox& mailbox() noexcept { return mailbox_; }
    const EpochRef& epoch() const noexcept { return epoch_; }
    const Settings& settings() const noexcept { return epoch_->settings; }
    TimerWheel& wheel() noexcept { return wheel_; }
    Counters& counters() noexcept { return counters_; }
    Shard& peer(ShardIndex index) noexcept { return *services_.peers[index]; }
    Stage stage() const noexcept { return stage_; }
    Client* find_client(SlotId id) noexcept { return clients_.find(id); }
    std::size_t client_count() const noexcept { return clients_.size(); }
    template <class F>
    void for_each_client(F&& f) {
        clients_.for_each(std::forward<F>(f));
    }
    /// Without turns.
    Totals totals() const;
    TurnStats take_turns() noexcept { return std::exchange(turns_, {}); }

    Rights& rights() noexcept { return rights_; }
    Sessions& sessions() noexcept { return sessions_; }
    Subscriptions& subscriptions() noexcept { return subscriptions_; }
    FilterRequests& requests() noexcept { return requests_; }
    Ingress& ingress() noexcept { return ingress_; }
    Delivery& delivery() noexcept { return delivery_; }
    Retained& retained() noexcept { return retained_; }
    Groups& groups() noexcept { return groups_; }
    Shares& shares() noexcept { return shares_; }
    Logins& logins() noexcept { return logins_; }
    Reauths& reauths() noexcept { return reauths_; }
    Door& door() noexcept { return door_; }

    // Connections.
    /// Begins to accept. After every shard has its state.
    void open_listeners();
    /// A new connection, or one that moved here before a session was attached.
    Client* admit(std::unique_ptr<net::Transport> transport, std::uint32_t listener);
    /// Takes a client out of this shard without closing its transport.
    std::unique_ptr<net::Transport> release(Client& client);
    void suspend(Client& client, SuspendReason reason);
    void resume(Client& client, SuspendReason reason);
    /// It has output, or its session has.
    void mark_dirty(Client& client);
    /// Ends a connection: what is queued is still offered to the socket once, preceded by DISCONNECT `reason`
    /// where the level knows one. The session goes through its own rules (will, expiry).
    void close(Client& client, mqtt::Reason reason, const Error& cause);
    /// What stands in `control` is the last it gets.
    void end_after_output(Client& client, const Error& cause);
    /// Ends it at once and silently.
    void drop(Client& client, const Error& cause);
    /// The client said goodbye. @param normal  DISCONNECT 0x00: its will is discarded
    void departed(Client& client, bool normal);
    void arm_timer(Client& client);
    /// While a large packet is parsed: its buffer, if `payload` is most of it. Whoever keeps the payload may
    /// take it over.
    mqtt::Buffer* packet_of(std::span<const std::byte> payload) noexcept;

    /// Something dear was done, in units of one filter. False when a turn has had enough of it.
    bool spend(std::uint32_t units) noexcept {
        spent_ += units;
        return may_spend();
    }
    bool may_spend() const noexcept { return spent_ < kTurnBudget; }

    /// Adds a record to this turn's batch.
    void append(const store::Record& record) { last_lsn_ = services_.store.append(record); }
    store::Lsn last_lsn() const noexcept { return last_lsn_; }
    // Commit. `then` runs once everything appended until now is committed, in order.
    void after_commit(std::move_only_function<void()> then) { ingress_.after_commit(std::move(then)); }

    // Control.
    /// A lower number than the present one is ignored. Returns once this shard acts on it.
    void adopt(EpochRef epoch);
    void stop_ingress();
    /// True when nothing moved since the last call and nothing is owed, waiting or uncommitted.
    bool quiet();
    /// Another shard had this one do something.
    void note_moved() noexcept { moved_ = true; }
    /// Says goodbye to every client; `done` runs when the last one has its bytes, or at `deadline`.
    void flush_out(MonoTime deadline, std::move_only_function<void()> done);
    void finish() { stage_ = Stage::Closed; }

  private:
    void drain_lanes();
    void drain_publish(ShardIndex from);
    void deliver(const MessageRef& message);
    void drain_forward(ShardIndex from, std::uint64_t end);
    void on_event(const net::PollEvent& event);
    void accept_from(std::uint32_t listener);
    void read(SlotId id);
    void parse(Client& client, std::span<const std::byte> bytes);
    void grow_tail(Client& client);
    std::size_t read_room(const Client& client) const;
    void receive(Client& client);
    void await_handshake(Client& client);
    void run_handshakes();
    void pause_accepting();
    bool on_read_end(Client& client, const net::IoResult& result);
    void tell_broken(const net::Address& remote, std::uint32_t listener, const ErrorInfo* error) const;
    void run_ready();
    void run_timers();
    void on_timer(Client& client);
    void watch(Client& client);
    void make_ready(Client& client);
    void leave(Client& client, const Error& cause, Departure how);
    void bury(Client& client);
    void flush();

    ShardServices services_;
    HashSeed seed_;
    net::WakeWord word_;
    net::Mailbox mailbox_;
    EpochRef epoch_;
    MonoTime now_{};
    TimerWheel wheel_;
    Counters counters_;
    TurnStats turns_;
    SlotMap<Client> clients_;
    std::vector<SlotId> ready_;
    std::vector<SlotId> dirty_;
    std::vector<SlotId> dead_;
    std::deque<SlotId> handshakes_;  ///< those with a step to take, first come first served
    Timer accept_timer_;
    CertificateSweep certificates_{*this};
    mqtt::Buffer read_buffer_;
    mqtt::Buffer* packet_ = nullptr;
    Stage stage_ = Stage::Running;
    store::Lsn last_lsn_ = 0;
    std::uint32_t spent_ = 0;
    bool moved_ = true;        ///< since the last quiet()
    bool lanes_wait_ = false;  ///< publish lanes were not drained, for want of room on a forward lane
    MonoTime flush_deadline_ = kNever;
    std::move_only_function<void()> flushed_;

    Rights rights_;
    Sessions sessions_;
    Subscriptions subscriptions_;
    FilterRequests requests_{*this};
    Ingress ingress_;
    Delivery delivery_;
    Retained retained_;
    Groups groups_;
    Shares shares_;
    Logins logins_;
    Reauths reauths_{*this};
    Door door_;
    SysTopics sys_;
};

}  // namespace latchkey::broker
