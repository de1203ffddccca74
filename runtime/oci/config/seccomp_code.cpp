// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/seccomp_code.h"

#include <linux/seccomp.h>

#include <cstddef>

namespace mete::runtime::oci {
namespace {

constexpr std::size_t kFarthest = 255;  // reach of a conditional jump, in instructions

// How a comparison is tested on one half of the argument: the jump's test, and whether the comparison holds when the
// test does.
struct Test {
  std::uint16_t code;
  bool holds;
};

Test test_of(Compare compare) {
  switch (compare) {
    case Compare::not_equal:
      return {BPF_JEQ, false};
    case Compare::greater:
      return {BPF_JGT, true};
    case Compare::greater_equal:
      return {BPF_JGE, true};
    case Compare::less:
      return {BPF_JGE, false};
    case Compare::less_equal:
      return {BPF_JGT, false};
    case Compare::equal:
    case Compare::masked_equal:
      break;
  }
  return {BPF_JEQ, true};
}

// Code for one check of an argument. Falls through when the check holds, otherwise jumps over `rest` more instructions.
// `wide`: tests both halves; the calls of 32-bit architectures have only a lower half.
Code check_argument(const ArgumentRule& rule, bool wide, std::size_t rest) {
  const std::size_t low_at = offsetof(seccomp_data, args) + std::size_t{8} * rule.index;  // little endian
  const bool masked = rule.compare == Compare::masked_equal;
  const std::uint64_t wanted = masked ? rule.masked_value & rule.value : rule.value;
  const auto low = static_cast<std::uint32_t>(wanted);
  const auto high = static_cast<std::uint32_t>(wanted >> 32U);
  const auto mask = [](std::uint64_t bits) {
    return sock_filter{BPF_ALU | BPF_AND | BPF_K, 0, 0, static_cast<std::uint32_t>(bits)};
  };
  const Test test = test_of(rule.compare);
  Code code = {load(low_at)};
  if (masked) code.push_back(mask(rule.value));
  code.push_back(test.holds ? jump(test.code, low, 0, rest) : jump(test.code, low, rest, 0));
  if (!wide) return code;
  // The upper half decides unless it is equal; then the lower half decides.
  const std::size_t holds = code.size();
  const std::size_t fails = code.size() + rest;
  Code upper = {load(low_at + 4)};
  if (masked) upper.push_back(mask(rule.value >> 32U));
  if (test.code != BPF_JEQ) upper.push_back(jump(BPF_JGT, high, 1 + (test.holds ? holds : fails), 0));
  const bool unequal_holds = rule.compare == Compare::not_equal || (test.code != BPF_JEQ && !test.holds);
  upper.push_back(jump(BPF_JEQ, high, 0, unequal_holds ? holds : fails));
  append(upper, code);
  return upper;
}

Code verdict_code(const Verdict& verdict, bool wide) {
  Code code;
  for (const CallRule* rule : verdict.conditional) {
    Code block = {answer(rule->action)};
    for (auto check = rule->arguments.rbegin(); check != rule->arguments.rend(); ++check) {
      Code before = check_argument(*check, wide, block.size());
      append(before, block);
      block = std::move(before);
    }
    append(code, block);
  }
  code.push_back(answer(verdict.otherwise));
  return code;
}

// Code of a binary search over the ranges [from, to); the accumulator holds the call's number.
Code search_between(const std::vector<CallRange>& ranges, std::size_t from, std::size_t to, bool wide) {
  if (to - from == 1) return verdict_code(ranges[from].verdict, wide);
  const std::size_t middle = from + (to - from) / 2;
  const Code below = search_between(ranges, from, middle, wide);
  Code code;
  if (below.size() <= kFarthest) {
    code.push_back(jump(BPF_JGE, ranges[middle].first, below.size(), 0));
  } else {
    code.push_back(jump(BPF_JGE, ranges[middle].first, 0, 1));
    code.push_back(skip(below.size()));
  }
  append(code, below);
  append(code, search_between(ranges, middle, to, wide));
  return code;
}

}  // namespace

sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
sock_filter answer(std::uint32_t action) {
  return {BPF_RET | BPF_K, 0, 0, action};
}
sock_filter jump(std::uint16_t test, std::uint32_t k, std::size_t yes, std::size_t no) {
  return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), static_cast<std::uint8_t>(yes),
          static_cast<std::uint8_t>(no), k};
}
sock_filter skip(std::size_t count) {
  return {BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(count)};
}

void append(Code& code, const Code& more) {
  code.insert(code.end(), more.begin(), more.end());
}

Code search(const std::vector<CallRange>& ranges, bool wide) {
  return search_between(ranges, 0, ranges.size(), wide);
}

}  // namespace mete::runtime::oci
