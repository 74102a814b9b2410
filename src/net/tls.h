// TLS 1.2 and 1.3 over OpenSSL, directly on the socket. One context per listener and epoch, shared by all
// shards, so that a ticket resumes on any of them. Forward secrecy and AEAD only; no renegotiation, early
// data or compression.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/fd.h"
#include "net/transport.h"

struct ssl_ctx_st;

namespace latchkey::net {

enum class ClientCertificate : std::uint8_t { None, Optional, Required };

/// What runs inside; a client that offers protocols (ALPN) without this one is refused, one that offers none
/// is not.
enum class TlsProtocol : std::uint8_t { Mqtt, Http };

struct TlsServerOptions {
    std::string certificate_file;  ///< PEM, leaf first
    std::string key_file;          ///< PEM, unencrypted
    ClientCertificate client_certificate = ClientCertificate::None;
    std::string client_ca_file;  ///< PEM; required unless None
    TlsProtocol protocol = TlsProtocol::Mqtt;
};

/// Server side. @thread any (immutable after load; OpenSSL counts and locks inside)
class TlsContext {
  public:
    /// @error kCertificateFile | kKeyFile | kKeyMismatch | kCaFile | kTlsSetup
    static Result<std::shared_ptr<const TlsContext>> load(const TlsServerOptions& options);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    /// The handshake runs inside read() and write(). The transport may outlive the context.
    /// @return null when memory is short
    std::unique_ptr<Transport> accept(OwnedFd socket, const Address& remote, std::uint16_t local_port) const;

    /// Whether a client that has shown this, to another context perhaps, is one that this context lets in.
    /// @cost  the signatures of one chain, about 100 us
    bool admits(const TlsFacts& shown) const;
    /// Equal for contexts that demand the same of clients and trust the same authorities.
    std::string_view client_trust() const noexcept { return client_trust_; }

  private:
    TlsContext(ssl_ctx_st* context, ClientCertificate demand);
    ssl_ctx_st* context_;
    ClientCertificate demand_;
    std::string client_trust_;
};

struct TlsClientOptions {
    std::string ca_file;           ///< PEM; empty = the system's CAs
    std::string certificate_file;  ///< with key_file: the client's own certificate
    std::string key_file;
    bool insecure = false;  ///< accepts any certificate and name; never a default
};

/// Client side, for `latchkey pub` and `sub` and for tests. @thread any
class TlsClient {
  public:
    /// @error kCertificateFile | kKeyFile | kKeyMismatch | kCaFile | kTlsSetup
    static Result<std::shared_ptr<const TlsClient>> load(const TlsClientOptions& options);
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;
    ~TlsClient();

    /// @param server_name  DNS name (sent as SNI) or address literal; must stand in the server's certificate
    std::unique_ptr<Transport> connect(OwnedFd socket, const Address& remote, std::uint16_t local_port,
                                       std::string_view server_name) const;

  private:
    TlsClient(ssl_ctx_st* context, bool insecure) : context_(context), insecure_(insecure) {}
    ssl_ctx_st* context_;
    bool insecure_;
};

}  // namespace latchkey::net
