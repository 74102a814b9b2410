// How a contract suite gets connections of the kind that it tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "net/transport.h"

namespace latchkey::test {

/// Two ends of one connection.
struct TransportPair {
    std::unique_ptr<net::Transport> server;
    std::unique_ptr<net::Transport> client;
};

/// How a kind of transport is made and how its network moves on.
struct TransportSource {
    std::string name;
    std::function<TransportPair()> make;
    /// Lets bytes travel. @return whether `of` is readable for a poller; false: nothing will come by itself
    std::function<bool(const net::Transport& of)> await_readable;
    /// The same for room to write.
    std::function<bool(const net::Transport& of)> await_writable;
};

inline std::ostream& operator<<(std::ostream& out, const TransportSource& source) {
    return out << source.name;
}

}  // namespace latchkey::test
