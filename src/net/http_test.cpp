// The HTTP client against our own server, against a hostile one on a raw socket, and over TLS with a private
// authority; and the server against what strangers send.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/epoll_poller.h"
#include "net/errors.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "support/loopback.h"
#include "support/pki.h"

namespace latchkey::test {
namespace {

using net::HttpRequest;
using net::HttpServer;
using net::HttpServerRequest;
using net::HttpServerResponse;

const SystemClock kClock;
constexpr auto kShort = std::chrono::milliseconds(300);

HttpRequest get(std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    request.deadline = kClock.mono() + std::chrono::milliseconds(kPatienceMs);
    return request;
}

std::string url_of(const net::Address& address, std::string_view path) {
    return "http://" + address.with_port() + std::string(path);
}

HttpServerResponse echo(const HttpServerRequest& request) {
    HttpServerResponse answer;
    answer.content_type = "text/plain";
    answer.body = request.method + " " + request.path + "?" + request.query + "|" +
                  std::string(request.header("authorization")) + "|" +
                  std::string(request.header("content-type")) + "|" + request.body;
    answer.headers.emplace_back("X-Test", "Yes");
    return answer;
}

std::unique_ptr<HttpServer> serve(net::HttpServerOptions options = {}) {
    auto server = HttpServer::start(
        std::move(options), {{"GET", "/echo", echo},
                             {"POST", "/echo", echo},
                             {"GET", "/echo/deeper",
                              [](const HttpServerRequest&) {
                                  return HttpServerResponse{.status = 418, .body = "deep", .headers = {}};
                              }},
                             {"GET", "/throws", [](const HttpServerRequest&) -> HttpServerResponse {
                                  throw std::runtime_error("handler");
                              }}});
    EXPECT_TRUE(server) << server.error().message();
    return server ? std::move(*server) : nullptr;
}

// Accepts connections one after the other, reads a request's head, lets `behave` do the rest.
class RawServer {
  public:
    using Behave = std::function<void(net::Transport&)>;
    explicit RawServer(Behave behave, std::shared_ptr<const net::TlsContext> tls = nullptr)
        : listener_(listen_somewhere()),
          behave_(std::move(behave)),
          tls_(std::move(tls)),
          thread_([this] { run(); }) {}
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;
    ~RawServer() {
        stop_ = true;
        LK_IGNORE(net::dial("127.0.0.1", listener_->address().port, std::chrono::seconds(1)),
                  "wakes the thread");
        thread_.join();
    }
    const net::Address& address() const { return listener_->address(); }
    int connections() const { return connections_; }
    void await_connection() const { connections_.wait(0); }

