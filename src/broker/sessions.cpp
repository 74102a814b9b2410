// See sessions.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/sessions.h"

#include "broker/errors.h"
#include "broker/shard.h"

namespace latchkey::broker {

namespace {

constexpr std::uint32_t kNeverExpires = 0xFFFFFFFF;

MonoTime after(MonoTime now, std::uint32_t seconds) {
    return seconds == kNeverExpires ? kNever : now + std::chrono::seconds(seconds);
}

}  // namespace

Sessions::Sessions(Shard& shard, const HashSeed& seed)
    : shard_(shard), by_key_(16, SeededHash{seed}), next_serial_((std::uint64_t{shard.index()} + 1) << 48) {}

Session* Sessions::find(std::string_view key) {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second.get();
}

Session* Sessions::find_serial(std::uint64_t serial) {
    const auto found = by_serial_.find(serial);
    return found == by_serial_.end() ? nullptr : found->second;
}

bool Sessions::may_attach(std::string_view key, std::uint64_t connect_seq) {
    if (const Session* session = find(key)) return session->connect_seq < connect_seq;
    forget_ended();
    const auto found = ended_.find(sip_hash(seed_, key));
    return found == ended_.end() || found->second < connect_seq;
}

void Sessions::forget_ended() {
    // Every login that was decoded before that attach has passed its own deadline by then.
    while (!ended_order_.empty() && ended_order_.front().forget_at <= shard_.now()) {
        const Ended& oldest = ended_order_.front();
        const auto found = ended_.find(oldest.key_hash);
        if (found != ended_.end() && found->second == oldest.connect_seq) ended_.erase(found);
        ended_order_.pop_front();
    }
}

void Sessions::load(const std::string& key, std::move_only_function<void()> then) {
    if (const auto found = loading_.find(key); found != loading_.end()) {
        found->second.waiting.push_back(std::move(then));
        return;
    }
    if (find(key)) return then();
    loading_[key].waiting.push_back(std::move(then));
    shard_.store().load(key, [this, key](std::optional<std::string>) {
        // No format of a stored session exists yet: the memory store never has one. Whoever waits goes on
        // with what is in memory by now, which an answer must never replace.
        auto node = loading_.extract(key);
        if (node.empty()) return;
        for (auto& waiter : node.mapped().waiting)
            waiter();
    });
}

Session& Sessions::create(const std::string& key, std::string_view client_id) {
    auto session =
        std::make_unique<Session>(key, std::string(client_id), ++next_serial_, shard_.mesh().table_seed());
    Session& made = *session;
    by_serial_.emplace(made.serial, &made);
    by_key_.emplace(key, std::move(session));
    return made;
}

Sessions::Attached Sessions::attach(Client& client, const std::string& key, std::string_view client_id,
                                    bool clean_start, std::uint64_t connect_seq) {
    // (1) whoever is attached now goes by its own rules; that may end the session.
    if (Session* session = find(key); session && session->connected()) {
        if (Client* other = shard_.find_client(session->connection)) {
            shard_.close(*other, mqtt::Reason::SessionTakenOver, kTakenOver);
        }
    }
    Session* session = find(key);
    // What a revoked identity left behind is nobody's any more: its will is withheld when it fires (policy
    // 2).
    if (session && session->authority->revoked()) {
        end(*session, true);
        session = nullptr;
    }
    // (2) a clean start ends what is left, and a waiting will fires.
    if (session && clean_start) {
        end(*session, true);
        session = nullptr;
    }
    const bool present = session != nullptr;
    if (!session) session = &create(key, client_id);
    // (3) otherwise a waiting will is cancelled [MQTT-3.1.3-9].
    session->will.reset();
    session->will_due = kNever;
    session->expires = kNever;
    shard_.wheel().cancel(session->timer);
    // (4)
    ++session->epoch;
    session->connect_seq = connect_seq;
    session->connection = client.id;
    ++connected_;
    shard_.mesh().quotas().session_online(*session);
    client.session = session;
    return {session, present};
}

void Sessions::detach(Session& session, Departure how) {
    session.connection = {};
    --connected_;
    session.pulls.clear();
    session.live_numbers.clear();
    if (how == Departure::Normal) session.will.reset();
    if (how == Departure::Shutdown) return;
    if (session.expiry_s == 0) return end(session, true);
    shard_.shares().on_presence(session);
    shard_.mesh().quotas().session_offline(session);
    const MonoTime now = shard_.now();
    session.expires = after(now, session.expiry_s);
    if (session.will) {
        session.will_due = std::min(after(now, session.will->delay_s), session.expires);
        if (session.will_due <= now) fire_will(session);
    }
    arm(session);
}

void Sessions::end(Session& session, bool fire) {
    if (fire && session.will) fire_will(session);
    shard_.shares().end(session);
    shard_.append({.kind = store::RecordKind::SessionEnd, .key = session.key});
    // The slowest login that this session's last one overtook is over by then.
    forget_ended();
    const std::uint64_t hash = sip_hash(seed_, session.key);
    std::uint64_t& highest = ended_[hash];
    highest = std::max(highest, session.connect_seq);
    ended_order_.push_back(
        {hash, highest, shard_.now() + shard_.settings().connect_limit + 2 * shard_.settings().login_limit});
    shard_.mesh().quotas().session_ended(session);
    shard_.wheel().cancel(session.timer);
    session.clear_messages();
    by_serial_.erase(session.serial);
    shard_.subscriptions().bury(std::move(by_key_.extract(session.key).mapped()));
}

void Sessions::arm(Session& session) {
    const MonoTime due = std::min(session.expires, session.will_due);
    if (due == kNever) return shard_.wheel().cancel(session.timer);
    shard_.wheel().schedule(session.timer, due);
}

void Sessions::on_timer(Session& session) {
    if (session.connected()) return;
    if (session.will && session.will_due <= shard_.now()) fire_will(session);
    if (session.expires <= shard_.now()) {
        ++shard_.counters().sessions_expired;
        return end(session, true);
    }
    arm(session);
}

void Sessions::fire_will(Session& session) {
    // A will stays stored until its last push was accepted; publish_will takes it over and keeps it so.
    session.will_due = kNever;
    shard_.ingress().publish_will(session, std::move(session.will));
}

}  // namespace latchkey::broker
