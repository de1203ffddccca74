// SPDX-License-Identifier: Apache-2.0
// How a pod is connected to the network. Drivers: `none` (a network namespace of its own with lo up) and `host` (the
// machine's). Further drivers, such as a bridge, implement the same calls.
#pragma once

#include <string>
#include <vector>

#include "config/pod_spec.h"
#include "config/result.h"

namespace mete::runtime::network {

// The result of connecting a pod.
struct Attachment {
  std::vector<std::string> addresses;  // "10.88.0.2/16"
  bool operator==(const Attachment&) const = default;
};

class Driver {
 public:
  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  virtual ~Driver() = default;

  // True when the pod gets a network namespace of its own. The set-up plan brings up its loopback device.
  [[nodiscard]] virtual bool own_namespace() const = 0;
  // True when attach() has work to do in that namespace before a program of the image runs. The pod then has a sandbox,
  // which holds the namespace during attach() and while containers restart.
  [[nodiscard]] virtual bool needs_attachment() const = 0;
  // Connects the namespace (/proc/PID/ns/net) for the pod `uid`. Idempotent: called again after a crash.
  [[nodiscard]] virtual Result<Attachment> attach(const std::string& uid,
                                                  const std::string& network_namespace) const = 0;
  // Releases what attach() took on the host. A pod that was never attached is not an error.
  [[nodiscard]] virtual Status detach(const std::string& uid) const = 0;
};

[[nodiscard]] const Driver& driver_of(const config::PodSpec& spec);

}  // namespace mete::runtime::network
