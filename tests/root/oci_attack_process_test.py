# SPDX-License-Identifier: Apache-2.0
"""Containers that reach for the host through mete-oci's own processes: its executable, its descriptors, its rights. Each attack has a
control, in which the same look finds what it looks for."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import cgroup_mounts, run_tests, wait_for  # noqa: E402
from oci_bundle import PROGRAM, Oci  # noqa: E402

SLOW = float(os.environ.get("METE_SLOW", "1"))  # how much longer than on a machine of today all takes
ALL = ["CAP_" + each for each in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK "
    "IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE "
    "AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()]


class Attacked(Oci):
    """A copy of mete-oci that may be lost, and a container in which Python attacks it."""

    def __init__(self):
        super().__init__()
        os.makedirs(self.work + "/victims")
        self.program = self.victim("mete-oci", PROGRAM)
        self.secret = self.work + "/secret-of-the-host"
        with open(self.secret, "w") as file:
            file.write("secret\n")
        shutil.copy(os.path.dirname(__file__) + "/../support/attacker.py", self.rootfs + "/attacker.py")
        self.python = os.path.realpath(sys.executable)
        folders = {"/usr", "/lib", "/lib64", sysconfig.get_config_var("installed_base")}
        self.python_mounts = [{"destination": each, "type": "bind", "source": each, "options": ["rbind", "ro"]} for each in folders if os.path.isdir(each)]
        self.hash = self.digest(self.program)

    def victim(self, name, path):
        shutil.copy(path, self.work + "/victims/" + name)
        os.chmod(self.work + "/victims/" + name, 0o755)
        return self.work + "/victims/" + name

    def victims(self):
        """All that the attacker may write to."""
        infos = [os.stat(self.work + "/victims/" + each) for each in os.listdir(self.work + "/victims")]
        return ",".join("%d:%d" % (each.st_dev, each.st_ino) for each in infos)

    @staticmethod
    def digest(path):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def process(self, **changes):
        return dict(self.config["process"], **changes)

    def with_rights(self, names):
        return {each: names for each in ("bounding", "effective", "permitted")}

    def attack(self, begin, rights=None, stop=False, seconds=4, until=None):
        """Findings of the attacker while begin() is called over and over."""
        process = self.process(noNewPrivileges=False, **({"capabilities": self.with_rights(rights)} if rights else {}))
        bundle = self.write("one", args=[self.python, "-I", "/attacker.py", self.secret, self.victims()] + (["stop"] if stop else []), process=process,
                            mounts=self.config["mounts"] + self.python_mounts)
        with open(self.work + "/attacker.out", "w") as out, open(self.work + "/attacker.err", "w") as err:
            attacker = self.begin("run", "--pid-file", self.work + "/pid", "--bundle", bundle, "one", stdout=out, stderr=err)
            wait_for("the attacker to run", lambda: self.status() == "running" and os.path.exists(self.work + "/pid"), 15 * SLOW)
            time.sleep(0.5 * SLOW)
            assert attacker.poll() is None, open(self.work + "/attacker.err").read()
            calls, end = 0, time.monotonic() + seconds * SLOW
            while time.monotonic() < end and not (until and until in open(self.work + "/attacker.out").read()):
                begin()
                calls += 1
            open(self.rootfs + "/tmp/stop", "w").close()
            attacker.wait(30 * SLOW)
        os.remove(self.rootfs + "/tmp/stop")
        text = open(self.work + "/attacker.out").read()
        found = [tuple(json.loads(line)) for line in text.splitlines()]
        assert found and found[-1][0] == "end", (text, open(self.work + "/attacker.err").read())
        return found, calls

    def first_pid(self):
        return open(self.work + "/pid").read()

    def unharmed(self):
        assert self.digest(self.program) == self.hash, "the container has overwritten mete-oci"


def kinds(found, *wanted):
    return [each for each in found if each[0] in wanted]


def careless(oci, victim):
    """What a runtime does that enters the namespaces with its own file: here busybox's nsenter, from a copy."""
    return lambda: subprocess.run([victim, "nsenter", "-t", oci.first_pid(), "-m", "-p", "/proc/self/exe", "true"], capture_output=True, stdin=subprocess.DEVNULL)


