// [[pipelines]] of native TOML.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>

#include "config/native_parts.h"
#include "config/xml_reader.h"

namespace latchkey::config::native {
namespace {

constexpr std::string_view kAllowAll = "allow-all";

/// The entries of authenticate or authorize: one realm name stands for a list of one.
std::vector<const TomlValue*> steps_of(const Context& context, const TomlValue& table, std::string_view key) {
    std::vector<const TomlValue*> steps;
    const TomlEntry* entry = table.entry(key);
    if (entry == nullptr) {
        context.faults.error(table.at, fmt::format("pipelines.{} is missing", key),
                             fmt::format("name a realm, or write {} = \"allow-all\"", key));
        return steps;
    }
    if (entry->value.type == TomlValue::Type::String || entry->value.type == TomlValue::Type::Table) {
        steps.push_back(&entry->value);
    } else if (entry->value.type == TomlValue::Type::Array) {
        for (const TomlValue& item : entry->value.items)
            steps.push_back(&item);
        if (steps.empty())
            context.faults.error(entry->value.at, fmt::format("pipelines.{} is an empty list", key),
                                 "name a realm");
    } else {
        context.faults.error(entry->value.at,
                             fmt::format("pipelines.{} must not be {}", key, entry->value.type_name()),
                             "name a realm");
    }
    if (steps.size() > 1)
        for (const TomlValue* step : steps)
            if (step->text == kAllowAll)
                context.faults.error(step->at,
                                     fmt::format("allow-all must stand alone in pipelines.{}", key));
    return steps;
}

void read_authenticate_table(const Context& context, const TomlValue& table,
                             const Configuration& configuration, AuthenticationStep& step) {
    static constexpr std::array<std::string_view, 2> kOn{"stop", "next"};
    static constexpr std::string_view kName = "pipelines.authenticate";
    std::vector<std::string_view> known = names_of(kAuthenticateKeys);
    step.realm = string_of(context, table, kName, "realm", true);
    step.link.on_refused = static_cast<auth::OnRefused>(word_of(context, table, kName, "on_refused", kOn, 0));
    step.link.on_failure = static_cast<auth::OnFailure>(word_of(context, table, kName, "on_failure", kOn, 0));
    const RealmEntry* realm = configuration.realm(step.realm);
    if (realm != nullptr) {
        if (const auto* jwt = std::get_if<JwtRealmEntry>(&realm->settings)) {
            for (const std::string_view key : auth::jwt_check_fields().keys())
                known.push_back(key);
            step.jwt = jwt->check;
            read_fields(table, kName, auth::jwt_check_fields(), &*step.jwt, context.folder, context.faults);
        }
    }
    check_keys(table, kName, known, context.faults);
}

void read_authenticate(const Context& context, const TomlValue& table, const Configuration& configuration,
                       PipelineConfig& pipeline) {
    for (const TomlValue* item : steps_of(context, table, "authenticate")) {
        AuthenticationStep step;
        step.at = item->at;
        if (item->type == TomlValue::Type::Table) {
            read_authenticate_table(context, *item, configuration, step);
        } else if (item->type == TomlValue::Type::String) {
            step.allow_all = item->text == kAllowAll;
            if (!step.allow_all) step.realm = item->text;
            if (item->text.empty()) context.faults.error(item->at, "pipelines.authenticate names no realm");
        } else {
            context.faults.error(item->at, fmt::format("pipelines.authenticate holds {}", item->type_name()),
                                 "name a realm");
        }
        pipeline.authenticate.push_back(std::move(step));
    }
}

void read_authorize(const Context& context, const TomlValue& table, PipelineConfig& pipeline) {
    static constexpr std::string_view kName = "pipelines.authorize";
    for (const TomlValue* item : steps_of(context, table, "authorize")) {
        AuthorizationStep step;
        step.at = item->at;
        if (item->type == TomlValue::Type::Table) {
            check_keys(*item, kName, names_of(kAuthorizeKeys), context.faults);
            step.realm = string_of(context, *item, kName, "realm", true);
            step.use_authorization_key = optional_boolean(context, *item, kName, "use_authorization_key");
            step.use_authorization_role_key =
                optional_boolean(context, *item, kName, "use_authorization_role_key");
        } else if (item->type == TomlValue::Type::String) {
            step.allow_all = item->text == kAllowAll;
            if (!step.allow_all) step.realm = item->text;
            if (item->text.empty()) context.faults.error(item->at, "pipelines.authorize names no realm");
        } else {
            context.faults.error(item->at, fmt::format("pipelines.authorize holds {}", item->type_name()),
                                 "name a realm");
        }
        pipeline.authorize.push_back(std::move(step));
    }
}

auth::JwtPreprocessorConfig read_jwt(const Context& context, const TomlValue& table,
                                     const std::string& name) {
    static constexpr std::array<std::string_view, 2> kParts{"claim", "variable"};
    auth::JwtPreprocessorConfig config;
    config.at = table.at;
    config.json_pointers = true;
    check_keys(table, name, names_of(kJwtPreprocessorKeys), context.faults);
    config.prefix = string_of(context, table, name, "prefix");
    config.postfix = string_of(context, table, name, "postfix");
    if (table.entry("source") != nullptr) config.source = string_of(context, table, name, "source");
    for (const TomlValue* item : tables_of(context, table, name, "extract")) {
        check_keys(*item, name + ".extract", kParts, context.faults);
        config.extractions.push_back({string_of(context, *item, name + ".extract", "claim", true),
                                      string_of(context, *item, name + ".extract", "variable", true),
                                      item->at});
    }
    return config;
}

auth::PlainPreprocessorConfig read_plain(const Context& context, const TomlValue& table,
                                         const std::string& name) {
    static constexpr std::array<std::string_view, 3> kParts{"from", "to", "utf8"};
    auth::PlainPreprocessorConfig config;
    config.at = table.at;
    check_keys(table, name, names_of(kPlainPreprocessorKeys), context.faults);
    for (const TomlValue* item : tables_of(context, table, name, "copy")) {
        check_keys(*item, name + ".copy", kParts, context.faults);
        config.transformations.push_back({string_of(context, *item, name + ".copy", "from", true),
                                          string_of(context, *item, name + ".copy", "to", true),
                                          boolean_of(context, *item, name + ".copy", "utf8", false),
                                          item->at});
    }
    return config;
}

std::vector<PreprocessorEntry> read_preprocessors(const Context& context, const TomlValue& table,
                                                  std::string_view key) {
    static constexpr std::array<std::string_view, 2> kKinds{"jwt", "plain"};
    const std::string name = fmt::format("pipelines.{}", key);
    std::vector<PreprocessorEntry> list;
    for (const TomlValue* item : tables_of(context, table, "pipelines", key)) {
        if (item->entry("kind") == nullptr) {
            context.faults.error(item->at, fmt::format("{}.kind is missing", name),
                                 "write kind = \"jwt\" or \"plain\"");
            continue;
        }
        const std::size_t kind = word_of(context, *item, name, "kind", kKinds, kKinds.size());
        if (kind == 0) list.emplace_back(read_jwt(context, *item, name));
        if (kind == 1) list.emplace_back(read_plain(context, *item, name));
    }
    return list;
}

}  // namespace

PipelineConfig read_pipeline(const Context& context, const TomlValue& table,
                             const Configuration& configuration) {
    static constexpr std::array<std::string_view, 2> kOnDenied{"acknowledge", "disconnect"};
    static constexpr std::string_view kName = "pipelines";
    PipelineConfig pipeline;
    pipeline.at = table.at;
    check_keys(table, kName, names_of(kPipelineKeys), context.faults);
    pipeline.listener = string_of(context, table, kName, "listener", true);
    pipeline.name = string_of(context, table, kName, "name");
    if (pipeline.name.empty()) pipeline.name = "pipeline-" + pipeline.listener;
    pipeline.before_authentication = read_preprocessors(context, table, "before_authentication");
    read_authenticate(context, table, configuration, pipeline);
    pipeline.before_authorization = read_preprocessors(context, table, "before_authorization");
    read_authorize(context, table, pipeline);
    pipeline.require_grants = boolean_of(context, table, kName, "require_grants", false);
    pipeline.on_denied_publish =
        static_cast<OnDeniedPublish>(word_of(context, table, kName, "on_denied_publish", kOnDenied, 0));
    return pipeline;
}

}  // namespace latchkey::config::native
