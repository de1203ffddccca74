# SPDX-License-Identifier: Apache-2.0
"""Fields of a Pod as the process inside sees them: user and home, names and resolvers, the downward API, volumes, kernel settings."""
import os
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import delete, job, launch, output, pod  # noqa: E402

FILES = "volumeMounts: [{name: d, mountPath: /d}, {name: p, mountPath: /p/}]"
VOLUMES = """volumes:
- name: d
  downwardAPI:
    items:
    - {path: labels, fieldRef: {fieldPath: metadata.labels}}
    - {path: sub/cpu, mode: 0400, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}}
- name: p
  projected:
    sources:
    - configMap: {name: settings, items: [{key: colour, path: c/colour}]}
    - secret: {name: keys}
    - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
    - serviceAccountToken: {path: token}"""
DATA = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {user: someone}
"""


def test_home_and_groups_come_from_the_image():
    with Agent().start() as agent:
        assert output(agent, "echo $HOME; cd; pwd").splitlines() == ["/root", "/root"]
        assert output(agent, "echo $HOME; id -u; id -g", "securityContext: {runAsUser: 4711}") == "/\n4711\n0\n"
        assert output(agent, "echo $HOME", "env: [{name: HOME, value: /srv}]") == "/srv\n"
        launch(agent, pod("e", "sleep 100"), "e")
        wait_for("it runs", lambda: agent.mete("exec", "e", "--", "sh", "-c", "echo $HOME").stdout == "/root\n")


def test_root_is_not_started_where_the_manifest_forbids_it():
    with Agent().start() as agent:
        agent.apply(job("p", "id -u", "securityContext: {runAsNonRoot: true}"))
        wait_for("the reason", lambda: "runAsNonRoot: found user 0 of container main" in agent.mete("events").stdout)
        assert agent.container("p")["reason"] == "CreateContainerConfigError", agent.container("p")
        delete(agent, "p")
        assert output(agent, "id -u", "securityContext: {runAsNonRoot: true, runAsUser: 7}") == "7\n"


def test_names_and_resolvers():
    with Agent().start() as agent:
        full = "p.inner.default.svc.cluster.local"
        seen = output(agent, "hostname; cat /etc/hosts /etc/resolv.conf", "",
                      "subdomain: inner\nsetHostnameAsFQDN: true\ndnsPolicy: None\ndnsConfig: {nameservers: [10.9.8.7], searches: [x.example], options: [{name: ndots, value: '2'}]}")
        assert seen.startswith(full + "\n") and "\t%s\tp\n" % full in seen, seen
        assert seen.endswith("search x.example\nnameserver 10.9.8.7\noptions ndots:2\n"), seen
        assert output(agent, "hostname", "", "hostnameOverride: db.example.org") == "db.example.org\n"
        assert output(agent, "echo $HOSTNAME", "", "hostNetwork: true") == socket.gethostname() + "\n"


def test_the_downward_api_in_variables():
    with Agent().start() as agent:
        fields = ["metadata.name", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.podIP"]
        env = ", ".join("{name: V%d, valueFrom: {fieldRef: {fieldPath: %s}}}" % each for each in enumerate(fields))
        env += ", {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}"
        env += ", {name: MEM, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}"
        env += ", {name: ALL, value: '$(V0):$(CPU)'}"
        seen = output(agent, 'echo "$V0|$V1|$V2|$V4|$CPU|$MEM|$ALL|$0"; echo $V3',
                      "args: ['$(V1)']\nresources: {limits: {cpu: 250m, memory: 20Mi}}\nenv: [%s]" % env).splitlines()
        node = socket.gethostname()
        assert seen[0] == "p|%s|default|127.0.0.1|250|20|p:250|%s" % (node, node), seen
        assert socket.inet_aton(seen[1]), seen


def test_files_that_the_agent_writes():
    with Agent().start() as agent:
        agent.apply(DATA)
        seen = output(agent, "cat /d/labels; echo; cat /d/sub/cpu; echo; stat -L -c %a /d/sub/cpu; cat /p/c/colour /p/user /p/name; ls /p; touch /p/x 2>&1; touch /d/x 2>&1; true",
                      FILES + "\nresources: {limits: {cpu: 250m}}", VOLUMES)
        lines = seen.splitlines()
        assert lines[:4] == ['app="p"', "250", "400", "bluesomeonepc"], lines
        assert lines[4:6] == ["name", "user"] and seen.count("Read-only file system") == 2, lines


def test_the_group_of_the_volumes():
    with Agent().start() as agent:
        agent.apply(DATA)
        seen = output(agent, "stat -L -c '%a %g' /c/colour /e; echo x > /e/f && stat -c %g /e/f",
                      "securityContext: {runAsUser: 1000}\nvolumeMounts: [{name: c, mountPath: /c}, {name: e, mountPath: /e}]",
                      "securityContext: {fsGroup: 2000}\nvolumes: [{name: c, configMap: {name: settings, defaultMode: 0400}}, {name: e, emptyDir: {}}]")
        assert seen.splitlines() == ["440 2000", "2777 2000", "2000"], seen


def test_a_volume_that_has_the_group_already_is_left_as_it_is():
    with Agent().start() as agent:
        mount, claim = "volumeMounts: [{name: v, mountPath: /v}]", "\nvolumes: [{name: v, persistentVolumeClaim: {claimName: data}}]"
        show = "stat -c %g /v /v/x"
        assert output(agent, "touch /v/x; chgrp 5 /v/x; " + show, mount, "securityContext: {fsGroup: 2000}" + claim) == "2000\n5\n"
        assert output(agent, show, mount, "securityContext: {fsGroup: 2000, fsGroupChangePolicy: OnRootMismatch}" + claim) == "2000\n5\n"
        assert output(agent, show, mount, "securityContext: {fsGroup: 2000, fsGroupChangePolicy: Always}" + claim) == "2000\n2000\n"
        assert output(agent, "chgrp 5 /v/x; " + show, mount, claim[1:]) == "2000\n5\n"
        assert output(agent, show, mount, "securityContext: {fsGroup: 3000, fsGroupChangePolicy: OnRootMismatch}" + claim) == "3000\n3000\n"


def test_a_claim_outlives_its_pod():
    with Agent().start() as agent:
        mount = "volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(WHO)/logs}]\nenv: [{name: WHO, value: one}]"
        claim = "volumes: [{name: v, persistentVolumeClaim: {claimName: data%s}}]"
        assert output(agent, "echo kept > /v/file", mount, claim % "") == ""
        assert output(agent, "cat /v/one/logs/file; touch /v/x 2>&1 | grep -c Read-only", "volumeMounts: [{name: v, mountPath: /v}]", claim % ", readOnly: true") == "kept\n1\n"


def test_a_variable_of_a_sub_path_that_is_not_there_refuses_the_pod():
    with Agent().start() as agent:
        wrong = agent.mete("apply", "-f", "-", check=False, text=pod("w", "sleep 100", "volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(NOPE)}]", "volumes: [{name: v, emptyDir: {}}]"))
        assert wrong.returncode == 1 and "found no variable `NOPE`" in wrong.stderr, wrong


def test_a_sub_path_that_a_config_map_lacks_is_an_error():
    with Agent().start() as agent:
        agent.apply(DATA + "---\n" + job("p", "ls /v", "volumeMounts: [{name: v, mountPath: /v, subPath: nothing}]", "volumes: [{name: v, configMap: {name: settings}}]"))
        wait_for("the reason", lambda: 'found no file "nothing" in volume "v"' in agent.mete("events").stdout)


def test_kernel_settings_of_the_pods_own_network():
    with Agent().start() as agent:
        read = "cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/ipv4/ip_forward kernel/shm_rmid_forced"
        seen = output(agent, read, "", "securityContext: {sysctls: [{name: net.ipv4.ip_forward, value: '1'}, {name: kernel.shm_rmid_forced, value: '1'}]}")
        assert seen.split() == ["0", "0", "2147483647", "1", "1"], seen
        # Two containers share a network that a third process holds.
        two = "securityContext: {sysctls: [{name: net.ipv4.ip_forward, value: '1'}]}\ninitContainers:\n- {name: i, image: busybox, command: ['true']}"
        seen = output(agent, read, "", two)
        assert seen.split()[:4] == ["0", "0", "2147483647", "1"], seen
        # A user who is not root listens on a port below 1024.
        assert output(agent, "nc -l -p 80 & sleep 0.3; kill %1", "securityContext: {runAsUser: 1000}") == ""


def test_the_default_filter_can_be_left_out():
    with Agent().start() as agent:
        seccomp = "grep ^Seccomp: /proc/self/status"
        assert output(agent, seccomp).split() == ["Seccomp:", "2"]
        assert output(agent, seccomp, "securityContext: {seccompProfile: {type: Unconfined}}").split() == ["Seccomp:", "0"]


def test_mounts_of_the_host_appear():
    with Agent().start() as agent:
        top = agent.work + "/tree"
        os.makedirs(top + "/inner")
        # Only a mount that is shared tells others of what is mounted below it.
        os.system("mount --bind %s %s && mount --make-shared %s" % (top, top, top))
        volumes = "volumes: [{name: v, hostPath: {path: %s}}]" % top
        agent.apply(pod("s", "until test -e /v/inner/seen; do sleep 0.05; done; touch /v/done; sleep 100",
                        "volumeMounts: [{name: v, mountPath: /v, mountPropagation: HostToContainer}]", volumes))
        try:
            wait_for("it runs", lambda: agent.container("s")["state"] == "running")
            os.system("mount -t tmpfs mete-test %s/inner && touch %s/inner/seen" % (top, top))
            wait_for("the mount is seen inside", lambda: os.path.exists(top + "/done"))
        finally:
            os.system("umount -l %s/inner; umount -l %s" % (top, top))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
