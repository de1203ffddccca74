// SPDX-License-Identifier: Apache-2.0
// Keeps this program's file out of a container's reach (CVE-2019-5736). The child between clone and exec, and any
// process of the container that executes /proc/self/exe at that time, has this file as its executable. A container that
// opened the file for writing through /proc could replace the host's runtime.
#pragma once

#include "config/base/result.h"

// Of a program that has protected itself before libc began (own_image_start.cpp): the mount that it runs from. -1:
// none.
extern "C" int mete_own_image_mount;  // NOLINT: shared with code that has no namespaces

namespace mete::runtime::process {

// Executes this program again, with the same arguments and environment, from a read-only mount of its file that is in
// no namespace (Linux 5.12), or, where the kernel refuses that, from a sealed copy in memory. Returns at once when the
// program already runs from either, or from a read-only mount of the machine.
[[nodiscard]] Status protect_own_image();

// Closes the descriptor of the mount that this program runs from, if it holds one. The kernel then takes the mount
// apart (the running program keeps what it needs) and waits for all processors, some 0.1 ms: to be called where there
// is nothing else to do. The end of the program does the same.
void release_own_image();

// Gives back the pages of this program's code; what is executed next is mapped again. A program that waits
// for its command and then ends does here, meanwhile, what its caller would wait for at the end: some 30 us.
void drop_code_pages();

}  // namespace mete::runtime::process
