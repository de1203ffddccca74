// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/credentials.h"

#include <algorithm>
#include <vector>

#include "config/base/base64.h"
#include "runtime/ordered_json.h"
#include "runtime/registry/reference.h"

namespace mete::runtime::registry {
namespace {

using Json = nlohmann::ordered_json;

// A helper names an identity token by this user.
constexpr const char* kTokenUser = "<token>";

Result<Json> parse_config(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Json::object();
  Json value = parse_ordered(text);
  if (!value.is_object()) return fail("found no JSON object, expected the form of docker's config.json");
  return value;
}

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const Json* member(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_object() ? &*at : nullptr;
}

Result<Login> login_of(const Json& entry, const std::string& key) {
  Login login{text_of(entry, "username"), text_of(entry, "password"), text_of(entry, "identitytoken")};
  const std::string auth = text_of(entry, "auth");
  if (auth.empty()) return login;
  const auto decoded = config::decode_base64(auth);
  const auto colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) return fail("auths." + key + ".auth: found no base64 of USER:PASSWORD, expected it");
  login.user = decoded->substr(0, colon);
  login.password = decoded->substr(colon + 1);
  // Old dockers have padded it with zeros.
  login.password.erase(std::min(login.password.find('\0'), login.password.size()));
  return login;
}

}  // namespace

Result<std::string> helper_for(std::string_view config, const std::string& host) {
  METE_TRY(const Json value, parse_config(config));
  if (const Json* helpers = member(value, "credHelpers")) {
    for (const std::string& key : {login_key(host), host}) {
      if (std::string helper = text_of(*helpers, key.c_str()); !helper.empty()) return helper;
    }
  }
  return text_of(value, "credsStore");
}

Result<std::optional<LoginEntry>> find_login(std::string_view config, const std::string& host) {
  METE_TRY(std::string helper, helper_for(config, host));
  if (!helper.empty()) return std::optional(LoginEntry{{}, std::move(helper)});
  METE_TRY(const Json value, parse_config(config));
  const Json* const logins = member(value, "auths");
  if (logins == nullptr) return std::optional<LoginEntry>();
  const auto entry_of = [&](const Json& entry, const std::string& key) -> Result<std::optional<LoginEntry>> {
    METE_TRY(Login login, login_of(entry, key));
    if (login.empty()) return std::optional<LoginEntry>();
    return std::optional(LoginEntry{std::move(login), ""});
  };
  if (const Json* exact = member(*logins, login_key(host).c_str())) return entry_of(*exact, login_key(host));
  for (const auto& [key, entry] : logins->items()) {
    if (entry.is_object() && login_host(key) == host) return entry_of(entry, key);
  }
  return std::optional<LoginEntry>();
}

Result<std::string> with_login(std::string_view config, const std::string& host, const Login& login) {
  METE_TRY(Json value, parse_config(config));
  Json entry = Json::object();
  if (!login.user.empty() || !login.password.empty()) entry["auth"] = encode_base64(login.user + ":" + login.password);
  if (!login.identity_token.empty()) entry["identitytoken"] = login.identity_token;
  if (member(value, "auths") == nullptr) value["auths"] = Json::object();
  value["auths"][login_key(host)] = std::move(entry);
  return value.dump(1, '\t') + "\n";
}

Result<std::string> without_login(std::string_view config, const std::string& host) {
  METE_TRY(Json value, parse_config(config));
  if (member(value, "auths") == nullptr) value["auths"] = Json::object();
  auto& logins = value["auths"];
  std::vector<std::string> keys;
  for (const auto& [key, entry] : logins.items()) {
    if (login_host(key) == host) keys.push_back(key);
  }
  for (const std::string& key : keys) logins.erase(key);
  return value.dump(1, '\t') + "\n";
}

Result<Login> parse_helper_answer(std::string_view text) {
  const Json value = parse_ordered(text);
  if (!value.is_object() || text_of(value, "Secret").empty())
    return fail("found no `Username` and `Secret` in JSON, expected them");
  Login login{text_of(value, "Username"), text_of(value, "Secret"), ""};
  if (login.user == kTokenUser) return Login{"", "", login.password};
  return login;
}

std::string helper_request(const std::string& host, const Login& login) {
  const bool token = !login.identity_token.empty();
  return Json{{"ServerURL", login_key(host)},
              {"Username", token ? kTokenUser : login.user},
              {"Secret", token ? login.identity_token : login.password}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8U) | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[(group >> (18 - 6 * k)) & 63U] : '=';
  }
  return out;
}

}  // namespace mete::runtime::registry
