// See identity.h.
// SPDX-License-Identifier: Apache-2.0
#include "store/identity.h"

#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "store/errors.h"

namespace latchkey::store {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kMaxFile = 4096;
/// Decision ids carry 22 bits of the process epoch.
constexpr std::uint32_t kMaxProcessEpoch = (1U << 22) - 1;

std::unexpected<Error> unusable(const ErrorInfo& info, std::string_view what, int code) {
    return fail(info, std::string(what) + ": " + std::generic_category().message(code));
}

std::string to_hex(const HashSeed& seed) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const std::byte byte : seed) {
        const auto value = std::to_integer<unsigned>(byte);
        out.push_back(kDigits[value >> 4U]);
        out.push_back(kDigits[value & 15U]);
    }
    return out;
}

std::optional<HashSeed> from_hex(std::string_view text) {
    HashSeed seed{};
    if (text.size() != seed.size() * 2) return std::nullopt;
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return -1;
    };
    for (std::size_t i = 0; i < seed.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        seed[i] = static_cast<std::byte>(high * 16 + low);
    }
    return seed;
}

/// Closes a plain descriptor at the end of a block.
class File {
  public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return unusable(kFolderUnusable, path, errno);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

/// Nothing when there is no such file; an error when it is there and cannot be read.
Result<std::optional<std::string>> read_file(const std::string& path) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        if (errno == ENOENT) return std::nullopt;
        return unusable(kIdentityUnusable, path, errno);
    }
    std::string text;
    std::array<char, kMaxFile + 1> buffer{};
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unusable(kIdentityUnusable, path, errno);
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > kMaxFile) return fail(kIdentityUnusable, path + ": too large");
    }
}

Result<int> lock_folder(const std::string& folder) {
    const std::string path = folder + "/lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return unusable(kFolderUnusable, path, errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int code = errno;
        ::close(fd);
        if (code == EWOULDBLOCK) return fail(kFolderInUse, folder);
        return unusable(kFolderUnusable, path, code);
    }
    return fd;
}

}  // namespace

std::string write_identity(const IdentityRecord& record) {
    std::string out;
    json::Writer json(out);
    json.begin_object();
    json.field("format", kFormat);
    json.field("placement_seed", to_hex(record.placement_seed));
    json.field("partitions", record.partitions);
    json.field("policy_version", record.policy_version);
    json.field("process_epoch", record.process_epoch);
    json.end_object();
    out.push_back('\n');
    return out;
}

Result<IdentityRecord> read_identity(std::string_view text) {
    const auto parsed = json::parse(text, {.max_bytes = kMaxFile, .max_depth = 2, .max_values = 16});
    if (!parsed) return fail(kIdentityUnusable, parsed.error().message());
    if (parsed->object() == nullptr || parsed->object()->size() != 5)
        return fail(kIdentityUnusable, "not the five members of an identity");
    const auto number = [&](std::string_view name, std::int64_t low,
                            std::int64_t high) -> std::optional<std::int64_t> {
        const json::Value* value = parsed->find(name);
        const auto read = value == nullptr ? std::nullopt : value->as_int64();
        if (!read || *read < low || *read > high) return std::nullopt;
        return read;
    };
    const std::string* seed_text = parsed->find_string("placement_seed");
    const auto seed = seed_text == nullptr ? std::nullopt : from_hex(*seed_text);
    const auto format = number("format", kFormat, kFormat);
    const auto partitions = number("partitions", kPartitions, kPartitions);
    const auto version = number("policy_version", 0, std::numeric_limits<std::int64_t>::max() - 1);
    const auto process = number("process_epoch", 0, kMaxProcessEpoch);
    if (!format) return fail(kIdentityUnusable, "format");
    if (!seed) return fail(kIdentityUnusable, "placement_seed");
    if (!partitions) return fail(kIdentityUnusable, "partitions");
    if (!version) return fail(kIdentityUnusable, "policy_version");
    if (!process) return fail(kIdentityUnusable, "process_epoch");
    return IdentityRecord{.placement_seed = *seed,
                          .partitions = static_cast<std::uint32_t>(*partitions),
                          .policy_version = static_cast<std::uint64_t>(*version),
                          .process_epoch = static_cast<std::uint32_t>(*process)};
}

Result<std::unique_ptr<Identity>> Identity::open(const std::string& folder, Random& random) {
    LK_CHECK(make_folder(folder));
    LK_TRY(const int lock, lock_folder(folder));
    std::unique_ptr<Identity> identity(new Identity(folder, lock));
    LK_TRY(const std::optional<std::string> text, read_file(folder + "/identity"));
    IdentityRecord record;
    if (text) {
        LK_TRY(record, read_identity(*text));
    } else {
        random.fill(record.placement_seed);
    }
    if (record.process_epoch >= kMaxProcessEpoch)
        return fail(kIdentityUnusable, "all process epochs are used up");
    record.process_epoch += 1;
    LK_CHECK(identity->save(record));
    identity->record_ = record;
    return identity;
}

Identity::~Identity() {
    ::close(lock_);
}

Result<std::uint64_t> Identity::next_policy_version() {
    IdentityRecord raised = record_;
    raised.policy_version += 1;
    LK_CHECK(save(raised));
    record_ = raised;
    return record_.policy_version;
}

Result<void> Identity::save(const IdentityRecord& record) const {
    return replace_file(folder_ + "/identity", write_identity(record), 0600);
}

Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode) {
    const std::string beside = path + ".new";
    {
        const File file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                               static_cast<mode_t>(mode)));
        if (file.get() < 0) return unusable(kFolderUnusable, beside, errno);
        if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0)
            return unusable(kFolderUnusable, beside, errno);
        LK_CHECK(write_all(file.get(), content, beside));
        if (::fsync(file.get()) != 0) return unusable(kFolderUnusable, beside, errno);
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return unusable(kFolderUnusable, path, errno);
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const File parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.get() < 0 || ::fsync(parent.get()) != 0) return unusable(kFolderUnusable, folder, errno);
    return {};
}

Result<void> make_folder(const std::string& path) {
    if (path.empty()) return fail(kFolderUnusable, "no path");
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return unusable(kFolderUnusable, part, errno);
        if (slash == std::string::npos) break;
    }
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return unusable(kFolderUnusable, path, errno);
    if (!S_ISDIR(found.st_mode)) return fail(kFolderUnusable, path + " is no folder");
    return {};
}

}  // namespace latchkey::store
