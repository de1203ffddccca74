# SPDX-License-Identifier: Apache-2.0
"""One script of docker commands (docker_commands.txt), run by docker's own client against dockerd, which drives runc, and against the agent: standard
output, standard error and exit codes are the same. Each difference is a row of docker_differences.json and of docs/docker-compared.md, and each row
there is seen here."""
import json
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from docker_compared import read_commands, run_commands  # noqa: E402
from docker_engines import DockerEngines  # noqa: E402
from mete_agent import SOURCE, run_tests  # noqa: E402
from runtimes import need  # noqa: E402

PEERS = __file__.rsplit("/", 1)[0]
COMMANDS = read_commands(PEERS + "/docker_commands.txt")
ROWS = json.loads(open(PEERS + "/docker_differences.json").read())
PAGE = SOURCE + "/docs/docker-compared.md"
LEAST_COMMANDS, MOST_ROWS = 150, 15


def differences(engines, commands):
    """Command -> what both say, of those that differ. The engines work side by side."""
    said = {}

    def run(name, socket):
        said[name] = run_commands(commands, socket, engines.work + "/by-" + name)
    threads = [threading.Thread(target=run, args=each) for each in engines.sockets().items()]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return {command: (one, other) for command, one, other in zip(commands, said["docker"], said["mete"]) if one != other}


def test_dockerd_and_mete_say_the_same():
    named = {command for row in ROWS for command in row["commands"]}
    assert len(COMMANDS) >= LEAST_COMMANDS and len(set(COMMANDS)) == len(COMMANDS) and named <= set(COMMANDS), sorted(named - set(COMMANDS))
    with DockerEngines() as engines:
        found = differences(engines, COMMANDS)
    wrong = ["$ %s\n--- dockerd: %s--- mete: %s" % (command, *both) for command, both in found.items() if command not in named]
    wrong += ["$ %s\nno difference, but a row has one" % command for command in sorted(named - set(found))]
    assert not wrong, "%d of %d commands are not as the table says:\n%s" % (len(wrong), len(COMMANDS), "\n".join(wrong))
    print("     %d commands, %d of them differ" % (len(COMMANDS), len(found)))


def test_each_difference_has_its_reason_in_the_docs():
    assert len(ROWS) <= MOST_ROWS
    shown = [line for line in open(PAGE).read().splitlines() if line.startswith("|")][2:]
    assert shown == ["| %(docker)s | %(mete)s | %(reason)s |" % row for row in ROWS]
    assert all(row["commands"] and row["reason"] for row in ROWS)


if __name__ == "__main__":
    need("dockerd", "docker", "containerd", "runc", "iptables")
    own_network.enter()
    run_tests(sys.modules[__name__])
