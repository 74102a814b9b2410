// See reauth.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/reauth.h"

#include <utility>

#include "auth/login_log.h"
#include "base/log.h"
#include "broker/errors.h"
#include "broker/login_facts.h"
#include "broker/shard.h"

namespace latchkey::broker {

namespace {

constexpr unsigned kRunsPerTurn = 16;
/// Each costs a pipeline and log lines: a client may not ask for them as fast as it can send.
constexpr LineRate kReauthRate{8, std::chrono::seconds(1)};

}  // namespace

mqtt::Flow Reauths::on_auth(Client& client, const mqtt::Auth& packet) {
    Reauth* reauth = client.reauth.get();
    const bool begins = packet.reason == mqtt::Reason::ReAuthenticate;
    // The decoder has refused another method, a second beginning and an answer when nothing began.
    if (!reauth || (!begins && !(reauth->under_way && reauth->exchange.asked))) {
        shard_.close(client, mqtt::Reason::ProtocolError, kProtocol);
        return mqtt::Flow::Stop;
    }
    if (begins && !begin(client)) return mqtt::Flow::Stop;
    reauth->exchange.asked = false;
    reauth->exchange.data = Secret();
    if (packet.data)
        reauth->exchange.data =
            Secret(std::string_view(reinterpret_cast<const char*>(packet.data->data()), packet.data->size()));
    waiting_.push_back({client.id, reauth->number});
    return client.flow();
}

bool Reauths::begin(Client& client) {
    Reauth& reauth = *client.reauth;
    if (!reauth.budget.take(shard_.now(), kReauthRate)) {
        shard_.close(client, mqtt::Reason::MessageRateTooHigh, kQuota);
        return false;
    }
    if (!shard_.login_log().begin()) {
        shard_.close(client, mqtt::Reason::ServerBusy, auth::kLogFull);
        return false;
    }
    reauth.log_reserved = true;
    reauth.under_way = true;
    ++reauth.number;
    reauth.runs = 0;
    reauth.exchange.challenges = 0;
    reauth.exchange.pin.reset();
    reauth.deadline = shard_.now() + shard_.settings().login_limit;
    shard_.arm_timer(client);
    return true;
}

void Reauths::run_waiting() {
    if (shard_.stage() != Stage::Running) waiting_.clear();
    for (unsigned i = 0; i < kRunsPerTurn && !waiting_.empty(); ++i) {
        const Waiting next = waiting_.front();
        waiting_.pop_front();
        Client* client = shard_.find_client(next.client);
        if (!client || client->phase != Client::Phase::Online || !client->reauth->under_way ||
            client->reauth->number != next.number)
            continue;
        run(*client);
    }
}

bool Reauths::outdated(const Client& client) const {
    return another_pipeline(*client.reauth->epoch, *shard_.epoch(), client.listener);
}

void Reauths::run(Client& client) {
    Reauth& reauth = *client.reauth;
    // An exchange is pinned to the realm that began it: another configuration does not know its challenge.
    if (reauth.exchange.challenges > 0 && outdated(client))
        return refuse(client, {}, kExchangeOutdated, mqtt::Reason::ServerBusy);
    reauth.epoch = shard_.epoch();
    ++reauth.runs;
    const ListenerPlan& plan = reauth.epoch->listeners[client.listener];
    if (!plan.pipeline || !plan.pipeline->takes_method(reauth.exchange.method))
        return refuse(client, {}, kMethod, mqtt::Reason::NotAuthorized);
    auto facts = facts_of_peer(client.transport->peer(), plan, shard_.wall(), true);
    if (!facts) return refuse(client, {}, facts.error(), mqtt::Reason::NotAuthorized);
    auth::LoginRequest request{.facts = *std::move(facts),
                               .home = shard_.mailbox(),
                               .started = shard_.now(),
                               .deadline = reauth.deadline,
                               .now = shard_.wall(),
                               .pin = reauth.exchange.pin};
    request.facts.set_connect(client.session->client_id, reauth.user_name, std::nullopt);
    request.facts.auth_method = reauth.exchange.method;
    request.facts.auth_data = reauth.exchange.data;
    plan.pipeline->login(std::move(request),
                         [this, id = client.id, number = reauth.number](auth::LoginResult result) {
                             on_result(id, number, std::move(result));
                         });
}

void Reauths::on_result(SlotId id, std::uint64_t number, auth::LoginResult result) {
    Client* client = shard_.find_client(id);
    if (!client || client->phase != Client::Phase::Online || !client->reauth || !client->reauth->under_way ||
        client->reauth->number != number) {
        ++shard_.counters().stale_answers;
        return;
    }
    if (shard_.stage() != Stage::Running) return;
    const Error cause = result.cause;
    switch (result.outcome) {
        case auth::Outcome::Granted:
            return grant(*client, std::move(result));
        case auth::Outcome::Challenge:
            return challenge(*client, std::move(result));
        case auth::Outcome::Failed:
            return refuse(*client, std::move(result), cause, mqtt::Reason::ServerBusy);
        case auth::Outcome::Refused:
            break;
    }
    refuse(*client, std::move(result), cause, mqtt::Reason::NotAuthorized);
}

void Reauths::challenge(Client& client, auth::LoginResult result) {
    Reauth& reauth = *client.reauth;
    if (outdated(client)) {
        if (reauth.exchange.challenges == 0 && reauth.runs < kPipelineRuns) return run(client);
        return refuse(client, std::move(result), kExchangeOutdated, mqtt::Reason::ServerBusy);
    }
    if (++reauth.exchange.challenges > kMaxChallenges)
        return refuse(client, std::move(result), kTooManyChallenges, mqtt::Reason::NotAuthorized);
    reauth.exchange.pin = std::move(result.pin);
    reauth.exchange.asked = true;
    mqtt::encode_auth(client.control, client.protocol.peer(),
                      {.method = reauth.exchange.method, .data = bytes_of(result.challenge)});
    shard_.mark_dirty(client);
}

void Reauths::grant(Client& client, auth::LoginResult result) {
    Reauth& reauth = *client.reauth;
    Session& session = *client.session;
    if (outdated(client)) {
        if (reauth.exchange.challenges == 0 && reauth.runs < kPipelineRuns) return run(client);
        return refuse(client, std::move(result), kExchangeOutdated, mqtt::Reason::ServerBusy);
    }
    if (!result.authority || result.authority->revoked())
        return refuse(client, std::move(result), auth::kAuthorityRevoked, mqtt::Reason::NotAuthorized);
    // Sessions belong to principals (policy 4): nobody becomes somebody else within one.
    if (!(result.authority->principal() == session.authority->principal()))
        return refuse(client, std::move(result), kOtherPrincipal, mqtt::Reason::NotAuthorized);
    const bool same = session.authority == result.authority;
    session.authority = result.authority;
    session.program = shard_.rights().bind(session.authority);
    reauth.log_reserved = false;
    shard_.login_log().granted(result, auth::logged_permissions(session.program), shard_.wall());
    // Narrower rights act at once on what is subscribed and what waits; what it has sent stays sent (policy
    // 2).
    shard_.subscriptions().judge(session, false);
    if (!same) shard_.delivery().distrust(session);
    shard_.append({.kind = store::RecordKind::Session,
                   .key = session.key,
                   .authority = session.authority.get(),
                   .policy_version = shard_.epoch()->policy_version(),
                   .number = session.epoch});
    client.ends = shard_.logins().ends_at(result);
    reauth.under_way = false;
    reauth.deadline = kNever;
    shard_.arm_timer(client);
    shard_.after_commit([this, id = client.id, last = std::move(result.challenge)] {
        Client* online = shard_.find_client(id);
        if (!online || online->phase != Client::Phase::Online) return;
        mqtt::AuthOut out{.reason = mqtt::Reason::Success, .method = online->reauth->exchange.method};
        if (!last.empty()) out.data = bytes_of(last);
        mqtt::encode_auth(online->control, online->protocol.peer(), out);
        online->protocol.reauthenticated();
        shard_.mark_dirty(*online);
    });
}

void Reauths::refuse(Client& client, auth::LoginResult result, const Error& cause, mqtt::Reason reason) {
    // MQTT5 table 3-13 has no 0x88 "server unavailable" for DISCONNECT; 0x89 too tells a client to come
    // again.
    const bool failed = reason == mqtt::Reason::ServerBusy;
    ++(failed ? shard_.counters().logins_failed : shard_.counters().logins_refused);
    Reauth& reauth = *client.reauth;
    reauth.log_reserved = false;
    result.outcome = failed ? auth::Outcome::Failed : auth::Outcome::Refused;
    result.cause = cause;
    result.client_id = client.session->client_id;
    result.audit.listener = shard_.epoch()->listeners[client.listener].name;
    result.audit.remote_address = client.transport->peer().remote.text();
    shard_.login_log().refused(result, shard_.wall());
    log::event(failed ? log::Level::Warn : log::Level::Info, "reauthentication_refused",
               {log::field("client", result.client_id), log::field("listener", result.audit.listener),
                log::field("realm", result.realm), log::field("cause", cause.message())});
    shard_.close(client, reason, cause);
}

MonoTime Reauths::deadline(const Client& client) {
    return client.reauth ? client.reauth->deadline : kNever;
}

void Reauths::on_deadline(Client& client) {
    refuse(client, {}, kLoginTimeout, mqtt::Reason::ServerBusy);
}

void Reauths::abandon(Client& client) {
    if (!client.reauth || !std::exchange(client.reauth->log_reserved, false)) return;
    shard_.login_log().abandoned();
}

}  // namespace latchkey::broker
