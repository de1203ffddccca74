// SPDX-License-Identifier: Apache-2.0
// Any bytes as what people and images say in single lines: names (a), references (b), changes of a configuration (c),
// the names in an archive (d), and a user with the image's /etc/passwd and /etc/group (e).
#include <algorithm>

#include "runtime/image/archives/archive_kind.h"
#include "runtime/image/archives/platforms.h"
#include "runtime/image/config_changes.h"
#include "runtime/image/image_record.h"
#include "runtime/image/references.h"
#include "runtime/image/store.h"
#include "runtime/image/users.h"
#include "runtime/registry/reference.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime;
using namespace mete::runtime::image;
using mete::fuzz::require;

void as_name(const std::string& text) {
  const auto name = normalize_name(text);
  const auto reference = registry::parse_reference(text);
  require(name.has_value() == reference.has_value());
  if (!name) return;
  const auto again = normalize_name(*name);
  require(again && *again == *name && record_file(*name).find('/') == std::string::npos);
  // It becomes part of a request's first line.
  const std::string said = reference->repository + reference->target() + reference->host;
  require(std::all_of(said.begin(), said.end(), [](char c) { return c > ' ' && c < 0x7F; }));
  const auto whole = registry::parse_reference(reference->whole());
  require(whole && *whole == *reference);
}

void as_reference(const std::string& text) {
  const std::string reference = name_of_reference(text);
  if (!reference.empty()) require(full_name(reference).find(repository_of(reference)) != std::string::npos);
  std::vector<Image> images(2);
  images[0].id = std::string(64, 'a');
  images[0].name = "a:1";
  images[1].id = std::string(63, 'a') + "b";
  images[1].name = nameless(images[1].id);
  if (const auto chosen = choose_reference(images, text)) require(*chosen < images.size());
  (void)plan_removal(images, text, {}, false);
}

// One change a line.
void as_changes(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  auto config = nlohmann::ordered_json::object();
  (void)apply_changes(config, lines);
  require(config.is_object());
  (void)config.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void as_names(const std::string& text) {
  KindOfNames names;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    names.see(std::string_view(text).substr(at, end - at), end % 3 == 0 ? EntryType::kDirectory : EntryType::kFile);
    at = end + 1;
  }
  (void)names.kind();
}

// The user in the first line, then both files as one text.
void as_user(const std::string& text) {
  const std::size_t cut = std::min(text.find('\n'), text.size());
  const std::string files = text.substr(std::min(cut + 1, text.size()));
  const auto user = resolve_user(text.substr(0, cut), files, files);
  if (user) require(user->uid != UINT32_MAX && user->gid != UINT32_MAX && !user->home.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mete::fuzz::give({as_name, as_reference, as_changes, as_names, as_user}, data, size);
  return 0;
}
