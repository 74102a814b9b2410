// See utf8.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <cstring>

namespace latchkey {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

std::uint64_t load8(const char* bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

/// Nonzero when one of eight ASCII bytes is below `limit` (at most 128); exact only for words without a high
/// bit.
constexpr std::uint64_t any_below(std::uint64_t word, std::uint64_t limit) noexcept {
    return (word - kOnes * limit) & ~word & kHighBits;
}
constexpr std::uint64_t any_equal(std::uint64_t word, unsigned char byte) noexcept {
    return any_below(word ^ (kOnes * byte), 1);
}

constexpr bool is_continuation(unsigned char byte) noexcept {
    return (byte & 0xC0) == 0x80;
}
constexpr bool is_control(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/// Reorders, hides or breaks text: direction marks, embeddings, overrides, isolates, separators, zero-width
/// BOM.
constexpr bool is_deceptive(char32_t c) noexcept {
    return c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xFEFF || c == 0x061C;
}

/// The shared walk: ASCII eight bytes a step, the rest character by character.
template <class Ascii, class Other>
bool all_characters(std::string_view text, Ascii&& word_ok, Other&& character_ok) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        while (text.size() - i >= 8) {
            const std::uint64_t word = load8(text.data() + i);
            if ((word & kHighBits) != 0 || !word_ok(word)) break;
            i += 8;
        }
        if (i == text.size()) break;
        const Utf8Char c = decode_utf8(text, i);
        if (!character_ok(c)) return false;
        i += c.size == 0 ? 1 : c.size;
    }
    return true;
}

void append_escape(std::string& out, char32_t c) {
    constexpr char kHex[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
        out += kHex[(c >> shift) & 0xF];
}

void escape(std::string_view text, std::string& out, bool quotes) {
    std::size_t clean = 0;  // text[clean, i) needs no escape and is not yet copied
    std::size_t i = 0;
    while (i < text.size()) {
        while (text.size() - i >= 8) {
            const std::uint64_t word = load8(text.data() + i);
            if ((word & kHighBits) != 0 || any_below(word, 0x20) != 0 || any_equal(word, 0x7F) != 0) break;
            if (quotes && (any_equal(word, '"') != 0 || any_equal(word, '\\') != 0)) break;
            i += 8;
        }
        if (i == text.size()) break;
        const Utf8Char c = decode_utf8(text, i);
        const std::size_t size = c.size == 0 ? 1 : c.size;
        const bool quoted = quotes && (c.code_point == '"' || c.code_point == '\\');
        if (c.size == 0 || quoted || is_control(c.code_point) || is_deceptive(c.code_point)) {
            out.append(text, clean, i - clean);
            append_escape(out, c.size == 0 ? 0xFFFD : c.code_point);
            clean = i + size;
        }
        i += size;
    }
    out.append(text, clean, text.size() - clean);
}

}  // namespace

Utf8Char decode_utf8(std::string_view text, std::size_t position) noexcept {
    const auto byte = [&](std::size_t offset) { return static_cast<unsigned char>(text[position + offset]); };
    const std::size_t left = text.size() - position;
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1};
    // The second byte's range depends on the first: RFC 3629 4 (UTF8-3 and UTF8-4 of the grammar).
    if (first >= 0xC2 && first <= 0xDF) {
        if (left < 2 || !is_continuation(byte(1))) return {};
        return {(char32_t{first} & 0x1F) << 6 | (byte(1) & 0x3Fu), 2};
    }
    if (first >= 0xE0 && first <= 0xEF) {
        if (left < 3 || !is_continuation(byte(1)) || !is_continuation(byte(2))) return {};
        if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return {};
        return {(char32_t{first} & 0x0F) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu), 3};
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (left < 4 || !is_continuation(byte(1)) || !is_continuation(byte(2)) || !is_continuation(byte(3)))
            return {};
        if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return {};
        return {(char32_t{first} & 0x07) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
                    (byte(3) & 0x3Fu),
                4};
    }
    return {};
}

void append_utf8(std::string& out, char32_t c) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6);
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

bool is_valid_utf8(std::string_view text) noexcept {
    return all_characters(text, [](std::uint64_t) { return true; }, [](Utf8Char c) { return c.size != 0; });
}

bool is_mqtt_string(std::string_view text) noexcept {
    return all_characters(
        text, [](std::uint64_t word) { return any_equal(word, 0) == 0; },
        [](Utf8Char c) { return c.size != 0 && c.code_point != 0; });
}

bool has_control_characters(std::string_view text) noexcept {
    return !all_characters(
        text, [](std::uint64_t word) { return any_below(word, 0x20) == 0 && any_equal(word, 0x7F) == 0; },
        [](Utf8Char c) { return c.size == 0 || !is_control(c.code_point); });
}

void escape_for_log(std::string_view text, std::string& out) {
    escape(text, out, true);
}

std::string escape_for_log(std::string_view text) {
    std::string out;
    escape(text, out, true);
    return out;
}

std::string escape_for_terminal(std::string_view text) {
    std::string out;
    escape(text, out, false);
    return out;
}

}  // namespace latchkey
