// SPDX-License-Identifier: Apache-2.0
#include "collectors/discovery/export_policy.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace mete::collectors {
namespace {

bool matches_any(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return matches(pattern, text); });
}

// At most this much of a value, cut at a character's start: a label of a megabyte would be repeated in every line.
std::string_view bounded(std::string_view value) {
  constexpr std::size_t kMost = 4096;
  if (value.size() <= kMost) return value;
  std::size_t end = kMost;
  while (end > kMost - 4 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U) --end;
  return value.substr(0, end);
}

}  // namespace

// Without recursion: a star first matches the shortest text; when the rest does not fit, the match is tried again from
// the star with one character more.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t after = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_exported(const ExportPolicy& policy, const Identity& who, std::string_view path) {
  if (matches_any(policy.exclude, path)) return false;
  if (matches_any(policy.include, path)) return true;
  switch (who.kind) {
    case CgroupKind::kRoot:
      return true;
    case CgroupKind::kPod:
    case CgroupKind::kContainer:
      return policy.containers;
    case CgroupKind::kSlice:
      return policy.slices;
    case CgroupKind::kService:
    case CgroupKind::kScope:
      return policy.services;
    case CgroupKind::kOther:
      return policy.other;
  }
  return false;
}

std::string label_name(std::string_view key) {
  std::string name = "container_label_";
  for (const char c : key) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

void add_container_labels(const ExportPolicy& policy, const LabelPairs& all, LabelBlock& labels) {
  std::map<std::string, std::string_view> more;  // two keys may give the same name: the first one wins
  constexpr std::size_t kMostLabels = 64;
  constexpr std::size_t kLongestKey = 256;
  for (const auto& [key, value] : all) {
    if (more.size() >= kMostLabels) break;
    if (key.size() <= kLongestKey && matches_any(policy.labels, key)) more.try_emplace(label_name(key), bounded(value));
  }
  for (const auto& [name, value] : more) labels.add(name, value);
}

LabelBlock exported_labels(const ExportPolicy& policy, const Identity& who, std::string_view path) {
  const bool container = who.kind == CgroupKind::kContainer;
  LabelBlock labels;
  if (policy.id_label) labels.add("id", path);
  labels.add("name", container ? bounded(who.name) : "");
  labels.add("image", container ? bounded(who.image) : "");
  labels.add("namespace", who.namespace_);
  labels.add("pod", who.pod);
  // A pod's pause container has no `container` label: sums over containers filter by it and leave the pause container
  // out.
  const bool nameless = container && who.container.empty() && !who.infrastructure;
  labels.add("container", bounded(nameless ? who.name : who.container));
  add_container_labels(policy, who.labels, labels);
  return labels;
}

}  // namespace mete::collectors
