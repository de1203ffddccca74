// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/session.h"

#include <algorithm>
#include <thread>

#include "runtime/json.h"

namespace mete::runtime::registry {
namespace {

constexpr std::size_t kMostError = 64U << 10U;
constexpr std::size_t kMostToken = 1U << 20U;
constexpr int kAskTries = 4;

std::string key_of(const std::vector<std::string>& scopes) {
  std::string key;
  for (const std::string& scope : scopes) key += scope + " ";
  return key;
}

bool is_passing(long status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

// "TOOMANYREQUESTS: slow down", of the first error in the body.
std::string said_in(const std::string& body) {
  const auto value = nlohmann::json::parse(body, nullptr, false);
  if (!value.is_object() || !value.contains("errors") || !value["errors"].is_array() || value["errors"].empty())
    return "";
  const auto& first = value["errors"][0];
  if (!first.is_object()) return "";
  const auto text = [&](const char* key) {
    const auto at = first.find(key);
    return at != first.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  std::string said = text("code");
  if (!text("message").empty()) said += (said.empty() ? "" : ": ") + text("message");
  std::replace_if(
      said.begin(), said.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return said.substr(0, 500);
}

std::chrono::milliseconds pause_before(int attempt, const HttpHead& head) {
  const long asked = std::strtol(head.header("retry-after").c_str(), nullptr, 10);
  return std::max(std::chrono::milliseconds(300 << attempt),
                  std::chrono::milliseconds(1000 * std::clamp(asked, 0L, 20L)));
}

}  // namespace

Error refusal(const std::string& what, const Answer& answer) {
  const long status = answer.head.status;
  const std::string said = said_in(answer.body);
  const int code = status == 404 ? ENOENT : status == 401 || status == 403 ? EACCES : 0;
  return Error{code, what + ": the registry answers " + std::to_string(status) + (said.empty() ? "" : ": " + said)};
}

Result<std::shared_ptr<RegistryState>> open_registry(const Endpoint& endpoint, const Logins& logins) {
  auto state = std::make_shared<RegistryState>();
  state->endpoint = endpoint;
  METE_TRY(state->tls, tls_files(endpoint.host));
  METE_TRY(state->login, logins.find(endpoint.registry));
  return state;
}

Session::Session(std::shared_ptr<RegistryState> state) : state_(std::move(state)), http_(state_->tls) {}

Result<HttpHead> Session::send(const Call& call, const std::string& authorization) {
  std::string scheme;
  {
    const std::lock_guard lock(state_->mutex);
    scheme = state_->scheme;
  }
  HttpRequest request;
  request.method = call.method;
  const Url own{scheme, state_->endpoint.host, "/"};
  if (call.target.starts_with('/')) {
    METE_TRY(request.url, parse_url(scheme + "://" + state_->endpoint.host + call.target));
  } else {
    METE_TRY(request.url, parse_url(call.target));
  }
  request.headers = call.headers;
  // A place for an upload may be on another host, which proves itself by the URL.
  if (same_origin(own, request.url)) request.authorization = authorization;
  request.body = call.body;
  request.upload = call.upload;
  request.upload_size = call.upload_size;
  request.seconds = call.seconds;
  return http_.start(request);
}

// TLS first, also on loopback; plain HTTP where it is allowed and no TLS is spoken.
Result<std::string> Session::find_scheme() {
  const Endpoint& endpoint = state_->endpoint;
  if (!endpoint.plain_allowed) return std::string("https");
  HttpRequest request;
  METE_TRY(request.url, parse_url("https://" + endpoint.host + "/"));
  request.handshake_only = true;
  const auto spoken = http_.start(request);
  if (spoken) return std::string("https");
  const int code = spoken.error().code;
  if (code != EPROTO && code != ECONNRESET) return tl::unexpected(spoken.error());
  return std::string("http");
}

Result<HttpHead> Session::try_schemes(const Call& call, const std::string& authorization) {
  bool known = false;
  {
    const std::lock_guard lock(state_->mutex);
    known = !state_->scheme.empty();
  }
  if (!known) {
    METE_TRY(std::string scheme, find_scheme());
    const std::lock_guard lock(state_->mutex);
    state_->scheme = std::move(scheme);
  }
  return send(call, authorization);
}

Result<std::string> Session::fetch_token(const Challenge& challenge, const std::vector<std::string>& scopes) {
  const auto& login = state_->login;
  const auto realm = challenge.parameters.find("realm");
  if (realm == challenge.parameters.end())
    return fail(registry() + ": found a challenge without a realm, expected where tokens are given");
  METE_TRY(const Url place, parse_url(realm->second));
  if (place.scheme != "https" && !(state_->endpoint.plain_allowed && is_loopback(place.host)) &&
      !(state_->scheme == "http" &&
        place.host.substr(0, place.host.find(':')) == state_->endpoint.host.substr(0, state_->endpoint.host.find(':'))))
    return fail(registry() + ": found the realm " + realm->second + ", expected one with https");
  HttpRequest request;
  request.seconds = 60;
  const bool by_token = login && !login->identity_token.empty();
  METE_TRY(request.url, parse_url(by_token ? realm->second : token_url(challenge, scopes, login ? login->user : "")));
  if (by_token) {
    request.method = "POST";
    request.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    const auto service = challenge.parameters.find("service");
    std::string scope;
    for (const std::string& each : scopes) scope += (scope.empty() ? "" : " ") + each;
    request.body = "grant_type=refresh_token&client_id=mete&scope=" + percent_encoded(scope) +
                   "&service=" + percent_encoded(service == challenge.parameters.end() ? "" : service->second) +
                   "&refresh_token=" + percent_encoded(login->identity_token);
  } else if (login) {
    request.authorization = "Basic " + encode_base64(login->user + ":" + login->password);
  }
  METE_TRY(Answer answer, [&]() -> Result<Answer> {
    METE_TRY(HttpHead head, http_.start(request));
    METE_TRY(std::string body, http_.read_all(kMostToken));
    return Answer{std::move(head), std::move(body)};
  }());
  if (answer.head.status != 200) return tl::unexpected(refusal(place.host, answer));
  auto token = parse_token(answer.body);
  if (!token) return fail_in(place.host, token.error());
  const std::lock_guard lock(state_->mutex);
  std::string text = "Bearer " + token->token;
  state_->tokens[key_of(scopes)] = {
      text, std::chrono::steady_clock::now() + std::chrono::seconds(std::max(1, token->expires_in - 5))};
  return text;
}

// Empty: the registry has asked for nothing yet.
Result<std::string> Session::authorization(const std::vector<std::string>& scopes) {
  std::optional<Challenge> challenge;
  {
    const std::lock_guard lock(state_->mutex);
    challenge = state_->challenge;
    const auto token = state_->tokens.find(key_of(scopes));
    if (token != state_->tokens.end() && token->second.until > std::chrono::steady_clock::now())
      return token->second.authorization;
  }
  if (!challenge) return std::string();
  if (challenge->scheme == "bearer") return fetch_token(*challenge, scopes);
  if (!state_->login || !state_->login->identity_token.empty()) return std::string();
  return "Basic " + encode_base64(state_->login->user + ":" + state_->login->password);
}

Result<HttpHead> Session::open(const Call& call) {
  METE_TRY(std::string told, authorization(call.scopes));
  METE_TRY(HttpHead head, try_schemes(call, told));
  if (head.status != 401) return head;
  const auto challenge = best_challenge(head.header("www-authenticate"));
  const auto refused = [&](const std::string& why) { return tl::unexpected(Error{EACCES, registry() + ": " + why}); };
  http_.end();
  if (!challenge) return refused("found the answer 401 without a challenge that mete knows, expected Basic or Bearer");
  {
    const std::lock_guard lock(state_->mutex);
    state_->challenge = challenge;
    if (const auto at = state_->tokens.find(key_of(call.scopes));
        at != state_->tokens.end() && at->second.authorization == told)
      state_->tokens.erase(at);
  }
  METE_TRY(const std::string again, authorization(call.scopes));
  if (again.empty()) return refused("unauthorized: authentication required; expected a login (mete login)");
  if (again == told) return refused("unauthorized: the login is not accepted");
  METE_TRY(head, send(call, again));
  if (head.status != 401) return head;
  http_.end();
  return refused(state_->login ? "unauthorized: the login is not accepted"
                               : "unauthorized: authentication required; expected a login (mete login)");
}

Result<Answer> Session::ask(const Call& call, std::size_t most) {
  for (int attempt = 0;; ++attempt) {
    const bool last = attempt + 1 == kAskTries;
    auto head = open(call);
    if (!head) {
      if (last || head.error().code != ECONNRESET || call.method == "POST")
        return tl::unexpected(std::move(head.error()));
      std::this_thread::sleep_for(std::chrono::milliseconds(200 << attempt));
      continue;
    }
    const bool good = head->status / 100 == 2;
    auto body = http_.read_all(good ? most : kMostError);
    if (!last && is_passing(head->status)) {
      std::this_thread::sleep_for(pause_before(attempt, *head));
      continue;
    }
    if (!body && good) return tl::unexpected(std::move(body.error()));
    return Answer{std::move(*head), body.value_or("")};
  }
}

}  // namespace mete::runtime::registry
