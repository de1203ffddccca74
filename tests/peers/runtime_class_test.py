# SPDX-License-Identifier: Apache-2.0
"""Pods whose containers another OCI runtime makes: Debian's runc and crun, and mete-oci as one of them. Each container is held beside the one that mete
makes itself."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from leftovers import processes_naming  # noqa: E402
from mete_agent import SLOW, run_tests, skip_case, wait_for  # noqa: E402
from other_runtimes import RuntimesAgent  # noqa: E402
from pods import container, delete, job, launch, pod, wait_exited, wait_restarted, wait_running  # noqa: E402
from terminal import Terminal  # noqa: E402

RUNTIMES = [each for each in ("runc", "crun", "own") if each == "own" or shutil.which(each)]

# What it is in, has, and may. Not what runtimes differ in by their nature: the order of mounts, and the options of /sys/fs/cgroup.
LOOK = r"""
id; hostname; pwd; umask; env | sort
grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
cat /proc/self/oom_score_adj
ulimit -n
for each in net ipc uts pid mnt cgroup; do test $(readlink /proc/self/ns/$each) = $(readlink /proc/1/ns/$each) && echo own $each; done
sed 's/^[0-9]*:[^:]*://' /proc/self/cgroup | sort -u
ls /dev | sort | tr '\n' ' '; ls -l /dev/null /dev/tty | awk '{print $1, $5, $6}'
for each in / /proc /dev /dev/shm /dev/mqueue /sys /v /w/deep /config; do
  awk -v at=$each '$5 == at {n = split($6, all, ","); line = ""; for (i = 1; i <= n; i++) if (all[i] !~ /atime/) line = line " " all[i]; found = at line} END {print found}' /proc/self/mountinfo
