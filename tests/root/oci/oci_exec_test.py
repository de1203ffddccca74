# SPDX-License-Identifier: Apache-2.0
"""exec: a container that ends while it is entered, the launcher's own file, failures before the command."""
import ctypes
import errno
import json
import os
import signal
import struct
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import run_tests, wait_for  # noqa: E402
from oci_bundle import Oci  # noqa: E402


def test_a_container_that_ends_meanwhile_is_said_to_be_not_running():
    with Oci() as oci:
        pid = oci.started()
        fifo = oci.work + "/process.json"
        os.mkfifo(fifo)
        entering = subprocess.Popen(oci.words("exec", "--process", fifo, "one"), stderr=subprocess.PIPE, text=True)
        # It has found the container running when it waits for the process.
        with open(fifo, "w") as out:
            oci.oci("kill", "one", "KILL")
            wait_for("the end", lambda: not os.path.exists("/proc/%d" % pid) or "Z" in open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0])
            json.dump({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}}, out)
        _, said = entering.communicate(timeout=60)
        assert entering.returncode == 255 and 'container not running: found "one" stopped' in said, said
        assert oci.oci("state", "one").out.count('"stopped"') == 1


def refuses_another_executable():
    """Of this process and its children the kernel refuses prctl(PR_SET_MM, ...), as one without CONFIG_CHECKPOINT_RESTORE."""
    number, first, prctl, set_mm, eperm = 0, 16, 157, 35, 1  # struct seccomp_data; x86-64
    load, jump, give = 0x20, 0x15, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ, BPF_RET
    code = [(load, 0, 0, number), (jump, 0, 3, prctl), (load, 0, 0, first), (jump, 0, 1, set_mm), (give, 0, 0, 0x50000 | eperm), (give, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("HBBI", *each) for each in code)
    buffer = ctypes.create_string_buffer(program)
    filter_ = ctypes.create_string_buffer(struct.pack("HP", len(code), ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(filter_), 0, 0) == 0, ctypes.get_errno()


def executed_as(pid):
    """AT_EXECFN: the name by which the kernel was asked for the program that runs now."""
    with open("/proc/%d/auxv" % pid, "rb") as file:
        values = dict(struct.iter_unpack("LL", file.read()))
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        memory.seek(values[31])
        return memory.read(64).split(b"\0")[0].decode()


def out_of_reach(pid, program):
    """Its executable and each file that it has mapped lie on a mount that nobody can write to."""
    assert os.readlink("/proc/%d/exe" % pid) == "/", "of a mount that is in no namespace"
    files = ["/proc/%d/exe" % pid] + ["/proc/%d/map_files/%s" % (pid, each) for each in os.listdir("/proc/%d/map_files" % pid)]
    assert len(files) > 2, files
    for each in files:
        assert os.stat(each).st_ino == os.stat(program).st_ino and os.statvfs(each).f_flag & os.ST_RDONLY, each
        try:
            os.close(os.open(each, os.O_WRONLY))
            raise AssertionError("%s: found it open for writing" % each)
        except OSError as error:
            assert error.errno in (errno.EROFS, errno.ETXTBSY), error


def test_the_launcher_runs_from_a_read_only_mount():
    """Without a second exec, and with one where the kernel does not let a program name its executable."""
    with Oci() as oci:
        oci.started()
        for again in (False, True):
            words = oci.words("exec", "one", "sh", "-c", "echo there; exec sleep 600")
            launcher = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=refuses_another_executable if again else None)
            assert launcher.stdout.readline() == "there\n"
            assert executed_as(launcher.pid).startswith("/dev/fd/") == again, executed_as(launcher.pid)
            out_of_reach(launcher.pid, oci.program)
            with open("/proc/%d/cmdline" % launcher.pid) as file:
                assert file.read().split("\0")[:-1] == words
            with open("/proc/%d/environ" % launcher.pid) as file:
                assert "PATH=" + os.environ["PATH"] in file.read().split("\0")
            assert sorted(os.listdir("/proc/%d/fd" % launcher.pid), key=int)[:3] == ["0", "1", "2"]
            with open("/proc/%d/task/%d/children" % (launcher.pid, launcher.pid)) as file:
                os.kill(int(file.read()), signal.SIGTERM)
            assert launcher.wait(60) == 128 + signal.SIGTERM, launcher.returncode


def test_into_a_container_that_stays_paused():
    """Who has asked for it waits for a resume, but not without end (oci_commands_root_test.cpp: one that is resumed)."""
    with Oci() as oci:
        oci.started()
        oci.oci("pause", "one")
        done = oci.oci("exec", "--ignore-paused", "one", "true", check=False, seconds=60)
        assert done.code == 255 and "found it frozen" in done.err, done
        oci.oci("resume", "one")
        assert oci.oci("exec", "one", "sh", "-c", "exit 3", check=False).code == 3


def test_what_fails_before_the_command_is_told():
    """The child shares the launcher's memory; each failure is a sentence and 255, and the next exec works."""
    with Oci() as oci:
        oci.started(process={**oci.config["process"], "oomScoreAdj": 500})
        for words, said in ((["no-such-program"], "executable file not found in $PATH"), (["/no/such"], "no such file or directory"),
                            (["/etc"], "permission denied"), (["--cwd", "/no/such", "true"], "/no/such"),
                            (["--cwd", "/bin/busybox", "true"], "/bin/busybox")):
            options = words[:-1] if len(words) > 1 else []
            done = oci.oci("exec", *options, "one", words[-1], check=False)
            assert done.code == 255 and said in done.err, (words, done)
            assert oci.oci("exec", "one", "sh", "-c", "exit 7", check=False).code == 7
        assert oci.oci("exec", "one", "cat", "/proc/self/oom_score_adj").out == "500\n"
        seen = oci.oci("exec", "one", "sh", "-c", "readlink /proc/self/ns/* | sort; ls /proc/self/fd; cat /proc/self/cgroup").out
        first = oci.oci("exec", "one", "sh", "-c", "readlink /proc/1/ns/* | sort").out
        assert seen.startswith(first), (seen, first)
        assert oci.oci("exec", "one", "sh", "-c", "kill -9 $$", check=False).code == 128 + 9


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
