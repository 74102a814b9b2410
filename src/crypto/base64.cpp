// See base64.h. One decoder for both alphabets; the strictness is in the tail: unused bits must be zero.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <array>
#include <cstdint>

#include "crypto/errors.h"

namespace latchkey::crypto {
namespace {

constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kForeign = 0xff;

constexpr std::array<std::uint8_t, 256> inverse(std::string_view alphabet) {
    std::array<std::uint8_t, 256> table{};
    table.fill(kForeign);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}
constexpr auto kPlainInverse = inverse(kPlain);
constexpr auto kUrlInverse = inverse(kUrl);

std::string encode(std::string_view bytes, std::string_view alphabet) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const char byte : bytes) {
        pending = (pending << 8) | static_cast<unsigned char>(byte);
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out += alphabet[(pending >> bits) & 0x3f];
        }
    }
    if (bits > 0) out += alphabet[(pending << (6 - bits)) & 0x3f];
    return out;
}

Result<std::string> decode(std::string_view text, const std::array<std::uint8_t, 256>& table) {
    if (text.size() % 4 == 1) return fail(kBadBase64, "length");
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const char character : text) {
        const std::uint8_t value = table[static_cast<unsigned char>(character)];
        if (value == kForeign) return fail(kBadBase64, "character");
        pending = (pending << 6) | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>((pending >> bits) & 0xff);
        }
    }
    // Two spellings of one byte string would let a token be respelled past a list of hashes.
    if ((pending & ((1U << bits) - 1)) != 0) return fail(kBadBase64, "trailing bits");
    return out;
}

}  // namespace

std::string base64url_encode(std::string_view bytes) {
    return encode(bytes, kUrl);
}

std::string base64url_encode(std::span<const std::byte> bytes) {
    return encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kUrl);
}

Result<std::string> base64url_decode(std::string_view text) {
    return decode(text, kUrlInverse);
}

std::string base64_encode(std::string_view bytes) {
    std::string out = encode(bytes, kPlain);
    while (out.size() % 4 != 0)
        out += '=';
    return out;
}

Result<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) return fail(kBadBase64, "length");
    if (text.ends_with("==")) {
        text.remove_suffix(2);
    } else if (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return decode(text, kPlainInverse);
}

}  // namespace latchkey::crypto
