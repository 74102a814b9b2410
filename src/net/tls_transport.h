// Inside of tls: a connection whose OpenSSL object is ready to shake hands. Included by tls_*.cpp only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "net/fd.h"
#include "net/transport.h"

namespace latchkey::net {

enum class TlsRole : std::uint8_t { Server, Client };

struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

/// Its DER form; empty when memory is short.
std::string der_of(const X509* certificate);

/// Ties the object to the socket. Null when memory is short.
std::unique_ptr<Transport> make_tls_transport(SslPtr ssl, OwnedFd socket, const Address& remote,
                                              std::uint16_t local_port, TlsRole role);

}  // namespace latchkey::net
