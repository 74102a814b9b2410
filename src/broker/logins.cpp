// See logins.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/logins.h"

#include <algorithm>

#include "auth/login_log.h"
#include "base/log.h"
#include "base/utf8.h"
#include "broker/errors.h"
#include "broker/login_facts.h"
#include "broker/shard.h"
#include "net/tls.h"

namespace latchkey::broker {

namespace {

constexpr unsigned kLoginsPerTurn = 16;
constexpr Duration kRefusalHold = std::chrono::milliseconds(100);

std::string text(mqtt::Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::unique_ptr<Will> copy_will(const mqtt::Will& from) {
    auto will = std::make_unique<Will>();
    will->topic = from.topic;
    will->payload = text(from.payload);
    will->forward.resize(from.properties.forward.size());
    from.properties.forward.copy_to(reinterpret_cast<std::byte*>(will->forward.data()));
    will->delay_s = from.delay_s;
    will->expiry_s = from.properties.expiry_s.value_or(0xFFFFFFFF);
    will->qos = from.qos;
    will->retain = from.retain;
    return will;
}

std::string assigned_id(Random& random) {
    constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
    std::string id = "auto-";
    for (int i = 0; i < 20; ++i)
        id.push_back(kDigits[random.below(kDigits.size())]);
    return id;
}

}  // namespace

mqtt::Flow Logins::on_connect(Client& client, const mqtt::Connect& packet) {
    auto login = std::make_unique<Login>();
    client.admission.complete();
    login->connect_seq = shard_.mesh().next_connect_seq();
    client.phase = Client::Phase::LoggingIn;
    client.deadline = shard_.now() + shard_.settings().login_limit;
    client.login = std::move(login);
    Login& made = *client.login;
    if (!shard_.door().may_login(client)) {
        refuse(client, mqtt::Reason::ConnectionRateExceeded, kThrottled);
        return mqtt::Flow::Stop;
    }
    if (has_control_characters(packet.client_id) ||
        (packet.user_name && has_control_characters(*packet.user_name))) {
        refuse(client, mqtt::Reason::ClientIdentifierNotValid, kBadClientId);
        return mqtt::Flow::Stop;
    }
    made.client_id = packet.client_id;
    if (made.client_id.empty()) {
        // MQTT311 3.1.3.1: without an id there is nothing to keep a session under. MQTT5 assigns one.
        if (client.protocol.level() != mqtt::Level::V5 && !packet.clean_start) {
            refuse(client, mqtt::Reason::ClientIdentifierNotValid, kBadClientId);
            return mqtt::Flow::Stop;
        }
        made.client_id = assigned_id(shard_.random());
        made.assigned_id = true;
    }
    if (packet.user_name) made.user_name = *packet.user_name;
    if (packet.password) made.password = Secret(*packet.password);
    if (packet.auth_method) {
        made.exchange = std::make_unique<Exchange>(Exchange{.method = std::string(*packet.auth_method)});
        if (packet.auth_data) made.exchange->data = Secret(text(*packet.auth_data));
    }
    made.clean_start = packet.clean_start;
    made.keep_alive_s = packet.keep_alive_s;
    made.session_expiry_s = packet.session_expiry_s;
    made.receive_maximum = packet.receive_maximum;
    if (packet.will) made.will = copy_will(*packet.will);
    return mqtt::Flow::Stop;
}

void Logins::proceed(Client& client) {
    // On the way down logins stand still where they are, until everybody is sent away (data-path 11).
    if (client.phase != Client::Phase::LoggingIn || shard_.stage() != Stage::Running) return;
    const ShardIndex home = shard_.mesh().shard_of(client.login->client_id);
    if (home != shard_.index()) return move(client, home);
    shard_.suspend(client, kSuspendLogin);
    shard_.arm_timer(client);
    if (client.login->result) return on_granted(client);
    waiting_.push_back(client.id);
}

void Logins::run_waiting() {
    if (shard_.stage() != Stage::Running) waiting_.clear();
    for (unsigned i = 0; i < kLoginsPerTurn && !waiting_.empty(); ++i) {
        Client* client = shard_.find_client(waiting_.front());
        waiting_.pop_front();
        if (client && client->phase == Client::Phase::LoggingIn) run_pipeline(*client);
    }
}

void Logins::move(Client& client, ShardIndex to) {
    ConnectionTransfer transfer{.transport = nullptr,
                                .protocol = std::move(client.protocol),
                                .tail = std::move(client.tail),
                                .login = std::move(client.login),
                                .admission = std::move(client.admission),
                                .listener = client.listener,
                                .accepted_under = client.accepted_under,
                                .deadline = client.deadline,
                                .fin = client.fin};
    transfer.transport = shard_.release(client);
    Shard& target = shard_.peer(to);
    shard_.mesh().mailbox(to).deliver(
        [&target, moved = std::move(transfer)]() mutable { target.logins().arrive(std::move(moved)); });
}

void Logins::arrive(ConnectionTransfer transfer) {
    Client* client = shard_.admit(std::move(transfer.transport), transfer.listener);
    if (!client) {
        if (transfer.login->log_reserved) shard_.login_log().abandoned();
        return;
    }
    client->protocol = std::move(transfer.protocol);
    client->tail = std::move(transfer.tail);
    client->login = std::move(transfer.login);
    client->accepted_under = transfer.accepted_under;
    client->deadline = transfer.deadline;
    client->fin = transfer.fin;
    client->admission = std::move(transfer.admission);
    client->phase = Client::Phase::LoggingIn;
    proceed(*client);
}

bool Logins::accepted_now(const Client& client) const {
    return client.accepted_under == static_cast<std::uint32_t>(shard_.epoch()->number);
}

void Logins::run_pipeline(Client& client) {
    Login& login = *client.login;
    Exchange* exchange = login.exchange.get();
    // An exchange is pinned to the realm that began it: another configuration does not know its challenge.
    if (exchange && exchange->challenges > 0 && outdated(client))
        return refuse(client, mqtt::Reason::ServerUnavailable, kExchangeOutdated);
    login.epoch = shard_.epoch();
    ++login.runs;
    const ListenerPlan& plan = login.epoch->listeners[client.listener];
    if (exchange && !(plan.pipeline && plan.pipeline->takes_method(exchange->method)))
        return refuse(client, mqtt::Reason::BadAuthenticationMethod, kMethod);
    if (!login.log_reserved && !(login.log_reserved = shard_.login_log().begin())) {
        return refuse(client, mqtt::Reason::ServerBusy, auth::kLogFull);
    }
    auto facts = facts_of_peer(client.transport->peer(), plan, shard_.wall(), !accepted_now(client));
    if (!facts) {
        ++shard_.counters().logins_refused;
        return refuse(client, mqtt::Reason::NotAuthorized, facts.error());
    }
    auth::LoginRequest request{.facts = *std::move(facts),
                               .home = shard_.mailbox(),
                               .started = shard_.now(),
                               .deadline = client.deadline,
                               .now = shard_.wall(),
                               .pin = {}};
    request.facts.set_connect(login.client_id, login.user_name, login.password);
    if (exchange) {
        request.pin = exchange->pin;
        request.facts.auth_method = exchange->method;
        request.facts.auth_data = exchange->data;
    }
    auto done = [this, id = client.id, seq = login.connect_seq](auth::LoginResult result) {
        on_result(id, seq, std::move(result));
    };
    if (!plan.pipeline) {
        auth::LoginResult result;
        result.cause = auth::kNoPipeline;
        result.client_id = login.client_id;
        result.audit.listener = plan.name;
        result.audit.remote_address = request.facts.remote_address;
        return done(std::move(result));
    }
    plan.pipeline->login(std::move(request), std::move(done));
}

void Logins::on_result(SlotId id, std::uint64_t connect_seq, auth::LoginResult result) {
    Client* client = shard_.find_client(id);
    if (!client || client->phase != Client::Phase::LoggingIn || client->login->connect_seq != connect_seq) {
        ++shard_.counters().stale_answers;
        return;
    }
    if (shard_.stage() != Stage::Running) return;
    Login& login = *client->login;
    login.result = std::move(result);
    switch (login.result->outcome) {
        case auth::Outcome::Granted:
            login.client_id = login.result->client_id;
            return proceed(*client);
        case auth::Outcome::Failed:
            ++shard_.counters().logins_failed;
            log::event(log::Level::Warn, "login_failed",
                       {log::field("client", login.client_id), log::field("realm", login.result->realm),
                        log::field("cause", login.result->cause.message())});
            return refuse(*client, mqtt::Reason::ServerUnavailable, login.result->cause);
        case auth::Outcome::Challenge:
            return challenge(*client);
        case auth::Outcome::Refused:
            break;
    }
    ++shard_.counters().logins_refused;
    shard_.door().login_refused(*client);
    log::event(
        log::Level::Info, "login_refused",
        {log::field("client", login.client_id), log::field("listener", login.result->audit.listener),
         log::field("address", login.result->audit.remote_address), log::field("realm", login.result->realm),
         log::field("cause", login.result->cause.message())});
    if (login.result->hold_refusal) {
        // No refusal tells by its time whether the user exists (policy 3).
        client->deadline = std::min(client->deadline, shard_.now() + kRefusalHold);
        client->held_refusal = true;
        return shard_.arm_timer(*client);
    }
    refuse(*client, mqtt::Reason::NotAuthorized, login.result->cause);
}

bool Logins::outdated(const Client& client) const {
    return another_pipeline(*client.login->epoch, *shard_.epoch(), client.listener);
}

void Logins::challenge(Client& client) {
    Login& login = *client.login;
    Exchange& exchange = *login.exchange;
    if (outdated(client)) {
        if (exchange.challenges > 0 || login.runs >= kPipelineRuns)
            return refuse(client, mqtt::Reason::ServerUnavailable, kExchangeOutdated);
        login.result.reset();
        return run_pipeline(client);
    }
    if (++exchange.challenges > kMaxChallenges)
        return refuse(client, mqtt::Reason::NotAuthorized, kTooManyChallenges);
    exchange.pin = login.result->pin;
    exchange.asked = true;
    mqtt::encode_auth(client.control, client.protocol.peer(),
                      {.method = exchange.method, .data = bytes_of(login.result->challenge)});
    login.result.reset();
    shard_.mark_dirty(client);
    shard_.resume(client, kSuspendLogin);
}

mqtt::Flow Logins::on_auth(Client& client, const mqtt::Auth& packet) {
    Exchange* exchange = client.phase == Client::Phase::LoggingIn ? client.login->exchange.get() : nullptr;
    if (!exchange || !exchange->asked) {
        refuse(client, mqtt::Reason::ProtocolError, kProtocol);
        return mqtt::Flow::Stop;
    }
    exchange->asked = false;
    exchange->data = packet.data ? Secret(text(*packet.data)) : Secret();
    return mqtt::Flow::Stop;
}

void Logins::on_granted(Client& client) {
    Login& login = *client.login;
    if (shard_.now() >= client.deadline)
        return refuse(client, mqtt::Reason::ServerUnavailable, kLoginTimeout);
    // Another configuration came meanwhile: the login is decided again under it, at most twice (policy 2).
    if (login.epoch != shard_.epoch()) {
        if (outdated(client)) {
            if (login.exchange && login.exchange->challenges > 0)
                return refuse(client, mqtt::Reason::ServerUnavailable, kExchangeOutdated);
            if (login.runs >= kPipelineRuns) {
                return refuse(client, mqtt::Reason::ServerUnavailable, kLoginTimeout);
            }
            login.result.reset();
            return run_pipeline(client);
        }
        if (!certificate_stands(client))
            return refuse(client, mqtt::Reason::NotAuthorized, kCertificateRefused);
        login.epoch = shard_.epoch();  // the verdict stands; rights are bound at attach, under this epoch
    }
    if (!login.result->authority || login.result->authority->revoked()) {
        return refuse(client, mqtt::Reason::NotAuthorized, auth::kAuthorityRevoked);
    }
    const std::string key = session_key(login.result->authority->principal(), login.client_id);
    // Claim. A CONNECT below the highest that ever attached is closed without an answer (data-path 2).
    if (!shard_.sessions().may_attach(key, login.connect_seq)) return shard_.drop(client, kStaleLogin);
    shard_.sessions().load(key, [this, id = client.id, seq = login.connect_seq, key] {
        Client* loaded = shard_.find_client(id);
        if (!loaded || loaded->phase != Client::Phase::LoggingIn || loaded->login->connect_seq != seq) return;
        if (shard_.stage() != Stage::Running) return;
        attach(*loaded, key);
    });
}

bool Logins::certificate_stands(const Client& client) const {
    const net::PeerFacts& peer = client.transport->peer();
    const ListenerPlan& plan = shard_.epoch()->listeners[client.listener];
    return !peer.tls || !plan.transport.tls || accepted_now(client) || plan.transport.tls->admits(*peer.tls);
}

void Logins::attach(Client& client, const std::string& key) {
    Login& login = *client.login;
    if (login.epoch != shard_.epoch()) return on_granted(client);
    if (shard_.now() >= client.deadline)
        return refuse(client, mqtt::Reason::ServerUnavailable, kLoginTimeout);
    if (login.result->authority->revoked()) {
        return refuse(client, mqtt::Reason::NotAuthorized, auth::kAuthorityRevoked);
    }
    if (!shard_.sessions().may_attach(key, login.connect_seq)) return shard_.drop(client, kStaleLogin);
    const policy::Program program = shard_.rights().bind(login.result->authority);
    if (login.will && !will_allowed(client, program)) return;
    if (!session_quota(client, key)) return;
    log_granted(login, program);
    ++shard_.counters().logins_granted;
    const auto attached =
        shard_.sessions().attach(client, key, login.client_id, login.clean_start, login.connect_seq);
    Session& session = *attached.session;
    if (!attached.present)
        shard_.mesh().quotas().session_began(session, quota_key(login.result->authority->principal()));
    const bool same = session.authority == login.result->authority;
    session.authority = login.result->authority;
    session.program = program;
    session.expiry_s = std::min(login.session_expiry_s, shard_.settings().max_session_expiry_s);
    session.window = login.receive_maximum;
    session.will = std::move(login.will);
    if (attached.present) {
        if (!same) shard_.delivery().distrust(session);
        shard_.shares().on_presence(session);
    }
    // Every stored filter is decided again under the new identity, and removed where it is not covered.
    shard_.subscriptions().judge(session, true);
    shard_.append({.kind = store::RecordKind::Session,
                   .key = key,
                   .authority = session.authority.get(),
                   .policy_version = shard_.epoch()->policy_version(),
                   .number = session.epoch});
    client.phase = Client::Phase::Online;
    shard_.after_commit([this, id = client.id, present = attached.present] {
        Client* online = shard_.find_client(id);
        if (online && online->phase == Client::Phase::Online) accept(*online, *online->session, present);
    });
}

bool Logins::session_quota(Client& client, const std::string& key) {
    const Login& login = *client.login;
    const Session* kept = shard_.sessions().find(key);
    // One that is ended by this login gives its place back first.
    const bool resumed = kept && !login.clean_start && !kept->authority->revoked();
    if (resumed) return true;
    const std::string principal = quota_key(login.result->authority->principal());
    if (shard_.mesh().quotas().may_begin(principal, kept != nullptr, shard_.settings().quotas)) return true;
    ++shard_.counters().logins_over_quota;
    shard_.door().tell_quota(client, "max_sessions");
    refuse(client, mqtt::Reason::QuotaExceeded, kQuota);
    return false;
}

bool Logins::will_allowed(Client& client, const policy::Program& program) {
    const Login& login = *client.login;
    const policy::Request request{.act = policy::Act::Publish,
                                  .topic = login.will->topic,
                                  .qos = login.will->qos,
                                  .retain = login.will->retain,
                                  .via = policy::Via::Will};
    const policy::Decision decision = policy::decide(program, request);
    if (decision.allowed()) return true;
    ++shard_.counters().logins_refused;
    shard_.rights().denied_will(login.client_id, shard_.epoch()->listeners[client.listener].name, program,
                                request, decision);
    refuse(client, mqtt::Reason::NotAuthorized, kDenied);
    return false;
}

void Logins::log_granted(Login& login, const policy::Program& program) {
    login.log_reserved = false;
    shard_.login_log().granted(*login.result, auth::logged_permissions(program), shard_.wall());
}

MonoTime Logins::ends_at(const auth::LoginResult& result) const {
    if (!result.ends_at) return kNever;
    // Counted on the monotonic clock from here on: a wall clock that is set back does not lengthen a session.
    return shard_.now() + std::max<Duration>(*result.ends_at - shard_.wall(), Duration::zero());
}

void Logins::accept(Client& client, Session& session, bool present) {
    const std::unique_ptr<Login> login = std::move(client.login);
    const Settings& settings = shard_.settings();
    // Also on who asks for none (E-26): a peer that never speaks is not kept for ever.
    const bool imposed = login->keep_alive_s == 0 || login->keep_alive_s > settings.max_keep_alive_s;
    client.keep_alive_s = imposed ? settings.max_keep_alive_s : login->keep_alive_s;
    client.ends = ends_at(*login->result);
    client.deadline = kNever;
    client.heard = shard_.now();
    mqtt::ConnackOut out{.session_present = present,
                         .receive_maximum = settings.receive_maximum,
                         .maximum_packet_size = settings.packets.max_packet_bytes,
                         .topic_alias_maximum = settings.packets.topic_alias_maximum};
    if (session.expiry_s != login->session_expiry_s) out.session_expiry_s = session.expiry_s;
    if (login->assigned_id) out.assigned_client_id = session.client_id;
    if (imposed) out.server_keep_alive_s = client.keep_alive_s;
    if (login->exchange) {
        out.auth_method = login->exchange->method;
        if (!login->result->challenge.empty()) out.auth_data = bytes_of(login->result->challenge);
        client.reauth = std::make_unique<Reauth>(
            Reauth{.exchange = {.method = login->exchange->method}, .user_name = login->user_name});
    }
    mqtt::encode_connack(client.control, client.protocol.peer(), out);
    client.protocol.accepted();
    shard_.arm_timer(client);
    shard_.delivery().resend(client);
    shard_.resume(client, kSuspendLogin);
}

void Logins::refuse(Client& client, mqtt::Reason reason, const Error& cause) {
    Login* login = client.login.get();
    if (login && login->log_reserved) {
        const bool failed = reason == mqtt::Reason::ServerUnavailable;
        log_refused(client, *login, failed ? auth::Outcome::Failed : auth::Outcome::Refused, cause);
    }
    mqtt::encode_connack(client.control, client.protocol.peer(), {.reason = reason});
    shard_.end_after_output(client, cause);
}

void Logins::log_refused(Client& client, Login& login, auth::Outcome outcome, Error cause) {
    login.log_reserved = false;
    auth::LoginResult result = login.result ? std::move(*login.result) : auth::LoginResult{};
    result.outcome = outcome;
    result.cause = std::move(cause);
    if (result.client_id.empty()) result.client_id = login.client_id;
    if (result.audit.remote_address.empty()) {
        result.audit.remote_address = client.transport->peer().remote.text();
        result.audit.listener = shard_.epoch()->listeners[client.listener].name;
    }
    shard_.login_log().refused(result, shard_.wall());
}

void Logins::on_deadline(Client& client) {
    if (client.held_refusal) return refuse(client, mqtt::Reason::NotAuthorized, client.login->result->cause);
    ++shard_.counters().logins_failed;
    refuse(client, mqtt::Reason::ServerUnavailable, kLoginTimeout);
}

void Logins::abandon(Client& client) {
    Login* login = client.login.get();
    if (!login || !login->log_reserved) return;
    // Who leaves before a held refusal is due has been refused all the same: guessing must leave its lines.
    if (client.held_refusal) return log_refused(client, *login, auth::Outcome::Refused, login->result->cause);
    login->log_reserved = false;
    shard_.login_log().abandoned();
}

}  // namespace latchkey::broker
