# SPDX-License-Identifier: Apache-2.0
"""When the machine itself runs out of memory, containers go by priority, then by usage above request, then by size. The
machine is left alone: so much is reserved here that 3 GiB of one container are more than there is left."""
import json
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import MiB  # noqa: E402
from hog import read_for_ever  # noqa: E402
from mete_agent import Agent, need_disk, run_tests, skip, stays, wait_for, with_config  # noqa: E402
from pods import SLEEP, documents, launch, pod, wait_exited, wait_running  # noqa: E402

# That many MiB in one piece, kept.
EAT = "exec dd if=/dev/zero of=/dev/null bs=%dM count=1000000 iflag=fullblock"


def ranked(name, priority=0, command=SLEEP, request="8Mi", limit="4Gi"):
    return pod(name, command, "resources: {requests: {memory: %s}, limits: {memory: %s}}" % (request, limit), "priority: %d" % priority, restart="Never")


def available():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable:"))


def reserve_all_but(agent, mebibytes, more=""):
    left = available() - mebibytes * MiB
    if left < 3072 * MiB:
        skip("needs 5 GiB of memory that nobody uses")
    return with_config(agent, "machine:\n  reserve: {memory: %d}\n  outOfMemory: {do: kill-container%s}\n" % (left, more))


def states(agent, *names):
    return [agent.container(name)["state"] for name in names]


def test_the_lowest_priority_goes_first_and_the_record_says_why():
    with Agent() as agent:
        agent.start(*reserve_all_but(agent, 1500, ", protect: [default/named]"))
        agent.apply(documents(ranked("low", -5, EAT % 60), ranked("named", -100, EAT % 60), ranked("critical", 2000000000, EAT % 60), ranked("high", 10)))
        wait_running(agent, "low", "named", "critical", "high")
        time.sleep(0.5)
        assert not agent.events("MachineOutOfMemory")
        agent.apply(ranked("hog", 5, EAT % 3000))
        first = wait_for("somebody to go", lambda: agent.events("MachineOutOfMemory"))[0]
        assert first["pod"] == "default/low", first
        assert "reserved for the system" in first["message"] and "of default/low is the first to go (priority -5, uses" in first["message"], first
        # It was not enough: the next is the one that uses it all, though `high` is smaller.
        wait_exited(agent, "hog")
        assert [each["pod"] for each in agent.events("MachineOutOfMemory")] == ["default/low", "default/hog"]
        stays("the others", lambda: states(agent, "low", "named", "critical", "high") == ["exited", "running", "running", "running"], 1)
        assert agent.container("hog")["last"]["reason"] == "MachineOutOfMemory" and agent.container("hog")["oomKills"] == 0, agent.container("hog")
        record = json.loads(agent.mete("oom", "show", first["fields"]["record"], "-o", "json").stdout)
        assert record["scope"] == "host" and record["action"] == "kill-container" and record["rule"].startswith("machine.reserve.memory: "), record
        names = [each["name"].rsplit("/", 1)[-1] for each in record["candidates"]]
        assert names[:3] == ["low", "hog", "high"] and set(names[3:]) == {"named", "critical"}, record["candidates"]
        assert [each["chosen"] for each in record["candidates"]] == [True] + [False] * 4
        reasons = {each["name"].rsplit("/", 1)[-1]: each["reason"] for each in record["candidates"]}
        assert reasons["named"] == "protected: machine.outOfMemory.protect names default/named" and reasons["critical"] == "protected: its priority is critical", reasons
        assert agent.metric("mete_enforcement_actions_total", enforcer="machine", action="kill-container", outcome="done") == 2
        text = agent.mete("oom", "show", first["fields"]["record"]).stdout
        assert "Candidates\n* container main of default/low" in text, text


def test_among_equals_who_uses_more_than_it_asked_for():
    with Agent() as agent:
        agent.start(*reserve_all_but(agent, 1500))
        launch(agent, documents(ranked("asked", 0, EAT % 400, "500Mi"), ranked("more", 0, EAT % 100, "8Mi")), "asked", "more")
        wait_for("their memory", lambda: agent.container("asked")["usage"]["memoryBytes"] > 400 * MiB)
        agent.apply(ranked("hog", 5, EAT % 2800))
        first = wait_for("somebody to go", lambda: agent.events("MachineOutOfMemory"))[0]
        assert first["pod"] == "default/more", first


def test_report_only_and_nobody_left():
    with Agent() as agent:
        agent.start(*with_config(agent, "machine:\n  reserve: {memory: 10Ti, cpu: 500m}\n  outOfMemory: {do: report}\n"))
        nobody = wait_for("the report", lambda: agent.events("MachineOutOfMemory"))[0]
        assert "there is no container that may be ended" in nobody["message"], nobody
        agent.stop()
        agent.start(*with_config(agent, "machine:\n  reserve: {memory: 10Ti, cpu: 500m}\n  outOfMemory: {do: report}\n"))
        launch(agent, ranked("web"), "web")
        event = wait_for("the report", lambda: [each for each in agent.events("MachineOutOfMemory") if each.get("pod")])[0]
        assert event["fields"]["outcome"] == "dry-run" and states(agent, "web") == ["running"], event
        if os.path.isdir("/sys/fs/cgroup/cpu"):
            shares = int(open("/sys/fs/cgroup/cpu%s/cpu.shares" % agent.parent).read())
            assert shares == (os.cpu_count() * 1000 - 500) * 1024 // 1000, shares


def test_pressure_ends_one_and_not_one_after_the_other():
    with Agent() as agent:
        need_disk(agent.work)
        agent.start(*with_config(agent, "machine:\n  outOfMemory: {pressure: {some: 10%, for: 2s}, do: kill-container}\n"))
        # It reads a file that is larger than its limit again and again, twice at once.
        agent.apply(documents(ranked("thrasher", -5, read_for_ever(120, twice=True), limit="64Mi"), ranked("first"), ranked("second"), ranked("third")))
        wait_running(agent, "first", "second", "third")
        event = wait_for("somebody to go", lambda: agent.events("MachineOutOfMemory"))[0]
        assert event["pod"] == "default/thrasher" and "memory pressure of the machine (some) is at least 10%" in event["message"], event
        wait_exited(agent, "thrasher")
        stays("the others", lambda: states(agent, "first", "second", "third") == ["running"] * 3, 4)
        assert len(agent.events("MachineOutOfMemory")) == 1, agent.events("MachineOutOfMemory")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
