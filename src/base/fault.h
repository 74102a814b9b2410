// What is wrong in a file an operator wrote, and where: configuration of every dialect and the file realms
// report in these, printed as FILE:LINE:COL so that editors and CI jump there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace latchkey {

enum class Severity : std::uint8_t { Error, Warning };

/// A place in a file. Lines and columns start at 1; columns count characters.
struct Position {
    std::string file;
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    bool operator==(const Position&) const = default;
};

/// The place of byte `offset` in `text`: what parsers that count bytes need. Characters, not bytes, make
/// columns.
Position position_at(std::string_view file, std::string_view text, std::size_t offset);

struct Fault {
    Severity severity = Severity::Error;
    Position position;
    std::string message;  ///< one sentence without a final period, naming the thing
    std::string hint;     ///< the fix, or the nearest known name; may be empty
};

/// `FILE:LINE:COL: message` or `FILE:LINE:COL: warning: message`, then `; hint` when there is one. One line:
/// control and reordering characters, which come from the file, are escaped.
std::string to_string(const Fault& fault);

/// All faults of a load, in the order found. @thread owner
class Faults {
  public:
    void add(Fault fault) { faults_.push_back(std::move(fault)); }
    void error(Position position, std::string message, std::string hint = {}) {
        add({Severity::Error, std::move(position), std::move(message), std::move(hint)});
    }
    void warning(Position position, std::string message, std::string hint = {}) {
        add({Severity::Warning, std::move(position), std::move(message), std::move(hint)});
    }

    bool has_errors() const noexcept;
    bool empty() const noexcept { return faults_.empty(); }
    std::size_t size() const noexcept { return faults_.size(); }
    const std::vector<Fault>& all() const noexcept { return faults_; }
    /// Every fault on its line, each ended by a newline.
    std::string to_text() const;

  private:
    std::vector<Fault> faults_;
};

}  // namespace latchkey
