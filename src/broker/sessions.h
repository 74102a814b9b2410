// Sessions: the table of a shard's sessions and their lives: loading, attach, detach, expiry, end, wills.
// Keys are (principal, client id). Nothing here is touched before a login was granted.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "broker/session.h"

namespace latchkey::broker {

class Client;
class Shard;

/// How a connection came to its end, for the session's rules.
enum class Departure : std::uint8_t {
    Normal,     ///< DISCONNECT 0x00: the will is discarded
    WithWill,   ///< DISCONNECT 0x04, an error, or no DISCONNECT at all
    TakenOver,  ///< the same session attached elsewhere
    Shutdown,   ///< wills stay stored
};

/// @thread shard
class Sessions {
  public:
    Sessions(Shard& shard, const HashSeed& seed);

    Session* find(std::string_view key);
    Session* find_serial(std::uint64_t serial);
    std::size_t size() const noexcept { return by_key_.size(); }
    std::size_t connected() const noexcept { return connected_; }
    template <class F>
    void for_each(F&& f) {
        for (auto& [key, session] : by_key_)
            f(*session);
    }

    /// Whether a login with this number may still attach: false when one with a higher number ever did, with
    /// the session or, once that has ended, within the time a login may take (data-path 2).
    bool may_attach(std::string_view key, std::uint64_t connect_seq);

    /// Makes sure the stored session of `key`, if any, is in memory, then runs `then` on this shard. One read
    /// per key at a time; an answer never replaces a session in memory.
    void load(const std::string& key, std::move_only_function<void()> then);

    /// The attach of data-path 2: takeover, clean start, waiting will, session present, epoch. The caller has
    /// asked may_attach. @return the session, and whether it was there
    struct Attached {
        Session* session;
        bool present;
    };
    Attached attach(Client& client, const std::string& key, std::string_view client_id, bool clean_start,
                    std::uint64_t connect_seq);

    /// The attached connection goes. May end the session.
    void detach(Session& session, Departure how);
    /// Ends it for good: subscriptions, queue, will (fired first if it waits).
    void end(Session& session, bool fire_will);
    /// A session timer fired: will delay or expiry.
    void on_timer(Session& session);
    void run_timers_frozen(bool frozen) { frozen_ = frozen; }
    bool frozen() const noexcept { return frozen_; }

  private:
    struct Ended {
        std::uint64_t key_hash;
        std::uint64_t connect_seq;
        MonoTime forget_at;
    };
    struct Loading {
        std::deque<std::move_only_function<void()>> waiting;
    };
    Session& create(const std::string& key, std::string_view client_id);
    void arm(Session& session);
    void fire_will(Session& session);
    void forget_ended();

    Shard& shard_;
    std::unordered_map<std::string, std::unique_ptr<Session>, SeededHash, std::equal_to<>> by_key_;
    std::unordered_map<std::uint64_t, Session*> by_serial_;
    HashSeed seed_;
    /// Highest connect_seq of sessions that have ended, by hash of their key, for as long as a login may
    /// take.
    std::unordered_map<std::uint64_t, std::uint64_t> ended_;
    std::deque<Ended> ended_order_;
    std::map<std::string, Loading, std::less<>> loading_;
    std::uint64_t next_serial_;
    bool frozen_ = false;
    std::size_t connected_ = 0;
};

}  // namespace latchkey::broker
