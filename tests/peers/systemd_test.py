# SPDX-License-Identifier: Apache-2.0
"""mete-oci --systemd-cgroup against systemd itself, which runs as a container of mete-oci's."""
import json
import os
import shutil
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, need_root, run_tests, skip, wait_for  # noqa: E402
from systemd_machine import SystemdMachine  # noqa: E402


def bundle(machine):
    os.makedirs(machine.root + "/mete/bundle/rootfs/bin")
    shutil.copy(BIN + "/mete-oci", machine.root + "/mete/")
    shutil.copy("/bin/busybox", machine.root + "/mete/bundle/rootfs/bin/")
    for name in ("sh", "cat", "sleep"):
        os.symlink("busybox", machine.root + "/mete/bundle/rootfs/bin/" + name)


machine = SystemdMachine("systemd", bundle)


def inner_config(**changes):
    made = machine.run("rm -f bundle/config.json; ./mete-oci spec --bundle bundle && cat bundle/config.json")
    config = json.loads(made.stdout)
    config["process"].update(args=["sh", "-c", "sleep 60"], env=["PATH=/bin"], terminal=False)
    config["linux"].update(changes)
    with open(machine.work + "/root/mete/bundle/config.json", "w") as file:
        json.dump(config, file)


def properties(unit, *names):
    shown = machine.run("systemctl show %s %s" % (unit, " ".join("-p " + name for name in names))).stdout
    return dict(line.split("=", 1) for line in shown.splitlines())


def test_a_scope_with_the_limits_as_its_properties():
    inner_config(cgroupsPath="system.slice:mete:one",
                 resources={"memory": {"limit": 32 << 20}, "cpu": {"quota": 20000, "period": 100000, "shares": 512}, "pids": {"limit": 40}})
    made = machine.run("./mete-oci --systemd-cgroup run --detach --bundle bundle one > out 2>&1 < /dev/null || cat out")
    assert made.returncode == 0 and not made.stdout, made.stdout + made.stderr
    unit = properties("mete-one.scope", "ActiveState", "Slice", "Delegate", "TasksMax", "CPUQuotaPerSecUSec")
    assert unit == {"ActiveState": "active", "Slice": "system.slice", "Delegate": "yes", "TasksMax": "40", "CPUQuotaPerSecUSec": "200ms"}, unit
    pid = json.loads(machine.run("./mete-oci state one").stdout)["pid"]
    # A hierarchy that somebody mounted once may stay without a mount; nobody can move into it.
    mounted = machine.run("awk '$3 ~ /^cgroup/ {print $4}' /proc/mounts").stdout.replace("\n", ",").split(",")
    for line in machine.run("cat /proc/%d/cgroup" % pid).stdout.splitlines():
        controllers = line.split(":")[1]
        if controllers and controllers.split(",")[0] not in mounted:
            continue
        assert line.endswith(":/system.slice/mete-one.scope"), line
    machine.run("systemctl daemon-reload")  # which writes its own idea of the limits again
    assert machine.run("./mete-oci exec one cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max").stdout.strip() == "40"
    assert machine.run("./mete-oci update --pids-limit 44 one").returncode == 0
    assert properties("mete-one.scope", "TasksMax") == {"TasksMax": "44"}
    assert machine.run("./mete-oci delete --force one").returncode == 0
    wait_for("the scope's end", lambda: properties("mete-one.scope", "ActiveState")["ActiveState"] == "inactive")
    assert machine.run("ls -d /sys/fs/cgroup/*/system.slice/mete-one.scope /sys/fs/cgroup/system.slice/mete-one.scope").stdout == ""


def control(unit, *files):
    """Of the scope's cgroup, in whichever hierarchy it is."""
    names = " ".join("/sys/fs/cgroup/*/system.slice/%s/%s /sys/fs/cgroup/system.slice/%s/%s" % (unit, file, unit, file) for file in files)
    return machine.run("cat %s 2>/dev/null" % names).stdout.split()


def test_an_update_is_systemds_too():
    """What is named changes, in the kernel and in the unit; the rest stays, also after systemd has written its own idea again."""
    inner_config(cgroupsPath="system.slice:mete:five",
                 resources={"memory": {"limit": 32 << 20}, "cpu": {"quota": 20000, "period": 100000, "shares": 512}, "pids": {"limit": 40}})
    made = machine.run("./mete-oci --systemd-cgroup run --detach --bundle bundle five > out 2>&1 < /dev/null || cat out")
    assert made.returncode == 0 and not made.stdout, made.stdout + made.stderr
    unit = "mete-five.scope"

    def seen():
        machine.run("systemctl daemon-reload")
        quota = control(unit, "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.max")
        return quota, control(unit, "memory.limit_in_bytes", "memory.max"), control(unit, "pids.max"), properties(unit, "CPUQuotaPerSecUSec", "TasksMax")
    for flags, quota, memory, tasks, share in (
            ("--cpu-quota 30000", ["30000", "100000"], 32, "40", "300ms"), ("--cpu-period 50000", ["30000", "50000"], 32, "40", "600ms"),
            ("--memory 48m", ["30000", "50000"], 48, "40", "600ms"), ("--pids-limit 50 --cpu-quota 25000", ["25000", "50000"], 48, "50", "500ms")):
        assert machine.run("./mete-oci update %s five" % flags).returncode == 0, flags
        expected = (quota, [str(memory << 20)], [tasks], {"CPUQuotaPerSecUSec": share, "TasksMax": tasks})
        assert seen() == expected, (flags, seen(), expected)
    before = seen()
    assert machine.run("./mete-oci update --pids-limit 60 --memory 4096 --memory-swap 100 five").returncode == 1
    assert seen() == before, "an update that is refused changes nothing"
    assert machine.run("./mete-oci delete --force five").returncode == 0


def test_a_slice_below_slices():
    inner_config(cgroupsPath="machine-a.slice:mete:two", resources={})
    assert machine.run("./mete-oci --systemd-cgroup run --detach --bundle bundle two > out 2>&1 < /dev/null || cat out").stdout == ""
    pid = json.loads(machine.run("./mete-oci state two").stdout)["pid"]
    assert ":/machine.slice/machine-a.slice/mete-two.scope\n" in machine.run("cat /proc/%d/cgroup" % pid).stdout
    assert machine.run("./mete-oci delete --force two").returncode == 0


def test_what_systemd_refuses_is_said_and_nothing_is_left():
    inner_config(cgroupsPath="system.slice:mete:three", resources={})
    machine.run("systemctl mask --runtime three.slice; sed -i 's/system.slice:/three.slice:/' bundle/config.json")
    made = machine.run("./mete-oci --systemd-cgroup create --bundle bundle three 2>&1 < /dev/null")
    assert made.returncode == 1 and "StartTransientUnit" in made.stdout, made.stdout
    assert "does not exist" in machine.run("./mete-oci state three 2>&1").stdout


def test_a_path_in_the_wrong_form():
    inner_config(cgroupsPath="/plain/path", resources={})
    made = machine.run("./mete-oci --systemd-cgroup create --bundle bundle four 2>&1 < /dev/null")
    assert made.returncode == 1 and "expected slice:prefix:name for --systemd-cgroup" in made.stdout, made.stdout


def main():
    need_root()
    if not os.path.exists("/lib/systemd/systemd"):
        skip("needs Debian's systemd")
    with machine:
        run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()
