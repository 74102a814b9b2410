// Judging a configuration as a whole, for every dialect alike.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "config/configuration.h"
#include "config/listener_transport.h"
#include "config/xml_reader.h"
#include "net/address.h"

namespace latchkey::config {
namespace {

/// Runs the checks in the order in which a reader of the faults would follow the file.
class Judge {
  public:
    Judge(Configuration& configuration, Faults& faults)
        : c_(configuration), faults_(faults), native_(configuration.dialect == Dialect::Native) {}

    void run() {
        listeners();
        realms();
        pipelines();
        coverage();
        admin();
    }

  private:
    static std::string place(const Position& at) {
        return fmt::format("{}:{}:{}", at.file, at.line, at.column);
    }
    void concern(const Position& at, const std::string& why) {
        c_.concerns.push_back(place(at) + ": " + why);
    }

    /// Faults of a room's own validate(), without those at a place that has an error already: an empty value
    /// is told once.
    template <class Check>
    void judged(Check check) {
        Faults found;
        check(found);
        for (const Fault& fault : found.all()) {
            const bool told = std::ranges::any_of(faults_.all(), [&](const Fault& other) {
                return other.severity == Severity::Error && other.position == fault.position;
            });
            const bool twice = std::ranges::any_of(faults_.all(), [&](const Fault& other) {
                return other.position == fault.position && other.message == fault.message;
            });
            if (!told && !twice) faults_.add(fault);
        }
    }

