// Certificates we make are read back as asked for; hostile ones are refused.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "crypto/openssl.h"
#include "crypto/signer.h"

namespace latchkey::crypto {
namespace {

using namespace std::chrono_literals;

const Validity kYear{WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 1)) + 1h + 2min + 3s,
                     WallTime(std::chrono::sys_days(std::chrono::year(2027) / 11 / 1))};

const IssuedCertificate& authority() {
    static const IssuedCertificate made = make_authority("Latchkey test authority", kYear).value();
    return made;
}
CertificateFacts facts(const IssuedCertificate& issued) {
    return read_certificate(certificate_der(issued.certificate_pem).value()).value();
}
X509Ptr load(std::string_view pem) {
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

/// The library's own verdict on the chain, strict, in the middle of the year; X509_V_OK when good.
int chain_verdict(const IssuedCertificate& root, const IssuedCertificate& leaf, int purpose,
                  const char* host) {
    const Owned<X509_STORE, &X509_STORE_free> store(X509_STORE_new());
    const Owned<X509_STORE_CTX, &X509_STORE_CTX_free> context(X509_STORE_CTX_new());
    const X509Ptr top = load(root.certificate_pem);
    const X509Ptr end = load(leaf.certificate_pem);
    X509_STORE_add_cert(store.get(), top.get());
    X509_STORE_CTX_init(context.get(), store.get(), end.get(), nullptr);
    X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(param, std::chrono::system_clock::to_time_t(kYear.from + 24h * 30));
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    if (host != nullptr) X509_VERIFY_PARAM_set1_host(param, host, 0);
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
}

TEST(Certificate, AServersNamesAreReadBack) {
    const auto issued = issue_server_certificate(authority(), {"broker.example", "*.iot.example"},
                                                 {"127.0.0.1", "::1"}, kYear)
                            .value();
    const CertificateFacts read = facts(issued);
    EXPECT_EQ(read.subject_cn, "broker.example");
    EXPECT_EQ(read.subject, "CN=broker.example");
    EXPECT_EQ(read.issuer, "CN=Latchkey test authority");
    EXPECT_EQ(read.dns_names, (std::vector<std::string>{"broker.example", "*.iot.example"}));
    EXPECT_EQ(read.addresses, (std::vector<std::string>{"127.0.0.1", "0:0:0:0:0:0:0:1"}));
    EXPECT_EQ(read.not_before, kYear.from);
    EXPECT_EQ(read.not_after, kYear.until);
    EXPECT_EQ(read.fingerprint, sha256(certificate_der(issued.certificate_pem).value()));
    EXPECT_EQ(read.serial.size(), 32U);
    EXPECT_FALSE(read.is_authority);
    EXPECT_TRUE(facts(authority()).is_authority);
    EXPECT_NE(read.serial, facts(authority()).serial);
}

TEST(Certificate, ChainsVerifyOnlyForTheirPurposeNameAndAuthority) {
    const auto server = issue_server_certificate(authority(), {"broker.example"}, {}, kYear).value();
    const auto client = issue_client_certificate(authority(), "device-1", kYear).value();
    const auto other = make_authority("Latchkey test authority", kYear).value();
    EXPECT_EQ(chain_verdict(authority(), server, X509_PURPOSE_SSL_SERVER, "broker.example"), X509_V_OK);
    EXPECT_EQ(chain_verdict(authority(), client, X509_PURPOSE_SSL_CLIENT, nullptr), X509_V_OK);
    EXPECT_NE(chain_verdict(authority(), server, X509_PURPOSE_SSL_SERVER, "other.example"), X509_V_OK);
    EXPECT_NE(chain_verdict(authority(), server, X509_PURPOSE_SSL_CLIENT, nullptr), X509_V_OK);
    EXPECT_NE(chain_verdict(authority(), client, X509_PURPOSE_SSL_SERVER, nullptr), X509_V_OK);
    EXPECT_NE(chain_verdict(other, server, X509_PURPOSE_SSL_SERVER, "broker.example"), X509_V_OK);
    EXPECT_EQ(facts(client).subject_cn, "device-1");
    EXPECT_TRUE(facts(client).dns_names.empty());
}

TEST(Certificate, NamesThatCouldMeanMoreAreNotIssued) {
    for (const std::string& name :
         {std::string(), std::string("a,DNS:b"), std::string("a b"), std::string("a..b"), std::string(".a"),
          std::string("a."), std::string("a\0b", 3), std::string("*"), std::string("a*"),
          std::string("[::1]"), std::string(300, 'a')}) {
        EXPECT_FALSE(issue_server_certificate(authority(), {name}, {}, kYear)) << name;
    }
    for (const std::string& address :
         {std::string(), std::string("1.2.3"), std::string("1.2.3.4,DNS:x"), std::string("localhost"),
          std::string("1.2.3.256"), std::string("::g")}) {
        EXPECT_FALSE(issue_server_certificate(authority(), {}, {address}, kYear)) << address;
    }
    EXPECT_FALSE(issue_server_certificate(authority(), {}, {}, kYear));
    for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a\0b", 3),
                                    std::string("a\nb"), std::string("\xff")}) {
        EXPECT_FALSE(issue_client_certificate(authority(), name, kYear)) << name;
        EXPECT_FALSE(make_authority(name, kYear)) << name;
    }
    EXPECT_FALSE(make_authority("a", {kYear.until, kYear.from}));
    EXPECT_TRUE(issue_client_certificate(authority(), "Gerät,CN=admin", kYear));
}

