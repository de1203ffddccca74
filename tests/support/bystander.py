# SPDX-License-Identifier: Apache-2.0
"""A pod beside a test's attempts, which must not notice any of them."""
import contextlib
import os
import subprocess

from mete_agent import Agent, stays, wait_for, write
from pods import pod


class Bystander:
    def __init__(self, agent):
        self.agent = agent
        write(agent.manifests + "/bystander.yaml", pod("bystander"))
        self.first = wait_for("the bystander to run", self.look)

    def look(self):
        container = self.agent.container("bystander")
        return container and container["state"] == "running" and {key: container[key] for key in ("pid", "restarts", "startedAt", "cgroup")}

    def check(self, others=()):
        """It runs as before, and there are no pods but it and these."""
        now = self.look()
        assert now == self.first, "the other pod was touched: %s, before %s" % (now, self.first)
        os.kill(now["pid"], 0)
        names = sorted(each["name"] for each in self.agent.pods())
        assert names == sorted(["bystander", *others]), names

    def stays(self, seconds, others=()):
        """What was attempted has no late effect on it."""
        stays("the other pod is untouched", lambda: self.look() == self.first, seconds)
        self.check(others)


@contextlib.contextmanager
def agent_with_bystander(*more):
    with Agent() as agent:
        agent.start(*more)
        yield agent, Bystander(agent)


def messages(agent, reason=None):
    return [each["message"] for each in agent.events(reason)]


def as_nobody(command):
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command], capture_output=True, text=True, timeout=60)
