# SPDX-License-Identifier: Apache-2.0
"""Images and configurations as clients bring them, which other runtimes take: dangling links, folders of root alone, read-only roots and /dev,
options that undo each other, namespaces of several owners, HOME, the environment of hooks."""
import copy
import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import run_tests, wait_for  # noqa: E402
from cases import skip_case  # noqa: E402
from oci_bundle import Oci  # noqa: E402

FIRST_ID, IDS = 100000, 65536


def open_to_users(oci):
    """The way to the bundle, and the root file system, for a user namespace."""
    for folder in (oci.work, oci.bundle):
        os.chmod(folder, 0o755)
    subprocess.run(["chown", "-Rh", "%d:%d" % (FIRST_ID, FIRST_ID), oci.rootfs], check=True)


def in_user_namespace(oci, path=None):
    open_to_users(oci)
    linux = copy.deepcopy(oci.config["linux"])
    if path:
        linux["namespaces"].append({"type": "user", "path": path})
        return linux
    linux["namespaces"].append({"type": "user"})
    linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": FIRST_ID, "size": IDS}]
    return linux


def with_mount(oci, destination, source, options, kind="bind"):
    return oci.config["mounts"] + [{"destination": destination, "type": kind, "source": source, "options": options}]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


class Holder:
    """A process with namespaces of its own, made with unshare(1); `user`: in a user namespace with the usual mappings."""

    def __init__(self, *flags, user=False):
        self.process = subprocess.Popen(["unshare", *(["-U"] if user else []), *flags, "sleep", "600"])
        wait_for("unshare", lambda: "sleep" in open("/proc/%d/comm" % self.process.pid).read())
        for file in ("uid_map", "gid_map") if user else ():
            write("/proc/%d/%s" % (self.process.pid, file), "0 %d %d\n" % (FIRST_ID, IDS))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()

    def path(self, name):
        return "/proc/%d/ns/%s" % (self.process.pid, name)


def test_what_a_dangling_link_leads_to_is_made():
    with Oci() as oci:
        write(oci.work + "/given", "given\n")
        for link, to, place in (("etc/resolv.conf", "../run/a/resolv.conf", "run/a/resolv.conf"), ("etc/hosts", "/run/b/hosts", "run/b/hosts"),
                                ("etc/mtab", "../../../../../../run/c/mtab", "run/c/mtab"), ("etc/one", "two", "run/d/three")):
            os.symlink(to, oci.rootfs + "/" + link)
            if link == "etc/one":  # a chain
                os.symlink("/run/d/three", oci.rootfs + "/etc/two")
            done = oci.run("cat /%s /%s; readlink /%s" % (link, place, link), mounts=with_mount(oci, "/" + link, oci.work + "/given", ["bind", "ro"]))
            assert done.out == "given\ngiven\n%s\n" % to, (link, done)
            assert os.path.isfile(oci.rootfs + "/" + place), place
        os.symlink("/run/e", oci.rootfs + "/etc/folder")
        done = oci.run("grep -c ' /run/e/deep ' /proc/mounts", mounts=with_mount(oci, "/etc/folder/deep", "tmpfs", [], "tmpfs"))
        assert done.out == "1\n", done
        os.symlink("loop", oci.rootfs + "/etc/loop")
        done = oci.run("true", check=False, mounts=with_mount(oci, "/etc/loop", oci.work + "/given", ["bind"]))
        assert done.code == 1 and "Too many levels of symbolic links" in done.err, done
        assert sorted(os.listdir(oci.work)) == ["bundle", "bundles", "given", "state"], "nothing is made outside of the root"


def test_a_bind_source_below_a_folder_of_root_alone():
    with Oci() as oci:
        write(oci.work + "/private/volume/file", "seen\n")
        os.chmod(oci.work + "/private", 0o700)
        linux = in_user_namespace(oci)
        for options in (["bind"], ["rbind", "ro", "nosuid"]):
            done = oci.run("cat /v/file; grep ' /v ' /proc/mounts", linux=linux, mounts=with_mount(oci, "/v", oci.work + "/private/volume", options))
            assert done.out.startswith("seen\n") and ("ro,nosuid" in done.out) == ("ro" in options), done
        done = oci.run("true", check=False, linux=linux, mounts=with_mount(oci, "/v", oci.work + "/private/missing", ["bind"]))
        assert done.code == 1 and oci.work + "/private/missing" in done.err, done


