// The stored form of an Authority. Little endian:
//   u8 format (1) | u8 state | text provider | u8 kind | text subject | u64 incarnation
//   u32 n, n blocks | u32 n, n values | u32 n, n ceilings | u32 n, n revocation keys
// text = u32 size, bytes; block = text realm, u8 kind, text name; value = text name, u8 proven, u32 n, n
// texts; ceiling = text name, u32 n, n blocks. Nothing may follow.
// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "policy/authority.h"
#include "policy/errors.h"

namespace latchkey::policy {
namespace {

constexpr std::uint8_t kFormat = 1;

class Writer {
  public:
    void byte(std::uint8_t v) { out_ += static_cast<char>(v); }
    template <class Int>
    void integer(Int v) {
        for (std::size_t i = 0; i < sizeof v; ++i)
            byte(static_cast<std::uint8_t>(v >> (8 * i)));
    }
    void size(std::size_t v) { integer(static_cast<std::uint32_t>(v)); }
    void text(std::string_view v) {
        size(v.size());
        out_ += v;
    }
    void blocks(const std::vector<BlockRef>& refs) {
        size(refs.size());
        for (const BlockRef& ref : refs) {
            text(ref.realm);
            byte(static_cast<std::uint8_t>(ref.kind));
            text(ref.name);
        }
    }
    void texts(const std::vector<std::string>& list) {
        size(list.size());
        for (const std::string& item : list)
            text(item);
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

/// Reads or fails for good: after the first fault everything is empty and ok() is false.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && rest_.empty(); }

    std::uint8_t byte() { return integer<std::uint8_t>(); }
    template <class Int>
    Int integer() {
        if (rest_.size() < sizeof(Int)) {
            give_up();
            return 0;
        }
        std::uint64_t v = 0;
        for (std::size_t i = sizeof(Int); i-- > 0;)
            v = v << 8 | static_cast<std::uint8_t>(rest_[i]);
        rest_.remove_prefix(sizeof(Int));
        return static_cast<Int>(v);
    }
    std::string text() {
        const auto length = integer<std::uint32_t>();
        if (length > kMaxAuthorityText || length > rest_.size()) {
            give_up();
            return {};
        }
        std::string out(rest_.substr(0, length));
        rest_.remove_prefix(length);
        return out;
    }
    /// A number of items; each takes a byte at least.
    std::size_t count() {
        const auto n = integer<std::uint32_t>();
        if (n > kMaxAuthorityItems || n > rest_.size()) {
            give_up();
            return 0;
        }
        return n;
    }
    template <class Enum>
    Enum enumerator(Enum last) {
        const std::uint8_t v = byte();
        if (v > static_cast<std::uint8_t>(last)) give_up();
        return ok_ ? static_cast<Enum>(v) : Enum{};
    }
    std::vector<BlockRef> blocks() {
        std::vector<BlockRef> out(count());
        for (BlockRef& ref : out) {
            ref.realm = text();
            ref.kind = enumerator(BlockKind::Default);
            ref.name = text();
        }
        return out;
    }
    std::vector<std::string> texts() {
        std::vector<std::string> out(count());
        for (std::string& item : out)
            item = text();
        return out;
    }

  private:
    void give_up() {
        ok_ = false;
        rest_ = {};
    }
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace

std::string serialize(const Authority& authority) {
    const AuthorityData& data = authority.data();
    Writer w;
    w.byte(kFormat);
    w.byte(static_cast<std::uint8_t>(authority.state()));
    w.text(data.principal.provider);
    w.byte(static_cast<std::uint8_t>(data.principal.kind));
    w.text(data.principal.subject);
    w.integer(data.principal.incarnation);
    w.blocks(data.blocks);
    w.size(data.values.size());
    for (const TemplateValue& value : data.values) {
        w.text(value.name);
        w.byte(value.proven ? 1 : 0);
        w.texts(value.values);
    }
    w.size(data.ceilings.size());
    for (const Ceiling& ceiling : data.ceilings) {
        w.text(ceiling.name);
        w.blocks(ceiling.blocks);
    }
    w.texts(data.revocation_keys);
    return w.take();
}

Result<StoredAuthority> deserialize(std::string_view blob) {
    Reader r(blob);
    const std::uint8_t format = r.byte();
    if (!r.ok()) return fail(kBadBlob, "empty");
    if (format != kFormat) return fail(kBlobVersion, std::to_string(format));
    StoredAuthority out;
    out.state = r.enumerator(AuthorityState::Revoked);
    out.data.principal.provider = r.text();
    out.data.principal.kind = r.enumerator(PrincipalKind::Broker);
    out.data.principal.subject = r.text();
    out.data.principal.incarnation = r.integer<std::uint64_t>();
    out.data.blocks = r.blocks();
    out.data.values.resize(r.count());
    for (TemplateValue& value : out.data.values) {
        value.name = r.text();
        value.proven = r.byte() == 1;
        value.values = r.texts();
    }
    out.data.ceilings.resize(r.count());
    for (Ceiling& ceiling : out.data.ceilings) {
        ceiling.name = r.text();
        ceiling.blocks = r.blocks();
    }
    out.data.revocation_keys = r.texts();
    if (!r.at_end()) return fail(kBadBlob, r.ok() ? "bytes after the end" : "ends too early");
    return out;
}

}  // namespace latchkey::policy
