// SPDX-License-Identifier: Apache-2.0
// Decides which containers have CPUs of their own and which CPUs all others share: the rule of the kubelet's static CPU
// manager. A container has CPUs of its own when its pod is Guaranteed and it requests whole cores. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/model/pod_spec.h"

namespace mete::enforcers {

struct Cpu {
  unsigned number = 0;
  unsigned core = 0;  // the physical core; its threads have the same number
  bool operator==(const Cpu&) const = default;
};

// The number of cores that the container would have for itself. The error says why the container gets none, whatever
// its policy says.
[[nodiscard]] Result<std::size_t> whole_cores(const config::PodSpec& pod, const config::Container& container);

class CoreAssignment {
 public:
  // `reserved`: the number of CPUs that are never assigned, at least one: the lowest numbers, as in the kubelet.
  CoreAssignment(std::vector<Cpu> cpus, std::size_t reserved);

  // Assigns CPUs to `owner`, whole physical cores first. An owner with CPUs keeps them. An error changes nothing.
  [[nodiscard]] Result<std::vector<unsigned>> claim(const std::string& owner, std::size_t count);
  // Restores the assignment of an earlier agent. False: a CPU does not exist or has another owner; nothing is assigned.
  [[nodiscard]] bool adopt(const std::string& owner, const std::vector<unsigned>& cpus);
  // False: `owner` had no CPUs.
  bool release(const std::string& owner);

  [[nodiscard]] std::vector<unsigned> of(const std::string& owner) const;  // empty: no CPUs of its own
  [[nodiscard]] std::vector<unsigned> shared() const;                      // never empty
  [[nodiscard]] bool any() const { return !owners_.empty(); }

 private:
  [[nodiscard]] bool is_free(unsigned number) const;

  std::vector<Cpu> cpus_;  // ascending
  std::size_t reserved_;
  std::map<std::string, std::vector<unsigned>> owners_;
};

// Convert between CPU numbers and the kernel's "0-2,5". Empty: the text is no such list.
[[nodiscard]] std::string cpu_list_text(std::vector<unsigned> cpus);
[[nodiscard]] std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

}  // namespace mete::enforcers
