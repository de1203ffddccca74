// SPDX-License-Identifier: Apache-2.0
// docker, a bundle's annotations and kubelet's pods: JSON files and folder names.
#include <dirent.h>

#include <memory>

#include "collectors/discovery/json_text.h"
#include "collectors/discovery/runtimes.h"

namespace mete::collectors {
namespace {

bool read_docker(const IdentityRoots& roots, const std::string& root, Identity& who) {
  const Json config = parse_json(small_file(roots, root + "/containers/" + who.id + "/config.v2.json"));
  if (!config.is_object()) return false;
  std::string name = text_at(config, "Name");
  if (name.starts_with('/')) name.erase(0, 1);
  set_text(who.name, std::move(name));
  set_text(who.image, text_at(at(config, "Config"), "Image"));
  const Json& labels = at(at(config, "Config"), "Labels");
  add_labels(labels, who);
  names_from(labels, who);
  who.infrastructure = text_at(labels, "io.kubernetes.docker.type") == "podsandbox";
  if (who.infrastructure) who.container.clear();  // the pause container's name is "POD"
  who.created = parse_rfc3339(text_at(config, "Created"));
  who.started = parse_rfc3339(text_at(at(config, "State"), "StartedAt"));
  return true;
}

}  // namespace

Found describe_docker(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const auto read = [&](const std::string& root) { return read_docker(roots, root, who); };
  const auto layers = process.layers_before("/overlay2/");
  const bool found = (layers && read(*layers)) ||
                     process.any_source_before(roots, "/containers/" + who.id + "/", read) || read("/var/lib/docker");
  return found ? Found::kAll : Found::kNothing;
}

bool describe_bundle(const std::string& text, Identity& who) {
  const Json config = parse_json(text);
  if (!config.is_object()) return false;
  const Json& notes = at(config, "annotations");
  set_text(who.container, text_at(notes, "io.kubernetes.cri.container-name"));
  set_text(who.pod, text_at(notes, "io.kubernetes.cri.sandbox-name"));
  set_text(who.namespace_, text_at(notes, "io.kubernetes.cri.sandbox-namespace"));
  set_text(who.pod_uid, text_at(notes, "io.kubernetes.cri.sandbox-uid"));
  set_text(who.image, text_at(notes, "io.kubernetes.cri.image-name"));
  who.infrastructure = text_at(notes, "io.kubernetes.cri.container-type") == "sandbox";
  set_text(who.name, text_at(notes, "nerdctl/name"));
  add_labels(notes, who);
  return true;
}

bool describe_kubelet_pod(const IdentityRoots& roots, Identity& who) {
  const std::string folder = roots.files + "/var/log/pods";
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(folder.c_str()));
  if (!stream || who.pod_uid.empty()) return false;
  // "NAMESPACE_NAME_UID": neither name can hold a '_'.
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with("_" + who.pod_uid)) continue;
    const auto first = name.find('_');
    const auto second = name.find('_', first + 1);
    if (second == std::string_view::npos) continue;
    who.namespace_ = name.substr(0, first);
    who.pod = name.substr(first + 1, second - first - 1);
    return true;
  }
  return false;
}

}  // namespace mete::collectors
