# SPDX-License-Identifier: Apache-2.0
"""What is to be alerted and what is not, whoever evaluates the alerts: the pods, and what a webhook was told at the end. Times are TIMES faster
than in the rules."""
import os

from pods import job, pod

TIMES = 15


def working(milliseconds, pause):
    """A shell's command that works so long in CPU time, as the kernel counts it, and then sleeps, again and again."""
    return ("read t x < /proc/self/schedstat; while :; do end=$((t + %d000000)); while [ $t -lt $end ]; do read t x < /proc/self/schedstat; done; "
            "usleep %d; read t x < /proc/self/schedstat; done" % (milliseconds, pause * 1000))


def limits(memory="32Mi"):
    return "resources: {requests: {cpu: 10m, memory: 8Mi}, limits: {cpu: 100m, memory: %s}}" % memory


# Healthy, and busy: near its quota without waiting; over its quota for an instant with time enough; page cache up to the limit; a disk.
HEALTHY = {
    "paced": pod("paced", working(9, 90), limits()),
    "touching": pod("touching", working(12, 170), limits()),
    "caching": pod("caching", "while :; do dd if=/dev/zero of=/tmp/f bs=64k count=500 2>/dev/null; cat /tmp/f > /dev/null; usleep 300000; done", limits()),
    "idle": pod("idle", lines=limits()),
}
ONCE = job("once", "usleep 300000; exec dd if=/dev/zero of=/dev/null bs=64M count=1", "resources: {limits: {memory: 16Mi}}", main="hog")


def names(found):
    return sorted({labels["alertname"] for _, labels in found})


def lawful():
    """What is true of the healthy ones, too: beside so many others for each CPU, nobody gets what it requests."""
    return {"MeteCpuStarved"} if os.getloadavg()[1] > 4 * os.cpu_count() else set()


def check(told):
    wrong = [labels for _, labels in told.firing() if labels.get("pod") in HEALTHY and labels["alertname"] not in lawful()]
    assert not wrong, "told of what is healthy: %s" % wrong
    once = told.firing(pod="once")
    assert names(once) == ["MeteOomKill"] and len(once) == 1, once
    throttled = told.firing(pod="throttled")
    assert names(throttled) == ["MeteThrottlingHurts"] and len(throttled) == 1, throttled
    assert set(names(told.firing(pod="oom"))) <= {"MeteOomKill", "MeteOomLoop", "MeteCrashLoop"}, told.firing(pod="oom")
    # Each message is about one container.
    for _, message in told.told:
        pods = {each["labels"].get("pod") for each in message["alerts"]}
        assert len(pods) == 1, message
    machine = [labels for _, labels in told.firing() if not labels.get("pod")]
    print("     of the machine, which others use too: %s" % sorted({each["alertname"] for each in machine}))
