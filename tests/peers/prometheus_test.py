# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus, Debian's, with the files of dashboards/, scrapes a running agent: numbers, alerts, the last words of what was short."""
import os
import re
import sys
import time
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from event_time import time_of  # noqa: E402
from mete_agent import SOURCE, Agent, run_tests, wait_for  # noqa: E402
from pods import job, pod, wait_exited, wait_running  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402
from promql import DASHBOARDS, promtool  # noqa: E402

# Network counters are those of real interfaces; without a network of one's own that is the machine's.
HOSTED = pod("hosted", spec="hostNetwork: true")


def start_examples(agent):
    for example in ("policy", "throttled", "oom"):
        agent.mete("apply", "-f", "%s/config/examples/%s.yaml" % (SOURCE, example))
    agent.apply(HOSTED)
    wait_running(agent, "throttled", "hosted")


def disturb_a_limit(agent):
    """mete_limit_drift_total is there once somebody else has written a limit."""
    cgroup = agent.container("throttled")["cgroup"]
    Cgroup(cgroup).set_cpu_quota(20000)


def clean(text):
    """Without the one family of cAdvisor's page whose labels are cAdvisor's and not as promtool would have them."""
    return "".join(line for line in text.splitlines(True) if "cadvisor_version_info" not in line)


def test_promtool_finds_nothing_in_the_expositions():
    with Agent().start() as agent:
        # Before there is anything, too.
        for page in ("/metrics", "/metrics/cadvisor"):
            promtool("check", "metrics", text=agent.get(page) if page == "/metrics" else clean(agent.get(page)))
        start_examples(agent)
        disturb_a_limit(agent)
        wait_for("an OOM kill", lambda: agent.metric("mete_oom_kills_total", pod="oom") >= 1)
        wait_for("the drift to be counted", lambda: agent.metric("mete_limit_drift_total"))
        for page in ("/metrics", "/metrics/cadvisor"):
            promtool("check", "metrics", text=agent.get(page) if page == "/metrics" else clean(agent.get(page)))
            with urllib.request.urlopen("http://" + agent.address + page) as answer:
                assert re.fullmatch(r"text/plain; ?version=0\.0\.4(; ?charset=utf-8)?", answer.headers["Content-Type"]), answer.headers["Content-Type"]


def test_prometheus_scrapes_computes_and_alerts():
    with Agent().start() as agent, Prometheus(agent, times=15) as prometheus:
        start_examples(agent)
        wait_for("the first scrape", lambda: prometheus.value('up{job="mete"}') == 1, every=0.2)
        target = prometheus.api("targets")["activeTargets"][0]
        assert target["health"] == "up" and target["lastError"] == "", target
        time.sleep(1)
        disturb_a_limit(agent)
        wait_for("the limit to be put back", lambda: agent.metric("mete_limit_drift_total"))
        time.sleep(13)

        # Exercise 1, as an operator asks: 10 ms in every 100 ms. The disturbed second is out of the window.
        # On a busy machine it does not get its share in every period; in each in which it was throttled it had all of it.
        throttled = 'rate(container_cpu_cfs_throttled_periods_total{pod="throttled", container="loop"}[10s])'
        periods = wait_for("throttling in most periods", lambda: prometheus.value(throttled) > 5 and prometheus.value(throttled), 180, 0.3)
        share = prometheus.value('sum(rate(container_cpu_usage_seconds_total{pod="throttled", container="loop", cpu="total"}[10s]))')
        print("     share of a core by Prometheus: %.4f" % share)
        assert 0.008 * periods <= share <= 0.11, (share, periods)
        assert prometheus.value('container_spec_cpu_quota{container="loop"} / container_spec_cpu_period{container="loop"}') == 0.1
        # A container and its pod are told apart, so that a sum over container!="" counts nothing twice.
        assert prometheus.value('count(container_cpu_usage_seconds_total{pod="throttled", container!="", cpu="total"})') == 1

        # Exercise 2.
        fired = wait_for("MeteOomKill to fire", lambda: prometheus.firing("MeteOomKill"), every=0.5)
        assert [each["labels"]["pod"] for each in fired] == ["oom"] and fired[0]["labels"]["scope"] == "container", fired
        kills = agent.metric("mete_oom_kills_total", pod="oom")
        wait_for("Prometheus to see all kills", lambda: prometheus.value('sum(mete_oom_kills_total{pod="oom"})') >= kills, every=0.2)

        drift = wait_for("a foreign write to be seen", lambda: prometheus.query("mete_limit_drift_total"), every=0.2)
        assert len(drift) == 1 and drift[0][1] == 1, drift

        fired = wait_for("MeteThrottlingHurts to fire", lambda: prometheus.firing("MeteThrottlingHurts"), 180, 0.5)
        assert [each["labels"]["pod"] for each in fired] == ["throttled"] and fired[0]["labels"]["severity"] == "warning", fired
        assert fired[0]["annotations"]["summary"].startswith("default/throttled loop on 127.0.0.1:"), fired
        assert not prometheus.firing("MeteTargetDown") and not prometheus.firing("MeteMemoryNearLimit"), prometheus.api("alerts")
        broken = ["%s: %s" % (rule["name"], rule.get("lastError")) for rule in prometheus.rules() if rule["health"] != "ok"]
        assert not broken, broken


