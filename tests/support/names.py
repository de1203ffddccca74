# SPDX-License-Identifier: Apache-2.0
"""What a pod is told when it asks for a name."""
import re


def resolver_of(agent, name):
    """The servers in a pod's resolv.conf."""
    return re.findall(r"(?m)^nameserver (\S+)$", agent.mete("exec", name, "--", "cat", "/etc/resolv.conf").stdout)


def addresses_of(agent, asker, name, kind="a"):
    """The addresses that a pod's own resolver has for a name; none: it does not know it."""
    said = agent.mete("exec", asker, "--", "nslookup", "-type=" + kind, name, check=False).stdout
    # The first address is the server's.
    return sorted(re.findall(r"(?m)^Address(?: \d+)?: (\S+)$", said.partition("\n\n")[2]))
