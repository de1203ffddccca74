// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/device_rules.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/file.h"

namespace mete::runtime::oci {
namespace {

// Kept open: a profile has dozens of lines.
class DeviceFile {
 public:
  explicit DeviceFile(std::string path) : path_(std::move(path)) {}
  Status write(std::string_view text) {
    if (!fd_.valid()) {
      METE_TRY(fd_, open_at(AT_FDCWD, path_, O_WRONLY));
    }
    if (::write(fd_.get(), text.data(), text.size()) < 0) return fail_errno("write \"" + std::string(text) + "\" to " + path_);
    return {};
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

Status apply_device_rules(const cgroup::Group& group, const std::vector<DeviceRule>& rules) {
  if (!group.hierarchies().on_v1("devices")) return {};
  const std::string directory = group.directory("devices");
  DeviceFile allow(directory + "/devices.allow");
  DeviceFile deny(directory + "/devices.deny");
  if (rules.empty()) METE_CHECK(deny.write("a"));
  bool all = false;
  for (const auto& rule : rules) {
    METE_CHECK((rule.allow ? allow : deny).write(rule.text));
    if (rule.text == "a") all = rule.allow;
  }
  if (all) return {};
  for (const char* const rule : {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm",
                                 "c 5:2 rwm", "c 136:* rwm"}) {
    METE_CHECK(allow.write(rule));
  }
  return {};
}

}  // namespace mete::runtime::oci
