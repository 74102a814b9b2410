// A small HTTP/1.1 server on a thread of its own, for the admin port and the development issuer. Not for the
// data path. Every request has a size and a time limit, and its Host must be ours (DNS rebinding).
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
#include "net/address.h"

namespace latchkey::net {

struct HttpServerRequest {
    std::string method;  ///< "GET", upper case
    std::string path;    ///< without the query, as sent (not percent-decoded)
    std::string query;   ///< behind '?', as sent
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
    Address remote;
    /// First header of that name, or empty. @param name  in lower case
    std::string_view header(std::string_view name) const;
};

struct HttpServerResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

struct HttpRoute {
    std::string method;
    std::string prefix;  ///< "/health" matches itself and what follows after '/'; the longest prefix wins
    /// On the server's thread, one at a time; must not wait for shards without a limit of its own. Called
    /// once a request.
    std::function<HttpServerResponse(const HttpServerRequest&)> handler;
};

struct HttpServerOptions {
    std::string host = "127.0.0.1";          ///< loopback only: nothing here asks who calls
    std::uint16_t port = 0;                  ///< 0 = any free one
    std::vector<std::string> allowed_hosts;  ///< beside loopback names; compared without port
    std::size_t max_header_bytes = 16 * 1024;
    std::size_t max_body_bytes = 64 * 1024;
    std::size_t max_connections = 64;
    std::chrono::milliseconds request_limit{5000};  ///< from the first byte awaited to the last byte answered
};

/// @thread control
class HttpServer {
  public:
    /// Listens and starts the thread. @error as TcpListener::open
    static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options,
                                                     std::vector<HttpRoute> routes);
    /// As stop().
    ~HttpServer();
    const Address& address() const;
    /// Ends open connections and joins. Idempotent.
    void stop();

  private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::net
