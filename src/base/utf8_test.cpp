// Tests of utf8.h: the table of RFC 3629, and the fast paths against plain twins on random bytes.
// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace latchkey {
namespace {

using namespace std::string_literals;

/// The obvious validator: decode one character at a time.
bool slow_valid(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = decode_utf8(text, i);
        if (c.size == 0) return false;
        i += c.size;
    }
    return true;
}

TEST(Utf8, AcceptsAndRefusesWhatRfc3629Says) {
    struct Row {
        std::string text;
        bool valid;
        const char* why;
    };
    const Row rows[] = {
        {"", true, "empty"},
        {"plain ascii, longer than eight", true, "ASCII"},
        {"\x7f", true, "DEL is a character"},
        {"\xC2\x80", true, "least of two bytes"},
        {"\xDF\xBF", true, "greatest of two bytes"},
        {"\xE0\xA0\x80", true, "least of three bytes"},
        {"\xED\x9F\xBF", true, "last before the surrogates"},
        {"\xEE\x80\x80", true, "first after the surrogates"},
        {"\xEF\xBF\xBF", true, "U+FFFF"},
        {"\xF0\x90\x80\x80", true, "least of four bytes"},
        {"\xF4\x8F\xBF\xBF", true, "U+10FFFF"},
        {"\xC0\x80", false, "overlong NUL"},
        {"\xC1\xBF", false, "overlong of two"},
        {"\xE0\x9F\xBF", false, "overlong of three"},
        {"\xF0\x8F\xBF\xBF", false, "overlong of four"},
        {"\xED\xA0\x80", false, "leading surrogate"},
        {"\xED\xBF\xBF", false, "trailing surrogate"},
        {"\xF4\x90\x80\x80", false, "above U+10FFFF"},
        {"\xF5\x80\x80\x80", false, "impossible first byte"},
        {"\xFF", false, "impossible byte"},
        {"\x80", false, "continuation alone"},
        {"\xC2", false, "cut after one of two"},
        {"\xE2\x82", false, "cut after two of three"},
        {"\xF0\x9F\x98", false, "cut after three of four"},
        {"\xC2\x41", false, "no continuation"},
        {"12345678\xFF", false, "bad after a whole word"},
        {"1234567\xC3\xA9"s, true, "across a word's edge"},
    };
    for (const Row& row : rows)
        EXPECT_EQ(is_valid_utf8(row.text), row.valid) << row.why;
}

TEST(Utf8, EveryCodePointSurvivesEncodingAndDecoding) {
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        std::string text;
        append_utf8(text, c);
        const Utf8Char decoded = decode_utf8(text, 0);
        ASSERT_EQ(decoded.code_point, c);
        ASSERT_EQ(decoded.size, text.size());
    }
}

TEST(Utf8, FastWalksAgreeWithTheSlowOnesOnRandomBytes) {
    SeededRandom random(1);
    const std::string_view pieces[] = {
        "a",    "\0",       "\x1f",         "\"",   "\\",           "\xC2\x85",        "\xC2\xA0",
        "\x7f", "abcdefgh", "\xE2\x80\xAE", "\xFF", "\xED\xA0\x80", "\xF0\x9F\x98\x80"};
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::uint64_t n = random.below(14); n > 0; --n)
            text += pieces[random.below(std::size(pieces))];
        if (random.below(4) == 0) text += '\0';
        ASSERT_EQ(is_valid_utf8(text), slow_valid(text)) << escape_for_log(text);
        ASSERT_EQ(is_mqtt_string(text), slow_valid(text) && text.find('\0') == text.npos);
        bool control = false;
        for (std::size_t i = 0; i < text.size();) {
            const Utf8Char c = decode_utf8(text, i);
            control |= c.size != 0 && (c.code_point < 0x20 || (c.code_point >= 0x7F && c.code_point < 0xA0));
            i += c.size == 0 ? 1 : c.size;
        }
        ASSERT_EQ(has_control_characters(text), control) << escape_for_log(text);
        const std::string escaped = escape_for_log(text);
        ASSERT_TRUE(is_valid_utf8(escaped));
        ASSERT_FALSE(has_control_characters(escaped));
        ASSERT_EQ(escaped.find('"'), escaped.npos);
        ASSERT_EQ(escaped.find("\xE2\x80\xAE"), escaped.npos);
    }
}

TEST(Utf8, MqttStringsRefuseNulAnywhere) {
    EXPECT_TRUE(is_mqtt_string("sensors/a"));
    for (std::size_t at = 0; at < 20; ++at) {
        std::string text(20, 'x');
        text[at] = '\0';
        EXPECT_FALSE(is_mqtt_string(text)) << at;
    }
}

TEST(EscapeForLog, KeepsOneLineBetweenQuotesInReadingOrder) {
    struct Row {
        std::string text;
        std::string escaped;
    };
    const Row rows[] = {
        {"sensors/kitchen/temperature", "sensors/kitchen/temperature"},
        {"a\nb\r\t"s + '\0', "a\\u000ab\\u000d\\u0009\\u0000"},
        {"say \"hi\"", "say \\u0022hi\\u0022"},
        {"back\\slash", "back\\u005cslash"},
        {"\x1b[31mred", "\\u001b[31mred"},
        {"\x7f", "\\u007f"},
        {"\xC2\x85", "\\u0085"},
        {"\xE2\x80\x8E\xE2\x80\x8F", "\\u200e\\u200f"},
        {"\xE2\x80\xA8\xE2\x80\xA9", "\\u2028\\u2029"},
        {"\xE2\x80\xAA\xE2\x80\xAE", "\\u202a\\u202e"},
        {"\xE2\x81\xA6\xE2\x81\xA9", "\\u2066\\u2069"},
        {"\xEF\xBB\xBF", "\\ufeff"},
        {"\xFFx\xC3", "\\ufffdx\\ufffd"},
        {"gr\xC3\xBC\xC3\x9F dich \xF0\x9F\x98\x80", "gr\xC3\xBC\xC3\x9F dich \xF0\x9F\x98\x80"},
    };
    for (const Row& row : rows)
        EXPECT_EQ(escape_for_log(row.text), row.escaped);
}

TEST(EscapeForLog, TheTerminalVariantLeavesQuotesAlone) {
    EXPECT_EQ(escape_for_terminal("a \"b\" c:\\d\x1b"), "a \"b\" c:\\d\\u001b");
}

}  // namespace
}  // namespace latchkey
