// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_workloads.h"

#include <array>
#include <ctime>
#include <functional>
#include <optional>

#include "agent/export/kube_workload_table.h"

namespace mete::agent {
namespace {

using collectors::FamilyWriter;
using collectors::LabelBlock;
using nlohmann::ordered_json;

const ordered_json* member_at(const ordered_json& object, const std::string& pointer) {
  const ordered_json::json_pointer path(pointer);
  return object.contains(path) ? &object.at(path) : nullptr;
}

std::string string_at(const ordered_json& object, const std::string& pointer) {
  const auto* const value = member_at(object, pointer);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<std::chrono::nanoseconds> seconds_since_1970(const std::string& time) {
  std::tm parts{};
  if (time.empty() || ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return std::nullopt;
  return std::chrono::seconds(::timegm(&parts));
}

// One family of one object.
class Line {
 public:
  Line(FamilyWriter& out, const WorkloadFamily& of, const ordered_json& object) : out_(out), of_(of), object_(object) {
    const std::string_view second = of.family.labels.substr(std::string_view("namespace,").size());
    labels_.add("namespace", string_at(object, "/metadata/namespace"));
    labels_.add(second.substr(0, second.find(',')), string_at(object, "/metadata/name"));
  }

  void write() {
    const ordered_json* const value = of_.source.path[0] == '/' ? member_at(object_, of_.source.path) : nullptr;
    switch (of_.source.take) {
      case Take::kNumber:
      case Take::kCount:
        if (value != nullptr && value->is_number()) return out_.add(labels_, value->get<double>());
        if (of_.source.take == Take::kCount) out_.add(labels_, std::uint64_t{0});
        return;
      case Take::kBool:
        return flag(value != nullptr && *value == true);
      case Take::kTime:
        return out_.add(labels_, seconds_since_1970(string_at(object_, of_.source.path)));
      case Take::kSize:
        return out_.add(labels_, std::uint64_t{value == nullptr ? 0 : value->size()});
      case Take::kCondition:
        return conditions(value);
      case Take::kEnd:
        return end();
      case Take::kOwner:
        return owner(value);
      case Take::kInfo:
        return info();
      case Take::kRevision:
        labels_.add("revision", string_at(object_, of_.source.path));
        return flag(true);
      case Take::kFailures:
        return failures(value);
    }
  }

 private:
  void flag(bool is) { out_.add(labels_, std::uint64_t{is ? 1U : 0U}); }

  void conditions(const ordered_json* list) {
    if (list == nullptr) return;
    for (const auto& condition : *list) {
      for (const auto& [status, label] : {std::pair{"True", "true"}, {"False", "false"}, {"Unknown", "unknown"}}) {
        LabelBlock labels = labels_;
        labels.add("condition", string_at(condition, "/type"));
        labels.add("status", label);
        labels.add("reason", string_at(condition, "/reason"));
        out_.add(labels, std::uint64_t{string_at(condition, "/status") == status ? 1U : 0U});
      }
    }
  }

  // As kube-state-metrics: a line for each status, once there is the condition.
  void end() {
    const auto* const list = member_at(object_, "/status/conditions");
    if (list == nullptr) return;
    for (const auto& condition : *list) {
      if (string_at(condition, "/type") != of_.source.path) continue;
      for (const auto& [status, label] : {std::pair{"True", "true"}, {"False", "false"}, {"Unknown", "unknown"}}) {
        LabelBlock labels = labels_;
        labels.add("condition", label);
        out_.add(labels, std::uint64_t{string_at(condition, "/status") == status ? 1U : 0U});
      }
    }
  }

  void owner(const ordered_json* list) {
    const bool has = list != nullptr && !list->empty();
    labels_.add("owner_kind", has ? string_at(list->front(), "/kind") : "");
    labels_.add("owner_name", has ? string_at(list->front(), "/name") : "");
    labels_.add("owner_is_controller", has ? "true" : "");
    flag(true);
  }

  void info() {
    if (of_.source.kind == "CronJob") {
      const std::string policy = string_at(object_, "/spec/concurrencyPolicy");
      const std::string zone = string_at(object_, "/spec/timeZone");
      labels_.add("schedule", string_at(object_, "/spec/schedule"));
      labels_.add("concurrency_policy", policy.empty() ? "Allow" : policy);
      labels_.add("timezone", zone.empty() ? "local" : zone);
    }
    flag(true);
  }

  void failures(const ordered_json* failed) {
    std::string reason;
    if (const auto* const list = member_at(object_, "/status/conditions")) {
      for (const auto& condition : *list) {
        if (string_at(condition, "/type") == "Failed") reason = string_at(condition, "/reason");
      }
    }
    labels_.add("reason", reason);
    out_.add(labels_, failed == nullptr ? 0.0 : failed->get<double>());
  }

  FamilyWriter& out_;
  const WorkloadFamily& of_;
  const ordered_json& object_;
  LabelBlock labels_;
};

}  // namespace

std::span<const KubeFamily> kube_workload_families() {
  static const auto kFamiliesAlone = [] {
    std::array<KubeFamily, kWorkloadFamilies.size()> families{};
    for (std::size_t i = 0; i < families.size(); ++i) families.at(i) = kWorkloadFamilies.at(i).family;
    return families;
  }();
  return kFamiliesAlone;
}

void write_kube_workloads(std::string& out, const std::vector<ordered_json>& objects, collectors::Format format) {
  for (const auto& each : kWorkloadFamilies) {
    FamilyWriter family(out, each.family.name, each.family.help, each.family.type, format);
    for (const auto& object : objects) {
      if (string_at(object, "/kind") == each.source.kind) Line(family, each, object).write();
    }
  }
}

}  // namespace mete::agent
