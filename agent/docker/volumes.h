// SPDX-License-Identifier: Apache-2.0
// Named volumes: STATE/docker/volumes/NAME/ with _data, which containers mount, and volume.json. Of one with options
// _data is there only while its file system is mounted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/docker/fields.h"
#include "agent/docker/held_mounts.h"

namespace mete::agent::docker {

struct Volume {
  std::string name;
  std::string created;  // RFC 3339
  Json labels = Json::object();
  Json options = Json::object();  // of the local driver (held_mounts.h); none: a directory of this machine
  bool anonymous = false;
};

class Volumes {
 public:
  explicit Volumes(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name + "/_data"; }
  // One of that name that is there already is left as it is.
  [[nodiscard]] Status create(const std::string& name, const Json& labels, const Json& options, bool anonymous);
  // What is mounted at path(name) while containers run that have it; empty: it is a directory.
  [[nodiscard]] std::optional<HeldMount> mount_of(const std::string& name) const;
  [[nodiscard]] Result<Volume> find(const std::string& name) const;  // ENOENT: there is none
  [[nodiscard]] std::vector<Volume> list() const;                    // by name
  [[nodiscard]] Status remove(const std::string& name);

 private:
  std::string directory_;
};

// 64 hexadecimal digits.
[[nodiscard]] std::string new_id();

}  // namespace mete::agent::docker
