# SPDX-License-Identifier: Apache-2.0
"""What others read of our two formats: promtool and the parsers of Prometheus' own Python client, on the golden files of every
captured machine and on a running agent."""
import glob
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

DEBIAN = "/usr/bin/python3"  # a Python that was installed beside it does not see Debian's packages
if importlib.util.find_spec("prometheus_client") is None and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
    os.execv(DEBIAN, [DEBIAN] + sys.argv)

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, SOURCE, Agent, run_tests, skip  # noqa: E402
from pods import SLEEP, launch, pod  # noqa: E402

try:
    from prometheus_client import parser as text_parser
    from prometheus_client.openmetrics import parser as openmetrics_parser
except ImportError:
    skip("needs Debian's python3-prometheus-client")

MACHINES = sorted(glob.glob(SOURCE + "/tests/fixtures/*/metrics.txt"))
# cAdvisor's names, which its users' queries have: promtool would have them otherwise.
KNOWN = [r"container_cpu_load_d_average_10s metric names should not contain abbreviated units",
         r"cadvisor_version_info label names should be written in 'snake_case' not 'camelCase'"]

POD = pod("formats", SLEEP, "resources: {limits: {cpu: 100m, memory: 32Mi}}", main="sleeper")


def complaints(text):
    if shutil.which("promtool") is None:
        skip("needs promtool of Debian's package prometheus")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if not any(re.fullmatch(known, line) for known in KNOWN)]


def series(families):
    """name and labels -> value; a family of one format has the same samples in the other."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): float(sample.value) for family in families for sample in family.samples}


def test_golden_text_is_clean_for_promtool():
    assert len(MACHINES) >= 4, MACHINES
    for path in MACHINES:
        assert complaints(open(path).read()) == [], path


def test_golden_formats_are_accepted_and_say_the_same():
    for path in MACHINES:
        text = series(text_parser.text_string_to_metric_families(open(path).read()))
        other = series(openmetrics_parser.text_string_to_metric_families(open(path.replace(".txt", ".openmetrics.txt")).read()))
        assert text == other, path + ": " + str(sorted(set(text.items()) ^ set(other.items()))[:4])
        assert len(text) > 100, path


def families_of(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def fetch(agent, accept):
    request = urllib.request.Request("http://" + agent.address + "/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_a_running_agent_is_clean_and_every_family_is_in_the_table():
    with Agent() as agent:
        table = {row["name"]: row for row in json.loads(agent.mete("metrics", "-o", "json").stdout)}
        off = sorted({row["collector"] for row in table.values() if not row["default"]} - {"kube"})
        assert "schedstat" in off, off
        config = agent.work + "/agent.yaml"
        with open(config, "w") as out:
            out.write("collectors: {enable: [%s]}\nexport: {kube: true}\n" % ", ".join(off))
        agent.start("--config", config)
        launch(agent, POD, "formats")
        _, text = fetch(agent, "text/plain")
        families = families_of(text)
        assert len(families) > 80, families
        ours = [name for name in ("container_processes", "container_tasks_state", "container_cpu_schedstat_run_seconds_total",
                                  "container_memory_numa_pages", "container_network_tcp_usage_total", "kube_pod_info") if name not in families]
        assert not ours, "collectors that are on told nothing: %s" % ours
        missing = {name: kind for name, kind in families.items() if table.get(name, {}).get("type") != kind}
        assert not missing, "not in the table, or there with another type: %s" % missing
        assert complaints(text) == []
        helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
        wrong = {name: helps[name] for name in families if not helps[name].startswith(table[name]["help"])}
        assert not wrong, "the table says otherwise: %s" % wrong
        content_type, other = fetch(agent, "application/openmetrics-text; version=1.0.0")
        assert content_type.startswith("application/openmetrics-text"), content_type
        parsed = series(openmetrics_parser.text_string_to_metric_families(other))
        wanted = {name for name, _ in series(text_parser.text_string_to_metric_families(text))}
        assert wanted - {name for name, _ in parsed} == set()


def test_the_documentation_is_what_the_code_says():
    said = subprocess.run([BIN + "/mete", "metrics", "-o", "markdown"], capture_output=True, text=True, check=True).stdout
    written = open(SOURCE + "/docs/metrics.md").read()
    assert said == written, "docs/metrics.md is old: mete metrics -o markdown > docs/metrics.md"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
