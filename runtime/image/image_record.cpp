// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/image_record.h"

#include <algorithm>

#include "runtime/json_numbers.h"

namespace mete::runtime::image {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

// A layer's name becomes part of a path and of a mount option.
bool is_layer_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// A time that the clock's type does not hold is the epoch: nothing depends on it.
std::chrono::system_clock::time_point time_of(std::int64_t seconds) {
  constexpr std::int64_t kMost = 9'000'000'000;  // the clock counts nanoseconds
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds < -kMost || seconds > kMost ? 0 : seconds));
}

}  // namespace

std::string record_file(const std::string& name) {
  std::string file = name;
  std::replace(file.begin(), file.end(), '/', '+');
  return file + ".json";
}

std::string to_record(const Image& image) {
  const ImageConfig& config = image.config;
  const json record = {
      {"version", kVersion},
      {"name", image.name},
      {"id", image.id},
      {"layers", image.layers},
      {"size", image.size},
      {"digest", image.digest},
      {"manifest", image.manifest},
      {"created", std::chrono::duration_cast<std::chrono::seconds>(image.created.time_since_epoch()).count()},
      {"config",
       {{"entrypoint", config.entrypoint},
        {"cmd", config.cmd},
        {"env", config.env},
        {"workingDir", config.working_dir},
        {"user", config.user},
        {"uid", config.uid},
        {"gid", config.gid},
        {"groups", config.groups},
        {"stopSignal", config.stop_signal},
        {"labels", config.labels}}}};
  return record.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Image> from_record(std::string_view text) {
  try {
    const json record = json::parse(text);
    if (const auto version = whole_number<std::int64_t>(record.at("version")); version != kVersion) {
      return fail("image record: found version " + std::to_string(version) + ", expected " + std::to_string(kVersion));
    }
    Image image;
    record.at("name").get_to(image.name);
    record.at("id").get_to(image.id);
    record.at("layers").get_to(image.layers);
    image.size = whole_number<std::int64_t>(record.at("size"));
    image.digest = record.value("digest", "");  // records of earlier versions have neither
    image.manifest = record.value("manifest", "");
    image.created = time_of(whole_number<std::int64_t>(record.at("created")));
    const json& config = record.at("config");
    config.at("entrypoint").get_to(image.config.entrypoint);
    config.at("cmd").get_to(image.config.cmd);
    config.at("env").get_to(image.config.env);
    config.at("workingDir").get_to(image.config.working_dir);
    config.at("user").get_to(image.config.user);
    image.config.uid = whole_number<std::uint32_t>(config.at("uid"));
    image.config.gid = whole_number<std::uint32_t>(config.at("gid"));
    for (const json& group : config.at("groups").get_ref<const json::array_t&>())
      image.config.groups.push_back(whole_number<std::uint32_t>(group));
    config.at("stopSignal").get_to(image.config.stop_signal);
    config.at("labels").get_to(image.config.labels);
    if (image.layers.empty() || !std::all_of(image.layers.begin(), image.layers.end(), is_layer_name)) {
      return fail("image record: found no layers or a malformed layer name, expected hexadecimal names");
    }
    return image;
  } catch (const json::exception& error) {
    return fail(std::string("image record: ") + error.what());
  }
}

}  // namespace mete::runtime::image
