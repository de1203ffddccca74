// SPDX-License-Identifier: Apache-2.0
// Prometheus' web configuration file (https://prometheus.io/docs/prometheus/latest/configuration/https/): TLS, basic
// authentication and headers of an HTTP server. Pure: the certificate files are not opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model/documents.h"

namespace mete::config {

// The demands on a client's certificate, as Go's crypto/tls.ClientAuthType.
enum class ClientAuth { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };
enum class TlsVersion { k10, k11, k12, k13 };

// For each of the first three, either the text (PEM) or the file is set.
struct WebTls {
  std::string cert;
  std::string key;
  std::string client_ca;
  std::string cert_file;  // relative paths are already joined to the configuration's folder
  std::string key_file;
  std::string client_ca_file;
  ClientAuth client_auth = ClientAuth::kNone;
  std::vector<std::string> client_allowed_sans;  // allowed subject alternative names; empty: any
  TlsVersion min_version = TlsVersion::k12;
  TlsVersion max_version = TlsVersion::k13;
  std::vector<std::string> cipher_suites;  // IANA's names, for TLS up to 1.2; empty: the library's default
  bool prefer_server_cipher_suites = true;
  std::vector<std::string> curves;  // "CurveP256", "X25519"; empty: the library's default
  bool operator==(const WebTls&) const = default;
};

// A token bucket: one request per `interval`, and `burst` requests at once.
struct WebRateLimit {
  std::chrono::nanoseconds interval{0};
  std::int64_t burst = 0;
  bool operator==(const WebRateLimit&) const = default;
};

struct WebConfig {
  std::optional<WebTls> tls;  // empty: plain HTTP
  std::map<std::string, std::string> headers;
  std::map<std::string, std::string> users;  // name to bcrypt hash; empty: no authentication
  std::optional<WebRateLimit> rate_limit;
  bool operator==(const WebConfig&) const = default;
};

struct WebConfigRead {
  WebConfig config;  // must not be used when there are errors
  std::vector<Diagnostic> errors;
};

// `file` is used in errors, and relative paths are joined to its folder. An error's text never contains a password or a
// hash.
[[nodiscard]] WebConfigRead read_web_config(std::string_view text, std::string_view file);

// The cost of a bcrypt hash (the logarithm of its rounds); empty when mete cannot check such a hash.
[[nodiscard]] std::optional<int> bcrypt_cost(std::string_view hash);

}  // namespace mete::config
