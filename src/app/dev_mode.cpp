// See dev_mode.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/dev_mode.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/dev_issuer.h"
#include "app/files.h"
#include "base/json.h"
#include "store/identity.h"

namespace latchkey::app {
namespace {

constexpr unsigned kOwnerOnly = 0600;

/// A TOML basic string: JSON's escapes are a subset of it.
std::string quoted(std::string_view text) {
    std::string out;
    json::Writer(out).string(text);
    return out;
}

}  // namespace

std::string dev_config(const DevFolder& folder, std::uint16_t admin_port) {
    std::string out =
        "# Written anew by each `latchkey serve --dev`; edit a copy. Its keys are for this machine only.\n\n";
    out += fmt::format("[admin]\nport = {}\n\n", admin_port);
    out += fmt::format("[[listeners]]\nname = \"tcp\"\nkind = \"tcp\"\nport = {}\n\n", kDevTcpPort);
    out += fmt::format(
        "[[listeners]]\nname = \"tls\"\nkind = \"tls\"\nport = {}\ncertificate = {}\nkey = {}\n\n",
        kDevTlsPort, quoted(folder.file("server.pem")), quoted(folder.file("server-key.pem")));
    // Pages of this machine's own admin port may connect; others cannot, or any page in the developer's
    // browser could.
    out += fmt::format(
        "[[listeners]]\nname = \"ws\"\nkind = \"ws\"\nport = {}\nallowed_origins = [\"http://127.0.0.1:{}\", "
        "\"http://localhost:{}\"]\n\n",
        kDevWsPort, admin_port, admin_port);
    out += fmt::format(
        "[realms.dev]\nkind = \"jwt\"\njwks_url = {}\nissuer = [{}]\naudience = [{}]\nroles_claim = "
        "\"roles\"\n\n",
        quoted(folder.issuer() + "/jwks"), quoted(folder.issuer()), quoted(folder.audience()));
    out += "[realms.roles]\nkind = \"file\"\n\n";
    out += "[[realms.roles.roles]]\nid = \"sensor\"\n\n";
    out +=
        "[[realms.roles.roles.permissions]]\ntopic = \"demo/${mqtt-clientid}/telemetry\"\n"
        "activity = \"publish\"\n\n";
    out += "[[realms.roles.roles]]\nid = \"operator\"\n\n";
    out += "[[realms.roles.roles.permissions]]\ntopic = \"demo/#\"\nactivity = \"subscribe\"\n\n";
    out +=
        "[[pipelines]]\nname = \"dev\"\nlistener = \"ALL\"\nauthenticate = [\"dev\"]\nauthorize = "
        "[\"roles\"]\n";
    return out;
}

Result<std::unique_ptr<DevMode>> start_dev_mode(const std::string& data, std::uint16_t admin_port,
                                                Random& random, const Clock& clock) {
    auto mode = std::make_unique<DevMode>();
    LK_TRY(DevFolder folder, DevFolder::open(data, random, clock));
    mode->folder = std::make_unique<DevFolder>(std::move(folder));
    LK_TRY(mode->issuer, start_dev_issuer(*mode->folder, random, clock));
    mode->config_path = mode->folder->file("latchkey.toml");
    LK_CHECK(store::replace_file(mode->config_path, dev_config(*mode->folder, admin_port), kOwnerOnly));
    for (const DevClient& client : mode->folder->clients()) {
        LK_TRY(const std::string token, dev_token(*mode->folder, client.name, random, clock.wall()));
        LK_CHECK(store::replace_file(mode->folder->file(client.name + ".token"), token + "\n", kOwnerOnly));
    }
    return mode;
}

std::string dev_welcome(const DevFolder& folder, const std::string& binary, const std::string& config_path,
                        const std::vector<admin::ListenerStatus>& listeners, const std::string& admin_url) {
    const std::string run = "  " + shell_quoted(binary);
    const auto file = [&](std::string_view name) { return shell_quoted(folder.file(name)); };
    std::string out = "\nLatchkey is ready, for trying it out on this machine. Listeners:\n";
    for (const admin::ListenerStatus& one : listeners)
        out += fmt::format("    {} {} port {}\n", one.name, one.address, one.port);
    out += fmt::format("    CA certificate {}\n    admin {}/health, /decisions\n    token issuer {}\n\n",
                       folder.file("ca.pem"), admin_url, folder.issuer());
    const auto plain = std::ranges::find(listeners, "tcp", &admin::ListenerStatus::kind);
    const auto direct = std::ranges::find_if(
        listeners, [](const admin::ListenerStatus& one) { return one.kind == "tcp" || one.kind == "tls"; });
    if (direct == listeners.end()) return out;  // `pub` and `sub` speak no WebSocket
    const admin::ListenerStatus& use = plain == listeners.end() ? *direct : *plain;
    const std::string where = fmt::format("-h {} -p {}{}", use.address, use.port,
                                          use.kind == "tls" ? " --cafile " + file("ca.pem") : std::string());
    const std::string sensor = "-i sensor-1 --token-file " + file("sensor.token");
    out += "In a second terminal, listen as the operator:\n";
    out += fmt::format("{} sub {} -i operator-1 --token-file {} -t 'demo/#' -v\n\n", run, where,
                       file("operator.token"));
    out += "In a third, publish as a sensor. This one arrives:\n";
    out += fmt::format("{} pub {} {} -t demo/sensor-1/telemetry -m 21.5 -q 1\n\n", run, where, sensor);
    out += "A sensor may write below its own client id only. This one is denied:\n";
    out += fmt::format("{} pub {} {} -t demo/sensor-2/telemetry -m 99 -q 1\n\n", run, where, sensor);
    out += "Ask why, with the id that the denial gave:\n";
    out += fmt::format("{} explain --decision ID --live {}\n\n", run, admin_url);
    out += "Or ask before anybody tries:\n";
    out += fmt::format(
        "{} explain --config {} --listener {} --client-id sensor-1 --token-file {} --publish "
        "demo/sensor-2/telemetry\n\n",
        run, shell_quoted(config_path), shell_quoted(use.name), file("sensor.token"));
    out += "The tokens in these files last an hour. Fetch a new one as a device does:\n";
    out += fmt::format(
        "{} token client-credentials --token-url {}/token --client-id sensor "
        "--client-secret-file {} --out {}\n\n",
        run, folder.issuer(), file("sensor.secret"), file("sensor.token"));
    return out;
}

}  // namespace latchkey::app
