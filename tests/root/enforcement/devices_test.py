# SPDX-License-Identifier: Apache-2.0
"""devices of a policy: allowed ones are in the container's /dev and open, denied ones do not, and both change while it runs.
METE_TURNS says how often."""
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from pods import documents, launch, pod, policy  # noqa: E402

# No container has it by itself; whoever opens it reads four bytes.
DEVICE = "/dev/cpu_dma_latency"
TURNS = amount("TURNS", short=3, long=10)


def manifest(devices, privileged=False, dry_run=False):
    held = [policy("  dryRun: %s\n  devices: %s" % (str(dry_run).lower(), devices))] if devices else []
    return documents(pod(lines="securityContext: {privileged: %s}" % str(privileged).lower()), *held)


def opens(agent, path, way="<"):
    """Empty when the container can open it; else why not."""
    done = agent.mete("exec", "web", "--", "sh", "-c", "exec 3%s%s" % (way, path), check=False)
    return done.stderr.strip() if done.returncode else ""


def need_device():
    if not os.path.exists(DEVICE):
        skip("needs " + DEVICE)


def test_what_is_allowed_is_there_and_opens_as_far_as_it_is_allowed():
    need_device()
    with Agent().start() as agent:
        launch(agent, manifest("{allow: [{path: %s, access: r}]}" % DEVICE))
        assert opens(agent, DEVICE) == ""
        assert "not permitted" in opens(agent, DEVICE, ">"), opens(agent, DEVICE, ">")
        assert agent.mete("exec", "web", "--", "sh", "-c", "head -c 4 %s | wc -c" % DEVICE).stdout.strip() == "4"
        assert agent.mete("exec", "web", "--", "stat", "-c", "%t:%T", DEVICE).stdout.strip() == "%x:%x" % (
            os.major(os.stat(DEVICE).st_rdev), os.minor(os.stat(DEVICE).st_rdev))
        assert opens(agent, "/dev/null", ">") == ""


def test_without_a_policy_it_is_neither_there_nor_made():
    need_device()
    with Agent().start() as agent:
        launch(agent, manifest(None))
        assert "no such file" in opens(agent, DEVICE), opens(agent, DEVICE)
        rdev = os.stat(DEVICE).st_rdev
        agent.mete("exec", "web", "--", "mknod", "/tmp/made", "c", str(os.major(rdev)), str(os.minor(rdev)), check=False)
        assert opens(agent, "/tmp/made") != ""


def test_what_is_denied_does_not_open_even_if_everybody_may_use_it():
    with Agent().start() as agent:
        launch(agent, manifest("{deny: [{path: /dev/full}, {path: /dev/zero, access: w}]}"))
        assert "not permitted" in opens(agent, "/dev/full"), opens(agent, "/dev/full")
        assert opens(agent, "/dev/zero") == "" and "not permitted" in opens(agent, "/dev/zero", ">")
        assert opens(agent, "/dev/random") == ""


def test_a_privileged_container_may_use_all_that_is_not_denied():
    need_device()
    with Agent().start() as agent:
        launch(agent, manifest("{deny: [{path: /dev/full}]}", privileged=True))
        assert "not permitted" in opens(agent, "/dev/full"), opens(agent, "/dev/full")
        rdev = os.stat(DEVICE).st_rdev
        agent.mete("exec", "web", "--", "mknod", "/dev/made", "c", str(os.major(rdev)), str(os.minor(rdev)))
        assert opens(agent, "/dev/made") == ""


def test_a_changed_policy_holds_at_once_and_refuses_nothing_meanwhile():
    need_device()
    with Agent().start() as agent:
        launch(agent, manifest("{allow: [{path: %s, access: r}]}" % DEVICE))
        pid = agent.container("web")["pid"]
        # It goes on opening what is allowed before and after; one refusal is written down.
        watcher = agent.begin("exec", "web", "--", "sh", "-c", "while :; do (exec 3</dev/null) || echo refused; [ -e /tmp/end ] && exit; done",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(TURNS):
            agent.apply(manifest("{deny: [{path: /dev/full}]}"))
            wait_for("the device to be out of reach", lambda: "not permitted" in opens(agent, DEVICE))
            assert "not permitted" in opens(agent, "/dev/full")
            agent.apply(manifest("{allow: [{path: %s, access: r}]}" % DEVICE))
            wait_for("the device to be back", lambda: opens(agent, DEVICE) == "")
            assert opens(agent, "/dev/full") == ""
        agent.mete("exec", "web", "--", "touch", "/tmp/end")
        said, _ = watcher.communicate(timeout=60)
        assert said == "", said
        agent.apply(manifest(None))
        agent.mete("delete", "-f", "-", text=policy("  devices: {}"))
        wait_for("the device to be out of reach", lambda: "not permitted" in opens(agent, DEVICE))
        assert agent.container("web")["pid"] == pid


def test_the_next_agent_takes_back_what_a_policy_allowed_that_is_gone():
    need_device()
    with Agent().start() as agent:
        launch(agent, manifest("{allow: [{path: %s}]}" % DEVICE))
        assert opens(agent, DEVICE) == ""
        agent.kill()
        agent.forget("Policy", "web")
        agent.start()
        wait_for("the device to be out of reach", lambda: "not permitted" in opens(agent, DEVICE))


def test_a_dry_run_changes_nothing():
    with Agent().start() as agent:
        launch(agent, manifest("{deny: [{path: /dev/full}]}", dry_run=True))
        assert opens(agent, "/dev/full") == ""


def test_what_the_machine_has_not_is_told():
    with Agent().start() as agent:
        launch(agent, manifest("{allow: [{path: /dev/no-such-device}, {path: /dev/shm}]}"))
        told = [each["message"] for each in agent.events("NotEnforced") if "/dev/" in each["message"]]
        assert len(told) == 2 and "/dev/no-such-device: No such file" in told[0] and "/dev/shm: found no device" in told[1], told


def test_bad_input_is_refused():
    with Agent().start() as agent:
        for devices, expected in (("{allow: [{path: /etc/passwd}]}", "a path below /dev"), ("{allow: [{path: /dev/../etc/passwd}]}", "a path below /dev"),
                                  ("{allow: [{path: /dev/full, access: rx}]}", "letters r, w and m"), ("{allow: [{path: /dev/full, access: rr}]}", "letters r, w and m"),
                                  ("{allow: [{}]}", "path"), ("{deny: [{path: /dev/full}, {path: /dev/full}]}", "/dev/full")):
            done = agent.mete("apply", "-f", "-", text=manifest(devices), check=False)
            assert done.returncode == 1 and expected in done.stderr, (devices, done)
        assert agent.pods() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