def test_own_file_is_out_of_reach_while_a_command_is_sent_in():
    """CVE-2019-5736, with all the rights that a container can be given, and with the usual ones."""
    with Attacked() as oci:
        victim = oci.victim("busybox", "/bin/busybox")
        before = oci.digest(victim)
        found, _ = oci.attack(careless(oci, victim), rights=ALL, seconds=15, until="overwritten")
        assert kinds(found, "overwritten") and oci.digest(victim) != before, ("the control: a careless program is overwritten", found)
        for rights in (ALL, None):
            for stop in (False, True):
                for words in (["true"], ["/proc/self/exe"], ["/proc/self/exe", "--version"], ["/script"]):
                    with open(oci.rootfs + "/script", "w") as file:
                        file.write("#!/proc/self/exe\n")
                    os.chmod(oci.rootfs + "/script", 0o755)
                    found, calls = oci.attack(lambda: oci.oci("exec", "one", *words, check=False), rights, stop, seconds=1.5)  # noqa: B023
                    oci.unharmed()
                    assert calls > 3 and not kinds(found, "overwritten", "writable"), found
                    if kinds(found, "exe"):
                        print("     %s rights, %s: seen: %s" % ("all" if rights else "usual", " ".join(words), kinds(found, "exe")))


def test_own_file_as_the_first_command():
    """The entrypoint is /proc/self/exe, or a script that names it; an attacker shares the PID namespace."""
    with Attacked() as oci:
        open(oci.rootfs + "/script", "w").write("#!/proc/self/exe --version\n")
        os.chmod(oci.rootfs + "/script", 0o755)

        def second(args):
            linux = json.loads(json.dumps(oci.config["linux"]))
            for each in linux["namespaces"]:
                if each["type"] == "pid":
                    each["path"] = "/proc/%s/ns/pid" % oci.first_pid()
            oci.run(name="two", args=args, linux=linux, check=False)
        for rights in (ALL, None):
            # Who has CAP_SYS_PTRACE over the host's processes sees them; to write to their file is another thing.
            wrong = ("overwritten", "writable") if rights else ("overwritten", "writable", "host folder", "host root", "host cwd")
            for args in (["/proc/self/exe"], ["/proc/self/exe", "--version"], ["/proc/self/exe", "spec"], ["/script"], ["/proc/1/exe"]):
                found, calls = oci.attack(lambda: second(args), rights, stop=not rights, seconds=1.5)  # noqa: B023
                oci.unharmed()
                assert calls > 2 and not kinds(found, *wrong), (args, calls, found)


def test_nothing_of_the_host_is_seen_in_who_comes_in():
    """CVE-2016-9962: descriptors, root and working directory of a process that is on its way in, held still by SIGSTOP."""
    with Attacked() as oci:
        host = os.open(oci.work, os.O_RDONLY)

        victim = oci.victim("busybox", "/bin/busybox")  # whoever goes in there may lose his file

        def leaking():
            # Enters the PID namespace alone, and stands there with a folder of the host's open.
            subprocess.run([victim, "nsenter", "-t", oci.first_pid(), "-p", victim, "sleep", "0.2"], pass_fds=[host], cwd=oci.work)
        found, _ = oci.attack(leaking, ALL, seconds=10, until="host folder")
        assert kinds(found, "host folder") or kinds(found, "host root"), ("the control: a leak is seen", found)
        for stop in (False, True):
            found, calls = oci.attack(lambda: oci.oci("exec", "one", "true", check=False, pass_fds=[host]), None, stop, seconds=4)
            assert calls > 10, calls
            assert not kinds(found, "host folder", "host root", "host cwd", "overwritten", "writable"), found
            print("     %d commands sent in, seen: %s" % (calls, found[:-1]))
        os.close(host)


