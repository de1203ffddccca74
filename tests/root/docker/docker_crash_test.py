# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent while docker's clients work: each client gets one error at once, what was answered holds, containers go on, and
nothing is lost or there twice. METE_KILLS says how many; METE_SEED repeats the moments of a run."""
import http.client
import os
import random
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount, chance  # noqa: E402
from docker_api import Connection, Docker, streams  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from waiting import SLOW  # noqa: E402

WORKERS = 4
COUNTING = "i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done"
BROKEN = OSError, http.client.HTTPException, AssertionError  # AssertionError: of docker_api, where a stream ends in its head


class Worker(threading.Thread):
    """A client that makes containers, runs commands in them and removes them. `there`, `gone`: what it was answered; `open`: it was
    cut off in the middle, and either is right."""

    def __init__(self, docker, number, seed):
        super().__init__(daemon=True)
        self.docker, self.number, self.chance = docker, number, random.Random(seed)
        self.there, self.gone, self.open = set(), set(), set()
        self.made = self.answered = self.cut_off = 0
        self.slowest = 0.0
        self.faults = []
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            begin = time.monotonic()
            try:
                self.step()
                self.answered += 1
            except BROKEN as error:
                self.cut_off += 1
                if isinstance(error, TimeoutError):
                    self.faults.append("no answer and no error: %s" % error)
                time.sleep(0.01)
            self.slowest = max(self.slowest, time.monotonic() - begin)

    def ask(self, method, path, expect, body=None, **query):
        answer = self.docker.ask(method, path, body, **query)
        if answer.status not in expect:
            self.faults.append("%s %s: %d %s" % (method, path, answer.status, answer.body))
        return answer

    def step(self):
        kind = self.chance.random()
        if kind < 0.3 or not self.there:
            name = "w%d-%d" % (self.number, self.made)
            self.made += 1
            self.open.add(name)
            body = {"Image": "busybox", "Cmd": ["sleep", "100000"], "HostConfig": {}}
            self.ask("POST", "/containers/create", (201,), body, name=name)
            self.settle(name, self.there)
            return
        name = self.chance.choice(sorted(self.there))
        path = "/containers/" + name
        if kind < 0.5:
            self.ask("POST", path + "/start", (204, 304))
        elif kind < 0.7:
            if self.ask("GET", path + "/json", (200,)).json()["State"]["Running"]:
                found = self.docker.execute(name, "echo", "x" * 1000)
                if found != (0, "x" * 1000 + "\n", ""):
                    self.faults.append("exec in %s: %s" % (name, found))
        elif kind < 0.8:
            self.ask("POST", path + "/stop", (204, 304), t=0)
        else:
            self.there.discard(name)
            self.open.add(name)
            self.ask("DELETE", path, (204,), force=1)
            self.settle(name, self.gone)

    def settle(self, name, place):
        self.open.discard(name)
        place.add(name)


class Follower(threading.Thread):
    """Follows what a container writes: each stream ends when its agent does, and the next one goes on where it was."""

    def __init__(self, docker, name):
        super().__init__(daemon=True)
        self.docker, self.name, self.over = docker, name, threading.Event()
        self.ends = 0

    def run(self):
        while not self.over.is_set():
            try:
                connection = Connection(self.docker.socket)
                connection.request("GET", self.docker.target("/containers/%s/logs" % self.name, {"stdout": 1, "follow": 1, "tail": 1}))
                response = connection.getresponse()
                while response.read1(65536):
                    pass
            except BROKEN:
                pass
            self.ends += 1
            time.sleep(0.01)


def numbers(docker, name):
    out, _ = streams(docker.ask("GET", "/containers/%s/logs" % name, stdout=1).body)
    return [int(line) for line in out.split()]


def check(docker, workers):
    rows = docker.get("/containers/json", all=1)
    names = [each["Names"][0][1:] for each in rows]
    assert len(set(names)) == len(names), sorted(names)
    for worker in workers:
        own = {each for each in names if each.startswith("w%d-" % worker.number)}
        assert worker.there <= own, "lost: %s" % sorted(worker.there - own)
        assert not worker.gone & own, "there again: %s" % sorted(worker.gone & own)
        assert own <= worker.there | worker.open, "nobody made: %s" % sorted(own - worker.there - worker.open)


def test_clients_lose_nothing_when_the_agent_is_killed():
    kills, moments = amount("KILLS", short=20, long=1000), chance()
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("counting", ["sh", "-c", COUNTING])
        docker.run("again", ["sleep", "100000"], {"RestartPolicy": {"Name": "always"}})
        kept = {name: docker.state(name)["Pid"] for name in ("counting", "again")}
        workers = [Worker(docker, number, moments.random()) for number in range(WORKERS)]
        follower = Follower(docker, "counting")
        for each in (*workers, follower):
            each.start()
        for _ in range(kills):
            time.sleep(moments.random() * moments.choice([0.05, 0.3]))
            agent.kill()
            agent.start()
            states = {name: docker.state(name) for name in kept}
            assert {name: each["Pid"] for name, each in states.items()} == kept, states
        for each in (*workers, follower):
            each.over.set()
        for each in workers:
            each.join(120 * SLOW)
            assert not each.is_alive() and not each.faults, each.faults
        answered, cut_off = (sum(getattr(each, what) for each in workers) for what in ("answered", "cut_off"))
        print("     %d kills: %d requests answered, %d cut off, the slowest %.1f s" % (kills, answered, cut_off, max(each.slowest for each in workers)), flush=True)
        assert answered > kills and cut_off > kills / 4, (answered, cut_off)
        check(docker, workers)
        agent.kill()
        agent.start()
        check(docker, workers)
        said = numbers(docker, "counting")
        assert said == list(range(said[0], said[0] + len(said))) and said[0] == 1, said[:20]
        assert follower.ends >= kills / 2, follower.ends
        for each in docker.get("/containers/json", all=1):
            assert docker.remove(each["Id"], force=1).status == 204
        wait_for("nothing to be left", lambda: agent.pod_cgroups() == [] and not agent.processes())
        assert agent.mounts() == [] and os.listdir(agent.state + "/pods") == [], (agent.mounts(), os.listdir(agent.state + "/pods"))
        assert [each for each in os.listdir(agent.state + "/docker") if each.endswith(".json")] == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
