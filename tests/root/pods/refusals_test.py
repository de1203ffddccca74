# SPDX-License-Identifier: Apache-2.0
"""What the agent and its commands refuse to whom: a second agent, a taken port, strangers, names that nobody has."""
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from bystander import agent_with_bystander, as_nobody  # noqa: E402
from mete_agent import BIN, Agent, free_port, run_tests, write  # noqa: E402


def second_agent(agent, state, run, *more, parent=None, listen="127.0.0.1:0", manifests="/other-manifests"):
    return subprocess.run([BIN + "/mete", "--state", state, "--run", run, "agent", "--manifests", agent.work + manifests, "--cgroup-parent", parent or agent.parent + "-2",
                           "--listen", listen, "--for", "2", "--network", "none", *more], capture_output=True, text=True, timeout=60)


def test_a_second_agent_on_the_same_state_is_refused():
    with agent_with_bystander() as (agent, bystander):
        done = second_agent(agent, agent.state, agent.work + "/run2", parent=agent.parent)
        assert done.returncode == 1 and "another agent" in done.stderr and agent.state in done.stderr, done
        bystander.check()
        assert agent.get("/readyz").strip() == "ok"


def test_a_second_agent_on_the_same_run_folder_is_refused():
    with agent_with_bystander() as (agent, bystander):
        done = second_agent(agent, agent.work + "/state2", agent.run)
        bystander.check()  # asks over the socket that the second one must not have taken
        assert done.returncode == 1 and agent.run in done.stderr, done


def test_a_second_agent_on_the_same_cgroup_parent_is_refused():
    # Its state knows none of the first one's pods: they are no orphans.
    with agent_with_bystander() as (agent, bystander):
        done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", parent=agent.parent)
        bystander.check()
        assert done.returncode == 1 and agent.parent in done.stderr, done


def test_a_taken_port_and_bad_addresses_are_said_before_anything_is_changed():
    with agent_with_bystander() as (agent, bystander):
        for listen, needle in ((agent.address, agent.address), ("127.0.0.1:99999", "99999"), ("nonsense", "nonsense"), ("127.0.0.1", "127.0.0.1"), ("203.0.113.7:0", "203.0.113.7")):
            done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", listen=listen)
            assert done.returncode in (1, 2) and needle in done.stderr, (listen, done)
            assert done.stderr.count("\n") <= 2, done.stderr
            assert not os.path.exists("/sys/fs/cgroup/memory" + agent.parent + "-2") and not os.path.exists("/sys/fs/cgroup" + agent.parent + "-2")
        bystander.check()


def test_folders_that_are_files_are_said():
    with agent_with_bystander() as (agent, bystander):
        path = agent.work + "/file"
        write(path, "")
        for state, run in ((agent.work + "/state2", path), (path, agent.work + "/run2"), (agent.work + "/state2", path + "/below")):
            done = second_agent(agent, state, run)
            assert done.returncode == 1 and path in done.stderr and "Traceback" not in done.stderr, done
            assert re.search("Not a directory|not a directory|File exists|expected a directory", done.stderr), done
        done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", manifests="/file")
        assert done.returncode == 1 and path in done.stderr, done
        done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", "--shim", "/no/shim")
        assert done.returncode == 1 and "/no/shim" in done.stderr, done
        bystander.check()


def test_without_permission_it_says_so():
    with agent_with_bystander() as (agent, bystander):
        os.chmod(agent.work, 0o755)
        own = agent.work + "/nobody"
        os.mkdir(own)
        os.chown(own, 65534, 65534)
        address = "127.0.0.1:%d" % free_port()
        # A state of its own, but no cgroups; then no state either.
        for state in (own, "/root/mete-no-such-state"):
            done = as_nobody([BIN + "/mete", "--state", state, "--run", own + "/run", "agent", "--manifests", own + "/manifests", "--cgroup-parent", agent.parent + "-2",
                              "--listen", address, "--for", "2", "--network", "none"])
            assert done.returncode == 1 and re.search("(?i)permission|root", done.stderr), (state, done)
        # The root's agent: its socket is not everybody's.
        for args in (["ps"], ["delete", "bystander"], ["exec", "bystander", "--", "true"], ["logs", "bystander"]):
            done = as_nobody(agent.words(*args))
            assert done.returncode != 0 and re.search("(?i)permission", done.stderr), (args, done)
        bystander.check()


def test_no_agent_is_exit_code_3():
    with Agent() as agent:
        for args in (["ps"], ["top", "-b", "-n", "1"], ["events"], ["inspect", "p"], ["delete", "p"], ["stop", "p"], ["exec", "p", "--", "true"]):
            done = agent.mete(*args, check=False)
            assert done.returncode == 3 and agent.run in done.stderr and "no agent" in done.stderr, (args, done)
        assert agent.mete("nonsense", check=False).returncode == 2
        assert agent.mete("apply", check=False).returncode == 2
        assert agent.mete("top", "-d", "0", check=False).returncode == 2


def test_pods_are_read_and_changed_over_the_socket_only():
    with agent_with_bystander() as (agent, bystander):
        for method, path in (("GET", "/mete/v1/pods"), ("POST", "/mete/v1/apply"), ("POST", "/mete/v1/delete?pod=default/bystander"), ("GET", "/mete/v1/events"), ("POST", "/mete/v1/pods/default/bystander/kill")):
            try:
                urllib.request.urlopen(urllib.request.Request("http://" + agent.address + path, method=method, data=b"" if method == "POST" else None), timeout=60)
                raise AssertionError("answered: " + path)
            except urllib.error.HTTPError as error:
                assert error.code == 403 and "socket" in error.read().decode(), (path, error)
        bystander.check()


def test_what_is_not_found_is_exit_code_4():
    with agent_with_bystander() as (agent, bystander):
        for args in (["ps", "nobody"], ["inspect", "nobody"], ["delete", "nobody"], ["stop", "nobody"], ["start", "nobody"], ["kill", "nobody"], ["logs", "nobody"],
                     ["exec", "nobody", "--", "true"], ["logs", "bystander", "-c", "nobody"], ["exec", "bystander", "-c", "nobody", "--", "true"], ["kill", "bystander", "-c", "nobody"]):
            done = agent.mete(*args, check=False)
            assert done.returncode == 4 and "nobody" in done.stderr, (args, done)
        done = agent.mete("apply", "-f", "/no/such.yaml", check=False)
        assert done.returncode == 1 and "/no/such.yaml" in done.stderr and "No such file" in done.stderr, done
        done = agent.mete("kill", "bystander", "-s", "FLY", check=False)
        assert done.returncode == 1 and "FLY" in done.stderr and "expected" in done.stderr, done
        done = agent.mete("delete", "bystander", check=False)  # the folder wants it
        assert done.returncode == 1 and "bystander.yaml" in done.stderr, done
        bystander.check()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