def test_the_fleet_configuration_finds_agents_by_file_and_over_http():
    with Agent().start() as agent:
        with open(DASHBOARDS + "/prometheus/prometheus-fleet.yml") as file:
            text = file.read().replace("127.0.0.1:9753", agent.address).replace('["127.0.0.1:9093"]', "[]")
        assert agent.address + "/sd" in text, text
        with Prometheus(agent, text) as prometheus:
            os.mkdir(prometheus.folder + "/targets")
            with open(prometheus.folder + "/targets/machines.yml.new", "w") as out:
                out.write('[{targets: ["localhost:%s"], labels: {rack: a}}]' % agent.address.split(":")[1])
            os.rename(out.name, prometheus.folder + "/targets/machines.yml")
            # Files are looked for again every five minutes when their folder was not there: it is there at the next start.
            prometheus.restart()
            up = wait_for("both ways to find it", lambda: len(found := prometheus.query("up == 1")) == 2 and found, 120, 0.3)
            labels = {each["instance"]: each for each, _ in up}
            assert labels["localhost:" + agent.address.split(":")[1]]["rack"] == "a", labels
            assert labels[agent.address]["machine"] == os.uname().nodename, labels


def test_native_histograms_are_scraped_and_the_rest_is_what_text_gives():
    with Agent().start() as agent:
        agent.apply(job("p", "while :; do :; done", "resources: {limits: {cpu: 50m}}"))
        with Prometheus(agent, features=["native-histograms"]) as prometheus:
            stretches = wait_for("throttled stretches", lambda: prometheus.value('histogram_count(mete_container_cpu_throttle_seconds{pod="p"}) > 2'), every=0.3)
            mean = prometheus.value('histogram_sum(mete_container_cpu_throttle_seconds{pod="p"}) / histogram_count(mete_container_cpu_throttle_seconds{pod="p"})')
            assert 0.001 < mean < 1, (stretches, mean)
            lag = wait_for("the histogram of the loop's lag", lambda: prometheus.api("query", query="mete_agent_loop_lag_seconds")["result"], every=0.3)
            assert len(lag) == 1 and int(lag[0]["histogram"][1]["count"]) > 0, lag
            late = wait_for("a quantile", lambda: prometheus.value("histogram_quantile(0.99, mete_agent_loop_lag_seconds)"), every=0.3)
            assert 0 < late < 10, late
            # Histograms that have fixed buckets alone are scraped as before; so is all else.
            assert prometheus.value('count(up == 1)') == 1
            names = {name for name in prometheus.api("label/__name__/values") if not name.startswith(("up", "scrape_", "ALERTS", "mete:", "prometheus"))}
            text = {re.split(r"[{ ]", line)[0] for line in agent.get("/metrics").splitlines() if not line.startswith("#")}
            native = {"mete_agent_loop_lag_seconds", "mete_agent_scrape_seconds", "mete_agent_launch_seconds", "mete_agent_probe_lateness_seconds",
                      "mete_container_cpu_throttle_seconds"}
            fixed = {name + suffix for name in native for suffix in ("_bucket", "_sum", "_count")}
            missing = {name for name in text - names if not name.startswith("mete_enforcement_reaction_seconds")} - fixed
            assert not missing and native <= names, (missing, native - names)
            in_text = sorted(re.findall(r'^container_spec_memory_limit_bytes{[^}]*pod="p"[^}]*}', agent.get("/metrics"), re.M))
            assert prometheus.value('count(container_spec_memory_limit_bytes{pod="p"})') == len(in_text), in_text


SHORT = job("short", "usleep 30000; exec dd if=/dev/zero of=/dev/null bs=64M count=1", "resources: {limits: {memory: 16Mi}}", main="hog")


def test_a_container_of_50_ms_that_dies_by_oom_is_in_the_next_scrape_and_in_prometheus():
    with Agent().start() as agent, Prometheus(agent) as prometheus:
        wait_for("the first scrape", lambda: prometheus.value('up{job="mete"}') == 1, every=0.2)
        agent.get("/metrics")  # readings are shared for 200 ms: this one must not stand for the next
        agent.apply(SHORT)
        wait_exited(agent, "short")
        last = agent.container("short")
        lived = time_of(last["last"]["finishedAt"]) - time_of(last["startedAt"])
        print("     it lived %.0f ms" % (1000 * lived))
        assert lived > 0.02, last
        body = agent.get("/metrics")
        names = {"container_cpu_usage_seconds_total": lambda value: 0.001 < value < 1,
                 "container_memory_max_usage_bytes": lambda value: 15 << 20 < value <= 16 << 20,
                 "mete_container_last_exit_code": lambda value: value == 137,
                 "mete_oom_kills_total": lambda value: value == 1}
        for name, fits in names.items():
            found = [float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line.startswith(name + "{") and 'pod="short",container="hog"' in line]
            assert len(found) == 1 and fits(found[0]), (name, found)
            # On a busy machine it lives long enough for a scrape in between.
            wait_for("%s of %s in Prometheus" % (name, found), lambda: prometheus.value('%s{pod="short",container="hog"}' % name) == found[0], every=0.2)  # noqa: B023


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
