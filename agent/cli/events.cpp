// SPDX-License-Identifier: Apache-2.0
// `mete events`: what happened and why.
#include <memory>

#include "agent/cli/output.h"
#include "agent/cli/table.h"

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

int events(const Common& common, bool follow) {
  const auto show = [&](std::string_view line) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded()) return true;
    if (common.output == "yaml") {
      print(to_yaml(Json::array({event})));
    } else {
      print(common.output == "json" ? std::string(line) + "\n" : event_text(event));
    }
    return true;
  };
  const auto done = Client(common.socket).follow(std::string("/mete/v1/events") + (follow ? "?follow=1" : ""), show);
  return done ? kDone : complain(done.error().what, kNoAgent);
}

}  // namespace

void add_events(CommandLine& line) {
  auto follow = std::make_shared<bool>(false);
  const Common& common = line.common();
  auto* command = line.add({"events", "What happened and why", "  mete events\n  mete events -f -o json"},
                           [&common, follow] { return events(common, *follow); });
  command->add_flag("-f,--follow", *follow, "Go on as they come");
  line.add_output(command);
}

}  // namespace mete::agent::cli
