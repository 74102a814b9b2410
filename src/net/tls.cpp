// Contexts: what we offer and demand in TLS, and certificates from PEM files with errors that name the file;
// see tls.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/digest.h"
#include "net/errors.h"
#include "net/tls_transport.h"

namespace latchkey::net {
namespace {

constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

// ALPN names in wire form (RFC 7301 3.1). Objects, because the callback's argument is a pointer that never
// dies.
struct Alpn {
    unsigned char size;
    std::array<unsigned char, 9> bytes;
};
const Alpn kAlpnMqtt{5, {4, 'm', 'q', 't', 't'}};
const Alpn kAlpnHttp{9, {8, 'h', 't', 't', 'p', '/', '1', '.', '1'}};

struct ContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextFree>;

// "FILE: what OpenSSL says", short enough for an Error.
std::string openssl_detail(const std::string& file) {
    const unsigned long code = ERR_peek_error();
    const char* reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return reason == nullptr ? file : file + ": " + reason;
}

Result<void> check_readable(const std::string& file, const ErrorInfo& error) {
    if (file.empty()) return fail(error, "no file named");
    std::FILE* opened = std::fopen(file.c_str(), "re");
    if (opened == nullptr) return fail(error, file + ": " + std::strerror(errno));
    LK_IGNORE(std::fclose(opened), "opened for reading");
    return {};
}

// OpenSSL would ask on the terminal for the password of an encrypted key.
int no_password(char*, int, int, void*) {
    return -1;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void* argument) {
    const Alpn& ours = *static_cast<const Alpn*>(argument);
    unsigned char* chosen = nullptr;
    // Cross-protocol attacks: bytes meant for another protocol shall not reach ours.
    if (SSL_select_next_proto(&chosen, out_size, ours.bytes.data(), ours.size, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

Result<ContextPtr> make_context(const SSL_METHOD* method) {
    ignore_broken_pipes();
    ERR_clear_error();
    ContextPtr context(SSL_CTX_new(method));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), kCiphers12) != 1 ||
        SSL_CTX_set_ciphersuites(context.get(), kCiphers13) != 1 ||
        SSL_CTX_set1_groups_list(context.get(), kGroups) != 1)
        return fail(kTlsSetup, openssl_detail("context"));
    SSL_CTX_set_security_level(context.get(), 2);
    // A missing close_notify is no attack here: MQTT packets carry their length, a cut one is never
    // processed.
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_OFF);  // tickets hold the state, at the client
    SSL_CTX_set_default_passwd_cb(context.get(), no_password);
    return context;
}

Result<void> use_certificate(SSL_CTX* context, const std::string& certificate_file,
                             const std::string& key_file) {
    LK_CHECK(check_readable(certificate_file, kCertificateFile));
    LK_CHECK(check_readable(key_file, kKeyFile));
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
        return fail(kCertificateFile, openssl_detail(certificate_file));
    if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        const unsigned long code = ERR_peek_last_error();
        const bool mismatch =
            ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                                  ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
        return fail(mismatch ? kKeyMismatch : kKeyFile, openssl_detail(key_file));
    }
    if (SSL_CTX_check_private_key(context) != 1) return fail(kKeyMismatch, openssl_detail(key_file));
    return {};
}

Result<void> trust_file(SSL_CTX* context, const std::string& file) {
    LK_CHECK(check_readable(file, kCaFile));
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) return fail(kCaFile, openssl_detail(file));
    return {};
}

// RFC 5280 4.2.1.9: an authority signs certificates, it is nobody's device. OpenSSL lets one pass that names
// no key usage.
int no_authority_as_client(int ok, X509_STORE_CTX* verification) {
    if (ok != 1 || X509_STORE_CTX_get_error_depth(verification) != 0) return ok;
    X509* leaf = X509_STORE_CTX_get_current_cert(verification);
    if ((X509_get_extension_flags(leaf) & EXFLAG_CA) == 0) return ok;
    X509_STORE_CTX_set_error(verification, X509_V_ERR_INVALID_PURPOSE);
    return 0;
}

Result<void> demand_client_certificate(SSL_CTX* context, const TlsServerOptions& options) {
    int mode = SSL_VERIFY_NONE;
    switch (options.client_certificate) {
        case ClientCertificate::None:
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
            return {};
        case ClientCertificate::Optional:
            mode = SSL_VERIFY_PEER;
            break;
        case ClientCertificate::Required:
            mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
            break;
    }
    LK_CHECK(trust_file(context, options.client_ca_file));
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.client_ca_file.c_str());
    if (names == nullptr) return fail(kCaFile, openssl_detail(options.client_ca_file));
    SSL_CTX_set_client_CA_list(context, names);  // takes ownership
    SSL_CTX_set_verify(context, mode, no_authority_as_client);
    return {};
}

