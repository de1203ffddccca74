// SPDX-License-Identifier: Apache-2.0
// Joins existing namespaces by their files. Does not allocate: the child uses it, too.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

// "network namespace", for errors.
[[nodiscard]] const char* name_of(NamespaceKind kind);
// The flag of clone(2) and setns(2): CLONE_NEWNET.
[[nodiscard]] std::uint64_t clone_flag(NamespaceKind kind);

// The name of its file in /proc/PID/ns: "net".
[[nodiscard]] const char* file_name_of(NamespaceKind kind);
// True when the namespace is the caller's own, or the kernel has none of this kind.
[[nodiscard]] bool is_own(const NamespaceUse& use);

// A set of NamespaceKind: bit n is the kind with the number n.
using KindSet = std::uint32_t;
[[nodiscard]] constexpr KindSet set_of(NamespaceKind kind) {
  return KindSet{1} << static_cast<unsigned>(kind);
}

// The step that failed, with errno as `error`. `tried` null: nothing failed.
struct JoinFailure {
  const char* tried = nullptr;
  const char* path = "";
  int error = 0;
};

// Opens the files of the namespaces that are not in `joined`; then joins them and adds them to `joined`. All files are
// opened before the first is joined: in another mount or user namespace the paths may lead nowhere. Each setns(2) names
// the kind, so that a file of another kind, or no namespace, is an error (EINVAL) and nothing is joined by mistake.
//
// The caller may lack the right to join a namespace until it has joined the user namespace that owns it, and afterwards
// the right to join those that the host owns. So whatever is refused with EPERM is tried again as long as another could
// be joined. With `may_lack_rights` namespaces that are refused to the end are left out of `joined` without a failure.
[[nodiscard]] JoinFailure join_namespaces(const std::vector<NamespaceUse>& all, bool may_lack_rights, KindSet& joined);

}  // namespace mete::runtime::process
