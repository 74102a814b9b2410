// See door.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/door.h"

#include <utility>

#include "base/log.h"
#include "broker/errors.h"
#include "broker/shard.h"

namespace latchkey::broker {

namespace {

/// A flood is one line every ten seconds, whatever it throws at us.
constexpr LineRate kDoorLines{1, std::chrono::seconds(10)};

std::string_view limit_of(Admission::Refusal refusal) {
    switch (refusal) {
        case Admission::Refusal::Connections:
            return "max_connections";
        case Admission::Refusal::Address:
            return "max_connections_per_address";
        case Admission::Refusal::Prefix:
            return "max_connections_per_prefix";
    }
    return "max_connections";
}

}  // namespace

bool Door::admits(const net::Address& remote) {
    admitted_ = shard_.mesh().admission().admit(remote, shard_.settings().admission);
    if (!admitted_.slot) {
        refuse(remote, admitted_.refusal);
        return false;
    }
    if (admitted_.victim) tell("half_open_displaced", remote, "max_half_open");
    close_victim(std::exchange(admitted_.victim, std::nullopt));
    return true;
}

void Door::enter(Client& client) {
    client.admission = std::move(admitted_.slot);
    admitted_ = {};
    if (!client.admission.place(shard_.index(), client.id)) shard_.drop(client, kDisplaced);
}

bool Door::still_admits(Client& client) {
    if (!client.admission) return true;
    const net::Address& remote = client.transport->peer().remote;
    if (client.admission.key() == address_key(remote)) return true;
    admitted_ =
        shard_.mesh().admission().readmit(std::move(client.admission), remote, shard_.settings().admission);
    if (!admitted_.slot) {
        refuse(remote, admitted_.refusal);
        shard_.drop(client, kTooManyConnections);
        return false;
    }
    close_victim(std::exchange(admitted_.victim, std::nullopt));
    enter(client);
    return client.phase != Client::Phase::Closing;
}

bool Door::may_login(const Client& client) {
    const net::Address& remote = client.transport->peer().remote;
    if (shard_.mesh().login_throttle().may_login(address_key(remote), shard_.now())) return true;
    ++shard_.counters().logins_throttled;
    tell("logins_throttled", remote, "max_refused_logins");
    return false;
}

void Door::login_refused(const Client& client) {
    shard_.mesh().login_throttle().refused(address_key(client.transport->peer().remote), shard_.now(),
                                           shard_.settings().login_throttle);
}

void Door::tell_quota(const Client& client, std::string_view limit) {
    tell("quota_exceeded", client.transport->peer().remote, limit);
}

void Door::refuse(const net::Address& remote, Admission::Refusal refusal) {
    ++shard_.counters().connections_refused;
    tell("connections_refused", remote, limit_of(refusal));
}

void Door::close_victim(const std::optional<Admission::Victim>& victim) {
    if (!victim) return;
    ++shard_.counters().connections_displaced;
    Shard& home = shard_.peer(victim->shard);
    const auto close = [&home, id = victim->client] {
        Client* client = home.find_client(id);
        if (client && client->phase == Client::Phase::AwaitConnect) home.drop(*client, kDisplaced);
    };
    if (&home == &shard_) return close();
    shard_.mesh().mailbox(victim->shard).deliver(close);
}

void Door::tell(std::string_view event, const net::Address& remote, std::string_view limit) {
    ++untold_;
    if (!lines_.take(shard_.now(), kDoorLines)) return;
    log::event(log::Level::Warn, event,
               {log::field("address", remote.text()), log::field("limit", limit),
                log::field("count", std::exchange(untold_, 0))});
}

}  // namespace latchkey::broker
