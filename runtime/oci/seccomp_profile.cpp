// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/seccomp_profile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string_view>

namespace mete::runtime::oci {
namespace {

using Code = std::vector<sock_filter>;

constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::size_t kFarthest = 255;  // of a conditional jump

sock_filter load(std::size_t offset) { return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)}; }
sock_filter answer(std::uint32_t action) { return {BPF_RET | BPF_K, 0, 0, action}; }
sock_filter jump(std::uint16_t test, std::uint32_t k, std::size_t yes, std::size_t no) {
  return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), k};
}
sock_filter skip(std::size_t count) { return {BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(count)}; }

void append(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }

// One check of a 64-bit argument by halves. Falls through when it holds, else jumps over `rest` more instructions.
Code check_argument(const ArgumentRule& rule, bool wide, std::size_t rest) {
  const std::size_t low_at = offsetof(seccomp_data, args) + 8 * rule.index;  // little endian
  const auto wanted = rule.compare == Compare::masked_equal ? rule.masked_value & rule.value : rule.value;
  const auto low = static_cast<std::uint32_t>(wanted);
  // A 32-bit call's arguments have no upper half.
  const auto high = wide ? static_cast<std::uint32_t>(wanted >> 32U) : 0;
  switch (rule.compare) {
    case Compare::equal:
      return {load(low_at + 4), jump(BPF_JEQ, high, 0, 2 + rest), load(low_at), jump(BPF_JEQ, low, 0, rest)};
    case Compare::not_equal:
      return {load(low_at + 4), jump(BPF_JEQ, high, 0, 2), load(low_at), jump(BPF_JEQ, low, rest, 0)};
    case Compare::greater:
    case Compare::greater_equal: {
      const std::uint16_t test = rule.compare == Compare::greater ? BPF_JGT : BPF_JGE;
      return {load(low_at + 4), jump(BPF_JGT, high, 3, 0), jump(BPF_JEQ, high, 0, 2 + rest), load(low_at), jump(test, low, 0, rest)};
    }
    case Compare::less:
    case Compare::less_equal: {
      const std::uint16_t test = rule.compare == Compare::less ? BPF_JGE : BPF_JGT;
      return {load(low_at + 4), jump(BPF_JGT, high, 3 + rest, 0), jump(BPF_JEQ, high, 0, 2), load(low_at), jump(test, low, rest, 0)};
    }
    case Compare::masked_equal: {
      const auto mask = [](std::uint32_t bits) { return sock_filter{BPF_ALU | BPF_AND | BPF_K, 0, 0, bits}; };
      const auto high_mask = wide ? static_cast<std::uint32_t>(rule.value >> 32U) : 0;
      return {load(low_at + 4), mask(high_mask), jump(BPF_JEQ, high, 0, 3 + rest),
              load(low_at),     mask(static_cast<std::uint32_t>(rule.value)), jump(BPF_JEQ, low, 0, rest)};
    }
  }
  return {};
}

// What a call gets: the rules with arguments in their order, then `otherwise`.
struct Verdict {
  std::vector<const CallRule*> conditional;
  std::uint32_t otherwise = 0;
  bool decided = false;  // by a rule without arguments
  bool operator==(const Verdict&) const = default;
};

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

struct Range {
  std::uint32_t first;
  Verdict verdict;  // of all calls up to the next range
};

// A binary search over the ranges [from, to); the accumulator holds the call's number.
Code search(const std::vector<Range>& ranges, std::size_t from, std::size_t to, bool wide) {
  if (to - from == 1) return verdict_code(ranges[from].verdict, wide);
  const std::size_t middle = from + (to - from) / 2;
  const Code below = search(ranges, from, middle, wide);
  Code code;
  if (below.size() <= kFarthest) {
    code.push_back(jump(BPF_JGE, ranges[middle].first, below.size(), 0));
  } else {
    code.push_back(jump(BPF_JGE, ranges[middle].first, 0, 1));
    code.push_back(skip(below.size()));
  }
  append(code, below);
  append(code, search(ranges, middle, to, wide));
  return code;
}

// x86's socketcall(2) and ipc(2) take the call wanted as their first argument: what is said of that call holds there too.
// Which numbers: linux/net.h and linux/ipc.h.
struct Multiplexed {
  std::string_view name;
  std::string_view through;
  std::uint32_t number;
};
constexpr auto kMultiplexed = std::to_array<Multiplexed>({
    {"socket", "socketcall", 1},      {"bind", "socketcall", 2},        {"connect", "socketcall", 3},     {"listen", "socketcall", 4},
    {"accept", "socketcall", 5},      {"getsockname", "socketcall", 6}, {"getpeername", "socketcall", 7}, {"socketpair", "socketcall", 8},
    {"send", "socketcall", 9},        {"recv", "socketcall", 10},       {"sendto", "socketcall", 11},     {"recvfrom", "socketcall", 12},
    {"shutdown", "socketcall", 13},   {"setsockopt", "socketcall", 14}, {"getsockopt", "socketcall", 15}, {"sendmsg", "socketcall", 16},
    {"recvmsg", "socketcall", 17},    {"accept4", "socketcall", 18},    {"recvmmsg", "socketcall", 19},   {"sendmmsg", "socketcall", 20},
    {"semop", "ipc", 1},              {"semget", "ipc", 2},             {"semctl", "ipc", 3},             {"semtimedop", "ipc", 4},
    {"msgsnd", "ipc", 11},            {"msgrcv", "ipc", 12},            {"msgget", "ipc", 13},            {"msgctl", "ipc", 14},
    {"shmat", "ipc", 21},             {"shmdt", "ipc", 22},             {"shmget", "ipc", 23},            {"shmctl", "ipc", 24},
});

