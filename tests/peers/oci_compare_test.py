# SPDX-License-Identifier: Apache-2.0
"""Containers of random configurations on mete-oci, runc and crun: what is seen of each must be what is seen of it on one of the others, or have a row in
docs/mete-oci.md. A configuration that neither of the others can make says nothing. The short form has always the same configurations.

  METE_SEED=N METE_COMPARED=COUNT oci_compare_test.py     as in every test: the configurations N, N + 1, ...
  oci_compare_test.py show                                with METE_SEED: one configuration, and what all three say"""
import collections
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from amounts import amount  # noqa: E402
from leftovers import clean_up, made_cgroup, unmount_below  # noqa: E402
from mete_agent import BIN, need_root, skip, wait_for, work_folder  # noqa: E402
from oci_bundle import PR_SET_CHILD_SUBREAPER, PROGRAM  # noqa: E402
from oci_explained import Difference, explained_refusal, explanation, rows_that_are_missing  # noqa: E402
from oci_observed import LIBC, Place, Runtime, V1View, observe  # noqa: E402
from oci_random import RandomConfig, of_machine  # noqa: E402
from runtimes import need  # noqa: E402

PROBE = BIN + "/oci_probe"


class Comparison:
    def __init__(self):
        self.work = work_folder("mete-compare-")
        self.parent = "/" + os.path.basename(self.work)
        made_cgroup(self.parent)
        self.place = place = Place(self.work, self.parent + "/c", PROBE)
        place.capabilities, place.calls = of_machine()
        disk = os.stat("/").st_dev
        place.disk = (os.major(disk), 0) if os.path.exists("/sys/dev/block/%d:0" % os.major(disk)) else None
        # Whose creator has ended is ours then, so that its end is seen.
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.holder = subprocess.Popen(["unshare", "-n", "-i", "-u", "sleep", "100000"])
        wait_for("unshare", lambda: "sleep" in open("/proc/%d/comm" % self.holder.pid).read())
        place.namespaces = {kind: "/proc/%d/ns/%s" % (self.holder.pid, file) for kind, file in (("network", "net"), ("ipc", "ipc"), ("uts", "uts"))}
        self.view = V1View()
        self.own, self.peers = Runtime("mete-oci", PROGRAM), [Runtime("runc", "/usr/sbin/runc"), Runtime("crun", "/usr/bin/crun", self.view)]
        self.rows, self.made, self.wrong = collections.Counter(), collections.Counter(), 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.view.close()
        self.holder.kill()
        self.holder.wait()
        unmount_below(self.place.sources)
        clean_up([self.work], [self.parent])

    def configure(self, seed):
        made = RandomConfig(seed, self.place)
        self.place.owner = made.mapped_root
        with open(self.place.bundle + "/config.json", "w") as file:
            json.dump(made.config, file)
        return made.config

    def compare(self, seed):
        config = self.configure(seed)
        own, said = observe(self.own, self.place)
        peers = [observe(each, self.place) for each in self.peers]
        able = [works(seen) for seen, _ in peers]
        self.made.update(each.name for each, can in zip(self.peers, able) if can)
        if not works(own):
            row = explained_refusal(said)
            if row is None and any(able):
                self.fail(seed, "mete-oci cannot make it, %s can: %s" % ([each.name for each, can in zip(self.peers, able) if can], said))
            elif row:
                self.rows[row] += 1
            return
        for key in ("cgroups left", "mounts left", "delete"):
            if own[key] not in ("", "0", "done"):
                self.fail(seed, "%s: %s" % (key, own[key]))
        if any(able):
            for key in sorted(set(own).union(*(seen for (seen, _), can in zip(peers, able) if can))):
                self.look(seed, key, config, own, [seen if can else None for (seen, _), can in zip(peers, able)])

    def look(self, seed, key, config, own, peers):
        others = [None if each is None else each.get(key, "nothing") for each in peers]
        if own.get(key, "nothing") in others or key.endswith(" left"):
            return
        row = explanation(Difference(config, key, own.get(key, "nothing"), *others))
        self.rows[row] += 1
        if row is None:
            self.fail(seed, "%s: %r, runc %r, crun %r" % (key, own.get(key), *others))

    def fail(self, seed, what):
        self.wrong += 1
        print("FAIL METE_SEED=%d: %s" % (seed, what), flush=True)

    def show(self, seed):
        print(json.dumps(self.configure(seed), indent=1))
        for each in (self.own, *self.peers):
            seen, said = observe(each, self.place)
            print("%s: %s\n%s" % (each.name, said, json.dumps(seen, indent=1)))


def works(seen):
    return seen["create"] == "done" and seen["start"] == "done"


def main():
    need_root()
    need("runc", "crun", "unshare")
    for each in (PROBE, PROGRAM):
        if not os.path.exists(each):
            skip("needs " + each)
    missing = rows_that_are_missing()
    assert not missing, "docs/mete-oci.md has no row %s" % missing
    count = amount("COMPARED", 40, 2000)
    # Of so many that are random some have a new reason: that is to be found by who looks for it, not in each `make test`.
    first = int(os.environ.get("METE_SEED") or (random.randrange(1 << 30) if count > 1000 else 0))
    with Comparison() as comparison:
        if not comparison.view.made:
            skip("needs cgroup v1, of which crun can be shown a view of its own")
        if "show" in sys.argv:
            comparison.show(first)
            return 0
        for seed in range(first, first + count):
            comparison.compare(seed)
        print("%d configurations from METE_SEED=%d on; %s; %d differences without an explanation" % (
            count, first, ", ".join("%s made %d" % each for each in sorted(comparison.made.items())), comparison.wrong))
        for row, times in comparison.rows.most_common():
            print("%6d %s" % (times, row))
        if not comparison.made:
            skip("neither runc nor crun makes a container here")
        return 1 if comparison.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
