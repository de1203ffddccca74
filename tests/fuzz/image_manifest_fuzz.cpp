// SPDX-License-Identifier: Apache-2.0
// Any bytes as what lists the parts of an image: an index (a), a manifest (b), manifest.json of `docker save` (c), and
// the note beside a layer (d). What is accepted holds what the callers count on.
#include <algorithm>

#include "runtime/image/archives/platforms.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/layer_note.h"
#include "runtime/image/made_documents.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime::image;
using mete::fuzz::require;

void check(const Descriptor& descriptor) {
  require(is_digest(descriptor.digest) && descriptor.size >= 0);
}

void as_index(const std::string& text) {
  auto found = parse_index(text);
  if (!found) return;
  std::for_each(found->begin(), found->end(), check);
  std::erase_if(*found, [](const Descriptor& each) { return !each.platform; });
  const auto here = all_platforms(*found);
  if (here) require(!here->empty() && here->size() <= found->size());
  if (const auto one = choose_platform(*found, "a:1")) require(here.has_value());
}

void as_manifest(const std::string& text) {
  const auto manifest = parse_manifest(text);
  if (!manifest) return;
  check(manifest->config);
  std::for_each(manifest->layers.begin(), manifest->layers.end(), check);
  const auto again = parse_manifest(make_manifest(manifest->config, manifest->layers));
  require(again && again->config.digest == manifest->config.digest && again->layers.size() == manifest->layers.size());
}

void as_saved(const std::string& text) {
  if (const auto images = parse_saved(text)) {
    for (const SavedImage& image : *images) {
      for (const std::string& tag : image.tags) (void)name_of_reference(tag);
    }
  }
}

void as_note(const std::string& text) {
  const auto note = parse_note(text);
  if (!note) return;
  const auto again = parse_note(to_text(*note));
  require(again && *again == *note);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mete::fuzz::give({as_index, as_manifest, as_saved, as_note}, data, size);
  return 0;
}
