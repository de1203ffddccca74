// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/documents.h"

#include <algorithm>

#include "runtime/image/archives/platforms.h"
#include "runtime/json.h"

namespace mete::runtime::registry {
Result<std::string> manifest_type(std::string_view text, std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (!value.is_object()) return fail("found no JSON object, expected a manifest");
  if (const auto own = value.find("mediaType"); own != value.end() && own->is_string()) {
    const auto said = own->get<std::string>();
    const bool general =
        type.empty() || type == "application/json" || type == "text/plain" || type == "application/octet-stream";
    if (!general && said != type)
      return fail("found a manifest of type \"" + said + "\" in an answer of type \"" + type + "\", expected one type");
    type = said;
  }
  if (type.find("manifest.v1+") != std::string::npos && type.find("docker") != std::string::npos)
    return fail(
        "found a manifest of docker's version 1, expected version 2 or OCI: push the image again with a tool "
        "of this decade");
  if (!image::is_index_type(type) && !image::is_manifest_type(type))
    return fail("found the type \"" + type + "\", expected the manifest or the index of an image");
  const bool index = value.contains("manifests") && !value.contains("config");
  if (index != image::is_index_type(type))
    return fail("found the type \"" + type + "\" on " + (index ? "an index" : "a manifest") + ", expected its own");
  return type;
}

Result<image::Descriptor> choose_from_index(std::string_view text) {
  METE_TRY(auto entries, image::parse_index(text));
  std::erase_if(entries, [](const image::Descriptor& each) {
    return each.is_attestation || !each.platform || !image::is_manifest_type(each.media_type);
  });
  for (auto& each : entries) each.reference.clear();  // the names of an index on a registry say nothing
  return image::choose_platform(std::move(entries), "");
}

}  // namespace mete::runtime::registry
