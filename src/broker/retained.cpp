// See retained.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/retained.h"

#include <algorithm>

#include "broker/shard.h"
#include "topic/filter.h"
#include "topic/name.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kPageMessages = 64;
constexpr std::size_t kPageBytes = 256 * 1024;
constexpr std::size_t kScanTopics = 4096;       ///< looked at per page, so that a scan never holds a turn up
constexpr std::uint32_t kCreditMessages = 256;  ///< a session with more waiting asks for no further page
/// Unanswered requests of one session, those of cancelled pulls too: a scan costs its owner up to kScanTopics
/// looks, and a client that subscribes in a loop must not order them by the thousand.
constexpr std::uint32_t kPagesAsked = 8;

/// What all topics of a filter begin with: where a scan of the ordered topics begins and ends. `a/#` also
/// holds `a`.
std::string_view scan_prefix(std::string_view filter) {
    std::string_view prefix = filter.substr(0, filter.find_first_of("+#"));
    if (prefix.size() + 1 == filter.size() && filter.ends_with("/#")) prefix.remove_suffix(1);
    return prefix;
}

}  // namespace

void Retained::store(const MessageRef& message) {
    const std::string topic(message->topic());
    Kept& kept = topics_[topic];
    if (kept.number >= message->retained_number) return;  // a newer one came first, over another lane
    const bool was_tombstone = kept.number != 0 && !kept.message;
    kept.number = message->retained_number;
    const bool deletes = message->payload().empty();
    if (was_tombstone && !deletes) --tombstones_;
    if (!was_tombstone && deletes) ++tombstones_;
    shard_.mesh().quotas().retained_changed(kept.message ? kept.message->bytes() : 0,
                                            deletes ? 0 : message->bytes());
    kept.message = deletes ? MessageRef() : message;
    shard_.append({.kind = store::RecordKind::Retain,
                   .topic = topic,
                   .authority = message->author.get(),
                   .policy_version = message->policy_version,
                   .number = message->retained_number});
    if (!deletes) return;
    kept.grave_round = round_ + 1;
    bury(topic);
}

void Retained::bury(const std::string& topic) {
    // An older publish may still be on its way over another lane; forgetting the number now would let it rise
    // again.
    fresh_graves_.push_back(topic);
    if (marks_missing_ == 0) begin_round();
}

void Retained::begin_round() {
    // Every shard passes a turn boundary, then puts a mark behind everything it has pushed, or still waits to
    // push, towards this owner. When all marks were drained, nothing older than the deletions is under way.
    round_graves_ = std::exchange(fresh_graves_, {});
    ++round_;
    marks_missing_ = shard_.mesh().shards();
    for (ShardIndex i = 0; i < shard_.mesh().shards(); ++i) {
        Shard& other = shard_.peer(i);
        shard_.mesh().mailbox(i).deliver(
            [&other, owner = shard_.index(), round = round_] { other.ingress().push_mark(owner, round); });
    }
}

void Retained::on_mark(std::uint64_t round) {
    if (round != round_ || marks_missing_ == 0 || --marks_missing_ != 0) return;
    for (const std::string& topic : round_graves_) {
        const auto found = topics_.find(topic);
        // Published again, or deleted again meanwhile: that deletion has a round of its own.
        if (found == topics_.end() || found->second.message || found->second.grave_round != round_) continue;
        topics_.erase(found);
        --tombstones_;
    }
    round_graves_.clear();
    if (!fresh_graves_.empty()) begin_round();
}

