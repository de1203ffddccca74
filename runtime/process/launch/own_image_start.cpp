// SPDX-License-Identifier: Apache-2.0
// protect_own_image() before libc starts, and without a second exec. The program's entry is here (-Wl,-e,mete_start):
// on the stack that the kernel left, and before a byte of the program's data has changed, it maps all of its segments
// again, at the same addresses, from a read-only mount of its own file, and names that mount's file as its executable
// (PR_SET_MM_MAP, which needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE in its own user namespace). The kernel does the
// latter only when nothing of the old file is mapped any more (kernel/fork.c, replace_mm_exe_file), so afterwards
// neither /proc/PID/exe nor a mapping leads to a file that could be opened for writing: what an exec from that mount
// would give, without its cost. Where the kernel refuses the last step the program is executed again from the mount;
// libc's fifty CPUID instructions, 0.1 to 0.3 ms in a virtual machine, have not been paid by then. Cases that cannot be
// handled here are left to protect_own_image().
#include <elf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <initializer_list>

#include "runtime/process/launch/own_image.h"

// The program's first bytes, which the linker places in the first segment.
extern "C" const Elf64_Ehdr __ehdr_start;  // NOLINT: the linker's name

// Texts beside the code (below), so that no page of constants is touched for them.
extern "C" const char mete_own_path[];
extern "C" const char mete_descriptor_path[];
extern "C" const char mete_empty_path[];

namespace {

constexpr long kCloneTree = 1 | O_CLOEXEC;  // OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
constexpr long kEmptyPath = 0x1000;         // AT_EMPTY_PATH
constexpr std::uint64_t kPage = 4096;
// Above what callers hand over by number (standard streams, --preserve-fds), and in the table that each process has
// (64).
constexpr long kHighDescriptor = 48;

struct MountAttributes {
  std::uint64_t set, clear, propagation, user_namespace;
};

long call(long number, long a, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result = number;
  register long fourth asm("r10") = d;
  register long fifth asm("r8") = e;
  register long sixth asm("r9") = f;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
               : "rcx", "r11", "memory");
  return result;
}

long address(const void* pointer) {
  return static_cast<long>(reinterpret_cast<std::uintptr_t>(pointer));
}

// The first eight bytes of a text as a number, as the machine reads them; 0 for a longer text.
constexpr std::uint64_t packed(const char* text) {
  std::uint64_t number = 0;
  for (int i = 0; text[i] != '\0'; ++i) {
    if (i == 8) return 0;
    number |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  }
  return number;
}

// True when some word of the command line is a command of mete-oci or mete-shim that puts a process into a container. A
// match on an option's value does no harm. The commands are numbers in the code, so that no page of constants is
// touched.
bool enters_a_container(long words, const char* const* arguments) {
  for (long i = 1; i < words; ++i) {
    switch (packed(arguments[i])) {
      case packed("run"):
      case packed("create"):
      case packed("exec"):
      case packed("start"):
      case packed("sandbox"):
      case packed("watchdog"):
        return true;
      default:
        break;
    }
  }
  return false;
}

// Whether it was executed by a descriptor, as this file does where the kernel refuses the last step: the kernel then
// notes "/dev/fd/N" as the program's path (fs/exec.c, alloc_bprm).
bool was_executed_by_descriptor(const char* const* environment) {
  while (*environment != nullptr) ++environment;
  const auto* note = reinterpret_cast<const Elf64_auxv_t*>(environment + 1);  // NOLINT: as the ABI has it
  while (note->a_type != AT_NULL && note->a_type != AT_EXECFN) ++note;
  if (note->a_type == AT_NULL) return true;
  const auto* const path = reinterpret_cast<const char*>(note->a_un.a_val);  // NOLINT: an address
  std::uint64_t begin = 0;
  for (int i = 0; i < 8 && path[i] != '\0'; ++i) begin |= std::uint64_t{static_cast<unsigned char>(path[i])} << (8 * i);
  return begin == packed("/dev/fd/");
}

// A file that may be written to but for its mount gives EROFS. (statfs() would tell as well, but ext4 counts its free
// blocks for that.) A sealed memfd is not seen here; no mount can be made of it, and protect_own_image() knows it.
bool is_on_read_only_mount() {
  return call(SYS_access, address(mete_own_path), W_OK) == -EROFS;
}

// Opens what the descriptor `tree` of a mount stands for.
long open_file(long tree) {
  char path[32];
  char* end = path;
  for (const char* from = mete_descriptor_path; *from != '\0'; ++from) *end++ = *from;
  char digits[12];
  int count = 0;
  for (long rest = tree; count == 0 || rest != 0; rest /= 10) digits[count++] = static_cast<char>('0' + rest % 10);
  while (count > 0) *end++ = digits[--count];
  *end = '\0';
  return call(SYS_open, address(path), O_RDONLY | O_CLOEXEC);
}

