// Result and Error: how every room reports failure. An Error is a row of a room's error table plus one short
// detail; it is cheap to copy and never holds a credential. No exception crosses a room's boundary.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace latchkey {

/// One row of a room's error table. Numbers never change meaning; rooms own a thousand each:
/// base 1000, topic 2000, crypto 3000, mqtt 4000, policy 5000, net 6000, store 7000, auth 8000, broker 9000,
/// config 10000, admin 11000, app 12000.
struct ErrorInfo {
    std::uint16_t number;
    std::string_view name;    ///< stable, snake_case, as in logs and docs
    std::string_view text;    ///< what happened, one sentence without a final period
    std::string_view remedy;  ///< what to do about it; may be empty
};

/// A failure: which row, and at most kMaxDetail bytes saying which input. Longer details are cut.
/// @thread any
class [[nodiscard]] Error {
  public:
    static constexpr std::size_t kMaxDetail = 103;

    constexpr Error(const ErrorInfo& info) noexcept
        : info_(&info) {}  // NOLINT: implicit, so that a row is an error
    Error(const ErrorInfo& info, std::string_view detail) noexcept : info_(&info) {
        size_ = static_cast<std::uint8_t>(std::min(detail.size(), kMaxDetail));
        if (size_ > 0) std::memcpy(detail_, detail.data(), size_);  // an empty view may hold a null pointer
    }

    const ErrorInfo& info() const noexcept { return *info_; }
    bool is(const ErrorInfo& info) const noexcept { return info_ == &info; }
    std::string_view detail() const noexcept { return {detail_, size_}; }
    /// "text: detail. remedy" for people; names and numbers are for machines.
    std::string message() const;

  private:
    const ErrorInfo* info_;
    std::uint8_t size_ = 0;
    char detail_[kMaxDetail] = {};
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(kMalformed, "third segment");`
inline std::unexpected<Error> fail(const ErrorInfo& info, std::string_view detail = {}) {
    return std::unexpected<Error>(Error(info, detail));
}
inline std::unexpected<Error> fail(const Error& error) {
    return std::unexpected<Error>(error);
}

}  // namespace latchkey

#define LK_CONCAT_(a, b) a##b
#define LK_CONCAT(a, b) LK_CONCAT_(a, b)
/// `LK_TRY(auto key, parse_key(text));` binds the value or returns the error.
#define LK_TRY(declaration, expression)                                                 \
    auto&& LK_CONCAT(lk_result_, __LINE__) = (expression);                              \
    if (!LK_CONCAT(lk_result_, __LINE__))                                               \
        return ::std::unexpected(::std::move(LK_CONCAT(lk_result_, __LINE__)).error()); \
    declaration = *::std::move(LK_CONCAT(lk_result_, __LINE__))
/// `LK_CHECK(validate(x));` for Result<void>: returns the error, if any.
#define LK_CHECK(expression)                                                      \
    do {                                                                          \
        auto&& lk_check_ = (expression);                                          \
        if (!lk_check_) return ::std::unexpected(::std::move(lk_check_).error()); \
    } while (false)
/// Discards a [[nodiscard]] value and says why.
#define LK_IGNORE(expression, reason) static_cast<void>(expression)
