// SPDX-License-Identifier: Apache-2.0
#include "config/model/web_config.h"

#include <algorithm>
#include <array>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"
#include "config/reading/yaml/shape.h"
#include "config/reading/yaml/view.h"
#include "config/reading/yaml/yaml_reader.h"
#include "config/reading/yaml/yaml_tree.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

// In the order of ClientAuth, followed by the older name of kRequireAny.
constexpr std::array kClientAuths =
    std::to_array<std::string_view>({"NoClientCert", "RequestClientCert", "RequireAnyClientCert",
                                     "VerifyClientCertIfGiven", "RequireAndVerifyClientCert", "RequireClientCert"});
constexpr std::array kVersions = std::to_array<std::string_view>({"TLS10", "TLS11", "TLS12", "TLS13"});
// crypto/tls.CipherSuites() of the Go versions that Prometheus is built with.
constexpr std::array kCiphers = std::to_array<std::string_view>({
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
});
constexpr std::array kCurves = std::to_array<std::string_view>({"CurveP256", "CurveP384", "CurveP521", "X25519"});
constexpr std::array kFrameOptions = std::to_array<std::string_view>({"deny", "sameorigin"});
constexpr std::array kTypeOptions = std::to_array<std::string_view>({"nosniff"});

constexpr std::array kTlsFields = std::to_array<FieldSpec>({
    {.name = "cert", .type = FieldType::kString},
    {.name = "key", .type = FieldType::kString},
    {.name = "client_ca", .type = FieldType::kString},
    {.name = "cert_file", .type = FieldType::kString},
    {.name = "key_file", .type = FieldType::kString},
    {.name = "client_ca_file", .type = FieldType::kString},
    {.name = "client_auth_type", .type = FieldType::kString, .values = kClientAuths},
    {.name = "client_allowed_sans", .type = FieldType::kStringList},
    {.name = "min_version", .type = FieldType::kString, .values = kVersions},
    {.name = "max_version", .type = FieldType::kString, .values = kVersions},
    {.name = "cipher_suites", .type = FieldType::kStringList},
    {.name = "prefer_server_cipher_suites", .type = FieldType::kBool},
    {.name = "curve_preferences", .type = FieldType::kStringList},
});
constexpr ObjectSpec kTlsSpec = {.name = "tls_server_config", .fields = kTlsFields};

constexpr std::array kHeaderFields = std::to_array<FieldSpec>({
    {.name = "Content-Security-Policy", .type = FieldType::kString},
    {.name = "X-Frame-Options", .type = FieldType::kString, .values = kFrameOptions},
    {.name = "X-Content-Type-Options", .type = FieldType::kString, .values = kTypeOptions},
    {.name = "X-XSS-Protection", .type = FieldType::kString},
    {.name = "Strict-Transport-Security", .type = FieldType::kString},
});
constexpr ObjectSpec kHeadersSpec = {.name = "headers", .fields = kHeaderFields};

constexpr std::array kHttpFields = std::to_array<FieldSpec>({
    // HTTP/2 is negotiated; a server with HTTP/1.1 only conforms under either value.
    {.name = "http2", .type = FieldType::kBool},
    {.name = "headers", .type = FieldType::kObject, .object = &kHeadersSpec},
});
constexpr ObjectSpec kHttpSpec = {.name = "http_server_config", .fields = kHttpFields};

constexpr std::int64_t kMostBurst = 1'000'000;
constexpr std::array kRateFields = std::to_array<FieldSpec>({
    {.name = "interval"},  // read_rate_limit checks it: 0 needs no unit
    {.name = "burst", .type = FieldType::kInteger, .min = 0, .max = kMostBurst},
});
constexpr ObjectSpec kRateSpec = {.name = "rate_limit", .fields = kRateFields};

constexpr std::array kWebFileFields = std::to_array<FieldSpec>({
    {.name = "tls_server_config", .type = FieldType::kObject, .object = &kTlsSpec},
    {.name = "http_server_config", .type = FieldType::kObject, .object = &kHttpSpec},
    {.name = "basic_auth_users"},  // read_users checks it: a general error would show the value
    {.name = "rate_limit", .type = FieldType::kObject, .object = &kRateSpec},
});
constexpr ObjectSpec kWebFileSpec = {.name = "a web configuration", .fields = kWebFileFields};