TEST(Certificate, OnlyAnAuthorityWithItsOwnKeyIssues) {
    const auto server = issue_server_certificate(authority(), {"a.example"}, {}, kYear).value();
    EXPECT_FALSE(issue_client_certificate(server, "x", kYear)) << "a leaf is no authority";
    const IssuedCertificate mixed{authority().certificate_pem, server.key_pem};
    EXPECT_FALSE(issue_client_certificate(mixed, "x", kYear)) << "another key";
    EXPECT_FALSE(issue_client_certificate({"", Secret()}, "x", kYear));
}

TEST(Certificate, ACommaInACommonNameStaysOneName) {
    const CertificateFacts read =
        facts(issue_client_certificate(authority(), "Gerät,CN=admin", kYear).value());
    EXPECT_EQ(read.subject_cn, "Gerät,CN=admin");
    EXPECT_EQ(read.subject, R"(CN=Gerät\,CN=admin)");
}

/// A self-signed certificate whose subject holds these common names, byte for byte.
std::string der_with_names(const std::vector<std::string>& names) {
    const PkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const X509Ptr made(X509_new());
    ASN1_TIME_set(X509_getm_notBefore(made.get()), 0);
    ASN1_TIME_set(X509_getm_notAfter(made.get()), 1000);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 0x0abc);
    X509_set_pubkey(made.get(), key.get());
    for (const std::string& name : names) {
        X509_NAME_add_entry_by_NID(X509_get_subject_name(made.get()), NID_commonName, V_ASN1_UTF8STRING,
                                   as_bytes(name), static_cast<int>(name.size()), -1, 0);
    }
    X509_sign(made.get(), key.get(), sha256_method());
    unsigned char* out = nullptr;
    const int size = i2d_X509(made.get(), &out);
    std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    return der;
}

TEST(Certificate, HostileNamesAreRefusedAndSeveralAreNoName) {
    const auto one = read_certificate(der_with_names({"a"}));
    ASSERT_TRUE(one);
    EXPECT_EQ(one->subject_cn, "a");
    EXPECT_EQ(one->serial, "abc");
    const auto two = read_certificate(der_with_names({"admin", "device"}));
    ASSERT_TRUE(two);
    EXPECT_EQ(two->subject_cn, "") << "readers disagree about which counts";
    EXPECT_EQ(two->common_names, (std::vector<std::string>{"admin", "device"}));
    EXPECT_FALSE(read_certificate(der_with_names({std::string("admin\0.evil", 11)})));
    EXPECT_FALSE(read_certificate(der_with_names({"\xff\xfe"})));
}

TEST(Certificate, UnreadableFormsAreRefused) {
    const std::string der = certificate_der(authority().certificate_pem).value();
    EXPECT_TRUE(read_certificate(der));
    EXPECT_FALSE(read_certificate(der + "x"));
    EXPECT_FALSE(read_certificate(der.substr(0, der.size() - 1)));
    EXPECT_FALSE(read_certificate(""));
    EXPECT_FALSE(read_certificate(authority().certificate_pem));
    EXPECT_FALSE(read_certificate(std::string(100000, '0')));
    EXPECT_FALSE(certificate_der("nothing"));
    EXPECT_FALSE(certificate_der(authority().key_pem.expose()));
}

}  // namespace
}  // namespace latchkey::crypto
