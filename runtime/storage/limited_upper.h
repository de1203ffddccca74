// SPDX-License-Identifier: Apache-2.0
// A quota for the writable layer where the file system has none: the layer lies in a file system of its own, in a
// sparse file, on a loop device. The file is a copy of a template of that size, which is made once.
#pragma once

#include <mutex>
#include <string>

#include "config/base/result.h"
#include "config/base/units.h"
#include "runtime/storage/place.h"

namespace mete::runtime::storage {

// Where templates lie, below the driver's directory.
[[nodiscard]] inline std::string templates_directory(const std::string& of_driver) {
  return of_driver + "/templates";
}

class LimitedUpper {
 public:
  // `directory` is for the templates.
  explicit LimitedUpper(std::string directory) : directory_(std::move(directory)) {}

  // The error names what is missing: a program, loop devices.
  [[nodiscard]] Status is_possible() const;
  // Mounts place.limited() with diff/ and work/ in it: a new file system for `limit` bytes of data, or what an earlier
  // attempt has left in place.image(). Where that is still mounted, nothing is done.
  [[nodiscard]] Status mount(const Place& place, Bytes limit);
  // Removes what an agent left that was killed while it made a template.
  [[nodiscard]] Status clear_half_made() const;

 private:
  [[nodiscard]] std::string mounted() const { return directory_ + "/mounted"; }
  [[nodiscard]] Result<std::string> template_of(Bytes limit);
  [[nodiscard]] Status make_template(const std::string& file, Bytes limit) const;

  std::string directory_;
  std::mutex templates_;  // held while one is made
};

// Mounts place.limited() where there is place.image() and the machine was started again since; else does nothing.
// Several processes may do so at once.
[[nodiscard]] Status mount_limited(const Place& place);

}  // namespace mete::runtime::storage
