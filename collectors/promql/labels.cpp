// SPDX-License-Identifier: Apache-2.0
#include "collectors/promql/labels.h"

#include <algorithm>

namespace mete::collectors::promql {

LabelTable::Symbol LabelTable::symbol(std::string_view text) {
  const auto [at, added] = symbols_.try_emplace(std::string(text), static_cast<Symbol>(texts_.size()));
  if (added) texts_.emplace_back(text);
  return at->second;
}

LabelsId LabelTable::intern(Set set) {
  const auto [at, added] = ids_.try_emplace(std::move(set), static_cast<LabelsId>(sets_.size()));
  if (added) sets_.push_back(&at->first);
  return at->second;
}

LabelsId LabelTable::add(std::span<const std::pair<std::string_view, std::string_view>> labels) {
  Set set;
  set.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    if (!value.empty()) set.emplace_back(symbol(name), symbol(value));
  }
  std::sort(set.begin(), set.end());
  return intern(std::move(set));
}

Labels LabelTable::labels(LabelsId id) const {
  Labels all;
  for (const auto& [name, value] : *sets_[id]) all.emplace_back(texts_[name], texts_[value]);
  std::sort(all.begin(), all.end());
  return all;
}

std::string_view LabelTable::value(LabelsId id, std::string_view name) const {
  for (const auto& [each, value] : *sets_[id]) {
    if (texts_[each] == name) return texts_[value];
  }
  return {};
}

std::size_t LabelTable::bytes() const {
  constexpr std::size_t kNode = 5 * sizeof(void*);
  std::size_t all = 0;
  for (const auto& text : texts_) all += 2 * (sizeof text + (text.size() > 15 ? text.size() + 1 : 0)) + kNode;
  for (const auto* set : sets_) all += sizeof(Set) + set->size() * sizeof(Set::value_type) + kNode;
  for (const auto& list : lists_) all += list.known.size() * sizeof(LabelsId);
  return all;
}

ListId LabelTable::list(const std::vector<std::string>& names, bool but) {
  const auto [at, added] = list_ids_.try_emplace({names, but}, static_cast<ListId>(lists_.size()));
  if (added) {
    List& list = lists_.emplace_back(List{{}, but, {}});
    for (const auto& name : names) list.names.push_back(symbol(name));
  }
  return at->second;
}

LabelsId LabelTable::keep(LabelsId id, ListId list_id) {
  List& list = lists_[list_id];
  if (list.known.size() <= id) list.known.resize(sets_.size(), kNone);
  if (list.known[id] != kNone) return list.known[id];
  Set kept;
  for (const auto& label : *sets_[id]) {
    const bool named = std::find(list.names.begin(), list.names.end(), label.first) != list.names.end();
    if (named != list.but) kept.push_back(label);
  }
  return list.known[id] = intern(std::move(kept));
}

}  // namespace mete::collectors::promql
