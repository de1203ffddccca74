// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/shape.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "config/model/diagnostics.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

std::vector<std::string_view> names(const ObjectSpec& spec) {
  std::vector<std::string_view> list;
  for (const auto& field : spec.fields) list.push_back(field.name);
  return list;
}

const FieldSpec* find_field(const ObjectSpec& spec, std::string_view name) {
  const auto field =
      std::find_if(spec.fields.begin(), spec.fields.end(), [&](const auto& f) { return f.name == name; });
  return field == spec.fields.end() ? nullptr : &*field;
}

bool is_kind(const View& view, YamlNode::Kind kind, std::string_view expected) {
  if (view.node().kind == kind) return true;
  view.error(mismatch(describe(view.node()), std::string(expected)));
  return false;
}

// Unquoted 1, 1.5, yes and true are not text in YAML; kubectl refuses them here, so such a Pod would not be portable.
bool check_string(const View& view) {
  if (!is_kind(view, YamlNode::Kind::kScalar, "text")) return false;
  if (scalar_type(view.node()) == ScalarType::kString) return true;
  view.error(mismatch(describe(view.node()), "text: quote it, \"" + view.node().text + "\""));
  return false;
}

void check_integer(const View& view, const FieldSpec& field) {
  const auto value = view.integer();
  constexpr auto kNoMax = std::numeric_limits<std::int64_t>::max();
  if (value && *value >= field.min && *value <= field.max) return;
  std::string expected = "a whole number";
  const bool bounded_below = field.min != std::numeric_limits<std::int64_t>::min();
  if (bounded_below && field.max != kNoMax) {
    expected += " from " + std::to_string(field.min) + " to " + std::to_string(field.max);
  } else if (bounded_below) {
    expected += " of at least " + std::to_string(field.min);
  }
  const bool quoted = view.node().kind == YamlNode::Kind::kScalar && !view.node().plain;
  view.error(mismatch(describe(view.node()), expected + (quoted ? " without quotes" : "")));
}

std::vector<std::string_view> names_of(std::span<const std::string_view> values) {
  return {values.begin(), values.end()};
}

// An empty text, list or mapping, and a value that asks for what mete does anyway.
bool asks_for_nothing(const View& view, const FieldSpec& field) {
  const YamlNode& node = view.node();
  if (node.kind == YamlNode::Kind::kMap) return node.entries.empty();
  if (node.kind == YamlNode::Kind::kList) return node.items.empty();
  return node.text.empty() ||
         std::find(field.harmless.begin(), field.harmless.end(), node.text) != field.harmless.end();
}

template <class T>
void check_amount(const View& view, Result<T> (*parse)(std::string_view)) {
  if (!is_kind(view, YamlNode::Kind::kScalar, "an amount")) return;
  const auto value = parse(view.node().text);
  if (!value) view.check(tl::unexpected(value.error()));
}

void check_count(const View& view, const FieldSpec& field) {
  if (!is_kind(view, YamlNode::Kind::kScalar, "a number")) return;
  const auto value = parse_count(view.node().text);
  if (!value) return view.check(tl::unexpected(value.error()));
  if (*value < field.min) {
    view.error(mismatch(describe(view.node()), "at least " + std::to_string(field.min)));
  } else if (*value > field.max) {
    view.error(mismatch(describe(view.node()), "at most " + std::to_string(field.max)));
  }
}

class Checker {
 public:
  explicit Checker(std::string_view inactive) : inactive_(inactive) {}

  // `quiet`: the object is inside a field that has its warning already.
  void object(const View& view, const ObjectSpec& spec, bool quiet) {
    if (!is_kind(view, YamlNode::Kind::kMap, "a mapping")) return;
    for (const auto& entry : view.node().entries) known(view, entry, spec);
    for (const auto& field : spec.fields) {
      const View child = view[field.name];
      if (child) {
        value(child, field, quiet);
      } else if (field.required) {
        view.error({"`" + std::string(field.name) + "` is missing", "nothing", "`" + std::string(field.name) + "`"});
      }
    }
  }

 private:
  static void known(const View& view, const NodeEntry& entry, const ObjectSpec& spec) {
    if (find_field(spec, entry.key) != nullptr) return;
    YamlNode key;
    key.kind = YamlNode::Kind::kScalar;
    key.line = entry.line;
    key.column = entry.column;
    Complaint complaint{"unknown field", "`" + entry.key + "`"};
    complaint.suggestion = nearest(entry.key, names(spec));
    complaint.expected = "a field of " + std::string(spec.name);
    if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
    View(&key, join_path(view.path(), entry.key), view.report()).error(std::move(complaint));
  }

