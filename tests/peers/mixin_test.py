# SPDX-License-Identifier: Apache-2.0
"""What users of kubernetes-mixin and cAdvisor have in Prometheus works on a mete agent with no edit: recording rules that join
with kube_*, the throttling alert's expression, and the numbers of a container that lived for 50 ms."""
import json
import os
import re
import sys
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import job, launch, pod, wait_exited  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402

JOBS = """global:
  scrape_interval: 10s
  evaluation_interval: 10s
scrape_configs:
- job_name: cadvisor
  static_configs: [{targets: ["%s"]}]
- job_name: kube-state-metrics
  params: {"collect[]": [kube]}
  static_configs: [{targets: ["%s"]}]
"""

# So little CPU that it is throttled on a busy machine, too.
BUSY = pod("busy", "while :; do :; done", "resources: {requests: {cpu: 10m}, limits: {cpu: 20m, memory: 32Mi}}", main="loop")
# Dies of its limit some 50 ms after its start; never again.
SHORT = job("short", "exec dd if=/dev/zero of=/dev/null bs=64M count=1", "resources: {limits: {memory: 16Mi}}", main="hog")

# The rule behind the mixin's CPU panels (rules/apps), and its throttling alert without the threshold.
CPU_RULE = ('sum by (cluster, namespace, pod, container) (irate(container_cpu_usage_seconds_total{job="cadvisor",image!=""}[30s])) '
            '* on (cluster, namespace, pod) group_left(node) topk by (cluster, namespace, pod) (1, max by (cluster, namespace, pod, node) (kube_pod_info{node!=""}))')
THROTTLING = ('sum(increase(container_cpu_cfs_throttled_periods_total{job="cadvisor",container!=""}[30s])) by (container, pod, namespace) '
              '/ sum(increase(container_cpu_cfs_periods_total{job="cadvisor"}[30s])) by (container, pod, namespace)')
REQUESTS = ('kube_pod_container_resource_limits{resource="cpu",job="kube-state-metrics"} * on (namespace, pod, cluster) group_left() '
            'max by (namespace, pod, cluster) (kube_pod_status_phase{phase=~"Pending|Running"} == 1)')


def two_jobs(agent):
    """A Prometheus that scrapes one agent as cadvisor and as kube-state-metrics."""
    return Prometheus(agent, JOBS % (agent.address, agent.address))


def test_rules_and_dashboards_of_the_mixin():
    with Agent() as agent:
        agent.start()
        launch(agent, BUSY, "busy")
        with two_jobs(agent) as prometheus:
            [(labels, cores)] = wait_for("the mixin's CPU rule", lambda: prometheus.query(CPU_RULE), 120, 0.5)
            assert labels["pod"] == "busy" and labels["container"] == "loop" and labels["node"], labels
            assert 0.001 < cores < 0.04, cores  # less than its limit where others want the machine
            ratio = wait_for("the throttling ratio", lambda: [each for each in prometheus.query(THROTTLING) if each[0]["container"] == "loop" and each[1] > 0.25], 120, 0.5)
            assert len(ratio) == 1, ratio
            [(labels, limit)] = prometheus.query(REQUESTS)
            assert limit == 0.02 and labels["container"] == "loop", (labels, limit)
            device = prometheus.query('container_fs_usage_bytes{namespace="default",container="loop",device=~"/dev/.+|overlay.*|.+"}')
            assert len(device) == 1 and device[0][1] >= 0 and prometheus.value('container_fs_limit_bytes{container="loop"}') > 1 << 20, device
            assert prometheus.value('kube_namespace_status_phase{namespace="default",phase="Active"}') == 1
            assert prometheus.value('kube_node_status_allocatable{resource="cpu"}') == os.cpu_count()
            assert prometheus.value('container_memory_working_set_bytes{namespace="default",container="loop",image!=""}') > 0
            assert not prometheus.query("duplicate") and prometheus.value("count(up == 1)") == 2


def test_a_container_that_lived_50_ms_leaves_its_numbers():
    with Agent() as agent:
        agent.start()
        with two_jobs(agent) as prometheus:
            agent.apply(SHORT)
            wait_exited(agent, "short")
            body = agent.get("/metrics")

            def shown(family):
                lines = [each for each in body.splitlines() if each.startswith(family + "{") and 'container="hog"' in each]
                return float(lines[0].rsplit(" ", 1)[1]) if lines else None

            assert shown("container_cpu_usage_seconds_total") > 0.001
            assert shown("container_memory_max_usage_bytes") > 15 << 20
            assert shown("mete_container_last_exit_code") == 137
            assert shown("mete_oom_kills_total") == 1
            assert shown("container_oom_events_total") == 1
            request = urllib.request.Request("http://%s/metrics" % agent.address, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
                text = answer.read().decode()
            [record] = re.findall(r'mete_oom_kills_total\{[^}]*container="hog"[^}]*\} 1 # \{record="([^"]+)",pid="\d+"\} 1 \d+', text)
            assert [each["fields"]["record"] for each in agent.events("OOMKilled")] == [record], (record, agent.events("OOMKilled"))
            assert json.loads(agent.mete("oom", "show", record, "-o", "json").stdout)["container"] == "hog"
            query = '%s{namespace="default",pod="short",container="hog"}'
            wait_for("Prometheus to have the kill", lambda: prometheus.value("max(" + query % "mete_oom_kills_total" + ")") == 1, every=0.3)
            assert prometheus.value("max(" + query % "container_memory_max_usage_bytes" + ")") > 15 << 20
            assert prometheus.value("max(" + query % "mete_container_last_exit_code" + ")") == 137


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
