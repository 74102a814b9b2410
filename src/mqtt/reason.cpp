// Names of packet types and reason codes, and the return codes of 3.x.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/reason.h"

#include "mqtt/packet.h"

namespace latchkey::mqtt {

std::string_view reason_name(Reason reason) noexcept {
    switch (reason) {
        case Reason::Success:
            return "Success";
        case Reason::GrantedQos1:
            return "Granted QoS 1";
        case Reason::GrantedQos2:
            return "Granted QoS 2";
        case Reason::DisconnectWithWill:
            return "Disconnect with Will Message";
        case Reason::NoMatchingSubscribers:
            return "No matching subscribers";
        case Reason::NoSubscriptionExisted:
            return "No subscription existed";
        case Reason::ContinueAuthentication:
            return "Continue authentication";
        case Reason::ReAuthenticate:
            return "Re-authenticate";
        case Reason::UnspecifiedError:
            return "Unspecified error";
        case Reason::MalformedPacket:
            return "Malformed Packet";
        case Reason::ProtocolError:
            return "Protocol Error";
        case Reason::ImplementationSpecificError:
            return "Implementation specific error";
        case Reason::UnsupportedProtocolVersion:
            return "Unsupported Protocol Version";
        case Reason::ClientIdentifierNotValid:
            return "Client Identifier not valid";
        case Reason::BadUserNameOrPassword:
            return "Bad User Name or Password";
        case Reason::NotAuthorized:
            return "Not authorized";
        case Reason::ServerUnavailable:
            return "Server unavailable";
        case Reason::ServerBusy:
            return "Server busy";
        case Reason::Banned:
            return "Banned";
        case Reason::ServerShuttingDown:
            return "Server shutting down";
        case Reason::BadAuthenticationMethod:
            return "Bad authentication method";
        case Reason::KeepAliveTimeout:
            return "Keep Alive timeout";
        case Reason::SessionTakenOver:
            return "Session taken over";
        case Reason::TopicFilterInvalid:
            return "Topic Filter invalid";
        case Reason::TopicNameInvalid:
            return "Topic Name invalid";
        case Reason::PacketIdentifierInUse:
            return "Packet Identifier in use";
        case Reason::PacketIdentifierNotFound:
            return "Packet Identifier not found";
        case Reason::ReceiveMaximumExceeded:
            return "Receive Maximum exceeded";
        case Reason::TopicAliasInvalid:
            return "Topic Alias invalid";
        case Reason::PacketTooLarge:
            return "Packet too large";
        case Reason::MessageRateTooHigh:
            return "Message rate too high";
        case Reason::QuotaExceeded:
            return "Quota exceeded";
        case Reason::AdministrativeAction:
            return "Administrative action";
        case Reason::PayloadFormatInvalid:
            return "Payload format invalid";
        case Reason::RetainNotSupported:
            return "Retain not supported";
        case Reason::QosNotSupported:
            return "QoS not supported";
        case Reason::UseAnotherServer:
            return "Use another server";
        case Reason::ServerMoved:
            return "Server moved";
        case Reason::SharedSubscriptionsNotSupported:
            return "Shared Subscriptions not supported";
        case Reason::ConnectionRateExceeded:
            return "Connection rate exceeded";
        case Reason::MaximumConnectTime:
            return "Maximum connect time";
        case Reason::SubscriptionIdentifiersNotSupported:
            return "Subscription Identifiers not supported";
        case Reason::WildcardSubscriptionsNotSupported:
            return "Wildcard Subscriptions not supported";
    }
    return "Unknown";
}

std::optional<std::uint8_t> connack_return_code(Reason reason) noexcept {
    if (reason == Reason::Success) return std::uint8_t{0};
    if (reason == Reason::UnsupportedProtocolVersion) return std::uint8_t{1};
    if (reason == Reason::ClientIdentifierNotValid) return std::uint8_t{2};
    if (reason == Reason::ServerUnavailable || reason == Reason::ServerBusy ||
        reason == Reason::QuotaExceeded || reason == Reason::UseAnotherServer ||
        reason == Reason::ServerMoved || reason == Reason::ConnectionRateExceeded ||
        reason == Reason::ServerShuttingDown) {
        return std::uint8_t{3};
    }
    if (reason == Reason::BadUserNameOrPassword) return std::uint8_t{4};
    if (reason == Reason::NotAuthorized || reason == Reason::Banned ||
        reason == Reason::BadAuthenticationMethod) {
        return std::uint8_t{5};
    }
    return std::nullopt;
}

std::string_view packet_name(PacketType type) noexcept {
    switch (type) {
        case PacketType::Reserved:
            return "RESERVED";
        case PacketType::Connect:
            return "CONNECT";
        case PacketType::Connack:
            return "CONNACK";
        case PacketType::Publish:
            return "PUBLISH";
        case PacketType::Puback:
            return "PUBACK";
        case PacketType::Pubrec:
            return "PUBREC";
        case PacketType::Pubrel:
            return "PUBREL";
        case PacketType::Pubcomp:
            return "PUBCOMP";
        case PacketType::Subscribe:
            return "SUBSCRIBE";
        case PacketType::Suback:
            return "SUBACK";
        case PacketType::Unsubscribe:
            return "UNSUBSCRIBE";
        case PacketType::Unsuback:
            return "UNSUBACK";
        case PacketType::Pingreq:
            return "PINGREQ";
        case PacketType::Pingresp:
            return "PINGRESP";
        case PacketType::Disconnect:
            return "DISCONNECT";
        case PacketType::Auth:
            return "AUTH";
    }
    return "UNKNOWN";
}

}  // namespace latchkey::mqtt
