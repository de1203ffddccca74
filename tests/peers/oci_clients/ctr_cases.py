# SPDX-License-Identifier: Apache-2.0
"""containerd's shim, driven by `ctr`."""
import json
import os
import time

from mete_agent import wait_for
from oci_clients.inside import INVENTORY, limits_of
from oci_clients_support import control_of
from two_runtimes import has, same

PROMPT = "# "
INTERRUPTED = r"\^C[^#]*# "  # the line discipline throws away what was typed until then


def run_and_exit_codes(c):
    same("true", c.run(command=["true"]).code, 0)
    same("exit 7", c.run(command=["sh", "-c", "exit 7"], check=False).code, 7)
    same("output", c.run(command=["sh", "-c", "echo out; echo err >&2"]).err, "err\n")


def a_command_that_is_not_there(c):
    done = c.run(command=["/no/such"], check=False)
    assert done.code != 0, done
    has("message", done.err.lower(), "/no/such", "no such file or directory")
    plain = c.run(command=["/etc/passwd"], check=False)
    has("message", plain.err.lower(), "/etc/passwd", "permission denied")


def run_on_a_terminal(c):
    name = c.new_name()
    with c.terminal(*c.run_words(name, "--rm", "-t", command=["sh"])) as t:
        t.expect(PROMPT)
        size = t.ask('echo "t=$(tty) s=$(stty size)"', r"^t=(\S+) s=(40 120)$").groups()
        t.resize_to(31, 97)
        t.type("sleep 100\n")
        t.expect("sleep 100\n")
        time.sleep(0.5)
        t.type("\x03")
        t.expect(INTERRUPTED)
        t.type("echo code=$?\n")
        t.expect("^code=130$")
        t.type("exit 9\n")
        same("exit code", t.wait(), 9)
        return size


def exec_in_a_task(c):
    name = c.start()
    same("code", c.exec(name, "sh", "-c", "exit 5", check=False).code, 5)
    same("output", c.printed_by(name, "sh", "-c", "echo out"), "out\n")
    same("user", c.printed_by(name, "sh", "-c", "id -u; id -g; pwd", options=("--user", "1000:7", "--cwd", "/tmp")), "1000\n7\n/tmp\n")
    missing = c.exec(name, "/no/such", check=False)
    assert missing.code != 0, missing
    has("message", missing.err.lower(), "no such file or directory")
    return c.printed_by(name, "grep", "Cap", "/proc/self/status")


def exec_on_a_terminal(c):
    name = c.start()
    with c.terminal("task", "exec", "-t", "--exec-id", "t", name, "sh") as t:
        t.expect(PROMPT)
        t.ask('echo "t=$(tty) s=$(stty size)"', r"^t=/dev/pts/\d+ s=40 120$")
        t.type("exit 4\n")
        same("exit code", t.wait(), 4)


def attach_to_a_task(c):
    name = c.new_name()
    with c.terminal(*c.run_words(name, "-d", "-t", command=["sh"])) as t:  # ctr itself wants one
        same("code of run", t.wait(), 0)
    with c.terminal("task", "attach", name) as t:
        t.ask("echo he''llo", "^hello$")
        t.type("exit 3\n")
        return t.wait()


def pause_resume(c):
    name = c.start(script="i=0; while true; do i=$((i+1)); echo $i > /n; sleep 0.02; done")
    count = "/proc/%d/root/n" % c.pid(name)
    wait_for("it to count", lambda: int(open(count).read() or 0) > 3)
    c.cli("task", "pause", name)
    same("state", c.state(name), "PAUSED")
    before = open(count).read()
    time.sleep(0.4)
    same("while paused", open(count).read(), before)
    c.cli("task", "resume", name)
    same("state", c.state(name), "RUNNING")
    wait_for("it to go on", lambda: int(open(count).read() or 0) > int(before or 0) + 3)


