// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/devices/devices.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/cgroup/devices/device_outcome.h"
#include "runtime/cgroup/devices/device_program.h"
#include "runtime/fd.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

// Kept open: a profile has dozens of lines.
class DeviceFile {
 public:
  explicit DeviceFile(std::string path) : path_(std::move(path)) {}
  Status write(std::string_view text) {
    if (!fd_.valid()) {
      METE_TRY(fd_, open_at(AT_FDCWD, path_, O_WRONLY));
    }
    if (::write(fd_.get(), text.data(), text.size()) < 0)
      return fail_errno("write \"" + std::string(text) + "\" to " + path_);
    return {};
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

std::vector<DeviceRule> with_what_all_have(std::vector<DeviceRule> rules) {
  if (rules.empty()) rules.push_back({});
  const auto last = std::find_if(rules.rbegin(), rules.rend(), [](const DeviceRule& rule) { return rule.type == 'a'; });
  if (last != rules.rend() && last->allow) return rules;
  for (const char type : {'c', 'b'}) rules.push_back({true, type, std::nullopt, std::nullopt, "m"});
  constexpr std::pair<std::uint32_t, std::uint32_t> kEverybodys[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8},
                                                                     {1, 9}, {5, 0}, {5, 2}};
  for (const auto& [major, minor] : kEverybodys) rules.push_back({true, 'c', major, minor, "rwm"});
  rules.push_back({true, 'c', 136, std::nullopt, "rwm"});
  return rules;
}

Status write_rules(const Group& group, const std::vector<DeviceRule>& rules) {
  const std::string directory = group.directory("devices");
  DeviceFile allow(directory + "/devices.allow");
  DeviceFile deny(directory + "/devices.deny");
  for (const auto& rule : rules) METE_CHECK((rule.allow ? allow : deny).write(to_text(rule)));
  return {};
}

}  // namespace

std::string to_text(const DeviceRule& rule) {
  // The kernel knows "all" only as a whole: it forgets all rules, then allows or denies everything.
  if (rule.type == 'a') return "a";
  const auto number = [](const std::optional<std::uint32_t>& value) {
    return value ? std::to_string(*value) : std::string("*");
  };
  return std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " " + rule.access;
}

std::vector<DeviceRule> all_device_rules(const std::vector<DeviceRule>& rules, const std::vector<DeviceRule>& last) {
  auto all = with_what_all_have(rules);
  all.insert(all.end(), last.begin(), last.end());
  return all;
}

Status apply_device_rules(const Group& group, const std::vector<DeviceRule>& rules,
                          const std::vector<DeviceRule>& last) {
  const auto all = all_device_rules(rules, last);
  if (!group.hierarchies().on_v1("devices")) {
    // Hybrid without the controller on v1, too: the program sits on the twin.
    const std::string directory = group.unified_directory();
    return directory.empty() ? Status() : attach_device_program(directory, device_program(all));
  }
  return write_rules(group, all);
}

Status change_device_rules(const Group& group, const std::vector<DeviceRule>& rules,
                           const std::vector<DeviceRule>& last) {
  if (!group.hierarchies().on_v1("devices")) return apply_device_rules(group, rules, last);
  const auto all = all_device_rules(rules, last);
  METE_TRY(const std::string list, group.read("devices", "devices.list"));
  const auto wanted = outcome_of(all);
  const auto changes = device_changes(parse_devices_list(list), wanted);
  const Status written = write_rules(group, changes ? *changes : all);
  // A group with others below it takes no new answer for all devices; one that may use everything has it already.
  const bool everything = wanted.allow && wanted.exceptions.empty();
  if (written || (written.error().code == EINVAL && everything)) return {};
  // Undo the rules that were written before the refusal.
  if (const auto now = group.read("devices", "devices.list")) {
    const auto back = device_changes(parse_devices_list(*now), parse_devices_list(list));
    if (back) (void)write_rules(group, *back);
  }
  return written;
}

}  // namespace mete::runtime::cgroup
