// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/cdi_devices.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace mete::config {
namespace {

std::optional<unsigned long> number_in_name(const std::string& name) {
  unsigned long number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

// Numbers come first, as they are what people count devices by.
bool comes_first(const std::string& a, const std::string& b) {
  const auto x = number_in_name(a);
  const auto y = number_in_name(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a < b;
}

std::set<std::string> node_paths(const CdiDevice& device) {
  std::set<std::string> nodes;
  for (const auto& node : device.edits.nodes) nodes.insert(node.host_path.empty() ? node.path : node.host_path);
  return nodes;
}

void append_edits(CdiEdits& to, const CdiEdits& from) {
  const auto add = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(to.env, from.env);
  add(to.nodes, from.nodes);
  add(to.mounts, from.mounts);
  add(to.hooks, from.hooks);
  add(to.gids, from.gids);
  add(to.others, from.others);
}

}  // namespace

CdiDevices::CdiDevices(std::vector<CdiSpec> specs) : specs_(std::move(specs)) {
  std::set<std::string> conflicts;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    for (std::size_t j = 0; j < specs_[i].devices.size(); ++j) {
      const std::string name = specs_[i].kind + "=" + specs_[i].devices[j].name;
      const auto [at, added] = devices_.emplace(name, std::pair(i, j));
      if (added) continue;
      const int known = specs_[at->second.first].priority;
      if (specs_[i].priority > known) {
        at->second = {i, j};
        conflicts.erase(name);
      } else if (specs_[i].priority == known) {
        conflicts.insert(name);
      }
    }
  }
  for (const auto& name : conflicts) devices_.erase(name);
  conflicts_.assign(conflicts.begin(), conflicts.end());
}

std::vector<std::string> CdiDevices::of_kind(const std::string& kind) const {
  std::vector<const CdiDevice*> all;
  for (const auto& [name, at] : devices_) {
    const auto& [spec, device] = at;
    if (specs_[spec].kind == kind && specs_[spec].devices[device].name != "all")
      all.push_back(&specs_[spec].devices[device]);
  }
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return comes_first(a->name, b->name); });
  std::vector<std::set<std::string>> nodes;
  nodes.reserve(all.size());
  for (const auto* each : all) nodes.push_back(node_paths(*each));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    // Another name of an earlier one, or more than one of them.
    const auto is_other = [&](std::size_t j) {
      if (i == j || nodes[j].empty() ||
          !std::includes(nodes[i].begin(), nodes[i].end(), nodes[j].begin(), nodes[j].end()))
        return false;
      return nodes[i].size() > nodes[j].size() || j < i;
    };
    bool counts = true;
    for (std::size_t j = 0; j < all.size() && counts; ++j) counts = !is_other(j);
    if (counts) names.push_back(kind + "=" + all[i]->name);
  }
  return names;
}

std::vector<std::string> CdiDevices::kinds() const {
  std::set<std::string> kinds;
  for (const auto& [name, at] : devices_) kinds.insert(specs_[at.first].kind);
  return {kinds.begin(), kinds.end()};
}

std::map<std::string, std::int64_t> CdiDevices::counts() const {
  std::map<std::string, std::int64_t> counts;
  for (const auto& kind : kinds()) counts[kind] = static_cast<std::int64_t>(of_kind(kind).size());
  return counts;
}

Result<CdiEdits> CdiDevices::edits(const std::vector<std::string>& devices) const {
  CdiEdits all;
  std::set<std::size_t> seen;
  std::string missing;
  for (const auto& name : devices) {
    const auto at = devices_.find(name);
    if (at == devices_.end()) {
      missing += (missing.empty() ? "" : ", ") + name;
      continue;
    }
    const auto& [spec, device] = at->second;
    if (seen.insert(spec).second) append_edits(all, specs_[spec].edits);
    append_edits(all, specs_[spec].devices[device].edits);
  }
  if (!missing.empty()) return fail("unresolvable CDI devices " + missing);
  return all;
}

}  // namespace mete::config
