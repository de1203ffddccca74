// SPDX-License-Identifier: Apache-2.0
// What an image's author writes: archives, plain or compressed, documents, names and users. Whatever the bytes, no
// crash and no endless work; and what the store keeps reads back the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/image/archives/archive.h"
#include "runtime/image/archives/archive_kind.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/config_changes.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/image_record.h"
#include "runtime/image/references.h"
#include "runtime/image/store.h"
#include "runtime/image/users.h"

namespace {

// All entries of an archive, which comes in pieces of `piece` bytes. Its content is not looked at.
void as_archive(std::string_view bytes, std::size_t piece) {
  using namespace mete::runtime::image;
  const auto source = [&](char* buffer, std::size_t size) -> mete::Result<std::size_t> {
    const std::size_t part = std::min({piece, size, bytes.size()});
    bytes.copy(buffer, part);
    bytes.remove_prefix(part);
    return part;
  };
  auto tar = TarReader::open(source, "fuzz");
  if (!tar) return;
  constexpr int kMostEntries = 1000;
  for (int i = 0; i < kMostEntries; ++i) {
    const auto more = tar->next();
    if (!more) return;
    if (!*more) break;
    if (tar->entry().path.empty()) std::abort();
  }
  const auto sums = tar->finish();
  if (sums && sums->content.size() != 64) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::runtime::image;
  const std::string text(reinterpret_cast<const char*>(data), size);
  as_archive(text, size % 7 == 0 ? 1 + size / 7 : size + 1);
  (void)parse_index(text);
  (void)parse_manifest(text);
  (void)parse_saved(text);
  (void)from_record(text);
  if (const auto config = parse_config(text)) {
    Image image;
    image.name = "a:b";
    image.layers = {"0a"};
    image.config = config->config;
    image.created = config->created;
    const auto back = from_record(to_record(image));
    if (!back || back->created != image.created) std::abort();
  }
  if (const auto name = normalize_name(text)) {
    const auto again = normalize_name(*name);
    if (!again || *again != *name || record_file(*name).find('/') != std::string::npos) std::abort();
  }
  auto config = nlohmann::ordered_json::object();
  (void)apply_changes(config, {text});
  KindOfNames names;
  names.see(text, EntryType::kFile);
  (void)names.kind();
  const std::string reference = name_of_reference(text);
  if (!reference.empty() && full_name(reference).find(repository_of(reference)) == std::string::npos) std::abort();
  const std::vector<Image> images(1);
  (void)choose_reference(images, text);
  const auto cut = text.find('\n');
  (void)resolve_user(text.substr(0, cut), text, text);
  return 0;
}
