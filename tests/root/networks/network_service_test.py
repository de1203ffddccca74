# SPDX-License-Identifier: Apache-2.0
"""Services: an address and a name for pods, of the ready ones alone, from pods, from this machine and from others."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, parse_metrics, run_tests, wait_for, with_config  # noqa: E402
from names import addresses_of  # noqa: E402
from own_network import HOST, HOST6, NEIGHBOUR, NEIGHBOUR6, SERVER, get, neighbours, run, udp_server  # noqa: E402
from pods import delete, documents, launch, pod, wait_gone  # noqa: E402


def bridged(*more):
    return Agent().start("--network", "bridge", *more)


def service(name, spec, space="default"):
    return "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\nspec: %s\n" % (name, space, spec)


def backend(name, lines="", **more):
    """Behind every Service that selects tier=back; its port has a name."""
    return pod(name, SERVER % name, "ports: [{name: http, containerPort: 8080}]\n" + lines, labels=", tier: back", **more)


API = service("api", "{selector: {tier: back}, ports: [{port: 80, targetPort: http}]}")


def objects(agent, *words):
    return json.loads(agent.mete("get", *words, "-o", "json").stdout)


def address_of(agent, name):
    return objects(agent, "svc", name)["spec"]["clusterIP"]


def ask(agent, url, client="client"):
    """What a pod gets, and empty if nothing."""
    return agent.mete("exec", client, "--", "timeout", "2", "wget", "-q", "-O", "-", "http://%s/" % url, check=False).stdout.strip()


def reached(agent, url, times=12):
    return {ask(agent, url) for _ in range(times)}


def wait_reached(agent, url, *names):
    """All of these answer, and nobody else."""
    wanted = {"hello-from-%s" % name for name in names}
    seen = set()

    def all_answer():
        seen.add(ask(agent, url))
        return wanted <= seen
    wait_for("%s to be %s" % (url, ", ".join(names)), all_answer)
    assert reached(agent, url) <= wanted, (url, names)


def look_up(agent, name, kind="a"):
    return agent.mete("exec", "client", "--", "nslookup", "-type=" + kind, name, "10.77.0.1", check=False).stdout


def test_it_leads_to_all_its_pods_by_all_its_names():
    with bridged() as agent:
        launch(agent, documents(API, backend("one"), backend("two"), pod("other", SERVER % "other"), pod("client")), "one", "two", "client")
        wait_reached(agent, "api", "one", "two")
        for name in ("api.default", "api.default.svc", "api.default.svc.cluster.local"):
            assert ask(agent, name).startswith("hello-from-"), name
        address = address_of(agent, "api")
        assert address.startswith("10.79.") and address in look_up(agent, "api"), address
        # From this machine, and from a pod behind it to itself.
        wait_for("this machine to reach it", lambda: "hello-from-" in get(address, 80))
        assert {ask(agent, "api", "one") for _ in range(12)} == {"hello-from-one", "hello-from-two"}
        assert "failed" in neighbours[0].get(address, 80, 1), "nobody else reaches it"
        table = agent.mete("get", "services").stdout
        assert table.split()[:6] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"] and "80/TCP" in table, table
        addresses = sorted(agent.pod(name)["podIP"] for name in ("one", "two"))
        found = objects(agent, "endpoints", "api")["subsets"]
        assert sorted(each["ip"] for each in found[0]["addresses"]) == addresses and found[0]["ports"] == [{"port": 8080, "protocol": "TCP"}], found
        assert ",".join("%s:8080" % each for each in addresses) in agent.mete("get", "ep").stdout


def test_only_ready_pods_are_reached():
    with bridged() as agent:
        ready = "readinessProbe: {exec: {command: [cat, /www/ready]}, periodSeconds: 1}"
        eager = service("eager", "{selector: {tier: back}, publishNotReadyAddresses: true, ports: [{port: 80, targetPort: http}]}")
        launch(agent, documents(API, eager, backend("one", ready), backend("two"), pod("client")), "one", "two", "client")
        wait_reached(agent, "api", "two")
        wait_reached(agent, "eager", "one", "two")
        assert [each["targetRef"]["name"] for each in objects(agent, "ep", "api")["subsets"][0]["notReadyAddresses"]] == ["one"]
        agent.mete("exec", "one", "--", "touch", "/www/ready")
        wait_reached(agent, "api", "one", "two")
        agent.mete("exec", "one", "--", "rm", "/www/ready")
        wait_for("it to be out", lambda: "notReadyAddresses" in objects(agent, "ep", "api")["subsets"][0])
        wait_reached(agent, "api", "two")


def test_one_without_pods_refuses_at_once():
    with bridged() as agent:
        launch(agent, documents(API, pod("client")), "client")
        refused = agent.mete("exec", "client", "--", "timeout", "2", "wget", "-q", "-O", "-", "http://api/", check=False)
        assert "refused" in refused.stderr, refused
        assert "refused" in get(address_of(agent, "api"), 80)
        launch(agent, backend("late"), "late")
        wait_reached(agent, "api", "late")
        delete(agent, "late")
        wait_gone(agent, "late")
        wait_for("it to refuse again", lambda: "refused" in agent.mete("exec", "client", "--", "timeout", "2", "wget", "-q", "-O", "-", "http://api/", check=False).stderr)


def test_a_headless_one_is_its_pods_addresses():
    with bridged() as agent:
        headless = service("db", "{clusterIP: None, selector: {tier: back}}")
        launch(agent, documents(headless, backend("db-0", spec="hostname: db-0\nsubdomain: db\n"), backend("db-1"), pod("client")), "db-0", "db-1", "client")
        first, second = (agent.pod("db-%d" % i)["podIP"] for i in range(2))
        wait_for("both addresses", lambda: first in look_up(agent, "db.default.svc.cluster.local") and second in look_up(agent, "db"))
        for name in ("db-0.db", "db-0.db.default.svc", "db-0.db.default.svc.cluster.local"):
            assert first in look_up(agent, name) and second not in look_up(agent, name), (name, look_up(agent, name))
        assert "None" in agent.mete("get", "svc", "db").stdout


def test_where_its_ports_are():
    with bridged() as agent:
        named = service("api", "{selector: {tier: back}, ports: [{name: http, port: 80, targetPort: http}, {name: odd, port: 81, targetPort: none}]}")
        headless = service("db", "{clusterIP: None, selector: {tier: back}, ports: [{name: http, port: 80, targetPort: http}]}")
        launch(agent, documents(named, headless, backend("db-0", spec="hostname: db-0\nsubdomain: db\n"), backend("db-1"), pod("client")), "db-0", "db-1", "client")
        wait_for("both to be behind it", lambda: len(objects(agent, "ep", "api")["subsets"][0].get("addresses", [])) == 2)
        said = look_up(agent, "_http._tcp.api.default.svc.cluster.local", "srv")
        assert "80 api.default.svc.cluster.local" in said, said
        own = agent.pod("db-1")["podIP"]
        other = own.replace(".", "-") + ".db.default.svc.cluster.local"
        said = look_up(agent, "_http._tcp.db", "srv")
        assert "8080 db-0.db.default.svc.cluster.local" in said and "8080 " + other in said, said
        assert own in look_up(agent, other)
        assert "service =" not in look_up(agent, "_none._tcp.db", "srv")
        # A port that no pod has is told, and leads nowhere.
        told = agent.event("ServiceFailed")["message"]
        assert "Service default/api: targetPort none: found no port of that name in 2 pods" in told, told
        metrics = parse_metrics(agent.get("/metrics?collect[]=kube"))
        of = lambda family: [dict(labels) for name, labels in metrics if name == family]  # noqa: E731
        assert {each["service"]: each["cluster_ip"] for each in of("kube_service_info")} == {"api": address_of(agent, "api"), "db": "None"}
        assert {(each["endpoint"], each["ready"]) for each in of("kube_endpoint_address")} == {("api", "true"), ("db", "true")}
        assert {(each["port_name"], each["port_number"]) for each in of("kube_endpoint_ports")} == {("http", "8080")}
        assert {(each["endpointslice"], each["addresstype"]) for each in of("kube_endpointslice_info")} == {("api-ipv4-8080", "IPv4"), ("db-ipv4-8080", "IPv4")}
        behind = {(each["endpointslice"], each["targetref_name"]): each for each in of("kube_endpointslice_endpoints")}
        assert sorted(behind) == [("api-ipv4-8080", "db-0"), ("api-ipv4-8080", "db-1"), ("db-ipv4-8080", "db-0"), ("db-ipv4-8080", "db-1")], behind
        one = behind["db-ipv4-8080", "db-0"]
        assert one["ready"] == one["serving"] == "true" and one["terminating"] == "false" and one["hostname"] == "db-0", one
        assert one["address"] == agent.pod("db-0")["podIP"] and one["targetref_kind"] == "Pod" and one["endpoint_nodename"] == os.uname().nodename, one
        assert "hostname" not in behind["db-ipv4-8080", "db-1"], "it has no subdomain"
        assert {(each["port_name"], each["port_protocol"], each["port_number"]) for each in of("kube_endpointslice_ports")} == {("http", "TCP", "8080")}


V6 = "network: {default: bridge, subnet6: 'fd00:77::/64', services6: 'fd00:79::/112'}"
DUAL = "{%s, selector: {tier: back}, ports: [{port: 80, targetPort: http}]}"


def test_it_has_addresses_of_both_kinds():
    with Agent() as agent:
        agent.start("--network", "bridge", *with_config(agent, V6))
        both = service("api", DUAL % "ipFamilyPolicy: PreferDualStack, type: NodePort")
        six = service("six", DUAL % "ipFamilies: [IPv6], sessionAffinity: ClientIP")
        launch(agent, documents(both, six, backend("one"), backend("two"), pod("client")), "one", "two", "client")
        wait_reached(agent, "api", "one", "two")
        spec = objects(agent, "svc", "api")["spec"]
        v4, v6 = spec["clusterIPs"]
        assert spec["ipFamilies"] == ["IPv4", "IPv6"] and v6.startswith("fd00:79::") and spec["clusterIP"] == v4, spec
        wait_reached(agent, "[%s]" % v6, "one", "two")
        assert v6 in look_up(agent, "api", "aaaa") and v4 in look_up(agent, "api")
        assert "hello-from-" in get(v6, 80) and "hello-from-" in neighbours[0].get(HOST6, spec["ports"][0]["nodePort"])
        spec = objects(agent, "svc", "six")["spec"]
        assert spec["clusterIPs"] == [spec["clusterIP"]] and spec["clusterIP"].startswith("fd00:79::"), spec
        assert len(reached(agent, "[%s]" % spec["clusterIP"])) == 1, "a client stays with its pod"
        assert v4 not in look_up(agent, "six") and [each["ip"] for each in objects(agent, "ep", "six")["subsets"][0]["addresses"]][0].startswith("fd00:77::")
        delete(agent, "one", "two")
        wait_for("it to refuse", lambda: "refused" in agent.mete("exec", "client", "--", "timeout", "2", "wget", "-q", "-O", "-", "http://[%s]/" % v6, check=False).stderr)
        agent.kill()
        agent.start("--network", "bridge", *with_config(agent, V6))
        assert objects(agent, "svc", "api")["spec"]["clusterIPs"] == [v4, v6]


def test_what_requires_ipv6_is_refused_where_there_is_none():
    with bridged() as agent:
        agent.apply(service("api", DUAL % "ipFamilyPolicy: RequireDualStack"))
        assert "ipFamilies: found IPv6, expected IPv4 alone" in agent.event("ServiceFailed")["message"]


def test_a_node_port_is_reached_from_everywhere():
    with bridged() as agent:
        node = "{type: NodePort, selector: {tier: back}, ports: [{port: 80, targetPort: http, nodePort: %s}]}"
        launch(agent, documents(service("api", node % 30080), backend("one"), pod("client")), "one", "client")
        wait_reached(agent, "api", "one")
        for address in ("127.0.0.1", HOST):
            assert "hello-from-one" in get(address, 30080), address
        assert "hello-from-one" in neighbours[0].get(HOST, 30080)
        # Another one gets a port of its own; a port that is taken is told.
        agent.apply(service("more", "{type: NodePort, selector: {tier: back}, ports: [{port: 80, targetPort: http}]}"))
        chosen = wait_for("its port", lambda: [each["spec"]["ports"][0]["nodePort"] for each in objects(agent, "svc")["items"] if each["metadata"]["name"] == "more"])[0]
        assert 30000 <= chosen <= 32767
        wait_for("its port to answer", lambda: "hello-from-one" in neighbours[0].get(HOST, chosen))
        agent.apply(service("late", node % 30080))
        assert "30080, which another Service has" in agent.event("ServiceFailed")["message"]
        agent.mete("delete", "-f", "-", text=service("api", node % 30080))
        wait_for("the other one to have it", lambda: "30080" in agent.mete("get", "svc", "late", check=False).stdout)


def test_a_client_stays_with_its_pod():
    with bridged() as agent:
        sticky = service("api", "{sessionAffinity: ClientIP, selector: {tier: back}, ports: [{port: 80, targetPort: http}]}")
        launch(agent, documents(sticky, *(backend(name) for name in ("one", "two", "three")), pod("client")), "one", "two", "three", "client")
        wait_for("all to be behind it", lambda: len(objects(agent, "ep", "api")["subsets"][0].get("addresses", [])) == 3)
        wait_for("it to answer", lambda: ask(agent, "api"))
        first = reached(agent, "api")
        assert len(first) == 1, first


def test_a_pod_on_the_machines_network_and_one_elsewhere():
    with bridged() as agent:
        external = service("far", "{type: ExternalName, externalName: api.default.svc.cluster.local}")
        launch(agent, documents(API, external, backend("one", spec="hostNetwork: true\n"), pod("client")), "one", "client")
        wait_reached(agent, "api", "one")
        assert "hello-from-one" in get(address_of(agent, "api"), 80)
        assert ask(agent, "far") == "hello-from-one"
        said = look_up(agent, "far")
        assert "canonical name = api.default.svc.cluster.local" in said and address_of(agent, "api") in said, said


def test_pods_of_other_networks_find_what_is_in_theirs():
    with bridged() as agent:
        agent.mete("network", "create", "--subnet", "10.78.0.0/24", "shop")
        own = ", annotations: {mete/network: shop}"
        launch(agent, documents(API, backend("one"), backend("two", metadata=own), pod("client", metadata=own), pod("api", metadata=own), pod("inner")),
               "one", "two", "client", "api", "inner")
        there = agent.pod("two")["podIP"]
        wait_for("its pod there", lambda: addresses_of(agent, "client", "api") == [there])
        assert addresses_of(agent, "inner", "api") == [address_of(agent, "api")]
        assert ask(agent, "api:8080") == "hello-from-two"
        assert not ask(agent, address_of(agent, "api")), "its own address is reached from the default network alone"
        # Without a pod there the name is that of the network's own pod.
        delete(agent, "two")
        wait_for("the pod of that name", lambda: addresses_of(agent, "client", "api") == [agent.pod("api")["podIP"]])


def test_labels_and_annotations_that_are_allowed_are_told():
    with Agent() as agent:
        names = "export: {kube: true, kubeLabels: {services: [app.kubernetes.io/partOf], pods: ['*']}, kubeAnnotations: {services: ['*']}}\n"
        agent.start(*with_config(agent, names))
        said = API.replace("name: api,", "name: api, labels: {app.kubernetes.io/partOf: shop, other: x}, annotations: {example.com/owner: ann},")
        launch(agent, documents(said, pod("client", labels=", some-label: y")), "client")
        metrics = parse_metrics(agent.get("/metrics?collect[]=kube"))
        of = lambda family: [dict(labels) for name, labels in metrics if name == family]  # noqa: E731
        assert of("kube_service_labels") == [{"namespace": "default", "service": "api", "label_app_kubernetes_io_part_of": "shop"}], of("kube_service_labels")
        assert of("kube_service_annotations")[0]["annotation_example_com_owner"] == "ann"
        one = of("kube_pod_labels")[0]
        assert one["pod"] == "client" and one["label_app"] == "client" and one["label_some_label"] == "y" and one["uid"] == agent.pod("client")["uid"], one
        assert not of("kube_endpoint_labels") and not of("kube_pod_annotations")


def test_a_datagram_finds_its_pod():
    with bridged() as agent:
        dns = service("dns", "{selector: {tier: back}, ports: [{port: 53, targetPort: 5353, protocol: UDP}]}")
        launch(agent, documents(dns, backend("one"), pod("client")), "one", "client")
        wait_for("it to be behind it", lambda: objects(agent, "ep", "dns")["subsets"])
        with udp_server(agent.container("one"), 5353):
            own_network.inside(agent.container("client"), "python3", "-c", own_network.UDP_ASK, address_of(agent, "dns"), "53")


def test_it_outlives_the_agent_and_a_flush():
    with bridged() as agent:
        launch(agent, documents(API, backend("one"), pod("client")), "one", "client")
        wait_reached(agent, "api", "one")
        address = address_of(agent, "api")
        agent.kill()
        assert "hello-from-one" in get(address, 80), "while no agent runs"
        agent.start("--network", "bridge")
        assert address_of(agent, "api") == address
        wait_reached(agent, "api", "one")
        run("nft", "flush", "ruleset")
        agent.event("NetworkDrift")
        wait_reached(agent, "api", "one")
        assert agent.mete("delete", "svc", "none", check=False).returncode != 0
        agent.mete("delete", "svc", "api")
        wait_for("its rules to go", lambda: "services4" not in run("nft", "list", "table", "inet", "mete").stdout)


def test_a_label_that_changes_takes_a_pod_in_and_out():
    with bridged() as agent:
        launch(agent, documents(backend("one"), backend("two").replace(", tier: back", ""), API, pod("client")), "one", "two", "client")
        wait_reached(agent, "api", "one")
        pid = agent.container("two")["pid"]
        agent.apply(backend("two"))
        wait_reached(agent, "api", "one", "two")
        agent.apply(backend("one").replace(", tier: back", ", tier: none"))
        wait_for("one to be out", lambda: reached(agent, "api") == {"hello-from-two"})
        assert agent.container("two")["pid"] == pid


if __name__ == "__main__":
    own_network.enter()
    run("ip", "route", "replace", "default", "via", NEIGHBOUR)
    run("ip", "-6", "route", "replace", "default", "via", NEIGHBOUR6)
    run_tests(sys.modules[__name__])
