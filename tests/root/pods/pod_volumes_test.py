# SPDX-License-Identifier: Apache-2.0
"""Environment and volumes of a Pod, seen from inside its containers."""
import base64
import os
import re
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from pods import container, delete, job, launch, output, pod, wait_exited, wait_running  # noqa: E402


def test_env_refers_to_what_was_said_before():
    with Agent().start() as agent:
        seen = output(agent, 'echo "$A|$B|$C|$D|$E"; env', 'env: [{name: A, value: one}, {name: B, value: "$(A)-two"}, {name: C, value: "$$(A)"}, {name: D, value: "$(NOPE)"}, {name: E, value: "$(B)$(A)"}]')
        assert seen.startswith("one|one-two|$(A)|$(NOPE)|one-twoone\n"), seen
        assert "HOSTNAME=p\n" in seen and "PATH=/usr/local/sbin:" in seen and "\nHOME=/" in seen, seen
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
        seen = output(agent, 'echo "$COLOUR|$PASSWORD|$P_user|$P_password|$MAYBE|"; cd /c; for f in *; do echo "$f=$(cat $f)"; done; ls /items; stat -L -c %a /s/password /items/there;'
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
        agent.apply(job("q", "sleep 100", "env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}}]"))
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
        done = agent.mete("apply", "-f", "-", text=job("p", "printf %s \"$B\" | od -An -tx1", "env: [{name: B, valueFrom: {secretKeyRef: {name: raw, key: bytes}}}]"), check=False)
        assert agent.get("/healthz") == "ok\n"
        if done.returncode != 0:
            assert done.returncode == 1 and "env[0]" in done.stderr, done  # refused with a reason
            return
        wait_exited(agent, "p")
        assert agent.mete("logs", "p").stdout == " ff fe\n"


def test_empty_dirs_on_disk_and_in_memory_are_shared():
    with Agent().start() as agent:
        mounts = "volumeMounts: [{name: disk, mountPath: /d}, {name: memory, mountPath: /m}]"
        writer = "echo on disk > /d/f; echo in memory > /m/f; dd if=/dev/zero of=/m/big bs=64k count=32 2>/dev/null || echo full; stat -c %a /d /m; sleep 1000"
        reader = "until [ -s /m/f ]; do usleep 10000; done; cat /d/f /m/f; grep -c ' /m tmpfs' /proc/self/mounts; sleep 1000"
        launch(agent, job("p", writer, mounts, "volumes: [{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]",
                          more=container("reader", reader, mounts)), "p")
        wait_for("the reader", lambda: agent.logs("p", "-c", "reader") == "on disk\nin memory\n1\n")
        wait_for("the writer", lambda: agent.logs("p", "-c", "main") in ("full\n777\n1777\n", "full\n777\n777\n"))
        delete(agent, "p")
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


def test_a_folder_that_is_made_for_a_sub_path_has_the_volumes_mode():
    user = "securityContext: {runAsUser: 1000, runAsGroup: 3000%s}\n"
    inside = "volumeMounts: [{name: v, mountPath: /s, subPath: %s}, {name: v, mountPath: /v}]"
    look = "touch /s/f && stat -c '%a %g' /s; stat -c '%a' /v/a"
    with Agent().start() as agent:
        for spec, path, seen in ((user % "", "a", "777 0\n777\n"), (user % "", "a/b/c", "777 0\n755\n"),
                                 (user % ", fsGroup: 2000", "a", "2777 2000\n2777\n"), (user % ", fsGroup: 2000", "a/b", "2777 2000\n2755\n"),
                                 ("hostUsers: false\n" + user % "", "a/b", "777 0\n755\n")):
            for medium in ("", "medium: Memory"):
                found = output(agent, look, inside % path, spec + "volumes: [{name: v, emptyDir: {%s}}]" % medium)
                assert found == seen, (spec, path, medium, found)
        # One that is there stays as it is, and one in a folder of the machine is no more open than that.
        os.makedirs(agent.work + "/host/there", mode=0o700)
        os.chmod(agent.work + "/host", 0o710)
        found = output(agent, "stat -c %a /s /n", "volumeMounts: [{name: h, mountPath: /s, subPath: there}, {name: h, mountPath: /n, subPath: new}]",
                       "volumes: [{name: h, hostPath: {path: %s/host}}]" % agent.work)
        assert found == "700\n710\n", found


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
                agent.apply(job("p", "true", "volumeMounts: [{name: h, mountPath: /h}]", "volumes: [{name: h, hostPath: {path: %s/%s, type: %s}}]" % (host, path, kind)))
                waiting = wait_for("it to wait", lambda: agent.container("p")["state"] == "waiting" and agent.container("p").get("message") and agent.container("p"))
                assert host + "/" + path in waiting["message"] and "expected a" in waiting["message"] and waiting["reason"] == "CreateContainerError", (kind, path, waiting)
                assert not os.path.exists(host + "/missing")
                delete(agent, "p")


def test_a_volume_is_its_fs_groups():
    with Agent().start() as agent:
        seen = output(agent, "touch /v/x && stat -c %g /v/x", "securityContext: {runAsUser: 1000}\nvolumeMounts: [{name: v, mountPath: /v}]", "securityContext: {fsGroup: 4000}\nvolumes: [{name: v, emptyDir: {}}]")
        assert seen == "4000\n", seen


def test_files_that_go_meanwhile_are_no_obstacle_to_an_fs_group():
    with Agent().start() as agent:
        # Containers that come again while another one works in the volume: its group is given anew by each new agent.
        busy = pod("p", "mkdir /v/d; ln -s /etc /v/link; while :; do touch /v/d/x /v/d/y; rm /v/d/x /v/d/y; done", "volumeMounts: [{name: v, mountPath: /v}]",
                   "securityContext: {fsGroup: 4000}\nvolumes: [{name: v, emptyDir: {}}]",
                   more=container("again", ["sleep", "0.2"], "volumeMounts: [{name: v, mountPath: /v}]"))
        agent.apply(busy)
        wait_running(agent, "p", main="main")
        before = os.stat("/etc").st_gid
        for _ in range(3):
            agent.kill()
            agent.start()
            seen = agent.container("p", "again")["restarts"]
            wait_for("the other's restart", lambda: agent.container("p", "again")["restarts"] > seen or agent.container("p", "again")["state"] == "waiting")
        assert not any("chown" in each["message"] or "chmod" in each["message"] for each in agent.events()), agent.events()
        assert os.stat("/etc").st_gid == before


def test_deep_directories_of_a_container_go_with_it():
    with Agent().start() as agent:
        agent.apply(job("p", "p=$(yes d | head -n 1000 | tr '\\n' /); for i in $(seq 20); do mkdir -p $p && cd -P $p || exit 1; done 2>/dev/null; echo deep; sleep 1000"))
        wait_for("it to be deep", lambda: agent.logs("p") == "deep\n")
        delete(agent, "p")
        memory = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/%d/status" % agent.process.pid).read()).group(1))
        assert os.listdir(agent.state + "/pods") == [] and memory < 350_000, memory


def test_the_writable_layer_is_measured():
    with Agent().start() as agent:
        launch(agent, job("p", "dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; sleep 1000"), "p")

        def shown(family):
            lines = [each for each in agent.get("/metrics").splitlines() if each.startswith(family + "{") and 'pod="p",container="main"' in each]
            return float(lines[0].rsplit(" ", 1)[1]) if lines else None

        # The first scrape starts the walk over the layer: a walk that comes before the file is repeated only after a minute.
        wait_for("the file", lambda: os.path.exists(agent.container("p")["directory"] + "/diff/big") and
                 os.path.getsize(agent.container("p")["directory"] + "/diff/big") == 8 << 20)
        used = wait_for("the walk", lambda: (shown("container_fs_usage_bytes") or 0) >= 8 << 20 and shown("container_fs_usage_bytes"), 120, 0.3)
        assert used < 9 << 20, used
        assert shown("container_fs_limit_bytes") > used and shown("container_fs_inodes_free") > 0


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
