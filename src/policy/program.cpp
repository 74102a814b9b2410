// The numbering of scalar combinations. See program.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/program.h"

#include "policy/scalars.h"

namespace latchkey::policy {

ScalarSet scalars_of(const Rule& rule) noexcept {
    ScalarSet out = 0;
    const auto has = [](Mask mask, unsigned i) { return (mask >> i & 1U) != 0; };
    const Mask shared =
        static_cast<Mask>((rule.share.plain ? kNo : 0) | (rule.share.kind == ShareKind::None ? 0 : kYes));
    for (unsigned qos = 0; qos < 3; ++qos) {
        if (!has(rule.qos, qos)) continue;
        for (unsigned a = 0; a < 2; ++a) {
            for (unsigned b = 0; b < 2; ++b) {
                if (has(rule.acts, 0) && has(rule.retain, a) && has(rule.via, b))
                    out |= publish_scalar(qos, a, b);
                if (!has(rule.wild, a) || !has(shared, b)) continue;
                if (has(rule.acts, 1)) out |= subscribe_scalar(qos, a, b);
                if (has(rule.acts, 3)) out |= receive_scalar(qos, a, b);
            }
        }
    }
    for (unsigned wild = 0; wild < 2; ++wild) {
        if (has(rule.acts, 2) && has(rule.wild, wild)) out |= unsubscribe_scalar(wild);
    }
    return out;
}

}  // namespace latchkey::policy
