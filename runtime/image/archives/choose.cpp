// SPDX-License-Identifier: Apache-2.0
// Gathers the manifests of an OCI layout.
#include "runtime/image/archives/layout.h"

namespace mete::runtime::image {
namespace {

constexpr int kMaxDepth = 4;             // nesting of indexes
constexpr std::size_t kMaxFound = 1000;  // number of manifests, and of entries that are read to find them

struct Gathered {
  std::vector<Descriptor> found;
  std::size_t seen = 0;  // entries, those that lead to no manifest included: one index may name another many times
};

// Appends the descriptors of all manifests below `index`, with their platforms.
Status gather(const Layout& layout, const std::string& index, int depth, Gathered& all) {
  auto& found = all.found;
  if (depth > kMaxDepth)
    return fail("found indexes nested deeper than " + std::to_string(kMaxDepth) + ", expected fewer");
  METE_TRY(const auto entries, parse_index(index));
  for (const Descriptor& entry : entries) {
    if (entry.is_attestation) continue;
    if (++all.seen > kMaxFound)
      return fail("found more than " + std::to_string(kMaxFound) + " manifests and indexes, expected fewer");
    if (is_index_type(entry.media_type)) {
      METE_TRY(const std::string inner, layout.blob(entry));
      const std::size_t before = found.size();
      METE_CHECK(gather(layout, inner, depth + 1, all));
      // The name of an index applies to its manifests.
      for (std::size_t i = before; i < found.size(); ++i) {
        if (found[i].reference.empty()) found[i].reference = entry.reference;
      }
      continue;
    }
    if (!is_manifest_type(entry.media_type)) {
      return fail("index.json: found an entry of type \"" + entry.media_type +
                  "\", expected an image's manifest or index");
    }
    found.push_back(entry);
    if (entry.platform) continue;
    METE_TRY(const std::string text, layout.blob(entry));
    METE_TRY(const Manifest manifest, parse_manifest(text));
    METE_TRY(const std::string config_text, layout.blob(manifest.config));
    METE_TRY(const ConfigDocument config, parse_config(config_text));
    found.back().platform = config.platform;
  }
  return {};
}

Result<std::vector<Descriptor>> gather_all(const Layout& layout) {
  METE_TRY(const std::string index, layout.text(layout.form() == LayoutForm::kFlat ? "manifest.json" : "index.json"));
  Gathered all;
  METE_CHECK(gather(layout, index, 0, all));
  return std::move(all.found);
}

}  // namespace

Result<Descriptor> choose_manifest(const Layout& layout, const std::string& name) {
  METE_TRY(auto found, gather_all(layout));
  return choose_platform(std::move(found), name);
}

Result<std::vector<Descriptor>> manifests_here(const Layout& layout) {
  METE_TRY(const auto found, gather_all(layout));
  return all_platforms(found);
}

}  // namespace mete::runtime::image
