// Every property in every packet type: allowed, repeated, cut short, out of range (E-15). The expectation is
// written here a second time, as the standard's table 2-4 has it, and not taken from the product's table.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/properties.h"

#include <map>

#include <gtest/gtest.h>

#include "support/mqtt_build.h"
#include "support/mqtt_recorder.h"

namespace latchkey::mqtt {
namespace {

using namespace probe;

constexpr std::array kKinds = {BlockKind::Connect,
                               BlockKind::Will,
                               BlockKind::Connack,
                               BlockKind::PublishFromClient,
                               BlockKind::PublishFromServer,
                               BlockKind::Ack,
                               BlockKind::Subscribe,
                               BlockKind::Suback,
                               BlockKind::Unsubscribe,
                               BlockKind::DisconnectFromClient,
                               BlockKind::DisconnectFromServer,
                               BlockKind::Auth};

/// Letters: C connect, W will, A connack, P publish, K acks, S subscribe, B suback and unsuback, U
/// unsubscribe, D disconnect, X auth.
char letter(BlockKind kind) {
    switch (kind) {
        case BlockKind::Connect:
            return 'C';
        case BlockKind::Will:
            return 'W';
        case BlockKind::Connack:
            return 'A';
        case BlockKind::PublishFromClient:
        case BlockKind::PublishFromServer:
            return 'P';
        case BlockKind::Ack:
            return 'K';
        case BlockKind::Subscribe:
            return 'S';
        case BlockKind::Suback:
            return 'B';
        case BlockKind::Unsubscribe:
            return 'U';
        case BlockKind::DisconnectFromClient:
        case BlockKind::DisconnectFromServer:
            return 'D';
        case BlockKind::Auth:
            return 'X';
    }
    return '?';
}

struct Expected {
    std::string_view packets;
    std::string value;      ///< a legal one
    std::string bad_value;  ///< one out of range, if there is any
    Reason bad = Reason::ProtocolError;
};

const std::map<unsigned, Expected>& table() {
    constexpr auto kAlias = Reason::TopicAliasInvalid;
    constexpr auto kMalformed = Reason::MalformedPacket;
    const std::string surrogate = s("\xED\xA0\x80");
    static const std::map<unsigned, Expected> kTable = {
        {0x01, {"PW", b({1}), b({2})}},
        {0x02, {"PW", u32(0), ""}},
        {0x03, {"PW", s("t"), surrogate, kMalformed}},
        {0x08, {"PW", s("r/t"), s("r/+")}},
        {0x09, {"PW", s("\xFF"), ""}},
        {0x0B, {"PS", varint(268'435'455), b({0})}},
        {0x11, {"CAD", u32(0xFFFFFFFF), ""}},
        {0x12, {"A", s("id"), surrogate, kMalformed}},
        {0x13, {"A", u16(0), ""}},
        {0x15, {"CAX", s("m"), surrogate, kMalformed}},
        {0x16, {"CAX", s("\xFF"), ""}},
        {0x17, {"C", b({0}), b({2})}},
        {0x18, {"W", u32(7), ""}},
        {0x19, {"C", b({1}), b({0xFF})}},
        {0x1A, {"A", s("i"), surrogate, kMalformed}},
        {0x1C, {"AD", s("srv"), surrogate, kMalformed}},
        {0x1F, {"AKBDX", s("why"), surrogate, kMalformed}},
        {0x21, {"CA", u16(1), u16(0)}},
        {0x22, {"CA", u16(0), ""}},
        {0x23, {"P", u16(3), u16(0), kAlias}},
        {0x24, {"A", b({1}), b({2})}},
        {0x25, {"A", b({0}), b({2})}},
        {0x26, {"CWAPKSBUDX", s("n") + s("v"), s("n") + surrogate, kMalformed}},
        {0x27, {"CA", u32(1), u32(0)}},
        {0x28, {"A", b({0}), b({3})}},
        {0x29, {"A", b({1}), b({2})}},
        {0x2A, {"A", b({1}), b({2})}},
    };
    return kTable;
}

/// What a whole block gives: nothing, or the first fault.
std::optional<Reason> fault_of(BlockKind kind, const std::string& block_bytes) {
    const std::vector<std::byte> exact(bytes_of(block_bytes).begin(), bytes_of(block_bytes).end());
    PropertyCursor cursor(exact, kind, 4);
    while (!cursor.done()) {
        if (auto property = cursor.next(); !property) return property.error().reason;
    }
    return std::nullopt;
}

/// Refused with 0x82 though the packet type knows the property: the other side may send it.
bool only_the_other_side(unsigned id, BlockKind kind) {
    return (id == 0x0B && kind == BlockKind::PublishFromClient) ||
           (id == 0x11 && kind == BlockKind::DisconnectFromServer) ||
           (id == 0x1C && kind == BlockKind::DisconnectFromClient);
}

TEST(Properties, E_15_EachIsAllowedExactlyWhereTheStandardSays) {
    for (unsigned id = 0; id < 128; ++id) {
        const auto row = table().find(id);
        for (const BlockKind kind : kKinds) {
            const std::string wire = b({id}) + (row == table().end() ? b({0, 0, 0, 0}) : row->second.value);
            const bool listed = row != table().end() && row->second.packets.contains(letter(kind));
            std::optional<Reason> expected;
            if (!listed) expected = Reason::MalformedPacket;
            if (listed && only_the_other_side(id, kind)) expected = Reason::ProtocolError;
            EXPECT_EQ(fault_of(kind, wire), expected) << id << " in " << letter(kind);
        }
    }
}

TEST(Properties, E_15_RepeatedIsAProtocolErrorExceptWhereListsAreMeant) {
    for (const auto& [id, row] : table()) {
        for (const BlockKind kind : kKinds) {
            if (!row.packets.contains(letter(kind)) || only_the_other_side(id, kind)) continue;
            const bool list = id == 0x26 || (id == 0x0B && kind == BlockKind::PublishFromServer);
            const std::string one = b({id}) + row.value;
            const auto expected = list ? std::nullopt : std::optional(Reason::ProtocolError);
            EXPECT_EQ(fault_of(kind, one + one), expected) << id << " in " << letter(kind);
            EXPECT_EQ(fault_of(kind, one + b({0x26}) + s("n") + s("v") + one), expected) << id;
        }
    }
}

TEST(Properties, E_15_CutShortIsMalformedAtEveryByte) {
    for (const auto& [id, row] : table()) {
        for (const BlockKind kind : kKinds) {
            if (!row.packets.contains(letter(kind))) continue;
            const std::string whole = b({id}) + row.value;
            for (std::size_t size = 1; size < whole.size(); ++size) {
                EXPECT_EQ(fault_of(kind, whole.substr(0, size)), Reason::MalformedPacket)
                    << id << " " << size;
            }
        }
    }
}

TEST(Properties, E_15_ValuesOutOfRange) {
    for (const auto& [id, row] : table()) {
        if (row.bad_value.empty()) continue;
        for (const BlockKind kind : kKinds) {
            if (!row.packets.contains(letter(kind)) || only_the_other_side(id, kind)) continue;
            EXPECT_EQ(fault_of(kind, b({id}) + row.bad_value), row.bad) << id << " in " << letter(kind);
        }
    }
}

TEST(Properties, TheCapOfUserPropertiesCountsOnlyThem) {
    const std::string user = b({0x26}) + s("n") + s("v");
    EXPECT_EQ(fault_of(BlockKind::Ack, user + user + user + user), std::nullopt);
    EXPECT_EQ(fault_of(BlockKind::Ack, user + user + user + user + user), Reason::QuotaExceeded);
    EXPECT_EQ(fault_of(BlockKind::PublishFromClient, user + user + user + user + b({0x01, 0})), std::nullopt);
}

TEST(Properties, UserPropertiesKeepTheirOrderAndRepetitions) {
    const std::string wire = b({0x26}) + s("b") + s("1") + b({0x01, 1}) + b({0x26}) + s("a") + s("2") +
                             b({0x26}) + s("b") + s("1");
    PropertyCursor cursor(bytes_of(wire), BlockKind::PublishFromClient, 9);
    while (!cursor.done())
        ASSERT_TRUE(cursor.next());
    std::string seen;
    cursor.user().for_each(
        [&](const UserProperty& p) { seen += std::string(p.name) + std::string(p.value); });
    EXPECT_EQ(seen, "b1a2b1");
    EXPECT_EQ(cursor.user().count(), 3u);
}

TEST(TopicNames, TheQuickLookAgreesWithTheObviousOne) {
    const std::string_view alphabet[] = {"a",        "/",    "+",    "#", std::string_view("\0", 1),
                                         "\xC3\xA4", "\x7F", "\x80", "$"};
    std::uint32_t state = 12345;
    for (int round = 0; round < 200'000; ++round) {
        std::string text;
        state = state * 1664525u + 1013904223u;
        const unsigned length = (state >> 24) % 20;
        for (unsigned i = 0; i < length; ++i) {
            state = state * 1664525u + 1013904223u;
            const unsigned pick = (state >> 20) % 40;
            text += alphabet[pick < 9 ? pick : 0];
        }
        bool good = !text.empty();
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '+' || text[i] == '#' || text[i] == '\0') good = false;
            const bool lead = text[i] == '\xC3';
            if (lead && (i + 1 == text.size() || text[i + 1] != '\xA4')) good = false;
            if ((text[i] == '\xA4' || text[i] == '\x80') && (i == 0 || text[i - 1] != '\xC3')) good = false;
            if (text[i] == '\x80') good = false;
        }
        ASSERT_EQ(is_topic_name(text), good) << ::testing::PrintToString(text);
    }
}

}  // namespace
}  // namespace latchkey::mqtt
