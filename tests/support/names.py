# SPDX-License-Identifier: Apache-2.0
"""What a pod is told when it asks for a name."""
import re

from waiting import wait_for


def resolver_of(agent, name):
    """The servers in a pod's resolv.conf."""
    return re.findall(r"(?m)^nameserver (\S+)$", agent.mete("exec", name, "--", "cat", "/etc/resolv.conf").stdout)


def ports_of(agent, asker, name):
    """What the SRV records of a name say: ports and the names that have them."""
    said = agent.mete("exec", asker, "--", "nslookup", "-type=srv", name, check=False).stdout
    return sorted((int(port), host) for port, host in re.findall(r"(?m)service = \d+ \d+ (\d+) (\S+?)\.?$", said))


def service(name, spec):
    return "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: %s\n" % (name, spec)


def services_of_one_network(agent, behind, launch, network):
    """Pods `web` and `db` of a network where Services' own addresses lead nowhere find the Services' pods there. `behind`: a pod's manifest by its
    name, with tier=back and a port named http, 8080, in the network or in that of the annotation."""
    documents = [service("api", "{selector: {tier: back}, ports: [{name: http, port: 80, targetPort: http}]}"),
                 service("heads", "{clusterIP: None, selector: {tier: back}, ports: [{name: http, port: 80, targetPort: http}]}"),
                 service("far", "{selector: {app: nobody}, ports: [{port: 80}]}"),
                 service("alias", "{type: ExternalName, externalName: api.default.svc.cluster.local}")]
    launch(agent, "---\n".join([*documents, behind("web", network), behind("db", network)]), "web", "db")
    both = sorted(agent.pod(name)["podIP"] for name in ("web", "db"))
    for name in ("api", "api.default", "api.default.svc", "api.default.svc.cluster.local", "heads", "heads.default.svc.cluster.local", "alias"):
        wait_for("both pods by the name " + name, lambda name=name: addresses_of(agent, "web", name) == both)
    # The pods' own ports, not the Service's.
    hosts = sorted(each.replace(".", "-") + ".api.default.svc.cluster.local" for each in both)
    assert ports_of(agent, "web", "_http._tcp.api.default.svc.cluster.local") == [(8080, each) for each in hosts]
    assert addresses_of(agent, "web", hosts[0]) == [both[0]]
    # One without a pod there is known, and no server outside is asked for it.
    assert addresses_of(agent, "web", "far.default.svc.cluster.local") == []
    asked = agent.metric("mete_network_dns_questions_total", outcome="forwarded")
    assert addresses_of(agent, "web", "far") == [] and agent.metric("mete_network_dns_questions_total", outcome="forwarded") == asked
    return both


def addresses_of(agent, asker, name, kind="a"):
    """The addresses that a pod's own resolver has for a name; none: it does not know it."""
    said = agent.mete("exec", asker, "--", "nslookup", "-type=" + kind, name, check=False).stdout
    # The first address is the server's.
    return sorted(re.findall(r"(?m)^Address(?: \d+)?: (\S+)$", said.partition("\n\n")[2]))
