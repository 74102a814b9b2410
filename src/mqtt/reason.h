// MQTT 5.0 reason codes under the standard's names, and what becomes of them for 3.1.1 and 3.1 clients.
// One enumeration for all packet types: where a value has several names (0x00), the alias says which packet.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace latchkey::mqtt {

/// @spec MQTT5 2.4 table 2-6
enum class Reason : std::uint8_t {
    Success = 0x00,
    GrantedQos0 = 0x00,
    NormalDisconnection = 0x00,
    GrantedQos1 = 0x01,
    GrantedQos2 = 0x02,
    DisconnectWithWill = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    ReAuthenticate = 0x19,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecificError = 0x83,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8A,
    ServerShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    PacketIdentifierInUse = 0x91,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9A,
    QosNotSupported = 0x9B,
    UseAnotherServer = 0x9C,
    ServerMoved = 0x9D,
    SharedSubscriptionsNotSupported = 0x9E,
    ConnectionRateExceeded = 0x9F,
    MaximumConnectTime = 0xA0,
    SubscriptionIdentifiersNotSupported = 0xA1,
    WildcardSubscriptionsNotSupported = 0xA2,
};

constexpr bool is_error(Reason reason) noexcept {
    return static_cast<std::uint8_t>(reason) >= 0x80;
}

/// The standard's name, as "Not authorized"; "Unknown" for a byte that is no reason code.
/// Success reads "Success" whatever the packet. @thread any
std::string_view reason_name(Reason reason) noexcept;

/// The return code of a 3.1.1 or 3.1 CONNACK that stands for this refusal: 1 to 5, or absent where those
/// versions can only close the connection. Success is 0. @spec MQTT311 3.2.2.3
std::optional<std::uint8_t> connack_return_code(Reason reason) noexcept;

}  // namespace latchkey::mqtt
