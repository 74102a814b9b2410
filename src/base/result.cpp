// See result.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

namespace latchkey {

std::string Error::message() const {
    std::string out(info_->text);
    if (size_ != 0) out.append(": ").append(detail());
    if (!info_->remedy.empty()) out.append(". ").append(info_->remedy);
    return out;
}

}  // namespace latchkey
