// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>

#include "collectors/discovery/identity.h"

namespace mete::collectors {
namespace {

bool is_id(std::string_view text) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), hex);
}

// Returns the last component of `path`, and leaves the rest in it.
std::string_view take_last(std::string_view& path) {
  const auto slash = path.rfind('/');
  const std::string_view last = path.substr(slash + 1);
  path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  return last;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}
bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

struct ContainerPrefix {
  std::string_view prefix;
  std::string_view runtime;
  bool infrastructure;
};
// Longer ones first: "libpod-conmon-" before "libpod-".
constexpr std::array<ContainerPrefix, 8> kPrefixes = {{
    {"docker-", "docker", false},
    {"cri-containerd-", "containerd", false},
    {"nerdctl-", "containerd", false},
    {"crio-conmon-", "crio", true},
    {"crio-", "crio", false},
    {"libpod-conmon-", "podman", true},
    {"libpod-payload-", "podman", false},  // --cgroups=split, for containers in systemd units
    {"libpod-", "podman", false},
}};

// "pod0f9e..._..." -> the uid with its dashes; empty when `name` is no pod's.
std::string pod_uid_of(std::string_view name) {
  if (take_suffix(name, ".slice")) {
    const auto at = name.rfind("-pod");
    if (at == std::string_view::npos) return {};
    name.remove_prefix(at + 1);
  }
  if (!take_prefix(name, "pod") || name.empty()) return {};
  std::string uid(name);
  std::replace(uid.begin(), uid.end(), '_', '-');
  return uid;
}

Identity container(std::string_view runtime, std::string_view id, bool infrastructure = false) {
  Identity who;
  who.kind = infrastructure ? CgroupKind::kScope : CgroupKind::kContainer;
  who.runtime = runtime;
  who.id = id;
  who.infrastructure = infrastructure;
  return who;
}

// Classifies containers of the runtimes that put their name before the id.
bool classify_prefixed(std::string_view name, std::string_view parent, Identity& who) {
  take_suffix(name, ".scope");
  // "SLICE:docker:ID": a systemd name given to a runtime that makes its cgroups itself.
  std::string named(name);
  if (const auto id = named.rfind(':'); id != std::string::npos) {
    named[id] = '-';
    const auto slice = named.rfind(':', id);
    if (slice == std::string::npos) return false;
    parent = name.substr(0, slice);
    named.erase(0, slice + 1);
  }
  name = named;
  for (const ContainerPrefix& known : kPrefixes) {
    std::string_view id = name;
    if (!take_prefix(id, known.prefix) || !is_id(id)) continue;
    who = container(known.runtime, id, known.infrastructure);
    if (parent.find("kubepods") != std::string_view::npos) who.pod_uid = pod_uid_of(take_last(parent));
    return true;
  }
  return false;
}

bool classify_kubepods(std::string_view name, std::string_view parent, Identity& who) {
  const bool below = parent.find("kubepods") != std::string_view::npos || name.starts_with("kubepods-");
  if (!below) return false;
  const std::string uid = pod_uid_of(name);
  if (!uid.empty()) {
    who.kind = CgroupKind::kPod;
    who.runtime = "kubelet";
    who.pod_uid = uid;
    return true;
  }
  if (!is_id(name)) return false;
  who = container("kubelet", name);
  who.pod_uid = pod_uid_of(take_last(parent));
  return true;
}

bool classify_lxc(std::string_view name, std::string_view parent, Identity& who) {
  std::string_view rest = name;
  const bool monitor = take_prefix(rest, "lxc.monitor.");
  if (!monitor && !take_prefix(rest, "lxc.payload.") && parent != "/lxc") return false;
  if (rest.empty()) return false;
  who = container("lxc", rest, monitor);
  who.name = rest;
  return true;
}

bool classify_unit(std::string_view name, Identity& who) {
  if (name.ends_with(".slice")) {
    who.kind = CgroupKind::kSlice;
  } else if (name.ends_with(".service")) {
    who.kind = CgroupKind::kService;
  } else if (name.ends_with(".scope")) {
    who.kind = CgroupKind::kScope;
  } else {
    return false;
  }
  who.runtime = "systemd";
  who.name = unescape_unit(name);
  return true;
}

}  // namespace

std::string_view to_string(CgroupKind kind) {
  constexpr std::array<std::string_view, 7> kNames = {"root", "pod", "container", "slice", "service", "scope", "other"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::string unescape_unit(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    unsigned value = 0;
    const char* const digits = name.data() + i + 2;
    const bool escape = name.substr(i, 2) == "\\x" && i + 4 <= name.size() &&
                        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    out += escape ? static_cast<char>(value) : name[i];
    if (escape) i += 3;
  }
  return out;
}

Identity classify_path(std::string_view path) {
  Identity who;
  if (path.empty() || path == "/") {
    who.kind = CgroupKind::kRoot;
    return who;
  }
  std::string_view parent = path;
  const std::string_view name = take_last(parent);
  if (classify_prefixed(name, parent, who) || classify_kubepods(name, parent, who) || classify_lxc(name, parent, who)) {
    return who;
  }
  if (is_id(name) && (parent == "/docker" || parent.ends_with("/docker"))) return container("docker", name);
  classify_unit(name, who);
  return who;
}

}  // namespace mete::collectors
