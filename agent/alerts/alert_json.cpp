// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alert_json.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/json.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent {
namespace {

using collectors::promql::Labels;
using nlohmann::ordered_json;

constexpr int kVersion = 1;  // of the kept file

std::string rfc3339(enforcers::WallTime time) {
  return runtime::shim::format_time(time.time_since_epoch()).data();
}

std::string dumped(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json object_of(const Labels& labels) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : labels) object[name] = value;
  return object;
}

ordered_json annotations_of(const Alert& alert, const AlertTable& table) {
  const AlertRule& rule = table.rules[alert.rule];
  return {{"summary", alert.summary},
          {"numbers", alert.numbers},
          {"description", rule.advice},
          {"runbook_url", rule.runbook}};
}

// What all objects have in common.
ordered_json common_of(const std::vector<ordered_json>& objects) {
  ordered_json common = objects.empty() ? ordered_json::object() : objects.front();
  for (const auto& object : objects) {
    for (auto each = common.begin(); each != common.end();) {
      const auto other = object.find(each.key());
      each = other != object.end() && *other == *each ? std::next(each) : common.erase(each);
    }
  }
  return common;
}

std::int64_t ns_of(enforcers::WallTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

std::string alertmanager_json(const std::vector<const Alert*>& firing, const std::vector<Alert>& resolved,
                              enforcers::WallTime until, const AlertTable& table) {
  ordered_json list = ordered_json::array();
  const auto add = [&](const Alert& alert, enforcers::WallTime ends) {
    list.push_back({{"labels", object_of(alert.labels)},
                    {"annotations", annotations_of(alert, table)},
                    {"startsAt", rfc3339(alert.fired)},
                    {"endsAt", rfc3339(ends)}});
  };
  for (const auto* alert : firing) add(*alert, until);
  for (const auto& alert : resolved) add(alert, alert.ended);
  return dumped(list);
}

std::string webhook_json(const AlertMessage& message, const AlertTable& table) {
  ordered_json alerts = ordered_json::array();
  std::vector<ordered_json> labels;
  std::vector<ordered_json> annotations;
  bool any_firing = false;
  for (const auto& alert : message.alerts) {
    any_firing = any_firing || alert.firing;
    labels.push_back(object_of(alert.labels));
    annotations.push_back(annotations_of(alert, table));
    alerts.push_back({{"status", alert.firing ? "firing" : "resolved"},
                      {"labels", labels.back()},
                      {"annotations", annotations.back()},
                      {"startsAt", rfc3339(alert.fired)},
                      {"endsAt", alert.firing ? "0001-01-01T00:00:00Z" : rfc3339(alert.ended)},
                      {"generatorURL", ""},
                      {"fingerprint", fingerprint(alert.labels)}});
  }
  return dumped({{"version", "4"},
                 {"groupKey", message.group},
                 {"truncatedAlerts", 0},
                 {"status", any_firing ? "firing" : "resolved"},
                 {"receiver", "mete"},
                 {"groupLabels", object_of(message.labels)},
                 {"commonLabels", common_of(labels)},
                 {"commonAnnotations", common_of(annotations)},
                 {"externalURL", ""},
                 {"alerts", std::move(alerts)}});
}

ordered_json alerts_json(const std::vector<const Alert*>& alerts, const Inhibited& inhibited, const AlertTable& table) {
  ordered_json list = ordered_json::array();
  for (const auto* alert : alerts) {
    std::array<char, 40> value{};
    (void)std::snprintf(value.data(), value.size(), "%.17g", alert->value);
    ordered_json each = {{"labels", object_of(alert->labels)},
                         {"annotations", annotations_of(*alert, table)},
                         {"state", alert->firing ? "firing" : "pending"},
                         {"activeAt", rfc3339(alert->since.wall)},
                         {"value", value.data()}};
    // Of mete alone; Prometheus' clients skip what they do not know.
    if (alert->firing && inhibited(*alert)) each["inhibited"] = true;
    list.push_back(std::move(each));
  }
  return {{"status", "success"}, {"data", {{"alerts", std::move(list)}}}};
}

std::string to_json(const KeptAlerts& kept, AlertMoment now) {
  ordered_json firing = ordered_json::array();
  for (const auto& alert : kept.firing) {
    firing.push_back({{"labels", object_of(alert.labels)},
                      {"summary", alert.summary},
                      {"numbers", alert.numbers},
                      {"value", alert.value},
                      {"since", ns_of(alert.since.wall)},
                      {"fired", ns_of(alert.fired)}});
  }
  ordered_json told = ordered_json::array();
  for (const auto& [address, each] : kept.told) {
    const auto age = std::chrono::duration_cast<std::chrono::nanoseconds>(now.steady - each.at);
    told.push_back(
        {{"webhook", address}, {"group", each.group}, {"firing", each.firing}, {"at", ns_of(now.wall - age)}});
  }
  return dumped({{"version", kVersion}, {"firing", std::move(firing)}, {"told", std::move(told)}}) + "\n";
}

Result<KeptAlerts> parse_kept_alerts(const std::string& text, AlertMoment now) {
  using std::chrono::nanoseconds;
  const auto wall = [](const ordered_json& value) {
    return enforcers::WallTime(nanoseconds(value.get<std::int64_t>()));
  };
  try {
    const auto value = ordered_json::parse(text);
    if (value.at("version") != kVersion) return fail("found version " + value.at("version").dump() + ", expected 1");
    KeptAlerts kept;
    for (const auto& each : value.at("firing")) {
      Alert alert;
      const auto labels = each.at("labels").get<std::map<std::string, std::string>>();
      alert.labels.assign(labels.begin(), labels.end());
      alert.summary = each.at("summary").get<std::string>();
      alert.numbers = each.at("numbers").get<std::string>();
      if (each.at("value").is_number()) alert.value = each.at("value").get<double>();
      alert.since.wall = wall(each.at("since"));
      alert.fired = wall(each.at("fired"));
      kept.firing.push_back(std::move(alert));
    }
    for (const auto& each : value.at("told")) {
      // A clock that was set back since must not keep a group silent.
      const auto age = std::max(nanoseconds(0), nanoseconds(now.wall - wall(each.at("at"))));
      kept.told.emplace_back(each.at("webhook"),
                             AlertGroups::Told{each.at("group").get<std::string>(),
                                               each.at("firing").get<std::set<std::string>>(), now.steady - age});
    }
    return kept;
  } catch (const nlohmann::json::exception& error) {
    return fail(error.what());
  }
}

}  // namespace mete::agent
