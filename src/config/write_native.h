// Writing a configuration as native TOML: what `import` prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/configuration.h"

namespace latchkey::config {

struct Written {
    std::string toml;
    /// Environment variables that stand where secrets were: a secret is never printed.
    struct Variable {
        std::string name;
        std::string meaning;  ///< "client_secret of realm okta"
    };
    std::vector<Variable> variables;
    /// What could not be carried over and protects: each with its place in the original.
    std::vector<Fault> losses;
};

/// @param configuration  finished, without errors @thread any
Written write_native(const Configuration& configuration);

}  // namespace latchkey::config
