// SPDX-License-Identifier: Apache-2.0
// docker, podman, CRI-O and kubelet: JSON files and folder names.
#include <dirent.h>
#include <unistd.h>

#include <climits>
#include <memory>
#include <nlohmann/json.hpp>

#include "collectors/discovery/runtimes.h"

namespace mete::collectors {
namespace {

using Json = nlohmann::json;

// Malformed JSON is a null. Exceptions of the library end here.
Json parse(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json() : value;
}

std::string text_at(const Json& value, const char* key) {
  const auto found = value.is_object() ? value.find(key) : value.end();
  return value.is_object() && found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}
const Json& at(const Json& value, const char* key) {
  static const Json kNull;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return value.is_object() && found != value.end() ? *found : kNull;
}

void add_labels(const Json& labels, Identity& who) {
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) who.labels.emplace_back(key, value.get<std::string>());
  }
}

void set_text(std::string& into, std::string text) {
  if (!text.empty()) into = std::move(text);
}

// The names of Kubernetes that docker-shim, CRI-O and others keep as labels or annotations.
void names_from(const Json& labels, Identity& who) {
  set_text(who.namespace_, text_at(labels, "io.kubernetes.pod.namespace"));
  set_text(who.pod, text_at(labels, "io.kubernetes.pod.name"));
  set_text(who.pod_uid, text_at(labels, "io.kubernetes.pod.uid"));
  set_text(who.container, text_at(labels, "io.kubernetes.container.name"));
}

// The entry of containers/storage's list for this container.
Json stored_container(const IdentityRoots& roots, const std::string& graph_root, const std::string& driver, const std::string& id) {
  const Json list = parse(small_file(roots, graph_root + "/" + driver + "-containers/containers.json"));
  if (!list.is_array()) return {};
  for (const Json& entry : list) {
    if (text_at(entry, "id") == id) return entry;
  }
  return {};
}

// Where containers/storage keeps its graph: before the layers of the root's overlay, or before a vfs copy.
std::optional<std::pair<std::string, std::string>> graph_of(const ProcessView& process) {
  if (auto root = process.layers_before("/overlay/")) return {{*root, "overlay"}};
  if (auto root = process.source_before("/vfs/dir/")) return {{*root, "vfs"}};
  return std::nullopt;
}

}  // namespace

bool describe_docker(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const std::string folder = "/containers/" + who.id + "/";
  const std::string root = process.source_before(folder).value_or("/var/lib/docker");
  const Json config = parse(small_file(roots, root + folder + "config.v2.json"));
  if (!config.is_object()) return false;
  std::string name = text_at(config, "Name");
  if (name.starts_with('/')) name.erase(0, 1);
  set_text(who.name, std::move(name));
  set_text(who.image, text_at(at(config, "Config"), "Image"));
  const Json& labels = at(at(config, "Config"), "Labels");
  add_labels(labels, who);
  names_from(labels, who);
  who.infrastructure = text_at(labels, "io.kubernetes.docker.type") == "podsandbox";
  who.created = parse_rfc3339(text_at(config, "Created"));
  who.started = parse_rfc3339(text_at(at(config, "State"), "StartedAt"));
  return true;
}

bool describe_podman(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const auto graph = graph_of(process);
  if (!graph) return false;
  const Json entry = stored_container(roots, graph->first, graph->second, who.id);
  if (!entry.is_object()) return false;
  // Podman's own facts are JSON in a text of the list.
  const Json facts = parse(text_at(entry, "metadata"));
  const Json& names = at(entry, "names");
  if (names.is_array() && !names.empty() && names[0].is_string()) who.name = names[0].get<std::string>();
  set_text(who.name, text_at(facts, "name"));
  set_text(who.image, text_at(facts, "image-name"));
  who.created = parse_rfc3339(text_at(entry, "created"));
  const Json bundle = parse(small_file(roots, graph->first + "/" + graph->second + "-containers/" + who.id + "/userdata/config.json"));
  add_labels(at(bundle, "annotations"), who);
  return true;
}

bool describe_crio(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const auto graph = graph_of(process);
  if (!graph) return false;
  const std::string folder = "-containers/" + who.id + "/userdata/config.json";
  const Json bundle = parse(small_file(roots, graph->first + "/" + graph->second + folder));
  const Json& notes = at(bundle, "annotations");
  if (!notes.is_object()) return false;
  names_from(notes, who);
  set_text(who.name, text_at(notes, "io.kubernetes.cri-o.Name"));
  set_text(who.image, text_at(notes, "io.kubernetes.cri-o.ImageName"));
  who.infrastructure = text_at(notes, "io.kubernetes.cri-o.ContainerType") == "sandbox";
  who.created = parse_rfc3339(text_at(notes, "io.kubernetes.cri-o.Created"));
  add_labels(parse(text_at(notes, "io.kubernetes.cri-o.Labels")), who);
  return true;
}

bool describe_bundle(const IdentityRoots& roots, const std::string& bundle, Identity& who) {
  const Json config = parse(small_file(roots, bundle + "/config.json"));
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
  // "NAMESPACE_NAME_UID"; neither name has a '_'.
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
