// The admin port to begin with: health, recent decisions, totals. Loopback only, since it asks nobody who
// they are; the HTTP server checks the Host header.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/realm.h"
#include "base/result.h"
#include "net/http_server.h"

namespace latchkey::broker {
class Broker;
}

namespace latchkey::admin {

struct ListenerStatus {
    std::string name;
    std::string kind;
    std::string address;
    std::uint16_t port = 0;
};

/// What GET /health tells. Degraded still answers 200: the broker works, somebody should look.
struct HealthReport {
    auth::HealthState state = auth::HealthState::Ok;
    std::vector<std::string> reasons;  ///< one sentence each
    std::vector<ListenerStatus> listeners;
    std::uint64_t policy_version = 0;
};
std::string to_json(const HealthReport& report);

struct AdminOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::function<HealthReport()> health;  ///< called on the server's thread
};

/// The port without its broker: answers 503 until attach(). @thread control
class Admin {
  public:
    /// Takes the port. @error as net::HttpServer::start
    static Result<std::unique_ptr<Admin>> start(AdminOptions options);
    Admin(const Admin&) = delete;
    Admin& operator=(const Admin&) = delete;
    ~Admin();

    const net::Address& address() const;
    /// From now on decisions and totals are answered. The broker must outlive stop().
    void attach(broker::Broker& broker);
    void stop();

  private:
    struct State;
    Admin();
    std::shared_ptr<State> state_;
    std::unique_ptr<net::HttpServer> server_;
};

}  // namespace latchkey::admin
