// SPDX-License-Identifier: Apache-2.0
#include "enforcers/limit_origin.h"

#include <algorithm>

#include "enforcers/oom.h"
#include "runtime/cgroup/limits/setting.h"

namespace mete::enforcers {
namespace {

using runtime::cgroup::Setting;
using runtime::cgroup::setting_of;

std::string by_manifest(bool said, const char* field, const LimitFacts& facts) {
  if (!said) return std::string("no ") + field + " in the manifest";
  return std::string(field) + (facts.updated ? " of the manifest or of `mete update`" : " of the manifest");
}

std::string by_policy(const LimitFacts& facts, const std::string& field) {
  if (facts.policy == nullptr) return field + ": no policy selects it";
  return field + " of policy " + config::full_name(facts.policy->metadata);
}

std::string by_client(const char* flag) {
  return std::string(flag) + " of docker's client or of `mete run`";
}

std::string oom_origin(const LimitFacts& facts) {
  const auto* const policy = in_force(facts.policy);
  if (policy == nullptr || !policy->memory.on_oom)
    return "memory.onOOM: kill-container, what is done where no policy says otherwise";
  return by_policy(facts, "memory.onOOM");
}

}  // namespace

std::string origin_of(std::string_view file, const LimitFacts& facts) {
  const auto& [requests, limits] = facts.resources;
  switch (setting_of(file)) {
    case Setting::kCpuWeight:
      return by_manifest(requests.cpu.has_value(), "requests.cpu", facts);
    case Setting::kCpuQuota:
      if (facts.boosted) return by_policy(facts, "cpu.boost") + ", above limits.cpu of the manifest";
      return by_manifest(limits.cpu.has_value(), "limits.cpu", facts);
    case Setting::kCpuPeriod:
      return "the period of every quota";
    case Setting::kCpuBurst:
      return by_policy(facts, "cpu.burst");
    case Setting::kMemory:
      if (facts.raised) return by_policy(facts, "memory.raise") + ", above limits.memory of the manifest";
      return by_manifest(limits.memory.has_value(), "limits.memory", facts);
    case Setting::kSwap:
      if (const auto* const policy = in_force(facts.policy); policy != nullptr && policy->memory.swap)
        return by_policy(facts, "memory.swap");
      return "none beyond the memory limit, as the kubelet's NoSwap";
    case Setting::kProtection:
      return by_manifest(requests.memory.has_value(), "requests.memory", facts);
    case Setting::kOom:
      if (facts.extras != nullptr && facts.extras->waits_out_of_memory) return by_client("--oom-kill-disable");
      return oom_origin(facts);
    case Setting::kPids:
      return by_policy(facts, "pids.max");
    case Setting::kHugePages:
      return by_manifest(!limits.huge_pages->empty(), "limits.hugepages", facts);
    case Setting::kIo:
      if (facts.extras == nullptr || facts.extras->io == config::IoPolicy()) return by_policy(facts, "io");
      return by_client("--device-read-bps and the like") +
             (in_force(facts.policy) == nullptr ? "" : "; " + by_policy(facts, "io"));
    case Setting::kCpus:
      return facts.exclusive ? by_policy(facts, "cpu.exclusive") : "the CPUs that no container has to itself";
    case Setting::kCpuIdle:
      return by_policy(facts, "cpu.idle");
    case Setting::kNetClass:
      return by_policy(facts, "netCls.classId");
    case Setting::kOther:
      break;
  }
  return "";
}

std::string pod_origin_of(std::string_view file, const config::PodSpec* spec, bool held_back) {
  const bool own = spec != nullptr && spec->resources;
  const auto said = [own](const char* field, const char* sum) {
    return own ? "spec.resources." + std::string(field) + " of the manifest"
               : "the sum of its containers' " + std::string(sum);
  };
  switch (setting_of(file)) {
    case Setting::kCpuWeight:
      return said("requests.cpu", "requests.cpu");
    case Setting::kCpuQuota:
      return held_back ? "machine.bestEffort of agent.yaml: the machine is loaded" : said("limits.cpu", "limits.cpu");
    case Setting::kCpuIdle:
      return "cpu.idle of its policy";
    case Setting::kCpuPeriod:
      return "the period of every quota";
    case Setting::kMemory:
      return said("limits.memory", "memory limits");
    case Setting::kSwap:
      return "none beyond the memory limit, as the kubelet's NoSwap";
    case Setting::kProtection:
      return said("requests.memory", "requests.memory");
    case Setting::kPids:
      return spec != nullptr && spec->pids_limit ? "spec.resources.limits.pids of the manifest"
                                                 : "no spec.resources.limits.pids in the manifest any more";
    default:
      return "";
  }
}

}  // namespace mete::enforcers
