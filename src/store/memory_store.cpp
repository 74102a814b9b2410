// See memory_store.h.
// SPDX-License-Identifier: Apache-2.0
#include "store/memory_store.h"

namespace latchkey::store {

Lsn MemoryStore::append(const Record&) {
    return ++last_;
}

Lsn MemoryStore::gate() {
    return last_;
}

void MemoryStore::on_gate(std::move_only_function<void()>) {
}  // the gate never moves later: it is never behind

void MemoryStore::load(std::string_view, std::move_only_function<void(std::optional<std::string>)> done) {
    done(std::nullopt);
}

}  // namespace latchkey::store