    static void send(net::Transport& to, std::string_view text) {
        while (!text.empty()) {
            const iovec one{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
            const net::IoResult result = to.write(std::span(&one, 1));
            text.remove_prefix(result.bytes);
            if (result.status == net::IoStatus::Failed) return;
            if (result.status == net::IoStatus::WantWrite && !await_writable(to)) return;
        }
    }
    /// Until the other side goes away, or the test's patience ends.
    static void hold(net::Transport& with) {
        std::array<std::byte, 512> buffer{};
        while (read_some(with, buffer).status == net::IoStatus::Ok) {
        }
    }

  private:
    void run() {
        while (await_handle(listener_->handle(), POLLIN) && !stop_) {
            const auto accepted = accept();
            if (!accepted) continue;
            ++connections_;
            connections_.notify_all();
            std::string head;
            std::array<std::byte, 512> buffer{};
            while (head.find("\r\n\r\n") == std::string::npos) {
                const net::IoResult result = read_some(*accepted, buffer);
                if (result.status != net::IoStatus::Ok) break;
                head.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
            }
            if (!head.empty()) behave_(*accepted);
        }
    }
    // A web server's plain socket: ours would tell HTTP that it is on an MQTT port.
    std::unique_ptr<net::Transport> accept() {
        if (tls_) return listener_->try_accept({.tls = tls_}).transport;
        net::OwnedFd socket(::accept4(listener_->handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        return socket.valid() ? net::make_tcp_transport(std::move(socket), {}, 0) : nullptr;
    }

    std::unique_ptr<net::TcpListener> listener_;
    Behave behave_;
    std::shared_ptr<const net::TlsContext> tls_;
    std::atomic<bool> stop_{false};
    std::atomic<int> connections_{0};
    std::thread thread_;
};

void expect_error(const Result<net::HttpResponse>& answer, const ErrorInfo& error) {
    ASSERT_FALSE(answer) << "status " << answer->status;
    EXPECT_TRUE(answer.error().is(error)) << answer.error().message();
}

Result<net::HttpResponse> ask_raw(std::string_view answer, std::size_t max_body_bytes = 1000) {
    RawServer server([answer](net::Transport& with) { RawServer::send(with, answer); });
    HttpRequest request = get(url_of(server.address(), "/"));
    request.max_body_bytes = max_body_bytes;
    return net::fetch_blocking(kClock, std::move(request));
}

TEST(HttpClient, GetsStatusHeadersAndBody) {
    const auto server = serve();
    const auto answer = net::fetch_blocking(kClock, get(url_of(server->address(), "/echo/x?a=b")));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "GET /echo/x?a=b|||");
    EXPECT_EQ(answer->header("x-test"), "Yes");
    EXPECT_EQ(answer->header("content-type"), "text/plain");
    EXPECT_EQ(answer->header("absent"), "");
}

TEST(HttpClient, PostsBodyAndCredentials) {
    const auto server = serve();
    HttpRequest request = get(url_of(server->address(), "/echo"));
    request.method = net::HttpMethod::Post;
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = Secret("token=abc");
    request.basic = Secret("my%20client:s%3Acret");
    const auto answer = net::fetch_blocking(kClock, std::move(request));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body,
              "POST /echo?|Basic bXklMjBjbGllbnQ6cyUzQWNyZXQ=|application/x-www-form-urlencoded|token=abc");
}

TEST(HttpClient, SendsABearerToken) {
    const auto server = serve();
    HttpRequest request = get(url_of(server->address(), "/echo"));
    request.bearer = Secret("aaa.bbb.ccc");
    const auto answer = net::fetch_blocking(kClock, std::move(request));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "GET /echo?|Bearer aaa.bbb.ccc||");
}

TEST(HttpClient, ErrorStatusIsAnAnswer) {
    const auto server = serve();
    const auto answer = net::fetch_blocking(kClock, get(url_of(server->address(), "/nothing")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 404);
}

TEST(HttpClient, ProxiesOfTheEnvironmentAreIgnored) {
    const auto server = serve();
    ASSERT_EQ(::setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    const auto answer = net::fetch_blocking(kClock, get(url_of(server->address(), "/echo")));
    ::unsetenv("http_proxy");
    EXPECT_TRUE(answer);
}

TEST(CheckUrl, WhatMayBeAsked) {
    struct Row {
        std::string_view url;
        bool allow_plain;
        const ErrorInfo* error;
    };
    constexpr std::array<Row, 20> kRows{{{"https://login.example/keys", false, nullptr},
                                         {"https://127.0.0.1:8443/", false, nullptr},
                                         {"http://127.0.0.1:8080/", false, nullptr},
                                         {"http://localhost/", false, nullptr},
                                         {"http://[::1]:1/", false, nullptr},
                                         {"http://login.example/", false, &net::kHttpPlainRefused},
                                         {"http://localhost.example/", false, &net::kHttpPlainRefused},
                                         {"http://127.0.0.1.example/", false, &net::kHttpPlainRefused},
                                         {"http://10.0.0.1/", false, &net::kHttpPlainRefused},
                                         {"http://[::ffff:10.0.0.1]/", false, &net::kHttpPlainRefused},
                                         {"HTTP://login.example/", false, &net::kHttpPlainRefused},
                                         {"http://login.example/", true, nullptr},
                                         {"ftp://127.0.0.1/", true, &net::kHttpBadUrl},
                                         {"file:///etc/passwd", true, &net::kHttpBadUrl},
                                         {"gopher://127.0.0.1/", true, &net::kHttpBadUrl},
                                         {"login.example/keys", true, &net::kHttpBadUrl},
                                         {"", true, &net::kHttpBadUrl},
                                         {"https://", true, &net::kHttpBadUrl},
                                         {"https://user:pw@login.example/", true, &net::kHttpBadUrl},
                                         {"http://127.0.0.1@login.example/", false, &net::kHttpBadUrl}}};
    for (const Row& row : kRows) {
        const auto result = net::check_url(row.url, row.allow_plain);
        EXPECT_EQ(result.has_value(), row.error == nullptr) << row.url;
        if (result || row.error == nullptr) continue;
        EXPECT_TRUE(result.error().is(*row.error)) << row.url;
    }
    EXPECT_FALSE(net::check_url("https://h/" + std::string(10'000, 'a'), false)) << "a URL has a limit";
    EXPECT_EQ(net::check_url("https://user:hunter2@h/", false).error().message().find("hunter2"),
              std::string::npos);
}

TEST(HttpClient, PlainHttpElsewhereIsRefusedBeforeAnythingIsSent) {
    expect_error(net::fetch_blocking(kClock, get("http://192.0.2.1/keys")), net::kHttpPlainRefused);
}

TEST(HttpClient, NobodyListening) {
    std::string url;
    {
        const auto listener = listen_somewhere();
        url = url_of(listener->address(), "/");
    }
    expect_error(net::fetch_blocking(kClock, get(url)), net::kHttpUnreachable);
}

TEST(HttpClient, ASlowBodyEndsAtTheDeadline) {
    RawServer server([](net::Transport& with) {
        RawServer::send(with, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin");
        RawServer::hold(with);
    });
    HttpRequest request = get(url_of(server.address(), "/"));
    request.deadline = kClock.mono() + kShort;
    expect_error(net::fetch_blocking(kClock, std::move(request)), net::kHttpTimeout);
}

TEST(HttpClient, SilenceEndsAtTheDeadline) {
    RawServer server([](net::Transport& with) { RawServer::hold(with); });
    HttpRequest request = get(url_of(server.address(), "/"));
    request.deadline = kClock.mono() + kShort;
    expect_error(net::fetch_blocking(kClock, std::move(request)), net::kHttpTimeout);
}

TEST(HttpClient, BodiesHaveALimitHoweverTheyCome) {
    const std::string kilo(1000, 'x');
    const auto fits = ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + kilo);
    ASSERT_TRUE(fits) << fits.error().message();
    EXPECT_EQ(fits->body.size(), 1000U);
    expect_error(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + kilo + "x"), net::kHttpTooLarge);
    expect_error(ask_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + kilo +
                         "\r\n1\r\nx\r\n0\r\n\r\n"),
                 net::kHttpTooLarge);
    expect_error(ask_raw("HTTP/1.0 200 OK\r\n\r\n" + kilo + "x"), net::kHttpTooLarge);
}

TEST(HttpClient, HeadersHaveALimit) {
    std::string answer = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 100; ++i)
        answer += "X-Filler: " + std::string(1000, 'y') + "\r\n";
    expect_error(ask_raw(answer + "Content-Length: 0\r\n\r\n"), net::kHttpTooLarge);
}

TEST(HttpClient, RedirectsAreNotFollowedAndSayWhereTo) {
    RawServer target(
        [](net::Transport& with) { RawServer::send(with, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); });
    const std::string elsewhere = url_of(target.address(), "/stolen");
    for (const char* status : {"301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"}) {
        const auto answer = ask_raw("HTTP/1.1 " + std::string(status) + "\r\nLocation: " + elsewhere +
                                    "\r\nContent-Length: 0\r\n\r\n");
        expect_error(answer, net::kHttpBadRedirect);
        EXPECT_NE(answer.error().message().find(elsewhere), std::string::npos);
    }
    EXPECT_EQ(target.connections(), 0);
}

TEST(HttpClient, GarbageIsNoAnswer) {
    expect_error(ask_raw("SSH-2.0-OpenSSH_9.2p1\r\n"), net::kHttpBadAnswer);
    expect_error(ask_raw("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut"), net::kHttpBadAnswer);
}

const std::shared_ptr<const net::TlsContext>& https_context(const std::string& certificate) {
    static const auto make = [](const std::string& name) {
        auto context = net::TlsContext::load({.certificate_file = pki().file(name + ".crt"),
                                              .key_file = pki().file(name + ".key"),
                                              .client_certificate = net::ClientCertificate::None,
                                              .client_ca_file = "",
                                              .protocol = net::TlsProtocol::Http});
        EXPECT_TRUE(context);
        return *context;
    };
    static const auto good = make("server");
    static const auto elsewhere = make("elsewhere");
    return certificate == "server" ? good : elsewhere;
}

Result<net::HttpResponse> ask_https(const std::string& certificate, const std::string& ca_file) {
    RawServer server(
        [](net::Transport& with) { RawServer::send(with, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); },
        https_context(certificate));
    HttpRequest request = get("https://localhost:" + std::to_string(server.address().port) + "/");
    request.ca_file = ca_file;
    return net::fetch_blocking(kClock, std::move(request));
}

TEST(HttpClient, APrivateAuthorityIsTrustedWhenNamed) {
    const auto answer = ask_https("server", pki().file("ca.crt"));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "ok");
}

TEST(HttpClient, UntrustedServersAreRefused) {
    expect_error(ask_https("server", ""), net::kHttpTlsFailed);
    expect_error(ask_https("server", pki().file("other-ca.crt")), net::kHttpTlsFailed);
    expect_error(ask_https("elsewhere", pki().file("ca.crt")), net::kHttpTlsFailed);
    expect_error(ask_https("server", pki().file("absent.crt")), net::kHttpCaFile);
}

// A mailbox served by the test itself.
struct Asker {
    net::WakeWord word;
    std::unique_ptr<net::EpollPoller> poller = std::move(*net::EpollPoller::create());
    net::Mailbox mailbox{word, *poller};
    std::vector<std::string> seen;

    net::Fetcher::Done note(std::string name) {
        return [this, name = std::move(name)](Result<net::HttpResponse> answer) {
            seen.push_back(
                name + " " +
                (answer ? std::to_string(answer->status) : std::string(answer.error().info().name)));
        };
    }
    void serve_until(std::size_t count) {
        const MonoTime give_up = kClock.mono() + std::chrono::milliseconds(kPatienceMs);
        std::vector<net::PollEvent> none;
        while (seen.size() < count && kClock.mono() < give_up) {
            word.begin_turn();
            LK_IGNORE(mailbox.snapshot().serve(), "noted");
            const MonoTime now = kClock.mono();
            if (seen.size() < count) poller->wait(now, word.prepare_sleep() ? give_up : now, none);
        }
    }
};

TEST(HttpClient, ManyAtOnceAreEachAnsweredOnce) {
    const auto server = serve();
    Asker asker;
    net::HttpClient client(kClock, {});
    for (int i = 0; i < 100; ++i)
        client.fetch(get(url_of(server->address(), "/echo")), asker.mailbox, asker.note("a"));
    asker.serve_until(100);
    client.drain();
    asker.mailbox.snapshot().serve();
    EXPECT_EQ(asker.seen, std::vector<std::string>(100, "a 200"));
}

TEST(HttpClient, AnswersNeverComeBeforeFetchReturns) {
    Asker asker;
    net::HttpClient client(kClock, {});
    client.fetch(get("ftp://x/"), asker.mailbox, asker.note("bad"));
    EXPECT_TRUE(asker.seen.empty());
    asker.serve_until(1);
    EXPECT_EQ(asker.seen, std::vector<std::string>{"bad http_bad_url"});
}

TEST(HttpClient, QueueIsBoundedWaitsCountTowardsTheDeadlineAndDrainAnswersAll) {
    RawServer server([](net::Transport& with) { RawServer::hold(with); });
    Asker asker;
    net::HttpClient client(kClock, {.queue_requests = 2, .parallel = 1});
    const std::string url = url_of(server.address(), "/");
    client.fetch(get(url), asker.mailbox, asker.note("running"));
    server.await_connection();
    HttpRequest brief = get(url);
    brief.deadline = kClock.mono() + kShort;
    client.fetch(std::move(brief), asker.mailbox, asker.note("brief"));
    client.fetch(get(url), asker.mailbox, asker.note("waiting"));
    client.fetch(get(url), asker.mailbox, asker.note("excess"));
    asker.serve_until(2);
    EXPECT_EQ(asker.seen, (std::vector<std::string>{"excess http_busy", "brief http_timeout"}));
    client.drain();
    client.fetch(get(url), asker.mailbox, asker.note("after"));
    asker.serve_until(5);
    EXPECT_EQ(asker.seen,
              (std::vector<std::string>{"excess http_busy", "brief http_timeout", "running http_stopped",
                                        "waiting http_stopped", "after http_stopped"}));
}

// What the server answers to these very bytes: status line's number, 0 for none.
int status_for(const HttpServer& server, std::string_view bytes) {
    auto dialled = net::dial("127.0.0.1", server.address().port, std::chrono::seconds(5));
    if (!dialled) return -1;
    const auto client = net::make_tcp_transport(std::move(dialled->socket), dialled->remote, 0);
    RawServer::send(*client, bytes);
    std::string answer;
    std::array<std::byte, 1024> buffer{};
    while (answer.find("\r\n") == std::string::npos) {
        const net::IoResult result = read_some(*client, buffer);
        if (result.status != net::IoStatus::Ok) break;
        answer.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
    }
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

TEST(HttpServer, AnswersByRouteHostAndOrigin) {
    const auto server = serve({.allowed_hosts = {"admin.example"}});
    const std::string port = std::to_string(server->address().port);
    struct Row {
        std::string request;
        int status;
    };
    const std::string head = "GET /echo HTTP/1.1\r\n";
    const std::vector<Row> rows{
        {head + "Host: 127.0.0.1:" + port + "\r\n\r\n", 200},
        {head + "Host: localhost\r\n\r\n", 200},
        {head + "Host: LOCALHOST:1\r\n\r\n", 200},
        {head + "Host: [::1]:" + port + "\r\n\r\n", 200},
        {head + "Host: admin.example\r\n\r\n", 200},
        {head + "Host: evil.example\r\n\r\n", 421},
        {head + "Host: localhost.evil.example\r\n\r\n", 421},
        {head + "Host: 127.0.0.1.evil.example\r\n\r\n", 421},
        {head + "Host:\r\n\r\n", 421},
        {head + "\r\n", 400},
        {head + "Host: localhost\r\nHost: localhost\r\n\r\n", 400},
        {head + "Host: localhost\r\nOrigin: http://localhost\r\n\r\n", 200},
        {head + "Host: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403},
        {head + "Host: localhost\r\nOrigin: null\r\n\r\n", 403},
        {"GET /echo/deeper HTTP/1.1\r\nHost: localhost\r\n\r\n", 418},
        {"GET /echo/other HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
        {"GET /echoes HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
        {"DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"POST /echo/deeper HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 200},
        {"GET /throws HTTP/1.1\r\nHost: localhost\r\n\r\n", 500},
        {"nonsense\r\n\r\n", 400}};
    for (const Row& row : rows)
        EXPECT_EQ(status_for(*server, row.request), row.status) << row.request;
}

TEST(HttpServer, SizesHaveLimits) {
    const auto server = serve({.max_header_bytes = 1000, .max_body_bytes = 100});
    const std::string body = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
    EXPECT_EQ(status_for(*server, body + "100\r\n\r\n" + std::string(100, 'b')), 200);
    EXPECT_EQ(status_for(*server, body + "101\r\n\r\n" + std::string(101, 'b')), 413);
    EXPECT_EQ(status_for(*server, "GET /echo HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(2000, 'h') +
                                      "\r\n\r\n"),
              431);
}

TEST(HttpServer, ASlowRequestIsCutOff) {
    const auto server = serve({.request_limit = kShort});
    EXPECT_EQ(status_for(*server, "GET /echo HTTP/1.1\r\nHost: loc"), 0);
}

TEST(HttpServer, ConnectionsBeyondTheLimitAreClosedAtOnce) {
    const auto server = serve({.max_connections = 1});
    const auto held = net::dial("127.0.0.1", server->address().port, std::chrono::seconds(5));
    ASSERT_TRUE(held);
    EXPECT_EQ(status_for(*server, "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"), 0);
}

TEST(HttpServer, OnlyThisMachine) {
    for (const char* host : {"0.0.0.0", "[::]", "192.0.2.1"}) {
        const auto server = HttpServer::start({.host = host}, {});
        ASSERT_FALSE(server) << host;
        EXPECT_TRUE(server.error().is(net::kNotLoopback)) << host;
    }
}

TEST(HttpServer, StopFreesThePort) {
    auto server = serve();
    const std::uint16_t port = server->address().port;
    const auto client = net::dial("127.0.0.1", port, std::chrono::seconds(5));
    server->stop();
    server->stop();
    const auto again = net::TcpListener::open({.host = "127.0.0.1", .port = port, .backlog = 1});
    EXPECT_TRUE(again) << again.error().message();
}

}  // namespace
}  // namespace latchkey::test
