// One bit per combination of act and scalars, as program.h numbers them, and which of them a rule lacks.
// Inside the policy room only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/decide.h"
#include "policy/program.h"

namespace latchkey::policy {

constexpr ScalarSet publish_scalar(unsigned qos, unsigned retain, unsigned via) noexcept {
    return ScalarSet{1} << (qos + 3 * retain + 6 * via);
}
constexpr ScalarSet subscribe_scalar(unsigned qos, unsigned wild, unsigned shared) noexcept {
    return ScalarSet{1} << (12 + qos + 3 * wild + 6 * shared);
}
constexpr ScalarSet receive_scalar(unsigned qos, unsigned wild, unsigned shared) noexcept {
    return ScalarSet{1} << (24 + qos + 3 * wild + 6 * shared);
}
constexpr ScalarSet unsubscribe_scalar(unsigned wild) noexcept {
    return ScalarSet{1} << (36 + wild);
}

/// Which scalar keeps the rule from speaking about the request; Matched: none.
Miss scalar_miss(const Rule& rule, const Request& request) noexcept;

}  // namespace latchkey::policy
