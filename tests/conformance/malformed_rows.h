// The table behind malformed_test.cpp: each row a packet that is wrong in one way, and what it is told.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace latchkey::conformance {

enum class When : unsigned char { First, Connected };

inline constexpr int kSilence = -1;  ///< closed without a word

struct Row {
    std::string what;
    unsigned level = 5;
    When when = When::Connected;
    std::string bytes;
    int code = 0x81;          ///< of the CONNACK before, of the DISCONNECT after the connection was accepted
    std::string before = {};  ///< sent (and taken well) first
};

std::vector<Row> fixed_headers();
std::vector<Row> connects();
std::vector<Row> publishes();
std::vector<Row> acknowledgements();
std::vector<Row> subscribes();
std::vector<Row> rest();
std::vector<Row> strings();
std::vector<Row> properties();
std::vector<Row> states();

}  // namespace latchkey::conformance