    void listeners() {
        for (ListenerConfig& listener : c_.listeners) {
            if (listener.name.empty())
                listener.name = fmt::format("{}-{}", name_of(listener.kind), listener.port);
            listener_tls(listener);
            judge_listener_transport(listener, faults_);
            const auto address = net::parse_address(listener.address, listener.port);
            if (!address) {
                faults_.error(listener.at, fmt::format("address \"{}\" is no IP address", listener.address),
                              "write one as 127.0.0.1, 0.0.0.0 or ::1");
            } else if (!has_tls(listener.kind) && !address->loopback()) {
                plain_beyond_loopback(listener);
            }
        }
        for (std::size_t i = 0; i < c_.listeners.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                same_listener(c_.listeners[j], c_.listeners[i]);
    }

    void same_listener(const ListenerConfig& first, const ListenerConfig& second) {
        if (first.name == second.name)
            faults_.error(second.at, fmt::format("two listeners are called {}", second.name),
                          fmt::format("the first stands at {}", place(first.at)));
        if (first.port != 0 && first.port == second.port && first.address == second.address)
            faults_.error(second.at, fmt::format("listeners {} and {} want the same address and port",
                                                 first.name, second.name));
    }

    void listener_tls(ListenerConfig& listener) {
        const bool pair = !listener.certificate.empty() && !listener.key.empty();
        const bool any = !listener.certificate.empty() || !listener.key.empty() ||
                         !listener.client_ca.empty() ||
                         listener.client_certificate != net::ClientCertificate::None;
        if (has_tls(listener.kind) && !pair)
            faults_.error(listener.at,
                          fmt::format("listener {} needs a certificate and its key", listener.name),
                          listener.from_flag ? "add cert=FILE,key=FILE" : "add certificate and key");
        if (!has_tls(listener.kind) && any)
            faults_.error(listener.at,
                          fmt::format("listener {} is {}, which has no certificates", listener.name,
                                      name_of(listener.kind)),
                          listener.kind == ListenerKind::Tcp ? "is kind tls meant?" : "is kind wss meant?");
        if (!listener.client_ca.empty() && listener.client_certificate == net::ClientCertificate::None)
            listener.client_certificate = net::ClientCertificate::Required;
        if (listener.client_ca.empty() && listener.client_certificate != net::ClientCertificate::None)
            faults_.error(
                listener.at,
                fmt::format("listener {} asks for client certificates without client_ca", listener.name),
                "name the CAs that are trusted");
    }

    void plain_beyond_loopback(const ListenerConfig& listener) {
        if (listener.allow_plain_credentials) return;
        const std::string message =
            fmt::format("listener {} at {} takes passwords and tokens without TLS from beyond this machine",
                        listener.name, listener.address);
        const std::string_view secure = is_websocket(listener.kind) ? "wss" : "tls";
        if (native_ && !listener.from_flag)
            faults_.error(listener.at, message,
                          fmt::format("use kind {}, or write allow_plain_credentials = true", secure));
        else
            faults_.warning(listener.at, message, fmt::format("use {}", secure));
    }

    void realms() {
        for (std::size_t i = 0; i < c_.realms.size(); ++i) {
            const RealmEntry& realm = c_.realms[i];
            for (std::size_t j = 0; j < i; ++j)
                if (!realm.name.empty() && c_.realms[j].name == realm.name)
                    faults_.error(realm.at, fmt::format("two realms are called {}", realm.name),
                                  fmt::format("the first stands at {}", place(c_.realms[j].at)));
            if (const auto* jwt = std::get_if<JwtRealmEntry>(&realm.settings))
                judged([&](Faults& found) { auth::validate(jwt->realm, realm.source_at, found); });
            if (const auto* file = std::get_if<FileRealmEntry>(&realm.settings))
                judged([&](Faults& found) { auth::validate(file->data, found); });
        }
    }

    /// The realm a step names, or null; unknown names are reported with the nearest.
    const RealmEntry* find_realm(const std::string& name, const Position& at) {
        if (name.empty()) return nullptr;  // told by the reader
        if (const RealmEntry* realm = c_.realm(name)) return realm;
        std::vector<std::string_view> names;
        for (const RealmEntry& realm : c_.realms)
            names.push_back(realm.name);
        faults_.error(at, fmt::format("realm {} does not exist", name),
                      names.empty() ? "no realm is configured" : unknown_name_hint(name, names));
        return nullptr;
    }

    void close(PipelineConfig& pipeline, const Position& at, const std::string& why) {
        if (pipeline.closed.empty()) pipeline.closed = why;
        faults_.warning(
            at, fmt::format("the pipeline of listener {} refuses everybody: {}", pipeline.listener, why));
    }

    void pipelines() {
        for (std::size_t i = 0; i < c_.pipelines.size(); ++i) {
            PipelineConfig& pipeline = c_.pipelines[i];
            for (std::size_t j = 0; j < i; ++j)
                if (!pipeline.listener.empty() && c_.pipelines[j].listener == pipeline.listener)
                    faults_.error(pipeline.at,
                                  fmt::format("two pipelines guard listener {}", pipeline.listener),
                                  fmt::format("the first stands at {}; keep one", place(c_.pipelines[j].at)));
            preprocessors(pipeline);
            for (AuthenticationStep& step : pipeline.authenticate)
                authentication(pipeline, step);
            for (AuthorizationStep& step : pipeline.authorize)
                authorization(pipeline, step);
            issuers(pipeline);
            if (!pipeline.closed.empty())
                concern(pipeline.at, fmt::format("the pipeline of listener {} refuses everybody: {}",
                                                 pipeline.listener, pipeline.closed));
        }
    }

    void preprocessors(const PipelineConfig& pipeline) {
        const auto all = [&](const std::vector<PreprocessorEntry>& list, bool before_authentication) {
            for (const PreprocessorEntry& entry : list)
                judged([&](Faults& found) {
                    if (const auto* jwt = std::get_if<auth::JwtPreprocessorConfig>(&entry))
                        auth::validate(*jwt, before_authentication, found);
                    if (const auto* plain = std::get_if<auth::PlainPreprocessorConfig>(&entry))
                        auth::validate(*plain, found);
                });
        };
        all(pipeline.before_authentication, true);
        all(pipeline.before_authorization, false);
    }

    void authentication(PipelineConfig& pipeline, AuthenticationStep& step) {
        if (step.allow_all) {
            const std::string message =
                fmt::format("everybody gets in at listener {} without a password", pipeline.listener);
            faults_.warning(step.at, message,
                            "fine for a first try; name a realm before anybody relies on it");
            concern(step.at, message);
            return;
        }
        const RealmEntry* realm =
            find_realm(step.realm, step.realm_at.file.empty() ? step.at : step.realm_at);
        if (realm == nullptr) return;
        if (const auto* unsupported = std::get_if<UnsupportedRealm>(&realm->settings)) {
            if (step.jwt)
                faults_.error(step.at, fmt::format("realm {} is a {}, not a jwt-realm", realm->name,
                                                   unsupported->element));
            else
                close(pipeline, step.at,
                      fmt::format("<{}> is not supported by this version", unsupported->element));
            return;
        }
        if (!realm->enabled) close(pipeline, step.at, fmt::format("realm {} is not enabled", realm->name));
        const auto* jwt = std::get_if<JwtRealmEntry>(&realm->settings);
        if (!native_ && (jwt != nullptr) != step.jwt.has_value()) {
            faults_.error(step.at,
                          fmt::format("realm {} is a {}-realm, which this manager cannot use", realm->name,
                                      realm->kind()),
                          fmt::format("use <{}-authentication-manager>", realm->kind()));
            return;
        }
        if (jwt == nullptr) return;
        if (!step.jwt) step.jwt = jwt->check;
        token_check(pipeline, step, *jwt);
    }

    void token_check(const PipelineConfig& pipeline, const AuthenticationStep& step,
                     const JwtRealmEntry& jwt) {
        judged([&](Faults& found) { auth::validate(jwt.realm, *step.jwt, step.at, native_, found); });
        if (!step.jwt->audience.empty()) return;
        if (unlimited(step, jwt)) {
            concern(
                step.at,
                fmt::format("listener {} takes any token that the keys of realm {} sign: neither audience "
                            "nor issuer is checked",
                            pipeline.listener, jwt.realm.name));
        } else {
            faults_.warning(
                step.at,
                fmt::format("realm '{}': the audience is not checked, so that tokens for every other "
                            "application of this issuer get in too",
                            jwt.realm.name),
                native_ ? "set audience" : "add <reserved-claims><aud>...</aud></reserved-claims>");
        }
    }
    static bool unlimited(const AuthenticationStep& step, const JwtRealmEntry& jwt) {
        const std::vector<std::string>& issuer = step.jwt->issuer;
        const bool any = issuer.size() == 1 && issuer.front() == "any";
        return any || (issuer.empty() && auth::entra_tenant(jwt.realm.jwks_url).empty());
    }

    /// A trust entry without an issuer would claim every token: it must be alone.
    void issuers(const PipelineConfig& pipeline) {
        std::size_t tokens = 0;
        for (const AuthenticationStep& step : pipeline.authenticate)
            tokens += step.jwt ? 1 : 0;
        if (tokens < 2) return;
        for (const AuthenticationStep& step : pipeline.authenticate) {
            const RealmEntry* realm = c_.realm(step.realm);
            const auto* jwt = realm == nullptr ? nullptr : std::get_if<JwtRealmEntry>(&realm->settings);
            if (jwt == nullptr || !step.jwt || !unlimited(step, *jwt)) continue;
            faults_.error(
                step.at,
                fmt::format("realm {} checks no issuer and stands beside another token realm", step.realm),
                "set issuer: it decides whose token it is");
        }
    }

    void authorization(PipelineConfig& pipeline, const AuthorizationStep& step) {
        if (step.allow_all) {
            faults_.warning(
                step.at,
                fmt::format("everybody let in at listener {} may publish and subscribe everything",
                            pipeline.listener),
                "allow-all is for a first try; a file realm gives rights by role");
            return;
        }
        if (step.use_authorization_key == false && step.use_authorization_role_key == false)
            faults_.warning(step.at, "neither the user nor the roles are looked up: nobody gets any right",
                            native_ ? "set one to true" : "set <use-authorization-role-key> to true");
        const RealmEntry* realm =
            find_realm(step.realm, step.realm_at.file.empty() ? step.at : step.realm_at);
        if (realm == nullptr) return;
        if (const auto* unsupported = std::get_if<UnsupportedRealm>(&realm->settings))
            close(pipeline, step.at,
                  fmt::format("<{}> is not supported by this version", unsupported->element));
        else if (!std::holds_alternative<FileRealmEntry>(realm->settings))
            faults_.error(
                step.at,
                fmt::format("realm {} is a {} realm and knows no rights", realm->name, realm->kind()),
                "name a file realm");
        else if (!realm->enabled)
            close(pipeline, step.at, fmt::format("realm {} is not enabled", realm->name));
    }

    void coverage() {
        for (const ListenerConfig& listener : c_.listeners) {
            if (c_.pipeline_of(listener.name) != nullptr) continue;
            const std::string message =
                fmt::format("no pipeline guards listener {}: it refuses everybody", listener.name);
            if (native_)
                faults_.error(listener.at, fmt::format("no pipeline guards listener {}", listener.name),
                              "add [[pipelines]] with its name, or with listener = \"ALL\"");
            else
                faults_.warning(listener.at, message, "add a <listener-pipeline> for it, or for ALL");
            concern(listener.at, message);
        }
        if (c_.listeners.empty()) return;
        std::vector<std::string_view> names{"ALL"};
        for (const ListenerConfig& listener : c_.listeners)
            names.push_back(listener.name);
        for (const PipelineConfig& pipeline : c_.pipelines) {
            if (pipeline.listener.empty() || std::ranges::find(names, pipeline.listener) != names.end())
                continue;
            const std::string message =
                fmt::format("the pipeline guards listener {}, which does not exist", pipeline.listener);
            const bool flags = c_.listeners.front().from_flag;
            if (native_ && !flags)
                faults_.error(pipeline.at, message, unknown_name_hint(pipeline.listener, names));
            else
                faults_.warning(pipeline.at, message, unknown_name_hint(pipeline.listener, names));
        }
    }

    void admin() {
        if (!c_.admin.enabled) return;
        const auto address = net::parse_address(c_.admin.address, c_.admin.port);
        if (!address || !address->loopback())
            faults_.error({c_.file, 1, 1}, fmt::format("admin.address is \"{}\"", c_.admin.address),
                          "the admin port has no logins yet and stays on loopback: write 127.0.0.1 or ::1");
    }

    Configuration& c_;
    Faults& faults_;
    const bool native_;
};

}  // namespace

void finish(Configuration& configuration, Faults& faults) {
    Judge(configuration, faults).run();
}

}  // namespace latchkey::config
