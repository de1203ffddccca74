// SPDX-License-Identifier: Apache-2.0
// The least that a container can execute: a `true` without a libc. What libc's own start takes (0.25 ms in a virtual
// machine, where each CPUID is an exit to the host) would be measured with whatever runtime starts it.

extern "C" [[noreturn]] void _start() {  // NOLINT: the linker's name
#if defined(__x86_64__)
  asm volatile("syscall" : : "a"(60), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long number asm("x8") = 93;
  register long code asm("x0") = 0;
  asm volatile("svc 0" : : "r"(number), "r"(code) : "memory");
#endif
  __builtin_unreachable();
}
