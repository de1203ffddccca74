# SPDX-License-Identifier: Apache-2.0
"""Docker's own command line against the agent's socket."""
import os
import shutil
import subprocess

from mete_agent import Agent

DOCKER = shutil.which("docker")


class Client:
    """`code`: that it has to end with; None: any."""

    def __init__(self, agent):
        self.env = {**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_HOST": "unix://%s/docker.sock" % agent.run, "DOCKER_CONFIG": agent.work + "/docker-config"}

    def run(self, *words, code=0, text=None):
        done = subprocess.run([DOCKER, *words], env=self.env, input=text, capture_output=True, text=True, timeout=120)
        assert code is None or done.returncode == code, "docker %s: exit %d, expected %d\n%s%s" % (" ".join(words), done.returncode, code, done.stdout, done.stderr)
        return done

    def say(self, *words, **more):
        return self.run(*words, **more).stdout.strip()


def with_client(network):
    """A test of an agent and a client of it. The agent has networks or not."""
    def wrap(test):
        def run():
            with Agent() as agent:
                agent.start(*(("--network", "bridge") if network else ()))
                test(agent, Client(agent))
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run
    return wrap
