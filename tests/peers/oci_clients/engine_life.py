# SPDX-License-Identifier: Apache-2.0
"""The life of a container, in words that podman and docker share: each case is run by both, on each runtime."""
import os
import re
import time

from mete_agent import wait_for
from two_runtimes import has, same

PROMPT = "# "
INTERRUPTED = r"\^C[^#]*# "  # the line discipline throws away what was typed until then

def exit_codes_of_run(c):
    same("true", c.run(c.tag, "true").code, 0)
    same("exit 7", c.run(c.tag, "sh", "-c", "exit 7", check=False).code, 7)
    same("killed by a signal of its own", c.run(c.tag, "sh", "-c", "sh -c 'kill -9 $$'; exit $?", check=False).code, 137)


def a_command_that_is_not_there_is_127_and_said(c):
    done = c.run(c.tag, "/no/such", check=False)
    same("code", done.code, 127)
    has("message", done.err.lower(), "/no/such", "no such file or directory")
    by_name = c.run(c.tag, "nosuch", check=False)
    same("code of one looked for in PATH", by_name.code, 127)
    has("message", by_name.err.lower(), "nosuch", "not found")


def a_command_that_cannot_be_executed_is_126_and_said(c):
    done = c.run(c.tag, "/etc/passwd", check=False)
    same("code", done.code, 126)
    has("message", done.err, "/etc/passwd", "permission denied")
    return c.run(c.tag, "/etc", check=False).code  # a directory


def a_wrong_flag_is_125(c):
    same("code", c.run("--no-such-flag", c.tag, "true", check=False).code, 125)


def what_is_refused_late_is_an_error_with_the_place(c):
    done = c.run("-w", "/etc/passwd", c.tag, "true", check=False)
    assert done.code in (125, 126, 127), done
    has("message", done.err.lower(), "not a directory")
    return done.code


def stdin_stdout_and_stderr(c):
    done = c.run("-i", c.tag, "sh", "-c", "tr a-z A-Z; echo err >&2", text="some text\n" * 20000)
    same("stdout", done.out, "SOME TEXT\n" * 20000)
    same("stderr", done.err, "err\n")


def run_on_a_terminal(c):
    with c.terminal("run", "--rm", "-it", *c.options(), c.tag, "sh") as t:
        t.expect(PROMPT)
        size = t.ask('echo "t=$(tty) s=$(stty size)"', r"^t=(\S+) s=(40 120)$").groups()
        t.resize_to(33, 99)
        t.type("echo con''sole > /dev/console\n")
        t.expect("^console$")
        t.type("test -t 0 && test -t 1 && test -t 2 && echo all''three\n")
        t.expect("^allthree$")
        t.type("sleep 100\n")
        t.expect("sleep 100\n")
        time.sleep(0.5)
        t.type("\x03")
        t.expect(INTERRUPTED)
        t.type("echo code=$?\n")
        t.expect("^code=130$")
        t.type("stat -c 'dev=%F %t %a' /dev/console; awk '{print \"tty=\" $7}' /proc/self/stat; echo \"pts=$(ls /dev/pts | tr '\\n' ' ')\"\n")
        seen = (t.expect("^dev=(.*)$").group(1), t.expect(r"^tty=(\d+)$").group(1), t.expect("^pts=(.*)$").group(1))
        assert "job control" not in t.text, t.text
        t.type("exit 9\n")
        same("exit code", t.wait(), 9)
        return size, seen


def exec_exit_codes_and_streams(c):
    name = c.start()
    same("true", c.exec(name, "true").code, 0)
    same("exit 5", c.exec(name, "sh", "-c", "exit 5", check=False).code, 5)
    same("signal", c.exec(name, "sh", "-c", "kill -9 $$", check=False).code, 137)
    done = c.exec(name, "sh", "-c", "cat; echo e >&2", text="to exec\n")
    same("stdout", done.out, "to exec\n")
    same("stderr", done.err, "e\n")


def exec_of_what_is_not_there_and_not_executable(c):
    name = c.start()
    missing = c.exec(name, "/no/such", check=False)
    same("code of a missing command", missing.code, 127 if c.name == "podman" else missing.code)
    has("message", (missing.err + missing.out).lower(), "/no/such", "no such file or directory")
    plain = c.exec(name, "/etc/passwd", check=False)
    has("message", (plain.err + plain.out).lower(), "permission denied")
    return missing.code, plain.code


