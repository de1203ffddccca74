# SPDX-License-Identifier: Apache-2.0
"""Containers that reach for the host through mete-oci's own processes: its executable, its descriptors, its working directory. Each
attack has a control, in which the same look finds what it looks for. Whatever may be overwritten is a copy."""
import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount  # noqa: E402
from mete_agent import run_tests  # noqa: E402
from oci_attacked import ALL, Attacked, kinds  # noqa: E402

SECONDS = amount("ATTACK_MS", short=500, long=3000) / 1000


def careless(oci, victim):
    """What a runtime does that enters the namespaces with its own file: here busybox's nsenter, from a copy."""
    def enter():
        try:
            subprocess.run([victim, "nsenter", "-t", oci.first_pid(), "-m", "-p", "/proc/self/exe", "true"], capture_output=True, stdin=subprocess.DEVNULL)
        except OSError:
            pass  # ETXTBSY: the attacker has it open for writing
    return enter


def test_own_file_is_out_of_reach_while_a_command_is_sent_in():
    """CVE-2019-5736, with all the rights that a container can be given, and with the usual ones."""
    with Attacked() as oci:
        victim = oci.victim("busybox", "/bin/busybox")
        before = oci.digest(victim)
        found, _ = oci.attack(careless(oci, victim), rights=ALL, seconds=60, until="overwritten")
        assert kinds(found, "overwritten") and oci.digest(victim) != before, ("the control: a careless program is overwritten", found)
        for rights in (ALL, None):
            for stop in (False, True):
                for words in (["true"], ["/proc/self/exe"], ["/proc/self/exe", "--version"], ["/script"]):
                    with open(oci.rootfs + "/script", "w") as file:
                        file.write("#!/proc/self/exe\n")
                    os.chmod(oci.rootfs + "/script", 0o755)
                    found, calls = oci.attack(lambda: oci.oci("exec", "one", *words, check=False), rights, stop, seconds=SECONDS, calls_at_least=4)  # noqa: B023
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
                found, calls = oci.attack(lambda: second(args), rights, stop=not rights, seconds=SECONDS, calls_at_least=3)  # noqa: B023
                oci.unharmed()
                assert calls > 2 and not kinds(found, *wrong), (args, calls, found)


def test_nothing_of_the_host_is_seen_in_who_comes_in():
    """CVE-2016-9962: descriptors, root and working directory of a process that is on its way in, held still by SIGSTOP."""
    with Attacked() as oci:
        host = os.open(oci.work, os.O_RDONLY)

        victim = oci.victim("busybox", "/bin/busybox")  # whoever goes in there may lose his file

        def leaking():
            # Enters the PID namespace alone, and stands there with a folder of the host's open.
            try:
                subprocess.run([victim, "nsenter", "-t", oci.first_pid(), "-p", victim, "sleep", "0.2"], capture_output=True, pass_fds=[host], cwd=oci.work)
            except OSError:
                pass  # ETXTBSY, or no program any more: the attacker was there
        found, _ = oci.attack(leaking, ALL, seconds=60, until="host folder")
        assert kinds(found, "host folder") or kinds(found, "host root"), ("the control: a leak is seen", found)
        for stop in (False, True):
            found, calls = oci.attack(lambda: oci.oci("exec", "one", "true", check=False, pass_fds=[host]), None, stop, seconds=3, calls_at_least=11)
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
        assert os.path.exists(oci.rootfs + "/out/secret-of-the-host"), "the control: by path it leads to the host's"
        host = os.open(oci.work, os.O_RDONLY | os.O_DIRECTORY)
        os.dup2(host, 7)
        for path in ("/way", "/out", "/../../.." + oci.work, "/proc/1/root" + oci.work, "/proc/self/cwd"):
            done = oci.oci("run", "--bundle", oci.write(process=oci.process(cwd=path), script="cat secret-of-the-host; ls"), "one", check=False, pass_fds=[7])
            assert "secret" not in done.out, (path, done)
        os.close(7)
        os.close(host)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
