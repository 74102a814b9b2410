// Running: everything a broker process holds, in the order in which it must go again. serve.cpp decides what
// to run, this keeps it alive.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/admin.h"
#include "app/assemble.h"
#include "app/mailbox_loop.h"
#include "auth/login_log.h"
#include "broker/broker.h"
#include "config/load.h"
#include "net/listener.h"
#include "store/identity.h"

namespace latchkey::app {

struct RunOptions {
    std::string path;          ///< of the configuration, for reload
    config::LoadOptions load;  ///< likewise
    unsigned shards = 1;
    bool admin_port_is_wish = false;  ///< taken? then any free port will do
};

/// @thread control, except health()
class Running {
  public:
    Running() = default;
    ~Running() { stop(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    const Clock& clock() const { return clock_; }
    Random& random() { return random_; }
    /// Locks the data folder; first of all. @error as store::Identity::open
    Result<void> open_data(const std::string& folder);
    /// Everything up to accepting listeners. False: faults of the configuration were printed.
    /// @error of the first part that would not start
    Result<bool> start(RunOptions options, config::Configuration configuration);
    /// DESIGN 2: pid, listeners and admin port as JSON, whole or not at all.
    Result<void> write_ready_file(const std::string& path) const;
    /// Reads the configuration again and makes it the next epoch; a broken one changes nothing and says why.
    void reload();
    /// Ends sessions by the book, then everything in reverse. Idempotent.
    void stop();

    const std::vector<admin::ListenerStatus>& listeners() const { return listeners_; }
    std::string admin_url() const;
    /// @thread any
    admin::HealthReport health() const;

  private:
    Result<void> open_logs(const config::LogsConfig& logs);
    Result<void> start_services();
    Result<void> start_admin(const config::AdminConfig& admin, bool port_is_wish);
    Result<void> start_broker(unsigned shards);
    Result<std::unique_ptr<net::TcpListener>> open_listener(const config::ListenerConfig& listener);
    std::shared_ptr<Assembly> assemble(config::Configuration configuration, Faults& faults);
    Result<void> same_listeners(const config::Configuration& configuration) const;
    void adopt(std::shared_ptr<Assembly> assembly);

    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<store::Identity> identity_;
    std::unique_ptr<auth::LineLog> access_;
    std::unique_ptr<auth::LineLog> audit_;
    std::unique_ptr<auth::LoginLog> login_log_;
    std::unique_ptr<policy::AuthorityTable> authorities_;
    std::unique_ptr<MailboxLoop> background_;
    std::unique_ptr<net::Executor> background_thread_;
    std::unique_ptr<broker::Broker> broker_;
    std::unique_ptr<net::HttpClient> http_;
    std::unique_ptr<net::WorkerPool> pool_;
    std::optional<Services> services_;
    RunOptions options_;
    /// Guards assembly_ and listeners_: a start or a reload changes them while the admin thread asks for
    /// health.
    mutable std::mutex mutex_;
    std::shared_ptr<Assembly> assembly_;
    std::vector<std::unique_ptr<net::TcpListener>> sockets_;
    std::vector<admin::ListenerStatus> listeners_;
    std::unique_ptr<admin::Admin> admin_;
};

}  // namespace latchkey::app
