// What a client speaks, by its first bytes: so that a wrong port is told in words instead of "malformed
// packet".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace latchkey::net {

enum class Spoken : std::uint8_t { MqttConnect, Tls, Http, Other };

/// Never sure, only for the error's text. @thread any
Spoken recognise(std::span<const std::byte> bytes);

}  // namespace latchkey::net
