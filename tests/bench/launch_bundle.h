// SPDX-License-Identifier: Apache-2.0
// The bundle that every runtime of launch_bench starts: all namespaces, docker's mounts and masks, a static `true`.
#pragma once

#include <string>

namespace mete::bench {

// A directory with config.json, config-seccomp/config.json and rootfs/; `group` is the cgroupsPath.
// `least_program` (least_program.cpp) is its /bin/least, busybox its /bin/true. Fails by exit.
void make_bundle(const std::string& directory, const std::string& group, const std::string& least_program);
// In that directory, which make_bundle() has made, a bundle of the same kind whose command waits: a place for `exec`.
void make_waiting_bundle(const std::string& directory, const std::string& name, const std::string& group);

}  // namespace mete::bench
