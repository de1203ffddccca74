// SPDX-License-Identifier: Apache-2.0
#include "agent/self/self_protection.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "config/base/result.h"
#include "runtime/file.h"

// Of steady_functions.ld, which a build for tests or by another linker has not.
extern "C" {
extern const char mete_reaction_begin __attribute__((weak));
extern const char mete_reaction_end __attribute__((weak));
}

namespace mete::agent {
namespace {

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24  // Linux 5.18
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22  // Linux 5.14
#endif

constexpr int kHighest = -20;
constexpr int kOrdinary = 0;
constexpr const char* kAutogroup = "/proc/self/autogroup";

// With CONFIG_SCHED_AUTOGROUP a nice value counts only among the processes of one session. Sessions have equal shares;
// this sets the weight of the agent's session. A session shared with a shell is not changed: all its processes would
// gain.
Status raise_session() {
  if (::access(kAutogroup, F_OK) != 0) return {};
  if (::getsid(0) != ::getpid())
    return fail("its session's weight (" + std::string(kAutogroup) + "): the session is not its own");
  return runtime::write_control(AT_FDCWD, kAutogroup, std::to_string(kHighest));
}

// What acts when memory runs out: enforcers, records, cgroup files. It may not have run yet, and a page that is read
// from a disk then comes too late.
void hold_reaction() {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(&mete_reaction_begin) & ~(page - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(&mete_reaction_end);
  auto* const pages = reinterpret_cast<void*>(begin);                        // NOLINT(performance-no-int-to-ptr)
  if (begin < end) (void)::madvise(pages, end - begin, MADV_POPULATE_READ);  // an older kernel: when it is needed
}

}  // namespace

void let_go_of_code() {
  ::dl_iterate_phdr(
      [](dl_phdr_info* file, std::size_t, void*) {
        const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        for (int i = 0; i < file->dlpi_phnum; ++i) {
          const ElfW(Phdr)& part = file->dlpi_phdr[i];
          if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
          const std::uintptr_t begin = (file->dlpi_addr + part.p_vaddr) & ~(page - 1);
          const std::uintptr_t end = file->dlpi_addr + part.p_vaddr + part.p_memsz;
          auto* const pages = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
          if (::madvise(pages, end - begin, MADV_DONTNEED_LOCKED) != 0)
            (void)::madvise(pages, end - begin, MADV_DONTNEED);
        }
        return 0;
      },
      nullptr);
  hold_reaction();
}

std::vector<std::string> protect_self() {
  std::vector<std::string> refused;
  // Linux: 0 is the calling thread, not its process.
  if (::setpriority(PRIO_PROCESS, 0, kHighest) != 0) refused.push_back(fail_errno("nice -20").value().what);
  if (const auto raised = raise_session(); !raised) refused.push_back(raised.error().what);
  if (const auto written = runtime::write_control(AT_FDCWD, "/proc/self/oom_score_adj", "-999"); !written)
    refused.push_back(written.error().what);
  // A start runs through three megabytes (the command line, the settings) that nothing needs afterwards.
  let_go_of_code();
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
    refused.push_back(fail_errno("lock its memory").value().what);
  return refused;
}

void ordinary_priority() {
  (void)::setpriority(PRIO_PROCESS, 0, kOrdinary);
}

}  // namespace mete::agent
