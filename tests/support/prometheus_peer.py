# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus with the files of dashboards/, on an agent."""
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from mete_agent import SOURCE, free_port, skip, wait_for

DASHBOARDS = SOURCE + "/dashboards"


def need(*programs):
    for each in programs:
        if shutil.which(each) is None:
            skip("needs %s of Debian's package prometheus" % each)


class Prometheus:
    """With its own data folder and port; scrapes and evaluates every second, so that the alerts' own times are what is waited for."""

    def __init__(self, agent, configuration=None):
        """`configuration`: in place of the one of dashboards/ on this agent."""
        need("prometheus")
        self.folder = agent.work + "/prometheus"
        shutil.copytree(DASHBOARDS + "/prometheus", self.folder)
        path = self.folder + "/prometheus.yml"
        if configuration is None:
            with open(path) as file:
                configuration, targets = re.subn(r"127\.0\.0\.1:9753", agent.address, file.read())
            assert targets == 1, configuration
        configuration, intervals = re.subn(r"(scrape|evaluation)_interval: [^,}\s]+", r"\1_interval: 1s", configuration)
        assert intervals in (1, 2), configuration
        with open(path, "w") as out:
            out.write(configuration)
        self.log = open(self.folder + "/log", "w")
        self.address = "http://127.0.0.1:%d" % free_port()
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=" + path, "--storage.tsdb.path=" + self.folder + "/data", "--web.listen-address=" + self.address[7:],
             "--log.level=warn"], stdout=self.log, stderr=self.log, cwd=self.folder)

    def __enter__(self):
        try:
            wait_for("Prometheus to be ready", self.ready, 120, 0.1)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

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
