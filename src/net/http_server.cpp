// The admin port's and the development issuer's HTTP/1.1 server, over Beast on one thread; see http_server.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

// One thread runs this loop, so Asio's fences order nothing; ThreadSanitizer cannot model them and GCC says
// so.
#ifdef __SANITIZE_THREAD__
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif

#include <algorithm>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "base/ascii.h"
#include "net/errors.h"
#include "net/fd.h"
#include "net/listener.h"

namespace latchkey::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};  // after running out of descriptors

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

// "localhost:8080" -> "localhost", "[::1]:8080" -> "[::1]".
std::string_view without_port(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    const bool inside_brackets = host.ends_with(']');
    return colon == std::string_view::npos || inside_brackets ? host : host.substr(0, colon);
}

// A page of another site that rebinds its name to our address still sends its own name.
bool host_allowed(std::string_view header, const HttpServerOptions& options) {
    const std::string host = lower(without_port(header));
    if (const auto address = parse_address(host, 0); address && address->loopback()) return true;
    return std::ranges::any_of(options.allowed_hosts,
                               [&](const std::string& one) { return lower(one) == host; });
}

// Browsers name the page that asks: another page's scripts have no business here.
bool origin_allowed(std::string_view origin, std::string_view host) {
    if (origin.empty()) return true;
    const std::size_t slashes = origin.find("://");
    return slashes != std::string_view::npos && origin.substr(slashes + 3) == host;
}

bool prefix_matches(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix)) return false;
    return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

HttpServerResponse plain(int status, std::string_view text) {
    return {.status = status, .content_type = "text/plain", .body = std::string(text) + "\n", .headers = {}};
}

HttpServerResponse dispatch(const std::vector<HttpRoute>& routes, const HttpServerRequest& request) {
    const HttpRoute* best = nullptr;
    bool path_known = false;
    for (const HttpRoute& route : routes) {
        if (!prefix_matches(request.path, route.prefix)) continue;
        path_known = true;
        if (route.method != request.method) continue;
        if (best == nullptr || route.prefix.size() > best->prefix.size()) best = &route;
    }
    if (best == nullptr)
        return path_known ? plain(405, "method not allowed here") : plain(404, "nothing here");
    try {
        return best->handler(request);
    } catch (...) {  // no exception crosses a room's boundary, and none ends the server
        return plain(500, "the handler failed");
    }
}

int status_of(const ErrorCode& code) {
    if (code == http::error::header_limit) return 431;
    if (code == http::error::body_limit) return 413;
    return 400;
}

bool is_protocol_error(const ErrorCode& code) {
    return code.category() == http::make_error_code(http::error::bad_method).category() &&
           code != http::error::end_of_stream && code != http::error::partial_message;
}

