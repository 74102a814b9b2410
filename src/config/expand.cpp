// Placeholders.
// SPDX-License-Identifier: Apache-2.0
#include "config/expand.h"

#include <cstdlib>
#include <fstream>

#include <fmt/core.h>

#include "config/xml_scan.h"

namespace latchkey::config {
namespace {

std::optional<std::string> read_small_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::string content(kMaxFileBytes + 1, '\0');
    in.read(content.data(), static_cast<std::streamsize>(content.size()));
    const auto size = static_cast<std::size_t>(in.gcount());
    if (in.bad() || size > kMaxFileBytes) return std::nullopt;
    content.resize(size);
    return content;
}

std::optional<std::string> resolve(std::string_view kind, const std::string& name, const Position& at,
                                   const std::string& folder, const Surroundings& surroundings,
                                   Faults& faults) {
    if (kind == "ENV") {
        std::optional<std::string> value = surroundings.environment(name);
        if (!value)
            faults.error(at, fmt::format("environment variable {} is not set", name),
                         "set it before the start, or write the value here");
        return value;
    }
    const std::string path = join_path(folder, name);
    std::optional<std::string> value = surroundings.read_file(path);
    if (!value) {
        faults.error(at, fmt::format("file {} cannot be read", path),
                     "check the path, its permissions and its size");
        return value;
    }
    if (value->ends_with('\n'))
        value->pop_back();  // one final line break only: a secret may end in white space
    if (value->ends_with('\r')) value->pop_back();
    return value;
}

}  // namespace

Surroundings process_surroundings() {
    Surroundings surroundings;
    surroundings.environment = [](const std::string& name) -> std::optional<std::string> {
        const char* value =
            std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): loading is one thread
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    };
    surroundings.read_file = read_small_file;
    return surroundings;
}

std::string join_path(const std::string& folder, const std::string& path) {
    if (path.empty() || path.starts_with('/') || folder.empty()) return path;
    return folder.ends_with('/') ? folder + path : folder + "/" + path;
}

std::string expand(std::string_view text, const Position& at, const std::string& folder, Placeholders allowed,
                   const Surroundings& surroundings, Faults& faults) {
    std::string out;
    std::size_t done = 0;
    for (;;) {
        const std::size_t start = text.find("${", done);
        if (start == std::string_view::npos) break;
        out.append(text.substr(done, start - done));
        const std::string_view rest = text.substr(start + 2);
        const bool environment = rest.starts_with("ENV:");
        const bool file = rest.starts_with("FILE:");
        done = start + 2;
        if (!environment && !file) {
            out += "${";
            continue;
        }
        const std::size_t end = rest.find('}');
        if (end == std::string_view::npos) {
            faults.error(at, "a ${ENV:...} or ${FILE:...} is never closed", "close it with }");
            out += "${";
            continue;
        }
        const std::string_view kind = environment ? "ENV" : "FILE";
        const std::string name(rest.substr(kind.size() + 1, end - kind.size() - 1));
        done = start + 2 + end + 1;
        if (name.empty()) {
            faults.error(at, fmt::format("${{{}:}} names nothing", kind));
        } else if (file && allowed == Placeholders::EnvironmentOnly) {
            faults.error(at, "${FILE:...} is not known in an ESE file", "use ${ENV:NAME}, or native TOML");
        } else if (const auto value = resolve(kind, name, at, folder, surroundings, faults)) {
            out += *value;
        }
    }
    out.append(text.substr(done));
    return out;
}

}  // namespace latchkey::config
