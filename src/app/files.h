// Small files of the commands: secrets and tokens in, generated ones out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace latchkey::app {

/// Whole content, at most 16 MiB; "-" is standard input. @error kFileUnreadable
Result<std::string> read_file(const std::string& path);
/// A password or token as written, without one final newline (policy: not one byte more).
/// @error kFileUnreadable
Result<Secret> read_secret_file(const std::string& path);
bool file_exists(const std::string& path);
/// With the working folder put before a relative one; not looked up.
std::string absolute_path(const std::string& path);
/// The running binary, for commands to paste; "latchkey" when the system does not tell.
std::string own_path();
/// Quoted for a POSIX shell where needed.
std::string shell_quoted(std::string_view text);

/// `latchkey: TEXT` on standard error.
void complain(std::string_view text);

}  // namespace latchkey::app
