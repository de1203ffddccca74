# SPDX-License-Identifier: Apache-2.0
"""`mete advise`: of a recorded day what a hand computes, of a running agent what its containers use, kept over its end."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, Agent, run_tests, wait_for  # noqa: E402
from pods import SLEEP, container, pod  # noqa: E402

MiB = 1 << 20

POD = pod("web", "while :; do :; done", "resources: {requests: {cpu: 20m, memory: 256Mi}, limits: {cpu: 20m, memory: 256Mi}}", main="busy",
          more=container("idle", SLEEP, "resources: {limits: {memory: 64Mi}}"))


def recorded_day():
    """21 hours at 0.1 cores, then 3 hours in which 0.4 are wanted and 0.3 given; the last line is an OOM kill at 400 MiB."""
    lines = ["# seconds,cores,throttled cores,bytes,OOM kills"]
    for minute in range(1, 1441):
        busy = minute > 21 * 60
        lines.append("%d,%s,%s,%d,0" % (1700000000 + minute * 60, 0.3 if busy else 0.1, 0.1 if busy else 0, (200 if busy else 120) * MiB))
    return lines


def advise(text, *more):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("\n".join(text) + "\n")
        file.flush()
        return subprocess.run([BIN + "/mete", "advise", "--recording", file.name, *more], capture_output=True, text=True)


def test_a_recorded_day_gives_what_a_hand_computes():
    # The last 3 hours hold 2 - 2^(21/24) = 16.6 % of the weight that decays by half a day: p50 is in the bucket of 0.1
    # cores, p90 and p95 in that of 0.4. Buckets end at 0.01 * (1.05^n - 1) / 0.05 cores: n = 9 at 0.110266, n = 23 at
    # 0.414305. One peak of memory a day, 200 MiB, in the bucket that ends at 205.79 MiB. All of it 15 % more.
    done = advise(recorded_day(), "-o", "json")
    [found] = json.loads(done.stdout)["containers"]
    assert found["milliCpu"] == {"request": 477, "limit": 477, "lower": 127, "upper": 953}, found
    assert found["memoryBytes"]["request"] == 237 * MiB == found["memoryBytes"]["limit"], found
    evidence = found["evidence"]
    assert evidence["samples"] == 1440 and round(evidence["days"], 3) == 1
    assert round(evidence["throttledSeconds"]) == 1080 == round(evidence["throttledSecondsAvoided"]), evidence
    # Other parameters, other answers.
    [found] = json.loads(advise(recorded_day(), "-o", "json", "--target", "0.5", "--upper", "0.5", "--margin", "0").stdout)["containers"]
    assert found["milliCpu"]["request"] == 111 and found["evidence"]["throttledSecondsAvoided"] == 0, found
    assert found["memoryBytes"]["request"] == 206 * MiB, found
    text = advise(recorded_day()).stdout
    assert "477m" in text and "237Mi" in text and "1080.0 s, of which the advised limit would have avoided 1080.0 s" in text, text
    assert "p90" in text and "margin 15%" in text, text


def test_a_recording_that_is_none_is_refused_by_line():
    for line, said in [("1700000060,0.1,0,1000", ":2: found \"1700000060,0.1,0,1000\""), ("a,b,c,d,e", ":2: found"), ("1700000060,0.1,0,1000,0,7", ":2: found"),
                       ("1700000060,-0.1,0,1000,0", ":2: found"), ("1700000060,nan,0,1000,0", ":2: found"), ("99999999999,0.1,0,1000,0", "found time")]:
        done = advise(["# head", line])
        assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1, (line, done)
    twice = advise(["1700000060,0.1,0,1000,0"] * 2)
    assert twice.returncode == 1 and ":2: found time 1700000060, expected one after" in twice.stderr, twice
    empty = advise([])
    assert empty.returncode == 4 and "found no sample" in empty.stderr, empty
    assert advise(recorded_day(), "-o", "yaml").returncode == 2


def test_of_running_containers_and_kept_over_the_agents_end():
    with Agent() as agent:
        agent.start("--usage-interval", "1")
        assert agent.mete("advise", check=False).returncode == 4
        agent.apply(POD)

        def known():
            done = agent.mete("advise", "-o", "json", check=False)
            found = {each["container"]: each for each in json.loads(done.stdout)["containers"]} if done.returncode == 0 else {}
            return found if len(found) == 2 and all(each["evidence"]["samples"] >= 6 for each in found.values()) else None
        # It is held to a fiftieth of a core, and waits for the rest of it: so little that it is held on a busy machine, too.
        found = wait_for("six samples of both, in which one wants a core", lambda: 800 < known()["default/web/busy"]["milliCpu"]["request"] and known(), 180, 0.3)
        busy, idle = found["default/web/busy"], found["default/web/idle"]
        assert 800 < busy["milliCpu"]["request"] < 1600, busy
        assert busy["evidence"]["throttledSeconds"] > 1 and busy["milliCpuFreed"] < 0 < busy["memoryBytesFreed"], busy
        assert idle["milliCpu"]["request"] == 12 and idle["memoryBytes"]["request"] == 16 * MiB and "milliCpuFreed" not in idle, idle
        patch = agent.mete("advise", "web", "-o", "yaml").stdout
        assert "metadata: {name: web, namespace: default}" in patch and "  - name: busy\n    resources:\n      requests: {cpu: " in patch, patch
        assert patch.count("limits: {") == 2 and "limits: {memory: 16Mi}" in patch, patch
        one = agent.mete("advise", "default/web/idle").stdout
        assert one.startswith("Container default/web/idle: ") and "Note: less than a day of history" in one, one
        assert agent.mete("advise").stdout.count("default/web/") == 2
        assert agent.mete("advise", "other", check=False).returncode == 4
        agent.stop()
        # Of no agent: what it has kept.
        kept = {each["container"]: each for each in json.loads(agent.mete("advise", "-o", "json").stdout)["containers"]}
        assert kept["default/web/busy"]["evidence"]["samples"] >= busy["evidence"]["samples"], kept
        # The next one goes on; what it cannot read it says, and begins anew.
        with open(agent.state + "/usage/default_web_idle.json", "w") as file:
            file.write("{")
        agent.start("--usage-interval", "1")
        assert any("default_web_idle.json" in each["message"] for each in agent.events("UsageUnreadable")), agent.events()
        more = kept["default/web/busy"]["evidence"]["samples"]
        wait_for("it to go on", lambda: known() and known()["default/web/busy"]["evidence"]["samples"] > more)
        assert sorted(os.listdir(agent.state + "/usage")) == ["default_web_busy.json", "default_web_idle.json"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
