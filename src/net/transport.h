// Seam: a connection's byte stream. TCP, TLS and the simulator's network stand behind it; tests/support/
// transport_contract.h is what each of them must pass. A transport is a heap object without ties to a thread:
// it may move to another shard between two calls (data-path: hand-over).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include "base/result.h"
#include "net/address.h"

namespace latchkey::net {

enum class IoStatus : std::uint8_t {
    Ok,         ///< read: `bytes` > 0 arrived; write: everything offered was taken
    WantRead,   ///< nothing (more) until the handle is readable
    WantWrite,  ///< nothing (more) until the handle is writable
    Eof,        ///< the peer finished sending; writing may still work
    Failed,     ///< the stream is dead; `error` says why
};

struct IoResult {
    IoStatus status = IoStatus::Failed;
    std::size_t bytes = 0;  ///< read or taken by this call; a write that wants may have taken some
    /// Bytes wait inside the transport though the socket may be quiet: treat as readable, also after
    /// WantRead.
    bool more = false;
    /// Write: so many bytes after the taken ones are promised to the peer already, sealed in a record or
    /// announced by a frame's length. They are offered again first, unchanged, whatever else changes.
    std::size_t held = 0;
    const ErrorInfo* error = nullptr;  ///< set when Failed
    const char* detail = nullptr;      ///< static text or null, for the log
};

/// What TLS knows about the peer; complete once the handshake is done.
struct TlsFacts {
    std::string_view version;  ///< "TLSv1.3"; static text
    std::string_view cipher;   ///< "TLS_AES_128_GCM_SHA256"; static text
    std::string server_name;   ///< SNI as the client sent it; unverified text
    bool resumed = false;
    /// DER bytes; empty when none was shown. Verified against the client CA.
    std::string client_certificate;
    /// What a client showed above it, DER each; empty after a resumption, which brings the certificate alone.
    std::vector<std::string> client_chain;
};

/// What is known about the other end. Addresses are kept raw; text is made when a log wants it.
struct PeerFacts {
    Address remote;
    std::uint16_t local_port = 0;
    bool handshake_done = true;     ///< false while PROXY, TLS or WebSocket still open the connection
    const TlsFacts* tls = nullptr;  ///< the transport's; null on a plain one
};

/// @thread whoever owns it at the moment; never two at once
class Transport {
  public:
    virtual ~Transport() = default;

    /// The descriptor (or the simulator's number) to register with the poller; -1 once closed.
    virtual int handle() const = 0;
    /// Reads what is there, up to `into`. Never waits. Drives handshakes and answers pings: then WantRead or
    /// WantWrite with 0 bytes; after WantWrite it is called again when the handle is writable.
    virtual IoResult read(std::span<std::byte> into) = 0;
    /// Writes as much as the socket takes. Never waits. Ok = all of it. After WantWrite or WantRead the
    /// caller offers again what was not taken: `held` bytes of it unchanged, and at least as many.
    virtual IoResult write(std::span<const iovec> from) = 0;
    /// Says goodbye as far as that needs no waiting, then closes. Idempotent.
    virtual void close() = 0;
    virtual const PeerFacts& peer() const = 0;
};

}  // namespace latchkey::net
