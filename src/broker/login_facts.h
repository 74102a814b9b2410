// Login facts: what the transport knows of a peer, as the pipeline wants it. A certificate counts only while
// the listener's present client CA vouches for it: neither a reload nor a resumed TLS session may carry an
// old verdict into a login.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/facts.h"
#include "base/result.h"
#include "base/time.h"
#include "broker/epoch.h"
#include "net/transport.h"

namespace latchkey::broker {

/// Listener, address, TLS and certificate; the caller adds what CONNECT says.
///
/// @param verify  the handshake ran under another epoch: its certificate is verified again
/// @error kCertificateRefused (not admitted any more, expired, unreadable)
/// @thread shard
Result<auth::Facts> facts_of_peer(const net::PeerFacts& peer, const ListenerPlan& plan, WallTime now,
                                  bool verify);

}  // namespace latchkey::broker
