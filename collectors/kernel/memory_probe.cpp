// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/memory_probe.h"

#include <unistd.h>

#include <array>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

using runtime::UniqueFd;

// Reads a file from its beginning; empty when reading fails.
template <std::size_t N>
std::string_view read_again(const UniqueFd& file, std::array<char, N>& buffer) {
  const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), 0);
  return got > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(got)) : std::string_view();
}

}  // namespace

Result<MemoryProbe> MemoryProbe::open(const runtime::cgroup::Group& group, Wanted wanted) {
  const std::string directory = group.directory("memory");
  if (directory.empty()) return fail_errno(group.path() + ": this machine has no memory controller", EOPNOTSUPP);
  const bool v1 = group.hierarchies().on_v1("memory");
  MemoryProbe probe;
  probe.v1_ = v1;
  METE_TRY(probe.usage_,
           runtime::open_at(AT_FDCWD, directory + (v1 ? "/memory.usage_in_bytes" : "/memory.current"), O_RDONLY));
  if (wanted.refaults) {
    METE_TRY(probe.stat_, runtime::open_at(AT_FDCWD, directory + "/memory.stat", O_RDONLY));
  }
  const std::string unified = group.unified_directory();
  if (wanted.pressure && !unified.empty()) {
    // A kernel without PSI is no error: has_pressure() is false.
    if (auto file = runtime::open_at(AT_FDCWD, unified + "/memory.pressure", O_RDONLY))
      probe.pressure_ = std::move(*file);
  }
  return probe;
}

std::optional<MemoryMoment> MemoryProbe::read() {
  std::array<char, 16384> buffer;  // memory.stat is 3 KB
  const auto usage = parse_u64(trim(read_again(usage_, buffer)));
  if (!usage) return std::nullopt;
  MemoryMoment moment;
  moment.at = std::chrono::steady_clock::now();
  moment.usage = to_bytes(*usage);
  if (pressure_.valid()) (void)parse_pressure(read_again(pressure_, buffer), moment.pressure);
  if (stat_.valid()) {
    // On v1 the plain keys exclude nested groups, and the total_ keys include them.
    const std::string_view prefix = v1_ ? "total_" : "";
    std::uint64_t pages = 0;
    (void)for_each_key(read_again(stat_, buffer), [&](std::string_view key, std::uint64_t number) {
      if (!key.starts_with(prefix)) return;
      key.remove_prefix(prefix.size());
      if (key == "workingset_refault_anon" || key == "workingset_refault_file") pages += number;
    });
    moment.refaults = pages;
  }
  return moment;
}

}  // namespace mete::collectors
