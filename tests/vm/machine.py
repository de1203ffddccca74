# SPDX-License-Identifier: Apache-2.0
"""Machines with a pure cgroup v2 kernel for the tests of this folder, what runs on which of them, and the verdict on what they said.

There are two machines. Neither needs KVM.

uml   Debian's user-mode-linux: Linux 6.1 as a process. It boots in 2 s and computes as fast as the host. It has one CPU, the controllers cpu, io,
      memory and pids, and no PSI. To make a process takes 14 ms there.
qemu  Debian's cloud kernel, emulated: 13 s to boot, 20 times slower. It has two CPUs, all controllers, PSI, io.cost and time namespaces.

A case runs on uml unless one of the tables below gives it to qemu. Each case runs on one machine only, and a case that says nothing is a failure.
`tests/README.md` says why the cases of the tables need qemu.

METE_VM_CACHE is the folder that keeps Debian's cloud kernel. METE_VM_SECONDS is how long a machine may take. METE_UML is another user mode
kernel, as of a newer Debian, and METE_UML_MODULES the folder of its modules.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, SKIP, SOURCE, skip  # noqa: E402

CACHE = os.environ.get("METE_VM_CACHE", SOURCE + "/build/vm")
SECONDS = int(os.environ.get("METE_VM_SECONDS", "600"))
UML = os.environ.get("METE_UML", "/usr/bin/linux.uml")
VERBOSE = "-v" in sys.argv
ROOT = "rootfstype=tmpfs"  # of the kernel's command line: a ramfs, which user-mode-linux takes by itself, tells no free space


def hurry():
    """A machine's clock goes on while other tests have the CPU: it gets twice their share, and leaves them one."""
    try:
        os.nice(-4)
        with open("/proc/self/autogroup", "w") as group:  # of the session, where the kernel shares the CPU among sessions first
            group.write("-4")
    except OSError:  # not root, or a kernel without it
        pass


