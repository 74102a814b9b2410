// See mesh.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/mesh.h"

namespace latchkey::broker {

Mesh::Mesh(const MeshOptions& options)
    : options_(options),
      interest_(options.table_seed),
      admission_(options.table_seed),
      login_throttle_(options.table_seed),
      quotas_(options.table_seed),
      seats_(options.shards),
      retained_number_(options.retained_start) {
    const std::size_t pairs = std::size_t{options.shards} * options.shards;
    for (std::size_t i = 0; i < pairs; ++i) {
        publish_.push_back(std::make_unique<Lane>(options.publish));
        forward_.push_back(std::make_unique<Lane>(options.forward));
    }
}

ShardIndex Mesh::shard_of(std::string_view key) const noexcept {
    const std::uint64_t partition = sip_hash(options_.placement_seed, key) % options_.partitions;
    return static_cast<ShardIndex>(partition * options_.shards / options_.partitions);
}

void Mesh::seat(ShardIndex shard, net::Mailbox& mailbox, net::WakeWord& word, net::Poller& poller) {
    seats_[shard] = {&mailbox, &word, &poller};
}

}  // namespace latchkey::broker
