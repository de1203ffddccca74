// SPDX-License-Identifier: Apache-2.0
// features: what this runtime supports (runtime specification, features.md).
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/config/rights.h"
#include "runtime/process/app_armor.h"
#include "runtime/process/capabilities.h"

namespace mete::runtime::oci {
namespace {

using Json = nlohmann::ordered_json;

Json enabled(bool is) {
  return {{"enabled", is}};
}

Json seccomp() {
  const Json flags = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                      "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
  return {{"enabled", true},
          {"actions",
           {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
            "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}},
          {"operators",
           {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
            "SCMP_CMP_NE"}},
          {"archs", {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"}},
          {"knownFlags", flags},
          {"supportedFlags", flags}};
}

Json memory_policy() {
  return {{"modes",
           {"MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED",
            "MPOL_PREFERRED_MANY", "MPOL_LOCAL"}},
          {"flags", {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"}}};
}

Json linux_features() {
  return {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
          {"capabilities", process::capability_names(process::all_capabilities())},
          {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", true}}},
          {"seccomp", seccomp()},
          {"apparmor", enabled(process::has_app_armor())},
          {"selinux", enabled(false)},
          {"intelRdt", enabled(false)},
          {"memoryPolicy", memory_policy()},
          {"mountExtensions", {{"idmap", enabled(true)}}},
          {"netDevices", enabled(true)}};
}

}  // namespace

Result<int> features(const Options&) {
  const Json all = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", kSpecVersion},
      {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions", mount_option_names()},
      {"linux", linux_features()},
      {"annotations", Json::object()}};
  METE_CHECK(write_all(STDOUT_FILENO, all.dump(2) + "\n"));
  return 0;
}

}  // namespace mete::runtime::oci
