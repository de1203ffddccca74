# SPDX-License-Identifier: Apache-2.0
"""Many rounds of enforcement leave the agent as large as it was: memory, descriptors, threads, inotify watches, cgroups, children.
METE_ROUNDS says how many."""
import contextlib
import os
import re
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from amounts import amount  # noqa: E402
from hog import hog  # noqa: E402
from leftovers import cgroup_mounts  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

ROUNDS = amount("ROUNDS", short=1000, long=10000)
WARM = 2500

UP_AND_DOWN = "while :; do dd if=/dev/zero of=/dev/null bs=%dM count=1 2>/dev/null; sleep 0.005; done"
CACHE = "while :; do dd if=/dev/zero of=/tmp/f bs=1M count=7 2>/dev/null; rm /tmp/f; sleep 0.1; done"

# Each kind of action, over and over: name -> (command, memory policy).
KINDS = {
    "signal": (UP_AND_DOWN % 6, "{at: [{usage: 60%, do: signal, signal: SIGCONT}]}"),
    "exec": (UP_AND_DOWN % 6, "{at: [{usage: 60%, do: exec, command: ['true'], timeout: 1s}]}"),
    "freeze": (UP_AND_DOWN % 6, "{at: [{usage: 60%, do: freeze, timeout: 2ms, then: thaw}]}"),
    "kill": (UP_AND_DOWN % 6, "{at: [{usage: 60%, do: kill-process}]}"),
    "reclaim": (CACHE, "{at: [{usage: 70%, do: reclaim}]}"),
    "oom": (UP_AND_DOWN % 20, "{onOOM: kill-process}"),
    "hold": ((UP_AND_DOWN % 20).replace("0.005", "1.1"), "{onOOM: hold, hold: {timeout: 2ms, then: kill-process}}"),
    # Some hundred steps, until it has what it wants.
    "raise": (UP_AND_DOWN % 20, "{onOOM: raise, raise: {by: 1%, max: 32Mi}}"),
    "pressed": (UP_AND_DOWN % 20, "{onOOM: kill-process, pressure: {some: 1%, for: 100ms, do: reclaim}, thrashing: {refaults: 1%, for: 100ms, do: reclaim}}"),
}


def rounds(agent):
    return sum(value for (name, _), value in agent.metrics().items() if name == "mete_enforcement_actions_total")


EACH = ("signal done", "exec done", "freeze done", "kill-process done", "reclaim done", "hold done", "raise done")


def done(agent):
    """{"signal done": 12, ...}"""
    found = {}
    for (name, labels), value in agent.metrics().items():
        if name == "mete_enforcement_actions_total":
            action = dict(labels)["action"] + " " + dict(labels)["outcome"]
            found[action] = found.get(action, 0) + int(value)
    return found


def children(pid):
    return len(open("/proc/%d/task/%d/children" % (pid, pid)).read().split())


def own_descriptors(agent):
    """Without the counter files of cgroups of others, which come and go with the tests beside this one."""
    own = 0
    for each in os.listdir("/proc/%d/fd" % agent.process.pid):
        try:
            path = os.readlink("/proc/%d/fd/%s" % (agent.process.pid, each))
        except OSError:
            continue  # closed meanwhile
        own += not path.startswith("/sys/fs/cgroup/") or agent.parent + "/" in path
    return own


def own_watches(agent):
    """inotify's, without those of files of cgroups of others."""
    inodes = {}  # of a mount of cgroups, by its device as fdinfo writes it: major << 20 | minor
    for mount in cgroup_mounts():
        device = os.stat(mount).st_dev
        own = inodes.setdefault(os.major(device) << 20 | os.minor(device), set())
        for folder, _, files in os.walk(mount + agent.parent):
            for path in [folder] + [folder + "/" + each for each in files]:
                with contextlib.suppress(FileNotFoundError):
                    own.add(os.stat(path).st_ino)
    count = 0
    for each in os.listdir("/proc/%d/fdinfo" % agent.process.pid):
        with contextlib.suppress(OSError):  # closed meanwhile
            for ino, device in re.findall(r"inotify wd:\S+ ino:(\S+) sdev:(\S+)", open("/proc/%d/fdinfo/%s" % (agent.process.pid, each)).read()):
                count += int(device, 16) not in inodes or int(ino, 16) in inodes[int(device, 16)]
    return count


def size_of(agent):
    """What must not grow."""
    pid = agent.process.pid
    status = dict(line.split(":", 1) for line in open("/proc/%d/status" % pid).read().splitlines())
    return {"RSS KiB": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]), "descriptors": own_descriptors(agent),
            "watches": own_watches(agent), "cgroups": len(agent.cgroups()), "children": children(pid)}


def settled(agent):
    """Of several looks the least of each: an action in flight has a descriptor, a child, a timer."""
    looks = []
    for _ in range(20):
        looks.append(size_of(agent))
        time.sleep(0.05)
    return {key: min(each[key] for each in looks) for key in looks[0]}


def test_rounds_of_every_kind_of_action_leave_nothing():
    with Agent().start() as agent:
        for name, (command, memory) in KINDS.items():
            agent.apply(hog(command, "  memory: " + memory, name=name, memory="8Mi", restart="Always"))
        wait_for("all to run", lambda: agent.metric("mete_container_state", state="running") == len(KINDS))
        # Some before: pools, histograms, events and records up to their bounds.
        wait_for("the first rounds", lambda: rounds(agent) >= WARM, 600, 0.5)
        first, begun = settled(agent), rounds(agent)
        wait_for("all rounds, of each kind some", lambda: rounds(agent) >= begun + ROUNDS and all(done(agent).get(each, 0) >= 10 for each in EACH), 900, 0.5)
        last = settled(agent)
        print("     %d rounds: %s" % (rounds(agent) - begun, done(agent)))
        for key, before in first.items():
            print("     %-12s %8d -> %d" % (key, before, last[key]))
        for key in ("threads", "cgroups", "children"):
            assert last[key] <= first[key] + 3, "%s grew from %d to %d" % (key, first[key], last[key])
        # A leak is one of each round of a kind.
        for key in ("descriptors", "watches"):
            assert last[key] <= first[key] + ROUNDS // 40, "%s grew from %d to %d" % (key, first[key], last[key])
        # Records are bounded, events are a ring: what is left is the heap's own untidiness.
        assert last["RSS KiB"] <= first["RSS KiB"] * 1.05 + 1024, "RSS grew from %d to %d KiB" % (first["RSS KiB"], last["RSS KiB"])
        # And without them it is as it was before.
        for name in KINDS:
            agent.mete("delete", name, "--grace", "0")
        wait_for("the pods to be gone", lambda: not agent.pods())
        wait_for("nothing but the agent", lambda: children(agent.process.pid) == 0 and agent.pod_cgroups() == [])


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
