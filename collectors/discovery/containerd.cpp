// SPDX-License-Identifier: Apache-2.0
// containerd, by its shim: the shim's working directory is the container's bundle, wherever containerd keeps its state.
#include <fcntl.h>
#include <unistd.h>

#include <climits>

#include "collectors/discovery/bolt.h"
#include "collectors/discovery/runtimes.h"
#include "runtime/fd.h"

namespace mete::collectors {

bool describe_bundle(const IdentityRoots& roots, const std::string& bundle, Identity& who);  // describe.cpp

namespace {

std::string folder_of(const IdentityRoots& roots, pid_t pid) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink((roots.proc + "/" + std::to_string(pid) + "/cwd").c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

// The bundle ".../NAMESPACE/ID" among the folders of the process's ancestors.
std::string bundle_of(const IdentityRoots& roots, const ProcessView& process, const std::string& id) {
  constexpr int kMostAncestors = 16;
  pid_t pid = process.parent;
  for (int i = 0; i < kMostAncestors && pid > 1; ++i) {
    std::string folder = folder_of(roots, pid);
    if (folder.ends_with("/" + id)) return folder;
    pid = view_process(roots, pid).parent;
  }
  return {};
}

std::optional<std::string> metadata_folder(const ProcessView& process) {
  constexpr std::string_view kSnapshots = "/io.containerd.snapshotter.v1.";
  if (auto root = process.layers_before(kSnapshots)) return root;
  return process.source_before(kSnapshots);
}

}  // namespace

bool describe_containerd(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const std::string bundle = bundle_of(roots, process, who.id);
  if (bundle.empty() || !describe_bundle(roots, bundle, who)) return false;
  const std::string above = bundle.substr(0, bundle.rfind('/'));
  const std::string namespace_ = above.substr(above.rfind('/') + 1);
  if (who.name.empty()) who.name = who.container.empty() ? who.id : who.container;
  if (!who.image.empty()) return true;
  const std::string root = metadata_folder(process).value_or("/var/lib/containerd");
  const runtime::UniqueFd file(::open((roots.files + root + "/io.containerd.metadata.v1.bolt/meta.db").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return true;
  const BoltFile database([&](std::uint64_t offset, std::size_t size, std::string& into) {
    into.resize(size);
    return ::pread(file.get(), into.data(), size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  });
  who.image = database.get({"v1", namespace_, "containers", who.id}, "image").value_or("");
  return true;
}

}  // namespace mete::collectors
