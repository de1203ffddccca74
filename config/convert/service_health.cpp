// SPDX-License-Identifier: Apache-2.0
// A health check as a readiness probe: docker tells of an unhealthy container and lets it run, as Kubernetes does with
// one that is not ready. (A livenessProbe would end it.)
#include "config/convert/docker_amounts.h"
#include "config/convert/service.h"
#include "config/resolve/expand.h"

namespace mete::config {
namespace {

void add_seconds(const View& check, const char* key, const char* field, Value& probe) {
  const View value = check[key];
  if (!value) return;
  const auto seconds = seconds_from_docker(value.text());
  if (!seconds) return value.error(mismatch(describe(value.node()), "a duration such as 1m30s"));
  probe[field] = *seconds;
}

// ["CMD", word, ...], ["CMD-SHELL", text], a text for the shell; ["NONE"]: nothing.
Value command_of_check(const View& test) {
  Value command;
  if (!test) return command;
  const auto words = test.texts();
  const bool shell = test.node().kind != YamlNode::Kind::kList || (!words.empty() && words.front() == "CMD-SHELL");
  if (shell) {
    command.push("/bin/sh");
    command.push("-c");
    command.push(escaped(words.size() > 1 ? words[1] : test.text()));
  } else if (!words.empty() && words.front() == "CMD") {
    for (std::size_t i = 1; i < words.size(); ++i) command.push(escaped(words[i]));
  } else if (words.empty() || words.front() != "NONE") {
    test.error(mismatch(describe(test.node()), "a text, or a list that begins with CMD, CMD-SHELL or NONE"));
  }
  return command;
}

}  // namespace

void add_health(const View& service, Value& container) {
  const View check = service["healthcheck"];
  if (!check || check["disable"].boolean()) return;
  if (!check["test"]) return leave_out(check, "it changes the check of the image, which is not known here");
  Value probe;
  Value command = command_of_check(check["test"]);
  if (command.empty()) return;
  probe["exec"]["command"] = std::move(command);
  // docker's defaults, which are others than Kubernetes'.
  probe["periodSeconds"] = 30;
  probe["timeoutSeconds"] = 30;
  probe["failureThreshold"] = 3;
  add_seconds(check, "interval", "periodSeconds", probe);
  add_seconds(check, "timeout", "timeoutSeconds", probe);
  add_seconds(check, "start_period", "initialDelaySeconds", probe);
  if (const auto retries = check["retries"].integer()) probe["failureThreshold"] = *retries;
  if (const View interval = check["start_interval"]) leave_out(interval, "a startupProbe has a period of its own");
  container["readinessProbe"] = std::move(probe);
}

}  // namespace mete::config
