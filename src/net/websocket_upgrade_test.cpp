// Which handshakes are let in, and what the others are told.
// SPDX-License-Identifier: Apache-2.0
#include "net/websocket_upgrade.h"

#include <gtest/gtest.h>

#include "net/errors.h"

namespace latchkey::net {
namespace {

constexpr std::string_view kRequest =
    "GET /mqtt HTTP/1.1\r\nHost: broker.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

std::string changed(std::string_view from, std::string_view to) {
    std::string text(kRequest);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}
std::string with(std::string_view header) {
    return changed("\r\n\r\n", "\r\n" + std::string(header) + "\r\n\r\n");
}

const WebSocketOptions kOptions{.path = "/mqtt",
                                .allowed_origins = {"https://app.example", "http://localhost:3000"}};

TEST(Upgrade, TheAnswerIsTheOneOfTheRfc) {
    const UpgradeAnswer answer = answer_upgrade(kRequest, kOptions);
    EXPECT_EQ(answer.refused, nullptr);
    EXPECT_EQ(answer.response,  // RFC 6455 1.3 and 4.2.2
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
}

TEST(Upgrade, WhatIsLetIn) {
    struct Row {
        std::string request;
        std::string_view subprotocol;
    };
    const std::vector<Row> rows = {
        {changed("mqtt\r\n\r\n", "chat, mqtt ,x\r\n\r\n"), "mqtt"},
        {changed("mqtt\r\n\r\n", "mqttv3.1\r\n\r\n"), "mqttv3.1"},
        {changed("mqtt\r\n\r\n", "mqttv3.1, mqtt\r\n\r\n"), "mqtt"},
        {changed("mqtt\r\n\r\n", "chat\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"), "mqtt"},
        {changed("websocket", "WebSocket"), "mqtt"},
        {changed("websocket", "h2c, websocket"), "mqtt"},
        {changed("Connection: Upgrade", "Connection: keep-alive, upgrade"), "mqtt"},
        {changed("Connection: Upgrade", "connection: keep-alive\r\nCONNECTION: UPGRADE"), "mqtt"},
        {changed("/mqtt ", "/mqtt?token=x "), "mqtt"},
        {changed("25jZQ==", "25jZR=="), "mqtt"},  // stray bits in the key harm nobody
        {with("Origin: https://app.example"), "mqtt"},
        {with("Origin: https://broker.example"), "mqtt"},  // a page of this very host
        {with("Origin: HTTPS://App.Example"), "mqtt"},
        {with("Origin: http://localhost:3000"), "mqtt"},
        {with("Content-Length: 0"), "mqtt"},
        {with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), "mqtt"}};
    for (const Row& row : rows) {
        const UpgradeAnswer answer = answer_upgrade(row.request, kOptions);
        EXPECT_EQ(answer.refused, nullptr) << row.request << answer.response;
        EXPECT_NE(
            answer.response.find("\r\nSec-WebSocket-Protocol: " + std::string(row.subprotocol) + "\r\n"),
            std::string::npos)
            << row.request;
        EXPECT_EQ(answer.response.find("Extensions"), std::string::npos);
    }
}

TEST(Upgrade, WhatIsRefusedAndWhy) {
    struct Row {
        std::string request;
        const ErrorInfo& why;
        std::string_view status;
    };
    const std::vector<Row> rows = {
        {changed("GET", "POST"), kUpgradeMethod, "405 "},
        {changed("GET", "HEAD"), kUpgradeMethod, "405 "},
        {changed("HTTP/1.1", "HTTP/1.0"), kUpgradeMalformed, "400 "},
        {changed("HTTP/1.1", "HTTP/2.0"), kUpgradeMalformed, "400 "},
        {changed("Host: broker.example\r\n", ""), kUpgradeMalformed, "400 "},
        {with("Host: other"), kUpgradeMalformed, "400 "},
        {with("Content-Length: 5"), kUpgradeMalformed, "400 "},
        {with("Transfer-Encoding: chunked"), kUpgradeMalformed, "400 "},
        {with("no colon"), kUpgradeMalformed, "400 "},
        {"\r\n\r\n", kUpgradeMalformed, "400 "},
        {changed("/mqtt ", "/ "), kUpgradePath, "404 "},
        {changed("/mqtt ", "/mqtt/ "), kUpgradePath, "404 "},
        {changed("/mqtt ", "/MQTT "), kUpgradePath, "404 "},
        {changed("/mqtt ", "http://broker.example/mqtt "), kUpgradePath, "404 "},
        {changed("Upgrade: websocket\r\n", ""), kUpgradeMissing, "426 "},
        {changed("Upgrade: websocket", "Upgrade: websockets"), kUpgradeMissing, "426 "},
        {changed("Connection: Upgrade\r\n", ""), kUpgradeMissing, "426 "},
        {changed("Connection: Upgrade", "Connection: close"), kUpgradeMissing, "426 "},
        {changed("Version: 13", "Version: 12"), kUpgradeVersion, "426 "},
        {with("Sec-WebSocket-Version: 13"), kUpgradeVersion, "426 "},
        {changed("Sec-WebSocket-Version: 13\r\n", ""), kUpgradeVersion, "426 "},
        {changed("dGhlIHNhbXBsZSBub25jZQ==", ""), kUpgradeMalformed, "400 "},
        {changed("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), kUpgradeMalformed, "400 "},
        {changed("dGhlIHNhbXBsZSBub25jZQ==", "dGhl*HNhbXBsZSBub25jZQ=="), kUpgradeMalformed, "400 "},
        {with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), kUpgradeMalformed, "400 "},
        {with("Origin: https://evil.example"), kUpgradeOrigin, "403 "},
        {with("Origin: https://broker.example:8443"), kUpgradeOrigin, "403 "},
        {with("Origin: broker.example"), kUpgradeOrigin, "403 "},
        {with("Origin: https://app.example.evil.example"), kUpgradeOrigin, "403 "},
        {with("Origin: http://app.example"), kUpgradeOrigin, "403 "},
        {with("Origin: https://app.example:444"), kUpgradeOrigin, "403 "},
        {with("Origin: null"), kUpgradeOrigin, "403 "},
        {with("Origin:"), kUpgradeOrigin, "403 "},
        {with("Origin: https://app.example\r\nOrigin: https://evil.example"), kUpgradeOrigin, "403 "},
        {changed("Sec-WebSocket-Protocol: mqtt\r\n", ""), kUpgradeSubprotocol, "400 "},
        {changed("Protocol: mqtt", "Protocol: MQTT"), kUpgradeSubprotocol, "400 "},
        {changed("Protocol: mqtt", "Protocol: mqtt5"), kUpgradeSubprotocol, "400 "},
        {changed("Protocol: mqtt", "Protocol: a mqtt"), kUpgradeSubprotocol, "400 "},
        {with("X: " + std::string(kMaxUpgradeBytes, 'x')), kUpgradeTooLarge, "431 "}};
    for (const Row& row : rows) {
        const UpgradeAnswer answer = answer_upgrade(row.request, kOptions);
        ASSERT_NE(answer.refused, nullptr) << row.request;
        EXPECT_EQ(answer.refused->name, row.why.name) << row.request;
        EXPECT_TRUE(answer.response.starts_with("HTTP/1.1 " + std::string(row.status))) << answer.response;
        EXPECT_NE(answer.response.find(row.why.text), std::string::npos) << "words for whoever reads it";
        EXPECT_NE(answer.response.find("Connection: close\r\n"), std::string::npos);
        EXPECT_EQ(answer.response.find("Sec-WebSocket-Accept"), std::string::npos);
    }
}

TEST(Upgrade, WithoutAListNoPageMayConnectAndAStarIsAnyPage) {
    const std::string page = with("Origin: https://app.example");
    EXPECT_EQ(answer_upgrade(page, {}).refused, &kUpgradeOrigin);
    EXPECT_EQ(answer_upgrade(kRequest, {}).refused, nullptr) << "no browser sends no Origin";
    EXPECT_EQ(answer_upgrade(page, {.allowed_origins = {"*"}}).refused, nullptr);
}

}  // namespace
}  // namespace latchkey::net
