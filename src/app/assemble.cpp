// See assemble.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/assemble.h"

#include <set>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "config/listener_transport.h"
#include "net/tls.h"

namespace latchkey::app {
namespace {

/// Strings of an Error for a fault: the remedy becomes the hint.
void add_error(Faults& faults, const Position& at, std::string_view what, const Error& error) {
    std::string message = fmt::format("{}: {}", what, error.info().text);
    if (!error.detail().empty()) message += fmt::format(": {}", error.detail());
    faults.error(at, std::move(message), std::string(error.info().remedy));
}

void raise(auth::HealthState& state, auth::HealthState other) {
    if (static_cast<int>(other) > static_cast<int>(state)) state = other;
}

}  // namespace

std::unique_ptr<Assembly> Assembly::build(config::Configuration configuration, const Services& services,
                                          policy::PolicyVersion version, Faults& faults) {
    std::unique_ptr<Assembly> assembly(new Assembly(std::move(configuration)));
    Faults found;
    assembly->make_realms(services, found);
    if (!found.has_errors()) assembly->make_pipelines(services, found);
    if (!found.has_errors()) assembly->make_policy(version, found);
    assembly->tls_ = assembly->load_tls(found);
    for (const Fault& fault : found.all())
        faults.add(fault);
    if (found.has_errors()) return nullptr;
    return assembly;
}

void Assembly::make_realms(const Services& services, Faults& faults) {
    for (const config::RealmEntry& entry : configuration_.realms) {
        if (!entry.enabled || std::holds_alternative<config::UnsupportedRealm>(entry.settings)) continue;
        auto realm = make_realm(entry, services);
        if (!realm) {
            add_error(faults, entry.at, "realm " + entry.name, realm.error());
            continue;
        }
        realms_.emplace(entry.name, *std::move(realm));
    }
}

void Assembly::make_pipelines(const Services& services, Faults& faults) {
    for (const config::PipelineConfig& pipeline : configuration_.pipelines) {
        if (!pipeline.closed.empty()) {
            pipelines_.emplace(pipeline.listener, nullptr);
            continue;
        }
        auth::PipelineParts parts{.name = pipeline.name,
                                  .listener = pipeline.listener,
                                  .before_authentication = {},
                                  .chain = {},
                                  .before_authorization = {},
                                  .authorizers = {},
                                  .require_grants = pipeline.require_grants,
                                  .session_cap = configuration_.broker.session_cap};
        for (const config::PreprocessorEntry& entry : pipeline.before_authentication)
            parts.before_authentication.push_back(make_preprocessor(entry));
        for (const config::PreprocessorEntry& entry : pipeline.before_authorization)
            parts.before_authorization.push_back(make_preprocessor(entry));
        for (const config::AuthenticationStep& step : pipeline.authenticate) {
            auto link = make_link(step, realms_);
            if (link)
                parts.chain.push_back(*std::move(link));
            else
                add_error(faults, step.at, "realm " + step.realm, link.error());
        }
        for (const config::AuthorizationStep& step : pipeline.authorize) {
            auto authorizer = make_authorizer(step, realms_);
            if (authorizer)
                parts.authorizers.push_back(*std::move(authorizer));
            else
                add_error(faults, step.at, "realm " + step.realm, authorizer.error());
        }
        pipelines_.emplace(pipeline.listener,
                           std::make_shared<const auth::Pipeline>(std::move(parts), services.authorities));
    }
}

void Assembly::make_policy(policy::PolicyVersion version, Faults& faults) {
    const Position start{configuration_.file, 1, 1};
    policy::PolicyBuilder builder;
    std::set<std::string> contributed;
    for (const auto& [listener, pipeline] : pipelines_) {
        if (!pipeline) continue;
        if (const auto added = pipeline->contribute(builder, contributed); !added)
            add_error(faults, start, "rights of listener " + listener, added.error());
    }
    auto policy = builder.build(version);
    if (policy)
        policy_ = *std::move(policy);
    else
        add_error(faults, start, "policy", policy.error());
}

Assembly::TlsContexts Assembly::load_tls(Faults& faults) const {
    TlsContexts contexts;
    for (const config::ListenerConfig& listener : configuration_.listeners) {
        if (!config::has_tls(listener.kind)) continue;
        auto context =
            net::TlsContext::load({.certificate_file = listener.certificate,
                                   .key_file = listener.key,
                                   .client_certificate = listener.client_certificate,
                                   .client_ca_file = listener.client_ca,
                                   .protocol = config::is_websocket(listener.kind) ? net::TlsProtocol::Http
                                                                                   : net::TlsProtocol::Mqtt});
        if (context)
            contexts.emplace(listener.name, *std::move(context));
        else
            add_error(faults, listener.at, "listener " + listener.name, context.error());
    }
    return contexts;
}

bool Assembly::renew_tls(Faults& faults) {
    Faults found;
    TlsContexts contexts = load_tls(found);
    for (const Fault& fault : found.all())
        faults.add(fault);
    if (found.has_errors()) return false;
    tls_ = std::move(contexts);
    return true;
}

std::vector<std::string> tls_files(const config::Configuration& configuration) {
    std::vector<std::string> files;
    for (const config::ListenerConfig& listener : configuration.listeners) {
        for (const std::string* file : {&listener.certificate, &listener.key, &listener.client_ca})
            if (!file->empty()) files.push_back(*file);
    }
    return files;
}

bool Assembly::prepare(Faults& faults) {
    bool ready = true;
    for (const auto& [name, realm] : realms_) {
        const auto prepared = realm.realm().prepare();
        if (prepared) continue;
        ready = false;
        const config::RealmEntry* entry = configuration_.realm(name);
        add_error(faults, entry == nullptr ? Position{configuration_.file, 1, 1} : entry->source_at,
                  "realm " + name, prepared.error());
    }
    return ready;
}

void Assembly::drain() {
    for (const auto& [name, realm] : realms_)
        realm.realm().drain();
}

std::shared_ptr<const auth::Pipeline> Assembly::pipeline_of(std::string_view listener) const {
    if (const auto own = pipelines_.find(listener); own != pipelines_.end()) return own->second;
    const auto all = pipelines_.find(auth::Pipelines::kAll);
    return all == pipelines_.end() ? nullptr : all->second;
}

std::shared_ptr<broker::Epoch> Assembly::make_epoch(const std::string& admin_url) const {
    auto epoch = std::make_shared<broker::Epoch>();
    epoch->policy = policy_;
    epoch->settings = config::settings_of(configuration_.limits);
    epoch->settings.sys_interval = configuration_.broker.sys_interval;
    epoch->settings.admin_url = admin_url;
    for (const config::ListenerConfig& listener : configuration_.listeners) {
        const config::PipelineConfig* pipeline = configuration_.pipeline_of(listener.name);
        const auto tls = tls_.find(listener.name);
        const bool disconnect =
            pipeline != nullptr && pipeline->on_denied_publish == config::OnDeniedPublish::Disconnect;
        epoch->listeners.push_back({.name = listener.name,
                                    .pipeline = pipeline_of(listener.name),
                                    .transport = {.tls = tls == tls_.end() ? nullptr : tls->second,
                                                  .websocket = config::websocket_options(listener),
                                                  .proxy = config::proxy_rules(listener)},
                                    .denied_publish = disconnect ? broker::DeniedPublish::Disconnect
                                                                 : broker::DeniedPublish::Acknowledge});
    }
    return epoch;
}

auth::HealthState Assembly::health(std::vector<std::string>& reasons) const {
    auth::HealthState state = auth::HealthState::Ok;
    for (const std::string& concern : configuration_.concerns)
        reasons.push_back(concern);
    if (!configuration_.concerns.empty()) state = auth::HealthState::Degraded;
    for (const auto& [name, realm] : realms_) {
        const auth::Health health = realm.realm().health();
        // One realm that is down still leaves a broker that serves its sessions and its other listeners.
        if (health.state != auth::HealthState::Ok) raise(state, auth::HealthState::Degraded);
        for (const Error& reason : health.reasons)
            reasons.push_back("realm " + name + ": " + reason.message());
    }
    return state;
}

std::string describe_pipeline(const config::Configuration& configuration, std::string_view listener) {
    const config::PipelineConfig* pipeline = configuration.pipeline_of(listener);
    if (pipeline == nullptr) return "refuses everybody: no pipeline";
    if (!pipeline->closed.empty()) return "refuses everybody: " + pipeline->closed;
    std::vector<std::string> steps;
    for (const config::AuthenticationStep& step : pipeline->authenticate) {
        if (step.allow_all) {
            steps.emplace_back("everybody gets in");
            continue;
        }
        const config::RealmEntry* realm = configuration.realm(step.realm);
        std::string text =
            fmt::format("{} realm {}", realm == nullptr ? "unknown" : realm->kind(), step.realm);
        if (step.jwt) {
            const auto list = [](const std::vector<std::string>& values, std::string_view none) {
                return values.empty() ? std::string(none) : fmt::format("{}", fmt::join(values, " or "));
            };
            text += fmt::format(" (issuer {}; audience {}; scope {})", list(step.jwt->issuer, "unchecked"),
                                list(step.jwt->audience, "unchecked"), list(step.jwt->scope, "unchecked"));
        }
        steps.push_back(std::move(text));
    }
    std::vector<std::string> rights;
    for (const config::AuthorizationStep& step : pipeline->authorize)
        rights.push_back(step.allow_all ? "everything is allowed" : "rights of " + step.realm);
    if (rights.empty()) rights.emplace_back("nothing is allowed");
    return fmt::format("{}; {}; a denied publish {}", fmt::join(steps, ", then "), fmt::join(rights, ", "),
                       pipeline->on_denied_publish == config::OnDeniedPublish::Disconnect
                           ? "disconnects"
                           : "is acknowledged with 0x87");
}

}  // namespace latchkey::app
