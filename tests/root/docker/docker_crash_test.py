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
from docker_api import Connection, Docker, rest, streams  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from waiting import SLOW  # noqa: E402

WORKERS = 4
HELD = 8  # most containers of a worker: what an agent has to take over does not grow with the kills
COUNTING = "i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done"
BROKEN = OSError, http.client.HTTPException
SAID = "x" * 1000


class Held:
    """A container of a worker: its ID, and whether it runs. None: a start or a stop was cut off, and either is right."""

    def __init__(self, made):
        self.id, self.runs = made, False


class Worker(threading.Thread):
    """A client that makes containers, runs commands in them and removes them. `there`, `gone`: what it was answered; `open`: from what
    it was cut off in the middle: it goes back there first."""

    def __init__(self, docker, number, seed, deaths):
        super().__init__(daemon=True)
        self.docker, self.number, self.chance, self.deaths = docker, number, random.Random(seed), deaths
        self.there, self.gone, self.open = {}, set(), {}
        self.made = self.answered = self.cut_off = self.went_back = 0
        self.slowest = 0.0
        self.faults = []
        self.over = threading.Event()

    def run(self):
        while not self.faults and (self.open or not self.over.is_set()):
            begin = time.monotonic()
            try:
                if self.open:
                    self.go_back(*next(iter(self.open.items())))
                else:
                    self.step()
                self.answered += 1
            except BROKEN as error:
                self.cut_off += 1
                if isinstance(error, TimeoutError):
                    self.faults.append("no answer and no error: %s" % error)
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001 - an answer that is not lawful, or none that can be read
                self.faults.append("%s: %s" % (type(error).__name__, error))
            self.slowest = max(self.slowest, time.monotonic() - begin)

    def ask(self, method, path, expect, body=None, **query):
        answer = self.docker.ask(method, path, body, **query)
        assert answer.status in expect, "%s %s: %d %s, expected %s" % (method, path, answer.status, answer.body, expect)
        return answer

    def step(self):
        kind = self.chance.random()
        if not self.there or (kind < 0.3 and len(self.there) < HELD):
            name = "w%d-%d" % (self.number, self.made)
            self.made += 1
            self.open[name] = "create"
            self.there[name] = Held(self.create(name, (201,)).json()["Id"])
            del self.open[name]
            return
        name = self.chance.choice(sorted(self.there))
        if kind < 0.5:
            self.turn(name, "start", True)
        elif kind < 0.7:
            self.look(name)
            if self.there[name].runs:  # one whose stop was cut off may end at any moment
                self.execute(name)
        elif kind < 0.8:
            self.turn(name, "stop", False, t=0)
        else:
            del self.there[name]
            self.remove(name, (204,))

    def go_back(self, name, what):
        """Either it was done or it was not, the engine says which, and from then on it is so."""
        if what == "create" and self.chance.random() < 0.5:
            self.create(name, (201, 409))  # once more: it is made now, or its name is taken
            self.remove(name, (204,))
        elif self.ask("GET", "/containers/%s/json" % name, (200, 404)).status == 404:
            self.settle(name)
        else:
            # The removal that was cut off may be under way again, by the agent that took it over, or be done meanwhile.
            self.remove(name, (204,) if what == "create" else (204, 404, 409))
        self.went_back += 1

    def settle(self, name):
        del self.open[name]
        self.gone.add(name)

    def create(self, name, expect):
        body = {"Image": "busybox", "Cmd": ["sleep", "100000"], "HostConfig": {}}
        return self.ask("POST", "/containers/create", expect, body, name=name)

    def remove(self, name, expect):
        self.open[name] = "remove"
        answer = self.ask("DELETE", "/containers/" + name, expect, force=1)
        if answer.status != 409:
            self.settle(name)
        else:
            assert "already in progress" in answer.message, answer.body

    def turn(self, name, verb, runs, **query):
        held = self.there[name]
        before, held.runs = held.runs, None
        expect = (204, 304) if before is None else (304,) if before == runs else (204,)
        self.ask("POST", "/containers/%s/%s" % (name, verb), expect, **query)
        held.runs = runs

    def look(self, name):
        held, found = self.there[name], self.ask("GET", "/containers/%s/json" % name, (200,)).json()
        assert found["Id"] == held.id, "%s is another one: %s, expected %s" % (name, found["Id"], held.id)
        assert held.runs in (None, found["State"]["Running"]), "%s: expected that it runs: %s, found %s" % (name, held.runs, found["State"])

    def execute(self, name):
        deaths = self.deaths()
        body = {"Cmd": ["echo", SAID], "AttachStdout": True, "AttachStderr": True}
        made = self.ask("POST", "/containers/%s/exec" % name, (201,), body).json()["Id"]
        raw, head = self.docker.stream("/exec/%s/start" % made, {"Detach": False, "Tty": False})
        with raw:
            said = rest(raw)
        ended = self.docker.ask("GET", "/exec/%s/json" % made)
        # A command's stream ends with its agent, and the next one does not know the command. Odd: it was just being killed.
        if deaths % 2 == 1 or deaths != self.deaths():
            raise ConnectionError("the agent of %s was killed" % made)
        assert head.startswith("HTTP/1.1 101 ") and ended.status == 200, (head, said, ended.status, ended.body)
        found = ended.json()["ExitCode"], *streams(said)
        assert found == (0, SAID + "\n", ""), "exec in %s: %s" % (name, found)


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
        own = {name: row for name, row in zip(names, rows) if name.startswith("w%d-" % worker.number)}
        assert not worker.open, "nobody went back: %s" % worker.open
        assert worker.there.keys() <= own.keys(), "lost: %s" % sorted(worker.there.keys() - own.keys())
        assert not worker.gone & own.keys(), "there again: %s" % sorted(worker.gone & own.keys())
        assert own.keys() <= worker.there.keys(), "nobody made: %s" % sorted(own.keys() - worker.there.keys())
        for name, held in worker.there.items():
            assert own[name]["Id"] == held.id, (name, own[name], held.id)
            assert held.runs in (None, own[name]["State"] == "running"), (name, held.runs, own[name])


