// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/seccomp.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <string_view>

#include "runtime/fd.h"
#include "runtime/file.h"

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

class Builder {
 public:
  explicit Builder(std::uint64_t capabilities)
      : capabilities_(capabilities), context_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), ::seccomp_release) {}

  Result<std::string> build() {
    if (!context_) return fail("seccomp: out of memory");
    // 32-bit programs run on a 64-bit kernel, too; calls of any other architecture fail.
    if (::seccomp_arch_native() == SCMP_ARCH_X86_64) check(::seccomp_arch_add(context_.get(), SCMP_ARCH_X86), "x86");
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), "foreign architectures");
    // The child sets no_new_privs, not the library.
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0), "no_new_privs");
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
    for (const auto& name : all_calls()) add(name);
    add_by_argument();
    if (!error_.empty()) return fail("seccomp: " + error_);
    return export_program();
  }

 private:
  void check(int result, const std::string& what) {
    if (result < 0 && error_.empty()) error_ = what + ": " + std::strerror(-result);
  }

  static std::set<std::string> all_calls() {
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

  void add(const std::string& name) {
    if (std::find(kByArgument.begin(), kByArgument.end(), name) != kByArgument.end()) return;
    const auto* const guarded =
        std::find_if(kGuarded.begin(), kGuarded.end(), [&](const Guarded& each) { return each.call == name; });
    const bool allowed = guarded == kGuarded.end() || has(capabilities_, guarded->capability);
    rule(allowed ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM), name, {});
  }

  void rule(std::uint32_t action, const std::string& name, std::initializer_list<scmp_arg_cmp> arguments) {
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) return;  // the call exists on none of the filter's architectures
    check(::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(arguments.size()),
                                   arguments.begin()),
          name);
  }

  void add_by_argument() {
    if (has(capabilities_, CAP_SYS_ADMIN)) {
      rule(SCMP_ACT_ALLOW, "clone", {});
      rule(SCMP_ACT_ALLOW, "clone3", {});
    } else {
      rule(SCMP_ACT_ALLOW, "clone", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0)});
      // clone3's flags lie in memory, where a filter cannot read them; ENOSYS (the default action) makes libc use
      // clone.
    }
    // The personalities of ordinary programs: Linux, 32 bits, and the query (0xffffffff).
    for (const std::uint64_t persona : {0x0UL, 0x8UL, 0x20000UL, 0x20008UL, 0xffffffffUL}) {
      rule(SCMP_ACT_ALLOW, "personality", {SCMP_A0_64(SCMP_CMP_EQ, persona)});
    }
    // AF_ALG has had local root holes; AF_VSOCK reaches the hypervisor, past network namespaces.
    constexpr unsigned kAlg = 38;
    constexpr unsigned kVsock = 40;
    rule(SCMP_ACT_ALLOW, "socket", {SCMP_A0_64(SCMP_CMP_LT, kAlg)});
    rule(SCMP_ACT_ALLOW, "socket", {SCMP_A0_64(SCMP_CMP_EQ, kAlg + 1)});
    rule(SCMP_ACT_ALLOW, "socket", {SCMP_A0_64(SCMP_CMP_GT, kVsock)});
  }

  Result<std::string> export_program() {
    const UniqueFd memory(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!memory.valid()) return fail_errno("memfd_create");
    if (const int result = ::seccomp_export_bpf(context_.get(), memory.get()); result < 0) {
      return fail_errno("seccomp: compile the filter", -result);
    }
    return read_file(AT_FDCWD, "/proc/self/fd/" + std::to_string(memory.get()));
  }

  std::uint64_t capabilities_;
  std::unique_ptr<void, decltype(&::seccomp_release)> context_;
  std::string error_;
};

}  // namespace

Result<std::string> default_seccomp_filter(std::uint64_t capabilities) {
  return Builder(capabilities).build();
}

}  // namespace mete::runtime::process
