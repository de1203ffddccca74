# SPDX-License-Identifier: Apache-2.0
"""io of a policy: the disk under a path is found, its limits are written, felt, put back and taken away."""
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup, MiB  # noqa: E402
from disks import disk_of, io_limits  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import SLEEP, launch, pod, policy  # noqa: E402


def seconds_to_write(agent, mebibytes):
    begin = time.monotonic()
    agent.mete("exec", "web", "--", "dd", "if=/dev/zero", "of=/data/file", "bs=1M", "count=%d" % mebibytes, "oflag=direct")
    return time.monotonic() - begin


def test_limits_by_path_are_written_felt_and_taken_away():
    with Agent() as agent:
        disk = disk_of(agent.work)
        agent.start()
        data = agent.work + "/data"
        os.mkdir(data)
        launch(agent, pod("web", SLEEP, "volumeMounts: [{name: data, mountPath: /data}]", "volumes: [{name: data, hostPath: {path: %s}}]" % data))
        free = seconds_to_write(agent, 8)
        agent.apply(policy("  io: {devices: [{path: %s, writeBps: 4Mi, readIops: 500}, {path: /dev/disk-that-is-none, readBps: 1Mi}], weight: 50}" % data))
        wait_for("the limits", lambda: io_limits(agent, disk) == (None, 4 * MiB, 500, None))
        held = seconds_to_write(agent, 8)
        print("     8 MiB in %.2f s, at 4 MiB a second in %.2f s" % (free, held))
        assert held > 1.5, (free, held)  # whatever the disk does besides
        said = [each["message"] for each in agent.events("NotEnforced")]
        assert any("/dev/disk-that-is-none" in each for each in said), said
        text = agent.mete("explain", "web").stdout
        assert "io of policy default/web" in text, text
        # Somebody else's write is put back.
        Cgroup(agent.container("web")["cgroup"]).limit_writes(disk, 99999999)
        wait_for("the limit again", lambda: io_limits(agent, disk) == (None, 4 * MiB, 500, None) and agent.events("LimitDrift"))
        # An agent that finds no such policy takes away what the last one set.
        agent.kill()
        agent.forget("Policy", "web")
        agent.start()
        wait_for("no limit", lambda: io_limits(agent, disk) == (None,) * 4)
        agent.apply(policy("  io: {devices: [{path: %s, readBps: 9Mi}]}" % data))
        wait_for("the next limit", lambda: io_limits(agent, disk) == (9 * MiB, None, None, None))
        agent.apply(policy("  pids: {max: 99}"))
        wait_for("none again", lambda: io_limits(agent, disk) == (None,) * 4)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
