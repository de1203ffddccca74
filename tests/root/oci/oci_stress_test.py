# SPDX-License-Identifier: Apache-2.0
"""mete-oci under many, fast and dying calls: nothing grows, nothing fails, nothing is left. METE_CYCLES, METE_AT_ONCE
and METE_KILLS say how many of each; METE_SEED repeats a run's moments."""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount, chance  # noqa: E402
from mete_agent import run_tests, wait_for  # noqa: E402
from oci_bundle import Oci  # noqa: E402

CYCLES = amount("CYCLES", short=400, long=10_000)
AT_ONCE = amount("AT_ONCE", short=100, long=200)
KILLS = amount("KILLS", short=60, long=200)


def memory():
    """KiB that only the kernel itself can free: what a leaked cgroup, mount, namespace or process costs."""
    fields = dict(line.split(":") for line in open("/proc/meminfo"))
    return sum(int(fields[name].split()[0]) for name in ("SUnreclaim", "KernelStack", "PageTables", "Percpu"))


def dying():
    """Cgroups that the kernel still has and nobody sees, of each v1 controller: /proc/cgroups less the directories that there are."""
    found = {}
    for line in open("/proc/cgroups"):
        if line.startswith("#"):
            continue
        name, hierarchy, count, _ = line.split()
        if hierarchy != "0" and os.path.isdir("/sys/fs/cgroup/" + name):
            found[name] = int(count) - sum(1 for _ in os.walk("/sys/fs/cgroup/" + name))
    for line in open_or_empty("/sys/fs/cgroup/cgroup.stat"):
        name, count = line.split()
        if name == "nr_dying_descendants":
            found["v2"] = int(count)
    return found


def open_or_empty(path):
    return open(path).readlines() if os.path.exists(path) else []


def open_files():
    return int(open("/proc/sys/fs/file-nr").read().split()[0])


def cycle(oci, name, bundle):
    pid_file = oci.work + "/pid-" + name
    oci.oci("create", "--bundle", bundle, "--pid-file", pid_file, name)
    pid = int(open(pid_file).read())
    oci.oci("start", name)
    os.waitpid(pid, 0)  # as the subreaper that we are
    oci.oci("delete", name)


def in_threads(count, work):
    errors = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - told by the caller
            errors.append(error)
    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if errors:
        raise AssertionError("%d of %d failed, the first: %s" % (len(errors), count, errors[0]))


def settled(value, limit, seconds=20):
    """The kernel frees a little later: the first moment at which value() is at most the limit, or the last one."""
    end = time.monotonic() + seconds
    while value() > limit and time.monotonic() < end:
        time.sleep(0.5)
    return value()


