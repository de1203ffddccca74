// SPDX-License-Identifier: Apache-2.0
// `mete alerts`: what an agent that evaluates alerts itself finds.
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"

namespace mete::agent::cli {
namespace {

std::string label_of(const Json& alert, const char* name) {
  const auto& labels = alert["labels"];
  return labels.contains(name) ? printable(labels[name].get<std::string>()) : "";
}

std::string about(const Json& alert) {
  std::string text = label_of(alert, "namespace");
  for (const char* name : {"pod", "container"}) {
    if (const auto more = label_of(alert, name); !more.empty()) text += (text.empty() ? "" : "/") + more;
  }
  for (const char* name : {"device", "file", "enforcer", "action"}) {
    if (const auto more = label_of(alert, name); !more.empty()) text += (text.empty() ? "" : " ") + more;
  }
  return text.empty() ? label_of(alert, "instance") : text;
}

int alerts(const Common& common) {
  const auto fetched = fetch(common, "GET", "/api/v1/alerts");
  if (fetched.code != kDone) return fetched.code;
  const Json& list = fetched.value["data"]["alerts"];
  if (print_structured(common, list)) return kDone;
  if (list.empty()) {
    print("Nothing is alerted.\n");
    return kDone;
  }
  Table table({"ALERT", "SEVERITY", "STATE", "SINCE", "ABOUT", "SUMMARY"});
  for (const auto& alert : list) {
    const std::string state = alert.value("inhibited", false) ? "held back" : alert["state"].get<std::string>();
    table.add({label_of(alert, "alertname"), label_of(alert, "severity"), state,
               age_text(alert["activeAt"].get<std::string>()), about(alert),
               printable(alert["annotations"]["summary"].get<std::string>())});
  }
  print(table.text());
  if (common.output != "wide") return kDone;
  for (const auto& alert : list) {
    print("\n" + label_of(alert, "alertname") + " " + about(alert) + "\n" +
          printable_lines(alert["annotations"]["numbers"].get<std::string>()) + "\n" +
          printable(alert["annotations"]["description"].get<std::string>()) + "\n");
  }
  return kDone;
}

}  // namespace

void add_alerts(CommandLine& line) {
  const Common& common = line.common();
  auto* command = line.add({"alerts", "What an agent with --alerts finds wrong at present",
                            "  mete alerts\n  mete alerts -o wide\n  mete alerts -o json"},
                           [&common] { return alerts(common); });
  line.add_output(command);
}

}  // namespace mete::agent::cli
