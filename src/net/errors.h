// The net room's error table (6000-6999): sockets, listeners, TLS, HTTP towards providers, the small HTTP
// server.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::net {

inline constexpr ErrorInfo kAddressInvalid{
    6001, "address_invalid", "not an address to listen on",
    "write ADDRESS:PORT, with IPv6 in brackets, e.g. 127.0.0.1:1883 or [::1]:1883"};
inline constexpr ErrorInfo kAddressInUse{6002, "address_in_use", "address in use",
                                         "choose another port or stop the process that listens there"};
inline constexpr ErrorInfo kAddressNotHere{
    6003, "address_not_here", "no interface of this machine has that address",
    "listen on an address of this machine, or on 0.0.0.0 or [::] for all of them"};
inline constexpr ErrorInfo kAddressForbidden{6004, "address_forbidden", "not allowed to listen on that port",
                                             "use a port above 1023, or grant CAP_NET_BIND_SERVICE"};
inline constexpr ErrorInfo kListenFailed{6005, "listen_failed", "cannot listen", ""};
inline constexpr ErrorInfo kPollFailed{6006, "poll_failed", "the system refused to watch a socket",
                                       "raise the limit of open files (ulimit -n)"};
inline constexpr ErrorInfo kResolveFailed{6007, "resolve_failed", "host name not found",
                                          "check the spelling and the resolver of this machine"};
inline constexpr ErrorInfo kConnectFailed{
    6008, "connect_failed", "cannot connect",
    "check that something listens there and that no firewall stands between"};
inline constexpr ErrorInfo kConnectTimeout{6009, "connect_timeout",
                                           "no answer to the connection attempt in time",
                                           "check address, port and firewalls"};
inline constexpr ErrorInfo kAddressRangeInvalid{
    6010, "address_range_invalid", "not a range of addresses",
    "write an address, or a prefix as 10.0.0.0/8 or 2001:db8::/32 with zeros behind it"};

inline constexpr ErrorInfo kPeerReset{6100, "peer_reset", "the peer broke the connection", ""};
inline constexpr ErrorInfo kSocketFailed{6101, "socket_failed", "the socket failed", ""};
inline constexpr ErrorInfo kTlsOnPlainPort{
    6102, "tls_on_plain_port", "the client speaks TLS to a plain listener",
    "point the client at the tls or wss listener, or switch TLS off in it"};
inline constexpr ErrorInfo kHttpOnPlainPort{6103, "http_on_plain_port",
                                            "the client speaks HTTP to an MQTT listener",
                                            "MQTT over WebSocket needs a ws listener; health checks use the "
                                            "admin port"};
inline constexpr ErrorInfo kMqttOnTlsPort{6104, "mqtt_on_tls_port",
                                          "the client speaks plain MQTT to a TLS listener",
                                          "switch TLS on in the client, or point it at the tcp listener"};
inline constexpr ErrorInfo kHttpOnTlsPort{6105, "http_on_tls_port",
                                          "the client speaks plain HTTP to a TLS listener",
                                          "write wss:// or https:// in it; health checks use the admin port"};
inline constexpr ErrorInfo kTlsFailed{6106, "tls_failed", "TLS handshake failed", ""};
inline constexpr ErrorInfo kTlsNoCommonVersion{6107, "tls_no_common_version", "no TLS version in common",
                                               "the client must offer TLS 1.2 or 1.3"};
inline constexpr ErrorInfo kTlsNoCommonCipher{
    6108, "tls_no_common_cipher", "no cipher suite in common",
    "the client must offer ECDHE with AES-GCM or ChaCha20-Poly1305"};
inline constexpr ErrorInfo kClientCertificateMissing{
    6109, "client_certificate_missing", "the client sent no certificate, and this listener requires one",
    "give the client a certificate issued by the listener's client CA"};
inline constexpr ErrorInfo kClientCertificateRefused{
    6110, "client_certificate_refused", "the client's certificate was refused",
    "it must be valid today and issued by the listener's client CA"};
inline constexpr ErrorInfo kPeerRefusedCertificate{
    6111, "peer_refused_certificate", "the peer refused our certificate",
    "give the client the CA file that issued the server's certificate"};
inline constexpr ErrorInfo kServerCertificateRefused{6112, "server_certificate_refused",
                                                     "the server's certificate was refused",
                                                     "name the CA that issued it with --cafile"};
