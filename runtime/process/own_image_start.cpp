// SPDX-License-Identifier: Apache-2.0
// protect_own_image() before libc starts. A static program's libc queries the processor's features some fifty times at
// each start, and in a virtual machine each CPUID is a trap: 0.3 ms in all, which the first of the two starts need not
// pay. The program's entry is therefore here (-Wl,-e,mete_start): it makes system calls on the stack that the kernel
// left, and then either executes the same program from a read-only mount or jumps to libc's entry. Cases that cannot be
// handled here are left to protect_own_image().
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>

#include <cstdint>
#include <initializer_list>

namespace {

// The kernel's struct, not libc's (asm-generic/statfs.h).
struct KernelStatfs {
  long type, block_size, blocks, blocks_free, blocks_available, files, files_free, id, name_length, fragment_size,
      flags, spare[4];
};
constexpr long kReadOnly = 1;               // ST_RDONLY
constexpr long kCloneTree = 1 | O_CLOEXEC;  // OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
constexpr long kEmptyPath = 0x1000;         // AT_EMPTY_PATH

struct MountAttributes {
  std::uint64_t set, clear, propagation, user_namespace;
};

long call(long number, long a, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result = number;
  register long fourth asm("r10") = d;
  register long fifth asm("r8") = e;
  asm volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth) : "rcx", "r11", "memory");
  return result;
}

long address(const void* pointer) {
  return static_cast<long>(reinterpret_cast<std::uintptr_t>(pointer));
}

bool same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

// True when some word of the command line is a command of mete-oci or mete-shim that puts a process into a container. A
// match on an option's value does no harm.
bool enters_a_container(long words, const char* const* arguments) {
  for (long i = 1; i < words; ++i) {
    for (const char* const command : {"run", "create", "exec", "start", "sandbox", "watchdog"}) {
      if (same(arguments[i], command)) return true;
    }
  }
  return false;
}

}  // namespace

// `stack` is the stack as the kernel left it: argc, argv and a null, envp and a null.
extern "C" [[gnu::used]] void mete_protect_at_start(long* stack) {
  const auto* const arguments = reinterpret_cast<const char* const*>(stack + 1);
  if (!enters_a_container(stack[0], arguments)) return;
  const long own = call(SYS_open, address("/proc/self/exe"), O_RDONLY | O_CLOEXEC);
  if (own < 0) return;
  KernelStatfs info;
  const bool known = call(SYS_fstatfs, own, address(&info)) == 0;
  const bool is_protected = !known || (info.flags & kReadOnly) != 0 || call(SYS_fcntl, own, F_GET_SEALS) >= 0;
  const long tree = is_protected ? -1 : call(SYS_open_tree, own, address(""), kCloneTree | kEmptyPath);
  call(SYS_close, own);
  if (tree < 0) return;
  const MountAttributes change{MOUNT_ATTR_RDONLY, 0, 0, 0};
  if (call(SYS_mount_setattr, tree, address(""), kEmptyPath, address(&change), sizeof change) == 0) {
    call(SYS_execveat, tree, address(""), address(arguments), address(arguments + stack[0] + 1), kEmptyPath);
  }
  call(SYS_close, tree);
}

// rdx is zero at a static program's entry: there is no dynamic loader to call at exit.
asm(R"(
  .text
  .globl mete_start
  .type mete_start, @function
mete_start:
  xor %ebp, %ebp
  mov %rsp, %rbx
  mov %rsp, %rdi
  and $-16, %rsp
  call mete_protect_at_start
  mov %rbx, %rsp
  xor %edx, %edx
  jmp _start
  .size mete_start, . - mete_start
)");
