# SPDX-License-Identifier: Apache-2.0
"""What a storage driver and a quota cost a start, from the request until the container's program runs (agent_start.py says how that is
measured). tests/bench/storage_start.py [--runs N]

One start of each kind after the other, so that what others do on the machine falls on all of them. The state folders are on ext4, that of
btrfs on a btrfs; each kind has started twice before: layers, trees and templates are there. The last column is a ratio to overlay.
"""
import argparse
import contextlib
import os
import statistics
import sys

sys.path[:0] = [__file__.rsplit("/", 2)[0] + "/support", __file__.rsplit("/", 1)[0]]
from agent_start import IN_OPEN, LIBC, POD, one_start  # noqa: E402
from cases import CaseSkipped  # noqa: E402
from storage_agent import StorageAgent  # noqa: E402

LIMITED = POD.replace("    volumeMounts", "    resources: {limits: {ephemeral-storage: 16Mi}}\n    volumeMounts")
KINDS = (("overlay", "overlay", POD), ("overlay, 16 MiB quota (loop device)", "overlay", LIMITED), ("erofs", "erofs", POD), ("btrfs", "btrfs", POD),
         ("btrfs, 16 MiB quota (qgroup)", "btrfs", LIMITED), ("vfs", "vfs", POD),
         ("devicemapper", "devicemapper", POD), ("devicemapper, 16 MiB quota", "devicemapper", LIMITED))


class Kind:
    def __init__(self, open_agents, name, driver, pod):
        self.name, self.pod, self.times, self.number = name, pod, [], 0
        self.agent = open_agents.enter_context(StorageAgent(driver, "quota", "btrfs" if driver == "btrfs" else "ext4"))
        self.agent.begin_or_skip()
        self.folder = self.agent.work + "/given"
        os.makedirs(self.folder)
        open(self.folder + "/file", "w").close()
        self.watch = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        assert LIBC.inotify_add_watch(self.watch, (self.folder + "/file").encode(), IN_OPEN) >= 0

    def start(self):
        self.number += 1
        return one_start(self.agent, self.watch, self.folder, self.number, self.pod)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with contextlib.ExitStack() as open_agents:
        kinds = []
        for each in KINDS:
            try:
                kinds.append(Kind(open_agents, *each))
            except CaseSkipped as why:
                print("%-40s skipped: %s" % (each[0], why))
        for turn in range(runs + 2):
            for kind in kinds:
                took = kind.start()
                if turn >= 2:
                    kind.times.append(took)
        floor = statistics.median(kinds[0].times)
        for kind in kinds:
            median = statistics.median(kind.times)
            print("%-40s p50 %7.2f  min %7.2f ms  %5.2f x" % (kind.name, median, min(kind.times), median / floor))


if __name__ == "__main__":
    main()