inline constexpr ErrorInfo kServerNameMismatch{6113, "server_name_mismatch",
                                               "the server's certificate is for another name",
                                               "connect with a name that stands in the certificate"};
inline constexpr ErrorInfo kTlsBroken{6114, "tls_broken", "the TLS stream is damaged", ""};

inline constexpr ErrorInfo kMqttOnWebSocketPort{
    6120, "mqtt_on_websocket_port", "the client speaks plain MQTT to a WebSocket listener",
    "switch WebSocket on in the client, or point it at the tcp listener"};
inline constexpr ErrorInfo kUpgradeMalformed{
    6121, "upgrade_malformed", "not a WebSocket handshake",
    "it is an HTTP/1.1 GET without a body, with one Host and a Sec-WebSocket-Key of 16 bytes in base64"};
inline constexpr ErrorInfo kUpgradeMethod{6122, "upgrade_method", "a WebSocket handshake is a GET request",
                                          "MQTT is spoken over WebSocket here, and nothing else"};
inline constexpr ErrorInfo kUpgradePath{6123, "upgrade_path", "MQTT is not served at this path",
                                        "use the path of the listener, /mqtt unless configured otherwise"};
inline constexpr ErrorInfo kUpgradeMissing{
    6124, "upgrade_missing", "an HTTP request without WebSocket upgrade",
    "use an MQTT client over WebSocket; a proxy in between must pass Upgrade and Connection on"};
inline constexpr ErrorInfo kUpgradeVersion{6125, "upgrade_version", "not version 13 of WebSocket",
                                           "use a client that speaks RFC 6455"};
inline constexpr ErrorInfo kUpgradeOrigin{6126, "upgrade_origin", "pages of this origin may not connect",
                                          "list the page's origin in allowed_origins of the listener"};
inline constexpr ErrorInfo kUpgradeSubprotocol{
    6127, "upgrade_subprotocol", "the client does not offer the subprotocol mqtt",
    "set the WebSocket subprotocol of the client to mqtt (mqttv3.1 for MQTT 3.1)"};
inline constexpr ErrorInfo kUpgradeTooLarge{6128, "upgrade_too_large",
                                            "request line and headers exceed 8 KiB",
                                            "send fewer cookies and headers with the handshake"};
inline constexpr ErrorInfo kFrameMalformed{6130, "frame_malformed", "a WebSocket frame is malformed", ""};
inline constexpr ErrorInfo kFrameUnmasked{6131, "frame_unmasked", "a WebSocket frame is not masked",
                                          "clients mask their frames (RFC 6455 5.1)"};
inline constexpr ErrorInfo kFrameReserved{6132, "frame_reserved",
                                          "a WebSocket frame uses reserved bits or a reserved opcode",
                                          "no extension was agreed on, compression neither"};
inline constexpr ErrorInfo kFrameText{6133, "frame_text", "the client sent a WebSocket text frame",
                                      "MQTT travels in binary frames"};
inline constexpr ErrorInfo kFrameSequence{6134, "frame_sequence", "WebSocket fragments out of order", ""};

inline constexpr ErrorInfo kProxyUnlisted{
    6140, "proxy_unlisted", "the peer is not a listed proxy",
    "list the load balancer in proxy_from; clients use a listener without proxy_protocol"};
inline constexpr ErrorInfo kProxyMissing{
    6141, "proxy_missing", "the connection does not begin with a PROXY header",
    "switch the PROXY protocol on in the load balancer, or off at this listener"};
inline constexpr ErrorInfo kProxyMalformed{6142, "proxy_malformed", "the PROXY header is malformed", ""};
inline constexpr ErrorInfo kProxyTooLong{6143, "proxy_too_long", "the PROXY header is too long",
                                         "at most 107 bytes in version 1 and 536 in version 2"};

inline constexpr ErrorInfo kCertificateFile{
    6200, "certificate_file", "cannot use the certificate file",
    "it must be PEM, the server's certificate first, then its issuers"};
inline constexpr ErrorInfo kKeyFile{6201, "key_file", "cannot use the private key file",
                                    "it must be an unencrypted PEM private key that this user may read"};
inline constexpr ErrorInfo kKeyMismatch{6202, "key_mismatch",
                                        "the private key does not belong to the certificate",
                                        "name the key that the certificate was requested with"};
inline constexpr ErrorInfo kCaFile{6203, "ca_file", "cannot use the CA file",
                                   "it must hold one or more PEM certificates"};
