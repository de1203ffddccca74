# SPDX-License-Identifier: Apache-2.0
"""What keeps a container apart from the host, where a wrong or unusual configuration could undo it: how the root is changed, namespaces by
path, /proc and /sys as links, names set twice, hooks, devices in a user namespace, frozen cgroups."""
import copy
import ctypes
import json
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from leftovers import cgroup_mounts  # noqa: E402
from mete_agent import SLOW, run_tests  # noqa: E402
from cases import skip_case  # noqa: E402
from oci_bundle import Oci  # noqa: E402

FIRST_ID, IDS = 100000, 65536
KINDS = {"mount": "mnt", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "cgroup": "cgroup", "user": "user"}


def without_pivot():
    """pivot_root(2) answers EINVAL, as it does where the root is an initramfs."""
    pivot_root, einval = 155, 22
    program = b"".join(struct.pack("HBBI", *line) for line in (
        (0x20, 0, 0, 0),                    # load the system call's number
        (0x15, 0, 1, pivot_root),           # is it this one?
        (0x06, 0, 0, 0x00050000 | einval),  # SECCOMP_RET_ERRNO
        (0x06, 0, 0, 0x7fff0000)))          # SECCOMP_RET_ALLOW
    buffer = ctypes.create_string_buffer(program)
    libc = ctypes.CDLL(None, use_errno=True)
    filter_program = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter_program, 0, 0) == 0, "seccomp"


def with_a_mount_out_of_reach(folder):
    """The caller's mount namespace has a proc below a directory that a user namespace may not search."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_namespace, private, recursive = 0x20000, 1 << 18, 1 << 14

    def before():
        assert libc.unshare(new_namespace) == 0 and libc.mount(None, b"/", None, private | recursive, None) == 0, "mount namespace"
        os.makedirs(folder + "/proc", 0o700, exist_ok=True)
        os.chmod(folder, 0o700)
        assert libc.mount(b"proc", (folder + "/proc").encode(), b"proc", 0, None) == 0, "proc"
    return before


def in_user_namespace(oci):
    """The configuration's `linux` with a user namespace of its own, which can use the root file system."""
    for folder in (oci.work, oci.bundle, oci.work + "/bundles"):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
    subprocess.run(["chown", "-Rh", "%d:%d" % (FIRST_ID, FIRST_ID), oci.rootfs], check=True)
    linux = copy.deepcopy(oci.config["linux"])
    linux["namespaces"].append({"type": "user"})
    linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": FIRST_ID, "size": IDS}]
    return linux


def by_path(oci, kind, path):
    linux = copy.deepcopy(oci.config["linux"])
    linux["namespaces"] = [each for each in linux["namespaces"] if each["type"] != kind] + [{"type": kind, "path": path}]
    return linux


def test_no_whole_proc_stays_in_the_mount_namespace():
    """The kernel lets a new user namespace mount proc or sysfs only when a whole one is mounted already: the masks would be undone."""
    mounts_again = ("mkdir -p /tmp/p; for kind in proc sysfs; do unshare -Urmpnf mount -t $kind none /tmp/p 2>/dev/null && echo mounted $kind; done;"
                    " ls /; ls /../..; grep -c . /proc/self/mountinfo")
    with Oci() as oci:
        open_linux = dict(oci.config["linux"], maskedPaths=[], readonlyPaths=[])
        whole = [each for each in oci.config["mounts"] if not each["destination"].startswith("/sys/")]
        whole = [dict(each, options=["nosuid", "noexec", "nodev"]) if each["type"] == "sysfs" else each for each in whole]
        control = oci.run(mounts_again, linux=open_linux, mounts=whole).out
        assert "mounted proc" in control, "the control: nothing is masked, so the kernel allows it: " + control
        usual = oci.run(mounts_again).out
        assert "mounted" not in usual and "bin" in usual, usual
        bundle = oci.write("one", mounts_again)
        for before in (None, without_pivot):
            done = oci.oci("run", "--no-pivot", "--bundle", bundle, "one", preexec_fn=before)
            # The same mounts, and nothing of the host's.
            assert done.out == usual, (before, done.out, usual)
        linux = in_user_namespace(oci)
        for before in (None, without_pivot, with_a_mount_out_of_reach(oci.work + "/closed")):
            bundle = oci.write("one", mounts_again, linux=linux, mounts=whole)
            done = oci.oci("run", "--no-pivot", "--bundle", bundle, "one", preexec_fn=before)
            assert "mounted" not in done.out and "bin" in done.out, (before, done)
        assert oci.leftovers() == [], oci.leftovers()


