// MemoryStore: `durability = "memory"`. Commits at once and keeps nothing beyond the process; sessions live
// in the shard's own memory, so a load never finds one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/store.h"

namespace latchkey::store {

/// @thread shard
class MemoryStore final : public Store {
  public:
    Lsn append(const Record& record) override;
    Lsn gate() override;
    void on_gate(std::move_only_function<void()> moved) override;
    void load(std::string_view key, std::move_only_function<void(std::optional<std::string>)> done) override;

  private:
    Lsn last_ = 0;
};

}  // namespace latchkey::store
