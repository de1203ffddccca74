# SPDX-License-Identifier: Apache-2.0
"""hostUsers: false in a network of mete's: the pod has its address and its resolver, its users may listen on low ports, and
/sys shows no devices of the machine's network. Alone and with a sandbox, which two containers share."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

POD = """apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  restartPolicy: Never
  hostUsers: false
  securityContext: {sysctls: [{name: net.core.somaxconn, value: "77"}]}
  containers:
  - name: main
    image: busybox
    env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
    command:
    - sh
    - -c
    - |
      ip -4 addr show eth0 | grep -qF "inet $IP/" && echo address
      cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_unprivileged_port_start
      nc -l -p 80 & until nc -w 1 127.0.0.1 80 < /dev/null; do sleep 0.1; done 2> /dev/null; echo listens on 80
      echo $(ls /sys/class/net | wc -l) devices in /sys
%s"""
OTHER = "  - {name: other, image: busybox, command: ['true']}\n"


def test_its_address_its_ports_and_its_settings():
    with Agent() as agent:
        agent.start("--network", "bridge")
        for name, more in (("alone", ""), ("shared", OTHER)):
            agent.apply(POD % (name, more))
            wait_for(name + " to end", lambda name=name: agent.pod(name)["phase"] in ("Succeeded", "Failed"))
            assert agent.logs(name, "-c", "main") == "address\n77\n0\nlistens on 80\n0 devices in /sys\n", (name, agent.logs(name, "-c", "main"), agent.pod(name))


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
