// One rule: a conjunction over small closed sets and one topic template. Every authorization model compiles
// to lists of these; nothing is ever mixed from two rules.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "policy/template.h"

namespace latchkey::policy {

enum class Act : std::uint8_t { Publish, Subscribe, Unsubscribe, Receive };
/// How a publish came: by its client now, or as the will it left.
enum class Via : std::uint8_t { Live, Will };
/// How a requested filter is compared in programs that decide filters as written. Set programs know Cover
/// alone.
enum class Rel : std::uint8_t { Cover, Same, Probe, Any };

/// Sets are bit masks: `acts_of(Act::Publish, Act::Subscribe)`, bits 0 to 2 for QoS, bit 0 no and bit 1 yes
/// for retain, via (Live, Will) and wild.
using Mask = std::uint8_t;
inline constexpr Mask kAnyQos = 0b111;
inline constexpr Mask kEither = 0b11;
inline constexpr Mask kNo = 0b01;
inline constexpr Mask kYes = 0b10;
constexpr Mask bit(Act act) noexcept {
    return static_cast<Mask>(1U << static_cast<unsigned>(act));
}
constexpr Mask bit(Via via) noexcept {
    return static_cast<Mask>(1U << static_cast<unsigned>(via));
}
constexpr Mask qos_bit(unsigned qos) noexcept {
    return static_cast<Mask>(1U << qos);
}
template <class... Acts>
constexpr Mask acts_of(Acts... acts) noexcept {
    return static_cast<Mask>((0U | ... | bit(acts)));
}

enum class ShareKind : std::uint8_t {
    None,   ///< no shared subscription
    Any,    ///< of any group
    Group,  ///< of this group alone
    Raw,    ///< the whole `$share` text is the topic; not in set programs
};
struct ShareRule {
    bool plain = true;  ///< is a subscription without group meant?
    ShareKind kind = ShareKind::None;
    std::string group;  ///< for ShareKind::Group
};

/// Where a rule was written, for every answer that names it.
struct Origin {
    std::string file;  ///< file, or table
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct Rule {
    std::string id;  ///< stable over reloads that do not touch the rule; the builder makes one when empty
    Effect effect = Effect::Deny;
    Mask acts = 0;
    Template topic;
    Rel rel = Rel::Cover;
    Mask qos = kAnyQos;         ///< publish, subscribe
    Mask retain = kEither;      ///< publish
    Mask via = kEither;         ///< publish
    Mask wild = kEither;        ///< subscribe, unsubscribe: the request has a wildcard
    ShareRule share;            ///< subscribe
    std::int32_t priority = 0;  ///< higher first within what one identity holds
    Origin origin;
};

/// "FILE:LINE:COL", or the id when the rule has no file.
std::string where(const Rule& rule);
/// One line for people: `allow publish,subscribe a/+ qos=0,1 retain=no (roles.xml:12:7)`.
std::string describe(const Rule& rule);

}  // namespace latchkey::policy
