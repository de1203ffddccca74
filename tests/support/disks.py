# SPDX-License-Identifier: Apache-2.0
"""The disk under a path, and the limits on it that a pod's container has in the kernel."""
import os

from cgroups import Cgroup
from mete_agent import skip


def disk_of(path):
    """By sysfs, as another program would find it."""
    device = os.stat(path).st_dev
    number = "%d:%d" % (os.major(device), os.minor(device))
    directory = "/sys/dev/block/" + number
    if not os.path.exists(directory):
        skip("needs a state folder on a disk, found device " + number)
    if os.path.exists(directory + "/partition"):
        return open(directory + "/../dev").read().strip()
    return number


def io_limits(agent, disk):
    """(readBps, writeBps, readIops, writeIops) in the kernel; None: no limit."""
    found = Cgroup(agent.container("web")["cgroup"]).io_limits().get(disk, {})
    return tuple(found.get(name) for name in ("rbps", "wbps", "riops", "wiops"))
