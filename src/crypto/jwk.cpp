// See jwk.h. One function per rule group; a key that fails any keeps the reason and verifies nothing.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <algorithm>

#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/errors.h"
#include "crypto/key_impl.h"

namespace latchkey::crypto {
namespace {

Result<std::string> bytes_member(const json::Value& jwk, std::string_view name) {
    const std::string* const text = jwk.find_string(name);
    if (text == nullptr) return fail(kUnusableKey, std::string(name) + " is missing");
    auto bytes = base64url_decode(*text);
    if (!bytes) return fail(kUnusableKey, std::string(name).append(" is not base64url"));
    return bytes;
}

Result<std::string> text_member(const json::Value& jwk, std::string_view name) {
    const std::string* const text = jwk.find_string(name);
    if (text == nullptr) return fail(kUnusableKey, std::string(name) + " is missing");
    return *text;
}

/// RFC 7517 4.2 and 4.3: may this key verify signatures at all?
Result<void> check_purpose(const json::Value& jwk) {
    // A secret in a public place is no longer one; whoever holds it could sign.
    if (jwk.find("d") != nullptr) return fail(kUnusableKey, "private key in a public set");
    if (const json::Value* use = jwk.find("use")) {
        if (!use->is_string() || *use->string() != "sig") return fail(kUnusableKey, "use is not sig");
    }
    if (const json::Value* operations = jwk.find("key_ops")) {
        const json::Array* const list = operations->array();
        const auto is_verify = [](const json::Value& item) {
            return item.is_string() && *item.string() == "verify";
        };
        if (list == nullptr || std::ranges::none_of(*list, is_verify)) {
            return fail(kUnusableKey, "key_ops without verify");
        }
    }
    return {};
}

Result<KeyKind> kind_of(const json::Value& jwk) {
    LK_TRY(const std::string kty, text_member(jwk, "kty"));
    if (kty == "RSA") return KeyKind::Rsa;
    if (kty == "oct") return fail(kUnusableKey, "shared secret in a public set");
    if (kty != "EC" && kty != "OKP") return fail(kUnusableKey, "unknown kty");
    LK_TRY(const std::string crv, text_member(jwk, "crv"));
    if (kty == "OKP") {
        if (crv == "Ed25519") return KeyKind::Ed25519;
        return fail(kUnusableKey, "unknown crv");
    }
    if (crv == "P-256") return KeyKind::P256;
    if (crv == "P-384") return KeyKind::P384;
    if (crv == "P-521") return KeyKind::P521;
    return fail(kUnusableKey, "unknown crv");
}

/// RFC 7517 4.4: a key with `alg` is for that one alone; one without for all that its kind and curve fit.
Result<AlgorithmSet> algorithms_for(const json::Value& jwk, KeyKind kind) {
    const json::Value* const alg = jwk.find("alg");
    if (alg == nullptr) return algorithms_of(kind);
    if (!alg->is_string()) return fail(kUnusableKey, "alg is not a string");
    const std::optional<Algorithm> algorithm = find_algorithm(*alg->string());
    if (!algorithm || !algorithms_of(kind).has(*algorithm)) {
        return fail(kUnusableKey, "alg does not fit the key");
    }
    return AlgorithmSet{*algorithm};
}

Result<PkeyPtr> material_of(const json::Value& jwk, KeyKind kind) {
    switch (kind) {
        case KeyKind::Rsa: {
            LK_TRY(const std::string n, bytes_member(jwk, "n"));
            LK_TRY(const std::string e, bytes_member(jwk, "e"));
            return make_rsa_key(n, e);
        }
        case KeyKind::P256:
        case KeyKind::P384:
        case KeyKind::P521: {
            LK_TRY(const std::string x, bytes_member(jwk, "x"));
            LK_TRY(const std::string y, bytes_member(jwk, "y"));
            return make_ec_key(kind, x, y);
        }
        case KeyKind::Ed25519: {
            LK_TRY(const std::string x, bytes_member(jwk, "x"));
            return make_ed25519_key(x);
        }
    }
    return fail(kUnusableKey, "unknown kind");
}

Result<void> read_names(const json::Value& jwk, Key::Impl& key) {
    if (const json::Value* kid = jwk.find("kid")) {
        if (!kid->is_string() || kid->string()->size() > kMaxKidBytes) {
            return fail(kUnusableKey, "kid is no string of at most 256 bytes");
        }
        key.kid = *kid->string();
    }
    if (const json::Value* issuer = jwk.find("issuer")) {
        // Dropping it would widen the key to every issuer.
        if (!issuer->is_string()) return fail(kUnusableKey, "issuer is not a string");
        key.issuer = *issuer->string();
    }
    return {};
}

Result<void> read_key(const json::Value& jwk, Key::Impl& key) {
    if (!jwk.is_object()) return fail(kUnusableKey, "not an object");
    LK_CHECK(read_names(jwk, key));
    LK_CHECK(check_purpose(jwk));
    LK_TRY(key.kind, kind_of(jwk));
    LK_TRY(const AlgorithmSet algorithms, algorithms_for(jwk, key.kind));
    LK_TRY(key.pkey, material_of(jwk, key.kind));
    const std::string text = thumbprint_text(key.kind, key.pkey.get());
    if (text.empty()) return fail(kCryptoFailed);
    key.thumbprint = thumbprint_of(text);
    key.algorithms = algorithms;
    return prepare(key);
}

Key make_key(const json::Value& jwk) {
    auto impl = std::make_unique<Key::Impl>();
    const Result<void> read = read_key(jwk, *impl);
    if (!read) {
        const std::string_view detail = read.error().detail();
        impl->reason = detail.empty() ? read.error().info().text : detail;
        impl->algorithms = {};
    }
    return Key(std::move(impl));
}

}  // namespace

Key::Key(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Key::~Key() = default;
Key::Key(Key&&) noexcept = default;
Key& Key::operator=(Key&&) noexcept = default;
const std::optional<std::string>& Key::kid() const {
    return impl_->kid;
}
const std::string& Key::issuer() const {
    return impl_->issuer;
}
AlgorithmSet Key::algorithms() const {
    return impl_->algorithms;
}
bool Key::usable() const {
    return impl_->reason.empty() && !impl_->algorithms.empty();
}
const std::string& Key::reason() const {
    return impl_->reason;
}
const std::string& Key::thumbprint() const {
    return impl_->thumbprint;
}

KeyMatch JwkSet::find(std::optional<std::string_view> kid, Algorithm algorithm) const {
    KeyMatch match;
    bool named = false;
    for (const Key& key : keys_) {
        if (kid && key.kid() != *kid) continue;
        named = kid.has_value();
        if (!key.usable() || !key.algorithms().has(algorithm)) {
            // Two views, no conditional over string types: that would make a temporary and leave a dangling
            // view.
            if (named) match.reason = key.reason();
            if (named && key.usable()) match.reason = "key is for another algorithm";
            continue;
        }
        if (!kid && match.count == 1) {
            match.outcome = KeyLookup::Ambiguous;
            match.count = 0;
            return match;
        }
        if (match.count < kMaxKeysTried) match.found[match.count++] = &key;
    }
    if (match.count > 0) {
        match.outcome = KeyLookup::Found;
    } else {
        match.outcome = named ? KeyLookup::Unusable : KeyLookup::UnknownKid;
    }
    return match;
}

const Key* JwkSet::find_thumbprint(std::string_view thumbprint) const {
    const auto fits = [&](const Key& key) { return key.usable() && key.thumbprint() == thumbprint; };
    const auto at = std::ranges::find_if(keys_, fits);
    return at == keys_.end() ? nullptr : &*at;
}

std::size_t JwkSet::usable_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(keys_, &Key::usable));
}

Result<JwkSet> parse_jwk_set(std::string_view text, const KeySetLimits& limits) {
    if (text.size() > limits.bytes) return fail(kKeySetTooLarge, "bytes");
    const auto document = json::parse(text, {.max_bytes = limits.bytes, .max_depth = limits.depth});
    if (!document) return fail(kBadKeySet, document.error().info().name);
    const json::Value* const keys = document->find("keys");
    if (keys == nullptr || !keys->is_array()) return fail(kBadKeySet, "no list of keys");
    if (keys->array()->size() > limits.keys) return fail(kKeySetTooLarge, "keys");
    std::vector<Key> out;
    out.reserve(keys->array()->size());
    for (const json::Value& jwk : *keys->array())
        out.push_back(make_key(jwk));
    return JwkSet(std::move(out));
}

}  // namespace latchkey::crypto
