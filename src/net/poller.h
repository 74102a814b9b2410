// Seam: waiting for sockets. Level-triggered; what comes back is {slot, generation}, never a pointer, so that
// an event for a connection that has gone is recognised. epoll stands behind it, the simulator has its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace latchkey::net {

/// Which registration an event belongs to. Slots are the caller's, one per registered handle of a poller; a
/// reused slot has another generation. All ones is the poller's own.
struct PollToken {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const PollToken&, const PollToken&) = default;
};

/// What to watch; combine with |. Broken connections are reported under any interest, None included.
enum class Interest : std::uint8_t {
    None = 0,
    Readable = 1,
    Writable = 2,
    /// Suspended connections: only the peer's FIN. Withdrawn by the poller once reported, else it would fire
    /// for ever.
    HangupOnly = 4,
    /// Listeners: one waiter of all pollers is woken. Cannot be modified or combined.
    Accept = 8,
};
constexpr Interest operator|(Interest a, Interest b) {
    return static_cast<Interest>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool has(Interest set, Interest one) {
    return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(one)) != 0;
}

struct PollEvent {
    PollToken token;
    bool readable = false;
    bool writable = false;
    bool hangup = false;  ///< the peer finished sending (only under HangupOnly; otherwise a read says Eof)
    bool broken = false;  ///< both directions are dead, or an error is pending
};

/// @thread the executor's, except wake()
class Poller {
  public:
    virtual ~Poller() = default;
    /// @error kPollFailed
    virtual Result<void> add(int handle, PollToken token, Interest interest) = 0;
    /// Also withdraws or restores HangupOnly. The handle must be registered, not with Accept.
    virtual void modify(int handle, PollToken token, Interest interest) = 0;
    /// Before the handle moves to another shard or is closed.
    virtual void remove(int handle) = 0;
    /// Waits until something is ready, wake() was called, or `deadline`; not at all if deadline <= now.
    /// Replaces `out`.
    virtual void wait(MonoTime now, MonoTime deadline, std::vector<PollEvent>& out) = 0;
    /// Ends a wait that is under way, or the next one. @thread any
    virtual void wake() = 0;
};

}  // namespace latchkey::net