def exec_with_user_directory_and_environment(c):
    name = c.start("-e", "A=1")
    done = c.cli("exec", "-u", "1000:7", "-w", "/tmp", "-e", "B=2 3", name, "sh", "-c",
                 "id -u; id -g; pwd; echo $A $B; grep -E 'Cap|NoNew|Seccomp|Groups' /proc/self/status")
    has("exec", done.out, "1000\n7\n/tmp\n1 2 3\n")
    named = c.cli("exec", "-u", "user", name, "id")
    return done.out, named.out


def exec_privileged(c):
    name = c.start()
    done = c.cli("exec", "--privileged", name, "grep", "Cap", "/proc/self/status")
    has("capabilities", done.out, "CapInh:\t0000000000000000")
    return done.out


def exec_on_a_terminal(c):
    name = c.start()
    with c.terminal("exec", "-it", name, "sh") as t:
        t.expect(PROMPT)
        t.ask('echo "t=$(tty) s=$(stty size)"', r"^t=/dev/pts/\d+ s=40 120$")
        t.resize_to(20, 70)
        t.type("cat\n")
        t.expect("cat\n")
        time.sleep(0.5)
        t.type("\x03")
        t.expect(INTERRUPTED)
        t.type("echo code=$?\n")
        t.expect("^code=130$")
        t.type("exit 4\n")
        same("exit code", t.wait(), 4)
    # Engines close it after they have passed on the code.
    wait_for("the terminal to go", lambda: c.exec(name, "ls", "/dev/pts").out == "ptmx\n")


def exec_in_the_background(c):
    name = c.start()
    c.cli("exec", "-d", name, "sh", "-c", "echo made > /tmp/made; sleep 600")
    wait_for("the file", lambda: c.exec(name, "cat", "/tmp/made", check=False).out == "made\n")
    has("processes", c.exec(name, "ps").out, "sleep 600")


def attach_and_detach(c):
    name = c.name_of()
    c.cli("run", "-dit", "--name", name, *c.options(), c.tag, "sh")
    with c.terminal("attach", name) as t:
        t.ask("echo he''llo", "^hello$")
        t.resize_to(25, 81)
        t.type("\x10")
        time.sleep(0.2)
        t.type("\x11")
        detached = t.wait()
    same("state", c.state(name), "running")
    with c.terminal("attach", name) as t:
        t.ask("echo ag''ain", "^again$")
        t.type("exit 3\n")
        code = t.wait()
    same("exit code", c.cli("wait", name).out.strip(), "3")
    return detached, code


def attach_without_a_terminal_passes_signals_on(c):
    name = c.start(script="trap 'echo got; exit 6' USR1; echo ready; while true; do sleep 0.1; done")
    wait_for("it to be ready", lambda: "ready" in c.logs(name))
    c.cli("kill", "--signal", "USR1", name)
    same("wait", c.cli("wait", name).out.strip(), "6")
    has("log", c.logs(name), "got")


def _counter(c, name):
    return int(c.logs(name).split()[-1])


def pause_and_unpause(c):
    name = c.start(script="i=0; while true; do i=$((i+1)); echo $i; sleep 0.02; done")
    wait_for("it to count", lambda: _counter(c, name) > 3)
    c.cli("pause", name)
    same("state", c.state(name), "paused")
    time.sleep(0.2)
    before = _counter(c, name)
    time.sleep(0.5)
    same("counter while paused", _counter(c, name), before)
    in_pause = c.exec(name, "true", check=False)
    assert in_pause.code != 0, in_pause
    c.cli("unpause", name)
    wait_for("it to go on", lambda: _counter(c, name) > before + 3)
    assert c.cli("unpause", name, check=False).code != 0, "unpause of what runs"
    return in_pause.code


def a_paused_one_is_removed_by_force(c):
    name = c.start()
    pid = c.pid(name)
    c.cli("pause", name)
    c.cli("rm", "-f", name)
    wait_for("its process to be gone", lambda: not os.path.exists("/proc/%d" % pid))


def killed_while_paused(c):
    name = c.start()
    pid = c.pid(name)
    c.cli("pause", name)
    done = c.cli("kill", "--signal", "KILL", name, check=False)
    if done.code == 0:
        # v1's freezer keeps it until it thaws; then it is dead.
        c.cli("unpause", name, check=False)
        wait_for("its process to be gone", lambda: not os.path.exists("/proc/%d" % pid))
    return done.code


