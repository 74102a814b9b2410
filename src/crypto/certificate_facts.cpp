// read_certificate of certificate.h: names are taken only when every reader would see the same bytes.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <climits>
#include <ctime>

#include <openssl/pem.h>

#include "base/utf8.h"
#include "crypto/certificate.h"
#include "crypto/errors.h"
#include "crypto/openssl.h"

namespace latchkey::crypto {
namespace {

constexpr std::size_t kMaxCertificateBytes = 64 * 1024;

/// The name as UTF-8, whatever its ASN.1 string type; a NUL or a foreign byte refuses (CVE-2009-2408 class).
Result<std::string> text_of(const ASN1_STRING* string) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, string);
    if (size < 0) return fail(kBadCertificate, "name encoding");
    std::string out(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    if (out.find('\0') != std::string::npos || !is_valid_utf8(out))
        return fail(kBadCertificate, "name encoding");
    return out;
}

Result<std::vector<std::string>> common_names_of(const X509_NAME* name) {
    std::vector<std::string> out;
    for (int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) {
        LK_TRY(std::string text, text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
        out.push_back(std::move(text));
    }
    return out;
}

Result<std::string> distinguished_name(const X509_NAME* name) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    // Control characters stay escaped, letters beyond ASCII do not.
    const unsigned long flags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
    if (!bio || X509_NAME_print_ex(bio.get(), name, 0, flags) < 0) return fail(kBadCertificate, "subject");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    std::string out(data == nullptr ? "" : data, data == nullptr ? 0 : static_cast<std::size_t>(size));
    if (!is_valid_utf8(out)) return fail(kBadCertificate, "name encoding");
    return out;
}

/// Dotted quad, or eight groups as RFC 5952 would without shortening of zeros between.
std::string address_text(const unsigned char* bytes, int size) {
    std::string out;
    if (size == 4) {
        for (int i = 0; i < 4; ++i)
            out += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
        return out;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (int i = 0; i < 16; i += 2) {
        if (i > 0) out += ':';
        const unsigned group = static_cast<unsigned>(bytes[i]) << 8 | bytes[i + 1];
        bool begun = false;
        for (int shift = 12; shift >= 0; shift -= 4) {
            const unsigned digit = (group >> shift) & 15;
            begun = begun || digit != 0 || shift == 0;
            if (begun) out += kDigits[digit];
        }
    }
    return out;
}

Result<void> add_name(const GENERAL_NAME* name, CertificateFacts& facts) {
    int type = 0;
    const void* const value = GENERAL_NAME_get0_value(name, &type);
    std::vector<std::string>* list = nullptr;
    if (type == GEN_DNS) list = &facts.dns_names;
    if (type == GEN_EMAIL) list = &facts.emails;
    if (type == GEN_URI) list = &facts.uris;
    if (list != nullptr) {
        LK_TRY(std::string text, text_of(static_cast<const ASN1_STRING*>(value)));
        list->push_back(std::move(text));
        return {};
    }
    if (type != GEN_IPADD) return {};  // directory and other names: nothing of ours maps them
    const auto* const octets = static_cast<const ASN1_STRING*>(value);
    const int size = ASN1_STRING_length(octets);
    if (size != 4 && size != 16) return fail(kBadCertificate, "address length");
    facts.addresses.push_back(address_text(ASN1_STRING_get0_data(octets), size));
    return {};
}

Result<void> add_alternative_names(const X509* certificate, CertificateFacts& facts) {
    int critical = 0;
    auto* const found =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr));
    if (found == nullptr) {
        // -1: there is none. Anything else: unreadable, or present twice.
        if (critical == -1) return {};
        return fail(kBadCertificate, "subjectAltName");
    }
    const Owned<GENERAL_NAMES, &GENERAL_NAMES_free> names(found);
    for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i)
        LK_CHECK(add_name(sk_GENERAL_NAME_value(found, i), facts));
    return {};
}

Result<WallTime> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return fail(kBadCertificate, "time");
    const std::chrono::year_month_day date{std::chrono::year(parts.tm_year + 1900),
                                           std::chrono::month(static_cast<unsigned>(parts.tm_mon) + 1),
                                           std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(parts.tm_hour) +
           std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

Result<std::string> serial_of(const X509* certificate) {
    const BnPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    if (!number) return fail(kBadCertificate, "serial");
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
    BN_bn2bin(number.get(), as_bytes(bytes));
    std::string hex = to_hex(std::as_bytes(std::span(bytes)));
    if (hex.starts_with('0')) hex.erase(0, 1);
    if (hex.empty()) hex = "0";
    return BN_is_negative(number.get()) != 0 ? "-" + hex : hex;
}

}  // namespace

Result<CertificateFacts> read_certificate(std::string_view der) {
    if (der.size() > kMaxCertificateBytes) return fail(kBadCertificate, "too large");
    const ErrorQueueGuard guard;
    const unsigned char* in = as_bytes(der);
    const X509Ptr certificate(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
    if (!certificate) return fail(kBadCertificate, "not DER");
    if (in != as_bytes(der) + der.size()) return fail(kBadCertificate, "trailing bytes");
    CertificateFacts facts;
    const X509_NAME* const subject = X509_get_subject_name(certificate.get());
    LK_TRY(facts.common_names, common_names_of(subject));
    if (facts.common_names.size() == 1) facts.subject_cn = facts.common_names.front();
    LK_TRY(facts.subject, distinguished_name(subject));
    LK_TRY(facts.issuer, distinguished_name(X509_get_issuer_name(certificate.get())));
    LK_CHECK(add_alternative_names(certificate.get(), facts));
    LK_TRY(facts.serial, serial_of(certificate.get()));
    LK_TRY(facts.not_before, time_of(X509_get0_notBefore(certificate.get())));
    LK_TRY(facts.not_after, time_of(X509_get0_notAfter(certificate.get())));
    facts.fingerprint = sha256(der);
    facts.is_authority = X509_check_ca(certificate.get()) == 1;
    return facts;
}

Result<std::string> certificate_der(std::string_view pem) {
    if (pem.size() > 4 * kMaxCertificateBytes) return fail(kBadCertificate, "too large");
    const ErrorQueueGuard guard;
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const X509Ptr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!certificate) return fail(kBadCertificate, "not PEM");
    unsigned char* out = nullptr;
    const int size = i2d_X509(certificate.get(), &out);
    if (size <= 0) return fail(kCryptoFailed);
    std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    return der;
}

}  // namespace latchkey::crypto