def test_mounts_below_a_copy_of_the_launcher_stay_inside():
    """In a user namespace, and with owners mapped, the launcher copies the volume: of a shared mount it must be no peer."""
    with Oci() as oci:
        volume = oci.work + "/volume"
        os.makedirs(volume)
        subprocess.run(["mount", "-t", "tmpfs", "volume", volume], check=True)
        subprocess.run(["mount", "--make-shared", volume], check=True)
        try:
            os.makedirs(volume + "/below")
            oci.config["process"]["capabilities"] = {each: ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"] for each in ("bounding", "effective", "permitted")}
            linux = in_user_namespace(oci)
            for options in (["rbind"], ["rbind", "rslave"], ["bind", "idmap"]):
                mounts = with_mount(oci, "/v", volume, options)
                tried = oci.run("true", check=False, linux=linux, mounts=mounts)
                if "map the owners" in tried.err:
                    continue  # this file system has no id-mapped mounts
                pid = oci.started(linux=linux, mounts=mounts, script="mount -t tmpfs inner /v/below && touch /tmp/mounted; sleep 600")
                wait_for("its mount", lambda: os.path.exists(oci.rootfs + "/tmp/mounted"))
                assert " /v/below " in open("/proc/%d/mountinfo" % pid).read(), options
                assert volume + "/below" not in open("/proc/self/mountinfo").read(), options
                oci.oci("delete", "--force", "one")
                os.remove(oci.rootfs + "/tmp/mounted")
        finally:
            subprocess.run(["umount", "-l", volume], check=True)


def test_more_binds_than_descriptors_in_a_user_namespace():
    with Oci() as oci:
        os.makedirs(oci.work + "/volume")
        mounts = oci.config["mounts"] + [{"destination": "/tmp/v%d" % number, "type": "bind", "source": oci.work + "/volume", "options": ["bind"]}
                                         for number in range(1100)]
        done = oci.run("grep -c ' /tmp/v' /proc/mounts", linux=in_user_namespace(oci), mounts=mounts)
        assert done.out == "1100\n", done


def test_a_domain_name_without_a_host_name():
    with Oci() as oci:
        oci.config.pop("hostname")
        assert oci.run("cat /proc/sys/kernel/domainname; hostname", domainname="inside.test").out == "inside.test\n%s\n" % os.uname().nodename


def test_dev_where_the_configuration_mounts_nothing():
    with Oci() as oci:
        write(oci.rootfs + "/dev/of-the-image", "")
        others = [each for each in oci.config["mounts"] if not each["destination"].startswith("/dev")]
        script = "for n in fd stdin stdout stderr ptmx; do readlink /dev/$n; done; ls /dev/of-the-image; grep ' /dev ' /proc/mounts"
        for mounts in (others, others + [each for each in oci.config["mounts"] if each["destination"] == "/dev/pts"]):
            done = oci.run(script, check=False, mounts=mounts)
            assert done.out.startswith("/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\ntmpfs /dev tmpfs rw,nosuid"), done
        assert os.listdir(oci.rootfs + "/dev") == ["of-the-image"], "the image stays as it was"
        assert oci.run("ls -l /dev/pts/ptmx && test -c /dev/ptmx && echo yes", mounts=mounts).out.endswith("yes\n")


def test_dev_and_other_tmpfs_mounted_read_only():
    with Oci() as oci:
        mounts = copy.deepcopy(oci.config["mounts"])
        for each in mounts:
            if each["destination"] == "/dev":
                each["options"].append("ro")
        mounts += [{"destination": "/v", "type": "tmpfs", "source": "v", "options": ["ro"]}, {"destination": "/v/in/side", "type": "tmpfs", "source": "w"}]
        done = oci.run("grep -E ' /(dev|v|v/in/side) ' /proc/mounts; touch /dev/x || echo no; touch /v/x || echo no; touch /v/in/side/x /dev/shm/x && echo yes; "
                       "echo x > /dev/null && test -c /dev/zero && echo devices", mounts=mounts, process=dict(oci.config["process"], cwd="/v/work"))
        lines = done.out.splitlines()
        assert [line.split()[3].split(",")[0] for line in lines[:3]] == ["ro", "ro", "rw"] and lines[3:] == ["no", "no", "yes", "devices"], done
        # A later remount has the last word.
        mounts.append({"destination": "/v", "type": "tmpfs", "source": "v", "options": ["remount", "rw"]})
        assert oci.run("touch /v/x && echo yes", mounts=mounts).out == "yes\n"


def test_a_missing_working_directory_below_a_read_only_root():
    with Oci() as oci:
        for root in ({"readonly": True, "path": oci.rootfs}, {"readonly": False, "path": oci.rootfs}):
            process = dict(oci.config["process"], cwd="/srv/%s/app" % root["readonly"])
            done = oci.run("pwd; touch x 2>/dev/null || echo ro", root=root, process=process)
            assert done.out == process["cwd"] + "\n" + ("ro\n" if root["readonly"] else ""), done
        process = dict(oci.config["process"], cwd="/bin/busybox/app")
        done = oci.run("pwd", check=False, root={"readonly": True, "path": oci.rootfs}, process=process)
        assert done.code == 1 and "change directory" in done.err, done


def test_rbind_and_bind_together_are_recursive():
    with Oci() as oci:
        os.makedirs(oci.work + "/volume/below")
        subprocess.run(["mount", "-t", "tmpfs", "below", oci.work + "/volume/below"], check=True)
        try:
            for options, below in ((["rbind", "bind"], "1\n"), (["bind", "rbind"], "1\n"), (["bind"], "0\n")):
                done = oci.run("grep -c ' /v/below ' /proc/mounts; true", mounts=with_mount(oci, "/v", oci.work + "/volume", options))
                assert done.out == below, (options, done)
        finally:
            subprocess.run(["umount", "-l", oci.work + "/volume/below"], check=True)


def test_a_tmpfs_has_the_mode_of_the_directory_below():
    with Oci() as oci:
        os.chmod(oci.rootfs + "/tmp", 0o1777)
        os.chmod(oci.rootfs + "/run", 0o750)
        mounts = oci.config["mounts"] + [{"destination": at, "type": "tmpfs", "source": "t", "options": options} for at, options in (
            ("/tmp", ["nosuid", "size=1m"]), ("/run", []), ("/root", ["mode=0711"]), ("/new", []))]
        os.chmod(oci.rootfs + "/root", 0o700)
        for linux in (oci.config["linux"], in_user_namespace(oci)):
            done = oci.run("stat -c %a /tmp /run /root; grep -c ' /tmp ' /proc/mounts", linux=linux, mounts=[each for each in mounts if each["type"] != "cgroup"])
            assert done.out == "1777\n750\n711\n1\n", done


def test_named_options_clear_what_the_source_has():
    with Oci() as oci:
        volume = oci.work + "/volume"
        os.makedirs(volume)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nosuid,nodev,noexec,noatime", "volume", volume], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro,nosuid,nodev,noexec,noatime", volume], check=True)
        try:
            for linux in (oci.config["linux"], in_user_namespace(oci)):
                for options, seen in ((["bind"], "ro,nosuid,nodev,noexec,noatime"), (["bind", "rw"], "rw,nosuid,nodev,noexec,noatime"),
                                      (["bind", "exec"], "ro,nosuid,nodev,noatime"), (["bind", "suid", "dev"], "ro,noexec,noatime"),
                                      (["rbind", "rrw", "rexec", "rsuid", "rdev"], "rw,noatime"), (["bind", "rw", "ro", "relatime"], "ro,nosuid,nodev,noexec,relatime")):
                    done = oci.run("grep ' /v ' /proc/mounts", linux=linux, mounts=with_mount(oci, "/v", volume, options))
                    found = [each for each in done.out.split()[3].split(",") if "=" not in each and each != "inode64"]
                    assert ",".join(found) == seen, (options, done)
            still = [line.split()[5] for line in open("/proc/self/mountinfo") if line.split()[4] == volume]
            assert still == ["ro,nosuid,nodev,noexec,noatime"], "the host's own mount stays as it is: %s" % still
        finally:
            subprocess.run(["umount", "-l", volume], check=True)


