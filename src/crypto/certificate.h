// Facts of an X.509 certificate, and the makers behind `serve --dev` and the tests: an own authority and
// certificates of servers and clients below it. Verification of chains is TLS's business (net). Implements
// RFC 5280 4.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/digest.h"

namespace latchkey::crypto {

/// What a certificate says of itself; believe it only after the chain was verified.
/// Names with a NUL or bytes that are not UTF-8 refuse the whole certificate.
struct CertificateFacts {
    std::string subject;     ///< RFC 2253 form, UTF-8
    std::string issuer;      ///< same form
    std::string subject_cn;  ///< the one common name; empty when there is none or more than one
    std::vector<std::string> common_names;
    std::vector<std::string> dns_names;
    std::vector<std::string> emails;
    std::vector<std::string> uris;
    std::vector<std::string> addresses;  ///< textual IP addresses
    std::string serial;                  ///< lower-case hexadecimal, no leading zeros
    WallTime not_before;
    WallTime not_after;
    Digest256 fingerprint;  ///< SHA-256 of the DER form (`x5t#S256` before base64url)
    bool is_authority = false;
};

/// @error kBadCertificate (unreadable, trailing bytes, hostile names, over 64 KiB) @thread any
Result<CertificateFacts> read_certificate(std::string_view der);

/// The first certificate of a PEM text in DER form. @error kBadCertificate @thread any
Result<std::string> certificate_der(std::string_view pem);

struct IssuedCertificate {
    std::string certificate_pem;
    Secret key_pem;  ///< PKCS#8
};

struct Validity {
    WallTime from;
    WallTime until;
};

/// A self-signed authority (ECDSA P-256), path length 0: it can issue leaves only.
/// @error kBadCertificateRequest | kCryptoFailed @thread any
Result<IssuedCertificate> make_authority(std::string_view common_name, const Validity& validity);

/// A server certificate below `authority`, for at least one name; names go into the SAN only, the first also
/// into CN.
/// @param dns_names  host names, letters digits hyphen dot (and a leading "*.")
/// @param addresses  textual IPv4 or IPv6 addresses
/// @error kBadCertificateRequest | kBadCertificate | kBadPrivateKey | kCryptoFailed @thread any
Result<IssuedCertificate> issue_server_certificate(const IssuedCertificate& authority,
                                                   const std::vector<std::string>& dns_names,
                                                   const std::vector<std::string>& addresses,
                                                   const Validity& validity);

/// A client certificate below `authority` with this common name (at most 64 bytes, UTF-8, no control
/// characters).
/// @error as above @thread any
Result<IssuedCertificate> issue_client_certificate(const IssuedCertificate& authority,
                                                   std::string_view common_name, const Validity& validity);

}  // namespace latchkey::crypto
