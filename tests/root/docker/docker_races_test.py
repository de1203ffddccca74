# SPDX-License-Identifier: Apache-2.0
"""Clients that start and stop one container while its start is under way, which an OCI runtime of the test's own makes as long as the test
wants: each gets one answer, and what it says holds. Also when the agent that began the start is killed in the middle of it."""
import os
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import BIN, Agent, run_tests, stays, wait_for, with_config  # noqa: E402
from other_runtimes import write_program  # noqa: E402
from waiting import SLOW  # noqa: E402

# Says that it was called to create, and waits for the word to go on.
SLOWLY = """#!/bin/sh
case " $* " in *" create "*)
  echo >> {0}/called
  while [ ! -e {0}/go ]; do sleep 0.02; done;;
esac
exec {1}/mete-oci "$@"
"""


class Slow:
    """An agent with a container "web", created, whose start takes until go()."""

    def __init__(self):
        self.agent = Agent()
        write_program(self.agent.work + "/slow", SLOWLY.format(self.agent.work, BIN))
        self.options = with_config(self.agent, "runtimes: [{name: slow, path: %s/slow}]\n" % self.agent.work)

    def __enter__(self):
        self.agent.__enter__()
        self.agent.start(*self.options)
        self.docker = Docker(self.agent)
        self.docker.create("web", ["sleep", "100000"], {"Runtime": "slow"})
        return self

    def __exit__(self, *error):
        self.go()
        self.agent.__exit__(*error)

    def go(self):
        open(self.agent.work + "/go", "w").close()

    def ask(self, verb, **query):
        return Asked(lambda: self.docker.ask("POST", "/containers/web/" + verb, **query))

    def starting(self):
        asked = self.ask("start")
        wait_for("the runtime to be called", lambda: os.path.exists(self.agent.work + "/called"))
        return asked

    def running(self):
        return self.docker.state("web")["Running"]


class Asked(threading.Thread):
    """A request that is under way."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask, self.answer = ask, None
        self.start()

    def run(self):
        try:
            self.answer = self.ask().status
        except OSError as error:
            self.answer = type(error).__name__

    def end(self):
        self.join(30 * SLOW)
        assert not self.is_alive(), "no answer"
        return self.answer


def test_all_who_start_it_are_answered_when_it_runs():
    with Slow() as slow:
        asked = [slow.starting(), slow.ask("start"), slow.ask("start")]
        stays("nobody to be answered", lambda: all(each.answer is None for each in asked), 0.3)
        slow.go()
        assert [each.end() for each in asked] == [204] * 3, asked
        assert slow.running() and slow.docker.ask("POST", "/containers/web/start").status == 304


def test_a_stop_holds_while_the_start_is_under_way():
    with Slow() as slow:
        start, stop = slow.starting(), slow.ask("stop", t=0)
        wait_for("it to be told", lambda: "Stopping" in slow.agent.log_text())
        slow.go()
        assert stop.end() == 204
        assert start.end() in (204, 409)  # it ran for a moment, or it did not
        stays("it not to run", lambda: not slow.running(), 0.5)
        assert slow.docker.ask("POST", "/containers/web/start").status == 204 and slow.running()


def test_a_start_that_an_agent_was_killed_in():
    for verb, expect in (("stop", 204), ("start", 204)):
        with Slow() as slow:
            cut_off = slow.starting()
            slow.agent.kill()
            assert isinstance(cut_off.end(), str), cut_off.answer
            slow.agent.start(*slow.options)
            asked = slow.ask(verb, **({"t": 0} if verb == "stop" else {}))
            stays("it not to be answered", lambda: asked.answer is None, 0.2)  # noqa: B023
            slow.go()
            assert asked.end() == expect, (verb, asked.answer)
            wait_for("what was answered", lambda: slow.running() == (verb == "start"))  # noqa: B023
            stays("what was answered", lambda: slow.running() == (verb == "start"), 0.5)  # noqa: B023


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
