// SPDX-License-Identifier: Apache-2.0
// `mete events`: what happened and why.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/cli/template/go_template.h"
#include "config/values/quantity.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::cli {
namespace {

std::string event_text(const Json& event) {
  std::string where = event["pod"].get<std::string>();
  if (const auto container = event["container"].get<std::string>(); !container.empty()) where += "/" + container;
  std::string time = event["time"].get<std::string>().substr(0, 23) + "Z";
  return time + " " + (event["type"] == "Warning" ? "Warning " : "Normal  ") +
         printable(event["reason"].get<std::string>()) + " " + printable(where.empty() ? "agent" : where) + ": " +
         printable(event["message"].get<std::string>()) + "\n";
}

struct EventOptions {
  std::vector<std::string> filters;
  std::string format;
  std::string since;
  std::string until;
  bool follow = false;
};

std::string field_of_event(const Json& event, const char* key) {
  return event.contains(key) && event[key].is_string() ? event[key].get<std::string>() : std::string();
}

// A container is named as such, as its pod, or as both.
bool is_of_container(const Json& event, const std::string& name) {
  const std::string pod = field_of_event(event, "pod");
  const std::string container = field_of_event(event, "container");
  const auto keys = pod_keys(name);
  return name == container || name == pod + "/" + container || std::find(keys.begin(), keys.end(), pod) != keys.end();
}

// Values of one name are alternatives.
bool is_wanted(const Json& event, const std::vector<std::string>& filters) {
  std::map<std::string, bool> fits;
  for (const auto& each : filters) {
    const auto equal = each.find('=');
    const std::string name = each.substr(0, equal);
    const std::string value = each.substr(equal + 1);
    bool one = false;
    if (name == "container") one = is_of_container(event, value);
    if (name == "pod") one = field_of_event(event, "pod") == pod_key(value);
    if (name == "event" || name == "reason") one = field_of_event(event, "reason") == value;
    if (name == "type") one = field_of_event(event, "type") == value;
    fits[name] = fits[name] || one;
  }
  return std::all_of(fits.begin(), fits.end(), [](const auto& each) { return each.second; });
}

Status check_filters(const std::vector<std::string>& filters) {
  for (const auto& each : filters) {
    const std::string name = each.substr(0, each.find('='));
    if (each.find('=') == std::string::npos ||
        (name != "container" && name != "pod" && name != "event" && name != "reason" && name != "type"))
      return fail("--filter: found \"" + each +
                  "\", expected container=NAME, pod=NAME, reason=REASON or type=Normal|Warning");
  }
  return {};
}

// As the times of events are written, which sort as texts. "10m" is so long ago.
Result<std::string> event_time(const char* flag, const std::string& text) {
  if (text.empty()) return text;
  if (const auto ago = config::parse_duration(text))
    return std::string(runtime::shim::format_time(std::chrono::system_clock::now().time_since_epoch() - *ago).data());
  if (text.size() >= 19 && text[10] == 'T') return text.ends_with('Z') ? text.substr(0, text.size() - 1) : text;
  return fail(std::string(flag) + ": found \"" + text + "\", expected a duration (10m) or a time in UTC such as " +
              "2026-01-02T03:04:05Z");
}

int events(const Common& common, const EventOptions& options) {
  const auto made = GoTemplate::parse(options.format);
  const auto right = check_filters(options.filters);
  const auto since = event_time("--since", options.since);
  const auto until = event_time("--until", options.until);
  if (!made || !right || !since || !until)
    return complain(!made    ? made.error().what
                    : !right ? right.error().what
                    : !since ? since.error().what
                             : until.error().what,
                    kUsage);
  int code = kDone;
  const auto show = [&](std::string_view line) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded() || !is_wanted(event, options.filters)) return true;
    const std::string time = field_of_event(event, "time");
    if (!since->empty() && time < *since) return true;
    if (!until->empty() && time >= *until) return false;
    if (!options.format.empty() && options.format != "json") {
      const auto text = made->fill(event);
      if (!text) code = complain(text.error().what, kUsage);
      if (text) print(*text + "\n");
      return text.has_value();
    }
    if (common.output == "yaml") {
      print(to_yaml(Json::array({event})));
    } else {
      const bool json = common.output == "json" || options.format == "json";
      print(json ? std::string(line) + "\n" : event_text(event));
    }
    return true;
  };
  const std::string query = options.follow ? "?follow=1" : "";
  const auto done = Client(common.socket).follow("/mete/v1/events" + query, show);
  return done ? code : complain(done.error().what, kNoAgent);
}

}  // namespace

void add_events(CommandLine& line) {
  auto options = std::make_shared<EventOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"events", "What happened and why",
                "  mete events\n  mete events -f -o json\n  mete events --filter container=web --since 10m\n"
                "  mete events --format '{{.time}} {{.reason}}'"},
               [&common, options] { return events(common, *options); });
  command->add_flag("-f,--follow", options->follow, "Go on as they come");
  command->add_option("--filter", options->filters, "container=NAME, pod=NAME, reason=REASON, type=Normal|Warning")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--since", options->since, "Only what is no older: 10m, 2026-01-02T03:04:05Z")->type_name("TIME");
  command->add_option("--until", options->until, "Only what is older")->type_name("TIME");
  add_format(command, options->format);
  line.add_output(command);
}

}  // namespace mete::agent::cli