constexpr int kLeastCost = 4;
constexpr int kMostCost = 20;  // takes a minute; a higher cost would never be answered

// Returns the names of the list that are in `known`; reports the others.
std::vector<std::string> read_names(const View& view, const std::vector<std::string_view>& known) {
  for (const auto& item : view.items()) {
    if (std::find(known.begin(), known.end(), item.text()) != known.end()) continue;
    Complaint complaint = mismatch(describe(item.node()), one_of(known));
    complaint.suggestion = nearest(item.text(), known);
    if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
    item.error(std::move(complaint));
  }
  return view.texts();
}

void check_client_auth(const View& view, const WebTls& tls) {
  const View type = view["client_auth_type"];
  const View where = type ? type : view;
  const bool has_ca = !tls.client_ca.empty() || !tls.client_ca_file.empty();
  const bool verifies =
      tls.client_auth == ClientAuth::kVerifyIfGiven || tls.client_auth == ClientAuth::kRequireAndVerify;
  const bool requires_one =
      tls.client_auth == ClientAuth::kRequireAny || tls.client_auth == ClientAuth::kRequireAndVerify;
  if (has_ca && tls.client_auth == ClientAuth::kNone) {
    where.error(mismatch("client_ca_file and no client's certificate asked for",
                         "a client_auth_type such as RequireAndVerifyClientCert"));
  }
  if (verifies && !has_ca) {
    // Otherwise crypto/tls would accept certificates of every public authority.
    where.error(mismatch("client_auth_type " + type.text() + " without client_ca_file",
                         "client_ca_file, the authority to verify by"));
  }
  if (!tls.client_allowed_sans.empty() && !requires_one) {
    view["client_allowed_sans"].error(mismatch("client_allowed_sans and no certificate required",
                                               "client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert"));
  }
}

class TlsReader {
 public:
  TlsReader(const View& view, std::string folder) : view_(view), folder_(std::move(folder)) {}

  WebTls read() {
    tls_.cert = view_["cert"].text();
    tls_.key = view_["key"].text();
    tls_.client_ca = view_["client_ca"].text();
    tls_.cert_file = file("cert_file", tls_.cert, true);
    tls_.key_file = file("key_file", tls_.key, true);
    tls_.client_ca_file = file("client_ca_file", tls_.client_ca, false);
    const std::string auth = view_["client_auth_type"].text();
    tls_.client_auth = auth == kClientAuths.back()
                           ? ClientAuth::kRequireAny
                           : read_enum(view_["client_auth_type"], kClientAuths, ClientAuth::kNone);
    tls_.client_allowed_sans = view_["client_allowed_sans"].texts();
    tls_.min_version = read_enum(view_["min_version"], kVersions, TlsVersion::k12);
    tls_.max_version = read_enum(view_["max_version"], kVersions, TlsVersion::k13);
    tls_.cipher_suites = read_names(view_["cipher_suites"], {kCiphers.begin(), kCiphers.end()});
    tls_.prefer_server_cipher_suites = view_["prefer_server_cipher_suites"].boolean(true);
    tls_.curves = read_names(view_["curve_preferences"], {kCurves.begin(), kCurves.end()});
    if (tls_.min_version > tls_.max_version) {
      const View where = view_["min_version"] ? view_["min_version"] : view_["max_version"];
      where.error(mismatch("a min_version above max_version", "at most max_version"));
    }
    check_client_auth(view_, tls_);
    return tls_;
  }

 private:
  std::string file(std::string_view name, const std::string& inline_text, bool required) {
    const View view = view_[name];
    const std::string short_name(name.substr(0, name.rfind('_')));
    std::string path = view.text();
    if (path.empty()) {
      if (required && inline_text.empty())
        view_.error({"`" + std::string(name) + "` is missing", "nothing", "`" + std::string(name) + "`"});
      return {};
    }
    if (!inline_text.empty())
      view.error(mismatch("both `" + short_name + "` and `" + std::string(name) + "`", "one of them"));
    return path.front() == '/' || folder_.empty() ? path : folder_ + path;
  }