  // Reports a field that mete does not act on. True: what is inside the field needs no report of its own.
  [[nodiscard]] bool report_use(const View& view, const FieldSpec& field) const {
    if (field.use == FieldUse::kActive) return false;
    if (field.use == FieldUse::kNoMeaning || asks_for_nothing(view, field)) return true;
    const std::string name = "`" + std::string(field.name) + "` ";
    if (field.use == FieldUse::kInactive) {
      view.warn({.message = name + std::string(inactive_), .not_acted_on = true});
    } else {
      // The table says why, and what there is in its place.
      view.error({"found " + name + "that mete cannot give: " + std::string(field.doc), describe(view.node()),
                  "no " + name.substr(0, name.size() - 1)});
    }
    return true;
  }

  void value(const View& view, const FieldSpec& field, bool quiet) {
    if (field.use == FieldUse::kIgnored) return;
    quiet = quiet || report_use(view, field);
    switch (field.type) {
      case FieldType::kObject:
        return object(view, *field.object, quiet);
      case FieldType::kObjectList:
        if (!is_kind(view, YamlNode::Kind::kList, "a list")) return;
        for (const auto& item : view.items()) object(item, *field.object, quiet);
        return;
      case FieldType::kStringList:
        if (!is_kind(view, YamlNode::Kind::kList, "a list of texts")) return;
        for (const auto& item : view.items()) check_string(item);
        return;
      case FieldType::kIntegerList:
        if (!is_kind(view, YamlNode::Kind::kList, "a list of whole numbers")) return;
        for (const auto& item : view.items()) check_integer(item, field);
        return;
      case FieldType::kStringMap:
        if (!is_kind(view, YamlNode::Kind::kMap, "a mapping of texts")) return;
        for (const auto& [key, item] : view.entries()) {
          if (item) check_string(item);
        }
        return;
      default:
        scalar(view, field);
    }
  }

  static void scalar(const View& view, const FieldSpec& field) {
    switch (field.type) {
      case FieldType::kString:
        return enumerated(view, field);
      case FieldType::kBool:
        if (!as_bool(view.node())) view.error(mismatch(describe(view.node()), "true or false"));
        return;
      case FieldType::kInteger:
        return check_integer(view, field);
      case FieldType::kIntegerOrString:
        if (!view.integer()) check_string(view);
        return;
      case FieldType::kCpu:
        return check_amount(view, parse_cpu);
      case FieldType::kBytes:
        return check_amount(view, parse_bytes);
      case FieldType::kCount:
        return check_count(view, field);
      case FieldType::kDuration:
        return check_amount(view, parse_duration);
      case FieldType::kPercent:
        return check_amount(view, parse_percent);
      case FieldType::kFactor:
        return check_amount(view, parse_factor);
      case FieldType::kResources:
        is_kind(view, YamlNode::Kind::kMap, "a mapping of resources to amounts");
        return;
      default:
        return;
    }
  }

  static void enumerated(const View& view, const FieldSpec& field) {
    if (!check_string(view) || field.values.empty()) return;
    const std::string& text = view.node().text;
    if (std::find(field.values.begin(), field.values.end(), text) != field.values.end()) return;
    const std::vector<std::string_view> values = names_of(field.values);
    Complaint complaint = mismatch(describe(view.node()), one_of(values));
    complaint.suggestion = nearest(text, values);
    if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
    view.error(std::move(complaint));
  }

  std::string_view inactive_;
};

// Checks the whole document, also where the tables do not reach: of two equal keys the second would silently win.
void check_doubles(const View& view) {
  std::set<std::string_view> seen;
  if (view.node().kind == YamlNode::Kind::kMap) {
    for (const auto& entry : view.node().entries) {
      const View value(&entry.value, join_path(view.path(), entry.key), view.report());
      if (!seen.insert(entry.key).second) {
        YamlNode key;
        key.line = entry.line;
        key.column = entry.column;
        View(&key, value.path(), view.report())
            .error({"stands twice in the same mapping", "`" + entry.key + "` again"});
      }
      if (entry.value.kind == YamlNode::Kind::kMap || entry.value.kind == YamlNode::Kind::kList) check_doubles(value);
    }
  }
  for (const auto& item : view.items()) {
    if (item.node().kind == YamlNode::Kind::kMap || item.node().kind == YamlNode::Kind::kList) check_doubles(item);
  }
}

}  // namespace

void check_shape(const View& view, const ObjectSpec& spec, std::string_view inactive) {
  check_doubles(view);
  Checker(inactive).object(view, spec, false);
}

}  // namespace mete::config