def test_a_namespace_by_path_is_of_the_kind_that_is_named():
    with Oci() as oci:
        os.mkfifo(oci.work + "/fifo")
        wrong = ["/etc/hostname", "/tmp", oci.work + "/fifo", oci.work + "/missing", "/dev/null"]
        before = oci.mounts()
        for kind, file in KINDS.items():
            for path in wrong + ["/proc/self/ns/" + ("ipc" if file == "uts" else "uts")]:
                began = time.monotonic()
                done = oci.run("true", check=False, hostname="", linux=by_path(oci, kind, path))
                assert done.code == 1 and path in done.err and time.monotonic() - began < 30 * SLOW, (kind, path, done)
                assert done.out == "" and oci.mounts() == before and oci.leftovers() == [], (kind, path, oci.leftovers())
        # The control: the right kind is joined.
        for kind in ("network", "uts", "ipc"):
            path = "/proc/self/ns/" + KINDS[kind]
            done = oci.run("readlink " + path, hostname="", linux=by_path(oci, kind, path))
            assert done.out.strip() == os.readlink(path), (kind, done)


def test_proc_and_sys_as_links_are_no_place_to_mount():
    with Oci() as oci:
        for name in ("proc", "sys"):
            for to in ("other", "../other", "/bin", "missing", "/../../other"):
                os.rmdir(oci.rootfs + "/" + name)
                os.makedirs(oci.rootfs + "/other", exist_ok=True)
                os.symlink(to, oci.rootfs + "/" + name)
                done = oci.run("true", check=False)
                assert done.code == 1 and "symbolic link" in done.err, (name, to, done)
                bound = [{"destination": "/" + name, "type": "bind", "source": "/" + name, "options": ["rbind", "ro"]}]
                others = [each for each in oci.config["mounts"] if not each["destination"].startswith("/" + name)]
                done = oci.run("true", check=False, mounts=bound + others)
                assert done.code == 1 and "symbolic link" in done.err, (name, to, "bind", done)
                os.remove(oci.rootfs + "/" + name)
                os.makedirs(oci.rootfs + "/" + name)
        assert oci.run("ls /proc/self/ns/net").out and oci.leftovers() == []


def test_a_sysctl_that_is_another_field():
    with Oci() as oci:
        linux = dict(oci.config["linux"], sysctl={"kernel.hostname": "by-sysctl"})
        done = oci.run("hostname", check=False, linux=linux)
        assert done.code == 1 and "kernel.hostname" in done.err and "hostname" in done.err, done
        linux = dict(oci.config["linux"], sysctl={"kernel.domainname": "by-sysctl"})
        assert oci.run("cat /proc/sys/kernel/domainname", linux=linux).out == "by-sysctl\n", "as dockerd sets it"
        done = oci.run("true", check=False, linux=linux, domainname="by-field")
        assert done.code == 1 and "kernel.domainname" in done.err, done


