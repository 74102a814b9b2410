// Loading: recognises the dialect of a file by its content and reads it into one Configuration with all
// its faults.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "base/result.h"
#include "config/configuration.h"
#include "config/expand.h"

namespace latchkey::config {

struct LoadOptions {
    /// From --listener: these replace the listeners of the file. ESE files have none of their own.
    std::vector<ListenerConfig> listeners;
    /// What this build can open; others are faults.
    std::vector<ListenerKind> listener_kinds{ListenerKind::Tcp, ListenerKind::Tls, ListenerKind::Ws,
                                             ListenerKind::Wss};
    /// --allow-plain-http: provider endpoints over http beyond loopback in an ESE file.
    bool allow_plain_http = false;
    Surroundings surroundings = process_surroundings();
};

struct Loaded {
    /// Present exactly when there is no error among the faults: what serve would start with.
    std::optional<Configuration> configuration;
    Faults faults;
};

/// Reads and judges a file. Contacts nothing but the files it names. @thread control
Loaded load(const std::string& path, const LoadOptions& options);
/// The same for text that is at hand; `path` gives positions and the folder of relative paths.
Loaded load_text(const std::string& path, std::string_view text, const LoadOptions& options);

/// `KIND:[ADDRESS:]PORT[,name=N][,cert=F,key=F][,client-ca=F]`; loopback unless an address is given, IPv6 in
/// brackets; a client-ca demands a client certificate. @error kBadListenerFlag
Result<ListenerConfig> parse_listener_flag(std::string_view text);

}  // namespace latchkey::config
