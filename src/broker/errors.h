// Error table of the broker room (9000): why a connection or a request ended.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::broker {

inline constexpr ErrorInfo kPeerClosed{9001, "peer_closed", "the client closed the connection", ""};
inline constexpr ErrorInfo kConnectTimeout{9002, "connect_timeout", "no complete CONNECT arrived in time",
                                           ""};
inline constexpr ErrorInfo kKeepAliveTimeout{9003, "keep_alive_timeout",
                                             "nothing arrived for one and a half keep-alive intervals", ""};
inline constexpr ErrorInfo kTakenOver{9004, "session_taken_over", "the same client connected again", ""};
inline constexpr ErrorInfo kExpired{9005, "authorization_expired", "the credential has expired",
                                    "connect with a fresh one"};
inline constexpr ErrorInfo kShuttingDown{9006, "shutting_down", "the broker is shutting down", ""};
inline constexpr ErrorInfo kProtocol{9007, "protocol_error", "the client broke the protocol", ""};
inline constexpr ErrorInfo kDenied{9008, "not_authorized", "the policy does not allow this",
                                   "latchkey explain tells which rule is missing"};
inline constexpr ErrorInfo kLoginTimeout{9009, "login_timeout", "the login did not finish in time", ""};
inline constexpr ErrorInfo kStaleLogin{9010, "stale_login", "a newer login of this client came first", ""};
inline constexpr ErrorInfo kTooLarge{9011, "packet_too_large", "the packet exceeds the limit", ""};
inline constexpr ErrorInfo kQuota{9012, "quota_exceeded", "a limit of the broker is reached", ""};
inline constexpr ErrorInfo kTransport{9013, "transport_failed", "the connection broke", ""};
inline constexpr ErrorInfo kBadClientId{9014, "client_id_invalid", "client id or user name is not acceptable",
                                        "use a client id without control characters"};
inline constexpr ErrorInfo kMethod{9015, "bad_authentication_method",
                                   "this listener knows no such Authentication Method", ""};
inline constexpr ErrorInfo kCertificateRefused{
    9016, "certificate_refused", "the client's certificate is not accepted any more",
    "give the client a certificate that the listener's present client CA has issued"};
inline constexpr ErrorInfo kDisplaced{9020, "half_open_displaced",
                                      "too many connections without a CONNECT; this one was the oldest",
                                      "raise max_half_open or max_half_open_per_address"};
inline constexpr ErrorInfo kTooManyConnections{9021, "too_many_connections",
                                               "a limit on connections is reached",
                                               "raise the max_connections that the log names"};
inline constexpr ErrorInfo kThrottled{9022, "login_throttled",
                                      "too many logins of this address were refused lately", "wait a while"};

inline constexpr ErrorInfo kExchangeOutdated{9017, "exchange_outdated",
                                             "the configuration changed during an authentication exchange",
                                             "connect again"};
inline constexpr ErrorInfo kTooManyChallenges{9018, "too_many_challenges",
                                              "the realm came to no verdict within eight challenges", ""};
inline constexpr ErrorInfo kOtherPrincipal{9019, "other_principal",
                                           "a reauthentication named another principal",
                                           "connect anew to be somebody else"};

inline constexpr std::array<const ErrorInfo*, 22> kErrors{
    &kPeerClosed,         &kConnectTimeout,   &kKeepAliveTimeout,
    &kTakenOver,          &kExpired,          &kShuttingDown,
    &kProtocol,           &kDenied,           &kLoginTimeout,
    &kStaleLogin,         &kTooLarge,         &kQuota,
    &kTransport,          &kBadClientId,      &kMethod,
    &kCertificateRefused, &kExchangeOutdated, &kTooManyChallenges,
    &kOtherPrincipal,     &kDisplaced,        &kTooManyConnections,
    &kThrottled};

}  // namespace latchkey::broker
