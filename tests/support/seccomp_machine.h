// SPDX-License-Identifier: Apache-2.0
// The kernel's classic BPF machine, as much of it as seccomp filters need: computes the answer to a system call.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstring>
#include <optional>
#include <string>

namespace mete::testing {

// Empty: the program does what the kernel would refuse.
inline std::optional<std::uint32_t> answer_of(const std::string& program, const seccomp_data& call) {
  const std::size_t count = program.size() / sizeof(sock_filter);
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < count; ++at) {
    sock_filter each{};
    std::memcpy(&each, program.data() + at * sizeof each, sizeof each);
    bool holds = false;
    switch (each.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (each.k % 4 != 0 || each.k + 4 > sizeof call) return std::nullopt;
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + each.k, sizeof accumulator);
        continue;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= each.k;
        continue;
      case BPF_RET | BPF_K:
        return each.k;
      case BPF_JMP | BPF_JA:
        at += each.k;
        continue;
      case BPF_JMP | BPF_K | BPF_JEQ:
        holds = accumulator == each.k;
        break;
      case BPF_JMP | BPF_K | BPF_JGT:
        holds = accumulator > each.k;
        break;
      case BPF_JMP | BPF_K | BPF_JGE:
        holds = accumulator >= each.k;
        break;
      default:
        return std::nullopt;
    }
    at += holds ? each.jt : each.jf;
  }
  return std::nullopt;
}

}  // namespace mete::testing
