// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/downward.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/base/text.h"
#include "config/model/runtime_values.h"

namespace mete::config {
namespace {

constexpr std::string_view kHugePages = "hugepages-";
constexpr std::string_view kDisk = "ephemeral-storage";
constexpr std::string_view kResource = "resource/";

using Labels = std::map<std::string, std::string>;

constexpr std::array kRuntimeFields = std::to_array<std::string_view>(
    {"spec.nodeName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"});

// Returns x of metadata.labels['x'].
std::optional<std::string> subscript(std::string_view path, std::string_view field) {
  const std::string start = std::string(field) + "['";
  if (!path.starts_with(start) || path.size() < start.size() + 2 || !path.ends_with("']")) return std::nullopt;
  return std::string(path.substr(start.size(), path.size() - start.size() - 2));
}

std::string value_or_empty(const Labels& labels, const std::string& key) {
  const auto found = labels.find(key);
  return found == labels.end() ? "" : found->second;
}

// A quoted text of Go, which the kubelet writes here.
std::string quoted_go(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append(1, '\\').push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string all_lines(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) out += (out.empty() ? "" : "\n") + key + "=" + quoted_go(value);
  return out;
}

std::string divided_up(std::int64_t amount, std::int64_t divisor) {
  return std::to_string(amount / divisor + (amount % divisor > 0 ? 1 : 0));
}

// A request that is not set is its limit, which the reader fills in, or 0.
std::int64_t amount_of(const Container& container, std::string_view name, const MachineFacts& machine) {
  const bool limit = name.starts_with("limits.");
  const ResourceList& list = limit ? container.resources.limits : container.resources.requests;
  name.remove_prefix(name.find('.') + 1);
  if (name == "cpu") return list.cpu.value_or(limit ? machine.cpu : MilliCpu(0)).count();
  if (name == "memory") return list.memory.value_or(limit ? machine.memory : Bytes(0)).count();
  if (name == kDisk) return list.ephemeral_storage.value_or(limit ? machine.disk : Bytes(0)).count();
  const auto pages = list.huge_pages->find(std::string(name.substr(kHugePages.size())));
  return pages == list.huge_pages->end() ? 0 : pages->second.count();
}

// `key`: what resource_mark() made, without its first part.
std::string resource_value(std::string_view key, const Pod& pod, const MachineFacts& machine) {
  const Container* container = find_container(pod, next_part(key, '/'));
  const std::string_view name = next_part(key, '/');
  std::int64_t divisor = 1;
  std::from_chars(key.data(), key.data() + key.size(), divisor);
  return container == nullptr || divisor <= 0 ? "0" : divided_up(amount_of(*container, name, machine), divisor);
}

std::string value_of(std::string_view key, const Pod& pod, const MachineFacts& machine) {
  if (key == "spec.nodeName") return machine.node_name;
  if (key.starts_with(kResource)) return resource_value(key.substr(kResource.size()), pod, machine);
  const bool own_network = key.starts_with("status.podIP") && !pod.spec.host_network;
  std::vector<std::string> addresses = own_network ? machine.pod_addresses : machine.addresses;
  if (addresses.empty()) addresses.emplace_back("127.0.0.1");
  if (!key.ends_with('s')) return addresses.front();
  std::string all;
  for (const auto& each : addresses) all += (all.empty() ? "" : ",") + each;
  return all;
}

}  // namespace

std::optional<std::string> pod_field(const Pod& pod, std::string_view path) {
  if (path == "metadata.name") return pod.metadata.name;
  if (path == "metadata.namespace") return pod.metadata.namespace_;
  if (path == "metadata.uid") return pod.metadata.uid;
  if (path == "spec.serviceAccountName") {
    return pod.spec.service_account.empty() ? "default" : pod.spec.service_account;
  }
  if (std::find(kRuntimeFields.begin(), kRuntimeFields.end(), path) != kRuntimeFields.end()) return runtime_value(path);
  if (const auto key = subscript(path, "metadata.labels")) return value_or_empty(pod.metadata.labels, *key);
  if (const auto key = subscript(path, "metadata.annotations")) return value_or_empty(pod.metadata.annotations, *key);
  return std::nullopt;
}

std::optional<std::string> pod_field_in_file(const Pod& pod, std::string_view path) {
  if (path == "metadata.labels") return all_lines(pod.metadata.labels);
  if (path == "metadata.annotations") return all_lines(pod.metadata.annotations);
  if (!path.starts_with("metadata.")) return std::nullopt;
  return pod_field(pod, path);
}

bool is_resource_field(std::string_view name) {
  const auto dot = name.find('.');
  const std::string_view side = name.substr(0, dot);
  if (dot == std::string_view::npos || (side != "limits" && side != "requests")) return false;
  const std::string_view resource = name.substr(dot + 1);
  return resource == "cpu" || resource == "memory" || resource == kDisk || resource.starts_with(kHugePages);
}

std::string resource_mark(std::string_view container, const ResourceFieldRef& ref) {
  return runtime_value("resource/" + std::string(container) + "/" + ref.resource + "/" + std::to_string(ref.divisor));
}

std::string fill_marks(std::string_view text, const Pod& pod, const MachineFacts& machine) {
  return fill_runtime_values(text, [&](std::string_view key) { return value_of(key, pod, machine); });
}

const Container* find_container(const Pod& pod, std::string_view name) {
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& each : *list) {
      if (each.name == name) return &each;
    }
  }
  return nullptr;
}

}  // namespace mete::config
