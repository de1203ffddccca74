# SPDX-License-Identifier: Apache-2.0
"""`stdin`, `stdinOnce` and `tty` of containers, seen from inside and through `mete attach`."""
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import is_running, job, launch, pod, wait_exited, wait_running  # noqa: E402
from terminal import Terminal  # noqa: E402

SHELL = ["sh"]


# A script with this at its beginning writes a line to standard error again and again: who sees one is attached.
TICKING = "while :; do echo tick >&2; usleep 20000; done & "


class Attached:
    """`mete attach` with pipes, whose lines are collected while the test looks elsewhere."""

    def __init__(self, agent, *words):
        self.process = subprocess.Popen(agent.words("attach", *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out, self.err = [], []
        self.readers = [threading.Thread(target=lines.extend, args=(stream,), daemon=True)
                        for lines, stream in ((self.out, self.process.stdout), (self.err, self.process.stderr))]
        for each in self.readers:
            each.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.end()

    def until_it_ticks(self):
        wait_for("the session to be attached", lambda: "tick\n" in self.err)
        return self

    def type(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self):
        """Ends its input; the exit code."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        code = self.process.wait(60)
        for each in self.readers:
            each.join(60)
        return code


def log_without_ticks(agent):
    return "".join(each for each in agent.logs("p").splitlines(True) if each != "tick\n")


def test_a_shell_with_a_terminal_waits_for_somebody():
    with Agent().start() as agent:
        launch(agent, pod("p", SHELL, "stdin: true\ntty: true"), "p")
        with Terminal(agent.words("attach", "p"), rows=33, columns=99) as terminal:
            terminal.expect("try pressing enter")
            terminal.type("\n")
            # The size is there before anything that is typed.
            terminal.type("stty size; tty; test -t 2 && echo a-$TERM; [ /dev/console -ef $(tty) ]; echo $?\n")
            terminal.expect(r"^33 99$")
            terminal.expect(r"^/dev/pts/0$")
            terminal.expect(r"^a-xterm$")
            terminal.resize_to(44, 111)
            terminal.type("secret=kept\n")
            terminal.type("\x10\x11")  # ctrl-p ctrl-q
            terminal.expect("Session ended, resume using 'mete attach p -c main -i -t'")
            assert terminal.wait() == 0
        # It is the same shell, whose terminal outlives the agent, too.
        agent.kill()
        agent.start()
        wait_running(agent, "p")
        assert agent.container("p")["restarts"] == 0
        with Terminal(agent.words("attach", "p")) as terminal:
            terminal.ask("echo it is $secret", "^it is kept$")
            # Ctrl-C is the terminal's, and reaches what runs in the foreground only.
            terminal.type("sleep 1000\n")
            wait_for("sleep to run", lambda: "sleep 1000" in agent.mete("exec", "p", "--", "ps").stdout)
            terminal.type("\x03")
            terminal.ask("echo code $?", "^code 130$")
            terminal.type("exit 7\n")
            assert terminal.wait() == 7
        log = agent.logs("p")
        assert "it is kept" in log and "code 130" in log, log


def test_a_terminal_without_input():
    with Agent().start() as agent:
        launch(agent, pod("p", "test -t 1 && echo terminal; stty size; read x || echo end; sleep 1000", "tty: true"), "p")
        wait_for("it to write", lambda: "terminal" in agent.logs("p"))
        with Terminal(agent.words("attach", "-i", "-t", "p")) as terminal:
            terminal.expect("has none")
        assert "end" not in agent.logs("p")  # nobody can type, as with kubectl


def test_a_pipe_as_standard_input_stays_open():
    with Agent().start() as agent:
        launch(agent, pod("p", TICKING + "exec sh", "stdin: true"), "p")
        # A script's input ends the session and not the container.
        with Attached(agent, "p", "-i") as first:
            first.type("x=1; echo first >&2; echo one\n")
            wait_for("its lines", lambda: first.out == ["one\n"] and "first\n" in first.err)
            assert first.end() == 0 and first.out == ["one\n"], first.out
        assert is_running(agent, "p") and agent.container("p")["restarts"] == 0
        # Two at once see the same.
        with Attached(agent, "p", "-i").until_it_ticks() as second, Attached(agent, "p").until_it_ticks() as third:
            second.type("echo two $x\n")
            wait_for("both to see it", lambda: second.out == third.out == ["two 1\n"])
            second.type("exit 3\n")
            assert third.end() == 3 and second.end() == 3
        wait_for("the log", lambda: log_without_ticks(agent).splitlines()[-1:] == ["two 1"])


def test_input_of_once_ends_with_the_first_session():
    with Agent().start() as agent:
        launch(agent, job("p", TICKING + "sort; echo done", "stdin: true\nstdinOnce: true"), "p")
        with Attached(agent, "p").until_it_ticks() as looking:
            done = agent.mete("attach", "-i", "p", text="b\na\n")
            assert done.stdout == "a\nb\ndone\n", done
            assert wait_exited(agent, "p")["last"]["exitCode"] == 0
            looking.end()
            assert looking.out == ["a\n", "b\n", "done\n"], looking.out
        assert log_without_ticks(agent) == "a\nb\ndone\n"


def test_no_standard_input():
    with Agent().start() as agent:
        launch(agent, pod("p", "wc -c; while :; do echo tick; usleep 50000; done"), "p")
        wait_for("it to write", lambda: agent.logs("p").startswith("0\n"))
        with Attached(agent, "p", "-i") as watching:
            wait_for("both", lambda: "tick\n" in watching.out and any("has none" in each for each in watching.err))
            agent.mete("stop", "p")
            assert watching.end() == 137
        done = agent.mete("attach", "p", check=False)
        assert done.returncode == 1 and "expected it running" in done.stderr, done


def test_who_does_not_read_holds_nobody():
    script = ("read go; i=0; while [ $i -lt 400 ]; do i=$((i+1)); dd if=/dev/zero bs=16k count=1 2>/dev/null | tr '\\0' x; echo; done;"
              " echo finished; while read go; do echo last; done")
    with Agent().start() as agent:
        launch(agent, pod("p", script, "stdin: true"), "p")
        slow = subprocess.Popen(agent.words("attach", "p", "-i"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        slow.stdin.write("go\n")
        slow.stdin.flush()
        wait_for("it to finish", lambda: "finished" in agent.logs("p", "--tail", "1"))
        # Now it reads, and learns what it has missed before it sees what comes next.
        text = []
        reader = threading.Thread(target=lambda: text.extend(slow.stdout), daemon=True)
        reader.start()

        def sees_more():
            agent.mete("attach", "-i", "p", text="and\n")
            return text and text[-1] == "last\n"
        wait_for("it to see what comes", sees_more)
        agent.mete("stop", "p")
        left_out = sum(map(int, re.findall(r"(\d+) bytes of output were left out", slow.stderr.read())))
        reader.join(60)
        assert slow.wait(60) == 137, slow.returncode
        seen = sum(map(len, text))
        written = 400 * 16385 + len("finished\n") + len("last\n") * agent.logs("p").count("last\n")
        assert 0 < left_out < written and seen + left_out == written, (seen, left_out, written)


def test_exec_has_the_size_before_its_first_instruction_and_follows_it():
    with Agent().start() as agent:
        launch(agent, pod("p"), "p")
        for turn in range(10):
            with Terminal(agent.words("exec", "-it", "p", "--", "stty", "size"), rows=20 + turn, columns=70 + turn) as terminal:
                terminal.expect("^%d %d$" % (20 + turn, 70 + turn))
                assert terminal.wait() == 0
        with Terminal(agent.words("exec", "-it", "p", "--", "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do read x; done")) as terminal:
            terminal.expect("^ready")
            terminal.resize(51, 132)
            terminal.expect("^51 132$")


if __name__ == "__main__":
    assert os.environ.setdefault("TERM", "xterm")
    run_tests(sys.modules[__name__])
