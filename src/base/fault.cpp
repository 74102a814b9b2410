// See fault.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <algorithm>

#include "base/utf8.h"

namespace latchkey {

Position position_at(std::string_view file, std::string_view text, std::size_t offset) {
    Position out{std::string(file), 1, 1};
    for (const char c : text.substr(0, offset)) {
        if (c == '\n') {
            ++out.line;
            out.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
            ++out.column;
        }
    }
    return out;
}

std::string to_string(const Fault& fault) {
    std::string out = escape_for_terminal(fault.position.file);
    out += ':' + std::to_string(fault.position.line) + ':' + std::to_string(fault.position.column) + ": ";
    if (fault.severity == Severity::Warning) out += "warning: ";
    out += escape_for_terminal(fault.message);
    if (!fault.hint.empty()) out += "; " + escape_for_terminal(fault.hint);
    return out;
}

bool Faults::has_errors() const noexcept {
    return std::ranges::any_of(faults_, [](const Fault& fault) { return fault.severity == Severity::Error; });
}

std::string Faults::to_text() const {
    std::string out;
    for (const Fault& fault : faults_)
        out += to_string(fault) + '\n';
    return out;
}

}  // namespace latchkey
