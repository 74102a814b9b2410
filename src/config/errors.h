// The error table of config: what loading says when there is no file position to say it at. Everything
// that has a position is a Fault.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::config {

inline constexpr ErrorInfo kUnreadable{10001, "config_unreadable", "the file cannot be read",
                                       "check the path and its permissions"};
inline constexpr ErrorInfo kTooLarge{10002, "config_too_large", "the file is larger than 1 MiB",
                                     "a configuration is smaller; is this the right file?"};
inline constexpr ErrorInfo kBadListenerFlag{
    10003, "bad_listener_flag", "a listener that cannot be understood",
    "write KIND:[ADDRESS:]PORT[,name=N][,cert=F,key=F][,client-ca=F]"};

inline constexpr std::array<const ErrorInfo*, 3> kErrors{&kUnreadable, &kTooLarge, &kBadListenerFlag};

}  // namespace latchkey::config
