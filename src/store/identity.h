// Identity: what names a data folder for good, in `identity` below it. Holds the folder's lock while it
// lives; counters are raised on disk before a number is given out, so that none is ever used twice (data-path
// 4).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"

namespace latchkey::store {

inline constexpr std::uint32_t kPartitions = 1024;

/// The content of the file, as JSON. Pure; for identity.cpp and its tests.
struct IdentityRecord {
    HashSeed placement_seed{};
    std::uint32_t partitions = kPartitions;
    std::uint64_t policy_version = 0;  ///< the last one given out
    std::uint32_t process_epoch = 0;   ///< the last one given out; log ids are made from it
    bool operator==(const IdentityRecord&) const = default;
};
std::string write_identity(const IdentityRecord& record);
/// @error kIdentityUnusable: anything but what write_identity makes
Result<IdentityRecord> read_identity(std::string_view text);

/// @thread control
class Identity {
  public:
    /// Makes the folder (0700) if it is not there, locks it, reads or creates the file (0600), and takes this
    /// start's process epoch. A file that cannot be read in full is never replaced.
    /// @error kFolderUnusable | kFolderInUse | kIdentityUnusable
    static Result<std::unique_ptr<Identity>> open(const std::string& folder, Random& random);
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;
    /// Gives up the lock.
    ~Identity();

    const std::string& folder() const noexcept { return folder_; }
    const HashSeed& placement_seed() const noexcept { return record_.placement_seed; }
    std::uint32_t partitions() const noexcept { return record_.partitions; }
    /// Of this start; above that of every earlier one.
    std::uint32_t process_epoch() const noexcept { return record_.process_epoch; }
    /// A version that was never given out; it is on disk when this returns.
    /// @error kFolderUnusable (could not be written: nothing was given out)
    Result<std::uint64_t> next_policy_version();

  private:
    Identity(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
    Result<void> save(const IdentityRecord& record) const;

    std::string folder_;
    int lock_;
    IdentityRecord record_;
};

/// Writes a file whole or not at all: beside it first, flushed, then renamed over it.
/// @param mode  permissions, as 0600 @error kFolderUnusable @thread control
Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode);
/// Makes a folder and those above it that are missing, readable by nobody else. @error kFolderUnusable
Result<void> make_folder(const std::string& path);

}  // namespace latchkey::store
