// The signature algorithms of JOSE that Latchkey knows, and sets of them. "none" is not among them.
// Implements the names of RFC 7518 3.1, RFC 8037 3.1 and RFC 9864 (Ed25519 as another spelling of EdDSA).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace latchkey::crypto {

enum class Algorithm : std::uint8_t {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
    Hs256,
    Hs384,
    Hs512,
};
inline constexpr std::size_t kAlgorithms = 13;

/// Bitset of algorithms. @thread any (value)
class AlgorithmSet {
  public:
    constexpr AlgorithmSet() = default;
    constexpr AlgorithmSet(std::initializer_list<Algorithm> algorithms) {
        for (const Algorithm algorithm : algorithms)
            add(algorithm);
    }
    constexpr void add(Algorithm algorithm) { bits_ = static_cast<std::uint16_t>(bits_ | bit(algorithm)); }
    constexpr bool has(Algorithm algorithm) const { return (bits_ & bit(algorithm)) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr AlgorithmSet operator&(AlgorithmSet other) const {
        AlgorithmSet both;
        both.bits_ = static_cast<std::uint16_t>(bits_ & other.bits_);
        return both;
    }
    constexpr bool operator==(const AlgorithmSet&) const = default;

  private:
    static constexpr std::uint16_t bit(Algorithm algorithm) {
        return static_cast<std::uint16_t>(1U << static_cast<unsigned>(algorithm));
    }
    std::uint16_t bits_ = 0;
};

/// All algorithms with a public key; never those with a shared secret.
inline constexpr AlgorithmSet kAsymmetric{
    Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384,
    Algorithm::Ps512, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa};
inline constexpr AlgorithmSet kSymmetric{Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512};

/// Exact, case-sensitive name; "Ed25519" is EdDsa. Absent for anything else, "none" in every spelling
/// included.
std::optional<Algorithm> find_algorithm(std::string_view name);
std::string_view name_of(Algorithm algorithm);

}  // namespace latchkey::crypto
