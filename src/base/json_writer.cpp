// The writer of json.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "base/utf8.h"

namespace latchkey::json {

void Writer::separate() {
    // The last byte tells: a value can only end in a quote, a bracket, a digit or a letter.
    if (out_.size() == start_) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
}

Writer& Writer::begin_object() {
    separate();
    out_ += '{';
    return *this;
}

Writer& Writer::end_object() {
    out_ += '}';
    return *this;
}

Writer& Writer::begin_array() {
    separate();
    out_ += '[';
    return *this;
}

Writer& Writer::end_array() {
    out_ += ']';
    return *this;
}

Writer& Writer::key(std::string_view name) {
    string(name);
    out_ += ':';
    return *this;
}

Writer& Writer::string(std::string_view value) {
    separate();
    out_ += '"';
    escape_for_log(value, out_);
    out_ += '"';
    return *this;
}

Writer& Writer::integer(std::int64_t value) {
    return raw(std::to_string(value));
}
Writer& Writer::unsigned_integer(std::uint64_t value) {
    return raw(std::to_string(value));
}
Writer& Writer::boolean(bool value) {
    return raw(value ? "true" : "false");
}
Writer& Writer::null() {
    return raw("null");
}

Writer& Writer::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

Writer& Writer::field(std::string_view name, std::span<const std::string> values) {
    begin_array(name);
    for (const std::string& value : values)
        string(value);
    return end_array();
}

Writer& Writer::value(const Value& value) {
    if (const Object* members = value.object()) {
        begin_object();
        for (const Member& member : *members)
            key(member.name).value(member.value);
        return end_object();
    }
    if (const Array* elements = value.array()) {
        begin_array();
        for (const Value& element : *elements)
            this->value(element);
        return end_array();
    }
    if (const std::string* text = value.string()) return string(*text);
    if (const Number* number = value.number()) return raw(number->text());
    if (const std::optional<bool> truth = value.boolean()) return boolean(*truth);
    return null();
}

std::string write(const Value& value) {
    std::string out;
    Writer(out).value(value);
    return out;
}

}  // namespace latchkey::json
