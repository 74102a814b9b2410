// Filters as sets: level by level over canonical forms. See filter.h.
// SPDX-License-Identifier: Apache-2.0
#include "topic/filter.h"

#include "topic/name.h"

namespace latchkey::topic {
namespace {

bool leads_with_wildcard(std::string_view filter) noexcept {
    return !filter.empty() && (filter.front() == '+' || filter.front() == '#');
}

/// MQTT5 4.7.2: the one rule that is not about levels.
bool kept_apart_by_dollar(std::string_view left, std::string_view right) noexcept {
    return (leads_with_wildcard(left) && is_dollar(right)) || (leads_with_wildcard(right) && is_dollar(left));
}

void append_level(std::string& out, bool& first, std::string_view level) {
    if (!first) out += '/';
    first = false;
    out += level;
}

}  // namespace

bool matches(std::string_view filter, std::string_view topic) noexcept {
    if (is_dollar(topic) && leads_with_wildcard(filter)) return false;
    return matches_below(filter, topic);
}

bool matches_below(std::string_view filter, std::string_view topic) noexcept {
    std::size_t f = 0;
    std::size_t t = 0;
    for (;;) {  // both stand at the start of a level
        if (f < filter.size() && filter[f] == '#') return true;
        if (f < filter.size() && filter[f] == '+') {
            ++f;
            while (t < topic.size() && topic[t] != '/')
                ++t;
        } else {
            while (f < filter.size() && filter[f] != '/') {
                if (t == topic.size() || topic[t] != filter[f]) return false;
                ++f;
                ++t;
            }
            if (t < topic.size() && topic[t] != '/') return false;
        }
        const bool filter_ended = f == filter.size();
        if (t == topic.size()) return filter_ended || filter.substr(f) == "/#";
        if (filter_ended) return false;
        ++f;
        ++t;
    }
}

bool contains(std::string_view outer, std::string_view inner) noexcept {
    const std::string_view canonical_outer = canonical(outer);
    const std::string_view canonical_inner = canonical(inner);
    if (leads_with_wildcard(canonical_outer) && is_dollar(canonical_inner)) return false;
    Levels o(canonical_outer);
    Levels i(canonical_inner);
    for (; !o.done(); o.next(), i.next()) {
        if (o.level() == "#") return true;
        if (i.done() || i.level() == "#") return false;
        if (o.level() != "+" && o.level() != i.level()) return false;
    }
    return i.done();
}

bool intersects(std::string_view left, std::string_view right) noexcept {
    const std::string_view canonical_left = canonical(left);
    const std::string_view canonical_right = canonical(right);
    if (kept_apart_by_dollar(canonical_left, canonical_right)) return false;
    Levels l(canonical_left);
    Levels r(canonical_right);
    for (; !l.done() && !r.done(); l.next(), r.next()) {
        if (l.level() == "#" || r.level() == "#") return true;
        if (l.level() != "+" && r.level() != "+" && l.level() != r.level()) return false;
    }
    if (!l.done()) return l.level() == "#";
    if (!r.done()) return r.level() == "#";
    return true;
}

std::optional<std::string> intersection(std::string_view left, std::string_view right) {
    if (!intersects(left, right)) return std::nullopt;
    Levels l(canonical(left));
    Levels r(canonical(right));
    std::string out;
    bool first = true;
    while (!l.done() && !r.done() && l.level() != "#" && r.level() != "#") {
        append_level(out, first, l.level() == "+" ? r.level() : l.level());
        l.next();
        r.next();
    }
    // One of them is at its `#` or both are at their end: what the other still says holds for both.
    Levels rest = !l.done() && l.level() == "#" ? r : l;
    for (; !rest.done(); rest.next())
        append_level(out, first, rest.level());
    return out;
}

}  // namespace latchkey::topic
