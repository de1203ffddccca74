// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a registry answers, as a name and as docker's config.json: no crash, no exception, and what is
// accepted holds what the callers count on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/image/image_documents.h"
#include "runtime/image/layer_note.h"
#include "runtime/registry/challenge.h"
#include "runtime/registry/credentials.h"
#include "runtime/registry/documents.h"
#include "runtime/registry/reference.h"
#include "runtime/registry/url.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// It becomes part of a request's first line or of a header.
bool is_one_line(const std::string& text) {
  return text.find_first_of(std::string("\r\n\0 ", 4)) == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::runtime;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto reference = registry::parse_reference(text)) {
    require(is_one_line(reference->repository + reference->target() + reference->host));
    const auto again = registry::parse_reference(reference->whole());
    require(again && *again == *reference);
  }
  if (const auto challenge = registry::best_challenge(text)) (void)registry::token_url(*challenge, {text}, text);
  if (const auto token = registry::parse_token(text)) require(is_one_line(token->token) && token->expires_in > 0);
  if (const auto url = registry::parse_url(text)) {
    require(is_one_line(url->text()) && !url->host.empty() && url->target[0] == '/');
    require(registry::same_origin(*url, *url));
    if (const auto next = registry::resolve_location(*url, text)) require(is_one_line(next->text()));
  }
  if (const auto type = registry::manifest_type(text, "")) {
    require(image::is_index_type(*type) || image::is_manifest_type(*type));
  }
  (void)registry::choose_from_index(text);
  if (const auto config = registry::make_config(text, {}, {})) require(!config->empty());
  (void)registry::find_login(text, "a.example");
  if (const auto changed = registry::with_login(text, "a.example", {"u", "p", ""})) {
    const auto found = registry::find_login(*changed, "a.example");
    require(found && found->has_value());
    (void)registry::without_login(*changed, "a.example");
  }
  (void)registry::parse_helper_answer(text);
  if (const auto note = image::parse_note(text)) require(image::parse_note(to_text(*note)).has_value());
  return 0;
}
