// Epoch: one whole configuration, swapped as one (data-path 10). Shards hold it between turns; logins and
// jobs hold counted references, so that each runs to its end under the configuration it began with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "broker/admission.h"
#include "broker/login_throttle.h"
#include "broker/quotas.h"
#include "mqtt/connection.h"
#include "net/transport_plan.h"
#include "policy/policy.h"

namespace latchkey::auth {
class Pipeline;
}

namespace latchkey::broker {

/// What becomes of a client whose PUBLISH was denied (policy table: native against ESE).
enum class DeniedPublish : std::uint8_t { Acknowledge, Disconnect };

struct ListenerPlan {
    std::string name;
    std::shared_ptr<const auth::Pipeline> pipeline;  ///< null: refuses everybody
    net::TransportPlan transport;                    ///< what stands between the socket and MQTT
    DeniedPublish denied_publish = DeniedPublish::Acknowledge;
};

/// Bounds of the broker. Durations are of monotonic time.
struct Settings {
    mqtt::Limits packets;
    std::uint16_t receive_maximum = 1024;  ///< of what clients send us
    std::uint32_t max_session_expiry_s = 0xFFFFFFFF;
    std::uint16_t max_keep_alive_s = 65535;        ///< also imposed where a client asks for none
    std::uint32_t max_queued_messages = 10'000;    ///< per session
    std::uint64_t max_queued_bytes = 64ULL << 20;  ///< per session
    std::uint32_t max_subscriptions = 10'000;      ///< per session
    std::uint32_t max_inflight = 1024;             ///< per session, whatever the client offers
    /// Answers (and a started packet) that one connection may leave untaken before it is read no further.
    std::uint32_t max_owed_bytes = 2U << 20;
    AdmissionLimits admission;
    LoginThrottleLimits login_throttle;
    QuotaLimits quotas;
    Duration sys_interval{};  ///< between two rounds of $SYS; 0: none
    Duration connect_limit = std::chrono::seconds(10);
    Duration login_limit = std::chrono::seconds(20);
    std::string admin_url;  ///< what a denial tells people to ask
};

/// @thread any (immutable)
struct Epoch {
    std::uint64_t number = 0;
    policy::PolicyRef policy;
    std::vector<ListenerPlan> listeners;  ///< index = listener, stable over epochs
    Settings settings;

    policy::PolicyVersion policy_version() const noexcept { return policy->version(); }
};
using EpochRef = std::shared_ptr<const Epoch>;

/// A login that began under one of them meets other realms or steps under the other.
inline bool another_pipeline(const Epoch& one, const Epoch& other, std::uint32_t listener) noexcept {
    return one.listeners[listener].pipeline != other.listeners[listener].pipeline;
}

}  // namespace latchkey::broker
