// SPDX-License-Identifier: Apache-2.0
// The program is run here, by a machine that knows the instructions it is made of; the kernel's own is in tests/root.
#include "runtime/cgroup/devices/device_program.h"

#include <gtest/gtest.h>

#include <array>

namespace mete::runtime::cgroup {
namespace {

bool allows(const std::vector<struct bpf_insn>& program, char type, unsigned access, std::uint32_t major,
            std::uint32_t minor) {
  const std::uint32_t context[3] = {
      access << 16U | static_cast<std::uint32_t>(type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR), major, minor};
  std::array<std::uint32_t, 11> registers{};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& each = program[at];
    const auto value = static_cast<std::uint32_t>(each.imm);
    auto& target = registers[each.dst_reg];
    switch (each.code) {
      case BPF_LDX | BPF_W | BPF_MEM:
        target = context[each.off / 4];
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        target = registers[each.src_reg];
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        target = value;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        target &= value;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        target >>= value;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        at += target != value ? static_cast<std::size_t>(each.off) : 0;
        break;
      case BPF_JMP32 | BPF_JEQ | BPF_K:
        at += target == value ? static_cast<std::size_t>(each.off) : 0;
        break;
      case BPF_JMP | BPF_EXIT:
        return registers[0] == 1;
      default:
        ADD_FAILURE() << "unknown instruction " << static_cast<int>(each.code);
        return false;
    }
  }
  ADD_FAILURE() << "ran past its end";
  return false;
}

constexpr unsigned kRead = BPF_DEVCG_ACC_READ;
constexpr unsigned kWrite = BPF_DEVCG_ACC_WRITE;
constexpr unsigned kMake = BPF_DEVCG_ACC_MKNOD;

TEST(DeviceProgram, WithoutRulesEverythingIsAllowed) {
  EXPECT_TRUE(allows(device_program({}), 'c', kRead | kWrite, 1, 1));
}

TEST(DeviceProgram, ExceptionsFromADenial) {
  const auto program = device_program({{},
                                       {true, 'c', 1, 3, "rw"},
                                       {true, 'c', 136, std::nullopt, "rwm"},
                                       {true, 'b', std::nullopt, std::nullopt, "m"}});
  EXPECT_TRUE(allows(program, 'c', kRead, 1, 3));
  EXPECT_TRUE(allows(program, 'c', kRead | kWrite, 1, 3));
  EXPECT_FALSE(allows(program, 'c', kRead | kMake, 1, 3)) << "all that is asked for must be granted";
  EXPECT_FALSE(allows(program, 'b', kRead, 1, 3));
  EXPECT_FALSE(allows(program, 'c', kRead, 1, 4));
  EXPECT_TRUE(allows(program, 'c', kRead | kWrite | kMake, 136, 77));
  EXPECT_TRUE(allows(program, 'b', kMake, 8, 0));
  EXPECT_FALSE(allows(program, 'b', kRead, 8, 0));
}

TEST(DeviceProgram, ExceptionsFromAPermission) {
  const auto program = device_program({{true, 'a', {}, {}, "rwm"}, {false, 'c', 1, 3, "w"}});
  EXPECT_TRUE(allows(program, 'c', kRead, 1, 3));
  EXPECT_FALSE(allows(program, 'c', kWrite, 1, 3));
  EXPECT_FALSE(allows(program, 'c', kRead | kWrite, 1, 3));
  EXPECT_TRUE(allows(program, 'b', kWrite, 1, 3));
}

TEST(DeviceProgram, LaterRulesTakeBackEarlierOnes) {
  const auto program = device_program({{},
                                       {true, 'c', 5, 1, "rwm"},
                                       {false, 'c', 5, 1, "w"},
                                       {true, 'c', 6, 1, "r"},
                                       {false, 'a', {}, {}, "rwm"},
                                       {true, 'c', 7, 1, "r"}});
  EXPECT_FALSE(allows(program, 'c', kRead, 5, 1)) << "\"all\" forgets what was before";
  EXPECT_FALSE(allows(program, 'c', kRead, 6, 1));
  EXPECT_TRUE(allows(program, 'c', kRead, 7, 1));
  const auto narrowed = device_program({{}, {true, 'c', 5, 1, "rwm"}, {false, 'c', 5, 1, "w"}});
  EXPECT_TRUE(allows(narrowed, 'c', kRead | kMake, 5, 1));
  EXPECT_FALSE(allows(narrowed, 'c', kWrite, 5, 1));
}

TEST(DeviceRules, AreWrittenAsV1TakesThem) {
  EXPECT_EQ(to_text(DeviceRule{}), "a");
  EXPECT_EQ(to_text(DeviceRule{true, 'c', 1, 3, "rwm"}), "c 1:3 rwm");
  EXPECT_EQ(to_text(DeviceRule{true, 'b', std::nullopt, 9, "m"}), "b *:9 m");
}

}  // namespace
}  // namespace mete::runtime::cgroup
