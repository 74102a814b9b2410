// What pub and sub do alike: reach the broker, log in, say why not.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli.h"
#include "app/mqtt_client.h"
#include "base/result.h"
#include "base/time.h"

namespace latchkey::app {

/// Connects and logs in. Nothing when that failed: why was said on standard error (unless quiet).
std::optional<MqttClient> open_client(const ConnectArgs& args, const Clock& clock);

/// One line on standard error about a refusal, and how to ask why when it names a decision.
void say_refused(const ConnectArgs& args, std::string_view what, std::string_view answer);

/// The decision id in a broker's words, as "d-0a1b2c3d4e5f6"; empty when there is none. Pure.
std::string decision_in(std::string_view words);

}  // namespace latchkey::app
