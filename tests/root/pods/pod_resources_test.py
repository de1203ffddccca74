# SPDX-License-Identifier: Apache-2.0
"""`resources` of a whole pod, and what of the machine a privileged container has."""
import os
import stat
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import container, launch, output, pod, wait_running  # noqa: E402

MiB = 1 << 20
OWN = {"console", "fd", "mqueue", "ptmx", "pts", "shm"}


def group_value(agent, path, name):
    for line in open("/proc/mounts"):
        _, mount, kind, options = line.split()[:4]
        if kind == "cgroup" and name.split(".")[0] in options.split(","):
            return open(mount + path + "/" + name).read().strip()
    raise AssertionError("no hierarchy has " + name)


def test_containers_share_what_the_pod_has():
    with Agent().start() as agent:
        hog = "trap exit TERM; a=x; while [ ${#a} -lt 100000000 ]; do a=$a$a; done; while :; do sleep 1 & wait; done"
        launch(agent, pod("p", spec="resources: {limits: {cpu: 500m, memory: 48Mi}}", more=container("other")), "p")
        path = agent.parent + "/default_p"
        assert group_value(agent, path, "memory.limit_in_bytes") == str(48 * MiB)
        assert group_value(agent, path, "cpu.cfs_quota_us") == "50000"
        assert int(group_value(agent, path + "/main", "memory.limit_in_bytes")) > 1 << 50
        assert agent.pod("p")["qosClass"] == "Guaranteed", agent.pod("p")
        # One container alone is bounded by it, too, and who exceeds it is killed.
        agent.apply(pod("q", hog, spec="resources: {limits: {memory: 32Mi}}"))
        killed = wait_for(
            "a kill", lambda: [each for each in agent.events("OOMKilled") if each["pod"] == "default/q"])[0]
        assert killed["pod"] == "default/q" and agent.container("p", "other")["restarts"] == 0, killed


def test_a_privileged_container_has_the_devices_of_the_machine():
    with Agent().start() as agent:
        list_all = "find /dev -xdev \\( -type c -o -type b \\) | sort"
        usual = output(agent, list_all).split()
        assert "/dev/kmsg" not in usual and "/dev/null" in usual, usual
        lines = "securityContext: {privileged: true}"
        launch(agent, pod("p", lines=lines), "p")
        wait_running(agent, "p")
        found = agent.mete("exec", "p", "--", "find", "/dev", "-xdev", "(", "-type", "c", "-o", "-type", "b", ")").stdout.split()
        here = []
        for folder, folders, files in os.walk("/dev"):
            if folder == "/dev":
                folders[:] = [each for each in folders if each not in OWN]
                files = [each for each in files if each not in OWN]
            here += [folder + "/" + each for each in files if stat.S_ISCHR(os.lstat(folder + "/" + each).st_mode) or stat.S_ISBLK(os.lstat(folder + "/" + each).st_mode)]
        assert set(here) <= set(found), sorted(set(here) - set(found))
        number = os.stat("/dev/kmsg") if os.path.exists("/dev/kmsg") else os.stat("/dev/null")
        name = "/dev/kmsg" if os.path.exists("/dev/kmsg") else "/dev/null"
        seen = agent.mete("exec", "p", "--", "stat", "-c", "%t:%T %a %u", name).stdout.split()
        assert seen[0] == "%x:%x" % (os.major(number.st_rdev), os.minor(number.st_rdev)), seen
        # The node works: the cgroup allows it.
        assert agent.mete("exec", "p", "--", "sh", "-c", "exec 3< %s && echo opened" % name).stdout == "opened\n"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
