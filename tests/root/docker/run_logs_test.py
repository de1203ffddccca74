# SPDX-License-Identifier: Apache-2.0
"""--log-driver and --log-opt of `mete run`: files of that size and number, one writer for json-file and local, and none."""
import glob
import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests  # noqa: E402

# 400 records of 100 bytes and what a record has beside them.
TALK = "for i in $(seq 1000 1399); do echo $i$(printf %096d 0); done"
RECORD = 141


def files(agent, name):
    return {path.rsplit(".log", 1)[1]: os.path.getsize(path) for path in glob.glob(agent.mete("inspect", "--format", "{{.LogPath}}", name).stdout.strip() + "*")}


def talk(agent, name, *flags):
    agent.mete("run", "--name", name, *flags, "busybox", "sh", "-c", TALK)
    return [int(line[:4]) for line in agent.mete("logs", name).stdout.splitlines()]


def test_files_have_that_size_and_number():
    with Agent().start() as agent:
        lines = talk(agent, "three", "--log-opt", "max-size=10k", "--log-opt", "max-file=3")
        found = files(agent, "three")
        assert set(found) == {"", ".1", ".2"} and all(10_000 - RECORD <= size <= 10_000 for name, size in found.items() if name), found
        assert lines == list(range(1400 - len(lines), 1400)) and 2 * (10_000 // RECORD) < len(lines) <= 3 * (10_000 // RECORD), lines[:2]
        # Without a number docker keeps one file of that size.
        one = talk(agent, "one", "--log-opt", "max-size=20k")
        assert set(files(agent, "one")) == {""} and one == list(range(1400 - len(one), 1400)) and 0 < len(one) <= 20_000 // RECORD, one[:2]
        [shown] = json.loads(agent.mete("inspect", "three").stdout)
        assert shown["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10k", "max-file": "3"}}, shown["HostConfig"]["LogConfig"]
        # The same after an agent's death and another start.
        agent.kill()
        agent.start()
        agent.mete("start", "-a", "three")
        assert set(files(agent, "three")) == {"", ".1", ".2"} and max(files(agent, "three").values()) <= 10_000


def test_who_follows_goes_on_though_one_file_alone_is_kept():
    with Agent().start() as agent:
        script = "for i in $(seq 1000 1199); do echo $i$(printf %096d 0); sleep 0.01; done"
        agent.mete("run", "-d", "--name", "web", "--log-opt", "max-size=3k", "busybox", "sh", "-c", script)
        by_command = agent.begin("logs", "-f", "web", stdout=subprocess.PIPE)
        by_client = Docker(agent).ask("GET", "/containers/web/logs", stdout=1, follow=1).body.decode(errors="replace")
        read = []
        while not read or not read[-1].startswith("1199"):
            read.append(by_command.stdout.readline())
        by_command.kill()
        for lines in (by_client.splitlines(), read):
            numbers = [int(line.rstrip()[-100:-96]) for line in lines]
            assert numbers[-1] == 1199 and numbers == sorted(set(numbers)), numbers[-5:]


def test_local_is_the_same_log_under_another_name():
    with Agent().start() as agent:
        lines = talk(agent, "all", "--log-driver", "local")
        assert lines == list(range(1000, 1400))
        few = talk(agent, "few", "--log-driver", "local", "--log-opt", "max-size=10k", "--log-opt", "max-file=2")
        assert few == list(range(1400 - len(few), 1400)) and 0 < len(few) <= 2 * (10_000 // RECORD)
        [shown] = json.loads(agent.mete("inspect", "few").stdout)
        assert shown["HostConfig"]["LogConfig"]["Type"] == "local" and shown["LogPath"] == "", shown["LogPath"]


def test_none_keeps_nothing_and_says_so():
    with Agent().start() as agent:
        said = agent.mete("run", "--name", "silent", "--log-driver", "none", "busybox", "sh", "-c", "echo out; echo err >&2")
        assert (said.stdout, said.stderr) == ("out\n", "err\n"), said
        done = agent.mete("logs", "silent", check=False)
        assert done.returncode == 1 and "configured logging driver does not support reading" in done.stderr, done
        answer = Docker(agent).ask("GET", "/containers/silent/logs", stdout=1)
        assert answer.status == 501 and "configured logging driver does not support reading" in answer.message, answer.body
        assert not glob.glob(agent.state + "/logs/docker_silent*/*.log*"), "nothing on disk"


def test_other_drivers_and_options_are_refused():
    with Agent().start() as agent:
        for flags, why in ((("--log-driver", "syslog"), "HostConfig.LogConfig.Type"), (("--log-driver", "nosuch"), "error looking up logging plugin nosuch"),
                           (("--log-opt", "max-size=much"), "invalid size: 'much'"), (("--log-opt", "max-size=0"), "max-size must be a positive number"),
                           (("--log-opt", "max-file=0"), "max-file cannot be less than 1"), (("--log-opt", "tag=x"), "HostConfig.LogConfig.Config"),
                           (("--log-opt", "colour=red"), "unknown log opt 'colour' for json-file log driver")):
            done = agent.mete("run", *flags, "busybox", "true", check=False)
            assert done.returncode == 125 and why in done.stderr, (flags, done)
        assert agent.mete("ps", "-aq").stdout == ""


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
