// Stable names of reasons, house rules and misses: logs, JSON and tests use them. See decide.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

namespace latchkey::policy {

std::string_view name(HouseRule rule) noexcept {
    switch (rule) {
        case HouseRule::None:
            return "none";
        case HouseRule::PublishSys:
            return "publish-sys";
        case HouseRule::PublishShare:
            return "publish-share";
        case HouseRule::DollarWill:
            return "dollar-will";
        case HouseRule::NestedShare:
            return "nested-share";
        case HouseRule::BadQos:
            return "bad-qos";
    }
    return "?";
}

std::string_view text(HouseRule rule) noexcept {
    switch (rule) {
        case HouseRule::None:
            return "";
        case HouseRule::PublishSys:
            return "only the broker publishes below $SYS";
        case HouseRule::PublishShare:
            return "$share is for subscriptions, nothing is published there";
        case HouseRule::DollarWill:
            return "a will must not go to a topic that begins with $";
        case HouseRule::NestedShare:
            return "a share inside a share is no filter";
        case HouseRule::BadQos:
            return "QoS is 0, 1 or 2";
    }
    return "?";
}

std::string_view name(Reason reason) noexcept {
    switch (reason) {
        case Reason::NoAuthority:
            return "no-authority";
        case Reason::Revoked:
            return "revoked";
        case Reason::House:
            return "house-rule";
        case Reason::NoMatch:
            return "no-match";
        case Reason::Rule:
            return "rule";
        case Reason::Ceiling:
            return "ceiling";
        case Reason::Budget:
            return "budget";
        case Reason::Broker:
            return "broker";
        case Reason::Unasked:
            return "unasked";
    }
    return "?";
}

std::string_view name(Miss miss) noexcept {
    switch (miss) {
        case Miss::Matched:
            return "matched";
        case Miss::Act:
            return "act";
        case Miss::Qos:
            return "qos";
        case Miss::Retain:
            return "retain";
        case Miss::Via:
            return "via";
        case Miss::Wild:
            return "wildcard";
        case Miss::Share:
            return "share";
        case Miss::Group:
            return "group";
        case Miss::Topic:
            return "topic";
        case Miss::Part:
            return "part";
        case Miss::Unusable:
            return "unusable";
    }
    return "?";
}

}  // namespace latchkey::policy
