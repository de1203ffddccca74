// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/seccomp_profile.h"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <span>
#include <string_view>
#include <tuple>

#include "runtime/oci/config/seccomp_code.h"

namespace mete::runtime::oci {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;

// x86's socketcall(2) and ipc(2) take the number of the wanted call as their first argument: a rule for that call must
// hold there, too. libseccomp gives these names no number, although newer kernels have one. Numbers: linux/net.h,
// linux/ipc.h and asm/unistd_32.h.
struct Multiplexed {
  std::string_view name;
  int through;
  std::uint32_t number;
  int direct;  // -1: none
};
constexpr int kSocketcall = 102;
constexpr int kIpc = 117;
constexpr auto kMultiplexed = std::to_array<Multiplexed>({
    {"socket", kSocketcall, 1, 359},
    {"bind", kSocketcall, 2, 361},
    {"connect", kSocketcall, 3, 362},
    {"listen", kSocketcall, 4, 363},
    {"accept", kSocketcall, 5, -1},
    {"getsockname", kSocketcall, 6, 367},
    {"getpeername", kSocketcall, 7, 368},
    {"socketpair", kSocketcall, 8, 360},
    {"send", kSocketcall, 9, -1},
    {"recv", kSocketcall, 10, -1},
    {"sendto", kSocketcall, 11, 369},
    {"recvfrom", kSocketcall, 12, 371},
    {"shutdown", kSocketcall, 13, 373},
    {"setsockopt", kSocketcall, 14, 366},
    {"getsockopt", kSocketcall, 15, 365},
    {"sendmsg", kSocketcall, 16, 370},
    {"recvmsg", kSocketcall, 17, 372},
    {"accept4", kSocketcall, 18, 364},
    {"recvmmsg", kSocketcall, 19, 337},
    {"sendmmsg", kSocketcall, 20, 345},
    {"semop", kIpc, 1, -1},
    {"semget", kIpc, 2, 393},
    {"semctl", kIpc, 3, 394},
    {"semtimedop", kIpc, 4, -1},
    {"msgsnd", kIpc, 11, 400},
    {"msgrcv", kIpc, 12, 401},
    {"msgget", kIpc, 13, 399},
    {"msgctl", kIpc, 14, 402},
    {"shmat", kIpc, 21, 397},
    {"shmdt", kIpc, 22, 398},
    {"shmget", kIpc, 23, 395},
    {"shmctl", kIpc, 24, 396},
});

// A call that is newer than the profile was not refused by who wrote it: programs that are told "no such call" do
// without it, and fail if they are told "not permitted". As with runc.
bool hides_newer_calls(std::uint32_t default_action) {
  return (default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

class Architecture {
 public:
  Architecture(const SeccompProfile& profile, std::uint32_t token) : profile_(profile), token_(token) {
    for (const auto& rule : profile_.rules) {
      for (const auto& name : rule.names) add(name, rule);
    }
    // The rules of one call keep their order.
    std::sort(said_.begin(), said_.end(),
              [](const Said& a, const Said& b) { return std::tie(a.number, a.order) < std::tie(b.number, b.order); });
  }

  [[nodiscard]] Code code() const {
    const Verdict usual{{}, profile_.default_action};
    std::vector<CallRange> ranges = {{0, usual}};
    const auto put = [&](std::uint32_t first, const Verdict& verdict) {
      if (ranges.back().first == first) {
        ranges.back().verdict = verdict;
        if (ranges.size() > 1 && ranges[ranges.size() - 2].verdict == verdict) ranges.pop_back();
      } else if (ranges.back().verdict != verdict) {
        ranges.push_back({first, verdict});
      }
    };
    for (auto first = said_.begin(); first != said_.end();) {
      const auto last =
          std::find_if(first, said_.end(), [&](const Said& each) { return each.number != first->number; });
      put(first->number, verdict({first, last}));
      put(first->number + 1, usual);
      first = last;
    }
    if (!said_.empty() && hides_newer_calls(profile_.default_action))
      put(said_.back().number + 1, Verdict{{}, SECCOMP_RET_ERRNO | ENOSYS});
    return search(ranges, token_ == SCMP_ARCH_X86_64 || token_ == SCMP_ARCH_AARCH64);
  }

 private:
  struct Said {
    std::uint32_t number;
    std::size_t order;
    const CallRule* rule;
  };

  void say(int number, const CallRule& rule) {
    said_.push_back({static_cast<std::uint32_t>(number), said_.size(), &rule});
  }

  void add(const std::string& name, const CallRule& rule) {
    if (token_ == SCMP_ARCH_X86 && add_multiplexed(name, rule)) return;
    const int number = ::seccomp_syscall_resolve_name_arch(token_, name.c_str());
    // libseccomp's negative numbers mean that this architecture lacks the call.
    if (number >= 0) say(number, rule);
  }

  bool add_multiplexed(std::string_view name, const CallRule& rule) {
    const auto at = std::find_if(kMultiplexed.begin(), kMultiplexed.end(),
                                 [&](const Multiplexed& each) { return each.name == name; });
    if (at == kMultiplexed.end()) return false;
    if (at->direct >= 0) say(at->direct, rule);
    // The call's own arguments are behind a pointer, which a filter cannot follow.
    if (!rule.arguments.empty()) return true;
    const CallRule& indirect =
        multiplexed_.emplace_back(CallRule{{}, rule.action, {{0, at->number, 0, Compare::equal}}});
    say(at->through, indirect);
    return true;
  }

  // Combines all rules for one call.
  [[nodiscard]] Verdict verdict(std::span<const Said> said) const {
    Verdict verdict{{}, profile_.default_action};
    const auto plain =
        std::find_if(said.begin(), said.end(), [](const Said& each) { return each.rule->arguments.empty(); });
    if (plain != said.end()) verdict.otherwise = plain->rule->action;
    for (const auto& each : said) {
      if (!each.rule->arguments.empty()) verdict.conditional.push_back(each.rule);
    }
    // Rules at the end with the same action as `otherwise` need no test.
    while (!verdict.conditional.empty() && verdict.conditional.back()->action == verdict.otherwise)
      verdict.conditional.pop_back();
    return verdict;
  }

  const SeccompProfile& profile_;
  std::uint32_t token_;
  std::deque<CallRule> multiplexed_;  // `said_` points into it, so a deque: its elements do not move
  std::vector<Said> said_;
};

// The profile's architectures whose calls this kernel can receive, its own first.
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

Code architecture_code(const SeccompProfile& profile, std::uint32_t token, std::uint32_t foreign) {
  const Code own = Architecture(profile, token).code();
  Code code = {load(offsetof(seccomp_data, nr))};
  if (token == SCMP_ARCH_X86_64) {
    // x32 calls arrive as x86_64 calls with one more bit. (u32)-1 is the number that a tracer sets to skip a call; the
    // rules handle it.
    const bool x32 = std::find(profile.architectures.begin(), profile.architectures.end(), SCMP_ARCH_X32) !=
                     profile.architectures.end();
    const Code of_x32 = x32 ? Architecture(profile, SCMP_ARCH_X32).code() : Code{answer(foreign)};
    code.push_back(jump(BPF_JGE, kX32Bit, 0, 1));
    code.push_back(jump(BPF_JEQ, 0xFFFF'FFFF, 0, 1));
    code.push_back(skip(of_x32.size()));
    append(code, of_x32);
  }
  append(code, own);
  return code;
}

}  // namespace

Result<std::string> compile_seccomp(const SeccompProfile& profile, std::uint32_t foreign) {
  Code code = {load(offsetof(seccomp_data, arch))};
  for (const std::uint32_t token : architectures_here(profile)) {
    const Code section = architecture_code(profile, token, foreign);
    code.push_back(jump(BPF_JEQ, token, 1, 0));
    code.push_back(skip(section.size()));
    append(code, section);
  }
  code.push_back(answer(foreign));
  if (code.size() > BPF_MAXINSNS) {
    return fail("seccomp: found a profile that takes " + std::to_string(code.size()) +
                " instructions, expected at most " + std::to_string(BPF_MAXINSNS));
  }
  return std::string(reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter));
}

}  // namespace mete::runtime::oci
