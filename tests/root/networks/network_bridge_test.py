# SPDX-License-Identifier: Apache-2.0
"""Pods on the default bridge: address, gateway, the way out, published ports from everywhere, and what is left afterwards: nothing."""
import json
import os
import re
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import frames  # noqa: E402
import own_network  # noqa: E402
from frames import Ear, ether, ip4, is_sctp_to, mac, sctp_init  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from own_network import HOST, NEIGHBOUR, SERVER, UDP_ASK, devices, flows, get, inside, neighbours, run, tables, udp_answer, udp_server  # noqa: E402
from pods import container, delete, documents, launch, output, pod, wait_gone, wait_running  # noqa: E402


def bridged(*more):
    return Agent().start("--network", "bridge", *more)


def server(name="web", ports="", metadata="", **more):
    return pod(name, SERVER % name, "ports: [%s]" % ports if ports else "", metadata=metadata, **more)


def answers(address, port, name="web", ask=get):
    return wait_for("%s:%d to answer" % (address, port), lambda: "hello-from-%s" % name in ask(address, port))


def test_a_pod_has_an_address_and_reaches_its_gateway():
    with bridged() as agent:
        said = output(agent, "ip -4 addr show eth0; ip route; ping -c 1 -W 5 10.77.0.1; echo ip=$IP; cat /etc/hosts; cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
                      "env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]")
        assert "inet 10.77.0.2/16" in said and "default via 10.77.0.1 dev eth0" in said, said
        assert "1 packets received" in said and "ip=10.77.0.2\n" in said and "10.77.0.2\tp\n" in said, said
        assert said.endswith("\n0\n"), said


def test_its_state_is_told():
    with bridged() as agent:
        launch(agent, server(ports="{containerPort: 8080, hostPort: 8081}"))
        told = agent.pod("web")
        assert told["podIP"] == "10.77.0.2" and told["podIPs"] == ["10.77.0.2"], told
        assert told["network"]["name"] == "bridge" and told["network"]["mac"] == "02:6d:0a:4d:00:02", told
        assert told["network"]["ports"] == [{"host": "0.0.0.0:8081/tcp", "containerPort": 8080}], told
        assert "10.77.0.2" in agent.mete("ps", "-o", "wide").stdout
        assert " 10.77.0.2 " in agent.mete("get", "pods", "-o", "wide").stdout
        assert agent.mete("get", "pod", "web", "-o", "jsonpath={.status.podIP} {.status.podIPs[*].ip}").stdout.split() == ["10.77.0.2"] * 2
        assert agent.mete("wait", "--for=jsonpath={.status.podIP}=10.77.0.2", "web").returncode == 0
        assert re.search("(?m)^IP: +10.77.0.2$", agent.mete("describe", "web").stdout)


def test_a_pod_whose_volume_is_missing_says_so_and_starts_later():
    """It is connected while its volumes are made: what fails of them is told all the same."""
    with bridged() as agent:
        folder = agent.work + "/late"
        volume = "volumes: [{name: data, hostPath: {path: %s, type: Directory}}]" % folder
        agent.apply(pod("web", lines="volumeMounts: [{name: data, mountPath: /data}]", spec=volume))
        assert folder in agent.event("CreateContainerError")["message"]
        os.mkdir(folder)
        wait_running(agent, "web")
        assert "inet 10.77." in inside(agent.container("web"), "ip", "addr", "show", "eth0").stdout
        assert agent.pod("web")["podIP"] in agent.mete("exec", "web", "--", "cat", "/etc/hosts").stdout


def test_no_shim_keeps_the_namespace():
    with bridged() as agent:
        launch(agent, server())
        with open("/proc/%d/stat" % agent.container("web")["pid"]) as stat:
            shim = int(stat.read().rsplit(")", 1)[1].split()[1])
        held = {number: os.readlink("/proc/%d/fd/%s" % (shim, number)) for number in os.listdir("/proc/%d/fd" % shim)}
        assert held and not [target for target in held.values() if target.startswith("net:")], held


