// SPDX-License-Identifier: Apache-2.0
// The contents that control files show after the writes of limit_writes.cpp.
#include <algorithm>
#include <bitset>
#include <limits>

#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

// A file with a line for each disk that has a limit: is this one as it should be?
bool same_disk_setting(std::string_view expected, std::string_view found) {
  const bool none = expected.ends_with(" 0") || expected.ends_with(" rbps=max wbps=max riops=max wiops=max") ||
                    expected.ends_with(" target=0") || expected.ends_with(" default");
  const std::string_view disk = expected.substr(0, expected.find(' ') + 1);
  while (!found.empty()) {
    const std::string_view line = next_part(found, '\n');
    if (line.starts_with(disk)) return line == expected;
  }
  return none;
}

// "2MB" -> 2 MiB, as hugetlb's file names have it.
Bytes huge_page_size(std::string_view name) {
  const std::size_t digits = name.find_first_not_of("0123456789");
  const auto number = static_cast<std::int64_t>(parse_u64(name.substr(0, digits)).value_or(0));
  const std::string_view unit = digits == std::string_view::npos ? "" : name.substr(digits);
  const int shift = unit == "KB" ? 10 : unit == "MB" ? 20 : unit == "GB" ? 30 : 0;
  return Bytes(number << shift);
}

// Size files hold whole pages; v1 shows "no limit" as a number.
std::string as_read(const ControlWrite& write, Bytes page) {
  const bool size =
      write.controller == "memory" && write.file != "memory.oom.group" && write.file != "memory.oom_control";
  const bool huge = write.controller == "hugetlb";
  if (!size && !huge) return write.text;
  if (write.text == "max") return write.text;
  Bytes unit = page;
  if (huge) unit = huge_page_size(std::string_view(write.file).substr(8, write.file.find('.', 8) - 8));
  const auto step = static_cast<std::uint64_t>(std::max<std::int64_t>(unit.count(), 1));
  const std::uint64_t most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / step * step;
  if (write.text == "-1") return std::to_string(most);
  return std::to_string(std::min(parse_u64(write.text).value_or(0) / step * step, most));
}

constexpr std::size_t kMaxCpus = 8192;

// "0-2,5" -> bits; nothing when it is not such a list.
std::optional<std::bitset<kMaxCpus>> list_bits(std::string_view text) {
  std::bitset<kMaxCpus> bits;
  for (std::string_view rest = trim(text); !rest.empty();) {
    std::string_view part = next_part(rest, ',');
    const auto first = parse_u64(next_part(part, '-'));
    const auto last = part.empty() ? first : parse_u64(part);
    if (!first || !last || *last >= kMaxCpus) return std::nullopt;
    for (std::uint64_t bit = *first; bit <= *last; ++bit) bits.set(bit);
  }
  return bits;
}

}  // namespace

Result<std::vector<ControlWrite>> plan_reads(const Limits& limits, const Hierarchies& hierarchies, Bytes page) {
  Limits shown = limits;
  // Contents that do not follow from the limits alone are not compared: shares of an idle group, swap without memory on
  // v1.
  if (shown.cpu_idle.value_or(false)) shown.cpu_shares.reset();
  const bool no_sum = !shown.memory && shown.swap && !shown.swap->is_unlimited();
  if (no_sum && hierarchies.on_v1("memory")) shown.swap.reset();
  METE_TRY(std::vector<ControlWrite> writes, plan_writes(shown, hierarchies));
  for (ControlWrite& write : writes) write.text = as_read(write, page);
  return writes;
}

bool has_a_line_for_each_disk(std::string_view file) {
  return file == "io.max" || file == "io.latency" || file.starts_with("io.cost.") ||
         file.starts_with("blkio.throttle.") || file == "blkio.bfq.weight_device" || file == "io.bfq.weight";
}

bool same_setting(const std::string& file, std::string_view expected, std::string_view found) {
  expected = trim(expected);
  found = trim(found);
  if (expected == found) return true;
  if (file == "cpuset.cpus" || file == "cpuset.mems") {
    const auto a = list_bits(expected);
    const auto b = list_bits(found);
    return a && b && *a == *b;
  }
  if (has_a_line_for_each_disk(file)) return same_disk_setting(expected, found);
  if (file == "memory.oom_control") {
    // Reading shows it among others: "oom_kill_disable 1\nunder_oom 0\noom_kill 0".
    const auto disabled = value_of(found, "oom_kill_disable");
    return disabled && std::to_string(*disabled) == expected;
  }
  // v2 shows the largest number of pages as "max", and io.weight has a line for each disk below the default's.
  if (found == "max") return is_v1_unlimited(parse_u64(expected).value_or(0));
  if (file == "io.weight") return expected == next_line(found);
  if (file.ends_with("limit_in_bytes")) {
    const auto a = parse_u64(expected);
    const auto b = parse_u64(found);
    return a && b && is_v1_unlimited(*a) && is_v1_unlimited(*b);
  }
  return false;
}

}  // namespace mete::runtime::cgroup
