# SPDX-License-Identifier: Apache-2.0
"""Sockets for docker's clients: who has changed what is in the log; the read-only one answers dashboards and nobody else."""
import grp
import os
import re
import stat
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Connection, Docker  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402


def read_only(agent):
    dashboard = Docker(agent)
    dashboard.socket = agent.run + "/docker.ro.sock"
    return dashboard


def test_the_read_only_socket_reads_and_does_nothing():
    with Agent().start() as agent:
        docker, dashboard = Docker(agent), read_only(agent)
        made = docker.run("web", ["sh", "-c", "echo begun; sleep 1000"])
        assert dashboard.ask("GET", "/_ping").body == b"OK" and dashboard.ask("HEAD", "/_ping").status == 200
        assert [each["Id"] for each in dashboard.get("/containers/json")] == [made] and dashboard.inspect("web")["State"]["Running"]
        assert dashboard.get("/containers/web/stats", stream=0)["name"] == "/web"
        wait_for("the log", lambda: b"begun" in dashboard.ask("GET", "/containers/web/logs", stdout=1).body)
        for method, path in (("POST", "/containers/web/kill"), ("POST", "/containers/web/stop"), ("DELETE", "/containers/web"), ("POST", "/containers/create"),
                             ("POST", "/containers/web/attach"), ("POST", "/containers/web/exec"), ("POST", "/containers/web/wait"),
                             ("GET", "/containers/web/archive"), ("PUT", "/containers/web/archive"), ("GET", "/images/get"), ("POST", "/images/create"),
                             ("POST", "/auth"), ("POST", "/volumes/create"), ("POST", "/networks/prune")):
            answer = dashboard.ask(method, path, {} if method == "POST" else None)
            assert answer.status == 403 and "read-only" in answer.message, (method, path, answer.status, answer.body)
        assert docker.state("web")["Running"] and len(docker.get("/containers/json")) == 1


def test_events_are_followed_over_it():
    with Agent().start() as agent:
        connection = Connection(agent.run + "/docker.ro.sock")
        connection.request("GET", "/events")
        answer = connection.getresponse()
        made = Docker(agent).create()
        assert made.encode() in answer.readline()
        connection.close()


def test_whose_the_sockets_are():
    def who(path):
        info = os.stat(path)
        return oct(stat.S_IMODE(info.st_mode)), info.st_gid
    group = grp.getgrgid(1).gr_name
    with Agent().start("--socket-group", group) as agent:
        assert who(agent.run + "/docker.sock") == who(agent.run + "/docker.ro.sock") == ("0o660", 1)
    with Agent().start() as agent:
        assert who(agent.run + "/docker.sock") == ("0o600", 0)
        groups = {each.gr_name: each.gr_gid for each in grp.getgrall()}
        assert who(agent.run + "/docker.ro.sock") == (("0o660", groups["mete"]) if "mete" in groups else ("0o600", 0))


def test_who_changes_something_is_in_the_log():
    with Agent().start() as agent:
        docker = Docker(agent)
        made = docker.run("web")
        docker.get("/containers/json")
        docker.post("/containers/web/kill")
        lines = [each for each in agent.log_text().splitlines() if 'msg="docker: ' in each]
        said = [re.search(r'docker: (\w+ \S+) by pid (\d+), uid (\d+), gid (\d+)"', each).groups() for each in lines]
        who = (str(os.getpid()), str(os.geteuid()), str(os.getegid()))
        assert said == [("POST /containers/create", *who), ("POST /containers/%s/start" % made, *who), ("POST /containers/web/kill", *who)], lines


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