  View view_;
  std::string folder_;  // ends with a slash
  WebTls tls_;
};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

std::map<std::string, std::string> read_headers(const View& view) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : view.entries()) {
    if (has_control(value.text()))
      value.error(mismatch("a line break or another control character", "one line of text"));
    if (!value.text().empty()) headers[name] = value.text();
  }
  return headers;
}

std::map<std::string, std::string> read_users(const View& view) {
  std::map<std::string, std::string> users;
  if (!view) return users;
  if (view.node().kind != YamlNode::Kind::kMap) {
    view.error(mismatch(view.node().kind == YamlNode::Kind::kList ? "a list" : "something else",
                        "a mapping of users to bcrypt hashes"));
    return users;
  }
  for (const auto& [name, value] : view.entries()) {
    if (name.find(':') != std::string::npos || has_control(name))
      value.error(
          mismatch("a user's name with a colon or control character", "a name that basic authentication can send"));
    if (!bcrypt_cost(value.text())) {
      value.error(mismatch("something that is no bcrypt hash of cost 4 to 20",
                           "one as `htpasswd -nBC 10 USER` prints, quoted or not: $2y$10$..."));
    }
    users[name] = value.text();
  }
  return users;
}

std::optional<WebRateLimit> read_rate_limit(const View& view) {
  if (!view) return std::nullopt;
  WebRateLimit limit;
  limit.burst = view["burst"].integer().value_or(0);
  const View interval = view["interval"];
  if (interval && interval.text() != "0") {
    const auto time = parse_duration(interval.text());
    if (!time) interval.check(tl::unexpected(time.error()));
    if (time) limit.interval = *time;
  }
  if (limit.interval.count() > 0 && limit.burst < 1) {
    view.error(mismatch("an interval and no burst", "a burst of at least 1, or nobody would ever be answered"));
  }
  if (limit.interval.count() == 0) return std::nullopt;
  return limit;
}

WebConfig read_web(const View& view, const std::string& folder) {
  WebConfig config;
  if (const View tls = view["tls_server_config"]; tls && !tls.entries().empty())
    config.tls = TlsReader(tls, folder).read();
  config.headers = read_headers(view["http_server_config"]["headers"]);
  config.users = read_users(view["basic_auth_users"]);
  config.rate_limit = read_rate_limit(view["rate_limit"]);
  return config;
}

}  // namespace

WebConfigRead read_web_config(std::string_view text, std::string_view file) {
  WebConfigRead read;
  Documents out;
  Report report{out, std::string(file), {}};
  const auto broken = [&](const ParseError& error) {
    out.errors.push_back({{report.file, error.line, error.column}, "", "", error.message, "", "", ""});
  };
  for (const auto& error : check_text(text, 1)) broken(error);
  const auto documents = out.errors.empty() ? split_documents(text) : std::vector<DocumentText>();
  if (documents.size() > 1) broken({documents[1].first_line, 1, "found a second document, expected one"});
  if (documents.size() == 1) {
    if (const auto tree = parse_document(documents[0].text, documents[0].first_line); !tree) {
      broken(tree.error());
    } else if (const View view(&*tree, "", report); view) {
      check_shape(view, kWebFileSpec, "");
      const auto slash = file.rfind('/');
      if (out.errors.empty())
        read.config =
            read_web(view, slash == std::string_view::npos ? std::string() : std::string(file.substr(0, slash + 1)));
    }
  }
  read.errors = std::move(out.errors);
  return read;
}

std::optional<int> bcrypt_cost(std::string_view hash) {
  constexpr std::size_t kLength = 60;
  constexpr std::string_view kAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // "$2x$" marks hashes of a faulty program; "$2$" is older than any hash that Prometheus accepts.
  if (hash.size() != kLength || !hash.starts_with("$2") ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos)
    return std::nullopt;
  if (hash[3] != '$' || hash[6] != '$' || hash.substr(7).find_first_not_of(kAlphabet) != std::string_view::npos)
    return std::nullopt;
  if (hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9') return std::nullopt;
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  if (cost < kLeastCost || cost > kMostCost) return std::nullopt;
  return cost;
}

}  // namespace mete::config