def run_for(command, seconds, out, environment=None):
    """Whether the command ended by itself. A user mode kernel has a process for each of its processes: all of the group are killed."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
                               preexec_fn=hurry)
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:  # also when this test is told to end
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def qemu_command(work, disk, words):
    drive = ["-drive", "file=%s,if=none,id=disk,format=raw,cache=unsafe" % disk, "-device", "nvme,drive=disk,serial=mete"] if disk else []
    # Without "tcg" a machine that has /dev/kvm would be used as it is, which is not the machine that was tested. Mitigations are a tenth of
    # what a case takes there, and guard nobody.
    return ["qemu-system-x86_64", "-accel", "tcg", "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-serial", "stdio",
            "-no-reboot", "-kernel", CACHE + "/vmlinuz", "-initrd", work + "/initramfs",
            "-append", "console=ttyS0 quiet panic=-1 psi=1 mitigations=off " + ROOT + " rdinit=/init " + words, *drive]


def uml_command(work, disk, words):
    return [UML, "mem=1024M", "initrd=" + work + "/initramfs", "rdinit=/init", "con=null", "con0=null,fd:1", "ssl=null", "quiet", "panic=-1", ROOT,
            "uml_dir=" + work, "umid=machine", *(["ubd0=" + disk] if disk else []), *words.split()]


def boot(machine, work, disk=None, words="", seconds=SECONDS):
    """The machine's transcript, and whether it ended by itself. `words`: of the kernel's command line."""
    command = (qemu_command if machine == "qemu" else uml_command)(work, disk, words)
    # The memory of a user mode kernel is a file. On a disk the file would be written back.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else work
    with open(work + "/transcript", "wb") as out:  # a file, so that it can be followed
        ended = run_for(command, seconds, out, {**os.environ, "TMPDIR": memory})
    with open(work + "/transcript", errors="replace") as transcript:
        return transcript.read().replace("\r", ""), ended


def make_disk(work):
    """An ext4 file system for the machine, whose kernel has the drivers built in."""
    path = work + "/disk"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    return path


class Plan:
    """What a machine runs, and in which words it says that all of it ran."""

    def __init__(self, payload, environment=None):
        self.payload = payload
        self.environment = environment or {}
        self.lines = []
        self.expected = []  # (what, pattern that its verdict has)

    def script(self, name, cases):
        """Cases of tests/root/NAME.py."""
        if cases:
            self.lines.append("%s %s" % (name, " ".join(cases)))
            self.expected += [("%s.%s" % (name, case), r"^(?:ok   |FAIL |SKIP )%s\b" % case) for case in cases]

    def program(self, name, cases):
        """Cases of a test program."""
        if cases:
            self.lines.append("%s %s" % (name, ":".join(cases)))
            self.expected += [("%s: %s" % (name, case), r"^\[(?:       OK |  FAILED  |  SKIPPED )\] %s\b" % re.escape(case)) for case in cases]

    def agent(self, cases):
        """Cases of agent_cases, in their order."""
        self.lines.append("cases " + " ".join(cases))
        self.expected += [(case, r"^(?:ok   |FAIL |SKIP )%s\b" % case) for case in cases]


def judge(transcript, expected, ended, seconds):
    """(passed, skipped with their reasons, what is wrong): a case that says nothing is wrong, too."""
    passed = re.findall(r"^\[       OK \] (\S+)", transcript, re.M) + re.findall(r"^ok   (\S+)", transcript, re.M)
    skipped = re.findall(r"^SKIP (\S+: .*)", transcript, re.M) + re.findall(r"Skipped\n(.*)", transcript)
    wrong = re.findall(r"^FAIL (.{,600})", transcript, re.M) + re.findall(r"^\[  FAILED  \] (\S+) \(", transcript, re.M)
    wrong += re.findall(r"^SKIP: .*", transcript, re.M)  # a whole script
    wrong += ["%s: said nothing" % what for what, verdict in expected if not re.search(verdict, transcript, re.M)]
    begin, end = transcript.find("=== begin:"), transcript.find("=== end:")
    if not ended:
        wrong.append("not done after %d s" % seconds)
    elif begin < 0 or end < begin:
        wrong.append("the machine did not come to its end")
    return passed, skipped, wrong


def need(machine, disk):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if machine == "uml" and not os.path.exists(UML):
        skip("needs Debian's user-mode-linux")
    programs = ["cpio", "strip"] + (["qemu-system-x86_64", "dpkg", "apt-get"] if machine == "qemu" else []) + (["mkfs.ext4"] if disk else [])
    for program in programs:
        if shutil.which(program) is None:
            skip("needs " + program)
    if not os.path.exists("/bin/busybox"):
        skip("needs Debian's busybox-static")
    for program in ("mete", "mete-shim", "mete-oci"):
        if not os.path.exists(BIN + "/" + program):
            skip("needs %s in %s" % (program, BIN))


def build_image(machine, work, payload, plan=()):
    with open(work + "/plan", "w") as out:
        out.writelines(line + "\n" for line in plan)
    made = subprocess.run([SOURCE + "/tests/vm/build_image", machine, BIN, CACHE, work + "/initramfs", payload, work + "/plan"])
    if made.returncode != 0:
        sys.exit(SKIP if made.returncode == SKIP else 1)


def run(machine, plan, disk=False):
    """Runs the plan, prints each case's verdict, and ends this program with ctest's exit code."""
    need(machine, disk)
    lines = ["%s=%s" % each for each in plan.environment.items()] + plan.lines
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        build_image(machine, work, plan.payload, lines)
        transcript, ended = boot(machine, work, make_disk(work) if disk else None)
    passed, skipped, wrong = judge(transcript, plan.expected, ended, SECONDS)
    if wrong or VERBOSE:
        print(transcript)
    for line in re.findall(r"^(?:===|ok   |\[       OK \]).*", transcript, re.M):
        print(line)
    for reason in skipped:
        print("SKIP " + reason)
    for what in wrong:
        print("FAIL " + what)
    print("%d passed, %d skipped, %d failed" % (len(passed), len(skipped), len(wrong)))
    sys.exit(1 if wrong or not passed else 0)
