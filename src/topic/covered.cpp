// The covering question: recursion over (filter, number of rules), memoised on interned levels. See
// covered.h.
// SPDX-License-Identifier: Apache-2.0
#include "topic/covered.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "topic/filter.h"
#include "topic/name.h"

namespace latchkey::topic {
namespace {

using Word = std::uint32_t;
using Words = std::vector<Word>;  // one filter, in canonical form
constexpr Word kPlus = 0;
constexpr Word kHash = 1;
constexpr Word kFirstLiteral = 2;
/// Denies inside denies; each costs a stack frame.
constexpr std::uint32_t kMaxNesting = 400;
/// A remembered subset costs about as much as this many comparisons.
constexpr std::uint32_t kStepsPerSubset = 16;

/// Levels as small numbers, so that filters compare and hash cheaply.
class Vocabulary {
  public:
    Words intern(std::string_view filter) {
        Words out;
        for (Levels l(canonical(filter)); !l.done(); l.next()) {
            if (l.level() == "+") {
                out.push_back(kPlus);
            } else if (l.level() == "#") {
                out.push_back(kHash);
            } else {
                out.push_back(word(l.level()));
            }
        }
        return out;
    }
    std::string_view text(Word w) const { return texts_[w - kFirstLiteral]; }
    bool is_dollar(Word w) const { return w >= kFirstLiteral && topic::is_dollar(text(w)); }
    bool knows(std::string_view level) const { return ids_.contains(level); }

  private:
    Word word(std::string_view level) {
        const auto [at, fresh] = ids_.emplace(level, kFirstLiteral + static_cast<Word>(texts_.size()));
        if (fresh) texts_.push_back(level);
        return at->second;
    }

    std::map<std::string_view, Word> ids_;
    std::vector<std::string_view> texts_;
};

struct WordRule {
    bool allow;
    Words filter;
};

class Question {
  public:
    Question(std::string_view filter, std::span<const EffectFilter> rules, std::uint32_t budget)
        : budget_(budget) {
        asked_ = vocabulary_.intern(filter);
        for (const EffectFilter& rule : rules) {
            if (!intersects(rule.filter, filter)) continue;  // says nothing about any topic asked for
            rules_.push_back({rule.allow, vocabulary_.intern(rule.filter)});
            deepest_ = std::max(deepest_, rules_.back().filter.size());
        }
    }

    Coverage answer() {
        const bool yes = covered(asked_, rules_.size(), 0);
        return {yes && !spent_, spent_, steps_};
    }

    std::optional<std::string> counterexample() {
        if (covered(asked_, rules_.size(), 0) || spent_) return std::nullopt;
        Words filter = asked_;
        std::size_t count = rules_.size();
        while (narrow(filter, count)) {
            if (spent_) return std::nullopt;
        }
        if (spent_) return std::nullopt;
        return spell(filter);
    }

  private:
    bool dollar_apart(const Words& left, const Words& right) const {
        return (left[0] == kPlus && vocabulary_.is_dollar(right[0])) ||
               (right[0] == kPlus && vocabulary_.is_dollar(left[0]));
    }

    bool holds(const Words& outer, const Words& inner) const {
        if (outer[0] == kPlus && vocabulary_.is_dollar(inner[0])) return false;
        for (std::size_t i = 0; i < outer.size(); ++i) {
            if (outer[i] == kHash) return true;
            if (i == inner.size() || inner[i] == kHash) return false;
            if (outer[i] != kPlus && outer[i] != inner[i]) return false;
        }
        return inner.size() == outer.size();
    }

