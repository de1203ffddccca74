// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/machine.h"

#include <fcntl.h>

#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

// "MemTotal:       24689980 kB"
void set_size(std::string_view line, std::string_view key, Size& into) {
  if (next_word(line) != key) return;
  if (const auto kib = parse_u64(next_word(line)); kib && *kib < kMaxSigned / 1024) into = to_bytes(*kib * 1024);
}

}  // namespace

Machine parse_machine(std::string_view stat, std::string_view meminfo) {
  Machine machine;
  std::uint64_t cores = 0;
  while (!stat.empty()) {
    std::string_view line = next_line(stat);
    const std::string_view word = next_word(line);
    if (word.size() > 3 && word.starts_with("cpu")) ++cores;  // "cpu" alone is the sum
  }
  if (cores > 0) machine.cores = cores;
  while (!meminfo.empty()) {
    const std::string_view line = next_line(meminfo);
    set_size(line, "MemTotal:", machine.memory);
    set_size(line, "SwapTotal:", machine.swap);
  }
  return machine;
}

Result<Machine> read_machine(const std::string& proc) {
  METE_TRY(const std::string stat, runtime::read_file(AT_FDCWD, proc + "/stat"));
  METE_TRY(const std::string meminfo, runtime::read_file(AT_FDCWD, proc + "/meminfo"));
  return parse_machine(stat, meminfo);
}

}  // namespace mete::collectors