def test_idmap_with_a_user_namespace_by_path():
    with Oci() as oci, Holder(user=True) as holder:
        write(oci.work + "/volume/file", "x")
        linux = in_user_namespace(oci, holder.path("user"))
        done = oci.run("stat -c %u,%g /v/file; touch /v/new", check=False, linux=linux, mounts=with_mount(oci, "/v", oci.work + "/volume", ["bind", "idmap"]))
        if "map the owners" in done.err:
            skip_case("this file system has no id-mapped mounts")
        assert done.code == 0 and done.out == "0,0\n", done
        assert os.stat(oci.work + "/volume/new").st_uid == 0
        linux = in_user_namespace(oci, "/proc/self/ns/uts")
        done = oci.run("true", check=False, linux=linux, mounts=with_mount(oci, "/v", oci.work + "/volume", ["bind", "idmap"]))
        assert done.code == 1, done


def test_a_user_namespace_with_others_of_the_host():
    """By path and new; the others are of the host's user namespace, so that root inside may not join them."""
    names = {"network": "net", "ipc": "ipc", "uts": "uts"}
    with Oci() as oci, Holder(user=True) as users, Holder("-n", "-i", "-u") as host:
        for by_path in (True, False):
            for kinds in (["network"], ["ipc"], ["uts"], list(names)):
                linux = in_user_namespace(oci, users.path("user") if by_path else None)
                linux["namespaces"] = [each for each in linux["namespaces"] if each["type"] not in kinds]
                linux["namespaces"] += [{"type": kind, "path": host.path(names[kind])} for kind in kinds]
                # sysfs and mqueue need rights over the network and IPC namespaces; any cgroup needs none of these.
                mounts = [each for each in oci.config["mounts"] if each["type"] not in ("sysfs", "mqueue", "cgroup")]
                script = "id -u; for n in user %s; do readlink /proc/self/ns/$n; done; sleep 600" % " ".join(names[kind] for kind in kinds)
                pid = oci.started(script=script, linux=linux, mounts=mounts, hostname="")
                joined = [os.readlink("/proc/%d/ns/%s" % (pid, names[kind])) for kind in kinds]
                assert joined == [os.readlink(host.path(names[kind])) for kind in kinds], (by_path, kinds, joined)
                user = os.readlink("/proc/%d/ns/user" % pid)
                assert (user == os.readlink(users.path("user"))) == by_path and user != os.readlink("/proc/self/ns/user")
                inside = oci.oci("exec", "one", "sh", "-c", "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/" + names[kinds[0]]).out.split()
                assert inside == ["0", user, joined[0]], (by_path, kinds, inside)
                oci.oci("delete", "--force", "one")
        assert oci.leftovers() == [], oci.leftovers()


