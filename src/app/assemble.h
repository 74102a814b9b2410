// From a configuration to what runs: realms, pipelines, policy and TLS contexts of one epoch. Contacts
// nothing; prepare() does. The same assembly serves `serve`, `check` (never prepared against a real network)
// and `explain`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/registry.h"
#include "auth/pipeline.h"
#include "auth/realm.h"
#include "base/fault.h"
#include "broker/epoch.h"
#include "config/configuration.h"

namespace latchkey::app {

/// @thread control; what it hands out is immutable
class Assembly {
  public:
    /// Null when anything is wrong: `faults` says what and where.
    /// @param version  never used before
    static std::unique_ptr<Assembly> build(config::Configuration configuration, const Services& services,
                                           policy::PolicyVersion version, Faults& faults);

    /// Realms read their files and begin to ask their providers. False: `faults` says what was unusable.
    bool prepare(Faults& faults);
    /// No further calls out.
    void drain();
    /// Reads the files of TLS again. All of them, or nothing changes and `faults` says why.
    bool renew_tls(Faults& faults);

    const config::Configuration& configuration() const noexcept { return configuration_; }
    /// Index = configuration().listeners; the number is given by the broker's control.
    std::shared_ptr<broker::Epoch> make_epoch(const std::string& admin_url) const;
    /// The pipeline that guards a listener of this name; null refuses everybody.
    std::shared_ptr<const auth::Pipeline> pipeline_of(std::string_view listener) const;
    const policy::PolicyRef& policy() const noexcept { return policy_; }
    /// The worst of its realms and of what the configuration itself is worried about.
    auth::HealthState health(std::vector<std::string>& reasons) const;

  private:
    explicit Assembly(config::Configuration configuration) : configuration_(std::move(configuration)) {}
    void make_realms(const Services& services, Faults& faults);
    void make_pipelines(const Services& services, Faults& faults);
    void make_policy(policy::PolicyVersion version, Faults& faults);
    using TlsContexts = std::map<std::string, std::shared_ptr<const net::TlsContext>, std::less<>>;
    TlsContexts load_tls(Faults& faults) const;

    config::Configuration configuration_;
    LiveRealms realms_;
    std::map<std::string, std::shared_ptr<const auth::Pipeline>, std::less<>> pipelines_;  ///< by listener
    TlsContexts tls_;                                                                      ///< by listener
    policy::PolicyRef policy_;
};

/// The files whose content TLS holds: certificates, keys, client CAs.
std::vector<std::string> tls_files(const config::Configuration& configuration);

/// "jwt realm idp (audience api://x), then file realm roles": how logins at this listener are judged.
std::string describe_pipeline(const config::Configuration& configuration, std::string_view listener);

}  // namespace latchkey::app
