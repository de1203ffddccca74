# SPDX-License-Identifier: Apache-2.0
"""How much of the machine's CPU is idle, as an agent sees it: a /proc/stat of the test's own, mounted over the machine's in a mount
namespace of that agent. What is lent to a throttled container is what is idle, and how busy the machine is, no test can say."""
import ctypes
import os
import threading
import time

CLONE_NEWNS, MS_BIND, MS_REC, MS_SLAVE = 0x20000, 4096, 16384, 1 << 19


class IdleCpu:
    def __init__(self, agent, share=0.9):
        """`share` of the machine is idle; a test may change it at any time."""
        self.share, self.path = share, agent.work + "/stat"
        self.busy, self.idle, self.at = 1e6, 1e6, time.monotonic()
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)  # written in place: a mount is of one file
        self.write()
        threading.Thread(target=self.write_for_ever, daemon=True).start()

    def write(self):
        now = time.monotonic()
        ticks, self.at = (now - self.at) * 100 * os.cpu_count(), now
        self.idle += ticks * self.share
        self.busy += ticks * (1 - self.share)
        os.pwrite(self.file, b"cpu  %020d 0 0 %020d 0 0 0 0 0 0\n" % (self.busy, self.idle), 0)

    def write_for_ever(self):
        while True:
            time.sleep(0.05)
            self.write()

    def mount(self):
        """In the agent's process, before it is one."""
        libc = ctypes.CDLL(None, use_errno=True)
        for failed in (libc.unshare(CLONE_NEWNS), libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None),
                       libc.mount(self.path.encode(), b"/proc/stat", None, MS_BIND, None)):
            if failed:
                raise OSError(ctypes.get_errno(), "mount over /proc/stat")


def start_on_idle_machine(agent):
    """Starts the agent so; gives what says how idle the machine is, to be given to its next start, too."""
    idle = IdleCpu(agent)
    agent.start(prepare=idle.mount)
    return idle
