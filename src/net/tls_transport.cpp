// TLS behind the Transport seam: socket BIO with read-ahead, buffers released while idle, records of up to 16
// KiB. Every failure is told apart in words, because "handshake failed" helps nobody who set up 500 devices.
// SPDX-License-Identifier: Apache-2.0
#include "net/tls_transport.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include "net/errors.h"
#include "net/first_bytes.h"
#include "net/gather.h"

namespace latchkey::net {
namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;  // RFC 8446 5.1: the most one record carries

// What a peer's alert or our own check means. Null: nothing better than the general error.
const ErrorInfo* error_of_reason(int reason, TlsRole role) {
    switch (reason) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return &kTlsNoCommonVersion;
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SHARED_GROUPS:
            return &kTlsNoCommonCipher;
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return &kClientCertificateMissing;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return role == TlsRole::Server ? &kClientCertificateRefused : &kServerCertificateRefused;
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
            return &kPeerRefusedCertificate;
        case SSL_R_HTTP_REQUEST:
            return &kHttpOnTlsPort;
    }
    return nullptr;
}

bool is_name_mismatch(long verify_result) {
    return verify_result == X509_V_ERR_HOSTNAME_MISMATCH || verify_result == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

IoResult failed(const ErrorInfo& error, const char* detail = nullptr) {
    return {.error = &error, .detail = detail};
}

// The next record's bytes: in place when one piece fills it or is the last, else copied to `scratch`.
std::span<const std::byte> next_record(const Gather& from, std::array<std::byte, kRecordBytes>& scratch) {
    const auto first = from.piece();
    if (first.size() >= kRecordBytes || from.last()) return first.first(std::min(first.size(), kRecordBytes));
    std::size_t size = 0;
    for (std::size_t ahead = 0; ahead < from.pieces() && size < kRecordBytes; ++ahead) {
        const auto next = from.piece_at(ahead);
        const std::size_t part = std::min(next.size(), kRecordBytes - size);
        if (part != 0) std::memcpy(scratch.data() + size, next.data(), part);
        size += part;
    }
    return std::span(scratch).first(size);
}

class TlsTransport final : public Transport {
  public:
    TlsTransport(SslPtr ssl, OwnedFd socket, const Address& remote, std::uint16_t local_port, TlsRole role)
        : socket_(std::move(socket)), ssl_(std::move(ssl)), role_(role), listened_(role == TlsRole::Client) {
        peer_.remote = remote;
        peer_.local_port = local_port;
        peer_.handshake_done = false;
        peer_.tls = &facts_;
    }
    ~TlsTransport() override { close(); }

    int handle() const override { return socket_.get(); }
    const PeerFacts& peer() const override { return peer_; }

    IoResult read(std::span<std::byte> into) override {
        if (const IoResult ready = ensure_handshake(); ready.status != IoStatus::Ok) return ready;
        IoResult result{.status = IoStatus::Ok};
        while (!into.empty()) {
            ERR_clear_error();
            errno = 0;
            std::size_t count = 0;
            const int answer = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
            if (answer != 1) {
                const IoResult stopped = stopped_by(answer);
                if (result.bytes == 0) return stopped;
                // What was read counts first. An end or an error is told by the next read, which must happen:
                // a close_notify leaves the socket quiet.
                result.more = stopped.status == IoStatus::Eof || stopped.status == IoStatus::Failed;
                return result;
            }
            result.bytes += count;
            into = into.subspan(count);
            // SSL_pending is not enough: with read-ahead the next record may lie in the buffer undecrypted.
            if (SSL_has_pending(ssl_.get()) == 0) return result;
        }
        result.more = SSL_has_pending(ssl_.get()) == 1;
        return result;
    }

    IoResult write(std::span<const iovec> from) override {
        if (const IoResult ready = ensure_handshake(); ready.status != IoStatus::Ok) return ready;
        IoResult result{.status = IoStatus::Ok};
        std::array<std::byte, kRecordBytes> scratch;  // NOLINT: filled before use
        Gather gather(from);
        while (!gather.done()) {
            const std::span<const std::byte> record = next_record(gather, scratch);
            ERR_clear_error();
            errno = 0;
            std::size_t taken = 0;
            const int answer = SSL_write_ex(ssl_.get(), record.data(), record.size(), &taken);
            if (answer != 1) {
                IoResult stopped = stopped_by(answer);
                stopped.bytes = result.bytes;
                stopped.held = record.size();
                return stopped;
            }
            result.bytes += taken;
            gather.advance(taken);
        }
        return result;
    }

    void close() override {
        if (!socket_.valid()) return;
        ERR_clear_error();
        if (peer_.handshake_done && dead_ == nullptr)
            LK_IGNORE(SSL_shutdown(ssl_.get()),
                      "sends close_notify if the socket takes it; nobody waits for the answer");
        ssl_.reset();
        ERR_clear_error();
        close_politely(socket_);
    }

  private:
    IoResult ensure_handshake() {
        if (dead_ != nullptr) return failed(*dead_, detail_);
        if (!ssl_) return failed(kSocketFailed);
        if (peer_.handshake_done) return {.status = IoStatus::Ok};
        if (!listened_) {
            if (const IoResult heard = listen_first(); heard.status != IoStatus::Ok) return heard;
        }
        ERR_clear_error();
        errno = 0;
        const int answer = SSL_do_handshake(ssl_.get());
        if (answer != 1) return stopped_by(answer);
        note_facts();
        return {.status = IoStatus::Ok};
    }

    // The first byte tells a client on the wrong port, before OpenSSL consumes it and says "wrong version
    // number".
    IoResult listen_first() {
        std::array<std::byte, 8> first{};
        const ssize_t count = ::recv(socket_.get(), first.data(), first.size(), MSG_PEEK | MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {.status = IoStatus::WantRead};
        if (count < 0) return die(kPeerReset, nullptr);
        if (count == 0) return {.status = IoStatus::Eof};
        listened_ = true;
        switch (recognise(std::span(first).first(static_cast<std::size_t>(count)))) {
            case Spoken::MqttConnect:
                return die(kMqttOnTlsPort, nullptr);
            case Spoken::Http:
                return die(kHttpOnTlsPort, nullptr);
            case Spoken::Tls:
            case Spoken::Other:
                break;
        }
        return {.status = IoStatus::Ok};
    }

    void note_facts() {
        peer_.handshake_done = true;
        TlsFacts& facts = facts_;
        facts.version = SSL_get_version(ssl_.get());
        facts.cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl_.get()));
        facts.resumed = SSL_session_reused(ssl_.get()) == 1;
        if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name))
            facts.server_name = name;
        const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
        if (certificate == nullptr) return;
        facts.client_certificate = der_of(certificate);
        if (role_ == TlsRole::Client) return;
        // At most the 100 KB that OpenSSL takes from a peer. A server's own list does not hold the leaf.
        const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl_.get());
        for (int i = 0; i < sk_X509_num(chain); ++i)
            facts.client_chain.push_back(der_of(sk_X509_value(chain, i)));
    }

    IoResult stopped_by(int answer) {
        switch (SSL_get_error(ssl_.get(), answer)) {
            case SSL_ERROR_WANT_READ:
                return {.status = IoStatus::WantRead};
            case SSL_ERROR_WANT_WRITE:
                return {.status = IoStatus::WantWrite};
            case SSL_ERROR_ZERO_RETURN:
                return {.status = IoStatus::Eof};
            case SSL_ERROR_SYSCALL:
                if (errno == 0 && ERR_peek_error() == 0) return {.status = IoStatus::Eof};
                return die(kPeerReset, nullptr);
        }
        const int reason = ERR_GET_REASON(ERR_peek_error());
        const char* text = ERR_reason_error_string(ERR_peek_error());
        ERR_clear_error();
        const ErrorInfo* known = error_of_reason(reason, role_);
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
            const long verdict = SSL_get_verify_result(ssl_.get());
            text = X509_verify_cert_error_string(verdict);
            if (is_name_mismatch(verdict)) known = &kServerNameMismatch;
        }
        if (known != nullptr) return die(*known, text);
        return die(peer_.handshake_done ? kTlsBroken : kTlsFailed, text);
    }

    // After a fatal error OpenSSL forbids further calls on the object; the same answer is given again
    // instead.
    IoResult die(const ErrorInfo& error, const char* detail) {
        dead_ = &error;
        detail_ = detail;
        return failed(error, detail);
    }

    OwnedFd socket_;
    SslPtr ssl_;
    TlsRole role_;
    bool listened_;
    const ErrorInfo* dead_ = nullptr;
    const char* detail_ = nullptr;
    TlsFacts facts_;
    PeerFacts peer_;
};

}  // namespace

std::string der_of(const X509* certificate) {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate, &bytes);
    std::string der;
    if (size > 0) der.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

std::unique_ptr<Transport> make_tls_transport(SslPtr ssl, OwnedFd socket, const Address& remote,
                                              std::uint16_t local_port, TlsRole role) {
    if (!ssl || SSL_set_fd(ssl.get(), socket.get()) != 1) return nullptr;
    if (role == TlsRole::Server)
        SSL_set_accept_state(ssl.get());
    else
        SSL_set_connect_state(ssl.get());
    return std::make_unique<TlsTransport>(std::move(ssl), std::move(socket), remote, local_port, role);
}

}  // namespace latchkey::net
