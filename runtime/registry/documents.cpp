// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/documents.h"

#include <algorithm>
#include <ctime>

#include "runtime/image/layout.h"
#include "runtime/json.h"

namespace mete::runtime::registry {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const image::Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest}, {"size", descriptor.size}};
}

std::string time_of(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&seconds, &parts) != nullptr) (void)std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json config_of(const image::Image& image) {
  const image::ImageConfig& config = image.config;
  Json own = Json::object();
  if (!config.user.empty()) own["User"] = config.user;
  if (!config.env.empty()) own["Env"] = config.env;
  if (!config.entrypoint.empty()) own["Entrypoint"] = config.entrypoint;
  if (!config.cmd.empty()) own["Cmd"] = config.cmd;
  if (!config.working_dir.empty()) own["WorkingDir"] = config.working_dir;
  if (!config.labels.empty()) own["Labels"] = config.labels;
  if (!config.stop_signal.empty()) own["StopSignal"] = config.stop_signal;
  return {{"created", time_of(image.created)},
          {"architecture", image::machine_architecture()},
          {"os", "linux"},
          {"config", std::move(own)}};
}

std::size_t filled(const Json& history) {
  return static_cast<std::size_t>(std::count_if(history.begin(), history.end(), [](const Json& row) {
    return !row.is_object() || !row.value("empty_layer", false);
  }));
}

}  // namespace

Result<std::string> manifest_type(std::string_view text, std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  const Json value = Json::parse(text, nullptr, false);
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

std::string oci_layer_type(const std::string& type) {
  if (!type.starts_with("application/vnd.docker.image.rootfs.")) return type;
  const std::string tar = "application/vnd.oci.image.layer.v1.tar";
  if (type.ends_with(".gzip")) return tar + "+gzip";
  return type.ends_with(".zstd") ? tar + "+zstd" : tar;
}

std::string make_manifest(const image::Descriptor& config, const std::vector<image::Descriptor>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) list.push_back(to_json(layer));
  const Json manifest = {
      {"schemaVersion", 2}, {"mediaType", kOciManifest}, {"config", to_json(config)}, {"layers", std::move(list)}};
  return manifest.dump();
}

Result<std::string> make_config(std::string_view text, const image::Image& image,
                                const std::vector<std::string>& diff_ids) {
  try {
    Json config = text.empty() ? config_of(image) : Json::parse(text);
    config["rootfs"] = {{"type", "layers"}, {"diff_ids", diff_ids}};
    const auto history = config.find("history");
    if (history != config.end() && (!history->is_array() || filled(*history) != diff_ids.size()))
      config.erase("history");
    return config.dump();
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("image configuration: ") + error.what());
  }
}

}  // namespace mete::runtime::registry
