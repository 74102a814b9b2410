// See websocket.h. Reading decodes frames in the caller's buffer; writing puts short headers between the
// caller's pieces. Of our own there is at most one control frame on its way and the newest Pong behind it, so
// that a peer which pings and does not read costs nothing.
// SPDX-License-Identifier: Apache-2.0
#include "net/websocket.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "net/errors.h"
#include "net/first_bytes.h"
#include "net/gather.h"
#include "net/websocket_frames.h"

namespace latchkey::net {
namespace {

constexpr int kRoundsPerRead = 16;           ///< frames without payload must not hold a turn
constexpr std::size_t kFramesPerWrite = 16;  ///< of a plain connection; TLS gets one, its record
constexpr std::size_t kPiecesPerWrite = 128;

class WebSocketTransport final : public Transport {
  public:
    WebSocketTransport(std::unique_ptr<Transport> inner, std::shared_ptr<const WebSocketOptions> options)
        : inner_(std::move(inner)), request_(std::make_unique<UpgradeRequest>()) {
        request_->options = std::move(options);
        note_peer(false);
    }
    ~WebSocketTransport() override { close(); }

    int handle() const override { return inner_->handle(); }
    const PeerFacts& peer() const override { return peer_; }
    IoResult read(std::span<std::byte> into) override;
    IoResult write(std::span<const iovec> from) override;
    void close() override;

  private:
    /// Until the request is whole.
    struct UpgradeRequest {
        std::shared_ptr<const WebSocketOptions> options;
        std::string head;
    };
    /// Frames of ours that are not MQTT, and the handshake's answer.
    struct Answers {
        std::string begun;     ///< offered already: leaves unchanged, before anything else
        std::size_t sent = 0;  ///< of it
        std::string pong;      ///< the newest; replaces one that has not begun
        std::string close;     ///< the last
    };
    /// Frames of one inner write, as they lie between the caller's pieces.
    struct Batch {
        struct Frame {
            FrameHead head;
            std::size_t payload = 0;
        };
        std::array<Frame, kFramesPerWrite> frames{};
        std::size_t count = 0;
        std::array<iovec, kPiecesPerWrite> pieces{};
        std::size_t used = 0;
        void add(const std::byte* at, std::size_t size) {
            pieces[used++] = {.iov_base = const_cast<std::byte*>(at), .iov_len = size};
        }
    };

    IoResult failed() const { return {.error = dead_, .detail = detail_}; }
    IoResult die(const ErrorInfo& error, const char* detail = nullptr) {
        dead_ = &error;
        detail_ = detail;
        return failed();
    }
    void note_peer(bool done) {
        peer_ = inner_->peer();
        peer_.handshake_done = done;
    }

    // Reading
    IoResult shake(std::span<std::byte> into);
    const ErrorInfo* spoken_otherwise(std::string_view first) const;
    IoResult refuse(const UpgradeAnswer& answer);
    std::size_t digest(std::span<std::byte> bytes);
    IoResult idle(const IoResult& got) const;

    // Writing
    bool mid_frame() const { return head_left_ != 0 || frame_left_ != 0; }
    Answers& answers() {
        if (!answers_) answers_ = std::make_unique<Answers>();
        return *answers_;
    }
    IoResult send_answers();
    void fill(Batch& batch, const Gather& source);
    std::size_t settle(const Batch& batch, std::size_t taken, bool committed);

