// A connection whose first bytes are a PROXY header: reads exactly those, then is what the listener says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "net/fd.h"
#include "net/transport_plan.h"

namespace latchkey::net {

/// @param behind  what follows the header; without proxy rules of its own
/// @param remote  the proxy's address, which stands until the header gives another
std::unique_ptr<Transport> make_proxy_transport(TransportPlan behind, OwnedFd socket, const Address& remote,
                                                std::uint16_t local_port);

}  // namespace latchkey::net
