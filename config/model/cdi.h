// SPDX-License-Identifier: Apache-2.0
// A specification of the Container Device Interface (CDI, SPEC.md of cncf-tags/container-device-interface): devices of
// this machine by name, and what a container needs that is to use one. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/location.h"

namespace mete::config {

struct CdiDeviceNode {
  std::string path;                   // in the container
  std::string host_path;              // on the machine; empty: the same
  std::string type;                   // "b", "c" or "u", "p"; empty: what the machine's node is
  std::optional<std::int64_t> major;  // of the machine's node where none is said
  std::optional<std::int64_t> minor;
  std::optional<std::uint32_t> mode;  // permission bits; empty: the machine's node's
  std::string access = "rwm";         // of r(ead), w(rite), m(knod); empty: none
  std::optional<std::uint32_t> uid;   // empty: the container's user
  std::optional<std::uint32_t> gid;
  std::string file;  // of the specification; the same below
  bool operator==(const CdiDeviceNode&) const = default;
};

struct CdiMount {
  std::string host_path;
  std::string container_path;
  std::vector<std::string> options;  // of mount(8), as config.json has them
  std::string type;                  // empty: a bind
  std::string file;
  bool operator==(const CdiMount&) const = default;
};

struct CdiHook {
  std::string point;  // "createContainer"
  std::string path;
  std::vector<std::string> args;  // with argv[0]
  std::vector<std::string> env;
  std::optional<std::chrono::seconds> timeout;
  std::string file;
  bool operator==(const CdiHook&) const = default;
};

struct CdiEdits {
  std::vector<std::string> env;  // NAME=value
  std::vector<CdiDeviceNode> nodes;
  std::vector<CdiMount> mounts;
  std::vector<CdiHook> hooks;
  std::vector<std::uint32_t> gids;
  // Fields that mete does not act on, each with the file that asks for it: "/etc/cdi/a.yaml: `intelRdt`".
  std::vector<std::string> others;
  bool operator==(const CdiEdits&) const = default;
};

struct CdiDevice {
  std::string name;
  CdiEdits edits;
  Location location;
  bool operator==(const CdiDevice&) const = default;
};

struct CdiSpec {
  std::string file;
  int priority = 0;  // of its folder: a device of a higher one takes the place of one with the same name
  std::string kind;  // "vendor.com/class"
  CdiEdits edits;    // for each container that gets one of the devices
  std::vector<CdiDevice> devices;
  bool operator==(const CdiSpec&) const = default;
};

}  // namespace mete::config
