// TCP as a byte stream: name lookup, connect with a deadline, poll before every read and write.
// SPDX-License-Identifier: Apache-2.0
#include "app/byte_stream.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/mqtt_client_errors.h"

namespace latchkey::app {
namespace {

constexpr int kWritePatienceMs = 30'000;

/// 1 ready, 0 not in time, -1 error.
int wait_for(int fd, short events, int patience_ms) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    int ready = 0;
    do {
        ready = ::poll(&entry, 1, patience_ms);
    } while (ready < 0 && errno == EINTR);
    return ready;
}

int connect_one(const addrinfo& address, int patience_ms) {
    const int fd = ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    int error = 0;
    if (::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
        error = errno;
        if (error == EINPROGRESS) {
            socklen_t size = sizeof(error);
            error = ETIMEDOUT;
            if (wait_for(fd, POLLOUT, patience_ms) > 0) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        }
    }
    if (error != 0) {
        ::close(fd);
        errno = error;
        return -1;
    }
    const int on = 1;
    LK_IGNORE(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "only latency is at stake");
    return fd;
}

class TcpStream final : public ByteStream {
  public:
    explicit TcpStream(int fd) : fd_(fd) {}
    TcpStream(const TcpStream&) = delete;
    TcpStream& operator=(const TcpStream&) = delete;
    ~TcpStream() override { ::close(fd_); }

    Result<std::size_t> read_some(std::span<std::byte> into, std::chrono::milliseconds patience) override {
        const int ready = wait_for(fd_, POLLIN, static_cast<int>(patience.count()));
        if (ready == 0) return std::size_t{0};
        if (ready < 0) return fail(kStreamFailed, std::strerror(errno));
        const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
        if (got > 0) return static_cast<std::size_t>(got);
        if (got == 0) return fail(kStreamEnded);
        if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
        return fail(errno == ECONNRESET ? kStreamEnded : kStreamFailed, std::strerror(errno));
    }

    Result<void> write_all(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                bytes = bytes.subspan(static_cast<std::size_t>(sent));
                continue;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return fail(kStreamFailed, std::strerror(errno));
            if (wait_for(fd_, POLLOUT, kWritePatienceMs) <= 0) return fail(kClientTimeout, "writing");
        }
        return {};
    }

  private:
    int fd_;
};

}  // namespace

Result<int> connect_tcp_fd(const std::string& host, std::uint16_t port, std::chrono::milliseconds patience) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string service = std::to_string(port);
    if (const int code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found); code != 0) {
        return fail(kConnectFailed, host + ": " + ::gai_strerror(code));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        const int fd = connect_one(*at, static_cast<int>(patience.count()));
        if (fd >= 0) return fd;
    }
    return fail(kConnectFailed, host + ":" + service + ": " + std::strerror(errno));
}

Result<std::unique_ptr<ByteStream>> connect_tcp(const std::string& host, std::uint16_t port,
                                                std::chrono::milliseconds patience) {
    LK_TRY(const int fd, connect_tcp_fd(host, port, patience));
    return std::unique_ptr<ByteStream>(std::make_unique<TcpStream>(fd));
}

}  // namespace latchkey::app