def test_cycles_leave_nothing_and_nothing_grows():
    workers = 4
    with Oci() as oci:
        bundles = [oci.write("w%d" % number, args=["/bin/true"]) for number in range(workers)]

        def worker(count):
            return lambda number: [cycle(oci, "w%d" % number, bundles[number]) for _ in range(AT_ONCE)]
        in_threads(workers, worker(10))  # caches of the kernel's, warm
        # A leak is one for each cycle, whenever it is looked for; what others do on the machine meanwhile is not.
        suspected = None
        for _ in range(3):
            grown = growth(oci, lambda: in_threads(workers, worker(CYCLES // workers)))
            suspected = grown if suspected is None else {what: text for what, text in grown.items() if what in suspected}
            if not suspected:
                return
        raise AssertionError("; ".join(suspected.values()))


def growth(oci, cycles):
    """What is more after so many cycles, by more than others can explain."""
    before, kib, files = dying(), memory(), open_files()
    own, began = len(os.listdir("/proc/self/fd")), time.monotonic()
    cycles()
    took = time.monotonic() - began
    assert oci.leftovers() == [], oci.leftovers()
    assert len(os.listdir("/proc/self/fd")) <= own, "descriptors of the test's own"
    found, allowed = {}, max(CYCLES // 5, 64)  # the kernel counts files in lots of 32 for each CPU
    for name, count in before.items():
        more = settled(lambda: dying().get(name, 0), count + allowed) - count  # noqa: B023 - called here
        print("     dying cgroups of %-8s %+d" % (name, more))
        if more > allowed:
            found[name] = "%d more dying cgroups of %s after %d cycles" % (more, name, CYCLES)
    more = settled(open_files, files + allowed) - files
    if more > allowed:
        found["files"] = "%d more open files of the machine after %d cycles" % (more, CYCLES)
    per_cycle = (settled(memory, kib + 8 * CYCLES) - kib) * 1024 / CYCLES
    if per_cycle > 8192:
        found["memory"] = "%.0f bytes of kernel memory more for each cycle" % per_cycle
    print("     %d cycles in %.1f s; %+d open files; %+.0f bytes of kernel memory a cycle" % (CYCLES, took, more, per_cycle))
    return found


def test_the_measure_sees_what_is_left():
    """The control of all the others."""
    with Oci() as oci:
        oci.started()
        found = "\n".join(oci.leftovers(0))
        for kind in ("state one", "cgroup /", "process "):
            assert kind in found, (kind, found)
        oci.oci("delete", "--force", "one")
        assert oci.leftovers() == [], oci.leftovers()


def test_many_at_the_same_moment():
    with Oci() as oci:
        bundles = [oci.write("c%d" % number, "echo is $$ %d" % number) for number in range(AT_ONCE)]
        calls = [oci.begin("run", "--bundle", bundles[number], "c%d" % number, stdout=subprocess.PIPE) for number in range(AT_ONCE)]
        for number, call in enumerate(calls):
            out, err = call.communicate(timeout=600)
            assert (call.returncode, out.decode()) == (0, "is 1 %d\n" % number), (number, call.returncode, out, err)
        assert oci.leftovers() == [], oci.leftovers()


def test_many_created_started_and_deleted_together():
    with Oci() as oci:
        for words in (["create"], ["start"], ["delete", "--force"]):
            calls = []
            for number in range(AT_ONCE):
                name = "c%d" % number
                more = ["--bundle", oci.write(name)] if words == ["create"] else []
                with open(oci.work + "/err-" + name, "w") as err:
                    calls.append(oci.begin(*words, *more, name, stderr=err))
            for number, call in enumerate(calls):
                code = call.wait(600)
                assert code == 0, (words, number, code, open("%s/err-c%d" % (oci.work, number)).read())
            if words == ["start"]:
                listed = json.loads(oci.oci("list", "--format", "json").out)
                assert sorted(each["status"] for each in listed) == ["running"] * AT_ONCE, listed[:3]
        assert oci.leftovers() == [], oci.leftovers()


def raced(oci, *calls):
    """Exit codes of commands that begin at the same moment."""
    return [(call.wait(300), call.stderr.read().decode()) for call in [oci.begin(*words) for words in calls]]


def test_of_two_at_the_same_moment_one_wins():
    with Oci() as oci:
        bundle = oci.write()
        for _ in range(KILLS // 8):
            with open(oci.work + "/err", "w") as err:
                begun = [oci.begin("create", "--bundle", bundle, "one", stderr=err) for _ in range(2)]
            codes = sorted(call.wait(300) for call in begun)
            assert codes == [0, 1], (codes, open(oci.work + "/err").read())
            assert oci.status() == "created", oci.status()
            starts = raced(oci, ["start", "one"], ["start", "one"])
            assert sorted(code for code, _ in starts) == [0, 1], starts
            assert "expected it created" in "".join(err for _, err in starts), starts
            deletes = raced(oci, ["delete", "--force", "one"], ["delete", "--force", "one"], ["kill", "one", "KILL"])
            assert [code for code, _ in deletes[:2]] == [0, 0], deletes
            assert oci.leftovers() == [], oci.leftovers()


def test_create_against_delete():
    """Whoever wins: what `state` says is so, and another delete leaves nothing."""
    moments, seen = chance(), set()
    with Oci() as oci:
        bundle = oci.write()
        for _ in range(KILLS // 5):
            with open(oci.work + "/err", "w") as err:
                made = oci.begin("create", "--bundle", bundle, "one", stderr=err)
                time.sleep(moments.random() * 0.02)
                removed = oci.begin("delete", "--force", "one", stderr=err)
                codes = made.wait(300), removed.wait(300)
            assert codes[1] == 0, (codes, open(oci.work + "/err").read())
            seen.add((codes[0], oci.status()))
            assert oci.status() == ("created" if oci.processes() else "none"), (oci.status(), oci.processes())
            oci.oci("delete", "--force", "one")
            assert oci.leftovers() == [], oci.leftovers()
        print("     create's code and the state after it: %s" % sorted(seen))


def duration(oci, bundle):
    """Of a create, from the moment at which a test could kill it."""
    call = oci.begin("create", "--bundle", bundle, "one", stderr=subprocess.DEVNULL)
    began = time.monotonic()
    assert call.wait(300) == 0
    took = time.monotonic() - began
    oci.oci("delete", "--force", "one")
    return took


def test_what_is_killed_at_any_moment_is_removed_by_delete_force():
    moments = chance()
    with Oci() as oci:
        user = json.loads(json.dumps(oci.config["linux"]))
        user["namespaces"].append({"type": "user"})
        user["uidMappings"] = user["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 65536}]
        user["cgroupsPath"] = oci.parent + "/one"
        longest = statistics.median(duration(oci, oci.write()) for _ in range(9))
        reached = {"create": 0, "run": 0}
        for number in range(KILLS):
            words = "run" if number % 4 == 3 else "create"
            bundle = oci.write(**({"linux": user} if number % 5 == 4 else {}))
            call = oci.begin(words, "--bundle", bundle, "one", stderr=subprocess.DEVNULL)
            time.sleep(moments.random() * longest)
            call.kill()
            reached[words] += call.wait(300) == -signal.SIGKILL
            done = oci.oci("delete", "--force", "one", check=False)
            assert done.code == 0, done
            assert oci.leftovers() == [], (number, words, oci.leftovers())
        print("     died by the signal: %s" % reached)
        assert reached["create"] > KILLS // 10, "most calls had ended before they were killed: %s" % reached


def test_a_killed_start_or_delete_is_finished_by_the_next():
    moments = chance()
    with Oci() as oci:
        bundle = oci.write(script="sleep 600 & sleep 600")
        for number in range(KILLS * 3 // 10):
            oci.oci("create", "--bundle", bundle, "one")
            for words in (["start", "one"], ["delete", "--force", "one"]):
                call = oci.begin(*words, stderr=subprocess.DEVNULL)
                time.sleep(moments.random() * 0.02)
                call.kill()
                call.wait(300)
            done = oci.oci("delete", "--force", "one", check=False)
            assert done.code == 0, done
            assert oci.leftovers() == [], (number, oci.leftovers())


def test_signals_during_create():
    moments = chance()
    with Oci() as oci:
        bundle = oci.write()
        longest = statistics.median(duration(oci, bundle) for _ in range(9))
        for number in range(KILLS * 4 // 10):
            sent = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM, signal.SIGSTOP, signal.SIGUSR1)[number % 8]
            call = oci.begin("create", "--bundle", bundle, "one", stderr=subprocess.DEVNULL)
            time.sleep(moments.random() * longest)
            call.send_signal(sent)
            if sent == signal.SIGSTOP:
                time.sleep(0.02)
                call.send_signal(signal.SIGCONT)
            code = call.wait(300)
            if sent in (signal.SIGCHLD, signal.SIGSTOP):
                assert code == 0, "%s ended create with %d" % (sent.name, code)
            if code == 0:
                assert oci.status() == "created", oci.status()
            oci.oci("delete", "--force", "one")
            assert oci.leftovers() == [], (sent.name, oci.leftovers())


def test_a_bundle_that_is_deleted_while_it_runs():
    with Oci() as oci:
        pid = oci.started(script="while true; do sleep 0.1; done")
        shutil.rmtree(oci.work + "/bundles")
        shutil.rmtree(oci.bundle)
        assert oci.status() == "running", oci.status()
        done = oci.oci("exec", "one", "true", check=False)
        assert done.code != 0 and done.err.startswith("mete-oci: ") and done.err.count("\n") == 1, done
        oci.oci("pause", "one")
        oci.oci("resume", "one")
        assert json.loads(oci.oci("ps", "--format", "json", "one").out), "no process"
        oci.oci("kill", "one", "KILL")
        wait_for("its end", lambda: oci.status() == "stopped")
        os.waitpid(pid, 0)
        oci.oci("delete", "one")
        assert oci.leftovers() == [], oci.leftovers()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
