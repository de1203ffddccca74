// SPDX-License-Identifier: Apache-2.0
#include "collectors/discovery/identify.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "collectors/discovery/runtimes.h"
#include "collectors/kernel/parse.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

// The first process of the group itself, else of a group directly below (podman's "container", an init's scope).
pid_t first_process(const std::string& directory, bool below) {
  if (const auto text = runtime::read_file(AT_FDCWD, directory + "/" + std::string(runtime::cgroup::kProcsFile))) {
    std::string_view rest = *text;
    // 0: the process belongs to a pid namespace that the agent cannot see.
    const auto pid = parse_u64(trim(next_line(rest))).value_or(0);
    if (pid != 0) return static_cast<pid_t>(pid);
  }
  if (!below) return 0;
  struct CloseDirectory {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(directory.c_str()));
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    if (const pid_t pid = first_process(directory + "/" + entry->d_name, false); pid != 0) return pid;
  }
  return 0;
}

std::uint64_t namespace_of(const std::string& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_ino) : 0;
}

std::string directory_of(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path) {
  for (const char* controller : {"memory", "cpuacct", "cpu"}) {
    std::string directory = std::string(hierarchies.mount_of(controller)) + path;
    if (directory.size() > path.size() && ::access(directory.c_str(), F_OK) == 0) return directory;
  }
  return hierarchies.v2_mount + path;
}

// Containerd's ids and cgroup names can be any name, so only a bundle identifies its containers.
Found try_containerd(const IdentityRoots& roots, pid_t pid, const std::string& path, Identity& who) {
  Identity guess;
  guess.kind = CgroupKind::kContainer;
  guess.id = path.substr(path.rfind('/') + 1);
  ProcessView process;  // its mounts are not read: most groups are no containers
  process.pid = pid;
  process.parent = parent_of(roots, pid);
  const Found found = describe_containerd(roots, process, guess);
  if (found != Found::kNothing) who = std::move(guess);
  return found;
}

Found describe(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  if (who.runtime == "docker") return describe_docker(roots, process, who);
  if (who.runtime == "podman") return describe_podman(roots, process, who);
  if (who.runtime == "crio") return describe_crio(roots, process, who);
  if (who.runtime == "containerd") return describe_containerd(roots, process, who);
  if (who.runtime != "kubelet") return Found::kAll;
  for (const auto each : {describe_containerd, describe_crio, describe_docker}) {
    if (const Found found = each(roots, process, who); found != Found::kNothing) return found;
  }
  return Found::kNothing;
}

}  // namespace

Identifier::Answer Identifier::identify(const runtime::cgroup::Hierarchies& hierarchies,
                                        const std::string& path) const {
  Answer answer;
  Identity& who = answer.who;
  who = classify_path(path);
  if (who.kind == CgroupKind::kPod) {
    answer.complete = describe_kubelet_pod(roots_, who);
    return answer;
  }
  const bool nested = path.find('/', 1) != std::string::npos;
  const bool maybe = who.kind == CgroupKind::kContainer || (who.kind == CgroupKind::kOther && nested);
  if (!maybe) return answer;
  answer.pid = first_process(directory_of(hierarchies, path), who.kind == CgroupKind::kContainer);
  if (who.kind == CgroupKind::kOther) {
    // The group counts as no container's unless its process leads to a bundle.
    answer.complete = answer.pid != 0 && try_containerd(roots_, answer.pid, path, who) != Found::kSome;
    if (who.kind == CgroupKind::kContainer) answer.writable = view_process(roots_, answer.pid).writable_layer();
  } else {
    const ProcessView process = view_process(roots_, answer.pid);
    // A runtime's files may exist before the first process does.
    answer.complete = describe(roots_, process, who) == Found::kAll && answer.pid != 0;
    answer.writable = process.writable_layer();
    if (who.name.empty()) who.name = who.id;
    if (!who.pod_uid.empty() && who.pod.empty()) (void)describe_kubelet_pod(roots_, who);
  }
  const std::string namespaces = "/ns/net";
  const auto network = answer.pid == 0 ? 0 : namespace_of(roots_.proc + "/" + std::to_string(answer.pid) + namespaces);
  if (network != namespace_of(roots_.proc + "/self" + namespaces)) answer.network_namespace = network;
  return answer;
}

}  // namespace mete::collectors