def test_who_is_in_it_is_exported():
    with bridged() as agent:
        launch(agent, server(ports="{containerPort: 8080, hostPort: 8092}"))
        assert agent.metric("mete_network_pods", network="bridge") == 1
        assert agent.metric("mete_network_addresses", network="bridge") == 1
        assert agent.metric("mete_network_addresses_limit", network="bridge") == 65533
        assert agent.metric("mete_network_published_ports", network="bridge") == 1
        before = agent.metric("mete_network_dns_questions_total", outcome="own")
        agent.mete("exec", "web", "--", "nslookup", "-type=a", "web", "10.77.0.1")
        assert agent.metric("mete_network_dns_questions_total", outcome="own") == before + 1
        # The devices' own counters are those of the container.
        assert agent.metric("container_network_transmit_packets_total", pod="web", interface="eth0") > 0


def test_probes_ask_at_the_pods_address():
    with bridged() as agent:
        ready = "readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}"
        agent.apply(documents(pod("open", SERVER % "open", ready), pod("closed", (SERVER % "closed").replace("-p 8080", "-p 127.0.0.1:8080"), ready)))
        wait_for("the open one to be ready", lambda: agent.container("open") and agent.container("open")["ready"])
        # As with the kubelet, what listens on the loopback alone serves nobody.
        told = wait_for("the other's word", lambda: [each for each in agent.events("Unhealthy") if each["pod"] == "default/closed"])
        assert "dial tcp %s:8080: Connection refused" % agent.pod("closed")["podIP"] in told[-1]["message"], told
        assert not agent.container("closed")["ready"]


def test_a_published_port_answers_from_everywhere():
    with bridged() as agent:
        launch(agent, documents(server(ports="{containerPort: 8080, hostPort: 8081}"), pod("other")), "web", "other")
        neighbour = neighbours[0]
        for address in ("127.0.0.1", HOST, "10.77.0.1"):
            answers(address, 8081)
        answers(HOST, 8081, ask=neighbour.get)
        # The neighbour's own address is what the container sees.
        assert any("src=%s dst=%s" % (NEIGHBOUR, HOST) in flow and "src=10.77.0.2 dst=%s" % NEIGHBOUR in flow for flow in flows()), flows()
        fetch = ["timeout", "5", "wget", "-q", "-O", "-", "http://%s:8081/" % HOST]
        for name in ("other", "web"):
            done = agent.mete("exec", name, "--", *fetch)
            assert "hello-from-web" in done.stdout, (name, done)
        assert not neighbour.get("10.77.0.2", 8080).startswith("HTTP"), "an unpublished port is reached from outside"


def test_a_port_of_one_address():
    with bridged() as agent:
        launch(agent, documents(server("a", "{containerPort: 8080, hostPort: 8082, hostIP: 127.0.0.1}"),
                                server("b", "{containerPort: 8080, hostPort: 8082, hostIP: %s}" % HOST)), "a", "b")
        answers("127.0.0.1", 8082, "a")
        answers(HOST, 8082, "b")
        assert "hello" not in neighbours[0].get("127.0.0.1", 8082)
        assert "hello-from-b" in neighbours[0].get(HOST, 8082)


def test_udp():
    with bridged() as agent:
        container = launch(agent, pod("web", lines="ports: [{containerPort: 5353, hostPort: 5354, protocol: UDP}]"))
        with udp_server(container, 5353):
            assert udp_answer(HOST, 5354) == "pong\n"
            assert neighbours[0].run("python3", "-c", UDP_ASK, HOST, "5354").stdout == "pong\n"


def test_sctp():
    # Without sockets of SCTP in this kernel: its first packet arrives, at the container's port and with a right checksum.
    with bridged() as agent:
        container = launch(agent, pod("web", lines="ports: [{containerPort: 36412, hostPort: 36413, protocol: SCTP}]"))
        neighbour = neighbours[0]
        own, other = (json.loads(each.stdout)[0]["address"] for each in (run("ip", "-j", "link", "show", "cable"), neighbour.run("ip", "-j", "link", "show", "cable")))
        ear = Ear(container["pid"])
        frames.send(neighbour.process.pid, "cable", ether(mac(other), mac(own), 0x0800, ip4(NEIGHBOUR, HOST, sctp_init(36413), 132)))
        ear.until(lambda frame: is_sctp_to(frame, 36412))


