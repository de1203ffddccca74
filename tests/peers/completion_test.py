# SPDX-License-Identifier: Apache-2.0
"""Completion in the shells themselves: a bash, a zsh and a fish on a terminal, a line typed, TAB pressed, what is then there."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, Agent, run_tests, skip_case, write  # noqa: E402
from pods import documents, launch, pod  # noqa: E402
from terminal import Terminal  # noqa: E402

END = "END-OF-LINE"


class Shell:
    """On a terminal. `line(typed)`: what the line is after TAB, seen by the shell itself: a key prints it."""

    def __init__(self, name, work):
        if shutil.which(name) is None:
            skip_case("needs " + name)
        self.work = work
        script = subprocess.run([BIN + "/mete", "completion", name], check=True, capture_output=True, text=True).stdout
        script += subprocess.run([BIN + "/mete", "completion", name, "mete-oci"], check=True, capture_output=True, text=True).stdout
        write(work + "/completion", script)
        write(work + "/start", getattr(self, name)())
        command = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "--private", "-i"]}[name]
        environment = {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "HOME": work, "TERM": "dumb" if name == "bash" else "xterm", "PS1": "$ "}
        self.terminal = Terminal(command, env=environment, columns=200)
        self.type(" source %s/start\n" % work)
        self.wait("READY-NOW")

    def bash(self):
        return r"""source %s/completion
show() { printf '<%%s>%s\n' "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }
bind -x '"\C-t": show'; bind 'set bell-style none'; bind 'set completion-query-items 0'; bind 'set page-completions off'
echo READY-''NOW
""" % (self.work, END)

    def zsh(self):
        return r"""autoload -U compinit; compinit -u -D; source %s/completion
show() { zle -I; print -r -- "<$BUFFER>%s"; BUFFER=; }
zle -N show; bindkey '^T' show; setopt no_beep no_auto_menu no_list_ambiguous
echo READY-''NOW
""" % (self.work, END)

    def fish(self):
        return r"""source %s/completion
function show; printf '\n<%%s>%s\n' (commandline); commandline ''; end
bind \ct show
function fish_prompt; echo '$ '; end
echo READY-''NOW
""" % (self.work, END)

    def type(self, text):
        self.terminal.type(text)

    def wait(self, pattern):
        return self.terminal.expect(pattern)

    def line(self, typed):
        self.type(typed + "\t")
        self.type("\x14")
        return self.wait("<([^<>]*)>" + END).group(1).rstrip(" ")

    def close(self):
        self.terminal.__exit__()


def check(name):
    with Agent().start() as agent:
        launch(agent, documents(pod("web-shop"), pod("weather", metadata=", namespace: lab")), "web-shop", "lab/weather")
        write(agent.work + "/some-manifest.yaml", "x")
        os.makedirs(agent.work + "/oci/some-container")
        shell = Shell(name, agent.work)
        try:
            run = "mete --run %s --state %s " % (agent.run, agent.state)
            for typed, expected in [
                    ("mete valid", "mete validate"),
                    ("mete oom sh", "mete oom show"),
                    ("mete logs --timest", "mete logs --timestamps"),
                    ("mete ps -o wi", "mete ps -o wide"),
                    ("mete ps --output=ya", "mete ps --output=yaml"),
                    (run + "logs web", run + "logs web-shop"),
                    (run + "logs lab", run + "logs lab/weather"),
                    (run + "logs web-shop -c ma", run + "logs web-shop -c main"),
                    (run + "rmi bus", run + "rmi busybox:latest"),
                    (run + "delete %s/some-m" % agent.work, run + "delete %s/some-manifest.yaml" % agent.work),
                    ("mete agent --manifests %s/mani" % agent.work, "mete agent --manifests %s/manifests/" % agent.work),
                    ("mete-oci --cgroup-manager sy", "mete-oci --cgroup-manager systemd"),
                    ("mete-oci --root %s/oci state some" % agent.work, "mete-oci --root %s/oci state some-container" % agent.work)]:
                found = shell.line(typed)
                assert found == expected, (name, typed, found, expected)
            # What is ambiguous is shown.
            before = len(shell.terminal.text)
            shell.type("mete st\t\t")
            for word in ("start", "stats", "stop"):
                shell.terminal.at = before
                shell.wait(r"\b%s\b" % word)
        finally:
            shell.close()


def test_bash():
    check("bash")


def test_zsh():
    check("zsh")


def test_fish():
    check("fish")


def test_without_an_agent_nothing_is_said_and_commands_are_still_there():
    with tempfile.TemporaryDirectory() as work:
        def ask(*words):
            return subprocess.run([BIN + "/mete", "complete", "--", *words], capture_output=True, text=True, env={**os.environ, "METE_RUN": work})
        done = ask("mete", "logs", "")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        assert "logs\tWhat a container has written\n" in ask("mete", "lo").stdout
        # To complete a name does not make an image store.
        assert ask("mete", "--state", work + "/state", "rmi", "").stdout == "" and not os.path.exists(work + "/state")


def test_an_agent_that_hangs_does_not_hang_the_shell():
    with tempfile.TemporaryDirectory() as work, socket.socket(socket.AF_UNIX) as server:
        server.bind(work + "/mete.sock")
        server.listen()
        done = subprocess.run([BIN + "/mete", "--run", work, "complete", "--", "mete", "--run", work, "logs", ""], capture_output=True, timeout=30)
        assert done.returncode != 0 and not done.stdout, done


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
