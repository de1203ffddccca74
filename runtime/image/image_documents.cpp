// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/image_documents.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "runtime/json_numbers.h"

namespace mete::runtime::image {
namespace {

using nlohmann::json;

// In these documents a null value means the same as an absent one.
template <class T>
T value_or(const json& object, const char* key, T otherwise = T()) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? std::move(otherwise) : found->get<T>();
}

const json& object_or_empty(const json& object, const char* key) {
  static const json empty = json::object();
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? empty : *found;
}

// Reports malformed JSON and wrong types as an error.
template <class Read>
auto read_document(std::string_view text, const char* what, Read read) -> decltype(read(json())) {
  try {
    const json document = json::parse(text);
    return read(document);
  } catch (const json::exception& error) {
    return fail(std::string(what) + ": " + error.what());
  }
}

Platform platform_of(const json& object) {
  return {value_or<std::string>(object, "os"), value_or<std::string>(object, "architecture"),
          value_or<std::string>(object, "variant")};
}

// Of the whole name that docker gives, and of OCI's, which is a tag or a whole name. When their tags differ, a tool
// that knows OCI's alone has given a new one.
std::string reference_of(const std::string& whole, const std::string& oci) {
  if (whole.empty()) return oci;
  if (oci.empty() || oci.find_first_of(":/@") != std::string::npos || whole.ends_with(":" + oci)) return whole;
  return repository_of(whole) + ":" + oci;
}

Result<Descriptor> descriptor_of(const json& object) {
  Descriptor descriptor;
  descriptor.media_type = value_or<std::string>(object, "mediaType");
  descriptor.digest = object.at("digest").get<std::string>();
  descriptor.size = whole_number<std::int64_t>(object.at("size"), 0);
  if (!is_digest(descriptor.digest)) {
    return fail("found the digest \"" + descriptor.digest + "\", expected sha256: and 64 hexadecimal digits");
  }
  if (object.contains("platform")) descriptor.platform = platform_of(object_or_empty(object, "platform"));
  const json& annotations = object_or_empty(object, "annotations");
  descriptor.reference = reference_of(value_or<std::string>(annotations, "io.containerd.image.name"),
                                      value_or<std::string>(annotations, "org.opencontainers.image.ref.name"));
  descriptor.is_attestation = value_or<std::string>(annotations, "vnd.docker.reference.type") == "attestation-manifest";
  return descriptor;
}

// Accepts "2024-02-29T12:34:56.789Z", also with +01:00. Any other text is the epoch, because nothing depends on it.
std::chrono::system_clock::time_point parse_time(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return {};
  std::time_t seconds = ::timegm(&parts);
  if (*rest == '.') rest += 1 + std::strspn(rest + 1, "0123456789");
  if (*rest == '+' || *rest == '-') {
    std::tm zone{};
    if (const char* end = ::strptime(rest + 1, "%H:%M", &zone); end == nullptr || *end != '\0') return {};
    const int offset = zone.tm_hour * 3600 + zone.tm_min * 60;
    seconds -= *rest == '+' ? offset : -offset;
  }
  // Times outside this range would overflow the clock's type.
  if (seconds < 0 || seconds > 9'000'000'000) return {};
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

bool has_nul(const ImageConfig& config) {
  for (const auto* list : {&config.entrypoint, &config.cmd, &config.env}) {
    if (std::any_of(list->begin(), list->end(), [](const std::string& text) { return has_nul(text); })) return true;
  }
  return has_nul(config.working_dir) || has_nul(config.user) || has_nul(config.stop_signal);
}

}  // namespace

bool is_digest(std::string_view digest) {
  constexpr std::string_view kSha256 = "sha256:";
  return digest.starts_with(kSha256) && digest.size() == kSha256.size() + 64 &&
         digest.find_first_not_of("0123456789abcdef", kSha256.size()) == std::string_view::npos;
}

bool is_index_type(std::string_view type) {
  return type == "application/vnd.oci.image.index.v1+json" ||
         type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

bool is_manifest_type(std::string_view type) {
  return type == "application/vnd.oci.image.manifest.v1+json" ||
         type == "application/vnd.docker.distribution.manifest.v2+json";
}

bool is_config_type(std::string_view type) {
  return type == "application/vnd.oci.image.config.v1+json" || type == "application/vnd.docker.container.image.v1+json";
}

bool is_layer_type(std::string_view type) {
  for (const char* known :
       {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}) {
    if (type == known) return true;
  }
  return false;
}

Result<std::vector<Descriptor>> parse_index(std::string_view text) {
  return read_document(text, "image index", [](const json& document) -> Result<std::vector<Descriptor>> {
    std::vector<Descriptor> manifests;
    for (const json& object : document.at("manifests")) {
      METE_TRY(Descriptor descriptor, descriptor_of(object));
      manifests.push_back(std::move(descriptor));
    }
    return manifests;
  });
}

Result<Manifest> parse_manifest(std::string_view text) {
  return read_document(text, "image manifest", [](const json& document) -> Result<Manifest> {
    if (const auto version = whole_number<std::int64_t>(document.at("schemaVersion")); version != 2) {
      return fail("image manifest: found schemaVersion " + std::to_string(version) + ", expected 2");
    }
    Manifest manifest;
    METE_TRY(manifest.config, descriptor_of(document.at("config")));
    if (!is_config_type(manifest.config.media_type)) {
      return fail("image manifest: found a configuration of type \"" + manifest.config.media_type +
                  "\", expected a container image's");
    }
    for (const json& object : document.at("layers")) {
      METE_TRY(Descriptor layer, descriptor_of(object));
      if (!is_layer_type(layer.media_type)) {
        return fail("image manifest: found a layer of type \"" + layer.media_type +
                    "\", expected tar, plain or with gzip or zstd");
      }
      manifest.layers.push_back(std::move(layer));
    }
    return manifest;
  });
}

Result<ConfigDocument> parse_config(std::string_view text) {
  return read_document(text, "image configuration", [](const json& document) -> Result<ConfigDocument> {
    using Strings = std::vector<std::string>;
    ConfigDocument result;
    result.platform = platform_of(document);
    result.created = parse_time(value_or<std::string>(document, "created"));
    const json& rootfs = document.at("rootfs");
    result.diff_ids = rootfs.at("diff_ids").get<Strings>();
    for (const std::string& id : result.diff_ids) {
      if (!is_digest(id)) return fail("image configuration: found the diff_id \"" + id + "\", expected sha256:...");
    }
    const json& object = object_or_empty(document, "config");
    ImageConfig& config = result.config;
    config.entrypoint = value_or<Strings>(object, "Entrypoint");
    config.cmd = value_or<Strings>(object, "Cmd");
    config.env = value_or<Strings>(object, "Env");
    // Build tools use a name without a value as a placeholder.
    std::erase_if(config.env, [](const std::string& at) { return at.find('=') == std::string::npos || at[0] == '='; });
    config.working_dir = value_or<std::string>(object, "WorkingDir");
    if (!config.working_dir.empty() && config.working_dir[0] != '/') config.working_dir.insert(0, "/");
    config.user = value_or<std::string>(object, "User");
    config.stop_signal = value_or<std::string>(object, "StopSignal");
    config.labels = value_or<std::map<std::string, std::string>>(object, "Labels");
    if (has_nul(config)) return fail("image configuration: found a NUL character in a text, expected none");
    return result;
  });
}

Result<std::vector<SavedImage>> parse_saved(std::string_view text) {
  return read_document(text, "manifest.json", [](const json& document) -> Result<std::vector<SavedImage>> {
    using Strings = std::vector<std::string>;
    std::vector<SavedImage> images;
    if (!document.is_array()) return fail("manifest.json: found no list, expected that of `docker save`");
    for (const json& object : document) {
      images.push_back({object.at("Config").get<std::string>(), object.at("Layers").get<Strings>(),
                        value_or<Strings>(object, "RepoTags")});
    }
    return images;
  });
}

}  // namespace mete::runtime::image