inline constexpr ErrorInfo kTlsSetup{6204, "tls_setup", "cannot set up TLS", ""};

inline constexpr ErrorInfo kHttpUnreachable{6300, "http_unreachable", "the server cannot be reached",
                                            "check host, port, resolver and firewalls"};
inline constexpr ErrorInfo kHttpTimeout{6301, "http_timeout", "the server did not answer in time", ""};
inline constexpr ErrorInfo kHttpTlsFailed{
    6302, "http_tls_failed", "no trusted TLS connection to the server",
    "name the CA file that issued its certificate, and the host as it stands there"};
inline constexpr ErrorInfo kHttpTooLarge{6303, "http_too_large", "the answer is larger than allowed", ""};
inline constexpr ErrorInfo kHttpPlainRefused{
    6304, "http_plain_refused", "plain http is refused outside this machine",
    "use https, or allow plain http for this endpoint by its explicit option"};
inline constexpr ErrorInfo kHttpBadRedirect{6305, "http_bad_redirect",
                                            "the server answered with a redirect, which is not followed",
                                            "configure the address that it redirects to, if you trust it"};
inline constexpr ErrorInfo kHttpBadUrl{6306, "http_bad_url", "not a usable URL",
                                       "write https://HOST[:PORT]/PATH"};
inline constexpr ErrorInfo kHttpBusy{6307, "http_busy", "too many requests are waiting", ""};
inline constexpr ErrorInfo kHttpStopped{6308, "http_stopped", "the process is shutting down", ""};
inline constexpr ErrorInfo kHttpBadAnswer{6309, "http_bad_answer", "the server's answer is not HTTP", ""};
inline constexpr ErrorInfo kHttpCaFile{6310, "http_ca_file", "cannot use the CA file for this endpoint",
                                       "it must hold one or more PEM certificates"};

inline constexpr ErrorInfo kNotLoopback{6400, "not_loopback", "this port is for this machine only",
                                        "use 127.0.0.1 or [::1]"};

inline constexpr std::array<const ErrorInfo*, 60> kErrors{&kAddressInvalid,
                                                          &kAddressInUse,
                                                          &kAddressNotHere,
                                                          &kAddressForbidden,
                                                          &kListenFailed,
                                                          &kPollFailed,
                                                          &kResolveFailed,
                                                          &kConnectFailed,
                                                          &kConnectTimeout,
                                                          &kAddressRangeInvalid,
                                                          &kPeerReset,
                                                          &kSocketFailed,
                                                          &kTlsOnPlainPort,
                                                          &kHttpOnPlainPort,
                                                          &kMqttOnTlsPort,
                                                          &kHttpOnTlsPort,
                                                          &kTlsFailed,
                                                          &kTlsNoCommonVersion,
                                                          &kTlsNoCommonCipher,
                                                          &kClientCertificateMissing,
                                                          &kClientCertificateRefused,
                                                          &kPeerRefusedCertificate,
                                                          &kServerCertificateRefused,
                                                          &kServerNameMismatch,
                                                          &kTlsBroken,
                                                          &kMqttOnWebSocketPort,
                                                          &kUpgradeMalformed,
                                                          &kUpgradeMethod,
                                                          &kUpgradePath,
                                                          &kUpgradeMissing,
                                                          &kUpgradeVersion,
                                                          &kUpgradeOrigin,
                                                          &kUpgradeSubprotocol,
                                                          &kUpgradeTooLarge,
                                                          &kFrameMalformed,
                                                          &kFrameUnmasked,
                                                          &kFrameReserved,
                                                          &kFrameText,
                                                          &kFrameSequence,
                                                          &kProxyUnlisted,
                                                          &kProxyMissing,
                                                          &kProxyMalformed,
                                                          &kProxyTooLong,
                                                          &kCertificateFile,
                                                          &kKeyFile,
                                                          &kKeyMismatch,
                                                          &kCaFile,
                                                          &kTlsSetup,
                                                          &kHttpUnreachable,
                                                          &kHttpTimeout,
                                                          &kHttpTlsFailed,
                                                          &kHttpTooLarge,
                                                          &kHttpPlainRefused,
                                                          &kHttpBadRedirect,
                                                          &kHttpBadUrl,
                                                          &kHttpBusy,
                                                          &kHttpStopped,
                                                          &kHttpBadAnswer,
                                                          &kHttpCaFile,
                                                          &kNotLoopback};

}  // namespace latchkey::net
