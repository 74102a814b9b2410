// The two logs of logins: ESE's access log, whose three line formats operators' tools parse, and Latchkey's
// audit log in JSON lines, which says who, by which realm and why. A login first sets places aside in both,
// so that no accepted login goes unlogged.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/line_log.h"
#include "auth/pipeline.h"
#include "base/time.h"
#include "policy/program.h"

namespace latchkey::auth {

/// One permission as the access log prints it; placeholders already replaced.
struct LoggedPermission {
    std::string topic_filter;
    std::array<bool, 3> qos{};
    bool publish = false;
    bool subscribe = false;
    bool retained_publish = false;
    bool shared_subscribe = false;
    std::string shared_group;
    std::string from;
};

/// ESE's lines, without the newline. Client ids, addresses and topics are escaped: one event is one line.
std::string access_line_failed(WallTime at, std::string_view client_id, std::string_view address);
std::string access_line_authenticated(WallTime at, std::string_view client_id, std::string_view address);
std::string access_line_authorized(WallTime at, std::string_view client_id, std::string_view address,
                                   std::span<const LoggedPermission> permissions);
/// `2026-11-24 22:10:02,123` in UTC.
std::string access_time(WallTime at);
/// `2026-11-24T22:10:02.123Z`.
std::string audit_time(WallTime at);

/// One audit event beside logins: denials, disconnects, changes. Empty members are left out.
struct AuditEvent {
    std::string_view event;
    std::string_view principal;
    std::string_view issuer;
    std::string_view realm;
    std::span<const std::string> roles{};
    std::string_view listener;
    std::string_view client;
    std::string_view address;
    std::string_view topic;
    std::string_view rule;
    std::string_view decision;
    std::string_view cause;
    std::string_view detail;
    std::span<const std::pair<std::string_view, std::string_view>> more{};
};
std::string audit_line(WallTime at, const AuditEvent& event);
/// What a program's own rules allow, for the access log.
std::vector<LoggedPermission> logged_permissions(const policy::Program& program);

/// @thread any
class LoginLog {
  public:
    /// @param access  null: the access log is switched off
    LoginLog(LineLog* access, LineLog& audit) : access_(access), audit_(audit) {}

    /// Before a login starts. False: push it back (0x89 / 3). Each true is answered by exactly one of
    /// refused(), granted() or abandoned().
    [[nodiscard]] bool begin();
    void abandoned();
    /// Refused or failed: before anything was granted.
    void refused(const LoginResult& result, WallTime at);
    void granted(const LoginResult& result, std::span<const LoggedPermission> permissions, WallTime at);
    /// Anything else worth keeping. Not for tokens, passwords, payloads.
    void audit(const AuditEvent& event, WallTime at);

    void flush();
    Health health() const;

  private:
    static constexpr std::size_t kAccessLines = 2;
    static constexpr std::size_t kAuditLines = 1;
    LineLog* access_;
    LineLog& audit_;
};

}  // namespace latchkey::auth
