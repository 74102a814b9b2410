// The ESE row of the policy page's table.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/file/compile.h"

#include <utility>
#include <vector>

#include "auth/facts.h"

namespace latchkey::auth {
namespace {

/// ESE lets every text variable stand in a topic, the client's own claims among them.
const std::vector<policy::Variable>& known_variables() {
    static const std::vector<policy::Variable> kVariables{
        {std::string(kMqttClientId), false, true},
        {std::string(kMqttUsername), false, true},
        {std::string(kAuthenticationKey), false, true},
        {std::string(kAuthorizationKey), false, true},
        {"string-", true, true},
    };
    return kVariables;
}

policy::Mask acts_of(Activity activity) {
    switch (activity) {
        case Activity::Publish:
            return policy::acts_of(policy::Act::Publish);
        case Activity::Subscribe:
            return policy::acts_of(policy::Act::Subscribe, policy::Act::Receive);
        case Activity::All:
            return policy::acts_of(policy::Act::Publish, policy::Act::Subscribe, policy::Act::Receive);
    }
    return 0;
}

policy::Mask retain_of(Retention retain) {
    switch (retain) {
        case Retention::NotRetained:
            return policy::kNo;
        case Retention::Retained:
            return policy::kYes;
        case Retention::All:
            return policy::kEither;
    }
    return 0;
}

policy::ShareRule share_of(Sharing sharing, const std::string& group) {
    policy::ShareRule share;
    share.plain = sharing != Sharing::Shared;
    if (sharing == Sharing::NotShared) return share;
    const bool any = group.empty() || group == "#";
    share.kind = any ? policy::ShareKind::Any : policy::ShareKind::Group;
    if (!any) share.group = group;
    return share;
}

}  // namespace

std::expected<policy::Template, policy::TemplateFault> parse_topic(std::string_view text) {
    return policy::Template::parse(text, known_variables());
}

Result<policy::Rule> compile(const FilePermission& permission) {
    auto topic = parse_topic(permission.topic);
    if (!topic) return fail(topic.error().error);
    policy::Rule rule;
    rule.effect = policy::Effect::Allow;
    rule.acts = acts_of(permission.activity);
    rule.topic = *std::move(topic);
    rule.qos = 0;
    for (unsigned qos = 0; qos < permission.qos.size(); ++qos)
        if (permission.qos[qos]) rule.qos = static_cast<policy::Mask>(rule.qos | policy::qos_bit(qos));
    rule.retain = retain_of(permission.retain);
    rule.share = share_of(permission.sharing, permission.shared_group);
    rule.origin = {permission.at.file, permission.at.line, permission.at.column};
    return rule;
}

}  // namespace latchkey::auth