done
touch /x 2>&1; touch /v/x 2>&1; touch /w/deep/x 2>&1; ls /v /w/deep /config | sort; cat /config/key
cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced
mknod /dev/x c 1 3 2>&1; head -c 1 /proc/kcore 2>&1 | wc -c; ls /proc/scsi 2>&1 | wc -l; echo 1 2>&1 > /proc/sys/vm/drop_caches
unshare -U true 2>&1; mount -t tmpfs none /mnt 2>&1; keyctl 2>&1 | head -1
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
echo out; echo err >&2
"""
MOUNTS = """volumeMounts:
- {name: v, mountPath: /v, readOnly: %s}
- {name: v, mountPath: /w/deep, subPath: a/b}
- {name: c, mountPath: /config}
env: [{name: A, value: "b c"}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
resources: {limits: {memory: 64Mi, cpu: 500m}}
"""
VOLUMES = "volumes: [{name: v, emptyDir: {}}, {name: c, configMap: {name: data}}]\n"
DATA = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data}\ndata: {key: value}\n"
SECURITY = {
    "plain": "",
    "user": "securityContext: {runAsUser: 1000, runAsGroup: 7, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n",
    "read-only": "securityContext: {readOnlyRootFilesystem: true, capabilities: {add: [NET_ADMIN]}}\n",
    "unconfined": "securityContext: {seccompProfile: {type: Unconfined}}\nworkingDir: /made/here\n",
}


def class_line(runtime):
    return "runtimeClassName: %s\n" % runtime if runtime else ""


def nothing_is_left(agent):
    def left():
        return agent.processes() or agent.pod_cgroups() or agent.mounts() or os.listdir(agent.state + "/pods") or processes_naming(agent.state + "/pods")
    try:
        wait_for("nothing to be left of it", lambda: not left())
    except AssertionError as error:
        raise AssertionError("%s: %s" % (error, left())) from error


def no_limit_was_changed(agent):
    drift = agent.events("LimitDrift")
    assert not drift, drift


def looked(agent, runtime, security, more=""):
    name = "look"
    agent.apply(DATA + "---\n" + job(name, LOOK, MOUNTS % ("true" if security == "user" else "false") + SECURITY[security], VOLUMES + class_line(runtime), more=more, main="main"))
    ended = wait_exited(agent, name, "main")
    text = agent.mete("logs", name, "-c", "main").stdout
    assert ended["last"]["exitCode"] == 0, (ended, text)
    delete(agent, name)
    # Its root is the directory of an attempt, its cgroup that of mete in each hierarchy.
    return [line for line in text.replace(agent.parent, "PARENT").splitlines() if line]


def compared(seen, expected, runtime):
    """Lines that only one of the two has, without what is known of a runtime."""
    known = [r"^/ .*", r"^(own|out|err)$", r"^(core )?fd full "]  # /dev/core, where the kernel has /proc/kcore
    # The view that crun is shown has no cgroup2.
    if runtime == "crun":
        known += [r"^/(\.\.)?.*", r"^0::", r"^PARENT/"]
    # It remounts a read-only bind without the flags that its source has.
    if runtime == "runc":
        known.append(r"^/(config|v) ro")
    there = [each for each in seen if each not in expected] + ["missing: " + each for each in expected if each not in seen]
    return [each for each in there if not any(re.search(pattern, each.replace("missing: ", "")) for pattern in known)]


def held_beside_metes(security):
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        expected = looked(agent, "", security)
        for runtime in RUNTIMES:
            seen = looked(agent, runtime, security)
            print("%s, %s: %d lines" % (runtime, security, len(seen)))
            differences = compared(seen, expected, runtime)
            assert not differences, (runtime, security, differences)
        no_limit_was_changed(agent)
        nothing_is_left(agent)


def test_a_container_is_what_mete_makes_of_it():
    held_beside_metes("plain")


def test_a_user_is_what_mete_makes_of_it():
    held_beside_metes("user")


def test_a_read_only_root_is_what_mete_makes_of_it():
    held_beside_metes("read-only")


def test_an_unconfined_one_is_what_mete_makes_of_it():
    held_beside_metes("unconfined")


def test_containers_of_a_pod_share_what_they_share():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in RUNTIMES:
            first = "echo from-main > /v/file; hostname > /v/name; nc -l -p 7777 < /v/file; sleep 1000"
            second = "until test -s /v/name; do usleep 50000; done; until nc -w 2 127.0.0.1 7777 > /tmp/got 2>/dev/null && test -s /tmp/got; do usleep 50000; done; cat /tmp/got; test $(hostname) = $(cat /v/name) && echo one-name; sleep 1000"
            volume = "volumeMounts: [{name: v, mountPath: /v}]"
            agent.apply(pod("two", first, volume, VOLUMES.replace(", {name: c, configMap: {name: data}}", "") + class_line(runtime), more=container("side", second, volume)))
            wait_running(agent, "two")
            wait_for("%s: the second to hear the first" % runtime, lambda: agent.mete("logs", "two", "-c", "side", check=False).stdout == "from-main\none-name\n")
            delete(agent, "two")
            nothing_is_left(agent)


def test_a_probe_an_exec_and_a_copy_enter_it():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        probe = "readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}\nsecurityContext: {runAsUser: 1000}"
        for runtime in RUNTIMES:
            launch(agent, pod("web", lines=probe, spec=class_line(runtime)))
            assert not agent.pod("web")["ready"]
            agent.mete("exec", "web", "--", "touch", "/tmp/ready")
            wait_for("%s: it to be ready" % runtime, lambda: agent.pod("web")["ready"])
            assert agent.mete("exec", "web", "--", "id", "-u").stdout == "1000\n"
            agent.mete("cp", __file__, "web:/tmp/copy")
            assert agent.mete("exec", "web", "--", "wc", "-c", "/tmp/copy").stdout.split()[0] == str(os.path.getsize(__file__))
            with Terminal(agent.words("exec", "-it", "web", "--", "sh"), rows=33, columns=99) as terminal:
                terminal.type("stty size; tty\n")
                terminal.expect(r"^33 99$")
                terminal.expect(r"^/dev/pts/0$")
                terminal.type("exit 7\n")
                assert terminal.wait() == 7
            delete(agent, "web")


def test_a_shell_with_a_terminal_is_attached_to():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in RUNTIMES:
            launch(agent, pod("p", ["sh"], "stdin: true\ntty: true", class_line(runtime)), "p")
            with Terminal(agent.words("attach", "p"), rows=33, columns=99) as terminal:
                terminal.expect("try pressing enter")
                terminal.type("\n")
                terminal.type("stty size; tty; test -t 2 && echo a-$TERM\n")
                terminal.expect(r"^33 99$")
                terminal.expect(r"^/dev/pts/0$")
                terminal.expect(r"^a-xterm$")
                terminal.resize(44, 111)
                os.kill(terminal.process.pid, signal.SIGWINCH)
                wait_for("%s: the new size" % runtime, lambda: (terminal.type("stty size\n"), terminal.expect(r"^\d+ \d+$").group(0) == "44 111")[1])
                terminal.type("exit 5\n")
                assert terminal.wait() == 5
            wait_restarted(agent, "p")
            assert agent.container("p")["last"]["exitCode"] == 5, agent.container("p")
            delete(agent, "p")


def test_docker_s_clients_name_one():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in [each for each in RUNTIMES if each != "runc"]:
            run = ("run", "--rm", "--runtime", runtime, "-m", "64m")
            assert agent.mete(*run, "busybox", "sh", "-c", "echo $0; id -u; exit 0", "hello").stdout == "hello\n0\n", runtime
            assert agent.mete(*run, "busybox", "sh", "-c", "exit 7", check=False).returncode == 7, runtime
            agent.mete(*run, "-d", "--name", "stays", "busybox", "sleep", "1000")
            assert agent.mete("inspect", "--format", "{{.HostConfig.Runtime}}", "stays").stdout == runtime + "\n"
            assert agent.mete("exec", "stays", "cat", "/proc/1/comm").stdout == "sleep\n", runtime
            agent.mete("stop", "-t", "0", "stays")
            done = agent.mete(*run, "--init", "busybox", "true", check=False)
            assert done.returncode == 125 and "with the runtime `%s`" % runtime in done.stderr, done
        # It is the one that makes the container.
        done = agent.mete("run", "--rm", "--runtime", "failing", "busybox", "true", check=False)
        assert done.returncode in (125, 126, 127) and "the moon is" in done.stderr and agent.calls("failing")[0] == "create", done
        done = agent.mete("run", "--rm", "--runtime", "uninstalled", "busybox", "true", check=False)
        assert done.returncode == 125 and "Unknown runtime specified uninstalled" in done.stderr, done
        known = json.loads(agent.mete("info", "--format", "{{json .Runtimes}}").stdout)
        assert {"mete", "own", "failing"} <= set(known) and not {"gone", "uninstalled"} & set(known), known
        wait_for("nothing to stay", lambda: agent.mete("ps", "-aq").stdout == "")
        nothing_is_left(agent)


def test_an_oom_kill_is_counted_and_the_counters_go_on():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        hog = "if [ -e /v/again ]; then sleep 1000; fi; touch /v/again; dd if=/dev/zero of=/dev/null bs=200M count=1"
        for runtime in RUNTIMES:
            agent.apply(pod("hog", hog, "volumeMounts: [{name: v, mountPath: /v}]\nresources: {limits: {memory: 48Mi}}", "volumes: [{name: v, emptyDir: {}}]\n" + class_line(runtime)))
            again = wait_restarted(agent, "hog")
            assert (again["last"]["reason"], again["last"]["exitCode"]) == ("OOMKilled", 137), (runtime, again)
            # dd's kill is the shell's end, too: one container, one kill, and the cgroup with its counter is the same.
            kills = agent.metric("mete_oom_kills_total", pod="hog")
            assert kills == 1, (runtime, kills)
            group = [each for each in agent.pod_cgroups() if each.endswith("/main") and "/memory/" in each + "/"]
            if group and os.path.exists(group[0] + "/memory.oom_control"):
                assert "oom_kill 1" in open(group[0] + "/memory.oom_control").read(), runtime
                assert open(group[0] + "/memory.limit_in_bytes").read() == "%d\n" % (48 << 20), runtime
            delete(agent, "hog")
        no_limit_was_changed(agent)


def test_it_is_told_to_end_and_ends():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in RUNTIMES:
            launch(agent, pod("web", "trap 'echo told; exit 3' TERM; echo ready; while :; do usleep 50000; done", spec=class_line(runtime), grace=30))
            wait_for("the trap", lambda: "ready" in agent.logs("web"))
            follower = agent.begin("logs", "-f", "web", stdout=subprocess.PIPE)
            began = time.monotonic()
            delete(agent, "web")
            assert time.monotonic() - began < 20 * SLOW, "it was not told"
            assert "told" in follower.communicate(timeout=60)[0], runtime
            nothing_is_left(agent)


def test_a_command_that_is_not_there_is_docker_s_127():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in RUNTIMES:
            for command, code in (("/no/such", 127), ("no-such-command", 127), ("/etc/passwd", 126)):
                agent.apply(pod("bad", [command], spec=class_line(runtime), restart="Never"))
                ended = wait_exited(agent, "bad")
                assert (ended["last"]["reason"], ended["last"]["exitCode"]) == ("StartError", code), (runtime, command, ended)
                assert ended["message"].startswith("runtime %s, " % runtime) and command in ended["message"], ended
                delete(agent, "bad")
                nothing_is_left(agent)


def test_a_runtime_that_is_not_there_is_waited_for():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime, words in (("gone", "agent.yaml names /nowhere/runtime"), ("uninstalled", "found no program \"uninstalled\" in /usr/local/sbin")):
            agent.apply(pod("web", spec=class_line(runtime)))
            wait_for("the reason", lambda: agent.container("web").get("reason") == "CreateContainerError")
            assert words in agent.container("web")["message"], agent.container("web")
            event = agent.event("CreateContainerError")
            assert "runtime " + runtime in agent.container("web")["message"], event
            delete(agent, "web")
        refused = agent.mete("apply", "-f", "-", text=pod("own-users", spec="hostUsers: false\n" + class_line("runc")), check=False)
        assert refused.returncode != 0 and "spec.hostUsers" in refused.stderr and "runtime `runc`" in refused.stderr, refused.stderr


def test_a_runtime_that_fails_leaves_an_error_and_nothing_else():
    expected = {"failing": 'create: the moon is "full"', "silent": "create: it ended with exit code 3 and said nothing", "lying": 'found "1" in ',
                "mute": "runtime.pid", "half": "start: it ended with exit code 1"}
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime, words in expected.items():
            agent.apply(pod("web", spec=class_line(runtime), restart="Never"))
            ended = wait_exited(agent, "web")
            assert (ended["last"]["reason"], ended["last"]["exitCode"]) == ("StartError", 128), ended
            assert words in ended["message"], (runtime, ended["message"])
            assert agent.calls(runtime)[-1] == "delete", agent.calls(runtime)
            delete(agent, "web")
            nothing_is_left(agent)
        # It is waited for no longer than an agent waits that finds its shim.
        agent.apply(pod("web", spec=class_line("hanging"), restart="Never"))
        ended = wait_exited(agent, "web")
        assert "found that it does not end" in ended["message"], ended
        delete(agent, "web")
        nothing_is_left(agent)


def test_what_is_killed_is_found():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in RUNTIMES:
            launch(agent, pod("web", spec=class_line(runtime)))
            before = agent.container("web")["pid"]
            agent.kill()
            agent.start()
            assert wait_running(agent, "web")["pid"] == before, runtime
            for pid, command in agent.processes():
                if "mete-shim" in command:
                    os.kill(pid, signal.SIGKILL)
            again = wait_restarted(agent, "web")
            assert again["last"]["reason"] == "ShimLost", again
            delete(agent, "web")
            nothing_is_left(agent)


def test_an_agent_that_dies_while_it_starts_changes_nothing():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        for runtime in RUNTIMES:
            for wait in (0.0, 0.02, 0.05, 0.1):
                applying = agent.begin("apply", "-f", "-", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                applying.stdin.write(pod("web", spec=class_line(runtime)))
                applying.stdin.close()
                wait_for("its record", lambda: os.listdir(agent.state + "/pods"))
                time.sleep(wait)
                agent.kill()
                applying.wait()
                agent.start()
                wait_running(agent, "web")
                # A runtime's own first process executes the command a moment after it was started.
                inside = wait_for("its command", lambda: [each for each in agent.processes() if "sleep 1000" in each[1]])
                assert len(inside) == 1, (runtime, wait, inside)
                delete(agent, "web")
                nothing_is_left(agent)


def test_another_handler_is_another_pod():
    with RuntimesAgent() as agent:
        agent.start_with_runtimes()
        launch(agent, pod("web", spec=class_line("own")))
        before = agent.container("web")["pid"]
        agent.apply("apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: own}\nhandler: mete\n")
        wait_for("another container", lambda: (agent.container("web") or {}).get("pid") not in (None, 0, before))
        delete(agent, "web")


def test_who_misses_runtimes_is_told():
    missing = [each for each in ("runc", "crun") if each not in RUNTIMES]
    if missing:
        skip_case("needs %s of Debian" % ", ".join(missing))
    assert RUNTIMES == ["runc", "crun", "own"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
