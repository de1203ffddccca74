# SPDX-License-Identifier: Apache-2.0
"""io of a policy: the disk under a path is found, its limits are written, felt, put back and taken away."""
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from resize_test import POLICY, V1, running  # noqa: E402

MiB = 1 << 20

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sleep, "1000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, hostPath: {path: %s}}]
"""


def disk_of(path):
    """By sysfs, as another program would find it."""
    device = os.stat(path).st_dev
    number = "%d:%d" % (os.major(device), os.minor(device))
    directory = "/sys/dev/block/" + number
    if not os.path.exists(directory):
        skip("needs a state folder on a disk, found device " + number)
    if os.path.exists(directory + "/partition"):
        return open(directory + "/../dev").read().strip()
    return number


def limits(agent, disk):
    """(readBps, writeBps, readIops, writeIops) in the kernel; None: no limit."""
    path = agent.container("web")["cgroup"]
    if V1:
        found = []
        for name in ("read_bps", "write_bps", "read_iops", "write_iops"):
            lines = dict(line.split() for line in open("/sys/fs/cgroup/blkio%s/blkio.throttle.%s_device" % (path, name)))
            found.append(int(lines[disk]) if disk in lines else None)
        return tuple(found)
    lines = dict(line.split(" ", 1) for line in open("/sys/fs/cgroup%s/io.max" % path))
    values = dict(each.split("=") for each in lines.get(disk, "").split())
    return tuple(int(values[name]) if values.get(name, "max") != "max" else None for name in ("rbps", "wbps", "riops", "wiops"))


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
        agent.apply(POD % data)
        running(agent)
        free = seconds_to_write(agent, 8)
        agent.apply((POLICY % ("  io: {devices: [{path: %s, writeBps: 4Mi, readIops: 500}, {path: /dev/disk-that-is-none, readBps: 1Mi}], weight: 50}" % data)).lstrip("-\n"))
        wait_for("the limits", lambda: limits(agent, disk) == (None, 4 * MiB, 500, None))
        held = seconds_to_write(agent, 8)
        print("     8 MiB in %.2f s, at 4 MiB a second in %.2f s" % (free, held))
        assert held > 1.5 and held > 2 * free, (free, held)
        said = [each["message"] for each in agent.events("NotEnforced")]
        assert any("/dev/disk-that-is-none" in each for each in said), said
        text = agent.mete("explain", "web").stdout
        assert "io of policy default/web" in text, text
        # Somebody else's write is put back.
        path = agent.container("web")["cgroup"]
        with open("/sys/fs/cgroup/blkio%s/blkio.throttle.write_bps_device" % path if V1 else "/sys/fs/cgroup%s/io.max" % path, "w") as file:
            file.write(disk + (" 99999999" if V1 else " wbps=99999999"))
        wait_for("the limit again", lambda: limits(agent, disk) == (None, 4 * MiB, 500, None) and agent.events("LimitDrift"), 2)
        # An agent that finds no such policy takes away what the last one set.
        agent.kill()
        os.remove(agent.state + "/applied/Policy.default.web.yaml")
        agent.start()
        wait_for("no limit", lambda: limits(agent, disk) == (None,) * 4)
        agent.apply((POLICY % ("  io: {devices: [{path: %s, readBps: 9Mi}]}" % data)).lstrip("-\n"))
        wait_for("the next limit", lambda: limits(agent, disk) == (9 * MiB, None, None, None))
        agent.apply((POLICY % "  pids: {max: 99}").lstrip("-\n"))
        wait_for("none again", lambda: limits(agent, disk) == (None,) * 4)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
