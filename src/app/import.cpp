// `latchkey import`: another product's configuration as native TOML on standard output, what could not be
// carried over on standard error.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include <fmt/core.h>

#include "app/cli.h"
#include "app/files.h"
#include "app/registry.h"
#include "config/load.h"
#include "config/write_native.h"

namespace latchkey::app {

int run_import(const ImportArgs& args) {
    config::LoadOptions options;
    options.listener_kinds.assign(supported_listeners().begin(), supported_listeners().end());
    const config::Loaded loaded = config::load(args.file, options);
    std::fputs(loaded.faults.to_text().c_str(), stderr);
    if (!loaded.configuration) return kFailed;
    if (loaded.configuration->dialect != config::Dialect::HivemqEse) {
        complain(fmt::format("{} is a {} configuration, not {}", args.file,
                             config::name_of(loaded.configuration->dialect), args.kind));
        return kFailed;
    }
    const config::Written written = config::write_native(*loaded.configuration);
    std::fputs(written.toml.c_str(), stdout);
    for (const config::Written::Variable& variable : written.variables)
        complain(fmt::format("set {}: {}", variable.name, variable.meaning));
    for (const Fault& loss : written.losses)
        std::fputs((to_string(loss) + "\n").c_str(), stderr);
    return written.losses.empty() ? kOk : kProtectionLost;
}

}  // namespace latchkey::app