def kill_by_name_and_number(c):
    for signal in ("SIGUSR1", "10"):
        name = c.start(script="trap 'exit 42' USR1; touch /ready; while true; do sleep 0.05; done")
        wait_for("its trap", lambda: os.path.exists("/proc/%d/root/ready" % c.pid(name)))  # noqa: B023 - called here
        c.cli("task", "kill", "-s", signal, name)
        wait_for("its end", lambda: c.state(name) == "STOPPED")
        has("task rm", c.cli("task", "rm", name).err, "exit code 42")
    name = c.start(script="sleep 600 & sleep 601")
    c.cli("task", "kill", "-a", "-s", "SIGKILL", name)
    wait_for("its end", lambda: c.state(name) == "STOPPED")
    c.cli("task", "rm", name, check=False)
    same("container rm", c.cli("container", "rm", name).code, 0)


def metrics_of_a_task(c):
    name = c.start("--memory-limit", str(64 << 20), script="while true; do :; done")
    def measured():
        found = json.loads(c.cli("task", "metrics", "--format", "json", name).out)
        return int(found["cpu"]["usage"]["total"]) > 10_000_000 and found
    found = wait_for("some CPU to be used", measured)
    usage = found["memory"]["usage"]
    assert int(usage["usage"]) > 0 and int(usage["limit"]) == 64 << 20, usage
    assert int(found["pids"]["current"]) >= 1, found["pids"]
    return sorted(found)


def processes_of_a_task(c):
    name = c.start(script="sleep 600 & sleep 601")
    processes = lambda: [line.split()[0] for line in c.cli("task", "ps", name).out.splitlines()[1:]]  # noqa: E731
    pids = wait_for("all of them", lambda: len(processes()) >= 2 and processes())
    same("first process among them", str(c.pid(name)) in pids, True)
    assert len(pids) >= 2, pids
    return len(pids)


def everything_seen_from_inside(c):
    return c.sh(INVENTORY)


def everything_seen_from_inside_with_the_default_profile(c):
    return c.sh(INVENTORY, "--seccomp", "--cwd", "/tmp", "--env", "X=1")


def everything_seen_from_inside_privileged(c):
    return c.sh(INVENTORY, "--privileged")


def read_only_root_and_mounts(c):
    folder = c.work + "/volume"
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/f", "w") as file:
        file.write("content\n")
    text = c.sh("cat /v/f; touch /v/x 2>/dev/null || echo refused; touch /x 2>/dev/null || echo root refused", "--read-only",
                "--mount", "type=bind,src=%s,dst=/v,options=rbind:ro" % folder)
    same("output", text, "content\nrefused\nroot refused\n")


def limits_in_every_control_file(c):
    name = c.start("--memory-limit", str(96 << 20), "--cpus", "0.5")
    text = limits_of(c.pid(name), control_of)
    has("limits", text, "memory.limit_in_bytes 100663296", "cpu.cfs_quota_us 50000")
    return text


def out_of_memory_is_told(c):
    name = c.new_name()
    done = c.cli(*c.run_words(name, "--rm", "--memory-limit", str(32 << 20), command=["dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"]), check=False)
    same("code", done.code, 137)


def a_namespace_of_others(c):
    first = c.start()
    second = c.start("--with-ns", "pid:/proc/%d/ns/pid" % c.pid(first), "--with-ns", "network:/proc/%d/ns/net" % c.pid(first))
    for kind in ("pid", "net"):
        same(kind, os.readlink("/proc/%d/ns/%s" % (c.pid(second), kind)), os.readlink("/proc/%d/ns/%s" % (c.pid(first), kind)))
    has("processes", c.printed_by(second, "ps"), "sleep 600")


def descriptors_of_the_shim_stay_outside(c):
    same("descriptors", c.run(command=["ls", "/proc/self/fd"]).out, "0\n1\n2\n3\n")


def killed_while_paused(c):
    name = c.start()
    pid = c.pid(name)
    c.cli("task", "pause", name)
    done = c.cli("task", "kill", "-s", "SIGKILL", name, check=False)
    c.cli("task", "resume", name, check=False)
    wait_for("its end", lambda: not os.path.exists("/proc/%d" % pid) or c.state(name) == "STOPPED")
    return done.code