// Whom clients must come from: the digests of the loaded certificates, in an order of their own.
std::string trust_of(SSL_CTX* context, ClientCertificate demand) {
    std::vector<std::string> digests;
    STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        const X509* certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate != nullptr) digests.push_back(crypto::to_hex(crypto::sha256(der_of(certificate))));
    }
    std::ranges::sort(digests);
    std::string trust(1, static_cast<char>('0' + static_cast<int>(demand)));
    for (const std::string& digest : digests)
        trust += digest;
    return crypto::to_hex(crypto::sha256(trust));
}

struct CertificateFree {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
using CertificatePtr = std::unique_ptr<X509, CertificateFree>;

CertificatePtr certificate_of(const std::string& der) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    return CertificatePtr(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
}

struct ChainFree {
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};

// The names that must stand in the server's certificate, and the one that is sent in clear (RFC 6066 3: no
// addresses).
bool expect_server(SSL* ssl, std::string_view server_name) {
    std::string name(server_name);
    if (const auto address = parse_address(server_name, 0); address && name != "localhost")
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->text().c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return !name.empty() && SSL_set1_host(ssl, name.c_str()) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsServerOptions& options) {
    LK_TRY(ContextPtr context, make_context(TLS_server_method()));
    LK_CHECK(use_certificate(context.get(), options.certificate_file, options.key_file));
    LK_CHECK(demand_client_certificate(context.get(), options));
    constexpr std::string_view kName =
        "latchkey";  // resumption with client certificates demands a context name
    if (SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(kName.data()),
                                       static_cast<unsigned>(kName.size())) != 1 ||
        SSL_CTX_set_num_tickets(context.get(), 1) != 1 || SSL_CTX_set_max_early_data(context.get(), 0) != 1)
        return fail(kTlsSetup, openssl_detail("context"));
    const Alpn& alpn = options.protocol == TlsProtocol::Mqtt ? kAlpnMqtt : kAlpnHttp;
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, const_cast<Alpn*>(&alpn));  // read only there
    return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), options.client_certificate));
}

TlsContext::TlsContext(ssl_ctx_st* context, ClientCertificate demand)
    : context_(context), demand_(demand), client_trust_(trust_of(context, demand)) {}

bool TlsContext::admits(const TlsFacts& shown) const {
    if (demand_ == ClientCertificate::None) return true;
    if (shown.client_certificate.empty()) return demand_ == ClientCertificate::Optional;
    const CertificatePtr leaf = certificate_of(shown.client_certificate);
    const std::unique_ptr<STACK_OF(X509), ChainFree> chain(sk_X509_new_null());
    const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> verification(X509_STORE_CTX_new(),
                                                                                       &X509_STORE_CTX_free);
    if (!leaf || !chain || !verification) return false;
    for (const std::string& der : shown.client_chain) {
        CertificatePtr above = certificate_of(der);
        if (!above || sk_X509_push(chain.get(), above.get()) == 0) return false;
        LK_IGNORE(above.release(), "the stack has it");
    }
    bool admitted = false;
    if (X509_STORE_CTX_init(verification.get(), SSL_CTX_get_cert_store(context_), leaf.get(), chain.get()) ==
            1 &&
        X509_STORE_CTX_set_default(verification.get(), "ssl_client") == 1) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(verification.get()),
                                         SSL_CTX_get_security_level(context_));
        X509_STORE_CTX_set_verify_cb(verification.get(), no_authority_as_client);
        admitted = X509_verify_cert(verification.get()) == 1;
    }
    ERR_clear_error();
    return admitted;
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

std::unique_ptr<Transport> TlsContext::accept(OwnedFd socket, const Address& remote,
                                              std::uint16_t local_port) const {
    return make_tls_transport(SslPtr(SSL_new(context_)), std::move(socket), remote, local_port,
                              TlsRole::Server);
}

Result<std::shared_ptr<const TlsClient>> TlsClient::load(const TlsClientOptions& options) {
    LK_TRY(ContextPtr context, make_context(TLS_client_method()));
    if (!options.certificate_file.empty() || !options.key_file.empty())
        LK_CHECK(use_certificate(context.get(), options.certificate_file, options.key_file));
    if (!options.ca_file.empty()) {
        LK_CHECK(trust_file(context.get(), options.ca_file));
    } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
        return fail(kTlsSetup, openssl_detail("system CAs"));
    }
    SSL_CTX_set_verify(context.get(), options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_set_alpn_protos(context.get(), kAlpnMqtt.bytes.data(), kAlpnMqtt.size) != 0)
        return fail(kTlsSetup, openssl_detail("context"));
    return std::shared_ptr<const TlsClient>(new TlsClient(context.release(), options.insecure));
}

TlsClient::~TlsClient() {
    SSL_CTX_free(context_);
}

std::unique_ptr<Transport> TlsClient::connect(OwnedFd socket, const Address& remote, std::uint16_t local_port,
                                              std::string_view server_name) const {
    SslPtr ssl(SSL_new(context_));
    if (!ssl) return nullptr;
    // Without a name to expect there is no verification worth the word.
    if (!expect_server(ssl.get(), server_name) && !insecure_) return nullptr;
    return make_tls_transport(std::move(ssl), std::move(socket), remote, local_port, TlsRole::Client);
}

}  // namespace latchkey::net
