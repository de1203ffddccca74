// SPDX-License-Identifier: Apache-2.0
// containerd, by its shim: the shim's working directory is the container's bundle, wherever containerd keeps its state.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "collectors/discovery/bolt.h"
#include "collectors/discovery/runtimes.h"

namespace mete::collectors {

bool describe_bundle(const std::string& text, Identity& who);  // describe.cpp

namespace {

struct Bundle {
  std::string namespace_;  // containerd's
  std::string config;      // text of its config.json
};

// "STATE/io.containerd.runtime.v2.task/NAMESPACE/ID" -> "NAMESPACE"; empty when `folder` has another form.
std::string namespace_of_bundle(std::string_view folder, const std::string& id) {
  if (!folder.ends_with("/" + id)) return {};
  folder.remove_suffix(id.size() + 1);
  const auto slash = folder.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view above = folder.substr(0, slash);
  const bool is_state = above.substr(above.rfind('/') + 1).starts_with("io.containerd.runtime.");
  return is_state ? std::string(folder.substr(slash + 1)) : std::string();
}

// Finds the bundle among the working directories of the process's ancestors: that of the shim, or of the runtime that
// the shim has just called. The directory is read through /proc, because the shim may have other mounts than the agent.
std::optional<Bundle> bundle_of(const IdentityRoots& roots, const ProcessView& process, const std::string& id) {
  constexpr int kMostAncestors = 16;
  pid_t pid = process.parent;
  for (int i = 0; i < kMostAncestors && pid > 1; ++i, pid = parent_of(roots, pid)) {
    const std::string link = roots.proc + "/" + std::to_string(pid) + "/cwd";
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size <= 0) continue;
    std::string name = namespace_of_bundle({target.data(), static_cast<std::size_t>(size)}, id);
    if (!name.empty()) return Bundle{std::move(name), small_file({}, link + "/config.json")};
  }
  return std::nullopt;
}

bool read_database(const IdentityRoots& roots, const std::string& root, const Bundle& bundle, Identity& who) {
  const auto database = open_bolt(roots, root + "/io.containerd.metadata.v1.bolt/meta.db");
  if (!database) return false;
  auto image = database->get({"v1", bundle.namespace_, "containers", who.id}, "image");
  if (!image) return false;
  if (who.image.empty()) who.image = std::move(*image);
  for (auto& label : database->entries({"v1", bundle.namespace_, "containers", who.id, "labels"})) {
    // nerdctl's labels are annotations too
    const auto same = [&](const auto& known) { return known.first == label.first; };
    if (std::none_of(who.labels.begin(), who.labels.end(), same)) who.labels.push_back(std::move(label));
  }
  return true;
}

}  // namespace

Found describe_containerd(const IdentityRoots& roots, const ProcessView& of, Identity& who) {
  const auto bundle = bundle_of(roots, of, who.id);
  if (!bundle) return Found::kNothing;
  const ProcessView process = of.mounts.empty() ? view_process(roots, of.pid) : of;
  if (bundle->namespace_ == "moby") {
    who.runtime = "docker";
    return describe_docker(roots, process, who);
  }
  who.runtime = "containerd";
  if (!describe_bundle(bundle->config, who)) return Found::kNothing;
  constexpr std::string_view kSnapshots = "/io.containerd.snapshotter.v1.";
  const auto read = [&](const std::string& root) { return read_database(roots, root, *bundle, who); };
  const auto layers = process.layers_before(kSnapshots);
  // Without an overlay the container's snapshots appear as sources of mounts.
  (void)((layers && read(*layers)) || process.any_source_before(roots, kSnapshots, read) ||
         read("/var/lib/containerd"));
  if (who.name.empty()) who.name = who.container.empty() ? who.id : who.container;
  return who.image.empty() ? Found::kSome : Found::kAll;
}

}  // namespace mete::collectors
