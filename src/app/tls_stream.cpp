// See tls_stream.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/tls_stream.h"

#include <algorithm>
#include <utility>

#include <poll.h>

#include "app/mqtt_client_errors.h"
#include "base/time.h"
#include "net/tcp.h"
#include "net/transport.h"

namespace latchkey::app {
namespace {

class TlsStream final : public ByteStream {
  public:
    TlsStream(std::unique_ptr<net::Transport> transport, std::chrono::milliseconds write_patience)
        : transport_(std::move(transport)), write_patience_(write_patience) {}
    ~TlsStream() override { transport_->close(); }

    Result<std::size_t> read_some(std::span<std::byte> into, std::chrono::milliseconds patience) override {
        const MonoTime deadline = clock_.mono() + patience;
        for (;;) {
            const net::IoResult got = transport_->read(into);
            switch (got.status) {
                case net::IoStatus::Ok:
                    return got.bytes;
                case net::IoStatus::Eof:
                    return fail(kStreamEnded);
                case net::IoStatus::Failed:
                    return broken(got);
                case net::IoStatus::WantRead:
                case net::IoStatus::WantWrite:
                    // Records without bytes for us (tickets) may wake this several times.
                    if (!wait(got.status, deadline)) return std::size_t{0};
                    break;
            }
        }
    }

    Result<void> write_all(std::span<const std::byte> bytes) override {
        const MonoTime deadline = clock_.mono() + write_patience_;
        while (!bytes.empty()) {
            iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
            const net::IoResult got = transport_->write({&part, 1});
            bytes = bytes.subspan(got.bytes);
            switch (got.status) {
                case net::IoStatus::Ok:
                    return {};
                case net::IoStatus::Eof:
                    return fail(kStreamEnded);
                case net::IoStatus::Failed:
                    return broken(got);
                case net::IoStatus::WantRead:
                case net::IoStatus::WantWrite:
                    if (!wait(got.status, deadline)) return fail(kClientTimeout);
                    break;
            }
        }
        return {};
    }

  private:
    static std::unexpected<Error> broken(const net::IoResult& got) {
        return fail(got.error == nullptr ? kStreamFailed : *got.error,
                    got.detail == nullptr ? "" : got.detail);
    }

    bool wait(net::IoStatus status, MonoTime deadline) const {
        const Duration left = std::max(deadline - clock_.mono(), Duration::zero());
        pollfd watched{.fd = transport_->handle(),
                       .events = static_cast<short>(status == net::IoStatus::WantRead ? POLLIN : POLLOUT),
                       .revents = 0};
        return ::poll(&watched, 1,
                      static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count())) > 0;
    }

    SystemClock clock_;
    std::unique_ptr<net::Transport> transport_;
    std::chrono::milliseconds write_patience_;
};

}  // namespace

Result<std::unique_ptr<ByteStream>> connect_tls(const std::string& host, std::uint16_t port,
                                                const net::TlsClientOptions& options,
                                                std::chrono::milliseconds patience) {
    LK_TRY(const auto client, net::TlsClient::load(options));
    LK_TRY(net::Dialled dialled, net::dial(host, port, patience));
    auto transport = client->connect(std::move(dialled.socket), dialled.remote, dialled.local_port, host);
    if (!transport) return fail(kStreamFailed, "out of memory");
    return std::make_unique<TlsStream>(std::move(transport), patience);
}

}  // namespace latchkey::app
