// The writer: only what differs from the defaults, in the order of the reference.
// SPDX-License-Identifier: Apache-2.0
#include "config/write_native.h"

#include <array>

#include <fmt/core.h>

#include "base/utf8.h"

namespace latchkey::config {
namespace {

std::string text(std::string_view value) {
    return "\"" + escape_for_log(value) + "\"";
}

std::string list(const std::vector<std::string>& values) {
    std::string out = "[";
    for (const std::string& value : values)
        out += (out.size() > 1 ? ", " : "") + text(value);
    return out + "]";
}

/// A key as TOML wants it: bare when it may be.
std::string key_of(std::string_view name) {
    for (const char c : name) {
        const bool bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          c == '_' || c == '-';
        if (!bare) return text(name);
    }
    return name.empty() ? text(name) : std::string(name);
}

class Writer {
  public:
    explicit Writer(const Configuration& configuration) : c_(configuration) {}

    Written run() {
        section("broker", broker_fields(), c_.broker, BrokerConfig{});
        section("limits", limits_fields(), c_.limits, LimitsConfig{});
        section("admin", admin_fields(), c_.admin, AdminConfig{});
        section("logs", logs_fields(), c_.logs, LogsConfig{});
        for (const ListenerConfig& listener : c_.listeners) {
            out_ += "\n[[listeners]]\n";
            rows("", listener_fields(), &listener, &listener_default_);
        }
        for (const RealmEntry& realm : c_.realms)
            write_realm(realm);
        for (const PipelineConfig& pipeline : c_.pipelines)
            write_pipeline(pipeline);
        written_.toml = std::move(out_);
        return std::move(written_);
    }

  private:
    template <class T>
    void section(std::string_view name, const FieldTable& table, const T& value, const T& otherwise) {
        const std::size_t before = out_.size();
        out_ += fmt::format("\n[{}]\n", name);
        const std::size_t head = out_.size();
        rows("", table, &value, &otherwise);
        if (out_.size() == head) out_.resize(before);
    }

    /// `key = value` lines of the rows that differ from `otherwise` or are required.
    void rows(std::string_view owner, const FieldTable& table, const void* value, const void* otherwise) {
        for (const Field& field : table.fields) {
            const std::string now = field.toml_text(field, value);
            if (now.empty() || (!field.required && now == field.toml_text(field, otherwise))) continue;
            out_ += fmt::format("{} = {}\n", field.key,
                                field.kind == FieldKind::Secret
                                    ? secret(fmt::format("{} of realm {}", field.key, owner))
                                    : now);
        }
    }

    /// A placeholder in place of a secret.
    std::string secret(const std::string& meaning) {
        std::string name = "LATCHKEY_";
        for (const char c : meaning) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
            name.push_back(!plain ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
        }
        written_.variables.push_back({name, meaning});
        return text("${ENV:" + name + "}");
    }

    void loss(const Position& at, std::string message) {
        written_.losses.push_back({Severity::Warning, at, std::move(message), {}});
    }

    void write_realm(const RealmEntry& realm) {
        if (const auto* unsupported = std::get_if<UnsupportedRealm>(&realm.settings)) {
            loss(realm.at,
                 fmt::format("realm {} is a {}, which has no counterpart", realm.name, unsupported->element));
            return;
        }
        const std::string name = "realms." + key_of(realm.name);
        out_ += fmt::format("\n[{}]\nkind = \"{}\"\n", name, realm.kind());
        if (!realm.enabled) out_ += "enabled = false\n";
        if (const auto* jwt = std::get_if<JwtRealmEntry>(&realm.settings)) {
            rows(realm.name, auth::jwt_realm_fields(), &jwt->realm, &realm_default_);
            rows(realm.name, auth::jwt_check_fields(), &jwt->check, &check_default_);
        }
        if (const auto* file = std::get_if<FileRealmEntry>(&realm.settings))
            write_file(name, realm.name, file->data);
    }

    void write_file(const std::string& name, const std::string& realm, const auth::FileRealmData& data) {
        for (const auth::FileRole& role : data.roles) {
            out_ += fmt::format("\n[[{}.roles]]\nid = {}\n", name, text(role.id));
            write_permissions(role.permissions);
        }
        for (const auth::FileUser& user : data.users) {
            out_ += fmt::format("\n[[{}.users]]\nname = {}\npassword = {}\n", name, text(user.name),
                                secret(fmt::format("password of user {} of realm {}", user.name, realm)));
            if (!user.roles.empty()) out_ += fmt::format("roles = {}\n", list(user.roles));
            write_permissions(user.permissions);
        }
    }

    void write_permissions(const std::vector<auth::FilePermission>& permissions) {
        static constexpr std::array<std::string_view, 3> kActivities{"publish", "subscribe", "all"};
        static constexpr std::array<std::string_view, 3> kRetentions{"not_retained", "retained", "all"};
        static constexpr std::array<std::string_view, 3> kSharings{"not_shared", "shared", "all"};
        if (permissions.empty()) return;
        out_ += "permissions = [\n";
        for (const auth::FilePermission& permission : permissions) {
            out_ += fmt::format("    {{ topic = {}, activity = \"{}\"", text(permission.topic),
                                kActivities[static_cast<std::size_t>(permission.activity)]);
            if (permission.qos != std::array<bool, 3>{true, true, true}) {
                std::string qos;
                for (std::size_t i = 0; i < 3; ++i)
                    if (permission.qos[i]) qos += (qos.empty() ? "" : ", ") + std::to_string(i);
                out_ += fmt::format(", qos = [{}]", qos);
            }
            if (permission.retain != auth::Retention::All)
                out_ += fmt::format(", retain = \"{}\"",
                                    kRetentions[static_cast<std::size_t>(permission.retain)]);
            if (permission.sharing != auth::Sharing::NotShared) {
                out_ +=
                    fmt::format(", shared = \"{}\"", kSharings[static_cast<std::size_t>(permission.sharing)]);
                if (!permission.shared_group.empty())
                    out_ += ", shared_group = " + text(permission.shared_group);
            }
            out_ += " },\n";
        }
        out_ += "]\n";
    }

