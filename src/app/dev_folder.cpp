// See dev_folder.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/dev_folder.h"

#include <chrono>

#include <fmt/core.h>

#include "app/errors.h"
#include "app/files.h"
#include "base/json.h"
#include "crypto/certificate.h"
#include "store/identity.h"

namespace latchkey::app {
namespace {

constexpr unsigned kOwnerOnly = 0600;
constexpr std::int64_t kTokenSeconds = 3600;

std::int64_t seconds(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// The file's content, or what `make` gives, kept in the file from then on.
template <class Make>
Result<std::string> kept(const std::string& path, Make make) {
    if (file_exists(path)) return read_file(path);
    LK_TRY(std::string made, make());
    LK_CHECK(store::replace_file(path, made, kOwnerOnly));
    return made;
}

}  // namespace

std::string random_name(Random& random) {
    static constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    std::string out;
    for (int i = 0; i < 26; ++i)
        out.push_back(kAlphabet[random.below(kAlphabet.size())]);
    return out;
}

Result<DevFolder> DevFolder::open(const std::string& data, Random& random, const Clock& clock) {
    DevFolder folder;
    folder.path_ = data + "/dev";
    LK_CHECK(store::make_folder(folder.path_));
    if (file_exists(folder.file("state.json"))) {
        LK_CHECK(folder.load_state());
    } else {
        folder.id_ = random_name(random);
        folder.audience_ = "latchkey-dev-" + random_name(random);
        LK_CHECK(folder.save_state());
    }
    LK_CHECK(folder.make_keys());
    LK_CHECK(folder.make_certificates(clock));
    LK_CHECK(folder.make_secrets(random));
    return folder;
}

Result<DevFolder> DevFolder::load(const std::string& data) {
    DevFolder folder;
    folder.path_ = data + "/dev";
    LK_CHECK(folder.load_state());
    if (!file_exists(folder.file("issuer-key.pem")))
        return fail(kFileUnreadable, folder.file("issuer-key.pem"));
    LK_CHECK(folder.make_keys());
    return folder;
}

Result<void> DevFolder::load_state() {
    LK_TRY(const std::string text, read_file(file("state.json")));
    const auto state = json::parse(text);
    if (!state) return fail(kDevFolderDamaged, file("state.json"));
    const std::string* id = state->find_string("id");
    const std::string* audience = state->find_string("audience");
    const json::Value* port = state->find("issuer_port");
    const auto number = port == nullptr ? std::nullopt : port->as_int64();
    if (id == nullptr || id->size() < 16 || audience == nullptr || audience->size() < 16 || !number ||
        *number < 0 || *number > 65'535)
        return fail(kDevFolderDamaged, file("state.json"));
    id_ = *id;
    audience_ = *audience;
    issuer_port_ = static_cast<std::uint16_t>(*number);
    return {};
}

Result<void> DevFolder::save_state() const {
    std::string text;
    json::Writer(text)
        .begin_object()
        .field("id", id_)
        .field("audience", audience_)
        .field("issuer_port", issuer_port_)
        .end_object();
    return store::replace_file(file("state.json"), text + "\n", kOwnerOnly);
}

Result<void> DevFolder::set_issuer_port(std::uint16_t port) {
    if (port == issuer_port_) return {};
    issuer_port_ = port;
    return save_state();
}

std::string DevFolder::issuer() const {
    return fmt::format("http://127.0.0.1:{}/{}", issuer_port_, id_);
}

Result<void> DevFolder::make_keys() {
    const auto pem = kept(file("issuer-key.pem"), []() -> Result<std::string> {
        LK_TRY(const crypto::Signer fresh, crypto::Signer::generate(crypto::Algorithm::Es256));
        return std::string(fresh.private_pem().expose());
    });
    if (!pem) return fail(pem.error());
    auto signer = crypto::Signer::from_pem(Secret(*pem), crypto::Algorithm::Es256);
    if (!signer) return fail(kDevFolderDamaged, file("issuer-key.pem"));
    signer_.emplace(*std::move(signer));
    return {};
}

Result<void> DevFolder::make_certificates(const Clock& clock) {
    const WallTime now = clock.wall();
    const crypto::Validity ten_years{now - std::chrono::days(1), now + std::chrono::days(3650)};
    if (!file_exists(file("ca.pem")) || !file_exists(file("ca-key.pem"))) {
        LK_TRY(const crypto::IssuedCertificate fresh,
               crypto::make_authority("Latchkey development CA", ten_years));
        LK_CHECK(store::replace_file(file("ca-key.pem"), fresh.key_pem.expose(), kOwnerOnly));
        LK_CHECK(store::replace_file(file("ca.pem"), fresh.certificate_pem, kOwnerOnly));
    }
    LK_TRY(const std::string certificate, read_file(file("ca.pem")));
    LK_TRY(const std::string key, read_file(file("ca-key.pem")));
    const crypto::IssuedCertificate authority{certificate, Secret(key)};
    const auto server =
        crypto::issue_server_certificate(authority, {"localhost"}, {"127.0.0.1", "::1"},
                                         {now - std::chrono::days(1), now + std::chrono::days(365)});
    if (!server) return fail(kDevFolderDamaged, file("ca.pem"));
    LK_CHECK(store::replace_file(file("server-key.pem"), server->key_pem.expose(), kOwnerOnly));
    return store::replace_file(file("server.pem"), server->certificate_pem, kOwnerOnly);
}

Result<void> DevFolder::make_secrets(Random& random) {
    for (DevClient& client : clients_) {
        const std::string path = file(client.name + ".secret");
        LK_TRY(const std::string text,
               kept(path, [&]() -> Result<std::string> { return random_name(random); }));
        LK_TRY(client.secret, read_secret_file(path));
        if (client.secret.size() < 16) return fail(kDevFolderDamaged, path);
        LK_IGNORE(text, "read again without its newline");
    }
    return {};
}

Result<std::string> dev_token(const DevFolder& folder, std::string_view client, Random& random,
                              WallTime now) {
    std::string claims;
    json::Writer json(claims);
    json.begin_object();
    json.field("iss", folder.issuer()).field("aud", folder.audience());
    json.field("sub", client).field("client_id", client).field("scope", "mqtt");
    json.begin_array("roles").string(client).end_array();
    json.field("iat", seconds(now)).field("exp", seconds(now) + kTokenSeconds);
    json.field("jti", random_name(random));
    json.end_object();
    return folder.signer().sign_compact(folder.signer().header(), claims);
}

}  // namespace latchkey::app
