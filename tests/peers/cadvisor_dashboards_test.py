# SPDX-License-Identifier: Apache-2.0
"""The series that published dashboards for cAdvisor ask for, with the labels by which they choose: each has data on a mete agent. The
numbers are the dashboards' ids at grafana.com."""
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, with_config  # noqa: E402
from pods import launch, pod  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402

# The task collector counts what waits for a CPU; 179 and 10619 show it.
CONFIG = "collectors: {enable: [tasks]}\n"
BUSY = pod("busy", "while :; do echo x > /tmp/x; usleep 10000; done", "resources: {limits: {cpu: 50m, memory: 32Mi}}", main="loop", spec="hostNetwork: true")

BY_NAME = '{instance=~".+",name=~".+"}'
CHOSEN = {
    "14282": ["rate(container_cpu_usage_seconds_total%s[30s])" % BY_NAME, "container_memory_rss" + BY_NAME, "container_memory_cache" + BY_NAME,
              "rate(container_network_receive_bytes_total%s[30s])" % BY_NAME, "rate(container_network_transmit_bytes_total%s[30s])" % BY_NAME,
              '(time() - container_start_time_seconds{name=~".+",image!=""}) / 86400'],
    "10619 and 179": ['count(container_last_seen{image!=""})', 'rate(container_cpu_user_seconds_total{image!=""}[30s])', 'container_fs_limit_bytes{id="/"}',
                      'container_fs_usage_bytes{id="/"}', 'rate(container_network_receive_bytes_total{id="/"}[30s])', 'rate(container_network_transmit_bytes_total{id="/"}[30s])',
                      'container_memory_rss{image!="",name=~".+"}', 'container_memory_cache{image!="",name=~".+"}', 'container_cpu_load_average_10s{image!=""}',
                      'container_memory_max_usage_bytes{name=~".+"}'],
    "13946": ["container_last_seen" + BY_NAME, "rate(container_cpu_user_seconds_total%s[30s])" % BY_NAME, "container_memory_usage_bytes%s - container_memory_cache%s" % (BY_NAME, BY_NAME),
              "rate(container_fs_reads_bytes_total%s[30s])" % BY_NAME, "rate(container_fs_writes_bytes_total%s[30s])" % BY_NAME,
              'rate(container_network_receive_bytes_total{name=~".+",interface=~".+"}[30s])', "machine_cpu_cores", "machine_memory_bytes"],
    "193 and 893": ['sum(rate(container_cpu_user_seconds_total{image!=""}[30s])) by (name)', 'sum(container_memory_usage_bytes{image!=""}) by (name)', 'sum(container_memory_rss{image!=""}) by (name)',
                    'sum(rate(container_network_receive_bytes_total{image!=""}[30s])) by (name)', 'sum(rate(container_network_transmit_bytes_total{image!=""}[30s])) by (name)',
                    'count(rate(container_last_seen{name=~".+"}[30s]))'],
}


def test_each_series_has_data():
    agent = Agent()
    with agent.start(*with_config(agent, CONFIG)), Prometheus(agent) as prometheus:
        launch(agent, BUSY, "busy")
        missing = {(dashboard, expression) for dashboard, expressions in CHOSEN.items() for expression in expressions}

        def all_there():
            for dashboard, expression in sorted(missing):
                if found := prometheus.query(expression):
                    missing.discard((dashboard, expression))
                    print("     %-14s %3d  %s" % (dashboard, len(found), expression))
            return not missing

        try:
            wait_for("data in each", all_there, every=0.5)
        except AssertionError:
            raise AssertionError("no data in:\n" + "\n".join("%s: %s" % each for each in sorted(missing)))


def test_variables_of_the_dashboards_have_values():
    with Agent().start() as agent, Prometheus(agent) as prometheus:
        launch(agent, BUSY, "busy")
        wait_for("the container's name", lambda: [name for name in prometheus.api("label/name/values") if "busy" in name], every=0.3)
        assert agent.address in prometheus.api("label/instance/values")


def test_a_docker_container_has_dockers_name_and_composes_labels():
    with Agent().start() as agent:
        agent.mete("run", "-d", "--name", "Web_1", "--label", "com.docker.compose.project=site", "--label", "other=x", "--network", "none", "busybox", "sleep", "1000")
        shown = [line for line in agent.get("/metrics").splitlines() if line.startswith("container_memory_rss{") and 'name="Web_1"' in line]
        assert len(shown) == 1 and 'container_label_com_docker_compose_project="site"' in shown[0] and "label_other" not in shown[0], shown


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
