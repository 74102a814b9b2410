// See sim_net.h.
// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_net.h"

#include <algorithm>
#include <cstring>

#include "net/websocket.h"

namespace latchkey::sim {

SimTransport::SimTransport(SimNet& network, int handle, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
                           const net::Address& from)
    : network_(network), handle_(handle), in_(std::move(in)), out_(std::move(out)) {
    peer_.remote = from;
}

SimTransport::~SimTransport() {
    close();
}

net::IoResult SimTransport::read(std::span<std::byte> into) {
    if (in_->broken || handle_ < 0) return {.status = net::IoStatus::Failed};
    if (in_->bytes.empty()) {
        return {.status = in_->closed ? net::IoStatus::Eof : net::IoStatus::WantRead};
    }
    const std::size_t n = std::min(into.size(), in_->bytes.size());
    std::memcpy(into.data(), in_->bytes.data(), n);
    in_->bytes.erase(0, n);
    return {.status = net::IoStatus::Ok, .bytes = n};
}

net::IoResult SimTransport::write(std::span<const iovec> from) {
    if (out_->broken || handle_ < 0) return {.status = net::IoStatus::Failed};
    std::size_t taken = 0;
    for (const iovec& part : from) {
        const std::size_t room = out_->room > out_->bytes.size() ? out_->room - out_->bytes.size() : 0;
        const std::size_t n = std::min(room, part.iov_len);
        out_->bytes.append(static_cast<const char*>(part.iov_base), n);
        taken += n;
        if (n < part.iov_len) return {.status = net::IoStatus::WantWrite, .bytes = taken};
    }
    return {.status = net::IoStatus::Ok, .bytes = taken};
}

void SimTransport::close() {
    if (handle_ < 0) return;
    out_->closed = true;
    network_.forget(handle_);
    handle_ = -1;
}

SimNet::Connection SimNet::connect(const net::Address& from) {
    auto to_broker = std::make_shared<Pipe>();
    auto to_client = std::make_shared<Pipe>();
    const int handle = next_handle_++;
    ends_[handle] = {to_broker, to_client};
    return {std::make_unique<SimTransport>(*this, handle, to_broker, to_client, from), to_client, to_broker};
}

const SimNet::Ends* SimNet::find(int handle) const {
    const auto found = ends_.find(handle);
    return found == ends_.end() ? nullptr : &found->second;
}

net::AcceptResult SimAcceptor::try_accept(const net::TransportPlan& plan, net::AcceptGate* gate) {
    if (waiting_.empty()) return {};
    auto transport = std::move(waiting_.front());
    waiting_.pop_front();
    if (gate != nullptr && !gate->admits(transport->peer().remote)) {
        return {.status = net::AcceptStatus::Unwelcome, .remote = transport->peer().remote};
    }
    if (plan.websocket) transport = net::make_websocket_transport(std::move(transport), plan.websocket);
    return {net::AcceptStatus::Ok, std::move(transport)};
}

Result<void> SimPoller::add(int handle, net::PollToken token, net::Interest interest) {
    watched_[handle] = {token, interest};
    return {};
}

void SimPoller::modify(int handle, net::PollToken token, net::Interest interest) {
    watched_[handle] = {token, interest};
}

std::vector<net::PollEvent> SimPoller::collect(bool take) {
    std::vector<net::PollEvent> events;
    for (auto& [handle, watched] : watched_) {
        net::PollEvent event{.token = watched.token};
        if (watched.interest == net::Interest::Accept) {
            const auto it =
                std::ranges::find_if(acceptors_, [&](auto* one) { return one->handle() == handle; });
            event.readable = accepts && it != acceptors_.end() && (*it)->waiting();
        } else if (const SimNet::Ends* ends = network_.find(handle)) {
            const bool fin = ends->in->closed && ends->in->bytes.empty();
            event.broken = ends->in->broken;
            event.readable =
                net::has(watched.interest, net::Interest::Readable) && (!ends->in->bytes.empty() || fin);
            event.writable = net::has(watched.interest, net::Interest::Writable) &&
                             ends->out->bytes.size() < ends->out->room;
            event.hangup = net::has(watched.interest, net::Interest::HangupOnly) && ends->in->closed;
            if (event.hangup && take) watched.interest = net::Interest::None;
        }
        if (event.readable || event.writable || event.hangup || event.broken) events.push_back(event);
    }
    return events;
}

void SimPoller::wait(MonoTime, MonoTime, std::vector<net::PollEvent>& out) {
    woken_ = false;
    out = collect(true);
}

}  // namespace latchkey::sim
