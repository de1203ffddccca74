# SPDX-License-Identifier: Apache-2.0
"""Plugins of CNI networks that fail, hang, flood or are not there, and agents that die meanwhile."""
import json
import os
import stat
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cni import DEBIAN, PORTMAP, chain, cni, enter, on  # noqa: E402
from leftovers import kill, processes_naming  # noqa: E402
from mete_agent import run_tests, wait_for, write  # noqa: E402
from own_network import run  # noqa: E402
from pods import delete, documents, launch, wait_gone, wait_running  # noqa: E402


def test_a_late_failure_leaves_nothing():
    with cni({"type": "witness"}) as agent:
        agent.tell("fail-ADD")
        agent.apply(on())
        told = agent.refusal()
        assert "network configuration shop: plugin witness, ADD: told to fail, by the test (code 50: the plugin is not available)" in told, told
        wait_for("DEL of all", lambda: agent.heard("DEL"))
        agent.tell("fail-ADD", on=False)
        wait_running(agent, "web")
        assert agent.leases() == [agent.pod("web")["podIP"]], agent.leases()
        delete(agent, "web")
        agent.wait_clean()


def test_a_plugin_that_hangs_or_floods_is_killed():
    with cni({"type": "witness"}, timeout="1s") as agent:
        for fault, expected in (("hang", "found it running after 1 s, so it was killed"), ("flood", "bytes of output, so it was killed")):
            agent.tell(fault + "-ADD")
            agent.apply(on(fault))
            told = agent.refusal(fault)
            assert "plugin witness, ADD: " in told and expected in told, told
            agent.tell(fault + "-ADD", on=False)
            delete(agent, fault)
        agent.wait_clean()


def test_the_agent_does_not_wait_for_a_plugin_when_it_ends():
    with cni({"type": "witness"}, timeout="10m") as agent:
        agent.tell("hang-ADD")
        agent.apply(on())
        wait_for("the plugin to run", lambda: agent.heard("ADD"))
        agent.stop()
        agent.tell("hang-ADD", on=False)
        agent.begin_again()
        wait_running(agent, "web")
        assert agent.leases() == [agent.pod("web")["podIP"]], "what the first one had is given back"
        delete(agent, "web")
        agent.wait_clean()


def test_a_failed_del_is_told_and_tried_again():
    with cni({"type": "witness"}) as agent:
        launch(agent, on())
        agent.tell("fail-DEL")
        delete(agent, "web")
        told = agent.event("NetworkFailed")["message"]
        assert "A pod could not be taken out of network shop and is tried again: network configuration shop: plugin witness, DEL" in told, told
        assert agent.leases() and agent.left()[0] and agent.left()[1], "all is kept for the next one"
        agent.tell("fail-DEL", on=False)
        agent.wait_clean()
        assert len(agent.events("NetworkFailed")) == 1


def test_the_next_agent_takes_pods_out():
    with cni({"type": "witness"}, PORTMAP) as agent:
        launch(agent, documents(on(lines="ports: [{containerPort: 80, hostPort: 8704}]"), on("gone")), "web", "gone")
        before = agent.pod("web")
        agent.kill()
        agent.forget("Pod", "gone")
        agent.begin_again()
        wait_gone(agent, "gone")
        wait_for("its DEL", lambda: agent.leases() == [before["podIP"]])
        now = agent.pod("web")
        assert now["podIP"] == before["podIP"] and now["network"]["cni"] == before["network"]["cni"] and agent.container("web")["restarts"] == 0, now
        # The configuration has gone meanwhile: DEL is as ADD was.
        os.unlink(agent.work + "/net.d/shop.conflist")
        delete(agent, "web")
        agent.wait_clean()
        assert "8704" not in run("iptables", "-t", "nat", "-S").stdout


def test_a_kill_during_add():
    with cni({"type": "witness"}) as agent:
        agent.tell("hang-ADD")
        agent.apply(on())
        wait_for("the plugin to run", lambda: agent.heard("ADD"))
        agent.kill()
        for pid in processes_naming(agent.plugins):
            kill(pid)
        agent.tell("hang-ADD", on=False)
        agent.begin_again()
        wait_running(agent, "web")
        assert agent.leases() == [agent.pod("web")["podIP"]]
        delete(agent, "web")
        agent.wait_clean()


def test_configurations_that_cannot_be_used_are_named():
    with cni() as agent:
        write(agent.work + "/net.d/00-broken.conf", "{")
        write(agent.work + "/net.d/odd.conflist", json.dumps(chain({"type": "odd"}, name="odd")))
        write(agent.plugins + "/ancient", '#!/bin/sh\necho \'{"supportedVersions": ["0.1.0", "0.2.0"]}\'\n')
        os.chmod(agent.plugins + "/ancient", stat.S_IRWXU)
        write(agent.work + "/net.d/old.conflist", json.dumps(chain({"type": "ancient"}, name="old")))
        for words, expected in ((("-o", "conf=none", "x"), "network configuration none: found none of that name in %s/net.d; %s/net.d/00-broken.conf: found" % (agent.work, agent.work)),
                                (("odd",), "network configuration odd: plugin odd, VERSION: found no program odd in %s, %s" % (agent.plugins, DEBIAN)),
                                (("old",), "found no version of the specification that its plugins have in common"),
                                (("--subnet", "10.1.0.0/24", "shop2"), "subnet: found addresses for driver cni"),
                                (("-o", "parent=eth0", "shop3"), "network option parent: found one that driver cni does not have")):
            done = agent.mete("network", "create", "-d", "cni", *words, check=False)
            assert done.returncode == 1 and expected in done.stderr, (words, done)


if __name__ == "__main__":
    enter()
    run_tests(sys.modules[__name__])
