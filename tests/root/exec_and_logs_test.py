# SPDX-License-Identifier: Apache-2.0
"""`mete exec` and `mete logs`."""
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import job, launch, pod, wait_exited  # noqa: E402
from terminal import Terminal  # noqa: E402


RESOURCES = "resources: {requests: {cpu: 250m, memory: 24Mi}, limits: {cpu: 300m, memory: 40Mi}}"


def test_exec():
    with Agent().start() as agent:
        launch(agent, pod("p", lines="env: [{name: A, value: one}]\nworkingDir: /tmp\n" + RESOURCES), "p")
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
        with Terminal(agent.words("exec", "-it", "p", "--", "sh", "-c", "tty; stty size; read x; echo got $x; exit 5")) as terminal:
            terminal.expect(r"^/dev/pts/\d+$")
            terminal.type("typed\n")
            terminal.expect("^got typed$")
            assert terminal.wait() == 5
        assert agent.mete("exec", "-t", "p", "--", "sh", "-c", "exit 6", check=False).returncode == 6
        # Without a terminal of its own it ends with its input, and what it writes is no terminal's.
        done = agent.mete("exec", "-it", "p", "--", "sh", "-c", "tty; cat; exit 4", text="typed", check=False)
        assert (done.returncode, done.stdout) == (4, "not a tty\ntyped") and done.stderr.startswith("Unable to use a TTY - input is not"), done
        agent.mete("stop", "p")
        wait_exited(agent, "p")
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
        launch(agent, pod("p"), "p")
        codes = []
        for turn in range(20):
            command = ["sleep", "7%d%02d" % (os.getpid(), turn)]
            child = agent.begin("exec", "p", "--", *command)
            wait_for("it to run", lambda: any(each == command for _, each in commands_of_processes()), every=0)  # noqa: B023 - called here
            child.terminate()
            codes.append(child.wait(60))
        commands = lambda: agent.mete("exec", "p", "--", "ps").stdout.count("sleep 7%d" % os.getpid())  # noqa: E731
        wait_for("the commands to be gone", lambda: commands() == 0)
        assert set(codes) == {143}, codes


def test_logs():
    with Agent().start() as agent:
        agent.apply(job("p", "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; printf no-newline"))
        wait_exited(agent, "p")
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
        agent.apply(job("p", "echo here"))
        wait_exited(agent, "p")
        agent.kill()
        done = agent.mete("logs", "p", check=False)
        assert done.stdout == "here\n", done


def test_logs_are_followed_until_the_pod_is_gone():
    with Agent().start() as agent:
        launch(agent, job("p", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done"), "p")
        wait_for("a line", lambda: agent.logs("p"))
        with agent.begin("logs", "-f", "p", stdout=subprocess.PIPE) as follower:
            lines = [follower.stdout.readline() for _ in range(15)]  # what was there, and what came
            agent.mete("delete", "p")
            lines = "".join(lines + follower.stdout.readlines()).splitlines()
        assert len(lines) >= 15 and lines == ["line %d" % i for i in range(1, len(lines) + 1)], lines


def test_logs_rotate_by_size_and_nothing_followed_is_lost():
    with Agent() as agent:
        agent.start("--log-max-bytes", "4096", "--log-files", "3")
        launch(agent, job("p", "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; usleep 10000; done; sleep 1000"), "p")
        # What is kept is what is written in two seconds: that is how late the follower may be.
        follower = agent.begin("logs", "-f", "p", stdout=subprocess.PIPE)
        collected = []
        reader = threading.Thread(target=lambda: collected.extend(follower.stdout), daemon=True)
        reader.start()
        folder = agent.state + "/logs/default_p"
        wait_for("the last line", lambda: "line 400 " in agent.logs("p"))
        files = sorted(os.listdir(folder))
        assert files == ["main.log", "main.log.1", "main.log.2"], files
        assert all(os.path.getsize(folder + "/" + each) <= 4096 for each in files), [os.path.getsize(folder + "/" + each) for each in files]
        kept = "".join(open(folder + "/" + each).read() for each in reversed(files))
        numbers = [int(each) for each in re.findall(r"line (\d+) ", kept)]
        assert numbers == list(range(numbers[0], 401)), numbers
        wait_for("the follower to see it", lambda: any("line 400 " in each for each in list(collected)))
        follower.terminate()
        follower.wait()
        numbers = [int(each) for each in re.findall(r"line (\d+) ", "".join(collected))]
        missing = sorted(set(range(numbers[0], 401)) - set(numbers))
        assert not missing and len(numbers) == len(set(numbers)), "followed lines lost: %s" % missing


def test_the_tail_of_logs_goes_back_over_a_rotation():
    with Agent() as agent:
        agent.start("--log-max-bytes", "4096", "--log-files", "5")
        agent.apply(job("p", "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i xxxxxxxxxxxxxxxxxxxxxxxx; done"))
        wait_exited(agent, "p")
        assert len(os.listdir(agent.state + "/logs/default_p")) > 1
        seen = agent.mete("logs", "p", "--tail", "150").stdout.splitlines()
        assert [each.split()[1] for each in seen] == [str(i) for i in range(51, 201)], seen
        assert len(agent.mete("logs", "p").stdout.splitlines()) == 200


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
