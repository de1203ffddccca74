// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/layer_note.h"

#include <algorithm>

#include "runtime/file.h"
#include "runtime/image/image_documents.h"
#include "runtime/json_numbers.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kMostSources = 8;
constexpr std::size_t kMostBlobs = 8;

std::string note_file(const std::string& store, const std::string& layer) {
  return store + "/notes/" + layer + ".json";
}

}  // namespace

std::string to_text(const LayerNote& note) {
  nlohmann::json blobs = nlohmann::json::array();
  for (const LayerBlob& blob : note.blobs) {
    blobs.push_back({{"mediaType", blob.media_type},
                     {"digest", blob.digest},
                     {"size", blob.size},
                     {"diffId", blob.diff_id},
                     {"sources", blob.sources}});
  }
  nlohmann::json text = {{"version", 1}, {"diffId", note.diff_id}, {"blobs", blobs}};
  if (note.size) text["size"] = *note.size;
  return text.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<LayerNote> parse_note(std::string_view text) {
  try {
    const auto value = nlohmann::json::parse(text);
    if (const auto version = whole_number<std::int64_t>(value.at("version")); version != 1)
      return fail("layer note: found version " + std::to_string(version) + ", expected 1");
    LayerNote note;
    value.at("diffId").get_to(note.diff_id);
    if (const auto size = value.find("size"); size != value.end()) note.size = whole_number<std::int64_t>(*size, 0);
    for (const auto& each : value.at("blobs")) {
      LayerBlob blob;
      each.at("mediaType").get_to(blob.media_type);
      each.at("digest").get_to(blob.digest);
      blob.size = whole_number<std::int64_t>(each.at("size"), 0);
      each.at("diffId").get_to(blob.diff_id);
      each.at("sources").get_to(blob.sources);
      if (!is_digest(blob.digest) || !is_digest(blob.diff_id))
        return fail("layer note: found a malformed blob, expected digest, diffId and size");
      note.blobs.push_back(std::move(blob));
    }
    return note;
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("layer note: ") + error.what());
  }
}

void remember(LayerNote& note, const LayerBlob& blob) {
  auto at = std::find_if(note.blobs.begin(), note.blobs.end(),
                         [&](const LayerBlob& each) { return each.digest == blob.digest; });
  if (at == note.blobs.end()) {
    if (note.blobs.size() >= kMostBlobs) note.blobs.erase(note.blobs.begin());
    note.blobs.push_back(blob);
    return;
  }
  for (const std::string& source : blob.sources) {
    std::erase(at->sources, source);
    if (at->sources.size() >= kMostSources) at->sources.erase(at->sources.begin());
    at->sources.push_back(source);
  }
}

LayerNote read_note(const std::string& store, const std::string& layer) {
  const auto text = read_file(AT_FDCWD, note_file(store, layer));
  return text ? parse_note(*text).value_or(LayerNote()) : LayerNote();
}

Status write_note(const std::string& store, const std::string& layer, const LayerNote& note) {
  return replace_file(note_file(store, layer), to_text(note), 0644, Durability::volatile_);
}

}  // namespace mete::runtime::image