def test_a_user_and_a_time_namespace():
    if not os.path.exists("/proc/self/ns/time"):
        skip_case("this kernel has no time namespaces")
    with Oci() as oci, Holder(user=True) as users:
        hour = 3_600_000
        clock = "cut -d . -f 1 /proc/uptime"
        for path in (None, users.path("user")):
            linux = in_user_namespace(oci, path)
            linux["namespaces"].append({"type": "time"})
            linux["timeOffsets"] = {"boottime": {"secs": hour}}
            mounts = [each for each in oci.config["mounts"] if each["type"] != "cgroup"]
            pid = oci.started(script="%s > /tmp/first; sleep 600" % clock, linux=linux, mounts=mounts)
            wait_for("its clock", lambda: os.path.exists(oci.rootfs + "/tmp/first") and open(oci.rootfs + "/tmp/first").read())
            assert int(open(oci.rootfs + "/tmp/first").read()) >= hour, path
            done = oci.oci("exec", "one", "sh", "-c", clock + "; readlink /proc/self/ns/time; readlink /proc/self/ns/user")
            seen = done.out.split()
            assert int(seen[0]) >= hour and seen[1:] == [os.readlink("/proc/%d/ns/%s" % (pid, each)) for each in ("time", "user")], done
            # Another container joins both.
            joining = in_user_namespace(oci, "/proc/%d/ns/user" % pid)
            joining["namespaces"].append({"type": "time", "path": "/proc/%d/ns/time" % pid})
            done = oci.run(clock + "; readlink /proc/self/ns/time", name="two", linux=joining, mounts=mounts)
            assert int(done.out.split()[0]) >= hour and done.out.split()[1] == seen[1], done
            oci.oci("delete", "--force", "one")
            os.remove(oci.rootfs + "/tmp/first")
        assert float(open("/proc/uptime").read().split()[0]) < hour, "the host's clock"
        assert os.readlink("/proc/self/ns/time") == os.readlink("/proc/self/ns/time_for_children")


