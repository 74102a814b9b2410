// See algorithm.h.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/algorithm.h"

#include <array>

namespace latchkey::crypto {
namespace {

constexpr std::array<std::string_view, kAlgorithms> kNames{"RS256", "RS384", "RS512", "PS256", "PS384",
                                                           "PS512", "ES256", "ES384", "ES512", "EdDSA",
                                                           "HS256", "HS384", "HS512"};

}  // namespace

std::optional<Algorithm> find_algorithm(std::string_view name) {
    if (name == "Ed25519") return Algorithm::EdDsa;  // RFC 9864: the fully specified spelling
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i] == name) return static_cast<Algorithm>(i);
    }
    return std::nullopt;
}

std::string_view name_of(Algorithm algorithm) {
    return kNames[static_cast<std::size_t>(algorithm)];
}

}  // namespace latchkey::crypto
