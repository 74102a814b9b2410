// Base64 in its two alphabets, strict both ways: one byte string has exactly one spelling, so that a token
// cannot be respelled past a deny list. Implements RFC 4648 4 and 5 with the rules of RFC 7515 2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace latchkey::crypto {

/// URL alphabet, no padding. @thread any
std::string base64url_encode(std::string_view bytes);
std::string base64url_encode(std::span<const std::byte> bytes);

/// Refuses padding, whitespace, foreign characters, an impossible length and trailing bits that are not zero.
/// @error kBadBase64 @thread any @spec RFC 7515 2
Result<std::string> base64url_decode(std::string_view text);

/// Ordinary alphabet with padding (HTTP basic credentials, PEM). @thread any
std::string base64_encode(std::string_view bytes);

/// As strict as the URL form; padding is demanded.
/// @error kBadBase64 @thread any @spec RFC 4648 4
Result<std::string> base64_decode(std::string_view text);

}  // namespace latchkey::crypto
