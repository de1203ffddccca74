# SPDX-License-Identifier: Apache-2.0
"""`mete convert`: what it prints is applied and runs; what has no translation is told, and shows in the exit code."""
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402

COMPOSE = """services:
  greets:
    image: busybox
    command: sh -c 'echo "$$WORD $$MORE from $${HOSTNAME}"; cat /site /run/secrets/token /here/note; touch /kept/file'
    environment: ["WORD=${GREETING:-hello}"]
    env_file: more.env
    volumes: [.:/here:ro, kept:/kept]
    configs: [site]
    secrets: [token]
    mem_limit: 32m
    read_only: true
configs: {site: {content: "a site\\n"}}
secrets: {token: {file: token.txt}}
volumes: {kept: {}}
"""


def ended(agent, name):
    wait_for(name + " to end", lambda: agent.pod(name)["phase"] == "Succeeded")
    return agent.logs(name)


def test_a_compose_file_runs():
    with Agent() as agent:
        agent.start()
        folder = agent.work + "/project"
        os.makedirs(folder)
        for name, text in (("compose.yaml", COMPOSE), ("more.env", "MORE='and more'\n"), ("token.txt", "s3cret\n"), ("note", "a note\n"), (".env", "GREETING=good day\n")):
            write(folder + "/" + name, text)
        made = agent.mete("convert", folder + "/compose.yaml")
        assert made.stderr == "", made.stderr
        agent.apply(made.stdout)
        assert ended(agent, "greets") == "good day and more from greets\na site\ns3cret\na note\n", agent.logs("greets")
        assert os.path.exists(agent.state + "/claims/default/kept/file")


def test_a_line_of_docker_run_runs():
    with Agent() as agent:
        agent.start()
        made = agent.mete("convert", "docker", "run", "--rm", "-e", "A=b c", "--name", "line", "-w", "/tmp", "busybox", "sh", "-c", "echo $A; pwd")
        assert made.stderr == "", made.stderr
        agent.apply(made.stdout)
        assert ended(agent, "line") == "b c\n/tmp\n", agent.logs("line")


def test_what_is_left_out_shows_in_the_exit_code():
    with Agent() as agent:
        made = subprocess.run(agent.words("convert", "-"), input="services: {a: {image: busybox, depends_on: [b]}}", capture_output=True, text=True)
        assert made.returncode == 1 and "<stdin>:1:44: services.a.depends_on: has no translation" in made.stderr, made
        assert "name: a\n" in made.stdout, made.stdout
        wrong = agent.mete("convert", "docker", "run", "--publsh", "80", "busybox", check=False)
        assert wrong.returncode == 1 and "did you mean `--publish`?" in wrong.stderr and wrong.stdout == "", wrong


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