    /// @return false when no topic is in both; else `out` holds them.
    bool meet(const Words& left, const Words& right, Words& out) const {
        if (dollar_apart(left, right)) return false;
        out.clear();
        for (std::size_t i = 0;; ++i) {
            const bool left_ended = i == left.size();
            const bool right_ended = i == right.size();
            if (!left_ended && left[i] == kHash) {
                out.insert(out.end(), right.begin() + static_cast<std::ptrdiff_t>(std::min(i, right.size())),
                           right.end());
                return true;
            }
            if (!right_ended && right[i] == kHash) {
                out.insert(out.end(), left.begin() + static_cast<std::ptrdiff_t>(std::min(i, left.size())),
                           left.end());
                return true;
            }
            if (left_ended || right_ended) return left_ended && right_ended;
            if (left[i] != kPlus && right[i] != kPlus && left[i] != right[i]) return false;
            out.push_back(left[i] == kPlus ? right[i] : left[i]);
        }
    }

    bool spend(std::uint32_t steps) {
        steps_ += steps;
        if (steps_ > budget_) spent_ = true;
        return !spent_;
    }

    bool splits(const Words& filter) const { return filter.back() == kHash && filter.size() <= deepest_; }

    static Words parent_of(const Words& filter) { return Words(filter.begin(), filter.end() - 1); }
    static Words below(const Words& filter) {
        Words out(filter.begin(), filter.end() - 1);
        out.push_back(kPlus);
        out.push_back(kHash);
        return out;
    }

    /// Is every topic of `filter` allowed by the first `count` rules?
    bool covered(const Words& filter, std::size_t count, std::uint32_t nesting) {
        if (nesting > kMaxNesting) spent_ = true;
        if (spent_ || !spend(kStepsPerSubset)) return false;
        const auto key = std::make_pair(count, filter);
        if (const auto known = memo_.find(key); known != memo_.end()) return known->second;
        const bool yes = ask(filter, count, nesting);
        if (!spent_) memo_.emplace(key, yes);
        return yes;
    }

    bool ask(const Words& filter, std::size_t count, std::uint32_t nesting) {
        Words common;
        for (std::size_t i = 0; i < count; ++i) {
            if (!spend(1)) return false;
            if (rules_[i].allow) {
                if (holds(rules_[i].filter, filter)) return true;
            } else if (meet(rules_[i].filter, filter, common) && !covered(common, i, nesting + 1)) {
                return false;
            }
        }
        return splits(filter) && covered(parent_of(filter), count, nesting + 1) &&
               covered(below(filter), count, nesting + 1);
    }

    /// One step towards a topic that is not allowed; false when every topic of `filter` that avoids all words
    /// of the rules will do. Precondition: not covered(filter, count).
    bool narrow(Words& filter, std::size_t& count) {
        Words common;
        for (std::size_t i = 0; i < count; ++i) {
            if (rules_[i].allow || !meet(rules_[i].filter, filter, common) || covered(common, i, 0)) continue;
            filter = common;
            count = i;
            return true;
        }
        if (!splits(filter)) return false;
        filter = covered(parent_of(filter), count, 0) ? below(filter) : parent_of(filter);
        return true;
    }

    std::string spell(const Words& filter) const {
        std::string fresh = "x";
        for (std::uint32_t n = 1; vocabulary_.knows(fresh); ++n)
            fresh = "x" + std::to_string(n);
        std::string out;
        for (std::size_t i = 0; i < filter.size(); ++i) {
            if (i > 0) out += '/';
            out += filter[i] < kFirstLiteral ? std::string_view(fresh) : vocabulary_.text(filter[i]);
        }
        return out;
    }

    Vocabulary vocabulary_;
    Words asked_;
    std::vector<WordRule> rules_;
    std::size_t deepest_ = 0;
    std::map<std::pair<std::size_t, Words>, bool> memo_;
    std::uint32_t budget_;
    std::uint32_t steps_ = 0;
    bool spent_ = false;
};

}  // namespace

Coverage covered(std::string_view filter, std::span<const EffectFilter> rules, std::uint32_t budget) {
    return Question(filter, rules, budget).answer();
}

std::optional<std::string> witness(std::string_view filter, std::span<const EffectFilter> rules,
                                   std::uint32_t budget) {
    return Question(filter, rules, budget).counterexample();
}

}  // namespace latchkey::topic