// Maps one segment from `file` as the kernel's loader has (fs/binfmt_elf.c). The instructions that do this are replaced
// by the same ones.
bool map_again(const Elf64_Phdr& segment, long file) {
  const std::uint64_t skipped = segment.p_vaddr % kPage;
  const std::uint64_t begin = segment.p_vaddr - skipped;
  const std::uint64_t file_end = segment.p_vaddr + segment.p_filesz;
  const bool writable = (segment.p_flags & PF_W) != 0;
  const int protection = PROT_READ | (writable ? PROT_WRITE : 0) | ((segment.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
  const long mapped = call(SYS_mmap, static_cast<long>(begin), static_cast<long>(file_end - begin), protection,
                           MAP_PRIVATE | MAP_FIXED, file, static_cast<long>(segment.p_offset - skipped));
  if (mapped != static_cast<long>(begin)) return false;
  if (!writable) return true;
  // Behind the data in the file's last page are other parts of the file, where the program expects zeroes.
  std::uint64_t zeroes = std::min(-file_end % kPage, segment.p_memsz - segment.p_filesz);
  auto* end = reinterpret_cast<char*>(file_end);  // NOLINT: an address from the program header
  asm volatile("rep stosb" : "+D"(end), "+c"(zeroes) : "a"(0) : "memory");
  return true;
}

std::uint64_t end_of(const char* text) {
  while (*text != '\0') ++text;
  return static_cast<std::uint64_t>(address(text + 1));
}

// What the kernel has noted of this program (/proc/PID/stat and cmdline), to be given with the executable's descriptor.
prctl_mm_map noted(const long* stack, const char* const* arguments) {
  prctl_mm_map map{};
  const char* const* environment = arguments + stack[0] + 1;
  map.start_stack = static_cast<std::uint64_t>(address(stack));
  map.arg_start = static_cast<std::uint64_t>(address(arguments[0]));
  map.arg_end = map.env_start = map.env_end = end_of(arguments[stack[0] - 1]);
  if (*environment != nullptr) {
    while (environment[1] != nullptr) ++environment;
    map.env_end = end_of(*environment);
  }
  map.start_brk = map.brk = static_cast<std::uint64_t>(call(SYS_brk, 0));
  return map;
}

bool run_from(long file, prctl_mm_map map) {
  const auto* const headers = reinterpret_cast<const Elf64_Phdr*>(  // NOLINT: as the format has it
      reinterpret_cast<const char*>(&__ehdr_start) + __ehdr_start.e_phoff);
  for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
    const auto& segment = headers[i];
    if (segment.p_type != PT_LOAD) continue;
    if (!map_again(segment, file)) return false;
    if ((segment.p_flags & PF_X) != 0) {
      map.start_code = segment.p_vaddr;
      map.end_code = segment.p_vaddr + segment.p_filesz;
    }
    map.start_data = segment.p_vaddr;  // the last one is the data
    map.end_data = segment.p_vaddr + segment.p_filesz;
  }
  map.exe_fd = static_cast<std::uint32_t>(file);
  return call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, address(&map), sizeof map) == 0;
}

}  // namespace

// `stack` is the stack as the kernel left it: argc, argv and a null, envp and a null.
extern "C" [[gnu::used, gnu::section(".text.mete_start")]] void mete_protect_at_start(long* stack) {
  const auto* const arguments = reinterpret_cast<const char* const*>(stack + 1);
  if (!enters_a_container(stack[0], arguments)) return;
  // The look at the mount keeps a second exec from a third one. Without one it would cost more than it saves.
  if (was_executed_by_descriptor(arguments + stack[0] + 1) && is_on_read_only_mount()) return;
  const long tree = call(SYS_open_tree, AT_FDCWD, address(mete_own_path), kCloneTree);
  if (tree < 0) return;
  const MountAttributes change{MOUNT_ATTR_RDONLY, 0, 0, 0};
  if (call(SYS_mount_setattr, tree, address(mete_empty_path), kEmptyPath, address(&change), sizeof change) == 0) {
    const long file = open_file(tree);
    const bool done = file >= 0 && run_from(file, noted(stack, arguments));
    if (file >= 0) call(SYS_close, file);
    if (done) {
      const long kept = call(SYS_fcntl, tree, F_DUPFD_CLOEXEC, kHighDescriptor);
      mete_own_image_mount = kept < 0 ? -1 : static_cast<int>(kept);
    } else {
      call(SYS_execveat, tree, address(mete_empty_path), address(arguments), address(arguments + stack[0] + 1),
           kEmptyPath);
    }
  }
  call(SYS_close, tree);
}

// rdx is zero at a static program's entry: there is no dynamic loader to call at exit.
asm(R"(
  .section .text.mete_start, "ax", @progbits
mete_own_path:
  .string "/proc/self/exe"
mete_descriptor_path:
  .string "/proc/self/fd/"
mete_empty_path:
  .string ""
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
