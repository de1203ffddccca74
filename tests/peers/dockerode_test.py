# SPDX-License-Identifier: Apache-2.0
"""npm's dockerode, which most programs for node speak to docker by, against the agent's socket: dockerode/client.js says what is done."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, skip, skip_case, work_folder  # noqa: E402
from registries import DockerRegistry  # noqa: E402

SOURCE = os.path.dirname(os.path.realpath(__file__)) + "/dockerode"
STEPS = ["lists", "attach", "terminal", "run", "exec", "stats", "events", "build", "pull", "files", "volumes"]
INSTALLED = []


def installed():
    """A folder with the client and what it needs, in the versions of its lock file. Nothing of a package is executed by npm."""
    if not INSTALLED:
        folder = work_folder("mete-dockerode-") + "/client"
        shutil.copytree(SOURCE, folder)
        done = subprocess.run(["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            skip_case("needs npm's registry: " + (done.stderr.strip() or "npm failed").splitlines()[0])
        INSTALLED.append(folder)
    return INSTALLED[0]


def test_what_programs_do_with_dockerode():
    folder = installed()
    own_network.enter()  # after npm, which needs the machine's
    try:
        with DockerRegistry() as registry, Agent() as agent:
            agent.start("--network", "none")
            done = subprocess.run(["node", "client.js", agent.run + "/docker.sock", registry.host], cwd=folder, capture_output=True, text=True, timeout=240)
            assert done.returncode == 0 and done.stdout.split() == STEPS, done.stdout + done.stderr
    finally:
        shutil.rmtree(os.path.dirname(folder))


if __name__ == "__main__":
    for program in ("node", "npm", "docker-registry"):
        if shutil.which(program) is None:
            skip("needs %s (Debian's nodejs, npm and docker-registry)" % program)
    run_tests(sys.modules[__name__])
