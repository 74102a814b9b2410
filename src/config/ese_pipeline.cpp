// The listener pipelines of an ESE config: two managers, each behind its preprocessors, in the schema's
// order.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>

#include "config/ese_parts.h"

namespace latchkey::config::ese {
namespace {

constexpr std::array<std::string_view, 6> kAuthenticators{
    "jwt-authentication-manager", "file-authentication-manager", "allow-all-authentication-manager",
    "sql-authentication-manager", "ldap-authentication-manager", "oidc-authentication-manager"};
constexpr std::array<std::string_view, 4> kAuthorizers{
    "file-authorization-manager", "allow-all-authorization-manager", "sql-authorization-manager",
    "ldap-authorization-manager"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
    for (const std::string_view candidate : names)
        if (candidate == name) return true;
    return false;
}

void split_words(const std::string& text, std::vector<std::string>& out) {
    std::size_t start = 0;
    while ((start = text.find_first_not_of(" \t\r\n", start)) != std::string::npos) {
        const std::size_t end = std::min(text.find_first_of(" \t\r\n", start), text.size());
        out.push_back(text.substr(start, end - start));
        start = end;
    }
}

/// The claim that an `alt` attribute names instead.
void read_alt(const Context& context, const XmlElement& claim, std::string& name) {
    const auto alt = attribute_text(context, claim, "alt");
    if (!alt) return;
    if (alt->empty()) context.faults.error(claim.attribute("alt")->at, "alt is empty", "name a claim");
    name = *alt;
}

void read_reserved_claims(const Context& context, const XmlElement& block, auth::JwtCheckConfig& check,
                          PipelineConfig& pipeline) {
    static constexpr std::array<std::string_view, 9> kKnown{"aud", "iss", "scope", "sub", "jti",
                                                            "exp", "nbf", "iat",   "azp"};
    static constexpr std::array<std::string_view, 1> kRepeatable{"scope"};
    static constexpr std::array<std::string_view, 1> kAlt{"alt"};
    check_attributes(block, {}, context.faults);
    check_children(block, kKnown, kRepeatable, context.faults);
    for (const XmlElement& claim : block.children) {
        if (!is_one_of(kKnown, claim.name)) continue;
        check_attributes(claim, kAlt, context.faults);
        const std::string value = text_only(context, claim);
        if (claim.name == "aud") {
            check.audience = {value};
            read_alt(context, claim, check.audience_claim);
        } else if (claim.name == "scope") {
            split_words(value, check.scope);
            std::string name = "scope";
            read_alt(context, claim, name);
            const XmlElement* first = block.child("scope");
            if (first != &claim && name != check.scope_claim)
                context.faults.error(claim.at, "two <scope> elements read different claims",
                                     "use one alt for all");
            check.scope_claim = name;
        } else if (claim.name == "iss" && claim.attribute("alt") == nullptr) {
            if (value == "any")  // the native word that switches the check off
                context.faults.error(claim.text_at, "the issuer is \"any\", which is no issuer",
                                     "delete <iss> or name one");
            check.issuer = {value};
        } else {
            close(context, pipeline, claim.at,
                  fmt::format("the check of claim <{}>{} is not supported by this version", claim.name,
                              claim.attribute("alt") != nullptr ? " under another name" : ""));
        }
    }
}

void read_validation(const Context& context, const XmlElement& block, auth::JwtCheckConfig& check,
                     PipelineConfig& pipeline) {
    static constexpr std::array<std::string_view, 3> kKnown{"reserved-claims", "exp-grace", "custom-claims"};
    static constexpr std::array<std::string_view, 1> kGrace{"disconnect-after-expiry"};
    check_attributes(block, {}, context.faults);
    check_children(block, kKnown, {}, context.faults);
    if (const XmlElement* claims = block.child("reserved-claims"))
        read_reserved_claims(context, *claims, check, pipeline);
    if (const XmlElement* custom = block.child("custom-claims"))
        close(context, pipeline, custom->at, "<custom-claims> are not supported by this version");
    const XmlElement* grace = block.child("exp-grace");
    if (grace == nullptr) return;
    check_attributes(*grace, kGrace, context.faults);
    const std::string text = text_only(context, *grace);
    const Field* field = auth::jwt_check_fields().find_xml("exp-grace");
    FieldStatus status = field->assign(*field, &check, FieldValue::of_untyped(text));
    if (!text.empty() && !status.ok())
        context.faults.error(grace->text_at, fmt::format("<exp-grace> {}", status.problem),
                             std::move(status.hint));
    if (const auto disconnect = attribute_text(context, *grace, "disconnect-after-expiry"))
        check.disconnect_after_expiry = read_boolean(grace->attribute("disconnect-after-expiry")->at,
                                                     "disconnect-after-expiry", *disconnect, context.faults)
                                            .value_or(true);
}

template <class Step>
void read_realm_name(const Context& context, const XmlElement& element, Step& step) {
    step.realm = child_text(context, element, "realm");
    if (const XmlElement* named = element.child("realm")) step.realm_at = named->at;
}

void read_authenticator(const Context& context, const XmlElement& element, PipelineConfig& pipeline) {
    AuthenticationStep step;
    step.at = element.at;
    if (element.name == "allow-all-authentication-manager") {
        check_children(element, {}, {}, context.faults);
        check_attributes(element, {}, context.faults);
        step.allow_all = true;
    } else if (element.name == "jwt-authentication-manager") {
        static constexpr std::array<std::string_view, 2> kKnown{"realm", "jwt-validation"};
        check_attributes(element, {}, context.faults);
        check_children(element, kKnown, {}, context.faults);
        step.jwt = auth::ese_check_defaults();
        if (const XmlElement* block = element.child("jwt-validation"))
            read_validation(context, *block, *step.jwt, pipeline);
        read_realm_name(context, element, step);
    } else if (element.name == "file-authentication-manager") {
        static constexpr std::array<std::string_view, 1> kKnown{"realm"};
        check_attributes(element, {}, context.faults);
        check_children(element, kKnown, {}, context.faults);
        read_realm_name(context, element, step);
    } else {
        close(context, pipeline, element.at,
              fmt::format("<{}> is not supported by this version", element.name));
        return;
    }
    pipeline.authenticate.push_back(std::move(step));
}

void read_authorizer(const Context& context, const XmlElement& element, PipelineConfig& pipeline) {
    AuthorizationStep step;
    step.at = element.at;
    check_attributes(element, {}, context.faults);
    if (element.name == "allow-all-authorization-manager") {
        check_children(element, {}, {}, context.faults);
        step.allow_all = true;
    } else if (element.name == "file-authorization-manager") {
        static constexpr std::array<std::string_view, 3> kKnown{"realm", "use-authorization-key",
                                                                "use-authorization-role-key"};
        check_children(element, kKnown, {}, context.faults);
        read_realm_name(context, element, step);
        step.use_authorization_key = child_boolean(context, element, "use-authorization-key");
        step.use_authorization_role_key = child_boolean(context, element, "use-authorization-role-key");
    } else {
        close(context, pipeline, element.at,
              fmt::format("<{}> is not supported by this version", element.name));
        return;
    }
    pipeline.authorize.push_back(std::move(step));
}

/// Where a child stands in the schema's order; 0 for an unknown one.
int rank_of(std::string_view name) {
    if (name == "authentication-preprocessors") return 1;
    if (is_one_of(kAuthenticators, name)) return 2;
    if (name == "authorization-preprocessors") return 3;
    if (is_one_of(kAuthorizers, name)) return 4;
    return 0;
}

std::string_view part_of(int rank) {
    static constexpr std::array<std::string_view, 5> kParts{
        "", "<authentication-preprocessors>", "the authentication manager", "<authorization-preprocessors>",
        "the authorization manager"};
    return kParts[static_cast<std::size_t>(rank)];
}

void unknown_child(const Context& context, const XmlElement& child) {
    std::vector<std::string_view> known(kAuthenticators.begin(), kAuthenticators.end());
    known.insert(known.end(), kAuthorizers.begin(), kAuthorizers.end());
    known.push_back("authentication-preprocessors");
    known.push_back("authorization-preprocessors");
    context.faults.error(child.at, fmt::format("unknown element <{}> in <listener-pipeline>", child.name),
                         unknown_name_hint(child.name, known));
}

void read_parts(const Context& context, const XmlElement& element, PipelineConfig& pipeline) {
    int last = 0;
    std::array<bool, 5> seen{};
    for (const XmlElement& child : element.children) {
        const int rank = rank_of(child.name);
        if (rank == 0) {
            unknown_child(context, child);
            continue;
        }
        if (seen[static_cast<std::size_t>(rank)]) {
            context.faults.error(child.at, fmt::format("{} is given twice in one pipeline", part_of(rank)),
                                 "keep one");
            continue;
        }
        if (rank < last)
            context.faults.error(child.at,
                                 fmt::format("<{}> must stand before {}", child.name, part_of(last)),
                                 "the order is: preprocessors, authentication, preprocessors, authorization");
        last = std::max(last, rank);
        seen[static_cast<std::size_t>(rank)] = true;
        if (rank == 1) pipeline.before_authentication = read_preprocessors(context, child, pipeline);
        if (rank == 2) read_authenticator(context, child, pipeline);
        if (rank == 3) pipeline.before_authorization = read_preprocessors(context, child, pipeline);
        if (rank == 4) read_authorizer(context, child, pipeline);
    }
    for (const int needed : {2, 4})
        if (!seen[static_cast<std::size_t>(needed)])
            context.faults.error(
                element.at, fmt::format("<listener-pipeline> lacks {}", part_of(needed)),
                needed == 2 ? "as <jwt-authentication-manager>"
                            : "as <file-authorization-manager>, or <allow-all-authorization-manager/>");
}

}  // namespace

PipelineConfig read_pipeline(const Context& context, const XmlElement& element) {
    static constexpr std::array<std::string_view, 2> kKnown{"listener", "name"};
    PipelineConfig pipeline;
    pipeline.at = element.at;
    pipeline.on_denied_publish = OnDeniedPublish::Disconnect;
    check_attributes(element, kKnown, context.faults);
    pipeline.listener = attribute_text(context, element, "listener").value_or("");
    if (pipeline.listener.empty())
        context.faults.error(element.at, "<listener-pipeline> names no listener",
                             "write listener=\"ALL\" or the name of one");
    pipeline.name = attribute_text(context, element, "name").value_or("");
    if (pipeline.name.empty()) pipeline.name = "pipeline-" + pipeline.listener;
    if (element.children.empty() && !element.text.empty()) check_children(element, {}, {}, context.faults);
    read_parts(context, element, pipeline);
    return pipeline;
}

}  // namespace latchkey::config::ese
