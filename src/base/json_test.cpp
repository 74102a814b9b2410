// Tests of json.h: what is refused (RFC 8259, RFC 8725 3.7, duplicates), exact numbers, pointers, the writer;
// and the fuzzer's corpus through the fuzzer's own check.
// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "../../fuzz/json_fuzz.cpp"
#include "base/errors.h"
#include "base/random.h"
#include "support/fuzz_corpus.h"

namespace latchkey::json {
namespace {

using namespace std::string_literals;

const ErrorInfo* refusal(std::string_view text, const Limits& limits = {}) {
    const Result<Value> value = parse(text, limits);
    return value ? nullptr : &value.error().info();
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Json, ReadsEveryTypeAndKeepsMemberOrder) {
    const Result<Value> value = parse(R"( {"z":null,"a":true,"n":-12.50e1,"s":"x\u00e9\n","l":[1,[],{}]} )");
    ASSERT_TRUE(value);
    ASSERT_TRUE(value->is_object());
    const Object& members = *value->object();
    ASSERT_EQ(members.size(), 5U);
    EXPECT_EQ(members[0].name, "z");
    EXPECT_TRUE(members[0].value.is_null());
    EXPECT_EQ(members[1].value.boolean(), true);
    EXPECT_EQ(value->find("n")->number()->text(), "-12.50e1");
    EXPECT_EQ(value->find("n")->as_int64(), -125);
    EXPECT_EQ(*value->find_string("s"), "x\xC3\xA9\n");
    EXPECT_EQ(value->find("l")->array()->size(), 3U);
    EXPECT_EQ(value->find_string("a"), nullptr) << "another type is not text";
    EXPECT_EQ(value->find("missing"), nullptr);
    EXPECT_EQ(value->find("l")->find("x"), nullptr);
    EXPECT_EQ(value->find("l")->type_name(), "array");
}

TEST(Json, RefusesWhatTwoReadersCouldReadDifferently) {
    struct Row {
        std::string text;
        const ErrorInfo* why;
    };
    const Row rows[] = {
        {R"({"sub":"alice","sub":"admin"})", &kJsonDuplicate},
        {R"({"aud":"a","\u0061ud":"b"})", &kJsonDuplicate},
        {R"({"a":{"b":[{"c":1,"c":1}]}})", &kJsonDuplicate},
        {R"({"":1,"":2})", &kJsonDuplicate},
        {"\xEF\xBB\xBF{}", &kJsonEncoding},
        {"\"\xC0\x80\"", &kJsonEncoding},
        {"\"\xED\xA0\x80\"", &kJsonEncoding},
        {"{}\xFF", &kJsonEncoding},
        {R"("\ud800")", &kJsonMalformed},
        {R"("\ud800x")", &kJsonMalformed},
        {R"("\udc00")", &kJsonEncoding},
        {R"("\ud800\ud800")", &kJsonEncoding},
        {R"({}{})", &kJsonMalformed},
        {R"({} x)", &kJsonMalformed},
        {"{}\0"s, &kJsonMalformed},
        {"", &kJsonMalformed},
        {"  ", &kJsonMalformed},
        {R"({"a":1)", &kJsonMalformed},
        {R"(["a")", &kJsonMalformed},
        {R"("abc)", &kJsonMalformed},
        {R"({"a":1,})", &kJsonMalformed},
        {R"([1,])", &kJsonMalformed},
        {R"({a:1})", &kJsonMalformed},
        {R"({'a':1})", &kJsonMalformed},
        {"/* c */{}", &kJsonMalformed},
        {"// c\n{}", &kJsonMalformed},
        {"NaN", &kJsonMalformed},
        {"Infinity", &kJsonMalformed},
        {"-Infinity", &kJsonMalformed},
        {"+1", &kJsonMalformed},
        {"01", &kJsonMalformed},
        {"1.", &kJsonMalformed},
        {".5", &kJsonMalformed},
        {"1e", &kJsonMalformed},
        {"0x10", &kJsonMalformed},
        {"-", &kJsonMalformed},
        {"tru", &kJsonMalformed},
        {"True", &kJsonMalformed},
        {"\"a\nb\"", &kJsonMalformed},
        {R"("\x41")", &kJsonMalformed},
        {R"("\u12")", &kJsonMalformed},
    };
    for (const Row& row : rows)
        EXPECT_EQ(refusal(row.text), row.why) << row.text;
}

TEST(Json, FindsADuplicateAtEveryPlaceOfALargeObject) {
    for (const std::size_t repeated : {0U, 1U, 14U, 15U, 16U, 17U, 98U}) {
        std::string text = "{";
        for (std::size_t i = 0; i < 99; ++i)
            text += "\"m" + std::to_string(i) + "\":1,";
        EXPECT_EQ(refusal(text + "\"other\":1}"), nullptr);
        EXPECT_EQ(refusal(text + "\"m" + std::to_string(repeated) + "\":1}"), &kJsonDuplicate) << repeated;
    }
}

TEST(Json, LimitsComeFirst) {
    EXPECT_EQ(refusal("[1]", {.max_bytes = 3}), nullptr);
    EXPECT_EQ(refusal("[1 ]", {.max_bytes = 3}), &kJsonTooLarge);
    EXPECT_EQ(refusal("\xFF\xFF\xFF\xFF", {.max_bytes = 3}), &kJsonTooLarge) << "before any content";
    EXPECT_EQ(refusal(nested(32)), nullptr);
    EXPECT_EQ(refusal(nested(33)), &kJsonTooDeep);
    EXPECT_EQ(refusal(nested(1000)), &kJsonTooDeep);
    EXPECT_EQ(refusal(nested(100'000)), &kJsonTooDeep);
    EXPECT_EQ(refusal(nested(100'000), {.max_depth = 1'000'000}), &kJsonTooDeep)
        << "the stack sets a limit of its own";
    EXPECT_EQ(refusal("[1,2,3]", {.max_values = 4}), nullptr);
    EXPECT_EQ(refusal("[1,2,3,4]", {.max_values = 4}), &kJsonTooMany);
    EXPECT_EQ(refusal(R"({"a":1,"b":{"c":2},"d":"x"})", {.max_values = 4}), &kJsonTooMany);
}

TEST(Json, SaysWhereAndNeverQuotesTheText) {
    Location where;
    const Result<Value> value = parse("{\"a\":1,\n  \"b\":2,\n  \"a\":\"secret\"}", {}, &where);
    ASSERT_FALSE(value);
    EXPECT_EQ(where.offset, 19U);
    EXPECT_EQ(where.line, 3U);
    EXPECT_EQ(where.column, 3U);
    EXPECT_EQ(value.error().detail(), "offset 19, line 3, column 3");
    const Result<Value> tricky = parse(R"({"a\"":1,"a\"":2})", {}, &where);
    ASSERT_FALSE(tricky);
    EXPECT_EQ(where.offset, 9U) << "escaped quotes do not end the name";
    const Result<Value> malformed = parse("[1, x]", {}, &where);
    ASSERT_FALSE(malformed);
    EXPECT_EQ(where.offset, 4U);
    EXPECT_EQ(malformed.error().detail(), "offset 4, line 1, column 5: unexpected character");
    const Result<Value> encoding = parse("\"abcdefgh\xFF\"", {}, &where);
    ASSERT_FALSE(encoding);
    EXPECT_EQ(where.offset, 9U);
}

TEST(JsonNumber, IsExact) {
    struct Row {
        const char* text;
        std::optional<std::int64_t> as_int;
        std::optional<std::int64_t> floor;
    };
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    const Row rows[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"0.0", 0, 0},
        {"0e999", 0, 0},
        {"12", 12, 12},
        {"1.0", 1, 1},
        {"1.2e1", 12, 12},
        {"1200e-2", 12, 12},
        {"1.9e9", 1'900'000'000, 1'900'000'000},
        {"1763985600.999", {}, 1'763'985'600},
        {"0.5", {}, 0},
        {"-0.5", {}, -1},
        {"-1.5", {}, -2},
        {"1e-400", {}, 0},
        {"-1e-400", {}, -1},
        {"0.00012e4", {}, 1},
        {"9007199254740993", 9'007'199'254'740'993, 9'007'199'254'740'993},
        {"9007199254740993.0", 9'007'199'254'740'993, 9'007'199'254'740'993},
        {"9223372036854775807", kMax, kMax},
        {"9223372036854775807.9", {}, kMax},
        {"9223372036854775808", {}, {}},
        {"-9223372036854775808", kMin, kMin},
        {"-9223372036854775808.1", {}, {}},
        {"-9223372036854775807.5", {}, kMin},
        {"18446744073709551615", {}, {}},
        {"9999999999999999999", {}, {}},
        {"1e18", 1'000'000'000'000'000'000, 1'000'000'000'000'000'000},
        {"1e19", {}, {}},
        {"1e400", {}, {}},
        {"1e2147483647", {}, {}},
        {"1e-2147483647", {}, 0},
    };
    for (const Row& row : rows) {
        const Result<Value> value = parse(row.text);
        ASSERT_TRUE(value) << row.text;
        ASSERT_NE(value->number(), nullptr);
        EXPECT_EQ(value->number()->text(), row.text) << "the text stays as written";
        EXPECT_EQ(value->number()->as_int64(), row.as_int) << row.text;
        EXPECT_EQ(value->number()->floor_int64(), row.floor) << row.text;
    }
    EXPECT_EQ(Number("12x").as_int64(), std::nullopt);
    EXPECT_EQ(Number("").floor_int64(), std::nullopt);
    EXPECT_EQ(parse("1e99999999999999999999").has_value(), false);
}

TEST(JsonNumber, LongTextsKeepEveryDigit) {
    const std::string zeros(5000, '0');
    EXPECT_EQ(Number("0." + zeros + "15e5001").floor_int64(), 1);
    EXPECT_EQ(Number("15" + zeros + "e-5000").as_int64(), 15);
    const Result<Value> value = parse("[1" + zeros + "]");
    ASSERT_TRUE(value);
    EXPECT_EQ(value->array()->front().number()->text().size(), 5001U);
    EXPECT_EQ(value->array()->front().number()->floor_int64(), std::nullopt);
}

TEST(JsonPointer, FollowsRfc6901) {
    const Result<Value> value =
        parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"m~n":8," ":7,"~1":9,"realm_access":{"roles":["x"]}})");
    ASSERT_TRUE(value);
    struct Row {
        const char* path;
        const char* found;  ///< JSON, or null for nothing
    };
    const Row rows[] = {
        {"/foo", R"(["bar","baz"])"},
        {"/foo/0", R"("bar")"},
        {"/foo/1", R"("baz")"},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/m~0n", "8"},
        {"/ ", "7"},
        {"/~01", "9"},
        {"/realm_access/roles/0", R"("x")"},
        {"foo", nullptr},
        {"/foo/2", nullptr},
        {"/foo/-", nullptr},
        {"/foo/00", nullptr},
        {"/foo/01", nullptr},
        {"/foo/", nullptr},
        {"/foo/1/x", nullptr},
        {"/foo/+1", nullptr},
        {"/a/b", nullptr},
        {"/m~n", nullptr},
        {"/m~", nullptr},
        {"/m~2n", nullptr},
        {"/foo/99999999999999999999999", nullptr},
    };
    for (const Row& row : rows) {
        const Value* found = value->pointer(row.path);
        ASSERT_EQ(found != nullptr, row.found != nullptr) << row.path;
        if (found == nullptr) continue;
        EXPECT_EQ(write(*found), row.found) << row.path;
    }
    EXPECT_EQ(value->pointer(""), &*value);
}

TEST(JsonWriter, WritesObjectsWithCommasAndEscapes) {
    std::string out = "prefix ";
    const std::vector<std::string> names{"a", "b"};
    Writer(out)
        .begin_object()
        .field("text", "say \"x\"\n\x1b")
        .field("on", true)
        .field("least", std::numeric_limits<std::int64_t>::min())
        .field("most", std::numeric_limits<std::uint64_t>::max())
        .field("small", std::uint16_t{7})
        .field("names", std::span(names))
        .begin_array("empty")
        .end_array()
        .begin_array("list")
        .integer(1)
        .null()
        .begin_object()
        .end_object()
        .string("x:")
        .string("[")
        .string("last")
        .end_array()
        .end_object();
    EXPECT_EQ(
        out,
        R"(prefix {"text":"say \u0022x\u0022\u000a\u001b","on":true,"least":-9223372036854775808,)"
        R"("most":18446744073709551615,"small":7,"names":["a","b"],"empty":[],"list":[1,null,{},"x:","[","last"]})");
}

TEST(JsonWriter, MakesValidJsonOfAnyBytes) {
    SeededRandom random(2);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes(random.below(40), '\0');
        random.fill(std::as_writable_bytes(std::span(bytes)));
        const std::string text = write(Value(bytes));
        const Result<Value> again = parse(text);
        ASSERT_TRUE(again) << text;
        ASSERT_NE(again->string(), nullptr);
    }
}

TEST(JsonCorpus, EveryFileKeepsTheFuzzersPromises) {
    EXPECT_GE(test::replay_corpus("json", LLVMFuzzerTestOneInput), 15U);
}

}  // namespace
}  // namespace latchkey::json
