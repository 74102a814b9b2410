// Seam: HTTP calls to providers (key sets, discovery, introspection, token endpoints). The real one is
// libcurl on one thread of its own; shards only post requests and get answers in their mailbox. https, except
// where said otherwise.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/completion.h"

namespace latchkey::net {

enum class HttpMethod : std::uint8_t { Get, Post };

struct HttpRequest {
    HttpMethod method = HttpMethod::Get;
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;  ///< no credentials here: they are not wiped
    Secret body;  ///< Post only; set Content-Type among the headers
    Secret
        basic;  ///< "user:password" for Basic, both parts already form-encoded (RFC 6749 2.3.1); empty = none
    Secret bearer;        ///< bearer token; empty = none
    std::string ca_file;  ///< PEM, trusted instead of the system's CAs; empty = the system's
    MonoTime deadline =
        kNever;  ///< of the whole call, waiting in the queue included; at most kHttpLongest from now
    std::size_t max_body_bytes = 1024 * 1024;
    bool allow_plain_http = false;  ///< http:// to hosts other than this machine
};

struct HttpResponse {
    int status = 0;
    std::string body;
    /// Names in lower case, as received otherwise.
    std::vector<std::pair<std::string, std::string>> headers;
    /// First header of that name, or empty. @param name  in lower case
    std::string_view header(std::string_view name) const;
};

inline constexpr Duration kHttpLongest = std::chrono::seconds(60);

/// Any status is a response, except redirects, which are refused: a provider does not get to choose where our
/// credentials go. @thread any
class Fetcher {
  public:
    using Done = std::move_only_function<void(Result<HttpResponse>)>;
    virtual ~Fetcher() = default;
    /// `done` is called exactly once, on the mailbox owner's thread, never before fetch() returns.
    /// @error kHttpUnreachable | kHttpTimeout | kHttpTlsFailed | kHttpTooLarge | kHttpPlainRefused |
    /// kHttpBadRedirect |
    ///        kHttpBadUrl | kHttpBusy | kHttpStopped | kHttpBadAnswer | kHttpCaFile
    virtual void fetch(HttpRequest request, Mailbox& reply_to, Done done) = 0;
};

/// @error kHttpBadUrl | kHttpPlainRefused; what every Fetcher asks first
Result<void> check_url(std::string_view url, bool allow_plain_http);

class HttpClient final : public Fetcher {
  public:
    struct Options {
        std::size_t queue_requests = 256;  ///< waiting; beyond that kHttpBusy
        std::size_t parallel = 32;         ///< running at once
        Duration connect_limit = std::chrono::seconds(5);
        std::string user_agent = "latchkey";
    };
    HttpClient(const Clock& clock, Options options);
    /// As drain().
    ~HttpClient() override;

    void fetch(HttpRequest request, Mailbox& reply_to, Done done) override;
    /// Takes nothing new, answers everything (kHttpStopped), ends the thread. Idempotent. @thread control
    void drain();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// For commands: one call with a client of its own. BLOCKS until the answer or the request's deadline.
Result<HttpResponse> fetch_blocking(const Clock& clock, HttpRequest request);

}  // namespace latchkey::net