def test_a_taken_port_is_an_error_before_anything_starts():
    with bridged() as agent, socket.socket() as taken:
        taken.bind(("0.0.0.0", 8083))
        taken.listen()
        agent.apply(server(ports="{containerPort: 8080, hostPort: 8083}"))
        told = agent.event("CreateContainerError")
        assert "0.0.0.0:8083/tcp: found it taken by another program" in told["message"], told
        assert agent.container("web")["state"] == "waiting" and agent.pod("web").get("podIP") is None, agent.pod("web")
        agent.apply(server("first", "{containerPort: 8080, hostPort: 8084}"))
        wait_running(agent, "first")
        agent.apply(server("second", "{containerPort: 8080, hostPort: 8084, hostIP: 127.0.0.1}"))
        told = wait_for("the second pod's word", lambda: [each for each in agent.events("CreateContainerError") if "8084" in each["message"]])
        assert "published for pod default/first" in told[0]["message"], told
        # And nobody else gets it.
        with socket.socket() as late:
            try:
                late.bind(("0.0.0.0", 8084))
                raise AssertionError("a published port could be bound")
            except OSError:
                pass


def test_ports_change_while_the_pod_runs():
    with bridged() as agent:
        before = launch(agent, server(ports="{containerPort: 8080, hostPort: 8085}"))
        answers("127.0.0.1", 8085)
        agent.apply(server(ports="{containerPort: 8080, hostPort: 8086}"))
        answers("127.0.0.1", 8086)
        assert "hello" not in get("127.0.0.1", 8085)
        assert agent.container("web")["pid"] == before["pid"]


def test_containers_of_a_pod_share_it_and_a_restart_keeps_it():
    with bridged() as agent:
        launch(agent, pod("web", SERVER % "web", "ports: [{containerPort: 8080, hostPort: 8087}]", more=container("second")))
        assert "10.77.0.2" in agent.mete("exec", "web", "-c", "second", "--", "ip", "addr").stdout
        answers("127.0.0.1", 8087)
        launch(agent, server("lone", "{containerPort: 8080, hostPort: 8088}"), "lone")
        first = agent.container("lone")
        address = agent.pod("lone")["podIP"]
        os.kill(first["pid"], 9)
        wait_for("another attempt", lambda: agent.container("lone")["restarts"] == 1 and agent.container("lone")["state"] == "running")
        assert agent.pod("lone")["podIP"] == address
        answers("127.0.0.1", 8088, "lone")


def test_nothing_is_left():
    with bridged("--remove-all") as agent:
        launch(agent, documents(server(ports="{containerPort: 8080, hostPort: 8089}"), pod("other")), "web", "other")
        delete(agent, "web", "other")
        wait_for("the devices to go", lambda: not [each for each in devices() if each.startswith("mte") and each != "mete0"])
        rules = run("nft", "list", "ruleset").stdout
        assert "elements" not in rules, rules
        assert os.listdir(agent.state + "/networks/endpoints") == []
        agent.stop()
        assert devices() == ["cable", "lo"] and not tables(), (devices(), tables())


def test_a_killed_agent_is_replaced():
    with bridged() as agent:
        launch(agent, documents(server(ports="{containerPort: 8080, hostPort: 8090}"), server("gone", "{containerPort: 8080, hostPort: 8091}")), "web", "gone")
        answers("127.0.0.1", 8090)
        answers("127.0.0.1", 8091, "gone")
        agent.kill()
        answers("127.0.0.1", 8090)
        agent.forget("Pod", "gone")
        agent.start("--network", "bridge")
        wait_gone(agent, "gone")
        answers("127.0.0.1", 8090)
        told = agent.pod("web")
        assert told["podIP"] in ("10.77.0.2", "10.77.0.3"), told
        assert "hello" not in get("127.0.0.1", 8091)
        # Its address and port are known to be taken.
        agent.apply(server("late", "{containerPort: 8080, hostPort: 8090}"))
        assert "published for pod" in agent.event("CreateContainerError")["message"]
        delete(agent, "web", "late")
        wait_for("the devices to go", lambda: not [each for each in devices() if each.startswith("mte") and each != "mete0"])


def test_the_way_out_is_by_the_machines_address():
    with bridged() as agent:
        agent.apply(pod("web", "ping -c 1 -W 5 %s && sleep 1000" % NEIGHBOUR))
        wait_running(agent, "web")
        wait_for("a flow", lambda: any("src=10.77.0.2 dst=%s" % NEIGHBOUR in flow and "src=%s dst=%s" % (NEIGHBOUR, HOST) in flow for flow in flows()))


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
