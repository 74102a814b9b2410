// CONNECT, strings and properties of malformed_rows.h: what needs a table of its own.
// SPDX-License-Identifier: Apache-2.0
#include "conformance/malformed_rows.h"
#include "conformance/wire_client.h"

namespace latchkey::conformance {

namespace {

/// CONNECT from its parts, correct or not.
std::string connect(unsigned level, unsigned flags, const std::string& payload,
                    const std::string& properties = {}, std::string_view name = {}) {
    if (name.empty()) name = level == 3 ? "MQIsdp" : "MQTT";
    return packet(0x10,
                  s(name) + b({level, flags}) + u16(60) + (level == 5 ? block(properties) : "") + payload);
}

void add(std::vector<Row>& rows, unsigned level, const std::string& what, std::string bytes, int code) {
    rows.push_back(
        {std::to_string(level) + ", CONNECT: " + what, level, When::First, std::move(bytes), code});
}

/// Malformed: told so at level 5, silence below [MQTT311 3.1.4-1].
void add(std::vector<Row>& rows, unsigned level, const std::string& what, std::string bytes) {
    add(rows, level, what, std::move(bytes), level == 5 ? 0x81 : kSilence);
}

struct Known {
    unsigned id;
    std::string value;
    std::string places;  ///< letters of kPlaces
};

/// @spec MQTT5 table 2-4, what a client may send: C CONNECT, W will, P PUBLISH, A the four acknowledgements,
/// S SUBSCRIBE, U UNSUBSCRIBE, D DISCONNECT, H AUTH
std::vector<Known> known_properties() {
    return {{0x01, b({1}), "WP"},
            {0x02, u32(9), "WP"},
            {0x03, s("x"), "WP"},
            {0x08, s("x"), "WP"},
            {0x09, s("x"), "WP"},
            {0x0B, b({1}), "S"},
            {0x11, u32(9), "CD"},
            {0x12, s("x"), ""},
            {0x13, u16(9), ""},
            {0x15, s("m"), "CH"},
            {0x16, s("x"), "CH"},
            {0x17, b({1}), "C"},
            {0x18, u32(9), "W"},
            {0x19, b({1}), "C"},
            {0x1A, s("x"), ""},
            {0x1C, s("x"), ""},
            {0x1F, s("x"), "ADH"},
            {0x21, u16(9), "C"},
            {0x22, u16(9), "C"},
            {0x23, u16(1), "P"},
            {0x24, b({1}), ""},
            {0x25, b({1}), ""},
            {0x26, s("k") + s("v"), "CWPASUDH"},
            {0x27, u32(9000), "C"},
            {0x28, b({1}), ""},
            {0x29, b({1}), ""},
            {0x2A, b({1}), ""}};
}

constexpr std::string_view kPlaces = "CWPASUDH";

/// The packet of a place with a property block; as many packets as the place has types.
std::vector<std::pair<When, std::string>> packets_with(char place, const std::string& properties) {
    const std::string inside = block(properties);
    switch (place) {
        case 'C':
            return {{When::First, connect(5, 0x02, s("c"), properties)}};
        case 'W':
            return {{When::First, connect(5, 0x06, s("c") + inside + s("w") + s("x"))}};
        case 'P':
            return {{When::Connected, packet(0x30, s("t") + inside + "x")}};
        case 'A': {
            std::vector<std::pair<When, std::string>> four;
            for (const unsigned first : {0x40U, 0x50U, 0x62U, 0x70U})
                four.emplace_back(When::Connected, packet(first, u16(1) + b({0}) + inside));
            return four;
        }
        case 'S':
            return {{When::Connected, packet(0x82, u16(1) + inside + s("t") + b({0}))}};
        case 'U':
            return {{When::Connected, packet(0xA2, u16(1) + inside + s("t"))}};
        case 'D':
            return {{When::Connected, packet(0xE0, b({0}) + inside)}};
        default:
            return {{When::Connected, packet(0xF0, b({0x19}) + inside)}};
    }
}

std::string in_place(unsigned id, char place) {
    return "property " + hex(b({id})) + " in " + std::string(1, place);
}

void add_properties(std::vector<Row>& rows, char place, const std::string& what,
                    const std::string& properties, int code) {
    for (auto& [when, bytes] : packets_with(place, properties))
        rows.push_back({what, 5, when, std::move(bytes), code});
}

}  // namespace

std::vector<Row> connects() {
    std::vector<Row> rows;
    add(rows, 5, "another protocol name", connect(5, 2, s("c"), "", "MQTX"), kSilence);
    add(rows, 4, "the name in small letters", connect(4, 2, s("c"), "", "mqtt"), kSilence);
    add(rows, 5, "level 6", connect(6, 2, block() + s("c")), 0x84);
    add(rows, 4, "level 3 under the new name", connect(3, 2, s("c"), "", "MQTT"), 1);
    add(rows, 4, "level 0", connect(0, 2, s("c")), 1);
    add(rows, 3, "level 4 under the old name", connect(4, 2, s("c"), "", "MQIsdp"), 1);
    add(rows, 5, "a name beyond the packet", packet(0x10, u16(99) + "MQTT"), kSilence);
    for (const unsigned level : {5U, 4U, 3U}) {
        add(rows, level, "reserved flag", connect(level, 0x03, s("c")));
        add(rows, level, "will QoS 3",
            connect(level, 0x1E, s("c") + (level == 5 ? block() : "") + s("w") + s("x")));
        add(rows, level, "will QoS without a will", connect(level, 0x0A, s("c")));
        add(rows, level, "will retain without a will", connect(level, 0x22, s("c")));
        if (level != 5) add(rows, level, "password without a user", connect(level, 0x42, s("c") + s("pw")));
        add(rows, level, "bytes behind it", connect(level, 0x02, s("c") + "x"));
        add(rows, level, "a user name that no flag announces", connect(level, 0x02, s("c") + s("u")));
        const std::string will = level == 5 ? block() : "";
        add(rows, level, "wildcard in the will topic",
            connect(level, 0x06, s("c") + will + s("w/#") + s("x")), level == 5 ? 0x90 : kSilence);
        add(rows, level, "empty will topic", connect(level, 0x06, s("c") + will + s("") + s("x")),
            level == 5 ? 0x90 : kSilence);
        if (level != 5) {
            add(rows, level, "no client identifier and no clean session", connect(level, 0x00, s("")), 2);
        }
        // All fields there are, cut at every byte behind the level: the answer is known from there on.
        const std::string whole = s(level == 3 ? "MQIsdp" : "MQTT") + b({level, 0xC6}) + u16(60) + will +
                                  s("c") + will + s("w") + s("x") + s("u") + s("p");
        const std::size_t known = level == 3 ? 9 : 7;
        const std::size_t lenient = whole.size() - 6;  // 3.1: user name and password may be missing as wholes
        for (std::size_t length = 0; length < whole.size(); ++length) {
            if (level == 3 && (length == lenient || length == lenient + 3)) continue;
            add(rows, level, "cut after " + std::to_string(length), packet(0x10, whole.substr(0, length)),
                level == 5 && length >= known ? 0x81 : kSilence);
        }
    }
    add(rows, 3, "no client identifier", connect(3, 0x02, s("")), 2);
    add(rows, 5, "authentication data without a method", connect(5, 2, s("c"), b({0x16}) + s("x")), 0x82);
    add(rows, 5, "receive maximum 0", connect(5, 2, s("c"), b({0x21}) + u16(0)), 0x82);
    add(rows, 5, "maximum packet size 0", connect(5, 2, s("c"), b({0x27}) + u32(0)), 0x82);
    add(rows, 5, "request problem information 2", connect(5, 2, s("c"), b({0x17, 2})), 0x82);
    add(rows, 5, "request response information 2", connect(5, 2, s("c"), b({0x19, 2})), 0x82);
    add(rows, 5, "reserved fixed-header flags", b({0x11}) + connect(5, 2, s("c")).substr(1), kSilence);
    const std::string fine = connect(4, 2, s("c")).substr(2);
    add(rows, 4, "a length that is not minimal",
        b({0x10, static_cast<unsigned>(fine.size()) | 0x80U, 0x00}) + fine, kSilence);
    add(rows, 4, "a length of five bytes", b({0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}), kSilence);
    add(rows, 4, "a length above the limit for it", b({0x10, 0xFF, 0xFF, 0xFF, 0x7F}), kSilence);
    return rows;
}

std::vector<Row> strings() {
    std::vector<Row> rows;
    const std::pair<const char*, std::string> wrong[] = {{"U+0000", b({'a', 0x00})},
                                                         {"a surrogate", b({0xED, 0xA0, 0x80})},
                                                         {"the last surrogate", b({0xED, 0xBF, 0xBF})},
                                                         {"an overlong slash", b({0xC0, 0xAF})},
                                                         {"overlong U+0000", b({0xC0, 0x80})},
                                                         {"a lone continuation", b({0x80})},
                                                         {"a cut sequence", b({'a', 0xC3})},
                                                         {"beyond U+10FFFF", b({0xF4, 0x90, 0x80, 0x80})},
                                                         {"FF", b({0xFF})}};
    for (const auto& [what, text] : wrong) {
        const auto row = [&](unsigned level, When when, const char* field, std::string bytes) {
            rows.push_back({std::to_string(level) + ", " + what + " in " + field, level, when,
                            std::move(bytes), level == 5 ? 0x81 : kSilence});
        };
        for (const unsigned level : {5U, 4U, 3U}) {
            const std::string none = level == 5 ? block() : "";
            row(level, When::First, "client identifier", connect(level, 0x02, s(text)));
            row(level, When::First, "will topic", connect(level, 0x06, s("c") + none + s(text) + s("x")));
            row(level, When::First, "user name", connect(level, 0x82, s("c") + s(text)));
            row(level, When::Connected, "topic name", packet(0x30, s(text) + none + "x"));
            row(level, When::Connected, "topic name, QoS 1", packet(0x32, s(text) + u16(1) + none + "x"));
            row(level, When::Connected, "SUBSCRIBE", subscribe(text, 0, 1, level));
            row(level, When::Connected, "UNSUBSCRIBE", packet(0xA2, u16(1) + none + s(text)));
        }
        // Every property that is a string, in every packet that may carry it.
        for (const auto& [id, places] :
             {std::pair{0x03U, "WP"}, {0x08U, "WP"}, {0x15U, "CH"}, {0x1FU, "ADH"}}) {
            for (const char place : std::string_view(places))
                add_properties(rows, place, what + (" in " + in_place(id, place)), b({id}) + s(text), 0x81);
        }
        for (const char place : kPlaces) {
            add_properties(rows, place, std::string(what) + " in a user property's name, " + place,
                           b({0x26}) + s(text) + s("v"), 0x81);
            add_properties(rows, place, std::string(what) + " in a user property's value, " + place,
                           b({0x26}) + s("k") + s(text), 0x81);
        }
    }
    return rows;
}

std::vector<Row> properties() {
    std::vector<Row> rows;
    for (const char place : kPlaces) {
        for (const unsigned id : {0x00U, 0x04U, 0x10U, 0x2BU, 0x7FU})
            add_properties(rows, place, "unknown " + in_place(id, place), b({id, 0}), 0x81);
        add_properties(rows, place, std::string("identifier of two bytes in ") + place, b({0x81, 0x01, 0}),
                       0x81);
        add_properties(rows, place, std::string("identifier that is not minimal in ") + place,
                       b({0xA6, 0x00}) + s("k") + s("v"), 0x81);
        for (const Known& known : known_properties()) {
            const std::string one = b({known.id}) + known.value;
            const std::string what = in_place(known.id, place);
            // Known to stand elsewhere, or to belong to the server: words of their own in the standard.
            const bool violation = (known.id == 0x0B && place == 'P') || (known.id == 0x1C && place == 'D');
            if (known.places.find(place) == std::string::npos) {
                add_properties(rows, place, what + ", where it may not stand", one, violation ? 0x82 : 0x81);
                continue;
            }
            add_properties(rows, place, what + ", cut", one.substr(0, one.size() - 1), 0x81);
            if (known.id != 0x26) add_properties(rows, place, what + ", twice", one + one, 0x82);
        }
        std::string crowd;
        for (int i = 0; i < 65; ++i)
            crowd += b({0x26}) + s("k") + s("v");
        add_properties(rows, place, std::string("65 user properties in ") + place, crowd, 0x97);
    }
    return rows;
}

}  // namespace latchkey::conformance
