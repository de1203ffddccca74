// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/volumes.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::docker {

Status Volumes::create(const std::string& name, const Json& labels, const Json& options, bool anonymous) {
  std::error_code ignored;
  const std::string record = directory_ + "/" + name + "/volume.json";
  if (std::filesystem::exists(record, ignored)) return {};
  if (const auto right = check_volume_options(options); !right) return fail_in("create " + name, right.error());
  const bool has_options = !names_in(Json{{"o", options}}, "o").empty();
  METE_CHECK(runtime::make_directories(has_options ? directory_ + "/" + name : path(name), 0755));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const Json value = {{"created", runtime::shim::format_time(now).data()},
                      {"labels", or_object(labels)},
                      {"options", or_object(options)},
                      {"anonymous", anonymous}};
  return runtime::replace_file(record, value.dump() + "\n", 0600, runtime::Durability::volatile_);
}

Result<Volume> Volumes::find(const std::string& name) const {
  METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, directory_ + "/" + name + "/volume.json"));
  const Json value = Json::parse(text, nullptr, false);
  Volume volume;
  volume.name = name;
  volume.created = text_of(value, "created");
  volume.labels = field(value, "labels");
  volume.options = or_object(field(value, "options"));
  volume.anonymous = flag_of(value, "anonymous");
  return volume;
}

std::vector<Volume> Volumes::list() const {
  std::vector<Volume> all;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    if (auto volume = find(entry.path().filename().string())) all.push_back(std::move(*volume));
  }
  std::sort(all.begin(), all.end(), [](const Volume& a, const Volume& b) { return a.name < b.name; });
  return all;
}

std::optional<HeldMount> Volumes::mount_of(const std::string& name) const {
  const auto volume = find(name);
  if (!volume || volume->options.empty()) return std::nullopt;
  const Json& options = volume->options;
  return HeldMount{path(name), text_of(options, "type"), text_of(options, "device"), text_of(options, "o")};
}

Status Volumes::remove(const std::string& name) {
  // Never into a file system that is mounted there: its files are not the volume's.
  if (mount_of(name)) {
    METE_CHECK(unmount_held(path(name)));
    return runtime::remove_tree(directory_ + "/" + name);
  }
  // The record last: what is left of a volume is still one.
  METE_CHECK(runtime::remove_tree(path(name)));
  return runtime::remove_tree(directory_ + "/" + name);
}

std::string new_id() {
  unsigned char bytes[32] = {};
  (void)!::getrandom(bytes, sizeof bytes, 0);
  constexpr const char* kDigits = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += kDigits[byte >> 4U];
    id += kDigits[byte & 15U];
  }
  return id;
}

}  // namespace mete::agent::docker
