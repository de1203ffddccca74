// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/systemd.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "runtime/file.h"
#include "runtime/oci/config/rights.h"

namespace mete::runtime::oci {
namespace {

constexpr std::uint64_t kInfinity = ~0ULL;

Result<dbus::Connection> connect() {
  const std::string path = ::geteuid() == 0 ? "/run/systemd/private" : runtime_directory() + "/systemd/private";
  auto connection = dbus::Connection::open(path);
  if (!connection)
    return fail("--systemd-cgroup: found no running systemd (" + connection.error().what +
                "), expected a running systemd, or no such flag");
  return connection;
}

dbus::Call manager_call(const char* member, const char* signature) {
  return {"org.freedesktop.systemd1",
          "/org/freedesktop/systemd1",
          "org.freedesktop.systemd1.Manager",
          member,
          signature,
          {}};
}

bool good_part(const std::string& text) {
  return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '@' || c == '\\';
  });
}

std::uint64_t bytes_or_infinity(const cgroup::Limit<Bytes>& limit) {
  return limit.is_unlimited() ? kInfinity : static_cast<std::uint64_t>(limit.value().count());
}

// "0-2,5" as systemd's byte array: bit n is CPU n.
std::vector<std::uint8_t> mask_of(const std::string& list) {
  std::vector<std::uint8_t> mask;
  constexpr unsigned kMost = 8192;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    unsigned low = 0;
    const auto first = std::from_chars(list.data() + at, list.data() + end, low);
    unsigned high = low;
    if (first.ptr < list.data() + end && *first.ptr == '-') std::from_chars(first.ptr + 1, list.data() + end, high);
    for (unsigned bit = low; bit <= high && bit < kMost; ++bit) {
      mask.resize(std::max<std::size_t>(mask.size(), bit / 8 + 1));
      mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 1U << (bit % 8));
    }
    at = end + 1;
  }
  return mask;
}

// systemd answers before the job is done: /proc/PID/cgroup shows when the process is in its unit.
Status await_unit(const SystemdUnit& unit, pid_t pid) {
  constexpr int kTries = 10'000;
  constexpr useconds_t kWait = 1'000;
  for (int i = 0; i < kTries; ++i) {
    METE_TRY(const std::string text, read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/cgroup"));
    if (text.find("/" + unit.name + "\n") != std::string::npos) return {};
    ::usleep(kWait);
  }
  return fail("systemd unit " + unit.name + ": found the container's process outside of it after 10 s");
}

}  // namespace

std::string SystemdUnit::path() const {
  if (slice == "-.slice") return "/" + name;
  std::string whole;
  constexpr std::string_view kSuffix = ".slice";
  const std::string bare = slice.substr(0, slice.size() - kSuffix.size());
  for (std::size_t at = bare.find('-');; at = bare.find('-', at + 1)) {
    whole.append("/").append(bare, 0, at).append(kSuffix);
    if (at == std::string::npos) break;
  }
  return whole + "/" + name;
}

Result<SystemdUnit> parse_systemd_path(const std::string& path, const std::string& id) {
  if (path.empty()) return SystemdUnit{"system.slice", "mete-oci-" + id + ".scope"};
  const auto bad = [&] {
    return fail("linux.cgroupsPath: found \"" + path + "\", expected slice:prefix:name for --systemd-cgroup");
  };
  const auto first = path.find(':');
  const auto second = first == std::string::npos ? first : path.find(':', first + 1);
  if (second == std::string::npos || path.find(':', second + 1) != std::string::npos) return bad();
  SystemdUnit unit{path.substr(0, first), {}};
  const std::string prefix = path.substr(first + 1, second - first - 1);
  const std::string name = path.substr(second + 1);
  if (unit.slice.empty()) unit.slice = "system.slice";
  unit.name = (prefix.empty() ? "" : prefix + "-") + name + ".scope";
  if (!good_part(name) || !good_part(unit.name) || !good_part(unit.slice) || !unit.slice.ends_with(".slice") ||
      unit.slice == ".slice")
    return bad();
  const std::string bare = unit.slice.substr(0, unit.slice.size() - 6);
  if (bare != "-" && (bare.starts_with('-') || bare.ends_with('-') || bare.find("--") != std::string::npos))
    return bad();
  return unit;
}