    std::unique_ptr<Transport> inner_;
    PeerFacts peer_;
    std::unique_ptr<UpgradeRequest> request_;
    FrameReader reader_;
    std::unique_ptr<Answers> answers_;
    const ErrorInfo* dead_ = nullptr;
    const char* detail_ = nullptr;
    FrameHead head_{};              ///< of the frame that has begun
    std::uint32_t frame_left_ = 0;  ///< payload it still announces
    std::uint8_t head_left_ = 0;    ///< bytes of its header that have not left
    bool ended_ = false;            ///< the peer said Close
    bool goodbye_ = false;          ///< we did
};

// Reading
// ---------------------------------------------------------------------------------------------------------

IoResult WebSocketTransport::read(std::span<std::byte> into) {
    if (dead_ != nullptr) return failed();
    if (handle() < 0) return {.error = &kSocketFailed};
    if (ended_) return {.status = IoStatus::Eof};
    if (answers_ && !mid_frame()) {
        const IoResult sent = send_answers();
        if (sent.status == IoStatus::Failed) return sent;
    }
    IoResult got = request_ ? shake(into) : inner_->read(into);
    for (int round = 1; got.status == IoStatus::Ok; ++round) {
        const std::size_t payload = digest(into.first(got.bytes));
        const bool over = dead_ != nullptr || ended_;
        // What came before an end or an error counts first; the next read tells it, and must happen.
        if (payload != 0)
            return {
                .status = IoStatus::Ok, .bytes = payload, .more = got.more || over || answers_ != nullptr};
        if (dead_ != nullptr) return failed();
        if (ended_) return {.status = IoStatus::Eof};
        if (!got.more) return idle({.status = IoStatus::WantRead});
        if (round == kRoundsPerRead) return {.status = IoStatus::WantRead, .more = true};
        got = inner_->read(into);
    }
    return idle(got);
}

// Nothing came, but something of ours may wait for room.
IoResult WebSocketTransport::idle(const IoResult& got) const {
    if (got.status == IoStatus::WantRead && answers_ && !mid_frame())
        return {.status = IoStatus::WantWrite, .more = got.more};
    return got;
}

// Collects the request and answers it. Ok: established, `bytes` after the request are at the front of `into`.
IoResult WebSocketTransport::shake(std::span<std::byte> into) {
    IoResult got = inner_->read(into);
    if (got.status != IoStatus::Ok) return got;
    std::string& head = request_->head;
    const std::size_t before = head.size();
    const std::string_view text(reinterpret_cast<const char*>(into.data()), got.bytes);
    if (before == 0) {
        if (const ErrorInfo* other = spoken_otherwise(text)) return die(*other);
        if (text.front() < 'A' || text.front() > 'Z') return refuse(refuse_upgrade(kUpgradeMalformed));
    }
    head.append(text.substr(0, kMaxUpgradeBytes - before));
    const std::size_t end = head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
        if (head.size() == kMaxUpgradeBytes) return refuse(refuse_upgrade(kUpgradeTooLarge));
        return {.status = IoStatus::WantRead, .more = got.more};
    }
    const std::size_t used = end + 4 - before;
    const UpgradeAnswer answer =
        answer_upgrade(std::string_view(head).substr(0, end + 4), *request_->options);
    if (answer.refused != nullptr) return refuse(answer);
    answers().begun = answer.response;
    request_.reset();
    note_peer(true);
    if (const IoResult sent = send_answers(); sent.status == IoStatus::Failed) return sent;
    got.bytes -= used;
    std::memmove(into.data(), into.data() + used, got.bytes);
    return got;
}

const ErrorInfo* WebSocketTransport::spoken_otherwise(std::string_view first) const {
    switch (recognise(std::as_bytes(std::span(first)))) {
        case Spoken::MqttConnect:
            return &kMqttOnWebSocketPort;
        case Spoken::Tls:
            return &kTlsOnPlainPort;
        case Spoken::Http:
        case Spoken::Other:
            break;
    }
    return nullptr;
}

// The words leave if the socket takes them, which a fresh one does.
IoResult WebSocketTransport::refuse(const UpgradeAnswer& answer) {
    answers().begun = answer.response;
    LK_IGNORE(send_answers(), "the connection ends anyway");
    return die(*answer.refused);
}

// Decodes in place and queues what is to be answered. @return bytes of MQTT
std::size_t WebSocketTransport::digest(std::span<std::byte> bytes) {
    const FrameEvents events = reader_.decode(bytes);
    if (events.pinged) answers().pong = control_frame(FrameKind::Pong, events.ping);
    if (events.closed || events.error != nullptr) {
        answers().close = close_frame(events.close_code);
        goodbye_ = true;
    }
    if (answers_ && !mid_frame()) {
        const IoResult sent = send_answers();
        if (sent.status == IoStatus::Failed && events.error == nullptr)
            die(sent.error != nullptr ? *sent.error : kSocketFailed, sent.detail);
    }
    if (events.closed) ended_ = true;
    if (events.error != nullptr) die(*events.error);
    return events.payload;
}

// Writing
// ---------------------------------------------------------------------------------------------------------

// Only between frames of payload. Ok: nothing is left.
IoResult WebSocketTransport::send_answers() {
    while (answers_) {
        Answers& a = *answers_;
        if (a.begun.empty()) {
            a.begun = std::exchange(a.pong.empty() ? a.close : a.pong, {});
            if (a.begun.empty()) {
                answers_.reset();
                break;
            }
        }
        const iovec rest{.iov_base = a.begun.data() + a.sent, .iov_len = a.begun.size() - a.sent};
        IoResult result = inner_->write(std::span(&rest, 1));
        a.sent += result.bytes;
        result.bytes = 0;
        result.held = 0;
        if (result.status != IoStatus::Ok) return result;
        a.begun.clear();
        a.sent = 0;
    }
    return {.status = IoStatus::Ok};
}

IoResult WebSocketTransport::write(std::span<const iovec> from) {
    if (dead_ != nullptr) return failed();
    if (handle() < 0 || goodbye_) return {.error = &kSocketFailed};
    if (request_) return {.status = IoStatus::WantRead};
    IoResult result{.status = IoStatus::Ok};
    Gather source(from);
    for (;;) {
        if (answers_ && !mid_frame()) {
            IoResult sent = send_answers();
            if (sent.status != IoStatus::Ok) {
                sent.bytes = result.bytes;
                return sent;
            }
        }
        if (source.done()) return result;
        Batch batch;  // NOLINT: filled as far as it is used
        fill(batch, source);
        const IoResult wrote = inner_->write(std::span(batch.pieces).first(batch.used));
        if (wrote.status == IoStatus::Failed) return wrote;
        const bool whole = wrote.status == IoStatus::Ok;
        const std::size_t taken = settle(batch, wrote.bytes, wrote.held != 0);
        result.bytes += taken;
        source.advance(taken);
        if (whole) continue;
        result.status = wrote.status;
        result.held = frame_left_;
        return result;
    }
}

// Lays out the rest of the frame that has begun, then new ones. A new frame announces what its pieces hold:
// what it announced must follow, whatever becomes of the messages behind it.
void WebSocketTransport::fill(Batch& batch, const Gather& source) {
    Gather at = source;
    const std::size_t most = peer_.tls != nullptr ? 1 : kFramesPerWrite;
    while (batch.count < most && batch.used + 2 <= batch.pieces.size() && !at.done()) {
        Batch::Frame& frame = batch.frames[batch.count];
        const bool begun = batch.count == 0 && mid_frame();
        const std::size_t limit = begun ? frame_left_ : kMaxFramePayload;
        const std::size_t head_slot = batch.used++;
        while (frame.payload < limit && batch.used < batch.pieces.size() && !at.done()) {
            const auto piece = at.piece();
            const std::size_t part = std::min(piece.size(), limit - frame.payload);
            batch.add(piece.data(), part);
            frame.payload += part;
            at.advance(part);
        }
        frame.head = begun ? head_ : frame_head(FrameKind::Binary, frame.payload);
        const std::size_t left = begun ? head_left_ : frame.head.size;
        batch.pieces[head_slot] = {.iov_base = frame.head.bytes.data() + (frame.head.size - left),
                                   .iov_len = left};
        ++batch.count;
    }
}

// Notes which frame is under way after `taken` bytes of the batch. @param committed  the inner transport has
// sealed what it did not take: then the first frame behind `taken` has begun although nothing of it left
// @return bytes of payload that were taken
std::size_t WebSocketTransport::settle(const Batch& batch, std::size_t taken, bool committed) {
    std::size_t payload = 0;
    for (std::size_t i = 0; i < batch.count; ++i) {
        const Batch::Frame& frame = batch.frames[i];
        const bool begun = i == 0 && mid_frame();
        if (!begun && taken == 0 && !committed) break;
        if (!begun) {
            head_ = frame.head;
            head_left_ = static_cast<std::uint8_t>(frame.head.size);
            frame_left_ = static_cast<std::uint32_t>(frame.payload);
        }
        const std::size_t of_head = std::min<std::size_t>(taken, head_left_);
        head_left_ = static_cast<std::uint8_t>(head_left_ - of_head);
        const std::size_t of_payload = std::min(taken - of_head, frame.payload);
        frame_left_ -= static_cast<std::uint32_t>(of_payload);
        payload += of_payload;
        taken -= of_head + of_payload;
        if (mid_frame()) break;
    }
    return payload;
}

void WebSocketTransport::close() {
    if (handle() < 0) return;
    // RFC 6455 7.1.2, as far as that needs no waiting; never inside a frame that has begun.
    if (!request_ && dead_ == nullptr && !goodbye_ && !mid_frame()) {
        answers().close = close_frame(kCloseNormal);
        LK_IGNORE(send_answers(), "nobody waits for the answer");
    }
    inner_->close();
}

}  // namespace

std::unique_ptr<Transport> make_websocket_transport(std::unique_ptr<Transport> inner,
                                                    std::shared_ptr<const WebSocketOptions> options) {
    return std::make_unique<WebSocketTransport>(std::move(inner), std::move(options));
}

}  // namespace latchkey::net
