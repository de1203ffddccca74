// SPDX-License-Identifier: Apache-2.0
// What is done with a running container from outside: probes ask whether it is well, hooks go with its start and its
// end. Kubernetes' Probe, LifecycleHandler and container restart rules, with Kubernetes' defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mete::config {

// A command inside the container; well: it ends with 0.
struct ExecAction {
  std::vector<std::string> command;  // not empty
  bool operator==(const ExecAction&) const = default;
};

// A request that is sent from inside the pod's network namespace. Of a hook the answer is ignored.
struct HttpGet {
  std::string host;  // empty: the pod itself, by its address; by its loopback where it has none
  std::uint16_t port = 0;
  std::string path = "/";
  bool https = false;  // the certificate is not verified, as with the kubelet
  std::vector<std::pair<std::string, std::string>> headers;
  std::string unknown_port = {};  // a name that no port of the container has; then `port` is 0
  bool operator==(const HttpGet&) const = default;
};

// A connection, closed at once; well: it is accepted.
struct TcpConnect {
  std::string host;  // as in HttpGet
  std::uint16_t port = 0;
  std::string unknown_port = {};
  bool operator==(const TcpConnect&) const = default;
};

// grpc.health.v1.Health/Check over HTTP/2 without TLS; well: SERVING.
struct GrpcCheck {
  std::uint16_t port = 0;
  std::string service;  // empty: the server as a whole
  bool operator==(const GrpcCheck&) const = default;
};

struct Pause {
  std::chrono::seconds length{0};
  bool operator==(const Pause&) const = default;
};

using ProbeAction = std::variant<ExecAction, HttpGet, TcpConnect, GrpcCheck>;
using HookAction = std::variant<ExecAction, HttpGet, TcpConnect, Pause>;

struct Probe {
  ProbeAction action;
  std::chrono::seconds initial_delay{0};  // from the container's start to the first one
  std::chrono::seconds period{10};
  std::chrono::seconds timeout{1};            // of one
  int success_threshold = 1;                  // in a row, to be well again
  int failure_threshold = 3;                  // in a row, to be unwell
  std::optional<std::chrono::seconds> grace;  // to end a container that is unwell; empty: the pod's
  bool operator==(const Probe&) const = default;
};

enum class RestartPolicy { kAlways, kOnFailure, kNever };

// kRestartAll (KEP-5532): all containers of the Pod are killed, and begin anew with the init containers.
enum class RestartAction { kRestart, kRestartAll };

// A container that ends with one of these codes (`in`), or with another one, is started again whatever the policy.
struct RestartRule {
  RestartAction action = RestartAction::kRestart;
  bool in = true;
  std::vector<int> codes;
  bool operator==(const RestartRule&) const = default;
};

}  // namespace mete::config
