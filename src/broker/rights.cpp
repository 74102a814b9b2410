// See rights.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/rights.h"

#include <utility>

#include "auth/login_log.h"
#include "base/log.h"
#include "broker/shard.h"
#include "policy/explain.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kDenialsKept = 1024;
constexpr std::size_t kAuthorsKept = 4096;

}  // namespace

std::string_view act_name(policy::Act act, policy::Via via) {
    switch (act) {
        case policy::Act::Publish:
            return via == policy::Via::Will ? "will" : "publish";
        case policy::Act::Subscribe:
            return "subscribe";
        case policy::Act::Unsubscribe:
            return "unsubscribe";
        case policy::Act::Receive:
            return "receive";
    }
    return "unknown";
}

Rights::Rights(Shard& shard, const HashSeed& seed, std::uint32_t process_epoch)
    : shard_(shard), binder_(seed), ring_(shard.index(), process_epoch, kDenialsKept) {}

policy::Program Rights::bind(const policy::AuthorityRef& authority) {
    return binder_.bind(shard_.epoch()->policy, authority);
}

const policy::Program& Rights::program_of(Session& session) {
    const policy::Program& program = session.program;
    if (program.authority() != session.authority ||
        program.policy_version() != shard_.epoch()->policy_version()) {
        session.program = bind(session.authority);
    }
    return session.program;
}

bool Rights::may_receive(Session& session, std::string_view topic, std::uint8_t qos,
                         std::optional<std::string_view> group) {
    const policy::Program& program = program_of(session);
    // The scalars of the subscription are gone with it; a receive right exists if one of its two forms
    // allows.
    for (const bool wild : {false, true}) {
        const policy::Request request{
            .act = policy::Act::Receive, .topic = topic, .qos = qos, .group = group, .wild = wild};
        if (policy::decide(program, request).allowed()) return true;
    }
    return false;
}

bool Rights::from_the_future(const Message& message) const noexcept {
    return message.policy_version > shard_.epoch()->policy_version();
}

bool Rights::author_may(const Message& message) {
    const policy::AuthorityRef& author = message.author;
    if (!author) return false;
    if (author->version() == message.author_version &&
        shard_.epoch()->policy_version() <= message.policy_version) {
        return true;
    }
    if (author->is_broker()) return true;
    if (author->revoked()) return false;
    auto found = authors_.find(author->number());
    if (found == authors_.end()) {
        if (authors_.size() >= kAuthorsKept) authors_.clear();
        found = authors_.emplace(author->number(), bind(author)).first;
    }
    const policy::Request request{.act = policy::Act::Publish,
                                  .topic = message.topic(),
                                  .qos = message.qos,
                                  .retain = message.retain,
                                  .via = message.will ? policy::Via::Will : policy::Via::Live};
    return policy::decide(found->second, request).allowed();
}

std::string Rights::denied(const Client& client, const policy::Program& program,
                           const policy::Request& request, const policy::Decision& decision) {
    const std::string_view id =
        client.session ? std::string_view(client.session->client_id) : std::string_view();
    return policy::to_text(tell(id, shard_.epoch()->listeners[client.listener].name, program, request,
                                decision, client.session ? &client.session->denial_lines : nullptr)
                               .id);
}

std::string Rights::denied_will(std::string_view client_id, std::string_view listener,
                                const policy::Program& program, const policy::Request& request,
                                const policy::Decision& decision) {
    return policy::to_text(tell(client_id, listener, program, request, decision, nullptr).id);
}

const policy::Denial& Rights::tell(std::string_view client_id, std::string_view listener,
                                   const policy::Program& program, const policy::Request& request,
                                   const policy::Decision& decision, LineBudget* budget) {
    const policy::Denial& denial =
        ring_.record(program, request, decision, client_id, listener, shard_.wall());
    // The audit log drops nothing and logins wait for it: nobody may fill it by being denied.
    if ((budget && !budget->take(shard_.now(), kClientLines)) || !lines_.take(shard_.now(), kShardLines)) {
        ++suppressed_;
        return denial;
    }
    tell_suppressed();
    const std::string id = policy::to_text(denial.id);
    const std::string principal =
        program.authority() ? policy::describe(program.authority()->principal()) : std::string("nobody");
    const std::string rule =
        decision.rule ? policy::where(*decision.rule) : std::string(policy::name(decision.reason));
    log::event(
        log::Level::Warn, "denied",
        {log::field("act", act_name(request.act, request.via)), log::field("client", client_id),
         log::field("principal", principal), log::field("topic", denial.topic),
         log::field("qos", request.qos), log::field("retain", request.retain), log::field("rule", rule),
         log::field("nearest", denial.nearest()), log::field("decision", id),
         log::field("ask", "latchkey explain --decision " + id + " --live " + shard_.settings().admin_url)});
    shard_.login_log().audit({.event = "denied",
                              .principal = principal,
                              .listener = listener,
                              .client = client_id,
                              .topic = denial.topic,
                              .rule = rule,
                              .decision = id,
                              .cause = policy::name(decision.reason),
                              .detail = act_name(request.act, request.via)},
                             shard_.wall());
    return denial;
}

void Rights::tell_suppressed() {
    const std::uint64_t count = std::exchange(suppressed_, 0);
    if (count == 0) return;
    log::event(log::Level::Warn, "denials_not_told", {log::field("count", count)});
    shard_.login_log().audit({.event = "denials_not_told", .detail = std::to_string(count)}, shard_.wall());
}

}  // namespace latchkey::broker
