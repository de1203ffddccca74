# SPDX-License-Identifier: Apache-2.0
"""A start of the machine, as an agent sees it: another id of the boot, and nothing of the one before but the state folder."""
import ctypes
import os
import shutil

from leftovers import cgroup_folders, kill
from mete_agent import wait_for, write

BOOT_ID = "/proc/sys/kernel/random/boot_id"
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
LIBC = ctypes.CDLL(None, use_errno=True)


def boot_as(agent, number):
    """The agent sees another id of the boot; what it mounts goes with the processes of this boot."""
    path = "%s/boot-%d" % (agent.work, number)
    write(path, "%08d-0000-4000-8000-000000000000\n" % number)

    def prepare():
        assert LIBC.unshare(CLONE_NEWNS) == 0
        assert LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) == 0
        assert LIBC.mount(path.encode(), BOOT_ID.encode(), None, MS_BIND, None) == 0

    agent.start(prepare=prepare)


def power_off(agent):
    def all_gone():
        for pid, _ in agent.processes():
            kill(pid)
        return not agent.processes()

    agent.kill()
    wait_for("all processes to be gone", all_gone)
    for folder in cgroup_folders(agent.parent):
        os.rmdir(folder)
    shutil.rmtree(agent.run)
