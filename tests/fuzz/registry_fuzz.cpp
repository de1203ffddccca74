// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a registry answers: a challenge (a), a token (b), a URL and a Location (c), a manifest (d), an
// index (e), a search (f), a catalog (g), a Link (h), the head (i); and as docker's config.json (j) and what a helper
// says (k). What is accepted holds what the callers count on.
#include "runtime/image/image_documents.h"
#include "runtime/registry/challenge.h"
#include "runtime/registry/credentials.h"
#include "runtime/registry/documents.h"
#include "runtime/registry/http.h"
#include "runtime/registry/search_documents.h"
#include "runtime/registry/url.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime;
using mete::fuzz::require;

// It becomes part of a request's first line or of a header.
bool is_one_line(const std::string& text) {
  return text.find_first_of(std::string("\r\n\0 ", 4)) == std::string::npos;
}

void as_challenge(const std::string& text) {
  const auto challenge = registry::best_challenge(text);
  if (!challenge) return;
  const auto url = registry::parse_url(registry::token_url(*challenge, {text}, text));
  if (url) require(is_one_line(url->text()));
}

void as_token(const std::string& text) {
  const auto token = registry::parse_token(text);
  if (token) require(!token->token.empty() && is_one_line(token->token) && token->expires_in > 0);
}

void check(const registry::Url& url) {
  require(is_one_line(url.text()) && !url.host.empty() && url.target[0] == '/');
  require(registry::same_origin(url, url));
  const auto again = registry::parse_url(url.text());
  require(again && *again == url);
}

// What the URL answers with is behind the first blank.
void as_url(const std::string& text) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  const auto url = registry::parse_url(text.substr(0, blank));
  if (!url) return;
  check(*url);
  const auto next = registry::resolve_location(*url, text.substr(std::min(blank + 1, text.size())));
  if (next) check(*next);
}

void as_manifest(const std::string& text) {
  const auto type = registry::manifest_type(text, "");
  if (type) require(image::is_index_type(*type) || image::is_manifest_type(*type));
}

void as_index(const std::string& text) {
  const auto chosen = registry::choose_from_index(text);
  if (chosen) require(image::is_digest(chosen->digest) && image::is_manifest_type(chosen->media_type));
}

void as_search(const std::string& text) {
  const auto found = registry::parse_search(text, "a.example");
  if (!found) return;
  for (const auto& each : *found) require(each.name.starts_with("a.example/") && registry::fits(each, {}));
}

void as_catalog(const std::string& text) {
  const auto names = registry::parse_catalog(text);
  if (names) require(registry::matching(*names, {"a.example", ""}).size() == names->size());
}

void as_link(const std::string& text) {
  require(registry::next_page(text).size() <= text.size());
}

void as_head(const std::string& text) {
  registry::HttpHead head;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    if (registry::take_header_line(head, text.substr(at, end - at))) break;
    at = end;
  }
  for (const auto& [name, value] : head.headers) require(head.header(name) == value);
}

void as_logins(const std::string& text) {
  (void)registry::find_login(text, "a.example");
  const auto changed = registry::with_login(text, "a.example", {"u", "p", ""});
  if (!changed) return;
  const auto found = registry::find_login(*changed, "a.example");
  require(found && found->has_value());
  const auto without = registry::without_login(*changed, "a.example");
  require(without.has_value());
  const auto gone = registry::find_login(*without, "a.example");
  require(gone && (!gone->has_value() || !(*gone)->helper.empty()));
}

void as_helper(const std::string& text) {
  const auto login = registry::parse_helper_answer(text);
  if (login) require(!registry::helper_request("a.example", *login).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mete::fuzz::give({as_challenge, as_token, as_url, as_manifest, as_index, as_search, as_catalog, as_link, as_head,
                    as_logins, as_helper},
                   data, size);
  return 0;
}
