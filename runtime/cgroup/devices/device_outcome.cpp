// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/devices/device_outcome.h"

#include <linux/bpf.h>

#include <algorithm>

#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

constexpr std::pair<char, unsigned> kAccess[] = {
    {'r', BPF_DEVCG_ACC_READ}, {'w', BPF_DEVCG_ACC_WRITE}, {'m', BPF_DEVCG_ACC_MKNOD}};

unsigned access_bits(std::string_view text) {
  unsigned bits = 0;
  for (const auto& [letter, bit] : kAccess) bits |= text.find(letter) != std::string_view::npos ? bit : 0;
  return bits;
}

std::string access_text(unsigned bits) {
  std::string text;
  for (const auto& [letter, bit] : kAccess) {
    if ((bits & bit) != 0) text += letter;
  }
  return text;
}

// "*" is any number; nothing when it is neither that nor a number.
std::optional<std::optional<std::uint32_t>> device_number(std::string_view word) {
  if (word == "*") return std::optional<std::uint32_t>();
  const auto number = parse_u64(word);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return std::optional(static_cast<std::uint32_t>(*number));
}

unsigned bits_of(const DeviceOutcome& outcome, const DeviceException& device) {
  unsigned bits = 0;
  for (const auto& each : outcome.exceptions) bits |= each.same_device(device) ? each.access : 0;
  return bits;
}

// Rules about what `more` has of each device and `less` has not.
void add_difference(const DeviceOutcome& more, const DeviceOutcome& less, bool allow, std::vector<DeviceRule>& rules) {
  for (const auto& each : more.exceptions) {
    const unsigned bits = each.access & ~bits_of(less, each);
    if (bits != 0) rules.push_back({allow, each.type, each.major, each.minor, access_text(bits)});
  }
}

}  // namespace

DeviceOutcome outcome_of(const std::vector<DeviceRule>& rules) {
  DeviceOutcome outcome;
  for (const auto& rule : rules) {
    if (rule.type == 'a') {
      outcome = {rule.allow, {}};
      continue;
    }
    const DeviceException exception{rule.type, rule.major, rule.minor, access_bits(rule.access)};
    const auto at = std::find_if(outcome.exceptions.begin(), outcome.exceptions.end(),
                                 [&](const auto& other) { return other.same_device(exception); });
    if (rule.allow != outcome.allow) {
      if (at == outcome.exceptions.end()) {
        outcome.exceptions.push_back(exception);
      } else {
        at->access |= exception.access;
      }
    } else if (at != outcome.exceptions.end()) {
      at->access &= ~exception.access;
    }
  }
  return outcome;
}

DeviceOutcome parse_devices_list(std::string_view text) {
  DeviceOutcome outcome{.allow = false, .exceptions = {}};
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view type = next_word(line);
    std::string_view numbers = next_word(line);
    if (type == "a") return {};
    if (type != "b" && type != "c") continue;
    const auto major = device_number(next_part(numbers, ':'));
    const auto minor = device_number(numbers);
    if (major && minor) outcome.exceptions.push_back({type.front(), *major, *minor, access_bits(next_word(line))});
  }
  return outcome;
}

std::optional<std::vector<DeviceRule>> device_changes(const DeviceOutcome& found, const DeviceOutcome& wanted) {
  if (found.allow || wanted.allow) return std::nullopt;
  std::vector<DeviceRule> rules;
  add_difference(wanted, found, true, rules);
  add_difference(found, wanted, false, rules);
  return rules;
}

}  // namespace mete::runtime::cgroup
