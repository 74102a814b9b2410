// File watch: notices that files whose content is in use have changed on disk, by their stamps (inode, size,
// times; links are followed, so that a swapped link counts). Certificates are renewed by tools that signal
// nobody.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace latchkey::app {

/// @thread control
class FileWatch {
  public:
    /// What is on disk now is what is in use. To be called before the files are read: what is written in
    /// between is then seen as a change.
    void reset(std::vector<std::string> files);

    /// True when something changed since reset() or the last true, and then stood still from one call to the
    /// next: half-written files and the second file of a pair are waited for.
    bool changed();

  private:
    struct Stamp {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t size = -1;  ///< absent file
        std::int64_t modified_ns = 0;
        std::int64_t status_ns = 0;
        bool operator==(const Stamp&) const = default;
    };
    using Stamps = std::map<std::string, Stamp>;
    static Stamp stamp_of(const std::string& file);
    Stamps look() const;

    Stamps used_;
    Stamps last_;
};

}  // namespace latchkey::app
