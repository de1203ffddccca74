# SPDX-License-Identifier: Apache-2.0
"""The same programs on a pure cgroup v2 kernel: Debian's, in a small virtual machine without KVM. METE_VM_CACHE is where
the kernel is kept; METE_VM_SECONDS is how long the machine may take."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, SKIP, SOURCE, skip  # noqa: E402

CACHE = os.environ.get("METE_VM_CACHE", SOURCE + "/build/vm")
SECONDS = int(os.environ.get("METE_VM_SECONDS", "300"))
# The payload's own cases: one that says nothing is a failure, like one that fails.
CASES = ["agent_starts", "agent_has_a_protected_cgroup_of_its_own", "busy_loop_under_cpu_max_uses_ten_percent", "memory_requests_are_protected_from_the_parent_down",
         "foreign_write_is_put_back", "fixtures_have_the_kernels_form",
         "oom_kill_is_counted_once_and_told_with_its_numbers",
         "policy_kills_the_process_and_not_the_container", "changed_policy_counts_on", "killed_agent_comes_back_and_adopts",
         "threshold_kills_before_the_kernel", "hold_freezes_at_memory_high_and_then_kills", "raise_lets_it_live", "reclaim_by_memory_reclaim",
         "stuck_at_high_is_freed", "refused_forks_are_told", "resizes_in_place_or_refuses",
         "shim_thaws_when_no_agent_comes_back", "delete_leaves_nothing"]
PROGRAMS = ["cgroup_root_test", "launch_root_test", "oci_root_test"]


def boot(work, more=(), words="", seconds=SECONDS):
    """The machine's transcript, and whether it ended by itself. `more`: arguments of qemu; `words`: of the kernel's command line."""
    machine = ["qemu-system-x86_64", "-accel", "tcg", "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-serial", "stdio",
               "-no-reboot", "-kernel", CACHE + "/vmlinuz", "-initrd", work + "/initramfs",
               "-append", "console=ttyS0 quiet panic=-1 psi=1 rdinit=/init " + words, *more]
    ended = True
    with open(work + "/transcript", "wb") as out:  # a file, so that it can be followed
        try:
            subprocess.run(machine, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=seconds)
        except subprocess.TimeoutExpired:  # run() has killed the machine
            ended = False
    with open(work + "/transcript", errors="replace") as transcript:
        return transcript.read().replace("\r", ""), ended


def judge(transcript):
    """(passed, skipped with their reasons, what is wrong)"""
    passed = re.findall(r"^\[       OK \] (\S+)", transcript, re.M) + re.findall(r"^ok   (\S+)", transcript, re.M)
    skipped = re.findall(r"^SKIP (\S+: .*)", transcript, re.M) + re.findall(r"Skipped\n(.*)", transcript)
    wrong = re.findall(r"^FAIL (.*)", transcript, re.M) + re.findall(r"^\[  FAILED  \] (\S+) \(", transcript, re.M)
    begin, end = transcript.find("=== begin:"), transcript.find("=== end:")
    if begin < 0 or end < begin:
        wrong.append("the machine did not come to its end")
    wrong += ["%s: said nothing" % case for case in CASES if not re.search(r"^(ok   |FAIL |SKIP )%s\b" % case, transcript, re.M)]
    ran = len(re.findall(r"^\[ RUN      \]", transcript, re.M))
    announced = sum(map(int, re.findall(r"^\[==========\] Running (\d+) tests", transcript, re.M)))
    if ran != announced:
        wrong.append("%d of the test programs' %d cases ran" % (ran, announced))
    return passed, skipped, wrong


def main():
    for program in ("qemu-system-x86_64", "cpio", "dpkg", "apt-get", "strip"):
        if shutil.which(program) is None:
            skip("needs " + program)
    if not os.path.exists("/bin/busybox"):
        skip("needs Debian's busybox-static")
    missing = [name for name in PROGRAMS if not os.path.exists(BIN + "/" + name)]
    if missing:
        skip("needs %s in %s" % (", ".join(missing), BIN))
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        made = subprocess.run([SOURCE + "/tests/vm/build_image", BIN, CACHE, work + "/initramfs"])
        if made.returncode != 0:
            sys.exit(SKIP if made.returncode == SKIP else 1)
        transcript, ended = boot(work)
    passed, skipped, wrong = judge(transcript)
    if not ended:
        wrong.append("not done after %d s" % SECONDS)
    if wrong or "-v" in sys.argv:
        print(transcript)
    for line in re.findall(r"^(?:===|ok   ).*", transcript, re.M):
        print(line)
    for reason in skipped:
        print("SKIP " + reason)
    for what in wrong:
        print("FAIL " + what)
    print("%d passed, %d skipped, %d failed" % (len(passed), len(skipped), len(wrong)))
    sys.exit(1 if wrong or not passed else 0)


if __name__ == "__main__":
    main()
