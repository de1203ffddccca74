// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/cpu_cores.h"

#include <utility>

#include "runtime/cgroup/cpu.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::int64_t kMilliPerCore = 1000;

// The physical core that a CPU is a thread of. Where the kernel does not say (some virtual machines), each CPU counts
// as a core.
unsigned core_of(unsigned cpu) {
  const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
  const auto siblings = runtime::read_file(AT_FDCWD, topology + "thread_siblings_list", 4096);
  const auto list = siblings ? enforcers::parse_cpu_list(*siblings) : std::nullopt;
  return list && !list->empty() ? list->front() : cpu;
}

}  // namespace

Status CpuCores::open(const runtime::cgroup::Hierarchies& hierarchies, const std::string& parent, MilliCpu reserved) {
  METE_TRY(const auto group, runtime::cgroup::Group::at(hierarchies, parent));
  METE_TRY(const std::string text, runtime::cgroup::cpus_to_assign(group));
  const auto numbers = enforcers::parse_cpu_list(text);
  if (!numbers || numbers->empty())
    return fail(std::string(runtime::cgroup::kCpusetCpus) + " of " + parent + ": found \"" + text +
                "\", expected a list of CPUs");
  std::vector<enforcers::Cpu> cpus;
  for (const unsigned number : *numbers) cpus.push_back({number, core_of(number)});
  all_ = enforcers::cpu_list_text(*numbers);
  cores_.emplace(std::move(cpus), static_cast<std::size_t>((reserved.count() + kMilliPerCore - 1) / kMilliPerCore));
  return {};
}

Result<std::vector<unsigned>> CpuCores::claim(const std::string& owner, std::size_t count) {
  if (!cores_) return fail("this machine has no cpuset controller");
  const auto before = cores_->of(owner);
  auto claimed = cores_->claim(owner, count);
  if (claimed && *claimed != before) report();
  return claimed;
}

bool CpuCores::adopt(const std::string& owner, const std::vector<unsigned>& cpus) {
  if (!cores_ || !cores_->adopt(owner, cpus)) return false;
  report();
  return true;
}

void CpuCores::release(const std::string& owner) {
  if (cores_ && cores_->release(owner)) report();
}

std::string CpuCores::shared() const {
  return used_ ? enforcers::cpu_list_text(cores_->shared()) : std::string();
}

void CpuCores::report() {
  used_ = true;
  if (std::exchange(told_, true)) return;
  asio::post(loop_, alive_.guard([this] {
    told_ = false;
    if (changed_) changed_();
  }));
}

}  // namespace mete::agent