def test_create_container_hooks_are_in_all_namespaces_of_the_container():
    with Oci() as oci:
        for user in (False, True):
            linux = in_user_namespace(oci) if user else oci.config["linux"]
            log = oci.work + "/hook-%d" % user
            open(log, "w").close()
            os.chmod(log, 0o666)
            script = "cat > /dev/null; for n in %s; do readlink /proc/self/ns/$n; done > %s; id -u >> %s; echo $$ >> %s" % (
                " ".join(KINDS.values()), log, log, log)
            hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"], "timeout": 60}
            pid = oci.create(linux=linux, hooks={"createContainer": [hook]})
            seen = open(log).read().split()
            expected = [os.readlink("/proc/%d/ns/%s" % (pid, each)) for each in KINDS.values()]
            assert seen[:len(expected)] == expected, (user, seen, expected)
            assert seen[-2] == "0", "root of its namespaces: %s" % seen
            assert int(seen[-1]) < 100, "a pid of the container's own: %s" % seen
            slow = dict(hook, args=["sh", "-c", "sleep 600"], timeout=1)
            oci.oci("delete", "--force", "one")
            done = oci.oci("create", "--bundle", oci.write(linux=linux, hooks={"createContainer": [slow]}), "one", check=False)
            assert done.code == 1 and "timeout" in done.err, done
            failing = dict(hook, args=["sh", "-c", "echo why; exit 3"])
            done = oci.oci("create", "--bundle", oci.write(linux=linux, hooks={"createContainer": [failing]}), "one", check=False)
            assert done.code == 1 and "ended with status 3: why" in done.err, done
            assert oci.leftovers() == [], oci.leftovers()


def test_devices_in_a_user_namespace_are_nosuid_and_noexec():
    with Oci() as oci:
        lines = oci.run("grep ' /dev/' /proc/mounts", linux=in_user_namespace(oci),
                        mounts=[each for each in oci.config["mounts"] if each["type"] != "cgroup"]).out.splitlines()
        devices = {line.split()[1]: line.split()[3].split(",") for line in lines if line.split()[1].count("/") == 2}
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            assert {"nosuid", "noexec"} <= set(devices["/dev/" + name]), (name, lines)


def test_a_filter_that_forbids_getcwd_is_the_programs():
    with Oci() as oci:
        linux = dict(oci.config["linux"], seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["getcwd", "chdir", "fchdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]})
        for no_new_privileges in (True, False):
            process = dict(oci.config["process"], noNewPrivileges=no_new_privileges, cwd="/tmp")
            assert oci.run("echo runs", linux=linux, process=process).out == "runs\n"
        # The check itself is still there.
        process = dict(oci.config["process"], cwd="/proc/self/fd/7/../../..")
        assert oci.run("echo runs", check=False, process=process).code == 1


def frozen_places(oci):
    """(what, the folder of a group below our parent, the file and the texts that freeze and thaw it)."""
    for mount in cgroup_mounts():
        if mount.endswith("/freezer"):
            yield "v1", mount + oci.parent, "freezer.state", "FROZEN", "THAWED"
        elif os.path.exists(mount + "/cgroup.controllers"):
            yield "v2", mount + oci.parent, "cgroup.freeze", "1", "0"


def test_nothing_starts_in_a_frozen_cgroup():
    with Oci() as oci:
        tried = 0
        for what, folder, file, freeze, thaw in frozen_places(oci):
            for cgroup in ("cold", "cold/below"):
                for mount in cgroup_mounts():
                    os.makedirs(mount + oci.parent + "/cold", exist_ok=True)
                control = folder + "/cold/" + file
                with open(control, "w") as out:
                    out.write(freeze)
                try:
                    bundle = oci.write("one", "touch /tmp/has-run")
                    config = json.load(open(bundle + "/config.json"))
                    config["linux"]["cgroupsPath"] = oci.parent + "/" + cgroup
                    with open(bundle + "/config.json", "w") as out:
                        json.dump(config, out)
                    for command in ("run", "create"):
                        began = time.monotonic()
                        done = oci.oci(command, "--bundle", bundle, "one", check=False, seconds=60 * SLOW)
                        assert time.monotonic() - began < 20 * SLOW, (what, cgroup, "took %.1f s" % (time.monotonic() - began))
                        assert done.code == 1 and "frozen" in done.err, (what, cgroup, command, done)
                        assert not os.path.exists(oci.rootfs + "/tmp/has-run"), (what, cgroup, "it ran all the same")
                        assert oci.containers() == [] and oci.processes() == [], (what, cgroup, oci.processes())
                    tried += 1
                finally:
                    if os.path.exists(control):
                        with open(control, "w") as out:
                            out.write(thaw)
        if tried == 0:
            skip_case("this machine has no freezer")


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
