// Copies between variables.
// SPDX-License-Identifier: Apache-2.0
#include "auth/preprocess/plain.h"

#include <utility>

#include "auth/errors.h"
#include "base/utf8.h"

namespace latchkey::auth {
namespace {

Result<void> copy_bytes(Facts& facts, const PlainTransformation& step, VariableType to) {
    const Secret* bytes = facts.bytes(step.from);
    if (bytes == nullptr) return facts.clear(step.to);
    const Standing standing = facts.standing(step.from);
    if (to == VariableType::Bytes) return facts.set_bytes(step.to, *bytes, standing);
    if (!step.utf8) return fail(kVariableType, step.from);
    if (!is_valid_utf8(bytes->expose())) return fail(kBadText, step.from);
    return facts.set_text(step.to, std::string(bytes->expose()), standing);
}

Result<void> copy_text(Facts& facts, const PlainTransformation& step, VariableType to) {
    const std::optional<std::string_view> text = facts.text(step.from);
    if (!text) return facts.clear(step.to);
    const Standing standing = facts.standing(step.from);
    if (to != VariableType::Bytes) return facts.set_text(step.to, std::string(*text), standing);
    if (!step.utf8) return fail(kVariableType, step.from);
    return facts.set_bytes(step.to, Secret(*text), standing);
}

Result<void> copy_roles(Facts& facts, const PlainTransformation& step, VariableType to) {
    const std::vector<std::string>* roles = facts.roles();
    if (roles == nullptr) return facts.clear(step.to);
    if (to == VariableType::Roles) return {};  // onto itself: the only variable of its type
    const std::optional<std::string> text = encode_roles(*roles);
    // A role that the text form cannot hold must not come out as two.
    if (!text || to == VariableType::Bytes) return facts.clear(step.to);
    return facts.set_text(step.to, *text, facts.standing(step.from));
}

}  // namespace

void validate(const PlainPreprocessorConfig& config, Faults& faults) {
    if (config.transformations.empty())
        faults.error(config.at, "a plain-preprocessor without transformations");
    for (const PlainTransformation& step : config.transformations) {
        const Result<VariableKind> from = variable_kind(step.from);
        const Result<VariableKind> to = variable_kind(step.to);
        const auto unknown = [&](const std::string& name) {
            faults.error(step.at, "unknown variable '" + name + "'", std::string(kBadVariable.remedy));
        };
        if (!from) unknown(step.from);
        if (!to) unknown(step.to);
        if (!from || !to) continue;
        if (to->read_only)
            faults.error(step.at, "variable '" + step.to + "' cannot be written",
                         std::string(kReadOnlyVariable.remedy));
        const bool bytes_and_text = (from->type == VariableType::Bytes) != (to->type == VariableType::Bytes);
        if (bytes_and_text && !step.utf8)
            faults.error(step.at, "'" + step.from + "' to '" + step.to + "' mixes text and bytes",
                         "add encoding=\"UTF8\" to the transformation");
    }
}

Result<void> PlainPreprocessor::apply(Facts& facts, const json::Value*) const {
    for (const PlainTransformation& step : config_.transformations) {
        LK_TRY(const VariableKind from, variable_kind(step.from));
        LK_TRY(const VariableKind to, variable_kind(step.to));
        switch (from.type) {
            case VariableType::Bytes:
                LK_CHECK(copy_bytes(facts, step, to.type));
                break;
            case VariableType::Text:
                LK_CHECK(copy_text(facts, step, to.type));
                break;
            case VariableType::Roles:
                LK_CHECK(copy_roles(facts, step, to.type));
                break;
        }
    }
    return {};
}

}  // namespace latchkey::auth
