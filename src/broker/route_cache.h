// RouteCache: where a topic goes and what an authority may publish to it, for one shard. 16 Ki entries,
// direct-mapped; an entry is good while the two generations it was read under, the policy version and the
// authority stand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "broker/interest.h"
#include "policy/decide.h"

namespace latchkey::broker {

struct Route {
    std::uint64_t authority = 0;  ///< number of the authority, 0: empty entry
    policy::PolicyVersion policy_version = 0;
    policy::AuthorityVersion authority_version = 0;
    policy::PublishMask allowed = 0;
    std::uint16_t counter = 0;
    Generation generation;
    Reach reach;
    std::string topic;
};

/// @thread shard
class RouteCache {
  public:
    RouteCache(const HashSeed& seed, Interest& interest) : seed_(seed), interest_(interest) {}

    /// Route and rights of `topic` for the program's authority; looked up again when anything moved.
    const Route& find(std::string_view topic, const policy::Program& program);
    /// Where a topic goes now, for what was looked up earlier (a commit that took a while) or is never cached
    /// (wills).
    Reach reach(std::string_view topic, std::uint64_t authority);

  private:
    static constexpr std::size_t kEntries = 16 * 1024;
    /// Longer topics are looked up each time: 16 Ki of the longest legal ones would be a gigabyte, which a
    /// client without any right could make us keep.
    static constexpr std::size_t kMaxTopic = 512;
    Route& slot(std::string_view topic, std::uint64_t authority);
    void walk(Route& route);

    HashSeed seed_;
    Interest& interest_;
    std::unique_ptr<Route[]> entries_;
    Route uncached_;
};

}  // namespace latchkey::broker
