// Error table of the store room (7000).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::store {

inline constexpr ErrorInfo kIdentityUnusable{7001, "identity_unusable",
                                             "the data folder's identity file cannot be used",
                                             "restore it from a backup, or start with an empty data folder"};
inline constexpr ErrorInfo kFolderUnusable{7002, "data_folder_unusable", "the data folder cannot be used",
                                           "check its path, owner and free space"};
inline constexpr ErrorInfo kFolderInUse{7003, "data_folder_in_use", "another process uses this data folder",
                                        "stop it, or give this one another --data"};

inline constexpr std::array<const ErrorInfo*, 3> kErrors{&kIdentityUnusable, &kFolderUnusable, &kFolderInUse};

}  // namespace latchkey::store
