// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/update_flags.h"

#include <charconv>
#include <optional>

#include "runtime/json.h"

namespace mete::runtime::oci {
namespace {

// Accepts "67108864", "64m", "64MiB", "-1".
std::optional<std::int64_t> parse_size(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  std::string unit(stop, end);
  for (char& c : unit) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  constexpr std::string_view kUnits = "bkmgt";
  if (unit.empty()) return number;
  const auto power = kUnits.find(unit.front());
  const std::string rest = unit.substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib") || number < 0)
    return std::nullopt;
  const std::int64_t factor = std::int64_t{1} << (10 * power);
  if (number > INT64_MAX / factor) return std::nullopt;
  return number * factor;
}

struct Field {
  const char* flag;
  std::string Options::*value;
  const char* part;  // member of `resources`
  const char* name;
  bool text = false;  // false: a number
};

constexpr Field kFields[] = {{"--blkio-weight", &Options::blkio_weight, "blockIO", "weight"},
                             {"--cpu-period", &Options::cpu_period, "cpu", "period"},
                             {"--cpu-quota", &Options::cpu_quota, "cpu", "quota"},
                             {"--cpu-burst", &Options::cpu_burst, "cpu", "burst"},
                             {"--cpu-share", &Options::cpu_share, "cpu", "shares"},
                             {"--cpu-rt-period", &Options::cpu_rt_period, "cpu", "realtimePeriod"},
                             {"--cpu-rt-runtime", &Options::cpu_rt_runtime, "cpu", "realtimeRuntime"},
                             {"--cpu-idle", &Options::cpu_idle, "cpu", "idle"},
                             {"--cpuset-cpus", &Options::cpuset_cpus, "cpu", "cpus", true},
                             {"--cpuset-mems", &Options::cpuset_mems, "cpu", "mems", true},
                             {"--memory", &Options::memory, "memory", "limit"},
                             {"--memory-reservation", &Options::memory_reservation, "memory", "reservation"},
                             {"--memory-swap", &Options::memory_swap, "memory", "swap"},
                             {"--kernel-memory-tcp", &Options::kernel_memory_tcp, "memory", "kernelTCP"},
                             {"--pids-limit", &Options::pids_limit, "pids", "limit"}};

}  // namespace

Result<std::string> resources_of_flags(const Options& options) {
  nlohmann::json resources = nlohmann::json::object();
  for (const auto& field : kFields) {
    const std::string& value = options.*field.value;
    if (value.empty()) continue;
    if (field.text) {
      resources[field.part][field.name] = value;
      continue;
    }
    const auto number = parse_size(value);
    if (!number) return fail(std::string(field.flag) + ": found \"" + value + "\", expected a number");
    resources[field.part][field.name] = *number;
  }
  if (resources.empty())
    return fail(
        "update: found nothing to change, expected --resources FILE (- for standard input) or flags such as --memory");
  return resources.dump();
}

}  // namespace mete::runtime::oci
