# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus on an agent to whose pods everything happens: every panel and rule of dashboards/ is evaluated without an error and
has data. Prints each panel with its number of series."""
import json
import math
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cgroups import Foreign  # noqa: E402
from held_cgroups import UNKILLABLE, hold, may_be_unkillable  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, with_config  # noqa: E402
from pods import launch  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402
from promql import DASHBOARDS, filled, targets_of, variables_of  # noqa: E402
from provoked import STARVED, provoke  # noqa: E402

NAMES = ("machine", "pods", "container", "throttling-oom", "fleet", "agent")
TIMES = 15  # how much faster the rules are than their files: 5 min are 20 s
# Rules without data here, and why.
NO_DATA = {} if may_be_unkillable() else {"mete:oom_without_victim:grown10m": "needs CAP_SYS_RESOURCE, for an oom_score_adj of -1000"}
# What must fire with what the pods do, and for which pod (None: an alert of the machine).
FIRING = {("MeteThrottlingHurts", "throttled"), ("MeteOomKill", "oom"), ("MeteOomLoop", "oom"), ("MeteCrashLoop", "crashing"), ("MeteUnhealthy", "unhealthy"),
          ("MetePidsNearLimit", "forking"), ("MeteLimitDrift", None), ("MeteGuardTripped", None), ("MeteEnforcementFailing", None)}


def questions():
    """(panel, the expression as Grafana asks it)"""
    found = []
    for name in NAMES:
        with open("%s/grafana/%s.json" % (DASHBOARDS, name)) as file:
            made = json.load(file)
        values = {each: "mete" if each == "job" else "default" if each == "namespace" and name == "container" else ".*" for each in variables_of(made)}
        for title, ref, expression, _ in targets_of(made):
            found.append(("%s: %s %s" % (name, title, ref), filled(expression, values, rate="10s", window="2m")))
        for each in made.get("annotations", {}).get("list", []):
            found.append(("%s: annotation %s" % (name, each["name"]), filled(each["expr"], values)))
    return found


def series(prometheus, expression):
    """How many have a value; NaN is none."""
    return len([value for _, value in prometheus.query(expression) if not math.isnan(value)])


class Watch:
    """What has had data, and which alerts have fired: some end again while others are waited for."""

    def __init__(self, prometheus, asked):
        self.prometheus = prometheus
        self.asked = asked
        self.most = dict.fromkeys(asked, 0)
        self.fired = {}

    def look(self):
        for where, expression in self.asked.items():
            if not self.most[where]:
                self.most[where] = series(self.prometheus, expression)
        for each in self.prometheus.api("alerts")["alerts"]:
            if each["state"] == "firing":
                self.fired[(each["labels"]["alertname"], each["labels"].get("pod"))] = each["annotations"]
        return all(self.most.values()) and FIRING <= set(self.fired)

    def wait(self):
        try:
            wait_for("data in each", self.look, 300, 1)
        except AssertionError:
            pass  # what is missing is told by name


def test_every_panel_and_rule_has_data():
    with Agent() as agent, Foreign() as others, Foreign() as unkillable:
        others.run("import time\nwhile True:\n    sum(range(20000)); time.sleep(0.05)")
        agent.start(*with_config(agent, 'export: {include: ["%s"]}\n' % others.path))
        with Prometheus(agent, times=TIMES) as prometheus:
            wait_for("the first scrape", lambda: prometheus.value('up{job="mete"}') == 1, every=0.2)
            provoke(agent)
            if not NO_DATA:
                hold(agent, unkillable.path, "  memory: {onOOM: kill-process}")
                unkillable.run(UNKILLABLE)
            rules = prometheus.rules()
            asked = dict(questions())
            assert len(asked) > 120, len(asked)
            asked.update({"rule: " + each["name"]: each["name"] for each in rules if each["type"] == "recording" and each["name"] not in NO_DATA})
            watch = Watch(prometheus, asked)
            watch.wait()
            for where, number in watch.most.items():
                print("     %4d  %s" % (number, where))
            silent = {where: asked[where] for where, number in watch.most.items() if not number}
            assert not silent, "without data: %s" % silent
            check_alerts(watch.fired)
            broken = ["%s: %s" % (each["name"], each.get("lastError")) for each in prometheus.rules() if each["health"] != "ok"]
            assert not broken, broken


def check_alerts(fired):
    assert FIRING <= set(fired), "did not fire: %s" % (FIRING - set(fired))
    for (name, _), said in fired.items():
        text = " ".join(said.values())
        assert "error" not in text and "<no value>" not in text and said["numbers"], (name, said)
        print("     %s %s: %s" % (name, said["summary"], said["numbers"].replace("\n", "; ")))


def test_a_container_without_a_quota_that_starves():
    with Agent().start() as agent, Prometheus(agent, times=TIMES) as prometheus:
        launch(agent, STARVED, "starved", "greedy")
        wait_for("MeteCpuStarved", lambda: [each for each in prometheus.firing("MeteCpuStarved") if each["labels"]["pod"] == "starved"], 240, 1)
        # It has no quota, and so the kernel's counters of throttling are not exported.
        assert not prometheus.query('container_cpu_cfs_throttled_seconds_total{pod="starved"}')
        assert not prometheus.firing("MeteThrottlingHurts"), prometheus.api("alerts")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
