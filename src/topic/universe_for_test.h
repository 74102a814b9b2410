// A small world for properties, tests only: all topics over a few levels, all filters over them, and the
// obvious matcher that the fast ones are compared with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::topic::testing {

inline std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c == '/') {
            out.emplace_back();
        } else {
            out.back() += c;
        }
    }
    return out;
}

/// The standard's text, word by word. MQTT5 4.7.1, 4.7.2
inline bool obvious_match(const std::vector<std::string>& filter, std::size_t f,
                          const std::vector<std::string>& topic, std::size_t t) {
    if (f == filter.size()) return t == topic.size();
    const bool dollar = t == 0 && !topic[0].empty() && topic[0][0] == '$';
    if (filter[f] == "#") return !dollar;
    if (t == topic.size()) return false;
    if (filter[f] != topic[t] && (filter[f] != "+" || dollar)) return false;
    if (t + 1 == topic.size() && f + 2 == filter.size() && filter[f + 1] == "#") return true;
    return obvious_match(filter, f + 1, topic, t + 1);
}
inline bool obvious_match(std::string_view filter, std::string_view topic) {
    return obvious_match(split(filter), 0, split(topic), 0);
}

/// Topics of up to 4 levels over 5 words, one of which (`z`) no filter uses; filters of up to 3 levels.
class Universe {
  public:
    static constexpr std::size_t kMaxTopics = 5 + 25 + 125 + 625;
    using Set = std::bitset<kMaxTopics>;

    Universe() {
        grow(topics, {"", "$x", "a", "b", "z"}, 4);
        grow(filters, {"", "$x", "a", "b", "+"}, 3);
        const std::vector<std::string> parents = filters;
        for (const std::string& parent : parents) {
            if (split(parent).size() < 3) filters.push_back(parent + "/#");
        }
        filters.emplace_back("/#");
        filters.emplace_back("#");
        for (const std::string& filter : filters)
            sets.push_back(set_of(filter));
    }

    Set set_of(std::string_view filter) const {
        Set out;
        for (std::size_t i = 0; i < topics.size(); ++i)
            out[i] = obvious_match(filter, topics[i]);
        return out;
    }

    std::vector<std::string> topics;
    std::vector<std::string> filters;
    std::vector<Set> sets;  ///< topics of each filter

  private:
    static void grow(std::vector<std::string>& out, const std::vector<std::string>& words,
                     std::size_t depth) {
        std::vector<std::string> layer = words;
        for (std::size_t d = 1;; ++d) {
            for (const std::string& text : layer) {
                if (!text.empty()) out.push_back(text);  // the empty topic does not exist
            }
            if (d == depth) return;
            std::vector<std::string> next;
            for (const std::string& text : layer) {
                for (const std::string& word : words)
                    next.push_back(text + '/' + word);
            }
            layer = std::move(next);
        }
    }
};

inline const Universe& universe() {
    static const Universe kUniverse;
    return kUniverse;
}

}  // namespace latchkey::topic::testing
