// Files in memory for the tests of config, and shorthands over load().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/load.h"

namespace latchkey::config::testing {

/// What a load may see of the machine: these files and variables, nothing else.
struct FakeMachine {
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> variables;

    LoadOptions options() const {
        LoadOptions options;
        options.surroundings.environment = [this](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
        options.surroundings.read_file = [this](const std::string& path) -> std::optional<std::string> {
            const auto found = files.find(path);
            return found == files.end() ? std::nullopt : std::optional(found->second);
        };
        return options;
    }
    Loaded load(const std::string& path) const { return config::load(path, options()); }
};

/// The Okta article's config with its parts exchangeable.
struct EseParts {
    std::string realm_configuration =
        "<jwks-endpoint>https://okta.test/keys</jwks-endpoint>"
        "<introspection-endpoint>https://okta.test/introspect</introspection-endpoint>"
        "<simple-auth><username>CLIENT</username><password>SECRET</password></simple-auth>";
    std::string validation =
        "<jwt-validation><reserved-claims><aud>HiveMQ</aud><scope alt=\"scp\">mqtt</scope></reserved-claims>"
        "</jwt-validation>";
    std::string more_realms;
    std::string before_authentication;
    std::string authenticator;  ///< empty: the jwt manager with `validation`
    std::string before_authorization;
    std::string authorizer = "<allow-all-authorization-manager/>";
    std::string pipeline_attributes = "listener=\"ALL\"";
    std::string more_pipelines;
    std::string access_log;

    /// Each exchangeable part begins a line of its own: 1 root, 2 access log, 3 realm, 4 its configuration, 5
    /// more realms, 6 pipeline, 7 preprocessors, 8 authenticator, 9 preprocessors, 10 authorizer, 11 more
    /// pipelines.
    std::string text() const {
        const std::string manager = authenticator.empty()
                                        ? "<jwt-authentication-manager><realm>Okta</realm>" + validation +
                                              "</jwt-authentication-manager>"
                                        : authenticator;
        return "<enterprise-security-extension>\n" + access_log +
               "\n<realms><jwt-realm><name>Okta</name><enabled>true</enabled>\n<configuration>" +
               realm_configuration + "</configuration></jwt-realm>\n" + more_realms +
               "</realms>\n<pipelines><listener-pipeline " + pipeline_attributes + ">\n" +
               before_authentication + "\n" + manager + "\n" + before_authorization + "\n" + authorizer +
               "</listener-pipeline>\n" + more_pipelines + "</pipelines></enterprise-security-extension>\n";
    }
};

}  // namespace latchkey::config::testing
