# SPDX-License-Identifier: Apache-2.0
"""A container with the label autoheal=true is restarted when its healthcheck makes it unhealthy; another one is left alone."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

# The first life falls ill when it is told, the second one is well: the file is in its layer, and says which it is.
LIFE = "echo life >> /lives; exec sleep 1000"
CHECK = "test ! -e /ill || test $(wc -l < /lives) -gt 1"
HEALTH = ("--health-cmd", CHECK, "--health-interval", "100ms", "--health-retries", "2")


def begin(agent, name, *flags):
    agent.mete("run", "-d", "--name", name, *HEALTH, *flags, "busybox", "sh", "-c", LIFE)
    docker = Docker(agent)
    wait_for("it to be healthy", lambda: docker.state(name)["Health"]["Status"] == "healthy")
    return docker


def test_it_is_restarted_with_an_event_and_a_line_in_the_log():
    with Agent().start() as agent:
        docker = begin(agent, "cared", "--label", "autoheal=true", "--stop-timeout", "0")
        begin(agent, "other", "--label", "autoheal=false")
        first = docker.state("cared")["Pid"]
        for name in ("cared", "other"):
            agent.mete("exec", name, "touch", "/ill")
        wait_for("a new life that is well", lambda: docker.state("cared")["Pid"] not in (0, first) and docker.state("cared")["Health"]["Status"] == "healthy")
        said = [each["message"] for each in agent.events("Unhealthy") if each["pod"] == "docker/cared"]
        assert said == ["Container cared is unhealthy and is restarted, as its label autoheal=true asks for"], said
        assert said[0] in agent.log_text()
        wait_for("the other to be unhealthy", lambda: docker.state("other")["Health"]["Status"] == "unhealthy")
        assert agent.mete("exec", "cared", "cat", "/lives").stdout == "life\nlife\n"
        assert agent.mete("exec", "other", "cat", "/lives").stdout == "life\n" and not [each for each in agent.events("Unhealthy") if each["pod"] == "docker/other"]
        # An agent that starts anew does it, too: the healthcheck begins again.
        agent.kill()
        agent.start()
        agent.mete("exec", "cared", "sh", "-c", "echo life > /lives")
        second = docker.state("cared")["Pid"]
        wait_for("a third life", lambda: docker.state("cared")["Pid"] not in (0, second))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
