// The makers of certificate.h: one authority and leaves below it, always with the same few extensions.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <climits>

#include <openssl/pem.h>

#include "base/utf8.h"
#include "crypto/certificate.h"
#include "crypto/errors.h"
#include "crypto/openssl.h"

namespace latchkey::crypto {
namespace {

constexpr std::size_t kMaxCommonName = 64;  // RFC 5280 ub-common-name
constexpr std::size_t kMaxNames = 100;

bool is_common_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxCommonName && is_valid_utf8(name) &&
           !has_control_characters(name);
}

/// Letters, digits, hyphen and dot, perhaps "*." before: nothing that OpenSSL's extension syntax could read
/// as more.
bool is_host_name(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(2);
    if (name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.') return false;
    if (name.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.';
    });
}

bool is_address(std::string_view text) {
    const ErrorQueueGuard guard;
    if (text.size() > 45 || text.find('\0') != std::string_view::npos) return false;
    const Owned<ASN1_OCTET_STRING, &ASN1_OCTET_STRING_free> octets(a2i_IPADDRESS(std::string(text).c_str()));
    return octets != nullptr;
}

bool set_time(ASN1_TIME* time, WallTime at) {
    return ASN1_TIME_set(time, std::chrono::system_clock::to_time_t(
                                   std::chrono::floor<std::chrono::seconds>(at))) != nullptr;
}

/// RFC 5280 4.1.2.2: unpredictable, positive, at most 20 octets.
bool set_serial(X509* certificate) {
    const BnPtr number(BN_new());
    return number && BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, std::string_view common_name) {
    X509_NAME* const name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, as_bytes(common_name),
                                      static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509V3_CTX& context, int nid, const std::string& value) {
    const Owned<X509_EXTENSION, &X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string certificate_pem(X509* certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

struct Authority {
    X509Ptr certificate;
    PkeyPtr key;
};

Result<Authority> load(const IssuedCertificate& authority) {
    const BioPtr bio(
        BIO_new_mem_buf(authority.certificate_pem.data(),
                        static_cast<int>(std::min<std::size_t>(authority.certificate_pem.size(), INT_MAX))));
    Authority out{X509Ptr(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr),
                  read_private_key_pem(authority.key_pem.expose())};
    if (!out.certificate || X509_check_ca(out.certificate.get()) != 1)
        return fail(kBadCertificate, "authority");
    if (!out.key || X509_check_private_key(out.certificate.get(), out.key.get()) != 1) {
        return fail(kBadPrivateKey, "authority");
    }
    return out;
}

struct Wish {
    std::string_view common_name;
    std::string usage;           // keyUsage
    std::string extended_usage;  // empty for an authority
    std::string alternatives;    // subjectAltName, may be empty
};

/// `authority` null: self-signed.
Result<IssuedCertificate> issue(const Wish& wish, const Validity& validity, const Authority* authority) {
    const PkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const X509Ptr certificate(X509_new());
    if (!key || !certificate) return fail(kCryptoFailed);
    X509* const made = certificate.get();
    X509* const above = authority == nullptr ? made : authority->certificate.get();
    const bool filled = X509_set_version(made, X509_VERSION_3) == 1 && set_serial(made) &&
                        set_time(X509_getm_notBefore(made), validity.from) &&
                        set_time(X509_getm_notAfter(made), validity.until) &&
                        X509_set_pubkey(made, key.get()) == 1 && set_subject(made, wish.common_name) &&
                        X509_set_issuer_name(made, X509_get_subject_name(above)) == 1;
    if (!filled) return fail(kCryptoFailed);
    X509V3_CTX context;
    X509V3_set_ctx(&context, above, made, nullptr, nullptr, 0);
    X509V3_set_ctx_nodb(&context);
    const std::string constraints = authority == nullptr ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE";
    bool extended = add_extension(made, context, NID_basic_constraints, constraints) &&
                    add_extension(made, context, NID_key_usage, "critical," + wish.usage) &&
                    add_extension(made, context, NID_subject_key_identifier, "hash") &&
                    add_extension(made, context, NID_authority_key_identifier, "keyid:always");
    if (!wish.extended_usage.empty())
        extended = extended && add_extension(made, context, NID_ext_key_usage, wish.extended_usage);
    if (!wish.alternatives.empty())
        extended = extended && add_extension(made, context, NID_subject_alt_name, wish.alternatives);
    EVP_PKEY* const signing_key = authority == nullptr ? key.get() : authority->key.get();
    if (!extended || X509_sign(made, signing_key, sha256_method()) <= 0) return fail(kCryptoFailed);
    IssuedCertificate out{certificate_pem(made), private_key_pem(key.get())};
    if (out.certificate_pem.empty() || out.key_pem.empty()) return fail(kCryptoFailed);
    return out;
}

Result<void> check(const Validity& validity) {
    if (validity.until <= validity.from)
        return fail(kBadCertificateRequest, "validity ends before it begins");
    return {};
}

}  // namespace

Result<IssuedCertificate> make_authority(std::string_view common_name, const Validity& validity) {
    const ErrorQueueGuard guard;
    LK_CHECK(check(validity));
    if (!is_common_name(common_name)) return fail(kBadCertificateRequest, "common name");
    return issue({common_name, "keyCertSign,cRLSign", "", ""}, validity, nullptr);
}

Result<IssuedCertificate> issue_server_certificate(const IssuedCertificate& authority,
                                                   const std::vector<std::string>& dns_names,
                                                   const std::vector<std::string>& addresses,
                                                   const Validity& validity) {
    const ErrorQueueGuard guard;
    LK_CHECK(check(validity));
    const std::size_t names = dns_names.size() + addresses.size();
    if (names == 0 || names > kMaxNames) return fail(kBadCertificateRequest, "number of names");
    std::string alternatives;
    for (const std::string& name : dns_names) {
        if (!is_host_name(name)) return fail(kBadCertificateRequest, name);
        alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
    }
    for (const std::string& address : addresses) {
        if (!is_address(address)) return fail(kBadCertificateRequest, address);
        alternatives += (alternatives.empty() ? "IP:" : ",IP:") + address;
    }
    const std::string& first = dns_names.empty() ? addresses.front() : dns_names.front();
    const std::string_view common_name = first.size() <= kMaxCommonName ? std::string_view(first) : "server";
    LK_TRY(const Authority above, load(authority));
    return issue({common_name, "digitalSignature", "serverAuth", alternatives}, validity, &above);
}

Result<IssuedCertificate> issue_client_certificate(const IssuedCertificate& authority,
                                                   std::string_view common_name, const Validity& validity) {
    const ErrorQueueGuard guard;
    LK_CHECK(check(validity));
    if (!is_common_name(common_name)) return fail(kBadCertificateRequest, "common name");
    LK_TRY(const Authority above, load(authority));
    return issue({common_name, "digitalSignature", "clientAuth", ""}, validity, &above);
}

}  // namespace latchkey::crypto
