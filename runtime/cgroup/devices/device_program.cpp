// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/devices/device_program.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "runtime/cgroup/devices/device_outcome.h"
#include "runtime/fd.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

constexpr char kName[] = "mete_devices";

struct bpf_insn instruction(unsigned code, unsigned destination, unsigned source, int offset, int value) {
  struct bpf_insn made {};
  made.code = static_cast<__u8>(code);
  made.dst_reg = destination & 0xFU;
  made.src_reg = source & 0xFU;
  made.off = static_cast<__s16>(offset);
  made.imm = value;
  return made;
}

using Program = std::vector<struct bpf_insn>;

void load(Program& program, unsigned destination, std::size_t field) {
  program.push_back(instruction(BPF_LDX | BPF_W | BPF_MEM, destination, BPF_REG_1, static_cast<int>(field), 0));
}

void answer(Program& program, bool allow) {
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow ? 1 : 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

// Registers: 2 type, 3 access, 4 major, 5 minor; 1 is free once all are loaded.
void add(Program& program, const DeviceException& exception, bool allow) {
  Program checks;
  const auto skip_unless_equal = [&](unsigned field, std::uint32_t value) {
    checks.push_back(instruction(BPF_JMP32 | BPF_JNE | BPF_K, field, 0, 0, static_cast<int>(value)));
  };
  skip_unless_equal(BPF_REG_2, exception.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  if (exception.major) skip_unless_equal(BPF_REG_4, *exception.major);
  if (exception.minor) skip_unless_equal(BPF_REG_5, *exception.minor);
  checks.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0));
  if (allow) {
    // All that is asked for must be granted.
    checks.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, static_cast<int>(~exception.access)));
    checks.push_back(instruction(BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_1, 0, 0, 0));
  } else {
    checks.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, static_cast<int>(exception.access)));
    checks.push_back(instruction(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0));
  }
  answer(checks, allow);
  // Every jump leads behind this exception.
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const unsigned kind = checks[i].code & 0x07U;
    if (kind == BPF_JMP32) checks[i].off = static_cast<__s16>(checks.size() - i - 1);
  }
  program.insert(program.end(), checks.begin(), checks.end());
}

long bpf(int command, union bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

Result<UniqueFd> load_program(const Program& program) {
  constexpr char kLicense[] = "Apache-2.0";
  union bpf_attr attributes {};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<__u64>(program.data());
  attributes.insn_cnt = static_cast<__u32>(program.size());
  attributes.license = reinterpret_cast<__u64>(kLicense);
  std::memcpy(attributes.prog_name, kName, sizeof kName);
  UniqueFd loaded(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
  if (!loaded.valid()) return fail_errno("load the device program (BPF_PROG_TYPE_CGROUP_DEVICE)");
  return loaded;
}

// Ours among those attached to the directory; invalid: none.
UniqueFd find_ours(int directory) {
  constexpr std::uint32_t kMost = 64;
  __u32 ids[kMost] = {};
  union bpf_attr query {};
  query.query.target_fd = static_cast<__u32>(directory);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<__u64>(ids);
  query.query.prog_cnt = kMost;
  if (bpf(BPF_PROG_QUERY, query) != 0) return {};
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(query.query.prog_cnt, kMost); ++i) {
    union bpf_attr by_id {};
    by_id.prog_id = ids[i];
    UniqueFd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, by_id)));
    struct bpf_prog_info info {};
    union bpf_attr about {};
    about.info.bpf_fd = static_cast<__u32>(program.get());
    about.info.info_len = sizeof info;
    about.info.info = reinterpret_cast<__u64>(&info);
    if (program.valid() && bpf(BPF_OBJ_GET_INFO_BY_FD, about) == 0 && std::strcmp(info.name, kName) == 0)
      return program;
  }
  return {};
}

}  // namespace

std::vector<struct bpf_insn> device_program(const std::vector<DeviceRule>& rules) {
  const DeviceOutcome outcome = outcome_of(rules);
  Program program;
  load(program, BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
  program.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0));
  program.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xFFFF));
  program.push_back(instruction(BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16));
  load(program, BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, major));
  load(program, BPF_REG_5, offsetof(struct bpf_cgroup_dev_ctx, minor));
  for (const auto& exception : outcome.exceptions) {
    if (exception.access != 0) add(program, exception, !outcome.allow);
  }
  answer(program, outcome.allow);
  return program;
}

Status attach_device_program(const std::string& directory, const std::vector<struct bpf_insn>& program) {
  METE_TRY(const UniqueFd target, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  METE_TRY(const UniqueFd loaded, load_program(program));
  const UniqueFd before = find_ours(target.get());
  union bpf_attr attach {};
  attach.target_fd = static_cast<__u32>(target.get());
  attach.attach_bpf_fd = static_cast<__u32>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (before.valid()) {
    attach.attach_flags |= BPF_F_REPLACE;
    attach.replace_bpf_fd = static_cast<__u32>(before.get());
  }
  if (bpf(BPF_PROG_ATTACH, attach) != 0) return fail_errno("attach the device program to " + directory);
  return {};
}

}  // namespace mete::runtime::cgroup
