// SPDX-License-Identifier: Apache-2.0
// Objects that every part of the agent uses and none of them owns. They belong to the loop's thread: nothing here is
// locked.
#pragma once

#include <map>
#include <string>

#include "agent/base/asio.h"
#include "agent/base/event.h"
#include "agent/base/file_watcher.h"
#include "agent/base/image_puller.h"
#include "agent/base/instruments.h"
#include "agent/base/kernel_log_watch.h"
#include "agent/base/launch_gate.h"
#include "agent/base/namespace_connections.h"
#include "agent/base/settings.h"
#include "agent/base/turns.h"
#include "agent/base/workers.h"
#include "collectors/sampler.h"
#include "runtime/cgroup/features.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/image/store.h"
#include "runtime/storage/driver.h"

namespace mete::agent {

struct Services {
  asio::io_context& loop;
  const Settings& settings;
  const runtime::cgroup::Hierarchies& hierarchies;
  collectors::Collection& collection;
  runtime::image::Store& images;
  EventLog& events;
  FileWatcher& files;
  KernelLog& kernel_log;
  Instruments& instruments;
  LaunchGate& launches;
  Turns& turns;
  Workers& workers;
  Workers& cleaners;  // remove what ended pods have left: a thousand of them do not keep the others waiting
  NamespaceConnections& connections;
  ImagePuller& puller;
  std::string boot_id;
  std::string shim;  // path of mete-shim
  Bytes machine_memory;
  std::uint64_t capabilities = 0;  // the agent's own bounding set: the upper bound of a container's capabilities
  runtime::cgroup::Features features = {};
  runtime::storage::Driver* storage = nullptr;                // chosen when the agent opens; threads may use it, too
  std::map<std::uint64_t, std::string> seccomp_filters = {};  // by capability mask, compiled on first use
};

}  // namespace mete::agent
