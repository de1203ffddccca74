// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/process/child/child_context.h"
#include "runtime/process/plan/resource_names.h"

namespace mete::runtime::process {
namespace {

constexpr int kLastCapability = 63;

void set_rlimits(const ChildContext& child, const Identity& identity) {
  for (const auto& limit : identity.rlimits) {
    const struct rlimit value { limit.soft, limit.hard };
    child.must(::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value), "set resource limit",
               resource_name(limit.resource));
  }
}

void load_seccomp(const ChildContext& child, const Identity& identity) {
  if (identity.seccomp_filter.empty()) return;
  struct sock_fprog program {};
  program.len = static_cast<unsigned short>(identity.seccomp_filter.size() / sizeof(struct sock_filter));
  // The text holds an array of sock_filter; std::string's buffer is aligned for it (operator new).
  program.filter = const_cast<struct sock_filter*>(
      static_cast<const struct sock_filter*>(static_cast<const void*>(identity.seccomp_filter.data())));
  const long listener = child.must(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, identity.seccomp_flags, &program),
                                   "load the seccomp filter");
  if ((identity.seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0) return;
  // From here on a system call may block until a listener answers it: the launcher takes the descriptor first.
  child.send_descriptor_number(kListener, static_cast<int>(listener));
  child.await(kListenerTaken);
}

void drop_bounding_set(const ChildContext& child, std::uint64_t keep) {
  for (int capability = 0; capability <= kLastCapability; ++capability) {
    if ((keep >> static_cast<unsigned>(capability) & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return;  // past the kernel's last capability
    child.die("drop from the capability bounding set");
  }
}

void set_user(const ChildContext& child, const Identity& identity) {
  child.must(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities");
  // glibc's wrappers synchronize with other threads; the child has none, and the raw calls do not allocate.
  const long groups = ::syscall(SYS_setgroups, identity.additional_gids.size(), identity.additional_gids.data());
  // In a user namespace with setgroups denied the call fails; that does no harm when there is no group to set.
  if (groups < 0 && !(errno == EPERM && identity.additional_gids.empty())) child.die("set additional groups");
  child.must(::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid), "set group");
  child.must(::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid), "set user");
}

void set_capabilities(const ChildContext& child, const CapabilitySets& sets) {
  struct __user_cap_header_struct header {};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  struct __user_cap_data_struct data[2] = {};
  for (unsigned half = 0; half < 2; ++half) {
    data[half].effective = static_cast<std::uint32_t>(sets.effective >> (32 * half));
    data[half].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * half));
    data[half].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * half));
  }
  child.must(::syscall(SYS_capset, &header, data), "set capabilities");
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (unsigned capability = 0; capability <= kLastCapability; ++capability) {
    if ((sets.ambient >> capability & 1U) == 0) continue;
    child.must(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "raise ambient capability");
  }
}

// The profile takes effect at the exec.
void set_profile(const ChildContext& child, const std::string& profile) {
  if (profile.empty()) return;
  constexpr char kPrefix[] = "exec ";
  char text[512];
  const std::size_t length = sizeof kPrefix - 1 + profile.size();
  if (length > sizeof text) child.die("AppArmor profile's name is too long:", profile.c_str(), ENAMETOOLONG);
  std::memcpy(text, kPrefix, sizeof kPrefix - 1);
  std::memcpy(text + sizeof kPrefix - 1, profile.data(), profile.size());
  child.must(::write(child.profile, text, length), "set the AppArmor profile", profile.c_str());
}

}  // namespace

void execute(ChildContext& child, const JoinKeyring& op) {
  constexpr int kJoinSession = 1;  // KEYCTL_JOIN_SESSION_KEYRING
  // A kernel without keyrings has nothing to separate.
  if (::syscall(SYS_keyctl, kJoinSession, op.name.c_str()) < 0 && errno != ENOSYS)
    child.die("join session keyring", op.name.c_str());
}

void execute(ChildContext& child, const EndWithLauncher&) {
  // A launcher that has ended already is noticed at the next word that the child waits for.
  child.must(::prctl(PR_SET_PDEATHSIG, SIGKILL), "bind the process to its launcher");
}

void execute(ChildContext& child, const OpenProfile&) {
  child.profile = ::open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
  if (child.profile < 0 && errno == ENOENT)
    child.profile = ::open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);  // before Linux 5.8
  child.must(child.profile, "open /proc/self/attr/exec");
  struct statfs info {};
  child.must(::fstatfs(child.profile, &info), "stat /proc/self/attr/exec");
  if (info.f_type != PROC_SUPER_MAGIC) child.die("/proc/self/attr/exec is not procfs", "", EINVAL);
}

void become(const ChildContext& child, const Identity& identity) {
  set_rlimits(child, identity);
  set_profile(child, identity.apparmor_profile);
  if (identity.umask) ::umask(*identity.umask);
  if (identity.no_new_privileges) child.must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs");
  // Without no_new_privs, loading a filter needs CAP_SYS_ADMIN: the filter is loaded before the capabilities are
  // dropped, and must allow the calls below. With no_new_privs it is loaded last and need not allow them.
  if (!identity.no_new_privileges) load_seccomp(child, identity);
  drop_bounding_set(child, identity.capabilities.bounding);
  set_user(child, identity);
  set_capabilities(child, identity.capabilities);
  if (identity.no_new_privileges) load_seccomp(child, identity);
}

}  // namespace mete::runtime::process
