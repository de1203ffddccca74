// SPDX-License-Identifier: Apache-2.0
// Probes, hooks, stop signals and restart rules as they are read.
#include "tests/config/support.h"

namespace mete::config {
namespace {

using namespace std::chrono_literals;

Container with_probe(const std::string& lines) {
  return read_one(pod_text(lines)).spec.containers.at(0);
}

TEST(ProbeReader, DefaultsAreThoseOfKubernetes) {
  const auto probe = with_probe("    readinessProbe: {tcpSocket: {port: 80}}\n").readiness;
  ASSERT_TRUE(probe);
  EXPECT_EQ(*probe, (Probe{.action = TcpConnect{"", 80}}));
  EXPECT_EQ(probe->period, 10s);
  EXPECT_EQ(probe->timeout, 1s);
  EXPECT_EQ(probe->failure_threshold, 3);
  // 0 means the default, too.
  EXPECT_EQ(with_probe(
                "    readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 0, timeoutSeconds: 0, successThreshold: 0, "
                "failureThreshold: 0}\n")
                .readiness,
            probe);
}

TEST(ProbeReader, AllOfIt) {
  const auto container = with_probe(
      "    ports: [{name: web, containerPort: 8080}]\n"
      "    startupProbe: {exec: {command: [a, b]}, failureThreshold: 30}\n"
      "    livenessProbe: {httpGet: {port: web, path: x, scheme: HTTPS, host: h, httpHeaders: [{name: A, value: b}]},\n"
      "                    initialDelaySeconds: 3, periodSeconds: 4, timeoutSeconds: 5, terminationGracePeriodSeconds: "
      "6}\n"
      "    readinessProbe: {grpc: {port: 50, service: s}, successThreshold: 2}\n");
  EXPECT_EQ(container.startup, (Probe{.action = ExecAction{{"a", "b"}}, .failure_threshold = 30}));
  EXPECT_EQ(container.liveness, (Probe{.action = HttpGet{"h", 8080, "/x", true, {{"A", "b"}}},
                                       .initial_delay = 3s,
                                       .period = 4s,
                                       .timeout = 5s,
                                       .grace = 6s}));
  EXPECT_EQ(container.readiness, (Probe{.action = GrpcCheck{50, "s"}, .success_threshold = 2}));
}

TEST(ProbeReader, ANameThatNoPortHasIsTakenAndTold) {
  const auto documents = read_documents(
      pod_text("    ports: [{name: http, containerPort: 80}]\n"
               "    livenessProbe: {httpGet: {port: web}}\n    readinessProbe: {tcpSocket: {port: http}}\n"
               "    lifecycle: {preStop: {tcpSocket: {port: web}}}\n"),
      "p.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  ASSERT_EQ(documents.warnings.size(), 2U) << joined(documents.warnings);
  EXPECT_TRUE(has(documents.warnings, "spec.containers[0].livenessProbe.httpGet.port",
                  "no port of the container is named `web`: this fails each time"));
  EXPECT_TRUE(has(documents.warnings, "spec.containers[0].lifecycle.preStop.tcpSocket.port", "fails each time"));
  const auto& container = documents.pods.at(0).spec.containers.at(0);
  EXPECT_EQ(std::get<HttpGet>(container.liveness->action).unknown_port, "web");
  EXPECT_EQ(std::get<HttpGet>(container.liveness->action).port, 0);
  EXPECT_EQ(container.readiness->action, ProbeAction(TcpConnect{"", 80}));
  for (const char* wrong : {"0", "70000", "\"70000\"", "Not_A_Name", "-1", "a--b", "sixteen-letters-"})
    EXPECT_TRUE(
        has(read_documents(pod_text("    livenessProbe: {httpGet: {port: " + std::string(wrong) + "}}\n"), "p").errors,
            "spec.containers[0].livenessProbe.httpGet.port", "a port from 1 to 65535"))
        << wrong;
}

TEST(ProbeReader, ACommandSeesTheVariablesAsTheKubeletPutsThemIn) {
  const auto container = with_probe(
      "    env:\n"
      "    - {name: PORT, value: \"80\"}\n"
      "    - {name: URL, value: \"h:$(PORT)\"}\n"
      "    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}\n"
      "    livenessProbe: {exec: {command: [a, $(PORT), $(URL), \"<$(NODE)>\", $(NONE), $$(PORT), $PORT]}}\n"
      "    lifecycle: {preStop: {exec: {command: [a, $(PORT)]}}}\n");
  ASSERT_TRUE(container.liveness);
  EXPECT_EQ(std::get<ExecAction>(container.liveness->action).command,
            (std::vector<std::string>{"a", "80", "h:$(PORT)", "<>", "$(NONE)", "$(PORT)", "$PORT"}));
  EXPECT_EQ(container.pre_stop, HookAction(ExecAction{{"a", "$(PORT)"}})) << "a hook's command is not expanded";
}

TEST(ProbeReader, HooksSignalAndRules) {
  const auto container = with_probe(
      "    lifecycle: {stopSignal: SIGRTMIN+3, postStart: {sleep: {seconds: 2}}, preStop: {tcpSocket: {port: 9}}}\n"
      "    restartPolicy: Never\n"
      "    restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [1, 2]}},\n"
      "      {action: RestartAllContainers, exitCodes: {operator: In, values: [88]}}]\n");
  EXPECT_EQ(container.stop_signal, "SIGRTMIN+3");
  EXPECT_EQ(container.post_start, HookAction(Pause{2s}));
  EXPECT_EQ(container.pre_stop, HookAction(TcpConnect{"", 9}));
  EXPECT_EQ(container.restart, RestartPolicy::kNever);
  EXPECT_EQ(container.restart_rules,
            (std::vector<RestartRule>{{.in = false, .codes = {1, 2}},
                                      {.action = RestartAction::kRestartAll, .in = true, .codes = {88}}}));
  EXPECT_EQ(read_one(pod_text("", "  schedulingGates: [{name: a}, {name: x.org/b}]\n")).spec.scheduling_gates,
            (std::vector<std::string>{"a", "x.org/b"}));
  EXPECT_EQ(read_one(pod_text("", "  activeDeadlineSeconds: 7\n")).spec.active_deadline, 7s);
}

TEST(ProbeReader, WhatIsWrong) {
  struct Case {
    std::string lines;
    std::string field;  // of the container
    std::string part;
  };
  for (const auto& bad : std::vector<Case>{
           {"livenessProbe: {}", "livenessProbe", "0 handlers"},
           {"livenessProbe: {periodSeconds: 1}", "livenessProbe", "one of exec, httpGet, tcpSocket and grpc"},
           {"livenessProbe: {tcpSocket: {port: 1}, exec: {command: [a]}}", "livenessProbe", "2 handlers"},
           {"livenessProbe: {exec: {command: []}}", "livenessProbe.exec", "`command` is missing"},
           {"livenessProbe: {tcpSocket: {port: 70000}}", "livenessProbe.tcpSocket.port", "from 1 to 65535"},
           {"livenessProbe: {tcpSocket: {port: We_b}}", "livenessProbe.tcpSocket.port", "name of one"},
           {"livenessProbe: {grpc: {port: 0}}", "livenessProbe.grpc.port", "from 1 to 65535"},
           {"livenessProbe: {tcpSocket: {port: 1}, successThreshold: 2}", "livenessProbe.successThreshold",
            "expected 1"},
           {"startupProbe: {tcpSocket: {port: 1}, successThreshold: 2}", "startupProbe.successThreshold", "expected 1"},
           {"livenessProbe: {tcpSocket: {port: 1}, periodSeconds: -1}", "livenessProbe.periodSeconds", "from 0 to"},
           {"livenessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 0}",
            "livenessProbe.terminationGracePeriodSeconds", "from 1 to"},
           {"readinessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 1}",
            "readinessProbe.terminationGracePeriodSeconds", "ends nothing"},
           {"readinessProbe: {httpGet: {port: 1, path: \"/a b\"}}", "readinessProbe.httpGet.path", "neither blanks"},
           {"readinessProbe: {httpGet: {port: 1, scheme: http}}", "readinessProbe.httpGet.scheme", "`HTTP`"},
           {"lifecycle: {postStart: {exec: {command: [a]}, sleep: {seconds: 1}}}", "lifecycle.postStart", "2 handlers"},
           {"lifecycle: {stopSignal: TERM}", "lifecycle.stopSignal", "SIGTERM"},
           {"lifecycle: {stopSignal: SIGRTMIN+16}", "lifecycle.stopSignal", "a signal such as"},
           {"restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]", "restartPolicyRules",
            "`restartPolicy` beside it"},
           {"restartPolicy: Never\n    restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: []}}]",
            "restartPolicyRules[0].exitCodes", "1 to 255"},
           {"restartPolicy: Never\n    restartPolicyRules: [{action: Stop, exitCodes: {operator: In, values: [1]}}]",
            "restartPolicyRules[0].action", "Restart"},
       }) {
    const auto documents = read_documents(pod_text("    " + bad.lines + "\n"), "p.yaml");
    EXPECT_TRUE(has(documents.errors, "spec.containers[0]." + bad.field, bad.part)) << bad.lines << "\n"
                                                                                    << joined(documents.errors);
  }
}

TEST(ProbeReader, AnInitContainerThatEndsHasNoProbes) {
  const auto as_init = [](const std::string& more) {
    return read_documents(pod_text("", "  initContainers: [{name: first, image: i, " + more + "}]\n"), "p.yaml");
  };
  for (const char* field : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    const std::string probe = std::string(field) + ": {tcpSocket: {port: 1}}";
    EXPECT_TRUE(has(as_init(probe).errors, "spec.initContainers[0]." + std::string(field), "makes a sidecar")) << field;
    EXPECT_TRUE(as_init(probe + ", restartPolicy: Always").ok()) << field;
  }
  EXPECT_TRUE(has(as_init("lifecycle: {preStop: {sleep: {seconds: 1}}}").errors, "spec.initContainers[0].lifecycle",
                  "sidecar"));
}

}  // namespace
}  // namespace mete::config
