// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/view.h"

#include <algorithm>
#include <cctype>

namespace mete::config {

Location View::location() const {
  if (node_ == nullptr) return {report_->file, 0, 0};
  return {report_->file, node_->line, node_->column};
}

ScalarType View::scalar_type_or_container() const {
  const bool container = node_->kind == YamlNode::Kind::kList || node_->kind == YamlNode::Kind::kMap;
  return container ? ScalarType::kString : scalar_type(*node_);
}

View View::operator[](std::string_view name) const {
  return {node_ == nullptr ? nullptr : find(*node_, name), join_path(path_, name), *report_};
}

std::vector<View> View::items() const {
  std::vector<View> views;
  if (node_ == nullptr) return views;
  for (std::size_t i = 0; i < node_->items.size(); ++i) {
    views.emplace_back(&node_->items[i], path_ + "[" + std::to_string(i) + "]", *report_);
  }
  return views;
}

std::vector<std::pair<std::string, View>> View::entries() const {
  std::vector<std::pair<std::string, View>> views;
  if (node_ == nullptr) return views;
  for (const auto& entry : node_->entries) {
    views.emplace_back(entry.key, View(&entry.value, join_path(path_, entry.key), *report_));
  }
  return views;
}

std::string View::text(std::string_view fallback) const {
  return *this && node_->kind == YamlNode::Kind::kScalar ? node_->text : std::string(fallback);
}

bool View::boolean(bool fallback) const {
  return *this ? as_bool(*node_).value_or(fallback) : fallback;
}

std::optional<std::int64_t> View::integer() const {
  return *this ? as_integer(*node_) : std::nullopt;
}

std::vector<std::string> View::texts() const {
  std::vector<std::string> list;
  for (const auto& item : items()) list.push_back(item.text());
  return list;
}

Diagnostic View::diagnostic(Complaint complaint) const {
  return {location(),
          report_->object,
          path_,
          std::move(complaint.message),
          std::move(complaint.found),
          std::move(complaint.expected),
          std::move(complaint.suggestion),
          complaint.not_acted_on};
}

void View::error(Complaint complaint) const {
  report_->out.errors.push_back(diagnostic(std::move(complaint)));
}
void View::warn(Complaint complaint) const {
  report_->out.warnings.push_back(diagnostic(std::move(complaint)));
}

void View::check(const Status& status) const {
  if (!status) error({status.error().what, node_ == nullptr ? "" : describe(*node_)});
}

std::string join_path(const std::string& parent, std::string_view name) {
  const bool simple = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  if (!simple) return parent + "['" + std::string(name) + "']";
  return parent.empty() ? std::string(name) : parent + "." + std::string(name);
}

Complaint mismatch(std::string found, std::string expected) {
  Complaint complaint{"found " + found + ", expected " + expected};
  complaint.found = std::move(found);
  complaint.expected = std::move(expected);
  return complaint;
}

}  // namespace mete::config
