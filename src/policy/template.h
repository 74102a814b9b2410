// Topics of rules with `${...}` placeholders. What a value must not be, and what then becomes of the rule: an
// allow cannot match, a deny grows until it certainly covers what it was meant for. Substituted once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace latchkey::policy {

enum class Effect : std::uint8_t { Deny, Allow };

/// A placeholder that rules of this origin may use.
struct Variable {
    std::string name;              ///< as between the braces: `mqtt-clientid`
    bool prefix = false;           ///< `string-`: every name that begins so and goes on with a-z 0-9 -
    bool claimed_allowed = false;  ///< may the value be what the client merely says of itself?
};

/// The value of one variable. A list gives one rule per element; an empty list is an absent value.
struct TemplateValue {
    std::string name;
    std::vector<std::string> values;
    bool proven = false;  ///< by a signature or a secret; else the client's own claim
    bool operator==(const TemplateValue&) const = default;
};

/// What was wrong with a template and where: `offset` bytes into its text.
struct TemplateFault {
    Error error;
    std::size_t offset;
};

/// @thread any (immutable)
class Template {
  public:
    /// Rules expand to at most this many filters; an allow beyond that is void, a deny widens.
    static constexpr std::size_t kMaxExpansion = 256;

    /// @error kUnknownPlaceholder | kUnclosedPlaceholder | kBadTemplate | kDollarPlaceholder
    static std::expected<Template, TemplateFault> parse(std::string_view text,
                                                        std::span<const Variable> known);
    /// A filter that is taken as it stands, `${` included.
    static std::expected<Template, TemplateFault> literal(std::string_view filter);

    const std::string& text() const noexcept { return text_; }
    bool has_variables() const noexcept { return !variables_.empty(); }
    const std::vector<std::string>& variables() const noexcept { return variables_; }

    struct Expansion {
        std::vector<std::string> filters;  ///< each a valid filter
        std::string unusable;  ///< first variable whose value could not be used as it is; empty: none
    };
    /// The filters that this template means for these values. Pure.
    Expansion expand(Effect effect, std::span<const TemplateValue> values) const;

  private:
    struct Part {
        bool variable = false;
        std::string text;       ///< of a literal part
        std::size_t index = 0;  ///< of a variable, in variables_
        std::size_t level = 0;  ///< where the part begins, counted from 0
    };
    std::vector<const std::string*> element_list(std::size_t variable,
                                                 std::span<const TemplateValue> values) const;
    bool substitute(Effect effect, std::span<const std::string* const> chosen, std::string& out,
                    std::string& unusable) const;

    std::string text_;
    std::vector<Part> parts_;
    std::vector<std::string> variables_;  ///< distinct, in order of appearance
    std::vector<bool> claimed_allowed_;   ///< one per variable
};

}  // namespace latchkey::policy
