# SPDX-License-Identifier: Apache-2.0
"""From the kernel to the webhook: an agent, Debian's Prometheus and Alertmanager with the files of dashboards/. What suffers is told once;
what works at its quota, reads, writes and sleeps is not told at all. The rules are 15 times faster than their files."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from alert_exercises import HEALTHY, ONCE, TIMES, check  # noqa: E402
from alertmanager_peer import Alertmanager  # noqa: E402
from event_time import time_of  # noqa: E402
from mete_agent import SOURCE, Agent, run_tests, wait_for  # noqa: E402
from pods import wait_exited, wait_running  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402

def test_what_suffers_is_told_and_what_works_is_not():
    with Agent().start() as agent, Alertmanager(agent.work) as alertmanager:
        told = alertmanager.webhook
        with Prometheus(agent, times=TIMES, alertmanager=alertmanager.address) as prometheus:
            wait_for("the first scrape", lambda: prometheus.value('up{job="mete"}') == 1, every=0.2)
            wait_for("Prometheus to know the Alertmanager", lambda: prometheus.api("alertmanagers")["activeAlertmanagers"], every=0.2)
            begin = time.monotonic()
            for each in HEALTHY.values():
                agent.apply(each)
            agent.mete("apply", "-f", SOURCE + "/config/examples/throttled.yaml")
            wait_running(agent, "throttled", *HEALTHY)

            # The CPU exercise.
            first = wait_for("the throttling to be told", lambda: told.firing(alertname="MeteThrottlingHurts"), 240, 0.1)
            assert {labels["pod"] for _, labels in first} == {"throttled"}, first

            # One kill: one alert, one message. The container is killed before it is scraped: that its counter is new, and not of old, is
            # known when its target was there ten minutes (of the rules) ago.
            wait_for("a target that was there before", lambda: prometheus.value('up{job="mete"} offset %ds' % (600 / TIMES + 2)), 120, 0.5)
            agent.apply(ONCE)
            wait_exited(agent, "once")
            killed = time_of(agent.event("OOMKilled")["time"])
            told_at, _ = wait_for("the kill to be told", lambda: told.firing(pod="once"), 120, 0.02)[0]
            print("     from the kernel's kill to the webhook, through Prometheus and the Alertmanager: %.2f s" % (told_at - killed))

            # The memory exercise: kills in a loop are told as a loop, and what follows from it is held back.
            agent.mete("apply", "-f", SOURCE + "/config/examples/oom.yaml")
            wait_for("the loop to be told", lambda: told.firing(alertname="MeteOomLoop", pod="oom"), 240, 0.1)
            held = wait_for("its kills to be held back", lambda: [each for each in alertmanager.inhibited() if each.get("pod") == "oom"], 60, 0.2)
            assert "MeteOomKill" in {each["alertname"] for each in held}, held

            # Ten minutes of the healthy ones, in the time of the rules.
            wait_for("ten minutes", lambda: time.monotonic() - begin > 600 / TIMES, 600, 0.5)

            def most(rule):
                return {each: prometheus.value('max_over_time(%s{pod="%s"}[1m])' % (rule, each)) or 0 for each in HEALTHY}
            # Else they would show nothing. A machine that others keep busy gives them less for a while.
            wait_for("the healthy ones to use their quotas", lambda: most("mete:container_cpu_quota_used:ratio_rate5m")["paced"] > 0.3
                     and most("mete:container_cpu_throttled:ratio_rate5m")["touching"] > 0.05, 300, 0.5)
            print("     after %.0f s: shares of the quota %s" % (time.monotonic() - begin, most("mete:container_cpu_quota_used:ratio_rate5m")))
            check(told)
            agent_dies(agent, prometheus, alertmanager)


def agent_dies(agent, prometheus, alertmanager):
    """It is told, and what fires for the same machine meanwhile is held back."""
    agent.kill()
    told = alertmanager.webhook
    [(_, labels), *more] = wait_for("the death to be told", lambda: told.firing(alertname="MeteTargetDown"), 120, 0.2)
    assert not more and labels["instance"] == agent.address and labels["severity"] == "critical", (labels, more)

    def held_back():
        held = {each["alertname"] for each in alertmanager.inhibited()}
        return {each["labels"]["alertname"] for each in prometheus.api("alerts")["alerts"] if each["state"] == "firing"} <= held | {"MeteTargetDown"}
    wait_for("the others to be held back, or to end with their counters", held_back, 60, 0.2)
    wait_for("the end of the throttling to be told", lambda: told.resolved(alertname="MeteThrottlingHurts"), 120, 0.2)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
