// Errors of `latchkey bench`, 12200 to 12299; numbers never change meaning.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::app {

inline constexpr ErrorInfo kBenchRefused{12201, "bench_refused", "the broker refused a client of the load",
                                         "give credentials and topics that its policy allows"};

/// All rows, for the reference page.
inline constexpr std::array<const ErrorInfo*, 1> kBenchErrors{&kBenchRefused};

}  // namespace latchkey::app
