// Randomness as a dependency: the system's generator in production, a seeded one in the simulator.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace latchkey {

/// @thread any for SystemRandom; a SeededRandom belongs to one thread.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> out) = 0;
    std::uint64_t next_u64();
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
};

/// getrandom(2); never fails after start (the kernel's pool is ready).
class SystemRandom final : public Random {
  public:
    void fill(std::span<std::byte> out) override;
};

/// SplitMix64: repeatable, NOT for secrets. Tests and the simulator only.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::byte> out) override;

  private:
    std::uint64_t state_;
};

}  // namespace latchkey
