// SPDX-License-Identifier: Apache-2.0
// How a pod is connected. There are `none` (its own network namespace with the loopback device up) and `host` (the
// machine's own); others, such as a bridge, are further drivers behind the same three calls.
#pragma once

#include <string>
#include <vector>

#include "config/pod_spec.h"
#include "config/result.h"

namespace mete::runtime::network {

// What connecting a pod gave it.
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

  // Does the pod get a network namespace of its own? Its loopback device is brought up by the set-up plan.
  [[nodiscard]] virtual bool own_namespace() const = 0;
  // Is there something to do in that namespace before a program of the image runs? Then the pod has a sandbox, which
  // holds the namespace while attach() works on it and while containers are restarted.
  [[nodiscard]] virtual bool needs_attachment() const = 0;
  // Connects the namespace (/proc/PID/ns/net) for the pod of this uid. Idempotent: after a crash it is called again.
  [[nodiscard]] virtual Result<Attachment> attach(const std::string& uid,
                                                  const std::string& network_namespace) const = 0;
  // Gives back what attach() took on the host. What was never attached is fine.
  [[nodiscard]] virtual Status detach(const std::string& uid) const = 0;
};

[[nodiscard]] const Driver& driver_of(const config::PodSpec& spec);

}  // namespace mete::runtime::network
