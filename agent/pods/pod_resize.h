// SPDX-License-Identifier: Apache-2.0
// Shared by pod.cpp and pod_resize.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/pods/pod.h"
#include "config/model/pod_spec.h"

namespace mete::agent {

// Calls `see` with each container and its index in PodRecord::containers.
template <class Spec, class See>
void for_each_container(Spec& spec, See&& see) {
  std::size_t index = 0;
  for (auto& container : spec.init_containers) see(index++, container);
  for (auto& container : spec.containers) see(index++, container);
}

struct Pod::Resize {
  explicit Resize(asio::io_context& loop) : timer(loop) {}
  ~Resize() { *stop = true; }
  Resize(const Resize&) = delete;
  Resize& operator=(const Resize&) = delete;

  std::vector<config::Resources> to;
  std::vector<enforcers::ResourceUpdate> before;  // of `mete update`, which is forgotten when it is refused; else empty
  std::chrono::steady_clock::time_point give_up{};
  std::chrono::milliseconds delay{2};
  bool refused = false;
  std::string why;
  bool reclaiming = false;
  bool ending = false;  // a container that takes a restart for it has been told to end
  std::shared_ptr<std::atomic<bool>> stop = std::make_shared<std::atomic<bool>>(false);
  Timer timer;
};

}  // namespace mete::agent
