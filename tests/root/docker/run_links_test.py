# SPDX-License-Identifier: Apache-2.0
"""--link and --mac-address of `mete run`: a name that one container alone has for another one follows its address; an address that others know."""
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402


def address(agent, name, network="bridge"):
    [shown] = json.loads(agent.mete("inspect", name).stdout)
    return shown["NetworkSettings"]["Networks"][network]["IPAddress"]


def asks(agent, who, name):
    """What a program there gets for that name, by the resolver that the container has."""
    return agent.mete("exec", who, "sh", "-c", "ping -c 1 -W 5 %s | head -1" % name, check=False).stdout


def test_an_alias_leads_to_the_other_and_follows_it():
    with Agent().start("--network", "bridge") as agent:
        agent.mete("run", "-d", "--name", "store", "busybox", "sleep", "1000")
        agent.mete("run", "-d", "--name", "web", "--link", "store:db", "--link", "store", "busybox", "sleep", "1000")
        agent.mete("run", "-d", "--name", "stranger", "busybox", "sleep", "1000")
        first = address(agent, "store")
        assert "(%s)" % first in asks(agent, "web", "db") and "(%s)" % first in asks(agent, "web", "store")
        assert first not in asks(agent, "stranger", "db"), "the name is web's alone"
        [shown] = json.loads(agent.mete("inspect", "web").stdout)
        assert shown["HostConfig"]["Links"] == ["/store:/web/db", "/store:/web/store"], shown["HostConfig"]["Links"]
        # Another name, another address: the link is to the container.
        agent.mete("rename", "store", "shop")
        agent.mete("stop", "-t", "0", "shop")
        assert first not in asks(agent, "web", "db")
        agent.mete("run", "-d", "--name", "taker", "--ip", first, "busybox", "sleep", "1000", check=False)
        agent.mete("start", "shop")
        second = address(agent, "shop")
        assert "(%s)" % second in asks(agent, "web", "db"), (first, second)
        # An agent that starts anew knows it.
        agent.kill()
        agent.start("--network", "bridge")
        wait_for("the name", lambda: "(%s)" % second in asks(agent, "web", "db"))


def test_links_of_an_endpoint_as_compose_makes_them():
    with Agent().start("--network", "bridge") as agent:
        docker = Docker(agent)
        agent.mete("network", "create", "own")
        docker.run("shop_store_1", host={"NetworkMode": "own"})
        ends = {"EndpointsConfig": {"own": {"Links": ["shop_store_1:store", "shop_store_1:store_1", "shop_store_1"]}}}
        docker.run("shop_web_run", host={"NetworkMode": "own"}, NetworkingConfig=ends)
        found = docker.inspect("shop_store_1")["NetworkSettings"]["Networks"]["own"]["IPAddress"]
        for name in ("store", "store_1", "shop_store_1"):
            assert "(%s)" % found in asks(agent, "shop_web_run", name), name
        assert docker.inspect("shop_web_run")["NetworkSettings"]["Networks"]["own"]["Links"] == ends["EndpointsConfig"]["own"]["Links"]


def test_a_link_to_nobody_and_one_without_a_network_are_refused():
    with Agent().start("--network", "bridge") as agent:
        for flags, why in ((("--link", "nosuch"), "could not get container for nosuch"), (("--link", "a:b:c d"), "bad format for links"),
                           (("--network", "host", "--link", "x"), "host type networking can't be used with links"),
                           (("--network", "none", "--link", "x"), "expected a network"), (("--mac-address", "02:xx"), "invalid MAC address"),
                           (("--network", "host", "--mac-address", "02:00:00:00:00:09"), "conflicting options: mac-address and the network mode")):
            done = agent.mete("run", *flags, "busybox", "true", check=False)
            assert done.returncode == 125 and why in done.stderr, (flags, done)
        assert agent.mete("ps", "-aq").stdout == ""


def test_a_hardware_address_of_ones_own_works_and_stays():
    with Agent().start("--network", "bridge") as agent:
        mac = "02:00:00:00:00:09"
        agent.mete("run", "-d", "--name", "web", "--mac-address", mac, "busybox", "sleep", "1000")
        agent.mete("run", "-d", "--name", "peer", "busybox", "sleep", "1000")
        look = ("exec", "web", "cat", "/sys/class/net/eth0/address")
        assert agent.mete(*look).stdout == mac + "\n"
        [shown] = json.loads(agent.mete("inspect", "web").stdout)
        assert shown["NetworkSettings"]["Networks"]["bridge"]["MacAddress"] == mac and shown["Config"]["MacAddress"] == mac
        assert "1 packets received" in agent.mete("exec", "peer", "ping", "-c", "1", "-W", "5", address(agent, "web")).stdout
        taken = agent.mete("run", "--name", "twin", "--mac-address", mac, "busybox", "true", check=False)
        assert taken.returncode == 125 and mac + ", which docker/web has" in taken.stderr, taken
        agent.mete("restart", "-t", "0", "web")
        assert agent.mete(*look).stdout == mac + "\n"


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
