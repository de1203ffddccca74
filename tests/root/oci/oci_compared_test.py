# SPDX-License-Identifier: Apache-2.0
"""What the comparison with runc and crun (tests/peers/oci_compare_test.py) has found: mounts that others cover, options that contradict each other,
devices of the host as standard input, a masked passwd."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import run_tests  # noqa: E402
from oci_bundle import Oci  # noqa: E402


def with_mount(oci, destination, source, options):
    return oci.config["mounts"] + [{"destination": destination, "type": "bind", "source": source, "options": options}]


def test_a_read_only_tmpfs_that_a_later_mount_covers():
    with Oci() as oci:
        mounts = oci.config["mounts"] + [{"destination": at, "type": "tmpfs", "source": "t", "options": ["ro", "nosuid"]} for at in ("/v/in/side", "/v")]
        assert oci.run("grep -c ' /v' /proc/mounts; touch /v/x 2>/dev/null || echo ro; ls /v", mounts=mounts).out == "2\nro\n"
        # A mask covers, too, also by another name.
        os.symlink("/v", oci.rootfs + "/w")
        for masked in ("/v", "/w"):
            linux = dict(oci.config["linux"], maskedPaths=[masked])
            assert oci.run("ls /v; touch /v/x 2>/dev/null || echo ro", linux=linux, mounts=mounts[:-1]).out == "ro\n", masked


def test_what_is_asked_for_all_mounts_of_a_tree_is_so_of_its_first():
    with Oci() as oci:
        os.makedirs(oci.work + "/volume")
        for options in (["rbind", "rw", "dev", "rro", "rnodev"], ["rbind", "rro", "rnodev", "rw", "dev"]):
            done = oci.run("grep ' /v ' /proc/mounts", mounts=with_mount(oci, "/v", oci.work + "/volume", options))
            assert {"ro", "nodev"} <= set(done.out.split()[3].split(",")), (options, done)


def test_the_hosts_devices_keep_their_owner():
    """Standard input is given to the user of the command, so that it can be opened again, where it is no device of the host. The container may have no
    null device to compare it with."""
    with Oci() as oci:
        null = oci.work + "/null"
        os.mknod(null, 0o20666, os.makedev(1, 3))
        os.makedirs(oci.work + "/empty")
        process = dict(oci.config["process"], user={"uid": 1000, "gid": 1000})
        others = [each for each in oci.config["mounts"] if not each["destination"].startswith("/dev")]
        for mounts in (oci.config["mounts"], others + [{"destination": "/dev", "type": "bind", "source": oci.work + "/empty", "options": ["bind"]}]):
            with open(null) as file:
                oci.oci("run", "--bundle", oci.write("one", "true", mounts=mounts, process=process), "one", stdin=file)
            assert os.stat(null).st_uid == 0, "mete-oci has given the device away"


def test_home_is_not_read_below_a_mask():
    with Oci() as oci:
        with open(oci.rootfs + "/etc/passwd", "w") as file:
            file.write("root:x:0:0:root:/root:/bin/sh\n")
        assert oci.run("echo $HOME").out == "/root\n"
        for masked in ("/etc/passwd", "/etc"):
            assert oci.run("echo $HOME", linux=dict(oci.config["linux"], maskedPaths=[masked])).out == "/\n", masked


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
