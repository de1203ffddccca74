# SPDX-License-Identifier: Apache-2.0
"""machine.ioCost of agent.yaml: the root cgroup is told, and is as it was when the agent is gone. The root is everybody's, so that all
but a wrong agent.yaml is for a machine of the test's own (METE_OWN_MACHINE, the virtual one)."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, skip_case, wait_for, with_config  # noqa: E402

QOS, MODEL = "/sys/fs/cgroup/io.cost.qos", "/sys/fs/cgroup/io.cost.model"

COST = """machine:
  ioCost:
  - path: %s
    read: {percentile: 95%%, latency: 10ms}
    write: {percentile: 90%%, latency: 20ms}
    min: 50%%
    max: 150%%
    model: {readBps: 100Mi, readSequentialIops: 20k, readRandomIops: 10k, writeBps: 50Mi, writeSequentialIops: 9k, writeRandomIops: 8k}
"""


def line_of(path, disk):
    with open(path) as file:
        lines = [dict(each.split("=") for each in line.split()[1:]) for line in file if line.split()[0] == disk]
    return lines[0] if lines else {}


def disk_of(path):
    device = os.stat(path).st_dev
    return "%d:%d" % (os.major(device), os.minor(device))


def test_the_root_is_told_and_is_put_back_also_after_a_death():
    if not os.environ.get("METE_OWN_MACHINE") or not os.path.exists(QOS):
        skip_case("needs a machine of its own with cgroup2's io.cost")
    with Agent() as agent:
        disk = disk_of(agent.work)
        for end in (agent.stop, agent.kill):
            agent.start(*with_config(agent, COST % agent.work))
            qos, model = line_of(QOS, disk), line_of(MODEL, disk)
            assert (qos["enable"], qos["ctrl"], qos["rpct"], qos["rlat"], qos["wpct"], qos["wlat"], qos["min"], qos["max"]) == (
                "1", "user", "95.00", "10000", "90.00", "20000", "50.00", "150.00"), qos
            assert (model["ctrl"], model["rbps"], model["wrandiops"]) == ("user", str(100 << 20), "8000"), model
            end()
        assert line_of(QOS, disk)["enable"] == "1"
        agent.start(*with_config(agent, "machine: {}\n"))
        assert line_of(QOS, disk)["enable"] == "0" and line_of(MODEL, disk)["ctrl"] == "auto", (line_of(QOS, disk), line_of(MODEL, disk))
        agent.stop()
        agent.start(*with_config(agent, "machine: {ioCost: [{path: %s}]}\n" % agent.work))
        assert line_of(QOS, disk)["enable"] == "1" and line_of(QOS, disk)["ctrl"] == "auto", line_of(QOS, disk)
        agent.kill()
        assert "io.cost.qos" in agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback").stdout
        assert line_of(QOS, disk)["enable"] == "0"


def test_where_it_cannot_be_had_it_is_told():
    if os.environ.get("METE_OWN_MACHINE") or os.path.exists(QOS):
        skip_case("this machine has io.cost")
    with Agent() as agent:
        agent.start(*with_config(agent, COST % agent.work))
        told = wait_for("the event", lambda: agent.events("NotEnforced"))
        assert "machine.ioCost: found no io.cost.qos" in told[0]["message"], told


def test_what_is_wrong_is_refused():
    for wrong, expected in (("{path: x}", "ioCost[0].path"), ("{path: /, min: 0%}", "1% to 10000%"), ("{path: /, min: 90%, max: 50%}", "at most `max`"),
                            ("{path: /, read: {percentile: 101%, latency: 1ms}}", "at most 100%"), ("{path: /, read: {percentile: 10%, latency: 1ns}}", "a microsecond"),
                            ("{path: /, model: {readBps: 1Mi}}", "`readSequentialIops` is missing"), ("{}", "path")):
        with Agent() as agent:
            agent.start(*with_config(agent, "machine: {ioCost: [%s]}\n" % wrong), wait=False)
            assert agent.process.wait(60) == 1, wrong
            assert expected in agent.log_text(), (wrong, agent.log_text())


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
