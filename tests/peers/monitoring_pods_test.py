# SPDX-License-Identifier: Apache-2.0
"""dashboards/pods: Prometheus and an Alertmanager run as Pods on mete, with the files of dashboards/ at the places that the manifests name.
Their images are made of Debian's programs. There is no Grafana in Debian: its Pod must only be a right one that waits for its image."""
import os
import re
import shutil
import sys
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, free_port, run_tests, skip, wait_for, with_config  # noqa: E402
from pods import is_running  # noqa: E402
from promql import DASHBOARDS  # noqa: E402

PROGRAMS = {"prometheus": "/usr/bin/prometheus", "alertmanager": "/usr/bin/prometheus-alertmanager"}
# What they need besides: libraries, and the templates of messages.
TEMPLATES = "/usr/share/prometheus/alertmanager/"
FILES = ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6", TEMPLATES + "default.tmpl", TEMPLATES + "email.tmpl")


def manifests():
    with open(DASHBOARDS + "/pods/monitoring.yaml") as file:
        return file.read()


def make_image(agent, program, name):
    root = "%s/root-%s" % (agent.work, program)
    for folder in ("bin", "etc", "tmp"):
        os.makedirs(root + "/" + folder)
    shutil.copy(PROGRAMS[program], "%s/bin/%s" % (root, program))
    for each in filter(os.path.exists, FILES):
        os.makedirs(root + os.path.dirname(each), exist_ok=True)
        shutil.copy(os.path.realpath(each), root + each)
    agent.mete("image", "import", root, name)
    shutil.rmtree(root)


def placed(agent, ports):
    """The manifests with folders of this test in place of the machine's, and the folders as the manifests' first lines say."""
    config, data = agent.work + "/etc-mete", agent.work + "/monitoring"
    shutil.copytree(DASHBOARDS, config + "/dashboards", ignore=shutil.ignore_patterns("src"))
    for name, owner in (("prometheus", 65534), ("alertmanager", 65534), ("grafana", 472)):
        os.makedirs("%s/%s" % (data, name))
        os.chown("%s/%s" % (data, name), owner, owner)
    os.chmod(agent.work, 0o755)  # tempfile's own would keep the Pods' user out
    # Prometheus finds the agent and the Alertmanager at other ports than an operator's.
    path = config + "/dashboards/prometheus/prometheus.yml"
    with open(path) as file:
        text = file.read()
    for old, new in (("127.0.0.1:9753", agent.address), ("127.0.0.1:9093", "127.0.0.1:%d" % ports["alertmanager"]), ("interval: 10s", "interval: 1s")):
        assert old in text, old
        text = text.replace(old, new)
    with open(path, "w") as out:
        out.write(text)
    text = manifests().replace("path: /etc/mete", "path: " + config).replace("/var/lib/mete-monitoring", data)
    for name, old in (("prometheus", ":9090"), ("alertmanager", ":9093")):
        assert "127.0.0.1" + old in text, old
        text = text.replace("127.0.0.1" + old, "127.0.0.1:%d" % ports[name])
    return text


def answers(port, path="/-/ready"):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=30) as answer:
            return answer.read().decode()
    except OSError:
        return None


def ready(agent, name, port):
    found = agent.container("monitoring/" + name)
    if found and found["restarts"] >= 2:
        logs = agent.mete("logs", "monitoring/" + name)
        raise AssertionError("%s ends: %s" % (name, (logs.stdout + logs.stderr)[-2000:]))
    return is_running(agent, "monitoring/" + name) and answers(port)


def test_they_run_on_mete():
    for each in PROGRAMS.values():
        if not os.path.exists(each):
            skip("needs %s of Debian" % each)
    with Agent() as agent:
        agent.start(*with_config(agent, "registries: {blocked: ['*']}\n"))  # Grafana is not to be had
        images = dict(re.findall(r"  - name: (\w+)\n    image: (\S+)\n", manifests()))
        assert set(images) == {"prometheus", "alertmanager", "grafana"}, images
        for each in PROGRAMS:
            make_image(agent, each, images[each])
        ports = {each: free_port() for each in PROGRAMS}
        said = agent.apply(placed(agent, ports))
        assert not said.stderr.strip(), said.stderr
        for each, port in ports.items():
            wait_for(each + " to answer", lambda: ready(agent, each, port), 120, 0.2)  # noqa: B023 - called here
        query = "/api/v1/query?query=up%7Bjob%3D%22mete%22%7D%20%3D%3D%201"
        wait_for("Prometheus to scrape the agent on which it runs", lambda: '"127.0.0.1' in (answers(ports["prometheus"], query) or ""), 120, 0.5)
        known = "/api/v1/alertmanagers"
        wait_for("it to know the Alertmanager", lambda: ":%d/api/v2/alerts" % ports["alertmanager"] in (answers(ports["prometheus"], known) or ""), 120, 0.5)
        own = wait_for("its own container to be measured", lambda: agent.metric("container_memory_working_set_bytes", pod="prometheus", container="prometheus"))
        print("     Prometheus, on mete: %.0f MiB" % (own / (1 << 20)))
        warnings = [each for each in agent.events() if each["type"] == "Warning" and each["pod"].startswith("monitoring/")]
        unexpected = [each for each in warnings if each["reason"] != "NotEnforced" and (each["pod"], each["reason"]) != ("monitoring/grafana", "ImageNotFound")]
        assert not unexpected, unexpected
        assert agent.events("ImageNotFound"), "Grafana has an image, and was not looked at"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
