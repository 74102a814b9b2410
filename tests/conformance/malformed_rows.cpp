// See malformed_rows.h. Codes: 0x81 what cannot be parsed, 0x82 what can be but may not be said, 0x90, 0x93,
// 0x94, 0x95, 0x97 where the standard has a word of its own; below level 5 a return code where one exists,
// else silence.
// SPDX-License-Identifier: Apache-2.0
#include "conformance/malformed_rows.h"

#include "conformance/wire_client.h"

namespace latchkey::conformance {

namespace {

constexpr unsigned kLevels[] = {5, 4, 3};

/// A correct body of each type that a client may send, with the flags it must have.
struct Sample {
    const char* name;
    unsigned first;
    std::string body;
    std::size_t shortest;  ///< cut below this it is no packet any more; at and above, it may be
};

std::vector<Sample> samples(unsigned level) {
    const std::string none = level == 5 ? block() : "";
    const std::size_t p = none.size();
    return {{"PUBLISH QoS 0", 0x30, s("t") + none + "x", 3 + p},
            {"PUBLISH QoS 1", 0x32, s("t") + u16(1) + none + "x", 5 + p},
            {"PUBLISH QoS 2", 0x34, s("t") + u16(1) + none + "x", 5 + p},
            {"PUBACK", 0x40, u16(1), 2},
            {"PUBREC", 0x50, u16(1), 2},
            {"PUBREL", 0x62, u16(1), 2},
            {"PUBCOMP", 0x70, u16(1), 2},
            {"SUBSCRIBE", 0x82, u16(1) + none + s("t") + b({0}), 6 + p},
            {"UNSUBSCRIBE", 0xA2, u16(1) + none + s("t"), 5 + p},
            {"PINGREQ", 0xC0, "", 0},
            {"DISCONNECT", 0xE0, "", 0}};
}

int told(unsigned level, int code) {
    return level == 5 ? code : kSilence;
}

void add(std::vector<Row>& rows, unsigned level, std::string what, std::string bytes, int code = 0x81,
         std::string before = {}) {
    rows.push_back({std::to_string(level) + ", " + std::move(what), level, When::Connected, std::move(bytes),
                    told(level, code), std::move(before)});
}

std::string number(unsigned value) {
    return hex(b({value}));
}

void add_cut(std::vector<Row>& rows, unsigned level, const Sample& sample) {
    for (std::size_t length = 0; length < sample.shortest; ++length) {
        // Three bytes of topic name and two of an identifier are a whole packet again, only another one.
        const bool no_filter = level != 5 && length == 2 && (sample.first == 0x82 || sample.first == 0xA2);
        const bool no_filter5 = level == 5 && length == 3 && (sample.first == 0x82 || sample.first == 0xA2);
        add(rows, level, std::string(sample.name) + " of " + std::to_string(length) + " bytes",
            packet(sample.first, sample.body.substr(0, length)), no_filter || no_filter5 ? 0x82 : 0x81);
    }
}

}  // namespace

std::vector<Row> fixed_headers() {
    std::vector<Row> rows;
    for (const unsigned level : kLevels) {
        add(rows, level, "type 0", b({0x00, 0x00}));
        for (unsigned first = 0x10; first < 0x100; ++first) {
            const unsigned type = first >> 4;
            const unsigned flags = first & 0x0F;
            if (type == 3) continue;
            const unsigned right = type == 6 || type == 8 || type == 10 ? 2 : 0;
            const bool dup_of_31 = level == 3 && right == 2 && flags == 0x0A;
            if (flags == right || dup_of_31) continue;
            add(rows, level, "reserved flags " + number(first), b({first, 0x00}));
        }
        for (const unsigned first : {0x36U, 0x37U, 0x3EU, 0x3FU})
            add(rows, level, "QoS 3 " + number(first), packet(first, s("t") + u16(1) + "x"));
        for (const unsigned first : {0x38U, 0x39U})
            add(rows, level, "DUP with QoS 0 " + number(first), packet(first, s("t") + "x"));
        for (const Sample& sample : samples(level)) {
            const std::string whole = packet(sample.first, sample.body);
            const auto length = static_cast<unsigned>(sample.body.size());
            add(rows, level, std::string(sample.name) + " with a length that is not minimal",
                b({sample.first, length | 0x80U, 0x00}) + sample.body);
            add(rows, level, std::string(sample.name) + " with a length of five bytes",
                b({sample.first, length | 0x80U, 0x80, 0x80, 0x80, 0x00}) + sample.body);
            add(rows, level, std::string(sample.name) + " with a length above the limit",
                b({sample.first, 0x81, 0x80, 0x80, 0x01}), 0x95);
            add_cut(rows, level, sample);
        }
    }
    return rows;
}

std::vector<Row> publishes() {
    std::vector<Row> rows;
    for (const unsigned level : kLevels) {
        const std::string none = level == 5 ? block() : "";
        for (const unsigned first : {0x32U, 0x34U}) {
            add(rows, level, "packet identifier 0", packet(first, s("t") + u16(0) + none + "x"), 0x82);
        }
        add(rows, level, "topic name beyond the packet", packet(0x30, u16(40) + "t" + none));
        for (const char* topic : {"#", "+", "a/#", "a/+/b", "a#", "+a"}) {
            add(rows, level, std::string("wildcard in the topic name ") + topic,
                packet(0x30, s(topic) + none + "x"), 0x90);
        }
        add(rows, level, "empty topic name", packet(0x30, s("") + none + "x"), 0x82);
        std::string many;
        for (unsigned id = 1; id <= 3; ++id)
            many += publish(2, "t", "x", id, level);
        add(rows, level, "more QoS 2 than Receive Maximum", publish(2, "t", "x", 4, level), 0x93, many);
    }
    const auto with = [](const std::string& properties, const char* topic = "t") {
        return publish0(topic, "x", 5, properties);
    };
    add(rows, 5, "topic alias 0", with(b({0x23}) + u16(0)), 0x94);
    add(rows, 5, "topic alias above the maximum", with(b({0x23}) + u16(5)), 0x94);
    add(rows, 5, "topic alias that was never set", with(b({0x23}) + u16(2), ""), 0x82);
    add(rows, 5, "subscription identifier from a client", with(b({0x0B, 0x01})), 0x82);
    add(rows, 5, "response topic with a wildcard", with(b({0x08}) + s("a/#")), 0x82);
    add(rows, 5, "empty response topic", with(b({0x08}) + s("")), 0x82);
    add(rows, 5, "payload format 2", with(b({0x01, 0x02})), 0x82);
    add(rows, 5, "property length beyond the packet", packet(0x30, s("t") + b({0x20}) + "x"));
    add(rows, 5, "property length of five bytes",
        packet(0x30, s("t") + b({0x80, 0x80, 0x80, 0x80, 0x00}) + "x"));
    add(rows, 5, "property length that is not minimal", packet(0x30, s("t") + b({0x80, 0x00}) + "x"));
    add(rows, 5, "property length that ends inside a property",
        packet(0x30, s("t") + b({0x03, 0x02, 0, 0, 0, 9}) + "x"));
    std::string crowd;
    for (int i = 0; i < 65; ++i)
        crowd += b({0x26}) + s("k") + s("v");
    add(rows, 5, "65 user properties", with(crowd), 0x97);
    return rows;
}

std::vector<Row> acknowledgements() {
    std::vector<Row> rows;
    for (const unsigned level : kLevels) {
        for (const unsigned first : {0x40U, 0x50U, 0x62U, 0x70U}) {
            add(rows, level, "identifier 0 in " + number(first), packet(first, u16(0)), 0x82);
            if (level != 5)
                add(rows, level, "reason code below level 5 in " + number(first),
                    packet(first, u16(1) + b({0})));
        }
    }
    for (const unsigned first : {0x40U, 0x50U, 0x62U, 0x70U}) {
        const bool publish_half = first < 0x60;
        for (unsigned code = 0; code < 0x100; ++code) {
            const bool legal = publish_half ? code == 0 || code == 0x10 || code == 0x80 || code == 0x83 ||
                                                  code == 0x87 || code == 0x90 || code == 0x91 ||
                                                  code == 0x97 || code == 0x99
                                            : code == 0 || code == 0x92;
            if (legal) continue;
            add(rows, 5, "reason code " + number(code) + " in " + number(first),
                packet(first, u16(1) + b({code})), 0x82);
        }
        add(rows, 5, "bytes behind " + number(first), packet(first, u16(1) + b({0, 0, 0})));
        add(rows, 5, "properties beyond " + number(first), packet(first, u16(1) + b({0, 9, 0x1F})));
    }
    return rows;
}

std::vector<Row> subscribes() {
    std::vector<Row> rows;
    for (const unsigned level : kLevels) {
        const std::string none = level == 5 ? block() : "";
        for (const unsigned first : {0x82U, 0xA2U}) {
            const std::string option = first == 0x82 ? b({0}) : "";
            const std::string name = first == 0x82 ? "SUBSCRIBE: " : "UNSUBSCRIBE: ";
            add(rows, level, name + "identifier 0", packet(first, u16(0) + none + s("t") + option), 0x82);
            add(rows, level, name + "no filter", packet(first, u16(1) + none), 0x82);
            add(rows, level, name + "empty filter", packet(first, u16(1) + none + s("") + option));
            add(rows, level, name + "filter beyond the packet", packet(first, u16(1) + none + u16(9) + "t"));
            add(rows, level, name + "the second filter is cut",
                packet(first, u16(1) + none + s("t") + option + b({0})));
        }
        add(rows, level, "the second filter has no options",
            packet(0x82, u16(1) + none + s("t") + b({0}) + s("u")));
        add(rows, level, "requested QoS 3", subscribe("t", 3, 1, level), level == 5 ? 0x82 : 0x81);
        for (unsigned bit = level == 5 ? 0x40 : 0x04; bit < 0x100; bit <<= 1)
            add(rows, level, "reserved option bit " + number(bit), subscribe("t", bit, 1, level));
    }
    add(rows, 5, "retain handling 3", subscribe("t", 0x30), 0x82);
    add(rows, 5, "no local on a shared subscription", subscribe("$share/g/t", 0x04), 0x82);
    add(rows, 5, "subscription identifier 0", subscribe("t", 0, 1, 5, b({0x0B, 0x00})), 0x82);
    add(rows, 5, "subscription identifier of five bytes",
        subscribe("t", 0, 1, 5, b({0x0B, 0x80, 0x80, 0x80, 0x80, 0x01})));
    add(rows, 5, "subscription identifier that is not minimal",
        subscribe("t", 0, 1, 5, b({0x0B, 0x81, 0x00})));
    return rows;
}

std::vector<Row> rest() {
    std::vector<Row> rows;
    for (const unsigned level : kLevels) {
        add(rows, level, "bytes behind PINGREQ", packet(0xC0, "x"));
        if (level == 5) continue;
        add(rows, level, "bytes behind DISCONNECT", packet(0xE0, b({0})));
        add(rows, level, "AUTH below level 5", packet(0xF0, ""));
    }
    const std::string codes =
        b({0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99});
    for (unsigned code = 0; code < 0x100; ++code) {
        if (codes.find(static_cast<char>(code)) != std::string::npos) continue;
        add(rows, 5, "DISCONNECT with reason code " + number(code), packet(0xE0, b({code})), 0x82);
    }
    add(rows, 5, "bytes behind DISCONNECT", packet(0xE0, b({0, 0, 0})));
    add(rows, 5, "DISCONNECT with properties beyond it", packet(0xE0, b({0, 5, 0x11})));
    add(rows, 5, "DISCONNECT raises the session expiry from 0", packet(0xE0, b({0, 5, 0x11, 0, 0, 0, 9})),
        0x82);
    add(rows, 5, "DISCONNECT with a server reference", packet(0xE0, b({0}) + block(b({0x1C}) + s("x"))),
        0x82);
    const auto auth = [](unsigned code, const std::string& properties) {
        return packet(0xF0, b({code}) + block(properties));
    };
    const std::string method = b({0x15}) + s("m");
    add(rows, 5, "AUTH without a method in CONNECT", auth(0x19, method), 0x82);
    add(rows, 5, "AUTH without a method", auth(0x19, ""), 0x82);
    add(rows, 5, "AUTH of two bytes", packet(0xF0, ""), 0x82);
    add(rows, 5, "AUTH that says success", auth(0x00, method), 0x82);
    add(rows, 5, "AUTH with a reason code of nothing", auth(0x42, method), 0x82);
    add(rows, 5, "bytes behind AUTH", packet(0xF0, b({0x19}) + block(method) + "x"));
    return rows;
}

std::vector<Row> states() {
    std::vector<Row> rows;
    for (const unsigned level : kLevels) {
        add(rows, level, "second CONNECT", Hello{.level = level}.bytes(), 0x82);
        add(rows, level, "CONNACK from a client", packet(0x20, b({0, 0}) + (level == 5 ? block() : "")),
            0x82);
        add(rows, level, "SUBACK from a client", packet(0x90, u16(1) + (level == 5 ? block() : "") + b({0})),
            0x82);
        add(rows, level, "UNSUBACK from a client", packet(0xB0, u16(1)), 0x82);
        add(rows, level, "PINGRESP from a client", kPong, 0x82);
    }
    for (const Sample& sample : samples(4)) {
        rows.push_back({std::string(sample.name) + " before CONNECT", 4, When::First,
                        packet(sample.first, sample.body), kSilence});
    }
    for (const unsigned first : {0x00U, 0x20U, 0x90U, 0xB0U, 0xD0U, 0xF0U})
        rows.push_back({number(first) + " before CONNECT", 4, When::First, b({first, 0x00}), kSilence});
    return rows;
}

}  // namespace latchkey::conformance
