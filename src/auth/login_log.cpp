// The lines of both logs.
// SPDX-License-Identifier: Apache-2.0
#include "auth/login_log.h"

#include <chrono>

#include <fmt/core.h>

#include "base/json.h"
#include "base/utf8.h"

namespace latchkey::auth {
namespace {

struct Stamp {
    int year;
    unsigned month;
    unsigned day;
    std::int64_t hours;
    std::int64_t minutes;
    std::int64_t seconds;
    std::int64_t millis;
};

Stamp stamp_of(WallTime at) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(at - day);
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            time.hours().count(),
            time.minutes().count(),
            time.seconds().count(),
            time.subseconds().count()};
}

std::string head(WallTime at, std::string_view event, std::string_view sentence, std::string_view client_id,
                 std::string_view address) {
    return fmt::format("{} UTC - {} - {}: ID {}, IP {}", access_time(at), event, sentence,
                       escape_for_log(client_id), escape_for_log(address));
}

std::string permission_text(const LoggedPermission& permission) {
    std::string qos;
    for (std::size_t level = 0; level < permission.qos.size(); ++level)
        if (permission.qos[level]) qos += fmt::format("{}{}", qos.empty() ? "" : ", ", level);
    std::string activity = permission.publish ? "publish" : "";
    if (permission.subscribe) activity += activity.empty() ? "subscribe" : ", subscribe";
    return fmt::format(
        "Permission{{topicFilter='{}', qos=[{}], activity=[{}], retainedPublishAllowed={}, "
        "sharedSubscribeAllowed={}, sharedGroup='{}', from='{}'}}",
        escape_for_log(permission.topic_filter), qos, activity, permission.retained_publish,
        permission.shared_subscribe, escape_for_log(permission.shared_group),
        escape_for_log(permission.from));
}

void text_field(json::Writer& out, std::string_view name, std::string_view value) {
    if (!value.empty()) out.field(name, value);
}

/// The cause in words; details of ours, never of the token's content beyond what an error row allows.
std::string cause_text(const Error& cause) {
    std::string text(cause.info().text);
    if (!cause.detail().empty()) text.append(": ").append(cause.detail());
    return text;
}

void login_fields(json::Writer& out, const LoginResult& result) {
    const LoginAudit& audit = result.audit;
    text_field(out, "listener", audit.listener);
    text_field(out, "pipeline", audit.pipeline);
    text_field(out, "client", result.client_id);
    text_field(out, "address", audit.remote_address);
    text_field(out, "realm", result.realm);
    text_field(out, "issuer", audit.issuer);
    text_field(out, "token", audit.token_fingerprint);
    if (!audit.roles.empty()) out.field("roles", std::span<const std::string>(audit.roles));
    if (!audit.blocks.empty()) out.field("blocks", std::span<const std::string>(audit.blocks));
}

void steps_field(json::Writer& out, const LoginAudit& audit) {
    if (audit.steps.size() < 2) return;
    out.begin_array("asked");
    for (const LoginAudit::Step& step : audit.steps) {
        out.begin_object().field("realm", step.realm).field("verdict", name_of(step.verdict));
        if (!step.cause.is(kNoCause)) out.field("cause", step.cause.info().name);
        out.end_object();
    }
    out.end_array();
}

std::string refused_line(const LoginResult& result, WallTime at) {
    std::string line;
    json::Writer out(line);
    out.begin_object().field("time", audit_time(at));
    out.field("event", result.outcome == Outcome::Failed ? "login_failed" : "login_refused");
    login_fields(out, result);
    out.field("cause", result.cause.info().name).field("detail", cause_text(result.cause));
    steps_field(out, result.audit);
    out.end_object();
    return line;
}

std::string granted_line(const LoginResult& result, WallTime at) {
    std::string line;
    json::Writer out(line);
    out.begin_object().field("time", audit_time(at)).field("event", "login_granted");
    out.field("principal", policy::describe(result.principal));
    login_fields(out, result);
    if (result.audit.degraded) out.field("degraded", true);
    if (result.ends_at) out.field("ends_at", audit_time(*result.ends_at));
    steps_field(out, result.audit);
    out.end_object();
    return line;
}

}  // namespace

std::string access_time(WallTime at) {
    const Stamp t = stamp_of(at);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}", t.year, t.month, t.day, t.hours,
                       t.minutes, t.seconds, t.millis);
}

std::string audit_time(WallTime at) {
    const Stamp t = stamp_of(at);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.year, t.month, t.day, t.hours,
                       t.minutes, t.seconds, t.millis);
}

