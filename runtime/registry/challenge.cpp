// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/challenge.h"

#include <algorithm>
#include <cctype>

#include "runtime/json_numbers.h"

namespace mete::runtime::registry {
namespace {

bool is_token_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class HeaderText {
 public:
  explicit HeaderText(std::string_view text) : text_(text) {}

  void skip(std::string_view characters) {
    text_.remove_prefix(std::min(text_.find_first_not_of(characters), text_.size()));
  }
  [[nodiscard]] bool done() const { return text_.empty(); }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string word() {
    std::size_t size = 0;
    while (size < text_.size() && is_token_character(text_[size])) ++size;
    std::string found(text_.substr(0, size));
    text_.remove_prefix(size);
    return found;
  }
  // What stands behind the first '"'. Empty: the second is missing.
  std::optional<std::string> quoted() {
    std::string found;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        text_.remove_prefix(i + 1);
        return found;
      }
      if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
      found += text_[i];
    }
    return std::nullopt;
  }

 private:
  std::string_view text_;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> found;
  HeaderText text(header);
  while (true) {
    text.skip(" \t,");
    const std::string name = text.word();
    if (name.empty()) return found;
    text.skip(" \t");
    if (!text.take('=')) {
      found.push_back({lower(name), {}});
      continue;
    }
    if (found.empty()) return found;
    text.skip(" \t");
    const auto value = text.take('"') ? text.quoted() : std::optional(text.word());
    if (!value) return found;
    found.back().parameters.emplace(lower(name), *value);
  }
}

std::optional<Challenge> best_challenge(std::string_view header) {
  const auto all = parse_challenges(header);
  for (const char* scheme : {"bearer", "basic"}) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const Challenge& each) { return each.scheme == scheme; });
    if (at != all.end()) return *at;
  }
  return std::nullopt;
}

Result<Token> parse_token(std::string_view body) {
  const auto value = nlohmann::json::parse(body, nullptr, false);
  if (!value.is_object()) return fail("found no JSON object, expected a token");
  Token token;
  for (const char* key : {"token", "access_token"}) {
    const auto at = value.find(key);
    if (token.token.empty() && at != value.end() && at->is_string()) token.token = at->get<std::string>();
  }
  const bool clean = std::all_of(token.token.begin(), token.token.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (token.token.empty() || !clean) return fail("found no token in the answer, expected `token` or `access_token`");
  constexpr std::int64_t kDay = 86400;
  if (const auto at = value.find("expires_in"); at != value.end() && at->is_number_integer())
    token.expires_in = static_cast<int>(std::clamp<std::int64_t>(whole<std::int64_t>(*at).value_or(kDay), 1, kDay));
  return token;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return out;
}

std::string token_url(const Challenge& challenge, const std::vector<std::string>& scopes, const std::string& account) {
  const auto value = [&](const char* name) {
    const auto at = challenge.parameters.find(name);
    return at == challenge.parameters.end() ? std::string() : at->second;
  };
  std::string url = value("realm");
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  const auto add = [&](const char* name, const std::string& text) {
    if (text.empty()) return;
    url += separator + std::string(name) + "=" + percent_encoded(text);
    separator = '&';
  };
  add("account", account);
  for (const std::string& scope : scopes) add("scope", scope);
  add("service", value("service"));
  return url;
}

}  // namespace mete::runtime::registry