class Architecture {
 public:
  Architecture(const SeccompProfile& profile, std::uint32_t token) : profile_(profile), token_(token) {
    if (token_ == SCMP_ARCH_X86) add_multiplexed();
    for (const auto& rule : profile_.rules) {
      for (const auto& name : rule.names) add(name, rule);
    }
  }

  [[nodiscard]] Code code() const {
    const Verdict usual{{}, profile_.default_action, false};
    std::vector<Range> ranges = {{0, usual}};
    const auto put = [&](std::uint32_t first, const Verdict& verdict) {
      if (ranges.back().first == first) {
        ranges.back().verdict = verdict;
        if (ranges.size() > 1 && ranges[ranges.size() - 2].verdict == verdict) ranges.pop_back();
      } else if (ranges.back().verdict != verdict) {
        ranges.push_back({first, verdict});
      }
    };
    for (const auto& [number, verdict] : verdicts_) {
      Verdict own = verdict;
      own.decided = false;
      put(number, own);
      put(number + 1, usual);
    }
    return search(ranges, 0, ranges.size(), token_ != SCMP_ARCH_X86 && token_ != SCMP_ARCH_ARM);
  }

 private:
  void add(const std::string& name, const CallRule& rule) {
    const int number = ::seccomp_syscall_resolve_name_rewrite(token_, name.c_str());
    if (number < 0) return;
    auto [at, is_new] = verdicts_.try_emplace(static_cast<std::uint32_t>(number), Verdict{{}, profile_.default_action, false});
    Verdict& verdict = at->second;
    if (!rule.arguments.empty()) {
      verdict.conditional.push_back(&rule);
    } else if (!verdict.decided) {
      verdict.otherwise = rule.action;
      verdict.decided = true;
    }
    // A rule after this one says the same: nothing to test for.
    std::erase_if(verdict.conditional, [&](const CallRule* each) { return verdict.decided && each->action == verdict.otherwise; });
  }

  void add_multiplexed() {
    for (const auto& rule : profile_.rules) {
      // What the call's own arguments are, the filter cannot see: they are behind a pointer.
      if (!rule.arguments.empty()) continue;
      for (const auto& name : rule.names) {
        const auto at = std::find_if(kMultiplexed.begin(), kMultiplexed.end(), [&](const Multiplexed& each) { return each.name == name; });
        if (at == kMultiplexed.end()) continue;
        multiplexed_.push_back({{std::string(at->through)}, rule.action, {{0, at->number, 0, Compare::equal}}});
      }
    }
    for (const auto& rule : multiplexed_) add(rule.names.front(), rule);
  }

  const SeccompProfile& profile_;
  std::uint32_t token_;
  std::vector<CallRule> multiplexed_;
  std::map<std::uint32_t, Verdict> verdicts_;
};

// Of the profile's architectures those whose calls this kernel can get at all, the own one first.
std::vector<std::uint32_t> architectures_here(const SeccompProfile& profile) {
  const std::uint32_t own = ::seccomp_arch_native();
  std::vector<std::uint32_t> here = {own};
  const std::uint32_t narrow = own == SCMP_ARCH_X86_64 ? SCMP_ARCH_X86 : own == SCMP_ARCH_AARCH64 ? SCMP_ARCH_ARM : 0;
  const auto listed = [&](std::uint32_t token) {
    return std::find(profile.architectures.begin(), profile.architectures.end(), token) != profile.architectures.end();
  };
  if (narrow != 0 && listed(narrow)) here.push_back(narrow);
  return here;
}

Code architecture_code(const SeccompProfile& profile, std::uint32_t token) {
  const Code own = Architecture(profile, token).code();
  Code code = {load(offsetof(seccomp_data, nr))};
  if (token == SCMP_ARCH_X86_64) {
    // x32 calls come as x86_64's with one bit more. (u32)-1 is what a tracer leaves to skip a call: the rules' business.
    const bool x32 = std::find(profile.architectures.begin(), profile.architectures.end(), SCMP_ARCH_X32) != profile.architectures.end();
    const Code foreign = x32 ? Architecture(profile, SCMP_ARCH_X32).code() : Code{answer(SECCOMP_RET_KILL_THREAD)};
    code.push_back(jump(BPF_JGE, kX32Bit, 0, 1));
    code.push_back(jump(BPF_JEQ, 0xFFFF'FFFF, 0, 1));
    code.push_back(skip(foreign.size()));
    append(code, foreign);
  }
  append(code, own);
  return code;
}

}  // namespace

Result<std::string> compile_seccomp(const SeccompProfile& profile) {
  Code code = {load(offsetof(seccomp_data, arch))};
  for (const std::uint32_t token : architectures_here(profile)) {
    const Code section = architecture_code(profile, token);
    code.push_back(jump(BPF_JEQ, token, 1, 0));
    code.push_back(skip(section.size()));
    append(code, section);
  }
  code.push_back(answer(SECCOMP_RET_KILL_THREAD));
  if (code.size() > BPF_MAXINSNS) {
    return fail("seccomp: found a profile that takes " + std::to_string(code.size()) + " instructions, expected at most " +
                std::to_string(BPF_MAXINSNS));
  }
  return std::string(reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter));
}

}  // namespace mete::runtime::oci
