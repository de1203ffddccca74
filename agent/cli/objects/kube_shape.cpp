// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/kube_shape.h"

namespace mete::agent::cli {
namespace {

Json ended(const Json& last) {
  Json value = {{"exitCode", last.value("exitCode", 0)}, {"reason", last.value("reason", std::string())}};
  if (const int signal = last.value("signal", 0); signal != 0) value["signal"] = signal;
  for (const char* key : {"message", "startedAt", "finishedAt"}) {
    if (last.contains(key)) value[key] = last[key];
  }
  return value;
}

Json state_of(const Json& container) {
  const auto state = container.value("state", std::string());
  if (state == "running") return {{"running", {{"startedAt", container.value("startedAt", std::string())}}}};
  if (state == "exited" && container.contains("last")) return {{"terminated", ended(container["last"])}};
  Json waiting = Json::object();
  const auto reason = container.value("reason", std::string());
  waiting["reason"] = reason.empty() ? "ContainerCreating" : reason;
  if (container.contains("message")) waiting["message"] = container["message"];
  return {{"waiting", std::move(waiting)}};
}

Json container_status(const Json& container) {
  Json status = {{"name", container["name"]},
                 {"image", container.value("image", std::string())},
                 {"ready", container.value("ready", false)},
                 {"restartCount", container.value("restarts", 0)},
                 {"state", state_of(container)}};
  if (container.contains("last") && container.value("state", std::string()) != "exited")
    status["lastState"] = {{"terminated", ended(container["last"])}};
  return status;
}

}  // namespace

Json kube_shape(const Json& pod) {
  Json containers = Json::array();
  Json init = Json::array();
  for (const auto& each : pod.value("containers", Json::array())) {
    (each.value("init", false) ? init : containers).push_back(container_status(each));
  }
  Json status = {{"phase", pod.value("phase", std::string())}};
  for (const char* key : {"reason", "message"}) {
    if (pod.contains(key)) status[key] = pod[key];
  }
  status["conditions"] = pod.value("conditions", Json::array());
  status["containerStatuses"] = std::move(containers);
  if (!init.empty()) status["initContainerStatuses"] = std::move(init);
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", pod.value("name", std::string())},
            {"namespace", pod.value("namespace", std::string())},
            {"uid", pod.value("uid", std::string())},
            {"labels", pod.value("labels", Json::object())},
            {"creationTimestamp", pod.value("createdAt", std::string())}}},
          {"status", std::move(status)}};
}

}  // namespace mete::agent::cli