def test_descriptors_of_the_caller_stay_outside():
    """CVE-2024-21626: neither open in the container nor a way out as its working directory."""
    with Attacked() as oci:
        host = os.open(oci.work, os.O_RDONLY | os.O_DIRECTORY)
        for number in (7, 8, 40, 900):
            os.dup2(host, number)
        held = [7, 8, 40, 900]
        kept = oci.oci("run", "--preserve-fds", "6", "--bundle", oci.write(args=["ls", "/proc/self/fd/8/"]), "one", pass_fds=held)
        assert "secret-of-the-host" in kept.out, ("the control: what is passed on purpose is seen", kept)
        assert oci.oci("run", "--bundle", oci.write(args=["ls", "/proc/self/fd"]), "one", pass_fds=held).out.split() == ["0", "1", "2", "3"]
        oci.started()
        assert oci.oci("exec", "one", "ls", "/proc/self/fd", pass_fds=held).out.split() == ["0", "1", "2", "3"]
        assert oci.oci("exec", "one", "ls", "/proc/1/fd", pass_fds=held).out.split() == ["0", "1", "2"]
        out = "pwd; cat secret-of-the-host ./../../../../../../../..%s" % oci.secret
        for number in list(range(3, 24)) + held:
            for path in ("/proc/self/fd/%d" % number, "/proc/self/fd/%d/" % number, "/proc/thread-self/fd/%d" % number, "/dev/fd/%d" % number):
                done = oci.oci("run", "--bundle", oci.write("two", process=oci.process(cwd=path), script=out), "two", check=False, pass_fds=held)
                assert "secret\n" not in done.out and "unreachable" not in done.out, (path, done)
                done = oci.oci("exec", "--cwd", path, "one", "sh", "-c", out, check=False, pass_fds=held)
                assert "secret\n" not in done.out and "unreachable" not in done.out, (path, done)
        for number in (7, 8, 40, 900, host):
            os.close(number)


def test_working_directories_through_links():
    with Attacked() as oci:
        os.symlink("/proc/self/fd/7", oci.rootfs + "/way")
        os.symlink("../../../../../../.." + oci.work, oci.rootfs + "/out")
        host = os.open(oci.work, os.O_RDONLY | os.O_DIRECTORY)
        os.dup2(host, 7)
        for path in ("/way", "/out", "/../../.." + oci.work, "/proc/1/root" + oci.work, "/proc/self/cwd"):
            done = oci.oci("run", "--bundle", oci.write(process=oci.process(cwd=path), script="cat secret-of-the-host; ls"), "one", check=False, pass_fds=[7])
            assert "secret" not in done.out, (path, done)
        os.close(7)
        os.close(host)


def receive_terminal(path, begin):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(20)
        call = begin()
        try:
            connection, _ = listener.accept()
            _, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
            connection.close()
        finally:
            code = call.wait(20)
            os.remove(path)
        return code, descriptors


def test_a_console_of_the_image_that_leads_elsewhere():
    """CVE-2025-52565: /dev/console and /dev/pts/0 are the image's links; what is written to the console must come out of the terminal."""
    with Attacked() as oci:
        bait = oci.work + "/bait"
        mounts = [each for each in oci.config["mounts"] if each["destination"] != "/dev"]
        for link in (None, bait, "../../../../../../../.." + bait, "/tmp/inside", "/proc/self/fd/0"):
            with open(bait, "w") as file:
                file.write("the host's\n")
            open(oci.rootfs + "/tmp/inside", "w").close()
            for name in os.listdir(oci.rootfs + "/dev"):
                if os.path.islink(oci.rootfs + "/dev/" + name) or not os.path.isdir(oci.rootfs + "/dev/" + name):
                    os.remove(oci.rootfs + "/dev/" + name)
            if link:
                os.symlink(link, oci.rootfs + "/dev/console")
            bundle = oci.write(process=oci.process(terminal=True), mounts=mounts, script="echo to-the-console > /dev/console; echo done; sleep 600")
            code, terminals = receive_terminal(oci.work + "/console.sock", lambda: oci.begin(  # noqa: B023
                "create", "--bundle", bundle, "--console-socket", oci.work + "/console.sock", "one", stderr=subprocess.DEVNULL))  # noqa: B023
            if code == 0:
                oci.oci("start", "one")
                text = b""
                end = time.monotonic() + 10
                while b"done" not in text and time.monotonic() < end:
                    text += os.read(terminals[0], 1000)
                if link is None:
                    assert b"to-the-console" in text, ("the control: without a link it comes out", text)
                print("     /dev/console -> %s: %s" % (link, text))
            else:
                assert link is not None, "the control did not come to run"
            for each in terminals:
                os.close(each)
            oci.oci("delete", "--force", "one")
            assert open(bait).read() == "the host's\n", link
            assert oci.leftovers() == [], oci.leftovers()


def capability_sets(text):
    return {line.split(":")[0]: int(line.split()[1], 16) for line in text.splitlines() if line.startswith("Cap")}


