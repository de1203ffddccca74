# SPDX-License-Identifier: Apache-2.0
"""How long from the kernel's event until it is done and told: tests/bench/react.py [--events N] [--busy N] [--kind TEXT]

The clock starts when the kernel wakes this program, which listens for the same event as the agent (an eventfd on
memory.oom_control, or on a usage threshold), and ends with the time that the event of the agent's action has: by then the action is done,
the metric counted and, for an OOM and whatever kills or freezes, the forensic record written. Both programs run at the highest ordinary
priority, in sessions of their own; how late either is woken on a busy machine is in the figures. Needs cgroup v1's memory controller, whose
events two can listen for.

earlyoom, where it is, kills at the same threshold (earlyoom_peer.py). systemd-oomd, which needs cgroup v2's memory controller, is in react_v2.py.

An OOM's event comes before the kernel has killed. Its own share, from its event until its counter of kills has risen, is printed on a
line below: nobody can tell of a kill before that. Likewise what a reclaim of the same cache takes that nobody watches.
"""
import argparse
import bisect
import datetime
import json
import os
import select
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, __file__.rsplit("/", 1)[0])
import earlyoom_peer  # noqa: E402
from hog import hog  # noqa: E402
from mete_agent import Agent, skip, wait_for  # noqa: E402


BUSY = """
apiVersion: v1
kind: Pod
metadata: {name: busy%d}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "while :; do :; done"]
    resources: {limits: {cpu: 50m, memory: 16Mi}}
"""

# Page cache up and down.
CACHE = "while :; do dd if=/dev/zero of=/tmp/f bs=1M count=50 2>/dev/null; rm /tmp/f; sleep 0.05; done"

# What is measured: (name, what the container allocates, its policy, the reason of the event, the usage threshold or None for OOM)
KINDS = [
    ("oom kill, record", 200, "{onOOM: kill-process}", "OOMKilled", None),
    ("threshold: signal", 50, "{at: [{usage: 60%, do: signal, signal: SIGCONT}], onOOM: kill-process}", "PolicyAction", 0.6),
    ("threshold: exec", 50, "{at: [{usage: 60%, do: exec, command: ['true']}], onOOM: kill-process}", "PolicyAction", 0.6),
    ("threshold: kill-process, record", 50, "{at: [{usage: 60%, do: kill-process}], onOOM: kill-process}", "PolicyKill", 0.6),
    ("threshold: reclaim", CACHE, "{at: [{usage: 60%, do: reclaim}], onOOM: kill-process}", "PolicyAction", 0.6),
    ("threshold: freeze, record", 50, "{at: [{usage: 60%, do: freeze, timeout: 5ms, then: thaw}], onOOM: kill-process}", "Frozen", 0.6),
]

# Those that a container does not go on after as before: each event has a container of its own, and there are fewer of them.
ONCE = [
    ("threshold: raise, record", 50, "{at: [{usage: 60%, do: raise}], raise: {by: 25%}}", "LimitRaised", 0.6),
    ("threshold: restart, record", 50, "{at: [{usage: 60%, do: restart}]}", "PolicyRestart", 0.6),
    ("threshold: kill-container, record", 50, "{at: [{usage: 60%, do: kill-container}]}", "PolicyKill", 0.6),
    ("oom: hold, record", 200, "{onOOM: hold, hold: {timeout: 10s, then: kill-container}}", "OOMHeld", None),
    ("oom: raise, record", 80, "{onOOM: raise, raise: {by: 50%}}", "LimitRaised", None),
]
FEWER = 20


def moment_of(text):
    """An event's time, on the monotonic clock."""
    whole, fraction = text.rstrip("Z").split(".")
    wall = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp() + float("0." + fraction)
    return time.monotonic() - (time.time() - wall)


