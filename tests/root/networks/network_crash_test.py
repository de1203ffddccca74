# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent at random moments while pods with published ports come, go and change: afterwards each pod that is wanted answers on
its port, and no device, rule, address or record is left of another one. METE_NETWORK_KILLS says how many; METE_SEED repeats a run."""
import json
import os
import re
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from amounts import amount, chance  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from own_network import SERVER, devices, get, run  # noqa: E402
from pods import job, pod, wait_running  # noqa: E402

PODS = 6


LIMIT = ", annotations: {kubernetes.io/egress-bandwidth: 1G}"  # with a device of its own


def is_limited(index):
    return index % 2 == 1


def put(agent, index, port):
    ports = "ports: [{containerPort: 8080, hostPort: %d}]" % port
    write("%s/pod-%d.yaml" % (agent.manifests, index), pod("pod-%d" % index, SERVER % index, ports, metadata=LIMIT if is_limited(index) else ""))


def ends():
    return [each for each in devices() if re.fullmatch("mte[0-9a-f]{10}", each)]


def shapers():
    return {each.replace("mti", "mte", 1) for each in devices() if re.fullmatch("mti[0-9a-f]{10}", each)}


def test_kills_leave_nothing_and_lose_nothing():
    moments = chance()
    with Agent() as agent:
        agent.start("--network", "bridge")
        wanted = {}
        for _ in range(amount("NETWORK_KILLS", short=8, long=1000)):
            for index in range(PODS):
                what = moments.random()
                if what < 0.25 and index in wanted:
                    os.remove("%s/pod-%d.yaml" % (agent.manifests, index))
                    del wanted[index]
                elif what < 0.75:
                    wanted[index] = 9000 + index + 100 * moments.randrange(3)
                    put(agent, index, wanted[index])
            time.sleep(moments.random() * 0.15)
            agent.kill()
            agent.start("--network", "bridge")
        for index, port in wanted.items():
            wait_running(agent, "pod-%d" % index)
            wait_for("port %d" % port, lambda: "hello-from-%d" % index in get("127.0.0.1", port))  # noqa: B023

        def found():
            rules = run("nft", "list", "table", "inet", "mete").stdout
            owners = set(re.findall(r'"(mte[0-9a-f]{10})"', run("nft", "list", "table", "bridge", "mete").stdout))
            records = os.listdir(agent.state + "/networks/endpoints")
            return {"ports": sorted({int(each) for each in re.findall(r"tcp \. (\d+) :", rules)}), "records": len(records), "owners": len(owners),
                    "ends without an owner": set(ends()) ^ owners, "shapers": len(shapers()), "shapers without an end": shapers() - set(ends())}

        expected = {"ports": sorted(wanted.values()), "records": len(wanted), "owners": len(wanted), "ends without an owner": set(),
                    "shapers": sum(map(is_limited, wanted)), "shapers without an end": set()}
        try:
            wait_for("nothing else to be left", lambda: found() == expected)
        except AssertionError as error:
            raise AssertionError("%s: found %s, expected %s" % (error, found(), expected))
        addresses = [agent.pod("pod-%d" % index)["podIP"] for index in wanted]
        assert len(set(addresses)) == len(addresses), addresses
        for index in wanted:
            os.remove("%s/pod-%d.yaml" % (agent.manifests, index))
        wait_for("all to go", lambda: not agent.pods() and not ends() and not shapers())


def test_half_a_record_is_removed():
    """As a kill leaves it between the writing of a file and its name."""
    with Agent() as agent:
        agent.start("--network", "bridge")
        write(agent.manifests + "/web.yaml", pod("web"))
        wait_running(agent, "web")
        agent.kill()
        left = ["%s/%s/left.tmp" % (agent.state, each) for each in ("networks", "networks/endpoints", "networks/attachments", "workloads", "docker", "applied")]
        for each in left:
            os.makedirs(os.path.dirname(each), exist_ok=True)
            write(each, "{")
        agent.start("--network", "bridge")
        assert [each for each in left if os.path.exists(each)] == []
        assert os.listdir(agent.state + "/networks/endpoints") == [agent.pod("web")["uid"] + ".json"]


def test_a_launch_that_the_agents_death_cuts_short_is_made_again():
    """The pods' networks are descriptors of the agent's: a pod that had not begun is no failure of its own."""
    moments = chance()
    with Agent() as agent:
        agent.start("--network", "bridge")
        names = []
        for turn in range(amount("NETWORK_LAUNCH_KILLS", short=4, long=100)):
            for index in range(8):
                names.append("once-%d-%d" % (turn, index))
                write("%s/%s.yaml" % (agent.manifests, names[-1]), job(names[-1], "echo done"))
            time.sleep(moments.random() * 0.3)
            agent.kill()
            agent.start("--network", "bridge")
        for name in names:
            wait_for(name + " to end", lambda name=name: (agent.pod(name) or {}).get("phase") in ("Succeeded", "Failed"))
        found = {name: (agent.pod(name)["phase"], agent.container(name)["restarts"], agent.container(name).get("message", ""), agent.logs(name)) for name in names}
        assert set(found.values()) == {("Succeeded", 0, "", "done\n")}, found


def test_a_second_agent_leaves_the_first_ones_networks_alone():
    with Agent() as agent, Agent() as other:
        agent.start("--network", "bridge")
        write(agent.manifests + "/web.yaml", pod("web", SERVER % 0, "ports: [{containerPort: 8080, hostPort: 9000}]"))
        wait_running(agent, "web")
        rules = run("nft", "list", "table", "inet", "mete").stdout
        other.start("--network", "bridge")
        write(other.manifests + "/late.yaml", pod("late"))
        wait_for("a word about it", lambda: "another agent" in json.dumps(other.events()) + json.dumps(other.pods()))
        assert len(ends()) == 1 and run("nft", "list", "table", "inet", "mete").stdout == rules
        assert "hello-from-0" in get("127.0.0.1", 9000)
        agent.kill()  # its networks are free to take
        agent.start("--network", "bridge")
        wait_for("its port", lambda: "hello-from-0" in get("127.0.0.1", 9000))


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