def test_the_inheritable_set_is_empty():
    """CVE-2022-24769, CVE-2022-29162: of run and of exec, whoever asks for more rights."""
    with Attacked() as oci:
        few = ["CAP_CHOWN", "CAP_KILL"]
        asked = oci.process(capabilities=dict(oci.with_rights(few), inheritable=few))
        control = capability_sets(oci.run("cat /proc/self/status", process=asked).out)
        assert control["CapInh"] == 0x21, ("the control: what config.json asks for by name is seen", control)
        sets = capability_sets(oci.run("cat /proc/self/status", process=oci.process(capabilities=oci.with_rights(few))).out)
        assert (sets["CapInh"], sets["CapAmb"], sets["CapPrm"], sets["CapBnd"]) == (0, 0, 0x21, 0x21), sets
        oci.started(process=oci.process(capabilities=oci.with_rights(few)))
        for words in ([], ["--cap", "CAP_NET_ADMIN"], ["--user", "1000:1000"], ["--user", "1000:1000", "--cap", "CAP_NET_ADMIN"]):
            sets = capability_sets(oci.oci("exec", *words, "one", "cat", "/proc/self/status").out)
            assert sets["CapInh"] == 0, (words, sets)


def test_a_user_is_a_number_or_an_error():
    """CVE-2026-30892: what is not understood must not become another user, root least of all."""
    with Attacked() as oci:
        oci.started()
        assert oci.oci("exec", "--user", "1000:7", "one", "id", "-u").out == "1000\n"
        for user in ("nobody", "root", "1000x", "x1000", "0x10", "-1", "+5", " 5", "5 ", "1e3", "4294967295", "4294967296", "18446744073709551616", ":", ":5", "5:", "5:x",
                     "5:-1", "5:6:7", "5:4294967295", "٣", "1,2", "1000:1000:0"):
            done = oci.oci("exec", "--user", user, "one", "id", "-u", check=False)
            assert done.code != 0 and done.out == "" and "--user" in done.err and done.err.count("\n") == 1, (user, done)
        for user in ({"uid": -1, "gid": 0}, {"uid": "0", "gid": 0}, {"uid": 4294967295, "gid": 0}, {"uid": 1 << 32, "gid": 0}, {"uid": 1.5, "gid": 0}, {"uid": True, "gid": 0},
                     {"uid": 0, "gid": -5}, {"uid": 0, "gid": 0, "additionalGids": [-1]}, {"uid": 0, "gid": 0, "umask": -1}, []):
            done = oci.oci("run", "--bundle", oci.write("two", process=oci.process(user=user), args=["id", "-u"]), "two", check=False)
            assert done.code == 1 and done.out == "" and "process.user" in done.err, (user, done)


def test_release_agents_cannot_be_set():
    """CVE-2022-0492: with the usual rights, as root and as root of a user namespace of one's own."""
    with Attacked() as oci:
        files = [mount + "/release_agent" for mount in cgroup_mounts() if os.path.exists(mount + "/release_agent")]
        before = [open(each).read() for each in files]
        script = """
            for each in /sys/fs/cgroup/*; do
              echo /evil > $each/release_agent && echo set; echo 1 > $each/notify_on_release && echo armed; mkdir $each/x && echo made
            done 2>/dev/null
            for each in memory cpu devices freezer pids blkio name=systemd; do
              mkdir -p /tmp/m; mount -t cgroup -o $each none /tmp/m 2>/dev/null && echo mounted
              unshare -Ur sh -c "mount -t cgroup -o $each none /tmp/m && echo mounted && echo /evil > /tmp/m/release_agent && echo set" 2>/dev/null
              unshare -Urm sh -c "mount -t cgroup -o $each none /tmp/m && echo mounted && echo /evil > /tmp/m/release_agent && echo set" 2>/dev/null
            done
            mount -o remount,rw /sys/fs/cgroup/memory 2>/dev/null && echo remounted
            echo end"""
        done = oci.run(script)
        assert done.out == "end\n", done
        assert [open(each).read() for each in files] == before
        # The control: the same words reach the container's own group when it may write there.
        mounts = json.loads(json.dumps(oci.config["mounts"]))
        for each in mounts:
            if each["type"] == "cgroup":
                each["options"] = [option for option in each["options"] if option != "ro"]
        control = oci.run("for each in /sys/fs/cgroup/*; do echo 0 > $each/notify_on_release && echo armed; mkdir $each/x && rmdir $each/x && echo made; done 2>/dev/null; echo end", mounts=mounts)
        assert "made" in control.out, control
        assert [open(each).read() for each in files] == before


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
