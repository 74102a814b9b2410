// See files.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "app/errors.h"
#include "base/utf8.h"

namespace latchkey::app {
namespace {

constexpr std::size_t kMaxFile = 16U << 20U;

struct Close {
    void operator()(std::FILE* file) const {
        if (file != stdin) std::fclose(file);
    }
};

}  // namespace

Result<std::string> read_file(const std::string& path) {
    const std::unique_ptr<std::FILE, Close> file(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
    if (!file) return fail(kFileUnreadable, path + ": " + std::generic_category().message(errno));
    std::string text;
    std::array<char, 16 * 1024> buffer;
    for (;;) {
        const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get());
        text.append(buffer.data(), got);
        if (text.size() > kMaxFile) return fail(kFileUnreadable, path + ": larger than 16 MiB");
        if (got < buffer.size()) break;
    }
    if (std::ferror(file.get()) != 0)
        return fail(kFileUnreadable, path + ": " + std::generic_category().message(errno));
    return text;
}

Result<Secret> read_secret_file(const std::string& path) {
    LK_TRY(const std::string text, read_file(path));
    std::string_view view = text;
    if (view.ends_with('\n')) view.remove_suffix(1);
    return Secret(view);
}

bool file_exists(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

std::string absolute_path(const std::string& path) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    return error ? path : absolute.lexically_normal().string();
}

std::string own_path() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? std::string("latchkey") : path.string();
}

std::string shell_quoted(std::string_view text) {
    static constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'')
            out += "'\\''";
        else
            out.push_back(c);
    }
    return out + "'";
}

void complain(std::string_view text) {
    const std::string line = "latchkey: " + escape_for_terminal(text) + "\n";
    std::fputs(line.c_str(), stderr);
}

}  // namespace latchkey::app
