# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus with the files of dashboards/, on an agent."""
import glob
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from child_process import stop
from mete_agent import free_port, wait_for
from promql import DASHBOARDS, need

SECONDS = {"s": 1, "m": 60, "h": 3600}


def faster(text, times):
    """A rule file whose windows, offsets and waits are so many times shorter. Numbers in names stay."""
    return re.sub(r"\b(\d+)([smh])\b", lambda found: "%dms" % (1000 * int(found[1]) * SECONDS[found[2]] / times), text)


class Prometheus:
    """With its own data folder and port; scrapes and evaluates every second, so that the rules' own times are what is waited for."""

    def __init__(self, agent, configuration=None, times=1, alertmanager=None, features=()):
        """`configuration`: in place of the one of dashboards/ on this agent. `times`: how much faster than their files the rules are.
        `features`: of --enable-feature."""
        need("prometheus")
        self.features = ["--enable-feature=" + each for each in features]
        self.folder = agent.work + "/prometheus"
        shutil.copytree(DASHBOARDS + "/prometheus", self.folder)
        for rules in glob.glob(self.folder + "/mete-[ar]*.yml"):
            with open(rules) as file:
                text = faster(file.read(), times)
            with open(rules, "w") as out:
                out.write(text)
        path = self.folder + "/prometheus.yml"
        if configuration is None:
            with open(path) as file:
                configuration, targets = re.subn(r"127\.0\.0\.1:9753", agent.address, file.read())
            assert targets == 1, configuration
            configuration = configuration.replace('"127.0.0.1:9093"', '"%s"' % alertmanager if alertmanager else "")
        configuration, intervals = re.subn(r"(scrape|evaluation)_interval: [^,}\s]+", r"\1_interval: 1s", configuration)
        assert intervals in (1, 2), configuration
        with open(path, "w") as out:
            out.write(configuration)
        self.log = open(self.folder + "/log", "w")
        self.address = "http://127.0.0.1:%d" % free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=" + self.folder + "/prometheus.yml", "--storage.tsdb.path=" + self.folder + "/data", "--web.listen-address=" + self.address[7:],
             "--rules.alert.resend-delay=2s", "--log.level=warn"] + self.features, stdout=self.log, stderr=self.log, cwd=self.folder)

    def __enter__(self):
        try:
            wait_for("Prometheus to be ready", self.ready, 120, 0.1)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        self.log.close()

    def stop(self):
        stop(self.process)

    def restart(self):
        self.stop()
        self.start()
        wait_for("Prometheus to be ready", self.ready, 120, 0.1)

    def ready(self):
        assert self.process.poll() is None, "Prometheus ended: " + open(self.folder + "/log").read()
        try:
            with urllib.request.urlopen(self.address + "/-/ready", timeout=60) as answer:
                return answer.status == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        try:
            with urllib.request.urlopen(self.address + "/api/v1/" + path + "?" + urllib.parse.urlencode(parameters), timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError("%s %s: %s" % (path, parameters, error.read().decode()))

    def query(self, expression):
        return [(each["metric"], float(each["value"][1])) for each in self.api("query", query=expression)["result"]]

    def value(self, expression):
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else None

    def firing(self, name):
        return [each for each in self.api("alerts")["alerts"] if each["labels"]["alertname"] == name and each["state"] == "firing"]

    def rules(self):
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]
