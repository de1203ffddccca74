// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/images/registry_login.h"

#include <algorithm>
#include <cstdint>

#include "agent/docker/fields.h"
#include "config/base/base64.h"

namespace mete::agent::docker {

std::string encode_base64(const std::string& bytes) {
  constexpr const char* kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8U) | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= have ? kLetters[(group >> (18 - 6 * k)) & 63U] : '=';
  }
  return text;
}

Result<std::string> login_of(const std::string& header) {
  if (header.empty()) return std::string();
  std::string standard = header;
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  METE_TRY(const std::string text, config::decode_base64(standard));
  const Json login = runtime::parse_ordered(text);
  if (!login.is_object()) return fail("X-Registry-Auth: found no JSON object in base64, expected one");
  const std::string user = text_of(login, "username");
  if (user.empty()) return std::string();
  const std::string server = text_of(login, "serveraddress");
  return Json{{"auths", {{server, {{"auth", encode_base64(user + ":" + text_of(login, "password"))}}}}}}.dump();
}

}  // namespace mete::agent::docker
