// SPDX-License-Identifier: Apache-2.0
// Which containers have CPUs of their own, and which CPUs all others share: the rule of the kubelet's static CPU
// manager. A container has them when its pod is Guaranteed and it asks for whole cores. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/pod_spec.h"
#include "config/result.h"

namespace mete::enforcers {

struct Cpu {
  unsigned number = 0;
  unsigned core = 0;  // the physical one; two threads of a core have the same
  bool operator==(const Cpu&) const = default;
};

// How many cores the container would have to itself. The error says why it gets none, whatever the policy says.
[[nodiscard]] Result<std::size_t> whole_cores(const config::PodSpec& pod, const config::Container& container);

class CoreAssignment {
 public:
  // `reserved`: so many CPUs are never given away, at least one. The lowest numbers, as the kubelet has it.
  CoreAssignment(std::vector<Cpu> cpus, std::size_t reserved);

  // CPUs for `owner`, whole physical cores first. Who has some keeps them. The error: nothing is changed.
  [[nodiscard]] Result<std::vector<unsigned>> claim(const std::string& owner, std::size_t count);
  // What an earlier agent had given it. False: one of them is not there, or is another's, and it gets none.
  [[nodiscard]] bool adopt(const std::string& owner, const std::vector<unsigned>& cpus);
  // False: it had none.
  bool release(const std::string& owner);

  [[nodiscard]] std::vector<unsigned> of(const std::string& owner) const;  // empty: none of its own
  [[nodiscard]] std::vector<unsigned> shared() const;                      // never empty
  [[nodiscard]] bool any() const { return !owners_.empty(); }

 private:
  [[nodiscard]] bool is_free(unsigned number) const;

  std::vector<Cpu> cpus_;  // ascending
  std::size_t reserved_;
  std::map<std::string, std::vector<unsigned>> owners_;
};

// "0-2,5" as the kernel writes it, and back. Not such a list: empty.
[[nodiscard]] std::string cpu_list_text(std::vector<unsigned> cpus);
[[nodiscard]] std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

}  // namespace mete::enforcers
