// See denial_report.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/denial_report.h"

#include "auth/login_log.h"
#include "base/json.h"
#include "base/utf8.h"
#include "policy/explain.h"

namespace latchkey::broker {

namespace {

std::string principal_of(const policy::Denial& denial) {
    const policy::AuthorityRef& authority = denial.program.authority();
    return authority ? policy::describe(authority->principal()) : "nobody";
}

}  // namespace

DenialReport report(const policy::Denial& denial) {
    policy::TraceSink trace;
    if (!denial.topic_cut) static_cast<void>(policy::decide(denial.program, denial.request(), &trace));
    DenialReport out;
    json::Writer json(out.json);
    json.begin_object();
    json.field("decision", policy::to_text(denial.id));
    json.field("at", auth::audit_time(denial.at));
    json.field("allowed", false);
    json.field("act", act_name(denial.act, denial.via));
    json.field("client", denial.client_id);
    json.field("principal", principal_of(denial));
    json.field("listener", denial.listener);
    json.field("topic", denial.topic);
    json.field("qos", static_cast<std::int64_t>(denial.qos));
    json.field("retain", denial.retain);
    json.field("reason", policy::name(denial.decision.reason));
    if (denial.decision.rule) json.field("rule", policy::where(*denial.decision.rule));
    json.field("nearest", denial.nearest());
    json.field("policy_version", static_cast<std::int64_t>(denial.decision.policy_version));
    json.key("considered");
    json.begin_array();
    for (const policy::TraceStep& step : trace.steps()) {
        json.begin_object();
        json.field("rule", policy::describe(*step.rule));
        json.field("block", policy::describe(step.block->ref));
        json.field("why_not", policy::describe(step));
        json.end_object();
    }
    json.end_array();
    json.end_object();

    const auto line = [&out](std::string_view label, std::string_view value) {
        if (value.empty()) return;
        out.text.append(label).append(": ").append(escape_for_terminal(value)).push_back('\n');
    };
    line("decision", policy::to_text(denial.id));
    line("at", auth::audit_time(denial.at));
    line("denied", std::string(act_name(denial.act, denial.via)) + " " + denial.topic + " (QoS " +
                       std::to_string(denial.qos) + (denial.retain ? ", retained)" : ")"));
    line("client", denial.client_id);
    line("principal", principal_of(denial));
    line("reason", policy::name(denial.decision.reason));
    if (denial.decision.rule) line("rule", policy::describe(*denial.decision.rule));
    for (const policy::TraceStep& step : trace.steps()) {
        line("  considered", policy::describe(*step.rule) + ": " + policy::describe(step));
    }
    line("nearest rule that would have allowed", denial.nearest());
    return out;
}

}  // namespace latchkey::broker