def test_of_two_variables_the_last_wins():
    with Oci() as oci:
        process = dict(oci.config["process"], env=["PATH=/bin", "A=1", "B=x", "A=2"])
        assert oci.run(args=["/bin/env"], process=process).out == "PATH=/bin\nA=2\nB=x\nHOME=/\n"


def test_home_is_that_of_the_containers_passwd():
    with Oci() as oci:
        write(oci.rootfs + "/etc/passwd", "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\nr:x:1001:1::relative:/bin/sh\n")
        write(oci.work + "/passwd", "u:x:1000:1000::/bound:/bin/sh\n")
        expected = {0: "/root", 1000: "/home/u", 1001: "/", 1002: "/"}
        for uid, home in expected.items():
            assert oci.run("echo $HOME", process=dict(oci.config["process"], user={"uid": uid, "gid": 0})).out == home + "\n", uid
        bound = with_mount(oci, "/etc/passwd", oci.work + "/passwd", ["bind", "ro"])
        assert oci.run("echo $HOME", mounts=bound, process=dict(oci.config["process"], user={"uid": 1000, "gid": 0})).out == "/bound\n"
        for env, given in ((["HOME=/given"], "/given\n"), (["HOME="], "\n")):
            assert oci.run("echo $HOME", process=dict(oci.config["process"], env=["PATH=/bin"] + env)).out == given

        oci.started()
        for uid, home in expected.items():
            assert oci.oci("exec", "--user", str(uid), "one", "sh", "-c", "echo $HOME").out == home + "\n", uid
            for more, seen in (([], home), (["HOME=/given"], "/given")):
                process = {"args": ["sh", "-c", "echo $HOME"], "cwd": "/", "user": {"uid": uid, "gid": 0}, "env": ["PATH=/bin"] + more}
                write(oci.work + "/process.json", json.dumps(process))
                assert oci.oci("exec", "--process", oci.work + "/process.json", "one").out == seen + "\n", (uid, more)
        assert oci.oci("exec", "--env", "HOME=/given", "one", "sh", "-c", "echo $HOME").out == "/given\n"
        oci.oci("delete", "--force", "one")
        oci.started(mounts=bound)
        assert oci.oci("exec", "--user", "1000", "one", "sh", "-c", "echo $HOME").out == "/bound\n"
        # What is no regular file is not waited for.
        oci.oci("delete", "--force", "one")
        os.remove(oci.rootfs + "/etc/passwd")
        os.mkfifo(oci.rootfs + "/etc/passwd")
        assert oci.run("echo $HOME").out == "/\n"


def test_the_environment_of_hooks():
    with Oci() as oci:
        os.environ["METE_TEST_MARK"] = "of-the-caller"
        for point in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
            inside = point == "startContainer"
            log = "/tmp/hook" if inside else oci.work + "/hook"
            there = oci.rootfs + log if inside else log
            # A shell would add variables of its own.
            hook = {"path": "/bin/busybox", "args": ["busybox", "sh", "-c", "cat /proc/self/environ > %s; cat > /dev/null" % log]}
            for env in (None, [], ["A=b"]):
                given = dict(hook, **({} if env is None else {"env": env}))
                process = dict(oci.config["process"], env=["PATH=/bin", "OF=container"])
                oci.run("true", hooks={point: [given]}, process=process)
                wait_for("the hook", lambda: os.path.exists(there))
                seen = set(open(there).read().split("\0"))
                os.remove(there)
                assert ("METE_TEST_MARK=of-the-caller" in seen) == (env is None and not inside), (point, env, seen)
                assert ({"OF=container", "HOME=/"} <= seen) == (env is None and inside), (point, env, seen)
                assert ("A=b" in seen) == (env == ["A=b"]), (point, env, seen)


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
