// `serve --dev`: the configuration it runs with, and what it prints for people to paste.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "admin/admin.h"
#include "app/dev_folder.h"
#include "net/http_server.h"

namespace latchkey::app {

inline constexpr std::uint16_t kDevTcpPort = 1883;
inline constexpr std::uint16_t kDevTlsPort = 8883;
inline constexpr std::uint16_t kDevWsPort = 8083;
inline constexpr std::uint16_t kDevAdminPort = 8080;

/// The running parts of development mode; the issuer serves from the folder.
struct DevMode {
    std::unique_ptr<DevFolder> folder;
    std::unique_ptr<net::HttpServer> issuer;
    std::string config_path;
};

/// Makes or opens the folder, starts the issuer, writes the configuration and fresh tokens.
/// @param data  absolute @error as DevFolder::open and start_dev_issuer @thread control
Result<std::unique_ptr<DevMode>> start_dev_mode(const std::string& data, std::uint16_t admin_port,
                                                Random& random, const Clock& clock);

/// The native configuration that --dev serves. Pure.
std::string dev_config(const DevFolder& folder, std::uint16_t admin_port);

/// What people read once everything listens: labels, and below each a command that begins with two spaces.
/// Pure.
std::string dev_welcome(const DevFolder& folder, const std::string& binary, const std::string& config_path,
                        const std::vector<admin::ListenerStatus>& listeners, const std::string& admin_url);

}  // namespace latchkey::app
