// SPDX-License-Identifier: Apache-2.0
// Work that is to go on beside the thread that asks for it.
//
// The kernel may put a thread that a write or a futex wakes onto the processor of the waker, also where another one is
// idle (wake_affine() and select_idle_sibling(), kernel/sched/fair.c). There it waits until the waker sleeps: as long
// as the two were to work side by side. So the waker takes its own processor from those that the sleeping thread may
// run on, and the thread takes it back as soon as it runs.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <atomic>

namespace mete::agent {

class OtherProcessor {
 public:
  // By the waker, just before it wakes the thread. Where one processor is all there is, nothing changes.
  void leave_mine() {
    const pid_t thread = thread_.load();
    const int mine = ::sched_getcpu();
    ::cpu_set_t allowed;
    if (thread == 0 || mine < 0 || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    CPU_CLR(static_cast<unsigned>(mine), &allowed);
    // Refused by the kernel: there is no other processor. The thread is woken as it would have been.
    if (::sched_setaffinity(thread, sizeof allowed, &allowed) == 0) waker_ = ::gettid();
  }
  // By the thread, first of all: from here on it may run where the waker may.
  void take_all() {
    if (thread_.load() == 0) thread_ = ::gettid();
    const pid_t waker = waker_.exchange(0);
    ::cpu_set_t allowed;
    if (waker != 0 && ::sched_getaffinity(waker, sizeof allowed, &allowed) == 0)
      (void)::sched_setaffinity(0, sizeof allowed, &allowed);
  }

 private:
  std::atomic<pid_t> thread_ = 0;  // 0: it has not run yet
  std::atomic<pid_t> waker_ = 0;   // whose processor was taken from it; 0: none was
};

}  // namespace mete::agent
