// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/made_documents.h"

#include <algorithm>
#include <ctime>

#include "runtime/image/archives/platforms.h"
#include "runtime/ordered_json.h"

namespace mete::runtime::image {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest}, {"size", descriptor.size}};
}

Json config_of(const Image& image) {
  const ImageConfig& config = image.config;
  Json own = Json::object();
  if (!config.user.empty()) own["User"] = config.user;
  if (!config.env.empty()) own["Env"] = config.env;
  if (!config.entrypoint.empty()) own["Entrypoint"] = config.entrypoint;
  if (!config.cmd.empty()) own["Cmd"] = config.cmd;
  if (!config.working_dir.empty()) own["WorkingDir"] = config.working_dir;
  if (!config.labels.empty()) own["Labels"] = config.labels;
  if (!config.stop_signal.empty()) own["StopSignal"] = config.stop_signal;
  return {{"created", document_time(image.created)},
          {"architecture", machine_architecture()},
          {"os", "linux"},
          {"config", std::move(own)}};
}

std::size_t filled(const Json& history) {
  return static_cast<std::size_t>(std::count_if(history.begin(), history.end(), [](const Json& row) {
    const auto empty = row.find("empty_layer");  // of what is no object the end
    return empty == row.end() || !empty->is_boolean() || !empty->get<bool>();
  }));
}

}  // namespace

std::string document_time(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&seconds, &parts) != nullptr) (void)std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string oci_layer_type(const std::string& type) {
  if (!type.starts_with("application/vnd.docker.image.rootfs.")) return type;
  const std::string tar = "application/vnd.oci.image.layer.v1.tar";
  if (type.ends_with(".gzip")) return tar + "+gzip";
  return type.ends_with(".zstd") ? tar + "+zstd" : tar;
}

std::string make_manifest(const Descriptor& config, const std::vector<Descriptor>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) list.push_back(to_json(layer));
  const Json manifest = {
      {"schemaVersion", 2}, {"mediaType", kOciManifest}, {"config", to_json(config)}, {"layers", std::move(list)}};
  return manifest.dump();
}

Result<std::string> make_config(std::string_view text, const Image& image, const std::vector<std::string>& diff_ids) {
  try {
    Json config = text.empty() ? config_of(image) : parse_ordered(text);
    if (!config.is_object()) return fail("image configuration: found no JSON object");
    config["rootfs"] = {{"type", "layers"}, {"diff_ids", diff_ids}};
    const auto history = config.find("history");
    if (history != config.end() && (!history->is_array() || filled(*history) != diff_ids.size()))
      config.erase("history");
    return config.dump();
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("image configuration: ") + error.what());
  }
}

}  // namespace mete::runtime::image
