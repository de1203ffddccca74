# SPDX-License-Identifier: Apache-2.0
"""--device and --device-cgroup-rule of `mete run`: the node is in /dev with the machine's number, and opens as far as was asked for."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from pods import policy  # noqa: E402

# No container has it by itself; whoever opens it reads four bytes.
DEVICE = "/dev/cpu_dma_latency"
NUMBER = "stat -c %t:%T "


def need_device():
    if not os.path.exists(DEVICE):
        skip("needs " + DEVICE)


def number(path=DEVICE):
    device = os.stat(path).st_rdev
    return "%x:%x" % (os.major(device), os.minor(device))


def run(agent, *flags, script, code=0):
    done = agent.mete("run", "--rm", *flags, "busybox", "sh", "-c", script, check=False)
    assert done.returncode == code, (flags, done.returncode, done.stdout, done.stderr)
    return (done.stdout + done.stderr).split("\n")[:-1]


def test_the_node_is_there_and_opens_as_far_as_was_asked():
    need_device()
    with Agent().start() as agent:
        assert run(agent, "--device", DEVICE, script="%s%s; head -c 4 %s | wc -c" % (NUMBER, DEVICE, DEVICE)) == [number(), "4"]
        mine = "/dev/in/mine"
        said = run(agent, "--device", "%s:%s:r" % (DEVICE, mine), script="%s%s; exec 3<%s && echo reads; (exec 3>%s) || echo no more; ls %s" % (NUMBER, mine, mine, mine, DEVICE), code=1)
        assert said[:2] == [number(), "reads"] and any("not permitted" in each for each in said) and "no more" in said and any("No such file" in each for each in said), said
        # Without it there is none, and one that the container makes does not open.
        numbers = number().split(":")
        make = "mknod /dev/made c $((0x%s)) $((0x%s)) && head -c 4 /dev/made" % tuple(numbers)
        assert any("not permitted" in each for each in run(agent, script=make, code=1))
        rule = "c %d:* rm" % int(numbers[0], 16)
        assert run(agent, "--device-cgroup-rule", rule, script=make + " | wc -c") == ["4"]


def test_a_folder_stands_for_all_devices_below_it():
    need_device()
    with Agent().start() as agent:
        folder = agent.work + "/nodes"
        os.makedirs(folder + "/deep")
        for name in ("/one", "/deep/two"):
            os.mknod(folder + name, 0o600 | 0o020000, os.stat(DEVICE).st_rdev)
        open(folder + "/file", "w").close()
        os.symlink("one", folder + "/link")
        said = run(agent, "--device", folder + ":/dev/nodes", script="cd /dev/nodes; find . -type c | sort; find . ! -type c ! -type d; head -c 4 deep/two | wc -c")
        assert said == ["./deep/two", "./one", "4"], said


def test_what_is_no_device_fails_the_start_as_with_docker():
    with Agent().start() as agent:
        for path, why, code in (("/dev/nosuch", "no such file or directory", 127), ("/etc/passwd:/dev/mine", "not a device node", 125)):
            done = agent.mete("run", "--name", "none", "--device", path, "busybox", "true", check=False)
            assert done.returncode == code and "error gathering device information while adding custom device \"%s\": %s" % (path.split(":")[0], why) in done.stderr, done
            agent.mete("rm", "none")
        for flag, why in ((DEVICE + ":/mine", "below its /dev"), (DEVICE + ":/dev/shm/mine", "below its /dev"), (DEVICE + ":/dev/mine:x", "bad mode"), ("cpu", "not an absolute path")):
            done = agent.mete("run", "--name", "none", "--device", flag, "busybox", "true", check=False)
            assert done.returncode == 125 and why in done.stderr, done
        assert "invalid device cgroup rule format" in agent.mete("run", "--device-cgroup-rule", "c 1 r", "busybox", "true", check=False).stderr


def test_it_stays_through_a_restart_and_an_agents_death_and_a_policy_has_the_last_word():
    need_device()
    with Agent().start() as agent:
        agent.mete("run", "-d", "--name", "held", "--label", "app=web", "--device", DEVICE + ":/dev/mine", "busybox", "sleep", "1000")
        look = ("exec", "held", "sh", "-c", NUMBER + "/dev/mine; head -c 4 /dev/mine | wc -c")
        assert agent.mete(*look).stdout.split() == [number(), "4"]
        [shown] = json.loads(agent.mete("inspect", "held").stdout)
        assert shown["HostConfig"]["Devices"] == [{"PathOnHost": DEVICE, "PathInContainer": "/dev/mine", "CgroupPermissions": "rwm"}], shown["HostConfig"]["Devices"]
        agent.kill()
        agent.start()
        assert agent.mete(*look).stdout.split() == [number(), "4"]
        agent.mete("restart", "-t", "0", "held")
        assert agent.mete(*look).stdout.split() == [number(), "4"]
        deny = policy("  dryRun: %%s\n  devices: {deny: [{path: %s}]}" % DEVICE).replace("{name: web}", "{name: web, namespace: docker}")
        agent.apply(deny % "false")
        opens = ("exec", "held", "sh", "-c", "exec 3</dev/mine")
        wait_for("it to be denied", lambda: agent.mete(*opens, check=False).returncode != 0)
        agent.apply(deny % "true")
        wait_for("it to be allowed", lambda: agent.mete(*opens, check=False).returncode == 0)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
