// SPDX-License-Identifier: Apache-2.0
// podman and CRI-O, which keep their containers by the same library (containers/storage): where it keeps them is told
// by the layers that the container's process sees mounted, else by the folder that its monitor, conmon, was given.
#include <fcntl.h>

#include <functional>

#include "collectors/discovery/bolt.h"
#include "collectors/discovery/json_text.h"
#include "collectors/discovery/runtimes.h"
#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

struct Conmon {
  std::string bundle;  // ".../overlay-containers/ID/userdata"
  std::string name;
};

// The command line of conmon for this container, among the process's ancestors.
std::optional<Conmon> conmon_of(const IdentityRoots& roots, const ProcessView& process, const std::string& id) {
  constexpr int kMostAncestors = 16;
  pid_t pid = process.parent;
  for (int i = 0; i < kMostAncestors && pid > 1; ++i, pid = parent_of(roots, pid)) {
    const auto text = runtime::read_file(AT_FDCWD, roots.proc + "/" + std::to_string(pid) + "/cmdline");
    if (!text || text->find(id) == std::string::npos) continue;
    Conmon found;
    std::string_view rest = *text;
    std::string_view option;
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find('\0'));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      if (option == "-b") found.bundle = word;
      if (option == "-n") found.name = word;
      option = word;
    }
    if (found.bundle.ends_with("-containers/" + id + "/userdata")) return found;
  }
  return std::nullopt;
}

// Calls found(folder, driver) with each possible place of "FOLDER/DRIVER-containers" until it returns true.
bool any_graph(const IdentityRoots& roots, const ProcessView& process, const std::string& id,
               const std::function<bool(const std::string&, const std::string&)>& found) {
  const auto layers = process.layers_before("/overlay/");
  if (layers && found(*layers, "overlay")) return true;
  const auto is_vfs = [&](const std::string& root) { return found(root, "vfs"); };
  if (process.any_source_before(roots, "/vfs/dir/", is_vfs)) return true;
  const auto conmon = conmon_of(roots, process, id);
  if (!conmon) return false;
  const std::string list = conmon->bundle.substr(0, conmon->bundle.rfind("-containers/" + id));
  const auto slash = list.rfind('/');
  return slash != std::string::npos && found(list.substr(0, slash), list.substr(slash + 1));
}

// The first element of a list of objects that contains `text`. The list holds all containers of the machine and is
// searched for each of them, so only this element is parsed.
std::string_view element_with(std::string_view list, std::string_view text) {
  const auto wanted = list.find(text);
  if (wanted == std::string_view::npos) return {};
  std::size_t start = 0;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if ((c == '{' || c == '[') && ++depth == 2) start = i;
    if ((c == '}' || c == ']') && --depth == 1 && i > wanted) return list.substr(start, i + 1 - start);
  }
  return {};
}

// The entry for this container in the storage's lists. A container that removes itself is in the second list.
Json stored_container(const IdentityRoots& roots, const std::string& lists, const std::string& id) {
  for (const char* name : {"/containers.json", "/volatile-containers.json"}) {
    const std::string list = small_file(roots, lists + name);
    Json entry = parse_json(std::string(element_with(list, "\"" + id + "\"")));
    if (text_at(entry, "id") == id) return entry;
  }
  return {};
}

// Podman keeps labels in its own database alone; before version 5 that is a bbolt file.
void add_podman_labels(const IdentityRoots& roots, const std::string& graph, Identity& who) {
  const auto database = open_bolt(roots, graph + "/libpod/bolt_state.db");
  const std::string kept = database ? database->get({"ctr", who.id}, "config").value_or("") : "";
  add_labels(at(parse_json(kept), "labels"), who);
}

bool read_podman(const IdentityRoots& roots, const std::string& graph, const std::string& driver, Identity& who) {
  const std::string lists = graph + "/" + driver + "-containers";
  const Json entry = stored_container(roots, lists, who.id);
  if (!entry.is_object()) return false;
  // The entry's `metadata` is a text that holds JSON with podman's own facts.
  const Json facts = parse_json(text_at(entry, "metadata"));
  const Json& names = at(entry, "names");
  if (names.is_array() && !names.empty() && names[0].is_string()) who.name = names[0].get<std::string>();
  set_text(who.name, text_at(facts, "name"));
  set_text(who.image, text_at(facts, "image-name"));
  who.created = parse_rfc3339(text_at(entry, "created"));
  const Json bundle = parse_json(small_file(roots, lists + "/" + who.id + "/userdata/config.json"));
  add_labels(at(bundle, "annotations"), who);
  add_podman_labels(roots, graph, who);
  return true;
}

bool read_crio(const IdentityRoots& roots, const std::string& graph, const std::string& driver, Identity& who) {
  const Json bundle =
      parse_json(small_file(roots, graph + "/" + driver + "-containers/" + who.id + "/userdata/config.json"));
  const Json& notes = at(bundle, "annotations");
  if (!notes.is_object()) return false;
  names_from(notes, who);
  set_text(who.name, text_at(notes, "io.kubernetes.cri-o.Name"));
  set_text(who.image, text_at(notes, "io.kubernetes.cri-o.ImageName"));
  who.infrastructure = text_at(notes, "io.kubernetes.cri-o.ContainerType") == "sandbox";
  if (who.infrastructure) who.container.clear();  // the infra container's name is "POD"
  who.created = parse_rfc3339(text_at(notes, "io.kubernetes.cri-o.Created"));
  add_labels(parse_json(text_at(notes, "io.kubernetes.cri-o.Labels")), who);
  return true;
}

}  // namespace

Found describe_podman(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const auto read = [&](const std::string& graph, const std::string& driver) {
    return read_podman(roots, graph, driver, who);
  };
  if (any_graph(roots, process, who.id, read)) return Found::kAll;
  const auto conmon = conmon_of(roots, process, who.id);
  if (!conmon) return Found::kNothing;
  set_text(who.name, conmon->name);
  return Found::kSome;
}

Found describe_crio(const IdentityRoots& roots, const ProcessView& process, Identity& who) {
  const auto read = [&](const std::string& graph, const std::string& driver) {
    return read_crio(roots, graph, driver, who);
  };
  return any_graph(roots, process, who.id, read) ? Found::kAll : Found::kNothing;
}

}  // namespace mete::collectors