std::string access_line_failed(WallTime at, std::string_view client_id, std::string_view address) {
    return fmt::format("{}, reason \"{}\".",
                       head(at, "authentication-failed", "Client failed authentication", client_id, address),
                       kEseFailureText);
}

std::string access_line_authenticated(WallTime at, std::string_view client_id, std::string_view address) {
    return head(at, "authentication-succeeded", "Client succeeded authentication", client_id, address) + ".";
}

std::string access_line_authorized(WallTime at, std::string_view client_id, std::string_view address,
                                   std::span<const LoggedPermission> permissions) {
    std::string list;
    for (const LoggedPermission& permission : permissions) {
        if (!list.empty()) list += ", ";
        list += permission_text(permission);
    }
    return fmt::format(
        "{}, permissions [{}].",
        head(at, "authorization-succeeded", "Client succeeded authorization", client_id, address), list);
}

std::vector<LoggedPermission> logged_permissions(const policy::Program& program) {
    std::vector<LoggedPermission> permissions;
    if (program.rights() == nullptr) return permissions;
    const policy::RuleList& own = program.rights()->own;
    for (std::size_t i = 0; i < own.bound.size(); ++i) {
        const policy::Rule& rule = *own.bound[i].rule;
        if (rule.effect != policy::Effect::Allow) continue;
        LoggedPermission permission;
        permission.topic_filter = own.hot[i].filter();
        for (unsigned qos = 0; qos < permission.qos.size(); ++qos)
            permission.qos[qos] = (rule.qos & policy::qos_bit(qos)) != 0;
        permission.publish = (rule.acts & policy::bit(policy::Act::Publish)) != 0;
        permission.subscribe = (rule.acts & policy::bit(policy::Act::Subscribe)) != 0;
        permission.retained_publish = permission.publish && (rule.retain & policy::kYes) != 0;
        permission.shared_subscribe = permission.subscribe && rule.share.kind != policy::ShareKind::None;
        permission.shared_group = rule.share.group;
        permission.from = own.bound[i].block->ref.name;
        permissions.push_back(std::move(permission));
    }
    return permissions;
}

std::string audit_line(WallTime at, const AuditEvent& event) {
    std::string line;
    json::Writer out(line);
    out.begin_object().field("time", audit_time(at)).field("event", event.event);
    text_field(out, "principal", event.principal);
    text_field(out, "issuer", event.issuer);
    text_field(out, "realm", event.realm);
    if (!event.roles.empty()) out.field("roles", event.roles);
    text_field(out, "listener", event.listener);
    text_field(out, "client", event.client);
    text_field(out, "address", event.address);
    text_field(out, "topic", event.topic);
    text_field(out, "rule", event.rule);
    text_field(out, "decision", event.decision);
    text_field(out, "cause", event.cause);
    text_field(out, "detail", event.detail);
    for (const auto& [name, value] : event.more)
        text_field(out, name, value);
    out.end_object();
    return line;
}

bool LoginLog::begin() {
    if (!audit_.reserve(kAuditLines)) return false;
    if (access_ == nullptr || access_->reserve(kAccessLines)) return true;
    audit_.release(kAuditLines);
    return false;
}

void LoginLog::abandoned() {
    audit_.release(kAuditLines);
    if (access_ != nullptr) access_->release(kAccessLines);
}

void LoginLog::refused(const LoginResult& result, WallTime at) {
    audit_.append(refused_line(result, at), true);
    if (access_ == nullptr) return;
    access_->append(access_line_failed(at, result.client_id, result.audit.remote_address), true);
    access_->release(kAccessLines - 1);
}

void LoginLog::granted(const LoginResult& result, std::span<const LoggedPermission> permissions,
                       WallTime at) {
    audit_.append(granted_line(result, at), true);
    if (access_ == nullptr) return;
    const std::string& address = result.audit.remote_address;
    access_->append(access_line_authenticated(at, result.client_id, address), true);
    access_->append(access_line_authorized(at, result.client_id, address, permissions), true);
}

void LoginLog::audit(const AuditEvent& event, WallTime at) {
    audit_.append(audit_line(at, event), false);
}

void LoginLog::flush() {
    if (access_ != nullptr) access_->flush();
    audit_.flush();
}

Health LoginLog::health() const {
    Health health = audit_.health();
    if (access_ == nullptr) return health;
    const Health access = access_->health();
    if (access.state != HealthState::Ok) health.state = access.state;
    health.reasons.insert(health.reasons.end(), access.reasons.begin(), access.reasons.end());
    return health;
}

}  // namespace latchkey::auth
