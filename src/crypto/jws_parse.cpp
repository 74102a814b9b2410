// parse_compact of jws.h: cheap refusals first, nothing of the header used that could fetch or bring a key.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "crypto/base64.h"
#include "crypto/errors.h"
#include "crypto/jws.h"

namespace latchkey::crypto {
namespace {

constexpr json::Limits kHeaderLimits{.max_bytes = kMaxTokenBytes, .max_depth = 8, .max_values = 256};

struct Segments {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
    std::string_view signing_input;
};

Result<Segments> split(std::string_view token) {
    std::array<std::size_t, 4> dots{};
    std::size_t count = 0;
    std::size_t from = 0;
    for (std::size_t at = token.find('.'); at != std::string_view::npos; at = token.find('.', from)) {
        if (count == dots.size()) return fail(kNotCompactJws, "segments");
        dots[count++] = at;
        from = at + 1;
    }
    if (count == 4) return fail(kEncryptedToken, "five segments");
    if (count != 2) return fail(kNotCompactJws, "segments");
    return Segments{token.substr(0, dots[0]), token.substr(dots[0] + 1, dots[1] - dots[0] - 1),
                    token.substr(dots[1] + 1), token.substr(0, dots[1])};
}

Result<json::Value> read_object(std::string_view segment, const json::Limits& limits,
                                const ErrorInfo& error) {
    const auto text = base64url_decode(segment);
    if (!text) return fail(error, text.error().detail());
    auto value = json::parse(*text, limits);
    if (!value) return fail(error, value.error().info().name);
    if (!value->is_object()) return fail(error, "not an object");
    return value;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

/// Encrypted, compressed, nested or password-based: refused before anything costs.
Result<void> check_kind(const json::Value& header) {
    for (const std::string_view name : {"enc", "zip", "p2c", "p2s", "epk"}) {
        if (header.find(name) != nullptr) return fail(kEncryptedToken, name);
    }
    const json::Value* const cty = header.find("cty");
    if (cty == nullptr) return {};
    if (!cty->is_string()) return fail(kBadTokenHeader, "cty");
    if (equals_ignoring_case(*cty->string(), "JWT") ||
        equals_ignoring_case(*cty->string(), "application/jwt")) {
        return fail(kEncryptedToken, "nested");
    }
    return {};
}

/// An optional string member; present with another type refuses.
Result<std::optional<std::string>> optional_string(const json::Value& header, std::string_view name) {
    const json::Value* const value = header.find(name);
    if (value == nullptr) return std::optional<std::string>();
    if (!value->is_string()) return fail(kBadTokenHeader, name);
    if (value->string()->size() > kMaxKidBytes) return fail(kBadTokenHeader, name);
    const bool control = std::ranges::any_of(
        *value->string(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (control) return fail(kBadTokenHeader, name);
    return std::optional<std::string>(*value->string());
}

/// A NUL ends a name for one reader and not for the next: no claim may hold one.
bool has_nul(const json::Value& value) {
    if (const auto* text = value.string()) return text->find('\0') != std::string::npos;
    if (const auto* items = value.array()) return std::ranges::any_of(*items, has_nul);
    if (const auto* members = value.object()) {
        return std::ranges::any_of(*members, [](const json::Member& member) {
            return member.name.find('\0') != std::string::npos || has_nul(member.value);
        });
    }
    return false;
}

Result<void> read_header(std::string_view segment, ParsedJws& out) {
    LK_TRY(const json::Value header, read_object(segment, kHeaderLimits, kBadTokenHeader));
    LK_CHECK(check_kind(header));
    // RFC 7515 4.1.11: we support no extension, so any list, even a malformed one, is a demand we cannot
    // meet. b64 without crit (RFC 7797 6) would be read differently by others.
    if (header.find("crit") != nullptr) return fail(kCriticalHeader, "crit");
    if (header.find("b64") != nullptr) return fail(kCriticalHeader, "b64");
    const std::string* const name = header.find_string("alg");
    if (name == nullptr) return fail(kAlgorithmRefused, "no name");
    const std::optional<Algorithm> algorithm = find_algorithm(*name);
    if (!algorithm) return fail(kAlgorithmRefused, "unknown name");
    out.algorithm = *algorithm;
    LK_TRY(out.kid, optional_string(header, "kid"));
    LK_TRY(out.typ, optional_string(header, "typ"));
    return {};
}

}  // namespace

Result<ParsedJws> parse_compact(std::string_view token, std::size_t max_bytes) {
    if (token.size() > max_bytes) return fail(kTokenTooLarge);
    LK_TRY(const Segments segments, split(token));
    ParsedJws out;
    LK_CHECK(read_header(segments.header, out));
    if (segments.signature.empty()) return fail(kNotCompactJws, "empty signature");
    auto signature = base64url_decode(segments.signature);
    if (!signature) return fail(kNotCompactJws, signature.error().detail());
    out.signature = std::move(*signature);
    const json::Limits limits{.max_bytes = max_bytes};
    LK_TRY(out.payload, read_object(segments.payload, limits, kBadTokenPayload));
    if (has_nul(out.payload)) return fail(kBadTokenPayload, "NUL in a string");
    out.signing_input = segments.signing_input;
    return out;
}

}  // namespace latchkey::crypto