def test_clients_lose_nothing_when_the_agent_is_killed():
    kills, moments = amount("KILLS", short=20, long=1000), chance()
    deaths = []  # two for each kill: before and after it
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("counting", ["sh", "-c", COUNTING])
        docker.run("again", ["sleep", "100000"], {"RestartPolicy": {"Name": "always"}})
        kept = {name: docker.state(name)["Pid"] for name in ("counting", "again")}
        workers = [Worker(docker, number, moments.random(), lambda: len(deaths)) for number in range(WORKERS)]
        follower = Follower(docker, "counting")
        begin = time.monotonic()
        for each in (*workers, follower):
            each.start()
        for number in range(kills):
            time.sleep(moments.random() * moments.choice([0.05, 0.3]))
            deaths.append(number)
            agent.kill()
            deaths.append(number)
            agent.start()
            states = {name: docker.state(name) for name in kept}
            assert {name: each["Pid"] for name, each in states.items()} == kept, states
            for each in workers:
                assert not each.faults, each.faults
            if (number + 1) % 100 == 0:
                print("     %d kills in %.0f s, %d containers" % (number + 1, time.monotonic() - begin, len(docker.get("/containers/json", all=1))), flush=True)
        for each in (*workers, follower):
            each.over.set()
        for each in workers:
            each.join(120 * SLOW)
            assert not each.is_alive() and not each.faults, each.faults
        answered, cut_off, back = (sum(getattr(each, what) for each in workers) for what in ("answered", "cut_off", "went_back"))
        print("     %d kills: %d requests answered, %d cut off, %d gone back to, the slowest %.1f s"
              % (kills, answered, cut_off, back, max(each.slowest for each in workers)), flush=True)
        assert answered > kills and cut_off > kills / 4 and back > kills / 20, (answered, cut_off, back)
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
