// One fuzz iteration over names, filters, shares, the algebra and the tree: the fuzzer and the corpus test
// call it. Input: lines; the first is a topic, the others are filters. Returns what contradicts itself, or an
// empty text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "topic/covered.h"
#include "topic/filter.h"
#include "topic/name.h"
#include "topic/share.h"
#include "topic/trie.h"

namespace latchkey::topic::testing {

inline std::string contradiction(std::string_view input) {
    const std::size_t first_end = std::min(input.find('\n'), input.size());
    const std::string_view topic = input.substr(0, first_end);
    std::string_view rest = input.substr(std::min(first_end + 1, input.size()));
    std::vector<std::string_view> filters;
    Trie<int> trie(HashSeed{});
    std::vector<EffectFilter> rules;
    while (!rest.empty() && filters.size() < 8) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto share = parse_share(line);
        if (!share) continue;
        const std::string_view filter = *share ? (*share)->filter : line;
        if (!validate_filter(filter)) return "a share holds an invalid filter";
        filters.push_back(filter);
        rules.push_back({!share->has_value(), filter});
        trie.insert(filter, static_cast<int>(filters.size()));
    }
    const bool named = validate_name(topic).has_value();
    for (const std::string_view left : filters) {
        if (!contains(left, left) || !intersects(left, left)) return "a filter differs from itself";
        const Coverage coverage = covered(left, rules);
        if (coverage.over_budget) continue;
        const auto example = witness(left, rules);
        if (example.has_value() == coverage.covered) return "witness and covered disagree";
        if (example && !matches(left, *example)) return "the witness lies outside the filter";
        for (const std::string_view right : filters) {
            const auto common = intersection(left, right);
            if (common.has_value() != intersects(left, right)) return "intersects and intersection disagree";
            if (common && !(contains(left, *common) && contains(right, *common)))
                return "the intersection is too wide";
            if (contains(left, right) && !common) return "contained but apart";
            if (named && common &&
                matches(*common, topic) != (matches(left, topic) && matches(right, topic))) {
                return "the intersection differs at a topic";
            }
            if (named && contains(left, right) && matches(right, topic) && !matches(left, topic)) {
                return "contained but not matching";
            }
        }
    }
    if (!named) return {};
    std::size_t expected = 0;
    std::vector<std::string_view> distinct = filters;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    for (const std::string_view filter : distinct)
        expected += matches(filter, topic) ? 1 : 0;
    std::size_t found = 0;
    trie.match(topic, [&](int&) { ++found; });
    if (found != expected) return "the tree finds another number of filters";
    for (const std::string_view filter : distinct)
        trie.erase(filter);
    return trie.node_count() == 1 ? std::string() : "the tree keeps nodes of erased filters";
}

}  // namespace latchkey::topic::testing
