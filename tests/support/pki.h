// An authority and certificates for one test run, as files, and TLS connections made with them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <stdlib.h>

#include "crypto/certificate.h"
#include "net/tls.h"
#include "support/loopback.h"

namespace latchkey::test {

// An authority, a server, two clients and a stranger, as files in a folder of this run.
class Pki {
  public:
    Pki() {
        std::string name = (std::filesystem::temp_directory_path() / "latchkey-tls-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        const WallTime now = SystemClock().wall();
        const crypto::Validity valid{now - std::chrono::hours(1), now + std::chrono::hours(24)};
        const crypto::Validity past{now - std::chrono::hours(48), now - std::chrono::hours(24)};
        const auto authority = take(crypto::make_authority("test authority", valid));
        const auto stranger = take(crypto::make_authority("another authority", valid));
        save("ca", authority);
        save("other-ca", stranger);
        save("server", take(crypto::issue_server_certificate(authority, {"localhost", "broker.example"},
                                                             {"127.0.0.1"}, valid)));
        save("elsewhere",
             take(crypto::issue_server_certificate(authority, {"elsewhere.example"}, {}, valid)));
        save("client", take(crypto::issue_client_certificate(authority, "sensor 1", valid)));
        save("expired", take(crypto::issue_client_certificate(authority, "sensor 2", past)));
        const crypto::Validity later{now + std::chrono::hours(24), now + std::chrono::hours(48)};
        save("early", take(crypto::issue_client_certificate(authority, "sensor 3", later)));
        save("foreign", take(crypto::issue_client_certificate(stranger, "sensor 1", valid)));
    }
    Pki(const Pki&) = delete;
    Pki& operator=(const Pki&) = delete;
    ~Pki() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string file(const std::string& name) const { return folder_ + "/" + name; }
    void write(const std::string& name, std::string_view text) const { std::ofstream(file(name)) << text; }

    std::shared_ptr<const net::TlsContext> server(
        const std::string& name = "server",
        net::ClientCertificate demand = net::ClientCertificate::None) const {
        return take(net::TlsContext::load(
            {.certificate_file = file(name + ".crt"),
             .key_file = file(name + ".key"),
             .client_certificate = demand,
             .client_ca_file = demand == net::ClientCertificate::None ? "" : file("ca.crt")}));
    }
    std::shared_ptr<const net::TlsClient> client(const std::string& name = "",
                                                 const std::string& ca = "ca") const {
        net::TlsClientOptions options{.ca_file = file(ca + ".crt"), .certificate_file = "", .key_file = ""};
        if (!name.empty()) {
            options.certificate_file = file(name + ".crt");
            options.key_file = file(name + ".key");
        }
        return take(net::TlsClient::load(options));
    }

  private:
    template <class T>
    static T take(Result<T> result) {
        if (!result) throw std::runtime_error(result.error().message());
        return std::move(*result);
    }
    void save(const std::string& name, const crypto::IssuedCertificate& issued) const {
        write(name + ".crt", issued.certificate_pem);
        write(name + ".key", issued.key_pem.expose());
    }
    std::string folder_;
};

inline const Pki& pki() {
    static const Pki instance;
    return instance;
}

inline TransportPair pair_of(const net::TlsContext& server, const net::TlsClient& client,
                             std::string_view name = "localhost") {
    const auto listener = listen_somewhere();
    net::Dialled dialled = dial_to(*listener);
    TransportPair pair;
    pair.client = client.connect(std::move(dialled.socket), dialled.remote, dialled.local_port, name);
    pair.server = accept_from(*listener, &server);
    return pair;
}

inline TransportPair tls_pair() {
    static const auto server = pki().server();
    static const auto client = pki().client();
    return pair_of(*server, *client);
}

}  // namespace latchkey::test
