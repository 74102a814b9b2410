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
#include "app/file_watch.h"
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
    /// Every second or so: certificates, keys and client CAs that were renewed on disk come into use by
    /// themselves; broken ones leave the old in place and degrade health.
    void look_after_files();
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
    void set_trouble(std::string& which, std::string text);

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
    /// Guards assembly_, listeners_ and the troubles: a start or a reload changes them while the admin thread
    /// asks for health.
    mutable std::mutex mutex_;
    std::shared_ptr<Assembly> assembly_;
    std::string tls_trouble_;     ///< why renewed files are not in use; empty: nothing is wrong
    std::string reload_trouble_;  ///< why the last reload was refused; empty: it was not
    FileWatch tls_files_;
    std::vector<std::unique_ptr<net::TcpListener>> sockets_;
    std::vector<admin::ListenerStatus> listeners_;
    std::unique_ptr<admin::Admin> admin_;
};

}  // namespace latchkey::app