// What all connections of a server share; outlives them.
struct Shared {
    HttpServerOptions options;
    std::vector<HttpRoute> routes;
    std::size_t connections = 0;
};

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, Shared& shared, Address remote)
        : stream_(std::move(socket)), shared_(shared), remote_(remote) {
        ++shared_.connections;
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { --shared_.connections; }

    void read() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(shared_.options.max_header_bytes));
        parser_->body_limit(shared_.options.max_body_bytes);
        stream_.expires_after(
            shared_.options.request_limit);  // one limit from here to the last byte of the answer
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](ErrorCode code, std::size_t) { self->on_read(code); });
    }

  private:
    void on_read(ErrorCode code) {
        if (code) {
            if (is_protocol_error(code)) send(plain(status_of(code), "bad request"), false);
            return;  // otherwise gone or out of time: the session ends here
        }
        const auto& message = parser_->get();
        send(handle(message), message.keep_alive());
    }

    HttpServerResponse handle(const http::request<http::string_body>& message) const {
        const std::string_view host = view(message[http::field::host]);
        if (message.count(http::field::host) != 1) return plain(400, "exactly one Host header is needed");
        if (!host_allowed(host, shared_.options)) return plain(421, "this server has another name");
        if (!origin_allowed(view(message[http::field::origin]), host))
            return plain(403, "another site's page asks");
        const std::string_view target = view(message.target());
        const std::size_t mark = target.find('?');
        HttpServerRequest request;
        request.method = std::string(view(message.method_string()));
        request.path = std::string(target.substr(0, mark));
        if (mark != std::string_view::npos) request.query = std::string(target.substr(mark + 1));
        request.body = message.body();
        request.remote = remote_;
        for (const auto& field : message)
            request.headers.emplace_back(lower(view(field.name_string())), std::string(view(field.value())));
        return dispatch(shared_.routes, request);
    }

    void send(HttpServerResponse answer, bool keep_alive) {
        response_ = {};
        response_.version(11);
        response_.result(static_cast<unsigned>(answer.status));
        response_.set(http::field::content_type, answer.content_type);
        response_.set(http::field::cache_control, "no-store");
        response_.set("X-Content-Type-Options", "nosniff");
        for (const auto& [name, value] : answer.headers)
            response_.set(name, value);
        response_.keep_alive(keep_alive);
        response_.body() = std::move(answer.body);
        response_.prepare_payload();
        http::async_write(stream_, response_,
                          [self = shared_from_this(), keep_alive](ErrorCode code, std::size_t) {
                              if (code) return;
                              if (keep_alive) return self->read();
                              self->end();
                          });
    }

    void end() {
        ErrorCode ignored;
        LK_IGNORE(stream_.socket().shutdown(tcp::socket::shutdown_send, ignored), "it is closed next");
        OwnedFd socket(stream_.release_socket().release(ignored));
        close_politely(socket);
    }

    beast::tcp_stream stream_;
    Shared& shared_;
    Address remote_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

}  // namespace

std::string_view HttpServerRequest::header(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
    return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

class HttpServer::Impl {
  public:
    Impl(HttpServerOptions options, std::vector<HttpRoute> routes, TcpListener& listener)
        : shared_{.options = std::move(options), .routes = std::move(routes)},
          address_(listener.address()),
          acceptor_(context_),
          pause_(context_) {
        acceptor_.assign(address_.size == 4 ? tcp::v4() : tcp::v6(), listener.take_socket().release());
        accept();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~Impl() { stop(); }

    void stop() {
        context_.stop();
        if (thread_.joinable()) thread_.join();
        ErrorCode ignored;
        LK_IGNORE(acceptor_.close(ignored), "the port is free again");
    }

    const Address& address() const { return address_; }

  private:
    void accept() {
        acceptor_.async_accept(
            remote_, [this](ErrorCode code, tcp::socket socket) { on_accept(code, std::move(socket)); });
    }

    void on_accept(ErrorCode code, tcp::socket socket) {
        if (code == asio::error::operation_aborted) return;
        if (code) {
            pause_.expires_after(kAcceptPause);
            pause_.async_wait([this](ErrorCode stopped) {
                if (!stopped) accept();
            });
            return;
        }
        if (shared_.connections < shared_.options.max_connections) {
            const auto remote = parse_address(remote_.address().to_string(), remote_.port());
            std::make_shared<Session>(std::move(socket), shared_, remote.value_or(Address{}))->read();
        }
        accept();
    }

    Shared shared_;
    Address address_;
    asio::io_context context_{1};
    tcp::acceptor acceptor_;
    tcp::endpoint remote_;
    asio::steady_timer pause_;
    std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

const Address& HttpServer::address() const {
    return impl_->address();
}

void HttpServer::stop() {
    impl_->stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      std::vector<HttpRoute> routes) {
    LK_TRY(const Address wanted, parse_address(options.host, options.port));
    if (!wanted.loopback()) return fail(kNotLoopback, wanted.with_port());
    LK_TRY(std::unique_ptr<TcpListener> listener,
           TcpListener::open({.host = options.host, .port = options.port, .backlog = 128}));
    return std::unique_ptr<HttpServer>(
        new HttpServer(std::make_unique<Impl>(std::move(options), std::move(routes), *listener)));
}

}  // namespace latchkey::net