void Retained::scan(const PullId& pull, std::uint32_t asker, std::string_view filter,
                    std::string_view cursor) {
    auto page = std::make_unique<RetainedPage>();
    page->pull = pull;
    page->owner = shard_.index();
    const std::string_view begin = scan_prefix(filter);
    auto it = cursor.empty() ? topics_.lower_bound(begin) : topics_.upper_bound(cursor);
    std::size_t looked = 0;
    std::size_t bytes = 0;
    page->last = true;
    const bool wild = topic::has_wildcard(filter);
    for (; it != topics_.end() && it->first.starts_with(begin); ++it) {
        if (!wild && it->first != filter) break;  // what begins alike is not meant
        if (page->messages.size() >= kPageMessages || bytes >= kPageBytes || looked++ >= kScanTopics) {
            page->last = false;
            break;
        }
        page->cursor = it->first;
        const MessageRef& message = it->second.message;
        if (!message || message->expires <= shard_.now() || !topic::matches(filter, it->first)) continue;
        page->messages.push_back(message.share());
        bytes += message->bytes();
    }
    shard_.ingress().push_page(asker, std::move(page));
}

void Retained::pull(Session& session, Subscription& subscription) {
    cancel(session, subscription);
    subscription.pull = session.next_pull;
    // One topic has one owner; only a wildcard has to ask everybody.
    const bool wild = topic::has_wildcard(subscription.filter);
    const ShardIndex only = shard_.mesh().shard_of(subscription.filter);
    for (ShardIndex owner = 0; owner < shard_.mesh().shards(); ++owner) {
        if (!wild && owner != only) continue;
        const std::uint32_t number = session.next_pull++;
        Pull& pull = session.pulls[number];
        pull.id = {session.serial, number};
        pull.owner = owner;
        pull.filter = subscription.filter;
        pull.subscription_id = subscription.id;
        pull.qos = subscription.qos;
        pull.no_local = subscription.no_local;
        ask(session, pull);
    }
}

void Retained::ask(Session& session, Pull& pull) {
    if (session.pages_asked >= kPagesAsked) return;  // asked when a page has come
    if (session.pages_asked == 0) session.live_numbers.clear();
    pull.asked = true;
    ++session.pages_asked;
    // A scan of the shard's own topics goes through its own inbox too: the order is the same for all owners.
    Shard& owner = shard_.peer(pull.owner);
    shard_.mesh()
        .mailbox(pull.owner)
        .deliver([&owner, id = pull.id, asker = shard_.index(), filter = pull.filter, cursor = pull.cursor] {
            owner.retained().scan(id, asker, filter, cursor);
        });
}

void Retained::on_page(RetainedPage& page) {
    Session* session = shard_.sessions().find_serial(page.pull.session);
    if (session) --session->pages_asked;
    const bool awaited = session && session->connected() && session->pulls.contains(page.pull.pull);
    if (!awaited) {
        ++shard_.counters().stale_answers;
        if (session && session->connected()) on_drained(*session);
        return;
    }
    const auto found = session->pulls.find(page.pull.pull);
    Pull& pull = found->second;
    for (Message*& slot : page.messages) {
        const MessageRef message = MessageRef::received(std::exchange(slot, nullptr));
        if (pull.no_local && message->publisher == session->serial) continue;  // [MQTT-3.8.3-3]
        const auto live = session->live_numbers.find(std::string(message->topic()));
        if (live != session->live_numbers.end() && live->second >= message->retained_number) continue;
        shard_.delivery().deliver_retained(*session, pull, message);
    }
    std::erase(page.messages, nullptr);
    pull.asked = false;
    pull.cursor = std::move(page.cursor);
    if (page.last) {
        session->pulls.erase(found);
        if (session->pulls.empty()) session->live_numbers.clear();
    }
    on_drained(*session);
}

void Retained::on_drained(Session& session) {
    if (session.waiting.size() >= kCreditMessages) return;
    // Those that are asked stand in front, and are few: this ends soon.
    for (auto& [number, pull] : session.pulls) {
        if (session.pages_asked >= kPagesAsked) return;
        if (!pull.asked) ask(session, pull);
    }
}

void Retained::cancel(Session& session, const Subscription& subscription) {
    if (subscription.pull == 0) return;
    const std::uint32_t end = subscription.pull + shard_.mesh().shards();
    auto it = session.pulls.lower_bound(subscription.pull);
    while (it != session.pulls.end() && it->first < end && it->second.filter == subscription.filter)
        it = session.pulls.erase(it);
}

}  // namespace latchkey::broker
