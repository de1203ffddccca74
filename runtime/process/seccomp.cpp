// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/seccomp.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <string_view>

namespace mete::runtime::process {
namespace {

constexpr int kNever = -1;

// Calls that change the machine, reach into other processes or have a long record of kernel holes, with the capability
// that allows each.
struct Guarded {
  std::string_view call;
  int capability;
};
constexpr auto kGuarded = std::to_array<Guarded>({
    {"acct", CAP_SYS_PACCT},
    {"add_key", kNever},
    {"adjtimex", CAP_SYS_TIME},
    {"bpf", CAP_SYS_ADMIN},
    {"chroot", CAP_SYS_CHROOT},
    {"clock_adjtime", CAP_SYS_TIME},
    {"clock_adjtime64", CAP_SYS_TIME},
    {"clock_settime", CAP_SYS_TIME},
    {"clock_settime64", CAP_SYS_TIME},
    {"create_module", kNever},
    {"delete_module", CAP_SYS_MODULE},
    {"fanotify_init", CAP_SYS_ADMIN},
    {"finit_module", CAP_SYS_MODULE},
    {"fsconfig", CAP_SYS_ADMIN},
    {"fsmount", CAP_SYS_ADMIN},
    {"fsopen", CAP_SYS_ADMIN},
    {"fspick", CAP_SYS_ADMIN},
    {"get_kernel_syms", kNever},
    {"init_module", CAP_SYS_MODULE},
    {"io_uring_enter", kNever},
    {"io_uring_register", kNever},
    {"io_uring_setup", kNever},
    {"ioperm", CAP_SYS_RAWIO},
    {"iopl", CAP_SYS_RAWIO},
    {"kcmp", CAP_SYS_PTRACE},
    {"kexec_file_load", CAP_SYS_BOOT},
    {"kexec_load", CAP_SYS_BOOT},
    {"keyctl", kNever},
    {"lookup_dcookie", CAP_SYS_ADMIN},
    {"mbind", CAP_SYS_NICE},
    {"migrate_pages", CAP_SYS_NICE},
    {"mount", CAP_SYS_ADMIN},
    {"mount_setattr", CAP_SYS_ADMIN},
    {"move_mount", CAP_SYS_ADMIN},
    {"move_pages", CAP_SYS_NICE},
    {"nfsservctl", kNever},
    {"open_by_handle_at", CAP_DAC_READ_SEARCH},
    {"open_tree", CAP_SYS_ADMIN},
    {"perf_event_open", CAP_PERFMON},
    {"pidfd_getfd", CAP_SYS_PTRACE},
    {"pivot_root", CAP_SYS_ADMIN},
    {"process_madvise", CAP_SYS_PTRACE},
    {"query_module", kNever},
    {"quotactl", CAP_SYS_ADMIN},
    {"quotactl_fd", CAP_SYS_ADMIN},
    {"reboot", CAP_SYS_BOOT},
    {"request_key", kNever},
    {"set_mempolicy", CAP_SYS_NICE},
    {"setdomainname", CAP_SYS_ADMIN},
    {"sethostname", CAP_SYS_ADMIN},
    {"setns", CAP_SYS_ADMIN},
    {"settimeofday", CAP_SYS_TIME},
    {"stime", CAP_SYS_TIME},
    {"swapoff", kNever},
    {"swapon", kNever},
    {"sysfs", kNever},
    {"_sysctl", kNever},
    {"syslog", CAP_SYSLOG},
    {"umount", CAP_SYS_ADMIN},
    {"umount2", CAP_SYS_ADMIN},
    {"unshare", CAP_SYS_ADMIN},
    {"uselib", kNever},
    {"userfaultfd", kNever},
    {"ustat", kNever},
    {"vhangup", CAP_SYS_TTY_CONFIG},
    {"vm86", kNever},
    {"vm86old", kNever},
});

// Allowed or denied by their arguments, not by name.
constexpr std::array<std::string_view, 4> kByArgument = {"clone", "clone3", "personality", "socket"};

constexpr std::uint64_t kNamespaceFlags =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

// Above the last call of any kernel that libseccomp 2.5 knows.
constexpr int kLastCall = 1024;

bool has(std::uint64_t capabilities, int capability) {
  return capability >= 0 && (capabilities >> capability & 1U) != 0;
}

std::set<std::string> all_calls() {
  std::set<std::string> names;
  for (const std::uint32_t architecture : {::seccomp_arch_native(), static_cast<std::uint32_t>(SCMP_ARCH_X86)}) {
    for (int number = 0; number < kLastCall; ++number) {
      char* name = ::seccomp_syscall_resolve_num_arch(architecture, number);
      if (name == nullptr) continue;
      names.insert(name);
      std::free(name);
    }
  }
  return names;
}

using oci::Compare;

// Calls that the machine's own architecture and x86 have no name for stay with the profile's default.
void add_by_name(std::uint64_t capabilities, oci::SeccompProfile& profile) {
  oci::CallRule allowed{{}, SECCOMP_RET_ALLOW, {}};
  oci::CallRule denied{{}, SECCOMP_RET_ERRNO | EPERM, {}};
  for (const auto& name : all_calls()) {
    if (std::find(kByArgument.begin(), kByArgument.end(), name) != kByArgument.end()) continue;
    if (::seccomp_syscall_resolve_name(name.c_str()) == __NR_SCMP_ERROR) continue;
    const auto* const guarded =
        std::find_if(kGuarded.begin(), kGuarded.end(), [&](const Guarded& each) { return each.call == name; });
    const bool may = guarded == kGuarded.end() || has(capabilities, guarded->capability);
    (may ? allowed : denied).names.push_back(name);
  }
  profile.rules.push_back(std::move(allowed));
  profile.rules.push_back(std::move(denied));
}

void add_by_argument(std::uint64_t capabilities, oci::SeccompProfile& profile) {
  const auto allow = [&](const char* name, std::vector<oci::ArgumentRule> arguments) {
    profile.rules.push_back({{name}, SECCOMP_RET_ALLOW, std::move(arguments)});
  };
  if (has(capabilities, CAP_SYS_ADMIN)) {
    allow("clone", {});
    allow("clone3", {});
  } else {
    // clone3's flags lie in memory, where a filter cannot read them; ENOSYS (the default action) makes libc use clone.
    allow("clone", {{0, kNamespaceFlags, 0, Compare::masked_equal}});
  }
  // The personalities of ordinary programs: Linux, 32 bits, and the query (0xffffffff).
  for (const std::uint64_t persona : {0x0UL, 0x8UL, 0x20000UL, 0x20008UL, 0xffffffffUL})
    allow("personality", {{0, persona, 0, Compare::equal}});
  // AF_ALG has had local root holes; AF_VSOCK reaches the hypervisor, past network namespaces.
  constexpr unsigned kAlg = 38;
  constexpr unsigned kVsock = 40;
  allow("socket", {{0, kAlg, 0, Compare::less}});
  allow("socket", {{0, kAlg + 1, 0, Compare::equal}});
  allow("socket", {{0, kVsock, 0, Compare::greater}});
}

}  // namespace

oci::SeccompProfile default_seccomp_profile(std::uint64_t capabilities) {
  oci::SeccompProfile profile;
  profile.default_action = SECCOMP_RET_ERRNO | ENOSYS;
  profile.architectures = {::seccomp_arch_native()};
  // 32-bit programs run on a 64-bit kernel, too; calls of any other architecture fail.
  if (::seccomp_arch_native() == SCMP_ARCH_X86_64) profile.architectures.push_back(SCMP_ARCH_X86);
  add_by_name(capabilities, profile);
  add_by_argument(capabilities, profile);
  return profile;
}

Result<std::string> default_seccomp_filter(std::uint64_t capabilities) {
  return oci::compile_seccomp(default_seccomp_profile(capabilities), SECCOMP_RET_ERRNO | ENOSYS);
}

}  // namespace mete::runtime::process
