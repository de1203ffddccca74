# SPDX-License-Identifier: Apache-2.0
"""What a Pod can say, seen from inside its containers, and what the commands do with it."""
import base64
import glob
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, Agent, run_tests, wait_for  # noqa: E402


def write(path, text):
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)


def pod(name, script, container="", spec="", metadata=""):
    """One container that runs a shell script; `container` and `spec` are more lines of YAML, flow style."""
    return ("apiVersion: v1\nkind: Pod\nmetadata: {name: %s%s}\nspec:\n  restartPolicy: Never\n  terminationGracePeriodSeconds: 0\n%s  containers:\n"
            "  - name: main\n    image: busybox\n    command: [sh, -c, %s]\n%s") % (
                name, metadata, "".join("  %s\n" % each for each in spec.split("\n") if each), json.dumps(script),
                "".join("    %s\n" % each for each in container.split("\n") if each))


def output(agent, script, container="", spec="", metadata="", name="p", code=0):
    """What the script wrote; the pod is gone afterwards."""
    agent.apply(pod(name, script, container, spec, metadata))
    ended = wait_for("the end of it", lambda: agent.container(name, "main")["state"] == "exited" and agent.container(name, "main"), 15)
    text = agent.mete("logs", name)
    assert ended["last"]["exitCode"] == code, (ended, text)
    agent.mete("delete", name)
    wait_for("it to be gone", lambda: agent.pod(name) is None)
    return text.stdout


def running(agent, name):
    found = agent.pod(name)
    return found and all(each["state"] == "running" for each in found["containers"] if not each["init"])


def run(agent, manifest, name="p"):
    agent.apply(manifest)
    wait_for("%s to run" % name, lambda: running(agent, name), 15)


def control(path, controller, *names):
    """The text of the first of these control files that this machine has; names are v1's, then v2's."""
    for base in ("/sys/fs/cgroup/" + controller, "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"):
        for name in names:
            if os.path.exists(base + path + "/" + name):
                return base + path + "/" + name
    raise AssertionError("found no %s of %s" % (names, path))


def text_of(path):
    with open(path) as file:
        return file.read().strip()


# Environment, volumes.


def test_env_refers_to_what_was_said_before():
    with Agent().start() as agent:
        seen = output(agent, 'echo "$A|$B|$C|$D|$E"; env', 'env: [{name: A, value: one}, {name: B, value: "$(A)-two"}, {name: C, value: "$$(A)"}, {name: D, value: "$(NOPE)"}, {name: E, value: "$(B)$(A)"}]')
        assert seen.startswith("one|one-two|$(A)|$(NOPE)|one-twoone\n"), seen
        assert "HOSTNAME=p\n" in seen and "PATH=/usr/local/sbin:" in seen, seen
        assert not [line for line in seen.splitlines() if line.startswith("METE")], seen  # nothing of the agent's own
        seen = output(agent, 'echo "$0" "$@"', "args: [zero, $(A), $$(A)]\nenv: [{name: A, value: one}]")
        assert seen == "zero one $(A)\n", seen


CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue, "file.conf": "a = 1\\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {password: %s}
stringData: {user: someone}
---
""" % base64.b64encode(b"open sesame").decode()


def test_config_maps_and_secrets_as_environment_and_files():
    with Agent().start() as agent:
        agent.apply(CONFIG)
        seen = output(agent, 'echo "$COLOUR|$PASSWORD|$P_user|$P_password|$MAYBE|"; cd /c; for f in *; do echo "$f=$(cat $f)"; done; ls /items; stat -c %a /s/password /items/there;'
                      ' cat /s/password; touch /c/x 2>/dev/null; grep " /s " /proc/self/mounts | cut -d" " -f3',
                      "env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}, {name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}},"
                      " {name: MAYBE, valueFrom: {configMapKeyRef: {name: nothing, key: at-all, optional: true}}}]\n"
                      "envFrom: [{prefix: P_, secretRef: {name: keys}}]\n"
                      "volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s, readOnly: true}, {name: i, mountPath: /items}]",
                      "volumes: [{name: c, configMap: {name: settings}}, {name: s, secret: {secretName: keys, defaultMode: 0400}},"
                      " {name: i, configMap: {name: settings, items: [{key: colour, path: there, mode: 0640}]}}]")
        lines = seen.splitlines()
        assert lines[0] == "blue|open sesame|someone|open sesame||", lines
        assert "colour=blue" in lines and "file.conf=a = 1" in lines, lines
        assert lines[-4:] == ["there", "400", "640", "open sesametmpfs"], lines
        # A Secret's content is shown to nobody.
        agent.apply(pod("q", "sleep 100", "env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}}]"))
        for args in (("inspect", "q"), ("ps", "-o", "json"), ("events",)):
            assert "open sesame" not in agent.mete(*args).stdout
        assert "open sesame" not in agent.log_text()


def test_data_that_is_no_text():
    data = bytes(range(256))
    for kind, field, volume in (("ConfigMap", "binaryData", "configMap: {name: raw}"), ("Secret", "data", "secret: {secretName: raw}")):
        with Agent().start() as agent:
            agent.apply("apiVersion: v1\nkind: %s\nmetadata: {name: raw}\n%s: {bytes: %s}\n" % (kind, field, base64.b64encode(data).decode()))
            seen = output(agent, "od -v -An -tx1 /v/bytes", "volumeMounts: [{name: v, mountPath: /v}]", "volumes: [{name: v, %s}]" % volume)
            assert bytes.fromhex(seen) == data, (kind, seen)


def test_an_environment_variable_of_bytes_that_are_no_text():
    with Agent().start() as agent:
        agent.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: raw}\ndata: {bytes: %s}\n" % base64.b64encode(b"\xff\xfe").decode())
        done = agent.mete("apply", "-f", "-", text=pod("p", "printf %s \"$B\" | od -An -tx1", "env: [{name: B, valueFrom: {secretKeyRef: {name: raw, key: bytes}}}]"), check=False)
        assert agent.get("/healthz") == "ok\n"
        if done.returncode != 0:
            assert done.returncode == 1 and "env[0]" in done.stderr, done  # refused with a reason
            return
        wait_for("its end", lambda: agent.container("p")["state"] == "exited")
        assert agent.mete("logs", "p").stdout == " ff fe\n"


def test_empty_dirs_on_disk_and_in_memory_are_shared():
    with Agent().start() as agent:
        manifest = """apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  volumes: [{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]
  containers:
  - name: writer
    image: busybox
    command: [sh, -c, "echo on disk > /d/f; echo in memory > /m/f; dd if=/dev/zero of=/m/big bs=64k count=32 2>/dev/null || echo full; stat -c %a /d /m; sleep 1000"]
    volumeMounts: [{name: disk, mountPath: /d}, {name: memory, mountPath: /m}]
  - name: reader
    image: busybox
    command: [sh, -c, "until [ -s /m/f ]; do usleep 10000; done; cat /d/f /m/f; grep -c ' /m tmpfs' /proc/self/mounts; sleep 1000"]
    volumeMounts: [{name: disk, mountPath: /d}, {name: memory, mountPath: /m}]
"""
        run(agent, manifest)
        wait_for("the reader", lambda: agent.mete("logs", "p", "-c", "reader").stdout == "on disk\nin memory\n1\n", 5)
        wait_for("the writer", lambda: agent.mete("logs", "p", "-c", "writer").stdout == "full\n777\n1777\n" or agent.mete("logs", "p", "-c", "writer").stdout == "full\n777\n777\n", 5)
        agent.mete("delete", "p")
        wait_for("it to be gone", lambda: agent.pod("p") is None)
        assert agent.mounts() == [], agent.mounts()


def test_sub_path_and_read_only_mounts():
    with Agent().start() as agent:
        host = agent.work + "/host"
        os.makedirs(host + "/sub/deep")
        write(host + "/sub/f", "below\n")
        seen = output(agent, "cat /s/f; cat /f; ls /s; touch /r/x 2>/dev/null || echo read-only; rm /r/sub/f 2>/dev/null || echo kept; touch /w/x && echo written; [ -d /s/new ] || ls -d /n",
                      "volumeMounts: [{name: h, mountPath: /s, subPath: sub}, {name: h, mountPath: /f, subPath: sub/f}, {name: h, mountPath: /r, readOnly: true}, {name: h, mountPath: /w}, {name: h, mountPath: /n, subPath: made/new}]",
                      "volumes: [{name: h, hostPath: {path: %s}}]" % host)
        assert seen == "below\nbelow\ndeep\nf\nread-only\nkept\nwritten\n/n\n", seen
        assert os.path.isdir(host + "/made/new") and os.path.exists(host + "/x")  # a missing subPath is made, as in Kubernetes


def test_mounts_within_mounts_in_any_order():
    with Agent().start() as agent:
        seen = output(agent, "touch /a/1 /a/b/2; ls /a /a/b", "volumeMounts: [{name: inner, mountPath: /a/b}, {name: outer, mountPath: /a}]", "volumes: [{name: outer, emptyDir: {}}, {name: inner, emptyDir: {}}]")
        assert seen == "/a:\n1\nb\n\n/a/b:\n2\n", seen


def test_types_of_host_paths():
    with Agent().start() as agent:
        host = agent.work + "/host"
        os.makedirs(host + "/dir")
        write(host + "/file", "x")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(host + "/socket")
            paths = {"Directory": "dir", "File": "file", "Socket": "socket", "CharDevice": "/dev/null", "DirectoryOrCreate": "made/dir", "FileOrCreate": "made-file", '""': "dir"}
            for kind, path in paths.items():
                path = path if path.startswith("/") else host + "/" + path
                mount = "volumeMounts: [{name: h, mountPath: /mnt/h}]"
                seen = output(agent, "stat -c %F /mnt/h", mount, "volumes: [{name: h, hostPath: {path: %s, type: %s}}]" % (path, kind))
                assert seen.strip() in {"Directory": ["directory"], "DirectoryOrCreate": ["directory"], '""': ["directory"], "File": ["regular file", "regular empty file"],
                                        "FileOrCreate": ["regular file", "regular empty file"], "Socket": ["socket"], "CharDevice": ["character special file"]}[kind], (kind, seen)
            for kind, path in (("Directory", "file"), ("File", "dir"), ("Socket", "file"), ("CharDevice", "file"), ("BlockDevice", "file"), ("Directory", "missing"), ("File", "missing"), ("FileOrCreate", "dir")):
                agent.apply(pod("p", "true", "volumeMounts: [{name: h, mountPath: /h}]", "volumes: [{name: h, hostPath: {path: %s/%s, type: %s}}]" % (host, path, kind)))
                waiting = wait_for("it to wait", lambda: agent.container("p")["state"] == "waiting" and agent.container("p").get("message") and agent.container("p"), 5)
                assert host + "/" + path in waiting["message"] and "expected a" in waiting["message"] and waiting["reason"] == "CreateContainerError", (kind, path, waiting)
                assert not os.path.exists(host + "/missing")
                agent.mete("delete", "p")
                wait_for("it to be gone", lambda: agent.pod("p") is None)


# Lives.


def test_init_containers_run_in_order_and_must_succeed():
    with Agent().start() as agent:
        inits = "initContainers:\n" + "".join(
            "- {name: i%d, image: busybox, command: [sh, -c, 'sleep 0.%d; echo i%d >> /m/order'], volumeMounts: [{name: m, mountPath: /m}]}\n" % (i, 3 - i, i) for i in range(3))
        volumes = "volumes: [{name: m, emptyDir: {}}]"
        assert output(agent, "cat /m/order", "volumeMounts: [{name: m, mountPath: /m}]", inits + volumes) == "i0\ni1\ni2\n"
        failing = "initContainers: [{name: bad, image: busybox, command: [sh, -c, 'exit 4']}]"
        agent.apply(pod("p", "echo never", spec=failing))
        wait_for("the pod to fail", lambda: agent.pod("p")["phase"] == "Failed", 5)
        main = agent.container("p", "main")
        assert not main.get("last") and agent.container("p", "bad")["last"]["exitCode"] == 4, agent.pod("p")


SIDECAR = ("- {name: %s, image: busybox, restartPolicy: Always, command: [sh, -c, \"trap 'sleep 0.2; echo end %s >> /m/order; exit 0' TERM; echo %s >> /m/order; "
           "while :; do usleep 10000; done\"], volumeMounts: [{name: m, mountPath: /m}]}\n")


def test_sidecars_run_beside_the_others_and_end_last():
    with Agent().start() as agent:
        host = agent.work + "/host"
        os.mkdir(host)
        order = lambda: open(host + "/order").read().split("\n")[:-1]  # noqa: E731
        volume = "volumes: [{name: m, hostPath: {path: %s}}]\nterminationGracePeriodSeconds: 10" % host
        mount = "volumeMounts: [{name: m, mountPath: /m}]"
        inits = ("initContainers:\n" + SIDECAR % (("one",) * 3) + "- {name: init, image: busybox, command: [sh, -c, 'echo init >> /m/order'], volumeMounts: [{name: m, mountPath: /m}]}\n" +
                 SIDECAR % (("two",) * 3))
        manifest = pod("p", "echo main >> /m/order; while [ ! -e /m/stop ]; do usleep 10000; done; echo end main >> /m/order", mount, inits + volume).replace("  terminationGracePeriodSeconds: 0\n", "")
        agent.apply(manifest)
        wait_for("all to run", lambda: running(agent, "p") and len(order()) == 4, 10)
        assert order()[:3] == ["one", "init", "two"] or order()[:3] == ["one", "init", "main"], order()
        # One that dies is started again, though the pod's restartPolicy is Never.
        os.kill(agent.container("p", "one")["pid"], signal.SIGKILL)
        wait_for("its restart", lambda: agent.container("p", "one")["restarts"] == 1 and agent.container("p", "one")["state"] == "running", 10)
        assert agent.pod("p")["phase"] == "Running" and agent.container("p", "main")["restarts"] == 0
        # The agent's death and birth change nothing.
        agent.kill()
        agent.start()
        wait_for("all to run again", lambda: running(agent, "p") and agent.container("p", "two")["state"] == "running", 10)
        wait_for("its word", lambda: order().count("one") == 2, 5)
        # It completes though they would go on for ever: told one after the other, in reverse.
        write(host + "/stop", "")
        wait_for("the pod's end", lambda: agent.pod("p")["phase"] == "Succeeded", 15)
        assert order()[-3:] == ["end main", "end two", "end one"], order()
        agent.mete("delete", "p")
        wait_for("it to be gone", lambda: agent.pod("p") is None)
        # Deleted: the containers first, then the sidecars in reverse.
        os.unlink(host + "/stop")
        os.unlink(host + "/order")
        agent.apply(manifest.replace("echo main", "trap 'sleep 0.2; echo end main >> /m/order; exit 0' TERM; echo main"))
        wait_for("all to run", lambda: running(agent, "p") and len(order()) == 4, 10)
        agent.mete("delete", "p")
        wait_for("it to be gone", lambda: agent.pod("p") is None)
        assert order()[-3:] == ["end main", "end two", "end one"], order()
        assert not agent.pod_cgroups()
        wait_for("init to have reaped what it had", lambda: not agent.processes(), 10)


def test_a_sidecar_that_does_not_end_is_killed_after_the_grace():
    with Agent().start() as agent:
        deaf = "initContainers: [{name: deaf, image: busybox, restartPolicy: Always, command: [sh, -c, 'trap true TERM; while :; do sleep 1; done']}]\n"
        agent.apply(pod("p", "sleep 0.3", spec=deaf).replace("terminationGracePeriodSeconds: 0", "terminationGracePeriodSeconds: 1"))
        wait_for("the pod's end", lambda: agent.pod("p")["phase"] == "Succeeded", 15)
        assert agent.container("p", "deaf")["last"]["signal"] == 9, agent.container("p", "deaf")


def test_what_a_container_leaves_in_a_shared_pid_namespace_ends_with_it():
    with Agent().start() as agent:
        # It keeps the log open and writes all the time, so nothing but a kill ends it.
        agent.apply(pod("p", "(while :; do echo left; usleep 10000; done) & sleep 0.3; exit 5", spec="shareProcessNamespace: true"))
        ended = wait_for("it to end", lambda: agent.container("p")["state"] == "exited" and agent.container("p"), 5)
        assert ended["last"]["exitCode"] == 5, ended
        wait_for("the rest to be gone", lambda: not any("usleep" in command or "left" in command for _, command in agent.processes()), 5)


def test_restart_policies():
    with Agent().start() as agent:
        for policy, code, phase, restarts in (("Never", 0, "Succeeded", 0), ("Never", 3, "Failed", 0), ("OnFailure", 0, "Succeeded", 0), ("OnFailure", 3, "Running", 1), ("Always", 0, "Running", 1)):
            agent.apply(pod("p", "sleep 0.1; exit %d" % code).replace("restartPolicy: Never", "restartPolicy: " + policy))
            wait_for("%s %d: %s" % (policy, code, phase), lambda: agent.pod("p")["phase"] == phase and agent.container("p")["restarts"] >= restarts and agent.container("p").get("last"), 5)
            time.sleep(0.5)
            own = agent.container("p")
            assert own["restarts"] == restarts and own["last"]["exitCode"] == code, (policy, code, own)
            assert own["state"] == ("exited" if restarts == 0 else "waiting"), (policy, code, own)
            assert restarts == 0 or own["reason"] == "CrashLoopBackOff", own
            assert agent.metric("mete_container_restarts_total", pod="p") == restarts
            agent.mete("delete", "p")
            wait_for("it to be gone", lambda: agent.pod("p") is None)


def test_first_term_then_kill_after_the_grace_period():
    with Agent().start() as agent:
        for script, grace, least, most in (("trap 'echo got it; exit 0' TERM; echo up; while :; do usleep 20000; done", 20, 0, 2), ("trap '' TERM; echo up; while :; do sleep 1; done", 2, 1.8, 4),
                                           ("echo up; exec sleep 1000", 1, 0.8, 3)):  # as process 1, who has no handler is not hit by TERM
            run(agent, pod("p", script).replace("Seconds: 0", "Seconds: %d" % grace))
            wait_for("it to be up", lambda: "up" in agent.mete("logs", "p").stdout)
            begin = time.monotonic()
            agent.mete("stop", "p")
            wait_for("its end", lambda: agent.container("p")["state"] == "exited", 20)
            took = time.monotonic() - begin
            assert least <= took <= most, (script, took)
            if grace == 20:
                assert agent.mete("logs", "p").stdout == "up\ngot it\n" and agent.container("p")["last"]["exitCode"] == 0, agent.container("p")
            else:
                assert agent.container("p")["last"]["exitCode"] == 137, agent.container("p")
            agent.mete("delete", "p")
            wait_for("it to be gone", lambda: agent.pod("p") is None)


def post(agent, target, body=""):
    """Without a process of its own, so that moments can be hit."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(agent.run + "/mete.sock")
        peer.sendall(("POST %s HTTP/1.1\r\nHost: mete\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (target, len(body), body)).encode())
        answer = b""
        while part := peer.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200"), answer


def test_pods_deleted_while_they_start_are_gone_too():
    # Whatever moment of the start the kill falls into. `sleep`, as process 1 without a handler, does not end by TERM.
    manifest = pod("p%d", "").replace('[sh, -c, ""]', "[sleep, '1000']")
    with Agent().start() as agent:
        for index in range(150):
            post(agent, "/mete/v1/apply", manifest % index)
            time.sleep(0.0002 * (index % 75))
            post(agent, "/mete/v1/delete?grace=0&pod=default/p%d" % index)
        why = lambda: [(each["name"], each["phase"], [c["state"] for c in each["containers"]]) for each in agent.pods()]  # noqa: E731
        try:
            wait_for("all to be gone", lambda: not agent.pods(), 15)
        except AssertionError:
            raise AssertionError("still there: %s" % why())


# Namespaces.


def test_hostname():
    with Agent().start() as agent:
        script = "hostname; cat /etc/hostname; grep -c \"127.0.0.1.$HOSTNAME\\$\" /etc/hosts; echo $HOSTNAME"
        assert output(agent, script) == "p\np\n1\np\n"
        assert output(agent, script, spec="hostname: other") == "other\nother\n1\nother\n"
        assert socket.gethostname() not in ("p", "other")


KINDS = ("mnt", "pid", "net", "ipc", "uts", "cgroup")


def test_namespaces_are_its_own_unless_it_asks_for_the_hosts():
    with Agent().start() as agent:
        script = "for n in %s; do readlink /proc/self/ns/$n; done" % " ".join(KINDS)
        host = [os.readlink("/proc/self/ns/" + each) for each in KINDS]
        for spec, shared in (("", ()), ("hostPID: true", ("pid",)), ("hostNetwork: true", ("net", "uts")), ("hostIPC: true", ("ipc",))):
            seen = output(agent, script, spec=spec).split()
            same = tuple(kind for kind, a, b in zip(KINDS, seen, host) if a == b)
            assert same == shared, (spec, same)
        seen = output(agent, "cat /proc/%d/comm; ls /proc | grep -c '^[0-9]'" % agent.process.pid, spec="hostPID: true").split()
        assert seen[0] == "mete" and int(seen[1]) > 3, seen
        assert output(agent, "echo $$$$; ls -d /proc/[0-9]* | wc -l").split()[0] == "1"  # $$ is how a manifest says $


def test_containers_of_a_pod_share_network_ipc_uts_and_pid_when_asked():
    second = "  - name: side\n    image: busybox\n    command: [sleep, '1234']\n"
    with Agent().start() as agent:
        for share in (False, True):
            run(agent, pod("p", "sleep 4321", spec="shareProcessNamespace: %s" % str(share).lower()) + second)
            pids = [each["pid"] for each in agent.pod("p")["containers"]]
            same = {kind for kind in KINDS if len({os.readlink("/proc/%d/ns/%s" % (pid, kind)) for pid in pids}) == 1}
            assert same == {"net", "ipc", "uts"} | ({"pid"} if share else set()), same
            seen = agent.mete("exec", "p", "-c", "main", "--", "ps").stdout
            assert ("sleep 1234" in seen) == share and "sleep 4321" in seen, seen
            agent.mete("delete", "p")
            wait_for("it to be gone", lambda: agent.pod("p") is None)


def test_an_own_network_has_its_loopback_up_and_nothing_else():
    with Agent().start() as agent:
        seen = output(agent, "ls /sys/class/net; cat /sys/class/net/lo/flags; (nc -l -p 5000 127.0.0.1 > /tmp/got & ); for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; echo through | nc 127.0.0.1 5000 2>/dev/null && break; done; "
                             "for i in 1 2 3 4 5 6 7 8 9; do test -s /tmp/got && break; sleep 0.3; done; cat /tmp/got")
        assert seen == "lo\n0x9\nthrough\n", seen


# Rights.


def status(agent, container="", spec=""):
    seen = output(agent, "exec cat /proc/self/status", container, spec)  # busybox's sh ignores SIGQUIT in its children
    return dict(re.findall(r"(?m)^(\w+):\t(.*)$", seen))


DEFAULT_CAPABILITIES = 0x00000000A80425FB  # docker's and containerd's


def test_capabilities():
    with Agent().start() as agent:
        own = int(status(agent)["CapBnd"], 16)
        assert own & ~DEFAULT_CAPABILITIES == 0 and not own >> 21 & 1, hex(own)  # never SYS_ADMIN
        assert not own >> 27 & 1 or own & DEFAULT_CAPABILITIES == own
        net_admin, chown = 1 << 12, 1 << 0
        for asked, added, dropped in (("add: [NET_ADMIN]", net_admin, 0), ("drop: [CHOWN]", 0, chown), ("add: [CAP_NET_ADMIN], drop: [CHOWN]", net_admin, chown)):
            got = status(agent, "securityContext: {capabilities: {%s}}" % asked)
            for each in ("CapBnd", "CapEff", "CapPrm"):
                assert int(got[each], 16) == (own | added) & ~dropped, (asked, got)
            assert int(got["CapInh"], 16) == int(got["CapAmb"], 16) == 0, got
        assert int(status(agent, "securityContext: {capabilities: {drop: [ALL]}}")["CapBnd"], 16) == 0
        assert int(status(agent, "securityContext: {capabilities: {drop: [ALL], add: [CHOWN]}}")["CapEff"], 16) == chown


def test_users_and_groups():
    with Agent().start() as agent:
        script = "id -u; id -g; id -G; touch /x 2>/dev/null || echo refused; grep CapEff /proc/self/status"
        seen = output(agent, script, "securityContext: {runAsUser: 1000, runAsGroup: 2000}", "securityContext: {supplementalGroups: [3000], fsGroup: 4000}").splitlines()
        assert seen[:2] == ["1000", "2000"] and set(seen[2].split()) == {"2000", "3000", "4000"} and seen[3] == "refused" and int(seen[4].split()[1], 16) == 0, seen
        assert output(agent, "id -u; id -g", spec="securityContext: {runAsUser: 7, runAsGroup: 8}") == "7\n8\n"
        assert output(agent, "id -u; id -g", "securityContext: {runAsUser: 9}", "securityContext: {runAsUser: 7, runAsGroup: 8}") == "9\n8\n"


def test_deep_directories_of_a_container_go_with_it():
    with Agent().start() as agent:
        agent.apply(pod("p", "p=$(yes d | head -n 1000 | tr '\\n' /); for i in $(seq 20); do mkdir -p $p && cd -P $p || exit 1; done 2>/dev/null; echo deep; sleep 1000"))
        wait_for("it to be deep", lambda: agent.mete("logs", "p", check=False).stdout == "deep\n", 30)
        agent.mete("delete", "p")
        wait_for("it to be gone", lambda: agent.pod("p") is None, 20)
        memory = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/%d/status" % agent.process.pid).read()).group(1))
        assert os.listdir(agent.state + "/pods") == [] and memory < 350_000, memory


def test_a_sandbox_that_nobody_knows_of_goes_with_its_pod():
    with Agent().start() as agent:
        two = pod("p", "sleep 1000").replace("restartPolicy: Never", "restartPolicy: Always") + "  - {name: side, image: busybox, command: [sleep, '1000']}\n"
        run(agent, two)
        sandboxes = lambda: sum((open(each + "/cgroup.procs").read().split() for each in set(agent.cgroups()) if each.endswith("/_sandbox") and "/memory/" in each), [])  # noqa: E731
        [first] = sandboxes() or [None]
        if first is None:
            return  # memory is on v2 here
        # Its successor cannot be written down.
        [folder] = glob.glob(agent.state + "/pods/*/sandbox")
        os.mkdir(folder + "/started.tmp")
        os.kill(int(first), signal.SIGKILL)
        wait_for("an event", lambda: agent.events("SandboxFailed"), 10)
        wait_for("none to be left", lambda: not sandboxes(), 5)
        os.rmdir(folder + "/started.tmp")
        agent.mete("delete", "p")
        wait_for("it to be gone", lambda: agent.pod("p") is None, 10)
        assert agent.pod_cgroups() == []


def test_files_that_go_meanwhile_are_no_obstacle_to_an_fs_group():
    with Agent().start() as agent:
        # Containers that come again while another one works in the volume: its group is given anew by each new agent.
        busy = pod("p", "mkdir /v/d; ln -s /etc /v/link; while :; do touch /v/d/x /v/d/y; rm /v/d/x /v/d/y; done", "volumeMounts: [{name: v, mountPath: /v}]",
                   "securityContext: {fsGroup: 4000}\nvolumes: [{name: v, emptyDir: {}}]").replace("restartPolicy: Never", "restartPolicy: Always")
        run(agent, busy + "  - {name: again, image: busybox, command: [sleep, '0.2'], volumeMounts: [{name: v, mountPath: /v}]}\n")
        before = os.stat("/etc").st_gid
        for _ in range(3):
            agent.kill()
            agent.start()
            seen = agent.container("p", "again")["restarts"]
            wait_for("the other's restart", lambda: agent.container("p", "again")["restarts"] > seen or agent.container("p", "again")["state"] == "waiting", 10)
        assert not any("chown" in each["message"] or "chmod" in each["message"] for each in agent.events()), agent.events()
        assert os.stat("/etc").st_gid == before


def test_a_volume_is_its_fs_groups():
    with Agent().start() as agent:
        seen = output(agent, "touch /v/x && stat -c %g /v/x", "securityContext: {runAsUser: 1000}\nvolumeMounts: [{name: v, mountPath: /v}]", "securityContext: {fsGroup: 4000}\nvolumes: [{name: v, emptyDir: {}}]")
        assert seen == "4000\n", seen


def test_a_read_only_root():
    with Agent().start() as agent:
        seen = output(agent, "touch /x /tmp/x /etc/x 2>/dev/null || echo refused; touch /v/x && echo volume; touch /dev/shm/x && echo shm; rm /bin/ls 2>/dev/null || echo kept",
                      "securityContext: {readOnlyRootFilesystem: true}\nvolumeMounts: [{name: v, mountPath: /v}]", "volumes: [{name: v, emptyDir: {}}]")
        assert seen == "refused\nvolume\nshm\nkept\n", seen
        # Written roots are each container's own.
        assert output(agent, "touch /x; ls /x") == "/x\n"
        assert output(agent, "ls /x 2>/dev/null || echo gone") == "gone\n"


def test_seccomp_and_no_new_privileges():
    with Agent().start() as agent:
        got = status(agent)
        assert got["Seccomp"] == "2", got
        got = status(agent, "securityContext: {allowPrivilegeEscalation: false}")
        assert got["NoNewPrivs"] == "1" and got["Seccomp"] == "2", got
        # What the filter and the capabilities refuse.
        seen = output(agent, "mount -t tmpfs x /tmp 2>/dev/null || echo no mount; unshare -U true 2>/dev/null || echo no unshare; umount /proc 2>/dev/null || echo no umount; mknod /tmp/m c 1 1 2>/dev/null && cat /tmp/m | head -c1; echo .")
        assert seen == "no mount\nno unshare\nno umount\n.\n", seen


def test_privileged():
    with Agent().start() as agent:
        got = status(agent, "securityContext: {privileged: true}")
        with open("/proc/self/status") as file:
            host = int(re.search(r"CapBnd:\s+(\w+)", file.read()).group(1), 16)
        assert int(got["CapEff"], 16) == host, (got["CapEff"], hex(host))
        # A sandbox around this machine may have a filter of its own; ours is not there.
        with open("/proc/self/status") as file:
            assert got["Seccomp"] == re.search(r"Seccomp:\s+(\d)", file.read()).group(1), got


def test_masked_and_read_only_paths():
    with Agent().start() as agent:
        seen = output(agent, "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ -e $f ] && head -c 10 $f 2>/dev/null | wc -c; done; ls /sys/firmware /proc/scsi 2>/dev/null | grep -v : ; "
                      "echo 1 2>/dev/null > /proc/sys/kernel/panic || echo sys; echo h 2>/dev/null > /proc/sysrq-trigger || echo sysrq; "
                      "touch /sys/x 2>/dev/null || echo sysfs; mkdir /sys/fs/cgroup/memory/x 2>/dev/null || echo cgroup")
        assert re.fullmatch(r"(0\n)*sys\nsysrq\nsysfs\ncgroup\n", seen.replace("\n\n", "\n").lstrip("\n")), seen


def test_devices():
    with Agent().start() as agent:
        seen = set(output(agent, "ls /dev; head -c 4 /dev/zero | od -An -tx1; echo x > /dev/null; dd if=/dev/full of=/dev/null bs=1 count=1 2>/dev/null && echo; ls -ld /dev/stdout | grep -o /proc/self/fd/1").split())
        names = {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "mqueue", "fd", "stdin", "stdout", "stderr", "core", "console"}
        assert {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd", "stdin", "stdout", "stderr"} <= seen, seen
        assert not {each for each in seen if each.isalnum() and not each.isdigit()} - names - {"00"}, seen
        assert output(agent, "echo a > /dev/stdout; : > /dev/shm/x && echo b") == "a\nb\n"


def test_no_descriptors_of_the_hosts():
    with Agent().start() as agent:
        seen = output(agent, "ls -l /proc/self/fd | sed 1d | sed 's/.* -> //'; cat <&0 | wc -c").splitlines()
        assert seen[0] == "/dev/null" and all(each.startswith("pipe:") for each in seen[1:3]), seen
        assert len(seen) == 5 and re.search(r"(/proc/\d+/fd| 3)$", seen[3]) and seen[4] == "0", seen  # 3 is the directory that ls reads
        assert output(agent, "umask") == "0022\n"


def test_no_ignored_or_blocked_signals_of_whoever_started_the_agent():
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # as nohup does with SIGHUP, and a shell's & with SIGINT
    try:
        with Agent().start() as agent:
            # Without a shell, which ignores SIGQUIT itself.
            agent.apply(pod("p", "").replace('[sh, -c, ""]', "[cat, /proc/self/status]"))
            wait_for("its end", lambda: agent.container("p")["state"] == "exited")
            seen = dict(re.findall(r"(?m)^(\w+):\t(.*)$", agent.mete("logs", "p").stdout))
            standard = (1 << 31) - 1
            assert int(seen["SigBlk"], 16) & standard == 0 and int(seen["SigIgn"], 16) & standard == 0, (seen["SigBlk"], seen["SigIgn"])
    finally:
        signal.signal(signal.SIGUSR1, before)


# Limits.

RESOURCES = "resources: {requests: {cpu: 250m, memory: 24Mi}, limits: {cpu: 300m, memory: 40Mi}}"


def test_resources_are_in_the_control_files_exactly():
    with Agent().start() as agent:
        run(agent, pod("p", "sleep 1000", RESOURCES))
        cgroup = agent.container("p")["cgroup"]
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            wanted = {("cpu", "cpu.max"): "30000 100000", ("memory", "memory.max"): str(40 << 20), ("memory", "memory.swap.max"): "0", ("memory", "memory.min"): str(24 << 20)}
        else:
            wanted = {("cpu", "cpu.shares"): "256", ("cpu", "cpu.cfs_quota_us"): "30000", ("cpu", "cpu.cfs_period_us"): "100000", ("memory", "memory.limit_in_bytes"): str(40 << 20),
                      ("memory", "memory.soft_limit_in_bytes"): str(24 << 20)}
            if os.path.exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"):
                wanted[("memory", "memory.memsw.limit_in_bytes")] = str(40 << 20)
        found = {key: text_of(control(cgroup, *key)) for key in wanted}
        assert found == wanted, found
        limits = agent.container("p")["limits"]
        assert limits["cpuQuotaMicroseconds"] == 30000 and limits["memoryBytes"] == 40 << 20 and limits["cpuShares"] == 256, limits
        # From inside, its own cgroup is the root, and cannot be written.
        assert output(agent, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max", RESOURCES, name="q") == "%d\n" % (40 << 20)


def test_drift_is_put_back_within_a_second():
    policy = "apiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec: {selector: {matchLabels: {app: p}}, pids: {max: 50}}\n---\n"
    with Agent().start() as agent:
        run(agent, policy + pod("p", "sleep 1000", RESOURCES, metadata=", labels: {app: p}"))
        cgroup = agent.container("p")["cgroup"]
        cases = [("cpu", "77000", "cpu.cfs_quota_us"), ("cpu", "512", "cpu.shares"), ("memory", str(48 << 20), "memory.soft_limit_in_bytes"), ("memory", str(30 << 20), "memory.limit_in_bytes"), ("pids", "7", "pids.max")]
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            cases = [("cpu", "77000 100000", "cpu.max"), ("memory", str(48 << 20), "memory.max"), ("pids", "7", "pids.max")]
        for controller, value, name in cases:
            path = control(cgroup, controller, name)
            before = text_of(path)
            with open(path, "w") as out:
                out.write(value)
            wait_for("%s to be put back to %s" % (name, before), lambda: text_of(path) == before, 1)
            told = wait_for("an event about " + name, lambda: [each for each in agent.events("LimitDrift") if each["fields"]["file"] == name], 2)
            assert len(told) == 1 and told[0]["fields"]["found"] == value and told[0]["fields"]["expected"] == before, told
            time.sleep(0.25)  # one exposition is shared for 200 ms
            assert agent.metric("mete_limit_drift_total", file=name) == 1, name
        # Also what was changed while no agent looked.
        agent.kill()
        path = control(cgroup, *cases[0][::2])
        before = text_of(path)
        with open(path, "w") as out:
            out.write(cases[0][1])
        agent.start()
        wait_for("it to be put back by the next agent", lambda: text_of(path) == before, 2)


def test_a_policy_bursts_bounds_processes_and_changes_live():
    policy = "apiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec: {selector: {matchLabels: {app: p}}, cpu: {burst: %s}, pids: {max: %d}}\n"
    with Agent().start() as agent:
        write(agent.manifests + "/policy.yaml", policy % ("5ms", 9))
        run(agent, pod("p", "sleep 1000", RESOURCES, metadata=", labels: {app: p}"))
        cgroup, pid = agent.container("p")["cgroup"], agent.container("p")["pid"]
        burst = control(cgroup, "cpu", "cpu.cfs_burst_us", "cpu.max.burst")
        pids = control(cgroup, "pids", "pids.max")
        assert (text_of(burst), text_of(pids)) == ("5000", "9")
        done = agent.mete("exec", "p", "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait", check=False)
        assert "fork" in done.stderr, done
        write(agent.manifests + "/policy.yaml", policy % ("8ms", 30))
        wait_for("the new burst", lambda: (text_of(burst), text_of(pids)) == ("8000", "30"), 3)
        wait_for("an event", lambda: agent.events("PolicyChanged"), 2)
        own = agent.container("p")
        assert own["pid"] == pid and own["restarts"] == 0, own
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_a_policy_that_is_taken_away_leaves_nothing_behind():
    policy = "apiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec: {selector: {matchLabels: {app: p}}, cpu: {burst: 8ms}, pids: {max: 30}}\n"
    with Agent().start() as agent:
        write(agent.manifests + "/policy.yaml", policy)
        run(agent, pod("p", "sleep 1000", RESOURCES, metadata=", labels: {app: p}"))
        cgroup, pid = agent.container("p")["cgroup"], agent.container("p")["pid"]
        burst = control(cgroup, "cpu", "cpu.cfs_burst_us", "cpu.max.burst")
        pids = control(cgroup, "pids", "pids.max")
        assert (text_of(burst), text_of(pids)) == ("8000", "30")
        os.unlink(agent.manifests + "/policy.yaml")
        wait_for("no policy any more", lambda: (text_of(burst), text_of(pids)) == ("0", "max"), 3)
        own = agent.container("p")
        assert own["pid"] == pid and own["restarts"] == 0, own
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_oom_score_adj():
    with Agent().start() as agent:
        assert output(agent, "cat /proc/self/oom_score_adj") == "1000\n"
        burstable = int(output(agent, "cat /proc/self/oom_score_adj", "resources: {requests: {memory: 1Gi}}"))
        assert 3 <= burstable < 1000, burstable
        # Guaranteed is -997, where the machine lets us.
        agent.apply(pod("p", "cat /proc/self/oom_score_adj", "resources: {limits: {cpu: 1, memory: 64Mi}}"))
        wait_for("the end", lambda: agent.container("p")["state"] == "exited")
        told = [each for each in agent.events("NotEnforced") if "oom_score_adj -997" in each["message"]]
        assert agent.mete("logs", "p").stdout == "-997\n" or len(told) == 1, (agent.mete("logs", "p"), told)


# Commands.


def with_terminal(command, typed):
    """Runs it on a terminal of our own, types, and gives its exit code and what came."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    seen = b""
    end = time.monotonic() + 15
    sent = False
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                got = os.read(master, 4096)
            except OSError:
                break
            if not got:
                break
            seen += got
        if not sent and seen:
            os.write(master, typed)
            sent = True
    _, result = os.waitpid(pid, 0 if time.monotonic() < end else os.WNOHANG)
    os.close(master)
    return os.waitstatus_to_exitcode(result), seen.decode()


def test_exec():
    with Agent().start() as agent:
        run(agent, pod("p", "sleep 1000", "env: [{name: A, value: one}]\nworkingDir: /tmp\n" + RESOURCES))
        for command, code in ((["true"], 0), (["sh", "-c", "exit 3"], 3), (["/no/such"], 127), (["nosuch"], 127), (["/etc/passwd"], 126), (["sh", "-c", "kill -9 $$"], 137)):
            done = agent.mete("exec", "p", "--", *command, check=False)
            assert done.returncode == code, (command, done)
            assert code in (0, 3, 137) or command[0] in done.stderr, done
        done = agent.mete("exec", "p", "--", "sh", "-c", "echo out; echo err >&2; echo $A; pwd; hostname; cat /proc/self/cgroup; readlink /proc/self/ns/net")
        assert done.stdout.startswith("out\none\n/tmp\np\n") and done.stderr == "err\n", done
        assert done.stdout.split()[-1] == os.readlink("/proc/%d/ns/net" % agent.container("p")["pid"])
        assert agent.mete("exec", "-i", "p", "--", "wc", "-c", text="12345").stdout == "5\n"
        assert agent.mete("exec", "p", "--", "wc", "-c", text="12345").stdout == "0\n"
        # Its limits are the container's, and its rights too.
        own = agent.mete("exec", "p", "--", "cat", "/proc/self/status", "/proc/1/status").stdout
        for each in ("CapBnd", "CapEff", "Seccomp", "NoNewPrivs", "Uid"):
            assert len(set(re.findall(r"(?m)^%s:\s+(.*)$" % each, own))) == 1, (each, own)
        code, seen = with_terminal([BIN + "/mete", "--state", agent.state, "--run", agent.run, "exec", "-it", "p", "--", "sh", "-c", "tty; stty size; read x; echo got $x; exit 5"], b"typed\n")
        assert code == 5 and "/dev/pts/" in seen and "got typed" in seen, (code, seen)
        assert agent.mete("exec", "-t", "p", "--", "sh", "-c", "exit 6", check=False).returncode == 6
        agent.mete("stop", "p")
        wait_for("it to be stopped", lambda: agent.container("p")["state"] == "exited")
        done = agent.mete("exec", "p", "--", "true", check=False)
        assert done.returncode == 1 and "expected it running" in done.stderr, done


def commands_of_processes():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield int(pid), open("/proc/%s/cmdline" % pid).read().rstrip("\0").split("\0")
        except OSError:
            pass


def test_exec_ends_with_the_command_when_it_is_interrupted():
    with Agent().start() as agent:
        run(agent, pod("p", "sleep 1000"))
        codes = []
        for turn in range(20):
            command = ["sleep", "7%d%02d" % (os.getpid(), turn)]
            child = subprocess.Popen([BIN + "/mete", "--state", agent.state, "--run", agent.run, "exec", "p", "--", *command])
            wait_for("it to run", lambda: any(each == command for _, each in commands_of_processes()), 5, 0)
            child.terminate()
            codes.append(child.wait(5))
        time.sleep(0.3)
        left = agent.mete("exec", "p", "--", "ps").stdout.count("sleep 7%d" % os.getpid())
        assert set(codes) == {143} and left == 0, "exit codes %s, commands left behind: %d" % (codes, left)


def test_logs():
    with Agent().start() as agent:
        agent.apply(pod("p", "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; printf no-newline"))
        wait_for("its end", lambda: agent.container("p")["state"] == "exited")
        done = agent.mete("logs", "p")
        assert done.stdout == "".join("out %d\n" % i for i in range(1, 6)) + "no-newline" + ("\n" if done.stdout.endswith("\n") else ""), done
        assert done.stderr == "".join("err %d\n" % i for i in range(1, 6)), done
        tail = agent.mete("logs", "p", "--tail", "2")
        assert len((tail.stdout + tail.stderr).splitlines()) == 2 and "no-newline" in tail.stdout, tail
        assert agent.mete("logs", "p", "--tail", "0").stdout == ""
        stamped = agent.mete("logs", "p", "-t").stdout.splitlines()
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ", each) for each in stamped), stamped
        # Also when no agent runs.
        agent.kill()
        assert agent.mete("logs", "p", "-c", "main").stdout == done.stdout


def test_logs_without_an_agent_find_the_only_container():
    with Agent().start() as agent:
        agent.apply(pod("p", "echo here"))
        wait_for("its end", lambda: agent.container("p")["state"] == "exited")
        agent.kill()
        done = agent.mete("logs", "p", check=False)
        assert done.stdout == "here\n", done


def test_logs_are_followed_until_the_pod_is_gone():
    with Agent().start() as agent:
        run(agent, pod("p", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done"))
        wait_for("a line", lambda: agent.mete("logs", "p").stdout)
        follower = subprocess.Popen([BIN + "/mete", "--state", agent.state, "--run", agent.run, "logs", "-f", "p"], stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        agent.mete("delete", "p")
        seen, _ = follower.communicate(timeout=15)
        lines = seen.splitlines()
        assert len(lines) > 5 and lines == ["line %d" % i for i in range(1, len(lines) + 1)], lines


def test_logs_rotate_by_size_and_nothing_followed_is_lost():
    with Agent() as agent:
        agent.start("--log-max-bytes", "4096", "--log-files", "3")
        run(agent, pod("p", "i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo line $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; usleep 3000; done; sleep 1000"))
        follower = subprocess.Popen([BIN + "/mete", "--state", agent.state, "--run", agent.run, "logs", "-f", "p"], stdout=subprocess.PIPE, text=True)
        collected = []
        reader = threading.Thread(target=lambda: collected.extend(follower.stdout), daemon=True)
        reader.start()
        folder = agent.state + "/logs/default_p"
        wait_for("the last line", lambda: "line 600 " in agent.mete("logs", "p").stdout, 20)
        files = sorted(os.listdir(folder))
        assert files == ["main.log", "main.log.1", "main.log.2"], files
        assert all(os.path.getsize(folder + "/" + each) <= 4096 for each in files), [os.path.getsize(folder + "/" + each) for each in files]
        kept = "".join(open(folder + "/" + each).read() for each in reversed(files))
        numbers = [int(each) for each in re.findall(r"line (\d+) ", kept)]
        assert numbers == list(range(numbers[0], 601)), numbers
        wait_for("the follower to see it", lambda: any("line 600 " in each for each in list(collected)), 5)
        follower.terminate()
        follower.wait()
        numbers = [int(each) for each in re.findall(r"line (\d+) ", "".join(collected))]
        missing = sorted(set(range(numbers[0], 601)) - set(numbers))
        assert not missing and len(numbers) == len(set(numbers)), "followed lines lost: %s" % missing


def test_the_tail_of_logs_goes_back_over_a_rotation():
    with Agent() as agent:
        agent.start("--log-max-bytes", "4096", "--log-files", "5")
        agent.apply(pod("p", "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i xxxxxxxxxxxxxxxxxxxxxxxx; done"))
        wait_for("its end", lambda: agent.container("p")["state"] == "exited")
        assert len(os.listdir(agent.state + "/logs/default_p")) > 1
        seen = agent.mete("logs", "p", "--tail", "150").stdout.splitlines()
        assert [each.split()[1] for each in seen] == [str(i) for i in range(51, 201)], seen
        assert len(agent.mete("logs", "p").stdout.splitlines()) == 200


def test_the_writable_layer_is_measured():
    with Agent().start() as agent:
        run(agent, pod("p", "dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; sleep 1000"))

        def shown(family):
            lines = [each for each in agent.get("/metrics").splitlines() if each.startswith(family + "{") and 'container="main"' in each]
            return float(lines[0].rsplit(" ", 1)[1]) if lines else None

        # The first scrape has it looked at; a walk that came too early is made again after a minute.
        wait_for("the file", lambda: os.path.exists(agent.container("p")["directory"] + "/upper/big") and
                 os.path.getsize(agent.container("p")["directory"] + "/upper/big") == 8 << 20)
        used = wait_for("the walk", lambda: shown("container_fs_usage_bytes"), 10, 0.3)
        assert 8 << 20 <= used < 9 << 20, used
        assert shown("container_fs_limit_bytes") > used and shown("container_fs_inodes_free") > 0


def test_stop_start_and_kill():
    with Agent().start() as agent:
        run(agent, pod("p", "trap 'echo hup' HUP; echo ready; while :; do usleep 20000; done").replace("restartPolicy: Never", "restartPolicy: Always"))
        first = agent.container("p")["pid"]
        wait_for("its trap", lambda: agent.mete("logs", "p").stdout == "ready\n", 5)
        agent.mete("kill", "p", "-s", "HUP")
        wait_for("the signal", lambda: agent.mete("logs", "p").stdout == "ready\nhup\n", 5)
        assert agent.container("p")["pid"] == first
        agent.mete("stop", "p")
        wait_for("it to be stopped", lambda: agent.container("p")["state"] == "exited", 5)
        time.sleep(0.5)
        assert agent.container("p")["state"] == "exited" and agent.pod("p")["phase"] == "Stopped", agent.pod("p")["phase"]
        assert agent.pod_cgroups() == [], agent.pod_cgroups()
        agent.kill()
        agent.start()
        time.sleep(0.3)
        assert agent.container("p")["state"] == "exited", "stopped stays stopped over the agent's death"
        done = agent.mete("kill", "p", check=False)
        assert done.returncode == 1 and "running" in done.stderr, done
        agent.mete("start", "p")
        wait_for("it to run again", lambda: running(agent, "p"), 5)
        second = agent.container("p")["pid"]
        assert second != first
        agent.mete("kill", "p")
        wait_for("its restart", lambda: agent.container("p").get("pid", second) != second, 20)
        assert agent.container("p")["last"]["exitCode"] == 137 and agent.container("p")["last"]["signal"] == 9, agent.container("p")


def test_apply_diff_and_delete():
    with Agent().start() as agent:
        path = agent.work + "/p.yaml"
        write(path, pod("p", "sleep 1000"))
        assert agent.mete("diff", "-f", path, check=False).returncode == 1
        assert agent.mete("apply", "--dry-run", "-f", path).stdout == "Pod default/p created (dry run)\n" and not agent.pods()
        assert agent.mete("apply", "-f", path).stdout == "Pod default/p created\n"
        wait_for("it to run", lambda: running(agent, "p"))
        pid = agent.container("p")["pid"]
        assert agent.mete("apply", "-f", path).stdout == "Pod default/p unchanged\n"
        done = agent.mete("diff", "-f", path, check=False)
        assert (done.returncode, done.stdout) == (0, ""), done
        # Other words for the same: nothing is restarted.
        write(path, "# a comment\n" + pod("p", "sleep 1000"))
        agent.mete("apply", "-f", path)
        time.sleep(0.3)
        assert agent.container("p")["pid"] == pid
        write(path, pod("p", "sleep 2000"))
        done = agent.mete("diff", "-f", path, check=False)
        assert done.returncode == 1 and re.search(r"(?m)^- .*sleep 1000", done.stdout) and re.search(r"(?m)^\+ .*sleep 2000", done.stdout), done
        assert agent.mete("apply", "-f", path).stdout == "Pod default/p configured\n"
        wait_for("the new one to run", lambda: running(agent, "p") and agent.container("p").get("pid", pid) != pid, 10)
        assert json.loads(agent.mete("apply", "-f", path, "-o", "json").stdout)["results"] == [{"object": "Pod default/p", "action": "unchanged"}]
        # A folder, and several documents.
        os.mkdir(agent.work + "/folder")
        write(agent.work + "/folder/a.yaml", pod("a", "sleep 1000") + "---\n" + pod("b", "sleep 1000"))
        write(agent.work + "/folder/c.yml", pod("c", "sleep 1000").replace("{name: c}", "{name: c, namespace: other}"))
        assert agent.mete("apply", "-f", agent.work + "/folder").stdout.split("\n")[:3] == ["Pod default/a created", "Pod default/b created", "Pod other/c created"]
        wait_for("all to run", lambda: all(running(agent, each) for each in ("a", "b", "other/c")))
        assert agent.mete("delete", "other/c", "a").stdout == "Pod other/c deleted\nPod default/a deleted\n"
        assert agent.mete("delete", "-f", path).stdout == "Pod default/p deleted\n"
        wait_for("them to be gone", lambda: [each["name"] for each in agent.pods()] == ["b"], 10)
        done = agent.mete("delete", "-f", path, check=False)
        assert done.returncode == 4 and "default/p" in done.stderr, done
        # What was applied is there again after the agent's death.
        agent.kill()
        agent.start()
        assert running(agent, "b")


def test_events_are_listed_and_followed():
    with Agent().start() as agent:
        follower = subprocess.Popen([BIN + "/mete", "--state", agent.state, "--run", agent.run, "events", "-f", "-o", "json"], stdout=subprocess.PIPE, text=True)
        lines = []
        threading.Thread(target=lambda: lines.extend(follower.stdout), daemon=True).start()
        run(agent, pod("p", "sleep 1000"))
        wait_for("the follower to see it", lambda: any('"Started"' in each for each in list(lines)), 5)
        agent.mete("delete", "p")
        wait_for("the follower to see its end", lambda: any('"Deleted"' in each for each in list(lines)), 5)
        assert follower.poll() is None
        follower.terminate()
        follower.wait()
        events = [json.loads(each) for each in lines]
        reasons = [each["reason"] for each in events if each["pod"] == "default/p"]
        assert [each for each in reasons if each != "NotEnforced"] == ["Created", "Started", "Terminating", "Exited", "Deleted"], reasons
        table = agent.mete("events").stdout.splitlines()
        assert len(table) == len(agent.events()) and all(re.match(r"\d{4}-\S+Z (Normal |Warning) \w+ \S+: ", each) for each in table), table


def test_what_is_printed_as_a_table_comes_as_yaml_too():
    with Agent().start() as agent:
        run(agent, pod("p", "sleep 1000"))
        assert "name: p\n" in agent.mete("ps", "-o", "yaml").stdout
        assert "name: busybox" in agent.mete("images", "-o", "yaml").stdout
        assert "name: default/p/main\n" in agent.mete("top", "-b", "-n", "1", "-o", "yaml").stdout, "top -o yaml"
        yaml = agent.mete("events", "-o", "yaml").stdout
        assert re.search(r"(?m)^(- )?\s*reason: Created$", yaml), yaml


def test_lists_are_printed_as_asked():
    with Agent().start() as agent:
        run(agent, pod("p", "sleep 1000", RESOURCES))
        table = agent.mete("ps").stdout.splitlines()
        assert table[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "OOMS", "AGE"] and table[1].split()[:5] == ["default", "p", "1/1", "Running", "0"], table
        wide = agent.mete("ps", "-o", "wide").stdout.splitlines()
        assert wide[0].split()[7:] == ["QOS", "IMAGES", "CGROUP", "SOURCE"] and "Burstable" in wide[1] and agent.parent in wide[1], wide
        assert json.loads(agent.mete("ps", "p", "-o", "json").stdout)["pods"][0]["name"] == "p"
        assert "phase: Running\n" in agent.mete("inspect", "p").stdout
        assert json.loads(agent.mete("inspect", "p", "-o", "json").stdout)["containers"][0]["limits"]["memoryBytes"] == 40 << 20
        top = agent.mete("top", "-b", "-n", "1").stdout.splitlines()
        assert top[0].split()[:4] == ["NAME", "STATE", "CPU%", "LIMIT%"], top
        [row] = [each.split() for each in top if each.startswith("default/p/main ")]
        assert row[1] == "running" and row[3] == "30", top
        assert agent.mete("top", "-b", "-n", "2", "-d", "1").stdout.count("NAME ") == 2
        shown = json.loads(agent.mete("top", "-b", "-n", "1", "-o", "json").stdout)
        [row] = [each for each in shown["cgroups"] if each["name"] == "default/p/main"]
        assert row["pids"] == 1 and row["effectiveMemoryLimitBytes"] == 40 << 20, row
        images = agent.mete("images").stdout
        assert "busybox" in images and json.loads(agent.mete("images", "-o", "json").stdout), images
        assert re.fullmatch(r"mete \d+\.\d+\.\d+\S*\n", agent.mete("version").stdout)
        assert agent.mete("ps", "-o", "nonsense", check=False).returncode == 2
        # A reader that goes away early is no failure.
        assert subprocess.run("%s/mete --state %s --run %s ps | true" % (BIN, agent.state, agent.run), shell=True, stderr=subprocess.PIPE).stderr == b""


def test_every_command_has_help_with_examples():
    def help_of(*words):
        done = subprocess.run([BIN + "/mete", *words, "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", (words, done)
        return done.stdout
    commands = re.findall(r"(?m)^  (\w+)  ", help_of().split("Subcommands:")[1])
    wanted = "agent apply delete diff validate ps top events logs metrics stats inspect exec stop start update explain advise kill oom image images rmi version".split()
    assert sorted(commands) == sorted(wanted), commands
    without = []
    for command in [[each] for each in commands] + [["image", "import"], ["oom", "ls"], ["oom", "show"]]:
        text = help_of(*command)
        if "Examples:\n  mete " not in text:
            without.append(" ".join(command))
    assert not without, "no examples in the help of: " + ", ".join(without)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
