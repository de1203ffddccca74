# SPDX-License-Identifier: Apache-2.0
"""--security-opt seccomp=FILE, in docker's form of a profile, seen from inside."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402

# mkdir fails with ENOSPC, but for who may administer the system.
NO_MKDIR = {"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}]}
TRY = "mkdir /new 2>&1; grep ^Seccomp: /proc/self/status"


def profile(agent, text=None):
    path = agent.work + "/profile.json"
    write(path, text if text is not None else json.dumps(NO_MKDIR, indent=2))
    return "seccomp=" + path


def kept(agent):
    folder = agent.state + "/seccomp/docker"
    return os.listdir(folder) if os.path.isdir(folder) else []


def test_a_profile_is_in_force_and_its_rules_are_chosen_by_capabilities():
    with Agent().start() as agent:
        option = profile(agent)
        out = agent.mete("run", "--rm", "--security-opt", option, "busybox", "sh", "-c", TRY).stdout
        assert "No space left on device" in out and "Seccomp:\t2" in out, out
        out = agent.mete("run", "--rm", "--cap-add", "SYS_ADMIN", "--security-opt", option, "busybox", "sh", "-c", TRY).stdout
        assert "No space" not in out and "Seccomp:\t2" in out, out
        assert "Seccomp:\t2" in agent.mete("run", "--rm", "--security-opt", "seccomp=builtin", "busybox", "sh", "-c", TRY).stdout
        wait_for("the profiles to go with their containers", lambda: kept(agent) == [])


def test_a_profile_stays_as_long_as_a_container_has_it():
    with Agent().start() as agent:
        option = profile(agent)
        for name in ("one", "two"):
            agent.mete("run", "-d", "--name", name, "--restart", "always", "--security-opt", option, "busybox", "sleep", "1000")
        [file] = kept(agent)
        assert json.loads(agent.mete("inspect", "one").stdout)[0]["HostConfig"]["SecurityOpt"] == ["seccomp=" + json.dumps(NO_MKDIR, separators=(",", ":"))]
        agent.mete("rm", "-f", "one")
        assert kept(agent) == [file]
        # The next agent starts it again with the same.
        agent.kill()
        agent.start()
        agent.mete("restart", "-t", "0", "two")
        assert "No space left" in agent.mete("exec", "two", "mkdir", "/new", check=False).stderr
        agent.mete("rm", "-f", "two")
        wait_for("it to go", lambda: kept(agent) == [])


def test_what_is_no_profile_makes_no_container():
    with Agent().start() as agent:
        for text in ("[]", "{}", '{"defaultAction": "SCMP_ACT_SING"}', '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}'):
            done = agent.mete("run", "--security-opt", profile(agent, text), "busybox", "true", check=False)
            assert done.returncode == 125 and "seccomp profile" in done.stderr, (text, done)
        done = agent.mete("run", "--privileged", "--security-opt", "seccomp=builtin", "busybox", "true", check=False)
        assert done.returncode == 125 and "a privileged container has no filter" in done.stderr, done
        out = agent.mete("run", "--rm", "--privileged", "--security-opt", profile(agent, json.dumps({**NO_MKDIR, "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]})), "busybox", "sh", "-c", TRY).stdout
        assert "No space left on device" in out and "Seccomp:\t2" in out, out
        assert agent.mete("ps", "-aq").stdout == "" and kept(agent) == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
