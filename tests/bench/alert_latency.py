# SPDX-License-Identifier: Apache-2.0
"""From the kernel's OOM kill until a webhook has been told: tests/bench/alert_latency.py [--kills N] [--busy N]

The clock starts with the time stamp of the kernel's own line about the kill in /dev/kmsg, and ends when the webhook has read the message. The
same kills are told by the agent itself (`mete agent --alerts`) and by Debian's Prometheus (scrape and evaluation each second) with Debian's
Alertmanager (group_wait 0s), both with the table's windows 15 times shorter. Each kill is of a container of its own, so that each is a message.
"""
import argparse
import os
import re
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from alertmanager_peer import Alertmanager, Webhook  # noqa: E402
from event_time import time_of  # noqa: E402
from mete_agent import Agent, wait_for, write  # noqa: E402
from pods import job, pod, wait_running  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402


TIMES = 15


class KernelLog(threading.Thread):
    """`killed`: cgroup of the victim -> seconds since 1970, of each OOM kill from now on."""

    def __init__(self):
        super().__init__(daemon=True)
        self.killed = {}
        self.file = os.open("/dev/kmsg", os.O_RDWR)
        os.lseek(self.file, 0, os.SEEK_END)
        # The log's clock is not quite the monotonic one: a line of our own tells the difference.
        self.word = "alert_latency %d" % os.getpid()
        self.offset = None
        self.before = time.time()
        os.write(self.file, self.word.encode())
        self.after = time.time()
        self.start()

    def run(self):
        while True:
            try:
                line = os.read(self.file, 8192).decode(errors="replace")
            except BrokenPipeError:
                continue  # the log went on faster than it was read
            stamp = int(line.split(",")[2]) / 1e6
            if self.word in line:
                self.offset = (self.before + self.after) / 2 - stamp
            found = re.search(r"oom-kill:.*task_memcg=([^,]+),", line)
            if found and self.offset is not None:
                self.killed[found[1]] = stamp + self.offset


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def shown(what, times):
    print("%-62s p50 %8.1f ms   p90 %8.1f   p99 %8.1f   most %8.1f   (%d)"
          % (what, *(1000 * percentile(times, each) for each in (0.5, 0.9, 0.99, 1)), len(times)), flush=True)


def latencies_of(killed, known):
    """`known`: pod -> seconds since 1970."""
    return [when - at for path, at in killed.items() for name, when in known.items() if "/default_%s/" % name in path]


def latencies(killed, told):
    """Of each that was killed and told."""
    first = {}
    for when, labels in told.firing(alertname="MeteOomKill"):
        first.setdefault(labels["pod"], when)
    return latencies_of(killed, first)


def bench(kills, busy):
    with Agent() as agent, Alertmanager(agent.work, wait="0s") as alertmanager, Webhook() as hook:
        config = agent.work + "/agent.yaml"
        write(config, "alerts:\n  enabled: true\n  speed: %d\n  webhooks: [{url: '%s'}]\n" % (TIMES, hook.url))
        agent.start("--config", config, session=True)
        for i in range(busy):
            agent.apply(pod("busy%d" % i, "while :; do :; done", "resources: {limits: {cpu: 50m, memory: 16Mi}}"))
        wait_running(agent, *("busy%d" % i for i in range(busy)))
        with Prometheus(agent, times=TIMES, alertmanager=alertmanager.address) as prometheus:
            wait_for("Prometheus to know the Alertmanager", lambda: prometheus.api("alertmanagers")["activeAlertmanagers"], every=0.2)
            wait_for("a target that was there before", lambda: prometheus.value('up{job="mete"} offset %ds' % (600 / TIMES + 2)), 180, 0.5)
            log = KernelLog()
            for name in ("kill%d" % i for i in range(kills)):
                agent.apply(job(name, "exec dd if=/dev/zero of=/dev/null bs=64M count=1", "resources: {limits: {memory: 16Mi}}"))
                wait_for("the kill to be told", lambda: hook.firing(pod=name) and alertmanager.webhook.firing(pod=name), 60, 0.02)  # noqa: B023
                agent.mete("delete", name)
            print("%d OOM kills, %d busy containers beside them" % (kills, busy))
            built_in = latencies(log.killed, hook)
            assert len(built_in) >= 0.95 * kills, "only %d of %d kills were found in the kernel's log" % (len(built_in), kills)
            shown("the agent itself", built_in)
            events = {each["pod"].split("/")[1]: time_of(each["time"]) for each in agent.events("OOMKilled")}
            shown("  of which until the agent's event OOMKilled", latencies_of(log.killed, events))
            shown("Prometheus (1 s, 1 s) and Alertmanager (group_wait 0s)", latencies(log.killed, alertmanager.webhook))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--busy", type=int, default=4)
    arguments = parser.parse_args()
    bench(arguments.kills, arguments.busy)


if __name__ == "__main__":
    main()
