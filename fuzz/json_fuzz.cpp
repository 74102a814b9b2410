// Fuzzes the JSON reader: what is accepted survives writing and reading, holds no name twice, and is refused
// once a name is repeated; what is refused says a place inside the text. json_test.cpp replays the corpus
// through this file.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "base/errors.h"
#include "base/json.h"

namespace {

using latchkey::json::Member;
using latchkey::json::Value;

void require(bool promise) {
    if (!promise) std::abort();
}

void check_value(const Value& value) {
    if (const auto* number = value.number()) {
        const auto whole = number->as_int64();
        require(!whole || number->floor_int64() == whole);
    }
    if (const auto* elements = value.array()) {
        for (const Value& element : *elements)
            check_value(element);
    }
    if (const auto* members = value.object()) {
        std::set<std::string> names;
        for (const Member& member : *members) {
            require(names.insert(member.name).second);
            require(value.find(member.name) == &member.value);
            check_value(member.value);
        }
    }
}

void check_repeated_name_is_refused(const Value& value, const latchkey::json::Limits& roomy) {
    const auto* members = value.object();
    if (members == nullptr || members->empty()) return;
    std::string text;
    latchkey::json::Writer writer(text);
    writer.begin_object();
    for (const Member& member : *members)
        writer.key(member.name).value(member.value);
    writer.key(members->front().name).null().end_object();
    const auto repeated = latchkey::json::parse(text, roomy);
    require(!repeated && repeated.error().is(latchkey::kJsonDuplicate));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    latchkey::json::Location where;
    const auto value = latchkey::json::parse(text, {}, &where);
    if (!value) {
        require(where.offset <= size && where.line >= 1 && where.column >= 1);
        require(!value.error().is(latchkey::kJsonDuplicate) || text[where.offset] == '"');
        return 0;
    }
    check_value(*value);
    const latchkey::json::Limits roomy{8 * size + 1024, 64, size + 1024};
    const std::string written = latchkey::json::write(*value);
    const auto again = latchkey::json::parse(written, roomy);
    require(again && *again == *value);
    require(latchkey::json::write(*again) == written);
    check_repeated_name_is_refused(*value, roomy);
    return 0;
}
