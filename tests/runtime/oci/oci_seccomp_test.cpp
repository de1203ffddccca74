// SPDX-License-Identifier: Apache-2.0
// Our filters against libseccomp's for the same profile: every call number, with arguments at the edges of the rules.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "runtime/file.h"
#include "runtime/oci/config/seccomp_file.h"
#include "runtime/oci/config/seccomp_profile.h"
#include "runtime/process/seccomp.h"
#include "tests/support/seccomp_machine.h"

namespace mete::runtime::oci {
namespace {

constexpr std::uint32_t kDenied = SECCOMP_RET_ERRNO | 1;
constexpr std::uint32_t kX32Bit = 0x40000000;

scmp_compare library_compare(Compare compare) {
  switch (compare) {
    case Compare::not_equal:
      return SCMP_CMP_NE;
    case Compare::less:
      return SCMP_CMP_LT;
    case Compare::less_equal:
      return SCMP_CMP_LE;
    case Compare::equal:
      return SCMP_CMP_EQ;
    case Compare::greater_equal:
      return SCMP_CMP_GE;
    case Compare::greater:
      return SCMP_CMP_GT;
    case Compare::masked_equal:
      return SCMP_CMP_MASKED_EQ;
  }
  return SCMP_CMP_EQ;
}

// Actions have the same numbers in the kernel and in libseccomp.
std::string by_library(const SeccompProfile& profile, std::uint32_t foreign) {
  const std::unique_ptr<void, decltype(&::seccomp_release)> context(::seccomp_init(profile.default_action),
                                                                    ::seccomp_release);
  EXPECT_EQ(::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, foreign), 0);
  for (const std::uint32_t token : profile.architectures) {
    const int added = ::seccomp_arch_add(context.get(), token);
    EXPECT_TRUE(added == 0 || added == -EEXIST);
  }
  for (const auto& rule : profile.rules) {
    std::vector<scmp_arg_cmp> checks;
    for (const auto& each : rule.arguments) {
      checks.push_back({each.index, library_compare(each.compare), each.value, each.masked_value});
    }
    for (const auto& name : rule.names) {
      const int number = ::seccomp_syscall_resolve_name(name.c_str());
      if (number == __NR_SCMP_ERROR) continue;
      const int added = ::seccomp_rule_add_array(context.get(), rule.action, number,
                                                 static_cast<unsigned>(checks.size()), checks.data());
      EXPECT_EQ(added, 0) << name;
    }
  }
  const UniqueFd memory(::memfd_create("filter", MFD_CLOEXEC));
  EXPECT_EQ(::seccomp_export_bpf(context.get(), memory.get()), 0);
  return read_file(AT_FDCWD, "/proc/self/fd/" + std::to_string(memory.get())).value_or("");
}

// The highest number that the profile names. With a default of ERRNO calls above it do not exist for the program, which
// libseccomp has no way to say; runc adds it to libseccomp's program.
int newest(const SeccompProfile& profile, std::uint32_t arch, std::uint32_t bit) {
  const std::uint32_t token = arch == AUDIT_ARCH_I386 ? SCMP_ARCH_X86 : bit != 0 ? SCMP_ARCH_X32 : SCMP_ARCH_X86_64;
  int highest = -1;
  for (const auto& rule : profile.rules) {
    for (const auto& name : rule.names) {
      highest = std::max(highest, ::seccomp_syscall_resolve_name_arch(token, name.c_str()));
      constexpr int kSocket = 359;  // libseccomp has no number for it on x86
      if (token == SCMP_ARCH_X86 && name == "socket") highest = std::max(highest, kSocket);
    }
  }
  const bool listed =
      std::find(profile.architectures.begin(), profile.architectures.end(), token) != profile.architectures.end();
  const bool refused = (profile.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
  const bool handled = token == SCMP_ARCH_X86_64 || listed;
  return refused && handled && arch != AUDIT_ARCH_AARCH64 && highest >= 0 ? highest : INT_MAX;
}

void expect_same(const SeccompProfile& profile, const Result<std::string>& own,
                 std::uint32_t foreign = SECCOMP_RET_KILL_THREAD) {
  ASSERT_TRUE(own) << own.error().what;
  const std::string library = by_library(profile, foreign);
  std::vector<std::uint64_t> values = {0, 1, ~0ULL, 1ULL << 32U, 0xFFFF'FFFFULL, 0x5412};
  for (const auto& rule : profile.rules) {
    for (const auto& each : rule.arguments) {
      values.insert(values.end(), {each.value, each.value - 1, each.value + 1, each.masked_value,
                                   each.value + (std::uint64_t{1} << 32U)});
    }
  }
  for (const std::uint32_t arch :
       std::initializer_list<std::uint32_t>{AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64}) {
    for (const std::uint32_t bit : {0U, kX32Bit}) {
      const int newest_call = newest(profile, arch, bit);
      for (std::uint32_t number = 0; number < 600; ++number) {
        for (const std::uint64_t value : values) {
          seccomp_data call{};
          call.arch = arch;
          call.nr = static_cast<int>(number | bit);
          // A 32-bit call's registers have no upper half.
          for (auto& argument : call.args) argument = arch == AUDIT_ARCH_I386 ? value & 0xFFFF'FFFFU : value;
          auto expected = testing::answer_of(library, call);
          if (call.nr > newest_call) expected = SECCOMP_RET_ERRNO | ENOSYS;
          const auto found = testing::answer_of(*own, call);
          ASSERT_TRUE(found && expected);
          ASSERT_EQ(*found, *expected) << "architecture " << std::hex << arch << " call " << number << " bit " << bit
                                       << " argument " << value;
        }
      }
    }
  }
}

void expect_same(const SeccompProfile& profile) {
  expect_same(profile, compile_seccomp(profile));
}

SeccompProfile allow_list() {
  SeccompProfile profile;
  profile.default_action = kDenied;
  profile.architectures = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32};
  CallRule names{{}, SECCOMP_RET_ALLOW, {}};
  for (int number = 0; number < 440; number += 1) {
    if (number % 7 == 3) continue;
    char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (name == nullptr) continue;
    const std::string text = name;
    std::free(name);
    if (text != "personality" && text != "clone" && text != "socket" && text != "ioctl") names.names.push_back(text);
  }
  profile.rules.push_back(names);
  return profile;
}

TEST(SeccompProfile, AnAllowListIsLibseccomps) {
  expect_same(allow_list());
}

TEST(SeccompProfile, WithoutForeignArchitectures) {
  SeccompProfile profile = allow_list();
  profile.architectures.clear();
  expect_same(profile);
}

TEST(SeccompProfile, ADenyListIsLibseccomps) {
  SeccompProfile profile;
  profile.default_action = SECCOMP_RET_ALLOW;
  profile.architectures = {SCMP_ARCH_X86_64, SCMP_ARCH_X86};
  profile.rules = {{{"mount", "umount2", "ptrace", "keyctl", "no_such_call"}, kDenied, {}},
                   {{"reboot"}, SECCOMP_RET_KILL_PROCESS, {}}};
  expect_same(profile);
}

TEST(SeccompProfile, EveryComparisonIsLibseccomps) {
  for (const auto compare : {Compare::not_equal, Compare::less, Compare::less_equal, Compare::equal,
                             Compare::greater_equal, Compare::greater}) {
    for (const std::uint64_t value : {0x8ULL, 0x20008ULL, 0x1'0000'0005ULL}) {
      SeccompProfile profile = allow_list();
      profile.architectures = {SCMP_ARCH_X86_64};
      profile.rules.push_back({{"personality"}, SECCOMP_RET_ALLOW, {{2, value, 0, compare}}});
      expect_same(profile);
    }
  }
}

TEST(SeccompProfile, MasksAndSeveralRulesForOneCall) {
  SeccompProfile profile = allow_list();
  profile.rules.push_back({{"clone"}, SECCOMP_RET_ALLOW, {{0, 0x7E020000, 0, Compare::masked_equal}}});
  for (const std::uint64_t value : {0ULL, 8ULL, 0x20000ULL, 0xFFFFFFFFULL}) {
    profile.rules.push_back({{"personality"}, SECCOMP_RET_ALLOW, {{0, value, 0, Compare::equal}}});
  }
  profile.rules.push_back(
      {{"ioctl"}, SECCOMP_RET_ALLOW, {{0, 3, 0, Compare::less}, {1, 0x5412, 0, Compare::not_equal}}});
  expect_same(profile);
}

TEST(SeccompProfile, TheDefaultFilterIsLibseccomps) {
  for (const std::uint64_t capabilities : {std::uint64_t{0}, std::uint64_t{0xA80425FB}, ~std::uint64_t{0}})
    expect_same(process::default_seccomp_profile(capabilities), process::default_seccomp_filter(capabilities),
                SECCOMP_RET_ERRNO | ENOSYS);
}

TEST(SeccompProfile, ADeniedSocketIsDeniedThroughSocketcallToo) {
  SeccompProfile profile;
  profile.default_action = SECCOMP_RET_ALLOW;
  profile.architectures = {SCMP_ARCH_X86};
  profile.rules = {{{"socket", "shmget"}, kDenied, {}}};
  const auto program = compile_seccomp(profile);
  ASSERT_TRUE(program);
  seccomp_data call{};
  call.arch = AUDIT_ARCH_I386;
  call.nr = 102;  // socketcall
  call.args[0] = 1;
  EXPECT_EQ(testing::answer_of(*program, call), kDenied);
  call.args[0] = 2;
  EXPECT_EQ(testing::answer_of(*program, call), SECCOMP_RET_ALLOW);
}

TEST(SeccompProfile, TheFirstRuleThatHoldsDecides) {
  SeccompProfile profile;
  profile.default_action = kDenied;
  profile.rules = {{{"getpid"}, SECCOMP_RET_ALLOW, {}}, {{"getpid"}, SECCOMP_RET_TRAP, {{0, 5, 0, Compare::equal}}}};
  const auto program = compile_seccomp(profile);
  ASSERT_TRUE(program);
  seccomp_data call{};
  call.arch = AUDIT_ARCH_X86_64;
  call.nr = SYS_getpid;
  EXPECT_EQ(testing::answer_of(*program, call), SECCOMP_RET_ALLOW);
  call.args[0] = 5;
  EXPECT_EQ(testing::answer_of(*program, call), SECCOMP_RET_TRAP);
}

TEST(SeccompFile, IsReadAsInAConfiguration) {
  const auto filter = compile_seccomp_file(
      R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"],
          "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]})",
      "no-folders.json");
  ASSERT_TRUE(filter) << filter.error().what;
  EXPECT_FALSE(filter->program.empty());
  EXPECT_EQ(filter->flags, 2U);
}

TEST(SeccompFile, ErrorsNameTheFile) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "p.json"},
      {"[]", "p.json: found no object"},
      {R"({"defaultAction": "ALLOW"})", "p.json: defaultAction: found \"ALLOW\""},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/l",
           "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]})",
       "nobody would answer"},
  };
  for (const auto& [text, expected] : cases) {
    const auto filter = compile_seccomp_file(text, "p.json");
    ASSERT_FALSE(filter) << text;
    EXPECT_NE(filter.error().what.find(expected), std::string::npos) << filter.error().what;
  }
}

}  // namespace
}  // namespace mete::runtime::oci