std::vector<dbus::Property> unit_properties(const cgroup::Limits& limits, bool v2) {
  std::vector<dbus::Property> all;
  if (limits.memory) all.push_back({v2 ? "MemoryMax" : "MemoryLimit", bytes_or_infinity(*limits.memory)});
  if (v2 && limits.memory_soft) all.push_back({"MemoryLow", bytes_or_infinity(*limits.memory_soft)});
  if (v2 && limits.swap) all.push_back({"MemorySwapMax", bytes_or_infinity(*limits.swap)});
  if (limits.cpu_shares) {
    if (v2) {
      all.push_back({"CPUWeight", cgroup::cpu_weight_of_shares(*limits.cpu_shares)});
    } else {
      all.push_back({"CPUShares", *limits.cpu_shares});
    }
  }
  if (limits.cpu_bandwidth) {
    const auto& bandwidth = *limits.cpu_bandwidth;
    std::uint64_t a_second = kInfinity;
    if (!bandwidth.quota.is_unlimited()) {
      // systemd stores the quota per second in steps of 10 ms.
      constexpr std::uint64_t kStep = 10'000;
      a_second = static_cast<std::uint64_t>(bandwidth.quota.value().count()) * 1'000'000 /
                 static_cast<std::uint64_t>(bandwidth.period.count());
      a_second = (a_second + kStep - 1) / kStep * kStep;
    }
    all.push_back({"CPUQuotaPeriodUSec", static_cast<std::uint64_t>(bandwidth.period.count())});
    all.push_back({"CPUQuotaPerSecUSec", a_second});
  }
  if (limits.pids) all.push_back({"TasksMax", limits.pids->value_or(kInfinity)});
  if (v2 && !limits.cpuset_cpus.empty()) all.push_back({"AllowedCPUs", mask_of(limits.cpuset_cpus)});
  if (v2 && !limits.cpuset_mems.empty()) all.push_back({"AllowedMemoryNodes", mask_of(limits.cpuset_mems)});
  return all;
}

Status start_unit(const SystemdUnit& unit, pid_t pid, const cgroup::Limits& limits, bool v2) {
  METE_TRY(dbus::Connection connection, connect());
  std::vector<dbus::Property> properties = {{"Description", std::string("mete-oci container")},
                                            {"Slice", unit.slice},
                                            {"Delegate", true},
                                            {"DefaultDependencies", false},
                                            {"MemoryAccounting", true},
                                            {"CPUAccounting", true},
                                            {v2 ? "IOAccounting" : "BlockIOAccounting", true},
                                            {"TasksAccounting", true},
                                            {"PIDs", std::vector<std::uint32_t>{static_cast<std::uint32_t>(pid)}}};
  for (auto& each : unit_properties(limits, v2)) properties.push_back(std::move(each));
  dbus::Call call = manager_call("StartTransientUnit", "ssa(sv)a(sa(sv))");
  call.body.text(unit.name);
  call.body.text("replace");
  call.body.properties(properties);
  call.body.end_array(call.body.begin_array(8));
  METE_CHECK(connection.call(call));
  return await_unit(unit, pid);
}

Status change_unit(const std::string& name, const cgroup::Limits& limits, bool v2) {
  const auto properties = unit_properties(limits, v2);
  if (properties.empty()) return {};
  METE_TRY(dbus::Connection connection, connect());
  dbus::Call call = manager_call("SetUnitProperties", "sba(sv)");
  call.body.text(name);
  call.body.number(1);  // property lives until the next boot
  call.body.properties(properties);
  return connection.call(call);
}

Status stop_unit(const std::string& name) {
  METE_TRY(dbus::Connection connection, connect());
  dbus::Call call = manager_call("StopUnit", "ss");
  call.body.text(name);
  call.body.text("replace");
  const auto stopped = connection.call(call);
  // A unit that has ended by itself is not loaded any more.
  return !stopped && stopped.error().what.find("NoSuchUnit") == std::string::npos ? stopped : Status();
}

}  // namespace mete::runtime::oci