def stop_asks_first(c):
    name = c.start(script="trap 'exit 42' TERM; echo ready; while true; do sleep 0.05; done")
    wait_for("it to be ready", lambda: "ready" in c.logs(name))
    c.cli("stop", "-t", "100", name)
    same("exit code", c.inspect(name, ".State.ExitCode"), "42")


def stop_then_kills(c):
    name = c.start(script="trap '' TERM; echo ready; while true; do sleep 0.05; done")
    wait_for("it to be ready", lambda: "ready" in c.logs(name))
    c.cli("stop", "-t", "1", name)
    same("exit code", c.inspect(name, ".State.ExitCode"), "137")


def stop_signal_of_its_own(c):
    name = c.start("--stop-signal", "SIGUSR2", script="trap 'exit 33' USR2; echo ready; while true; do sleep 0.05; done")
    wait_for("it to be ready", lambda: "ready" in c.logs(name))
    c.cli("stop", "-t", "100", name)
    same("exit code", c.inspect(name, ".State.ExitCode"), "33")


def start_stop_start_again(c):
    name = c.start(script="echo begun; sleep 600")
    c.cli("restart", "-t", "0", name)
    c.wait_state(name, "running")
    c.cli("stop", "-t", "0", name)
    c.cli("start", name)
    c.wait_state(name, "running")
    wait_for("three beginnings", lambda: c.logs(name).count("begun") == 3)


def create_then_start(c):
    name = c.name_of()
    c.cli("create", "--name", name, *c.options(), c.tag, "sh", "-c", "echo said; exit 11")
    same("state", c.state(name), "created")
    assert c.cli("start", "-a", name, check=False).code == 11, "the code through start -a"
    same("log", c.logs(name), "said\n")


def restart_on_failure(c):
    name = c.name_of()
    c.cli("run", "-d", "--name", name, "--restart", "on-failure:2", *c.options(), c.tag, "sh", "-c", "echo try; exit 3")
    wait_for("three tries", lambda: c.logs(name).count("try") == 3)
    c.wait_state(name, "exited")
    count = c.inspect(name, ".RestartCount")
    same("restarts", count, "2")


def restart_always(c):
    name = c.name_of()
    c.cli("run", "-d", "--name", name, "--restart", "always", *c.options(), c.tag, "sh", "-c", "echo try; sleep 600")
    c.wait_state(name, "running")
    first = c.pid(name)
    os.kill(first, 9)
    wait_for("another process", lambda: c.state(name) == "running" and c.pid(name) not in (0, first))


def out_of_memory(c):
    # It goes on a little, because dockerd hears of the kill and of the end in any order.
    name = c.start("--memory", "32m", "--memory-swap", "32m", script="sleep 0.5; dd if=/dev/zero of=/dev/null bs=100M count=1; code=$?; sleep 1; exit $code")
    code = c.cli("wait", name).out.strip()
    same("exit code", code, "137")
    flag = c.inspect(name, ".State.OOMKilled")
    if c.name == "docker":  # podman asks conmon, which does not notice on every host
        same("OOMKilled", flag, "true")
    return flag


def processes_and_counters(c):
    name = c.start("--memory", "64m", script="sleep 600 & sleep 601")
    wait_for("both", lambda: c.exec(name, "ps").out.count("sleep 60") >= 2)
    top = c.cli("top", name).out
    has("top", top, "sleep 600", "sleep 601")
    text = c.cli("stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", name).out.strip()
    assert re.match(r"[1-9]\d* ", text), "stats: found %r, expected a number of processes" % text


def copies_in_and_out(c):
    name = c.start()
    with open(c.work + "/in", "w") as file:
        file.write("copied\n")
    c.cli("cp", c.work + "/in", name + ":/tmp/in")
    same("inside", c.exec(name, "cat", "/tmp/in").out, "copied\n")
    c.exec(name, "sh", "-c", "echo out > /tmp/out")
    c.cli("cp", name + ":/tmp/out", c.work + "/out")
    same("outside", open(c.work + "/out").read(), "out\n")


def renamed_logs_and_waited_for(c):
    name = c.start(script="echo one; echo two >&2; sleep 0.5; exit 8")
    same("wait", c.cli("wait", name).out.strip(), "8")
    done = c.cli("logs", name)
    same("logs", (done.out, done.err), ("one\n", "two\n"))
