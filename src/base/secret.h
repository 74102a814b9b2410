// Secret: bytes that are wiped when they go and that no log, format or stream accepts.
// Tokens, passwords and private keys are of this type everywhere (policy of the product: rule 8).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace latchkey {

/// @thread any (value type)
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string_view bytes) : bytes_(bytes) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    /// The one way to the bytes; the name is what a reviewer greps for.
    std::string_view expose() const noexcept { return bytes_; }
    bool empty() const noexcept { return bytes_.empty(); }
    std::size_t size() const noexcept { return bytes_.size(); }
    /// Constant time in the content (not in the length). libsodium's sodium_memcmp.
    bool equals(std::string_view other) const noexcept;

  private:
    void wipe() noexcept;
    std::string bytes_;
};

}  // namespace latchkey
