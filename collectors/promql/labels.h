// SPDX-License-Identifier: Apache-2.0
// Sets of labels as numbers: equal sets have one number, so that the operators of PromQL compare and group by numbers.
// Metric names are no part of a set: nothing that the table uses looks at them after a selector.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mete::collectors::promql {

using Labels = std::vector<std::pair<std::string, std::string>>;  // by name; no empty values
using LabelsId = std::uint32_t;
using ListId = std::uint32_t;

class LabelTable {
 public:
  LabelTable() = default;
  LabelTable(const LabelTable&) = delete;
  LabelTable& operator=(const LabelTable&) = delete;
  LabelTable(LabelTable&&) = default;
  LabelTable& operator=(LabelTable&&) = default;

  // In any order; labels with an empty value are left out.
  LabelsId add(std::span<const std::pair<std::string_view, std::string_view>> labels);
  [[nodiscard]] Labels labels(LabelsId id) const;
  [[nodiscard]] std::string_view value(LabelsId id, std::string_view name) const;  // empty: absent
  [[nodiscard]] std::size_t size() const { return sets_.size(); }
  [[nodiscard]] std::size_t bytes() const;  // about

  // A list of label names. `but`: all labels except those.
  ListId list(const std::vector<std::string>& names, bool but = false);
  // The labels of `id` that the list keeps.
  LabelsId keep(LabelsId id, ListId list);

 private:
  using Symbol = std::uint32_t;
  using Set = std::vector<std::pair<Symbol, Symbol>>;  // by the number of the name
  struct List {
    std::vector<Symbol> names;
    bool but;
    std::vector<LabelsId> known;  // by LabelsId; kNone: not asked yet
  };
  static constexpr LabelsId kNone = 0xFFFFFFFF;

  Symbol symbol(std::string_view text);
  LabelsId intern(Set set);

  std::vector<std::string> texts_;
  std::unordered_map<std::string, Symbol> symbols_;
  std::vector<const Set*> sets_;
  std::map<Set, LabelsId> ids_;
  std::map<std::pair<std::vector<std::string>, bool>, ListId> list_ids_;
  std::vector<List> lists_;
};

}  // namespace mete::collectors::promql
