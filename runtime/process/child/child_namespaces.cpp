// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/descriptor_passing.h"
#include "runtime/process/child/child_context.h"
#include "runtime/process/launch/intermediate.h"

namespace mete::runtime::process {

void execute(ChildContext& child, const AwaitIdMappings&) {
  child.await(kMappingsWritten);
  // Until now this process had no user id in the new namespace, and files that it made would have no owner there.
  child.must(::setresgid(0, 0, 0), "become group 0 of the user namespace");
  child.must(::setresuid(0, 0, 0), "become root of the user namespace");
}

void execute(ChildContext& child, const Unshare& op) {
  child.must(::unshare(static_cast<int>(op.flags)), "unshare");
}

void execute(ChildContext& child, const JoinNamespaces& op) {
  const JoinFailure failure = join_namespaces(op.all, false, child.joined);
  if (failure.tried != nullptr) child.die(failure.tried, failure.path, failure.error);
}

void execute(ChildContext& child, const JoinProcess& op) {
  std::uint64_t flags = 0;
  for (const auto& use : op.all) {
    if ((child.joined & set_of(use.kind)) == 0) flags |= clone_flag(use.kind);
  }
  if (child.process >= 0 && ::setns(child.process, static_cast<int>(flags)) == 0) return;
  for (const auto& use : op.all) {
    if (is_own(use)) child.joined |= set_of(use.kind);
  }
  const JoinFailure failure = join_namespaces(op.all, false, child.joined);
  if (failure.tried != nullptr) child.die(failure.tried, failure.path, failure.error);
}

void execute(ChildContext& child, const NewTimeNamespace& op) {
  const JoinFailure failure = make_time_namespace(op.offsets);
  if (failure.tried != nullptr) child.die(failure.tried, failure.path, failure.error);
  // Until here only children of this process would be in it.
  constexpr const char* kOwn = "/proc/self/ns/time_for_children";
  const int fd = static_cast<int>(child.must(::open(kOwn, O_RDONLY | O_CLOEXEC), "open", kOwn));
  child.must(::setns(fd, static_cast<int>(clone_flag(NamespaceKind::time))), "enter the time namespace");
  ::close(fd);
}

void execute(ChildContext& child, const SetHostname& op) {
  if (!op.name.empty()) child.must(::sethostname(op.name.data(), op.name.size()), "set host name", op.name.c_str());
  if (!op.domain.empty())
    child.must(::setdomainname(op.domain.data(), op.domain.size()), "set domain name", op.domain.c_str());
}

void execute(ChildContext& child, const LoopbackUp&) {
  const int fd = static_cast<int>(child.must(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket"));
  struct ifreq request {};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  child.must(::ioctl(fd, SIOCSIFFLAGS, &request), "bring up lo");
  ::close(fd);
}

void execute(ChildContext& child, const AwaitCgroups&) {
  if (child.shared != nullptr) {
    // The exec closes them.
    for (const int file : child.shared->tasks) child.must(::write(file, "0", 1), "enter cgroup");
    return;
  }
  char word = 0;
  int files[kMostDescriptors];
  std::size_t count = 0;
  ssize_t got = 0;
  do {
    got = receive_with_descriptors(child.control(), &word, 1, files, count);
  } while (got < 0 && errno == EINTR);
  if (got != 1 || word != kEnterCgroups) child.die("wait for the launcher", "", EPIPE);
  for (std::size_t i = 0; i < count; ++i) {
    child.must(::write(files[i], "0", 1), "enter cgroup");
    ::close(files[i]);
  }
}

void execute(ChildContext& child, const AwaitHooks&) {
  child.tell(kAtHooks);
  child.await(kHooksRan);
}

void execute(ChildContext& child, const NewCgroupNamespace&) {
  child.must(::unshare(CLONE_NEWCGROUP), "make cgroup namespace");
}

}  // namespace mete::runtime::process