class Listener(threading.Thread):
    """When events of a reason were made, as the agent's API tells."""

    def __init__(self, agent, reason):
        super().__init__(daemon=True)
        self.reason, self.times = reason, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(agent.run + "/mete.sock")
        self.socket.sendall(b"GET /mete/v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.begin = max((each["sequence"] for each in agent.events()), default=0)
        self.start()

    def run(self):
        pending = b""
        while True:
            try:
                got = self.socket.recv(1 << 16)
            except OSError:
                return
            if not got:
                return
            pending += got
            *lines, pending = pending.split(b"\n")
            for line in lines:
                if line.startswith(b"{"):
                    event = json.loads(line)
                    if event["sequence"] > self.begin and event["reason"] == self.reason:
                        self.times.append(moment_of(event["time"]))


def kernel_event(directory, threshold):
    event = os.eventfd(0, os.EFD_NONBLOCK)
    name = "memory.oom_control" if threshold is None else "memory.usage_in_bytes"
    watched = os.open(directory + "/" + name, os.O_RDONLY)
    with open(directory + "/cgroup.event_control", "w") as control:
        control.write("%d %d%s" % (event, watched, "" if threshold is None else " %d" % threshold))
    os.close(watched)
    return event


UP_AND_DOWN = "while :; do dd if=/dev/zero of=/dev/null bs=%dM count=1 2>/dev/null; sleep 0.01; done"


def started(agent, kind):
    """The memory directory of a container that does what `kind` says, and the kernel's event of it."""
    name, size, memory, reason, share = kind
    # It shall run beside the busy ones, who ask for 50m each.
    agent.apply(hog("sleep 0.5; " + (size if isinstance(size, str) else UP_AND_DOWN % size), "  memory: " + memory, name="react", cpu="8", restart="Always"))
    container = wait_for("it to run", lambda: agent.container("react")["state"] == "running" and agent.container("react"), every=0.005)
    directory = "/sys/fs/cgroup/memory" + agent.parent + "/default_react/" + container["name"]
    return directory, kernel_event(directory, None if share is None else int(share * (64 << 20)))


def ended(agent):
    agent.mete("delete", "react", "--grace", "0")
    wait_for("its end", lambda: agent.pod("react") is None, every=0.005)


def kills_of(control):
    return int(os.pread(control, 128, 0).decode().split()[-1])


def measure(agent, kind, wanted):
    """(milliseconds of each, what is left over, milliseconds of the kernel's own share)"""
    name, size, memory, reason, share = kind
    listener = Listener(agent, reason)
    directory, event = started(agent, kind)
    usage = os.open(directory + "/memory.usage_in_bytes", os.O_RDONLY)
    control = os.open(directory + "/memory.oom_control", os.O_RDONLY)
    kernel, own, end = [], [], time.monotonic() + 20 + wanted * 0.4
    while len(listener.times) < wanted and time.monotonic() < end:
        killed = kills_of(control) if share is None else 0
        if not select.select([event], [], [], 1)[0]:
            continue
        now = time.monotonic()
        os.read(event, 8)
        # A threshold tells of both directions; nothing is told of the way down.
        kernel.append((now, share is None or int(os.pread(usage, 32, 0)) >= share * (64 << 20)))
        while share is None and kills_of(control) == killed and time.monotonic() < now + 0.1:
            time.sleep(0.0002)
        if share is None:
            own.append((time.monotonic() - now) * 1000)
    stopped = time.monotonic()  # what is told from now on belongs to events that nobody has listened for
    listener.socket.close()
    for each in (event, usage, control):
        os.close(each)
    ended(agent)
    return (*pair(kernel, [each for each in listener.times if each < stopped]), own)


def measure_once(agent, kind, wanted):
    """The same of actions that change the container for good."""
    took, missed = [], 0
    for _ in range(wanted):
        listener = Listener(agent, kind[3])
        directory, event = started(agent, kind)
        if select.select([event], [], [], 5)[0]:
            now = time.monotonic()
            end = now + 2
            while not listener.times and time.monotonic() < end:
                time.sleep(0.001)
            # Of several raises the first is that of this event.
            took += [(listener.times[0] - now) * 1000] if listener.times else []
            missed += not listener.times
        listener.socket.close()
        os.close(event)
        ended(agent)
    return took, "%d events of which nothing was told" % missed, []


# Events are 30 ms apart and more. What is told longer after its event than this is left unpaired, and counted.
NEAR = 0.025
LATE = 0.005


def pair(kernel, told):
    """(milliseconds of each, what is left over). What was told belongs to the last of the kernel's wake-ups before it. Where there is
    none near but one just after, this program was itself woken late, and says nothing of that event."""
    moments = [moment for moment, _ in kernel]
    took, used, alone, late = [], set(), 0, 0
    for moment in sorted(told):
        before = bisect.bisect_right(moments, moment) - 1
        while before in used:
            before -= 1
        if before >= 0 and moment - moments[before] < NEAR:
            used.add(before)
            took.append((moment - moments[before]) * 1000)
            continue
        after = bisect.bisect_right(moments, moment)
        if after < len(moments) and moments[after] - moment < LATE:
            used.add(after)
            late += 1
        else:
            alone += 1
    silent = sum(counts and index not in used for index, (_, counts) in enumerate(kernel))
    return took, "%d events of which nothing was told, %d told with no event near, %d seen too late here" % (silent, alone, late)


def own_p99(agent, enforcer):
    """By the agent's own histogram: the bound of the bucket in which 99 of 100 are."""
    buckets = sorted((float(dict(labels)["le"]), value) for (name, labels), value in agent.metrics().items()
                     if name == "mete_enforcement_reaction_seconds_bucket" and dict(labels)["enforcer"] == enforcer)
    return next(("<= %g" % (bound * 1000) for bound, count in buckets if count >= 0.99 * buckets[-1][1]), "none") if buckets else "none"


def show(name, took, missed):
    if len(took) < 2:
        print("%-34s %6d too few" % (name, len(took)), flush=True)
        return
    centiles = statistics.quantiles(took, n=100, method="inclusive")
    print("%-34s %6d %8.2f %8.2f %8.2f   %s" % (name, len(took), centiles[49], centiles[98], max(took), missed), flush=True)


def show_earlyoom(wanted, kind):
    if kind not in "earlyoom: kill":
        return
    if earlyoom_peer.program() is None:
        print("earlyoom: not installed (nor named by METE_EARLYOOM), left out")
        return
    with earlyoom_peer.EarlyOom() as peer:
        show("earlyoom: kill, same threshold", peer.measure(wanted), "")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=1000)
    options.add_argument("--busy", type=int, default=200)
    options.add_argument("--kind", default="", help="only those with this in their name")
    options = options.parse_args()
    # What notices must not be what is measured.
    sys.setswitchinterval(0.0001)
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    if os.path.exists("/proc/self/autogroup"):
        if os.getsid(0) != os.getpid():
            if os.getpgid(0) == os.getpid():  # a group's leader cannot begin a session: its child does it all
                child = os.fork()
                if child:
                    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            os.setsid()
        with open("/proc/self/autogroup", "w") as weight:
            weight.write("-20")
    if not os.path.isdir("/sys/fs/cgroup/memory"):
        skip("needs cgroup v1's memory controller")
    print("%-34s %6s %8s %8s %8s   %s" % ("ms from event to told", "n", "p50", "p99", "max", "not paired"))
    with Agent().start(session=True) as agent:
        for busy in (0, options.busy):
            for number in range(busy):
                agent.apply(BUSY % number)
            if busy:
                wait_for("them to run", lambda: agent.metric("mete_container_state", state="running") == busy, 120)
            print("%d busy containers" % busy)
            for kind in KINDS + ONCE:
                if options.kind and options.kind not in kind[0]:
                    continue
                took, missed, own = measure(agent, kind, options.events) if kind in KINDS else measure_once(agent, kind, max(2, options.events // FEWER))
                show(kind[0], took, missed)
                if own:
                    show("  of that, the kernel's own kill", own, "")
            show_earlyoom(max(2, options.events // FEWER), options.kind)
            print("the agent's own p99 so far, ms: oom %s, thresholds %s" % (own_p99(agent, "oom"), own_p99(agent, "memory")), flush=True)


if __name__ == "__main__":
    main()
