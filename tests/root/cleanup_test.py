# SPDX-License-Identifier: Apache-2.0
"""What a test made is gone also when the test fails, is told to end, or is killed, as ctest kills one that takes too long."""
import os
import re
import signal
import subprocess
import sys

SUPPORT = __file__.rsplit("/", 2)[0] + "/support"
sys.path.insert(0, SUPPORT)
from leftovers import cgroup_folders, mounts_below, processes_naming  # noqa: E402
from mete_agent import need_root, run_tests, skip_case, wait_for  # noqa: E402

# A test that has all of it: an agent on a file system of its own, a pod that is frozen, a cgroup of others with a process that waits
# for memory, a container of mete-oci's. It says what it has, and then does what is asked.
VICTIM = r"""
import os, sys, time
sys.path.insert(0, %r)
from cgroups import Foreign
from held_cgroups import GROW
from hog import eat, hog
from mete_agent import run_tests, wait_for
from oci_bundle import Oci
from small_disk import OnSmallDisk

def test_all():
    with Oci() as oci, Foreign() as foreign, OnSmallDisk().start() as agent:
        oci.started()
        if foreign.has("memory.oom_control"):
            foreign.write("1", "memory.oom_control")
        foreign.run(GROW %% (200, "0"))
        agent.apply(hog(eat(50), "  memory: {at: [{usage: 50%%, do: freeze, timeout: 60s, then: thaw}]}"))
        agent.event("Frozen", outcome="done")
        print("MADE", agent.work, agent.parent, foreign.path, oci.work, oci.parent, flush=True)
        if %r == "fail":
            raise AssertionError("as it was asked to")
        time.sleep(600)

run_tests(sys.modules[__name__])
"""


def leftovers(paths):
    found = ["file " + each for each in paths if os.path.exists(each)]
    for each in paths:
        found += ["cgroup " + folder for folder in cgroup_folders(each)]
        found += ["mount " + place for place in mounts_below(each)]
        found += ["process %d" % pid for pid in processes_naming(each)]
    return found


def check(end):
    victim = subprocess.Popen([sys.executable, "-B", "-c", VICTIM % (SUPPORT, str(end))], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = ""
    for line in victim.stdout:
        said += line
        if line.startswith("MADE "):
            break
    made = re.findall(r"(?m)^MADE (.*)$", said)
    if not made:
        victim.wait(60)
        skip_case("the test that is to be ended did not come to that: " + said[-500:])
    paths = made[0].split()
    assert end == "fail" or len([each for each in leftovers(paths) if each.startswith("cgroup ")]) > 5, "the control: what is there is seen"
    if end != "fail":
        victim.send_signal(end)
    victim.stdout.read()
    code = victim.wait(120)
    assert code == {"fail": 1, signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}[end], code
    try:
        wait_for("all of it to be gone", lambda: not leftovers(paths))
    except AssertionError:
        raise AssertionError("left behind: %s" % leftovers(paths))


def test_a_test_that_fails_leaves_nothing():
    check("fail")


def test_a_test_that_is_told_to_end_leaves_nothing():
    check(signal.SIGTERM)


def test_a_test_that_is_killed_leaves_nothing():
    check(signal.SIGKILL)


if __name__ == "__main__":
    need_root()
    run_tests(sys.modules[__name__])
