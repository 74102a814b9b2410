// One fuzz iteration over both readers and everything behind them: the fuzzers and the corpus test call
// it. Returns what contradicts itself, or an empty text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "config/load.h"

namespace latchkey::config::testing {

/// Loads `input` as the configuration and as every file it names.
inline std::string contradiction(std::string_view input, const std::string& path) {
    LoadOptions options;
    options.surroundings.environment = [](const std::string& name) -> std::optional<std::string> {
        return name == "A" ? std::optional<std::string>("value") : std::nullopt;
    };
    options.surroundings.read_file = [&](const std::string& name) -> std::optional<std::string> {
        return name.size() % 2 == 0 ? std::optional<std::string>(input) : std::nullopt;
    };
    const Loaded first = load_text(path, input, options);
    if (first.configuration.has_value() == first.faults.has_errors())
        return "a configuration beside errors, or neither";
    for (const Fault& fault : first.faults.all()) {
        if (fault.position.line == 0 || fault.position.column == 0) return "a fault without a place";
        if (fault.message.empty()) return "a fault without a message";
        if (to_string(fault).find('\n') != std::string::npos) return "a fault of two lines";
    }
    const Loaded second = load_text(path, input, options);
    if (second.faults.to_text() != first.faults.to_text()) return "the second load says something else";
    if (first.configuration) {
        for (const PipelineConfig& pipeline : first.configuration->pipelines)
            if (pipeline.closed.empty() && (pipeline.authenticate.empty() || pipeline.authorize.empty()))
                return "an open pipeline lacks a step";
    }
    return {};
}

}  // namespace latchkey::config::testing
