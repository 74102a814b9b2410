// Error table of the app room (12000).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::app {

inline constexpr ErrorInfo kFileUnreadable{12001, "file_unreadable", "the file cannot be read",
                                           "check the path and its permissions"};
inline constexpr ErrorInfo kDevFolderDamaged{
    12002, "dev_folder_damaged", "a file of the development folder cannot be used",
    "remove the folder named, so that a fresh one is made; tokens of the old one then end"};
inline constexpr ErrorInfo kListenersChanged{12003, "listeners_changed",
                                             "the listeners differ from those that are open",
                                             "a reload changes everything but listeners: restart for those"};
inline constexpr ErrorInfo kTokenRefused{12004, "token_refused", "the token endpoint gave no token",
                                         "check the client id, the secret and the scope"};
inline constexpr ErrorInfo kNoTokenEndpoint{12005, "no_token_endpoint",
                                            "the issuer's discovery document names no token endpoint",
                                            "give it with --token-url"};
inline constexpr ErrorInfo kTokenMalformed{12006, "token_malformed", "this is no signed token",
                                           "a JWT has three parts of base64url with dots between"};

inline constexpr std::array<const ErrorInfo*, 6> kErrors{&kFileUnreadable,   &kDevFolderDamaged,
                                                         &kListenersChanged, &kTokenRefused,
                                                         &kNoTokenEndpoint,  &kTokenMalformed};

}  // namespace latchkey::app
