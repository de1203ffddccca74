// SPDX-License-Identifier: Apache-2.0
// Named volumes: STATE/docker/volumes/NAME/ with _data, which containers mount, and volume.json.
#pragma once

#include <string>
#include <vector>

#include "agent/docker/fields.h"

namespace mete::agent::docker {

struct Volume {
  std::string name;
  std::string created;  // RFC 3339
  Json labels = Json::object();
  bool anonymous = false;
};

class Volumes {
 public:
  explicit Volumes(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name + "/_data"; }
  // One of that name that is there already is left as it is.
  [[nodiscard]] Status create(const std::string& name, const Json& labels, bool anonymous);
  [[nodiscard]] Result<Volume> find(const std::string& name) const;  // ENOENT: there is none
  [[nodiscard]] std::vector<Volume> list() const;                    // by name
  [[nodiscard]] Status remove(const std::string& name);

 private:
  std::string directory_;
};

// 64 hexadecimal digits.
[[nodiscard]] std::string new_id();

}  // namespace mete::agent::docker