    void write_pipeline(const PipelineConfig& pipeline) {
        if (!pipeline.closed.empty()) {
            loss(pipeline.at, fmt::format("the pipeline of listener {} is left out: {}", pipeline.listener,
                                          pipeline.closed));
            return;
        }
        out_ += fmt::format("\n[[pipelines]]\nname = {}\nlistener = {}\n", text(pipeline.name),
                            text(pipeline.listener));
        std::string steps;
        for (const AuthenticationStep& step : pipeline.authenticate)
            steps += (steps.empty() ? "" : ", ") + authentication(step);
        out_ += pipeline.authenticate.size() == 1 && pipeline.authenticate[0].allow_all
                    ? "authenticate = \"allow-all\"\n"
                    : fmt::format("authenticate = [{}]\n", steps);
        steps.clear();
        for (const AuthorizationStep& step : pipeline.authorize)
            steps += (steps.empty() ? "" : ", ") + authorization(step);
        out_ += pipeline.authorize.size() == 1 && pipeline.authorize[0].allow_all
                    ? "authorize = \"allow-all\"\n"
                    : fmt::format("authorize = [{}]\n", steps);
        if (pipeline.require_grants) out_ += "require_grants = true\n";
        if (pipeline.on_denied_publish == OnDeniedPublish::Disconnect)
            out_ += "on_denied_publish = \"disconnect\"\n";
        write_preprocessors("before_authentication", pipeline.before_authentication);
        write_preprocessors("before_authorization", pipeline.before_authorization);
    }

    std::string authentication(const AuthenticationStep& step) {
        std::string more;
        if (step.link.on_refused == auth::OnRefused::Next) more += ", on_refused = \"next\"";
        if (step.link.on_failure == auth::OnFailure::Next) more += ", on_failure = \"next\"";
        const RealmEntry* realm = c_.realm(step.realm);
        const auto* jwt = realm == nullptr ? nullptr : std::get_if<JwtRealmEntry>(&realm->settings);
        if (jwt != nullptr && step.jwt) {
            for (const Field& field : auth::jwt_check_fields().fields) {
                const std::string now = field.toml_text(field, &*step.jwt);
                if (now != field.toml_text(field, &jwt->check))
                    more += fmt::format(", {} = {}", field.key, now);
            }
        }
        return more.empty() ? text(step.realm) : fmt::format("{{ realm = {}{} }}", text(step.realm), more);
    }

    static std::string authorization(const AuthorizationStep& step) {
        std::string more;
        if (step.use_authorization_key)
            more += fmt::format(", use_authorization_key = {}", *step.use_authorization_key);
        if (step.use_authorization_role_key)
            more += fmt::format(", use_authorization_role_key = {}", *step.use_authorization_role_key);
        return more.empty() ? text(step.realm) : fmt::format("{{ realm = {}{} }}", text(step.realm), more);
    }

    /// ESE's dotted claim as a JSON Pointer; a name without dots stays.
    static std::string claim(const auth::JwtPreprocessorConfig& config, const std::string& name) {
        if (config.json_pointers) return name;
        if (name.find('.') == std::string::npos && !name.starts_with('/')) return name;
        std::string pointer = "/";
        for (const char c : name) {
            if (c == '.')
                pointer += '/';
            else if (c == '~')
                pointer += "~0";
            else if (c == '/')
                pointer += "~1";
            else
                pointer += c;
        }
        return pointer;
    }

    void write_preprocessors(std::string_view key, const std::vector<PreprocessorEntry>& entries) {
        for (const PreprocessorEntry& entry : entries) {
            out_ += fmt::format("\n[[pipelines.{}]]\n", key);
            std::string items;
            if (const auto* jwt = std::get_if<auth::JwtPreprocessorConfig>(&entry)) {
                for (const auth::JwtExtraction& item : jwt->extractions)
                    items += fmt::format("{}{{ claim = {}, variable = {} }}", items.empty() ? "" : ", ",
                                         text(claim(*jwt, item.claim)), text(item.variable));
                out_ +=
                    fmt::format("kind = \"jwt\"\nsource = {}\nprefix = {}\npostfix = {}\nextract = [{}]\n",
                                text(jwt->source), text(jwt->prefix), text(jwt->postfix), items);
            } else if (const auto* plain = std::get_if<auth::PlainPreprocessorConfig>(&entry)) {
                for (const auth::PlainTransformation& item : plain->transformations)
                    items += fmt::format("{}{{ from = {}, to = {}, utf8 = {} }}", items.empty() ? "" : ", ",
                                         text(item.from), text(item.to), item.utf8);
                out_ += fmt::format("kind = \"plain\"\ncopy = [{}]\n", items);
            }
        }
    }

    const Configuration& c_;
    const ListenerConfig listener_default_;
    const auth::JwtRealmConfig realm_default_;
    const auth::JwtCheckConfig check_default_;
    std::string out_;
    Written written_;
};

}  // namespace

Written write_native(const Configuration& configuration) {
    return Writer(configuration).run();
}

}  // namespace latchkey::config
