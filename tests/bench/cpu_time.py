# SPDX-License-Identifier: Apache-2.0
"""CPU time of a process by the scheduler's own clock. /proc/PID/stat has hundredths of a second, and what runs for microseconds at a time
is seldom met by a tick. Threads that have ended are not in it."""
import os


def by_thread(pid):
    """Name -> seconds; threads of one name together."""
    seconds = {}
    for task in os.listdir("/proc/%d/task" % pid):
        directory = "/proc/%d/task/%s/" % (pid, task)
        name = open(directory + "comm").read().strip()
        seconds[name] = seconds.get(name, 0) + int(open(directory + "schedstat").read().split()[0]) / 1e9
    return seconds


def of_all_threads(pid):
    return sum(by_thread(pid).values())
