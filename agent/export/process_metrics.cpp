// SPDX-License-Identifier: Apache-2.0
#include "agent/export/process_metrics.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "agent/base/agent_families.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

std::chrono::nanoseconds time_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

// Seconds since 1970, to a hundredth. It never changes, and is read once.
std::optional<double> start_time() {
  const auto own = runtime::read_file(AT_FDCWD, "/proc/self/stat");
  const auto machine = runtime::read_file(AT_FDCWD, "/proc/stat");
  if (!own || !machine) return std::nullopt;
  const auto boot = machine->find("\nbtime ");
  const auto after_name = own->rfind(')');
  unsigned long long booted = 0;
  unsigned long long ticks = 0;
  if (boot == std::string::npos || after_name == std::string::npos) return std::nullopt;
  if (std::sscanf(machine->c_str() + boot, "\nbtime %llu", &booted) != 1) return std::nullopt;
  // Field 22; the first after the name is field 3.
  if (std::sscanf(own->c_str() + after_name + 1,
                  " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &ticks) != 1)
    return std::nullopt;
  return static_cast<double>(booted) + static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::uint64_t open_descriptors() {
  struct stat status {};
  if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) return static_cast<std::uint64_t>(status.st_size);
  std::error_code ignored;
  return static_cast<std::uint64_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd", ignored), {}));
}

void write_process(std::string& out, collectors::Format format) {
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    own_writer(out, "process_cpu_seconds_total", format).add(time_of(usage.ru_utime) + time_of(usage.ru_stime));
  const auto pages = runtime::read_file(AT_FDCWD, "/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  if (pages && std::sscanf(pages->c_str(), "%" SCNu64 " %" SCNu64, &all, &resident) == 2) {
    const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    own_writer(out, "process_resident_memory_bytes", format).add(resident * size);
    own_writer(out, "process_virtual_memory_bytes", format).add(all * size);
  }
  own_writer(out, "process_open_fds", format).add(open_descriptors());
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    own_writer(out, "process_max_fds", format).add(std::uint64_t{limit.rlim_cur});
  static const auto started = start_time();
  if (started) own_writer(out, "process_start_time_seconds", format).add(*started);
}

}  // namespace mete::agent
