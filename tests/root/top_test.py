# SPDX-License-Identifier: Apache-2.0
"""`mete top` on a pseudo-terminal, with real keys, against a live agent; `mete stats` and batch mode through a pipe."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import documents, launch, pod, wait_restarted  # noqa: E402

PODS = documents(pod("busy", "while :; do :; done", "resources: {limits: {cpu: 100m, memory: 32Mi}}", main="loop"), pod("idle", ["sleep", "600"], main="sleeper"))


class Screen:
    """What a terminal shows: enough of one for what `mete top` writes."""

    def __init__(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.clear()
        self.modes = set()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.lines)]
        self.row = self.column = 0

    def feed(self, text):
        for part in re.split(r"(\x1b\[[?0-9;]*[A-Za-z])", text):
            sequence = re.fullmatch(r"\x1b\[([?0-9;]*)([A-Za-z])", part)
            if sequence:
                self.control(*sequence.groups())
                continue
            assert "\x1b" not in part, repr(part)
            for character in part:
                assert self.column < self.columns, "wraps: " + self.text()
                self.cells[self.row][self.column] = character
                self.column += 1

    def control(self, numbers, letter):
        if letter == "H":
            self.row, self.column = [int(each) - 1 for each in (numbers or "1;1").split(";")]
            assert self.row < self.lines
        elif letter == "J":
            self.cells = [[" "] * self.columns for _ in range(self.lines)]
        elif letter == "K":
            self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
        elif letter == "h":
            self.modes.add(numbers)
        elif letter == "l":
            self.modes.discard(numbers)
        else:
            assert letter == "m", (numbers, letter)

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.cells)


class Top:
    def __init__(self, agent, *options, columns=80, lines=24, term="xterm"):
        self.screen = Screen(columns, lines)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(agent.words("top", *options), stdin=slave, stdout=slave, stderr=slave,
                                        env={**os.environ, "TERM": term, "LC_ALL": "C.UTF-8"}, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self, seconds):
        end = time.monotonic() + seconds
        data = b""
        while time.monotonic() < end and select.select([self.master], [], [], 0.05)[0]:
            try:
                more = os.read(self.master, 65536)
            except OSError:
                break
            if not more:
                break
            data += more
        self.screen.feed(data.decode())

    def shows(self, pattern, seconds=60):
        def seen():
            self.read(0.2)
            return re.search(pattern, self.screen.text())
        try:
            return wait_for(pattern, seen, seconds, 0.02)
        except AssertionError:
            raise AssertionError("not seen: %s in\n%s" % (pattern, self.screen.text()))

    def seen(self, text):
        self.read(0.2)
        return text in self.screen.text()

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, columns, lines):
        self.screen = Screen(columns, lines)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def ended_well(self):
        self.process.wait(60)
        self.read(0.3)
        assert self.process.returncode == 0, self.process.returncode
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"
        assert "?1049" not in self.screen.modes and "?25" in self.screen.modes and "?7" in self.screen.modes, self.screen.modes


def start_pods(agent):
    agent.start()
    launch(agent, PODS, "busy", "idle")


def test_keys_and_screens():
    with Agent() as agent:
        start_pods(agent)
        with Top(agent) as top:
            top.shows(r"default/busy/loop +running +\d+\.\d")
            print(top.screen.text())
            top.shows(r"(?m)^NAME.*\ndefault/busy")
            top.press("r")
            top.shows(r"(?m)^NAME.*\ndefault/idle")
            top.press("r")
            top.press("\\idle\r")
            wait_for("the filter", lambda: not top.seen("default/busy"))
            top.press("\\\r")
            top.shows("default/busy")
            top.press("a")
            top.shows(r"(?m)^/ +root")
            top.press("t")
            top.shows(r"(?m)^  +default/busy/loop")
            top.press("ta")
            top.press("h")
            top.shows("this help")
            top.press("\x1b[B")
            top.press("\x1b[17~")
            top.shows("network")
            top.press("\x1b")
            top.shows("NAME")
            top.press("\x1b[H\r")
            top.shows(r"cgroup +/mete-test")
            top.press("x")
            top.resize(120, 40)
            top.shows("CPU HISTORY")
            top.resize(40, 10)
            top.shows("CPU%")
            top.press("q")
            top.ended_well()


def test_a_signal_is_sent_to_the_selected_container():
    with Agent() as agent:
        start_pods(agent)
        with Top(agent) as top:
            top.shows("default/busy/loop")
            top.press("\\busy\r")
            top.press("k\x1b")
            top.press("kKILL\r")
            top.shows("Sent KILL")
            wait_restarted(agent, "busy")
            top.press("\x03")
            top.ended_well()


def test_the_terminal_is_given_back():
    with Agent() as agent:
        start_pods(agent)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with Top(agent) as top:
                top.shows("default/busy/loop")
                top.process.send_signal(number)
                top.ended_well()
        with Top(agent) as top:
            top.shows("default/busy/loop")
            agent.kill()
            top.shows("No answer, trying again")
            agent.start()
            top.shows("h help")
            top.press("q")
            top.ended_well()


def test_batch_and_stats():
    with Agent() as agent:
        start_pods(agent)
        with Top(agent, "-n", "1", term="dumb") as top:
            assert top.process.wait(60) == 0
        table = agent.mete("top", "-b", "-n", "2").stdout
        assert table.count("NAME") == 2 and "default/busy/loop" in table and "\x1b" not in table, table
        def measured():
            rows = {each["name"]: each for each in json.loads(agent.mete("stats", "-o", "json").stdout)["cgroups"]}
            busy = rows["default/busy/loop"]
            return 5 < busy["cpuPercent"] < 20 and busy["throttledPercent"] > 25 and busy
        busy = wait_for("a second in which it had all of its quota", measured)
        assert busy["effectiveCpuCores"] == 0.1 and busy["effectiveMemoryLimitBytes"] == 32 << 20, busy
        assert 0 < busy["memoryPercent"] < 100, busy
        one = agent.mete("stats", "default/idle").stdout
        assert "default/idle/sleeper" in one and "busy" not in one, one
        assert agent.mete("stats", "nothing", check=False).returncode == 4
        everything = json.loads(agent.mete("stats", "--all", "-o", "json").stdout)["cgroups"]
        assert [each for each in everything if each["kind"] == "root"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
