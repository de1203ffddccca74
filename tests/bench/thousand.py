# SPDX-License-Identifier: Apache-2.0
"""A thousand small containers from one folder: how long until all run, what the agent and the shims take, how long until
all are gone. python3 tests/bench/thousand.py [COUNT]

Compare builds by CPU time (METE_BIN_DIR=... for the other one), which a busy machine changes little, and with
TMPDIR=/dev/shm: ext4 keeps deleted inodes for seconds, and searches them."""
import errno
import os
import resource
import shutil
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, Agent, cgroup_mounts, wait_for  # noqa: E402
from metrics_text import parse_metrics  # noqa: E402
from small_pods import POD, SLEEPS  # noqa: E402


def memory(pid):
    """Private bytes of a process, and how many of them are unchanged pages of its program's file: they count as private as long as
    no second process executes it."""
    private = clean = 0
    for line in open("/proc/%d/smaps_rollup" % pid):
        key, _, rest = line.partition(":")
        if key.startswith("Private_"):
            private += int(rest.split()[0]) * 1024
        if key == "Private_Clean":
            clean = int(rest.split()[0]) * 1024
    return private, clean


def cpu_seconds(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ran(pid):
    """Seconds on a processor, by the scheduler's own clock: a start is shorter than a tick."""
    try:
        return int(open("/proc/%d/schedstat" % pid).read().split()[0]) / 1e9
    except OSError:
        return 0


def started(agent):
    """By the agent's log: a scrape of 129,000 series each second, read in Python, takes a core from those that start."""
    return agent.log_text().count(" event=Started ")


def running(agent):
    own = parse_metrics(agent.get("/metrics?collect[]=agent"))
    return own[("mete_agent_containers", (("state", "running"),))]


def left(agent):
    """What the agent still has of its pods; a walk through all cgroups would take the CPU time that it needs."""
    folders = [agent.state + "/pods"] + [mount + agent.parent for mount in cgroup_mounts()]
    return sum(len(next(os.walk(folder))[1]) for folder in folders if os.path.isdir(folder))


def floor(agent, times):
    """Seconds of CPU of a start and an end by a program that makes the system calls and nothing else (launch_floor), with the
    second cgroup that a pod has; None where it was not built."""
    program, busybox = BIN + "/launch_floor", shutil.which("busybox")
    if not os.path.exists(program) or busybox is None:
        return None
    root = agent.work + "/floor"
    for folder in ("bin", "proc", "dev", "sys"):
        os.makedirs("%s/%s" % (root, folder))
    shutil.copy(busybox, root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/true")
    pods = [mount + agent.parent + "/floor" for mount in cgroup_mounts()]
    inside = [pod + "/main" for pod in pods]
    cpuset = next((each for each in inside if "cpuset" in each), "")
    unified = next((each for each in inside if "unified" in each), "")
    words = [program, "tasks", root, "0-%d" % (os.cpu_count() - 1), "0", cpuset, unified, *(each for each in inside if each != unified)]
    begin = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    for _ in range(times):
        for pod in pods:
            os.mkdir(pod)
            if "cpuset" in pod:
                for name in ("cpus", "mems"):
                    shutil.copyfile("%s/cpuset.%s" % (os.path.dirname(os.path.dirname(pod)), name), "%s/cpuset.%s" % (pod, name))
        subprocess.run(words, check=True)
        for pod in pods:
            os.rmdir(pod)
    return (time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - begin) / times


def end_floor(agent, count):
    """Seconds for the end of as many processes in as many cgroups by a program that does nothing else: SIGKILL to all, wait for
    all, rmdir of each cgroup that a pod and its container had. Shims, mounts and files come on top of that."""
    mounts = cgroup_mounts()
    pods = [[mount + agent.parent + "/end-%d" % index for mount in mounts] for index in range(count)]
    children = []
    for pod in pods:
        for folder in (each + below for below in ("", "/main") for each in pod):
            os.mkdir(folder)
            if "cpuset" in folder:
                for name in ("cpus", "mems"):
                    shutil.copyfile("%s/cpuset.%s" % (os.path.dirname(folder), name), "%s/cpuset.%s" % (folder, name))
        child = subprocess.Popen(["sleep", "100000"])
        children.append(child)
        for folder in pod:
            with open(folder + "/main/cgroup.procs", "w") as out:
                out.write(str(child.pid))
    begin, used = time.monotonic(), time.process_time()
    for child in children:
        child.kill()
    for child in children:
        child.wait()
    for pod in pods:
        for below in ("/main", ""):
            for folder in pod:
                while True:
                    try:
                        os.rmdir(folder + below)
                        break
                    except OSError as error:
                        if error.errno != errno.EBUSY:
                            raise
    return time.monotonic() - begin, time.process_time() - used


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Agent() as agent:
        agent.start()
        for index in range(count):
            with open("%s/.small-%d" % (agent.manifests, index), "w") as out:
                out.write(POD % (index, SLEEPS))
        pid = agent.process.pid
        begin = time.monotonic()
        for index in range(count):
            os.rename("%s/.small-%d" % (agent.manifests, index), "%s/small-%d.yaml" % (agent.manifests, index))
        wait_for("all to run", lambda: started(agent) >= count, 600, 0.1)
        launched = time.monotonic() - begin
        assert running(agent) == count, running(agent)
        used = cpu_seconds(pid)
        private, clean = memory(pid)
        print("%d containers run after %.1f s (%.1f ms each); agent: %.2f s of CPU, %.1f MiB private, %.1f of them its file" % (
            count, launched, 1000 * launched / count, used, private / 2**20, clean / 2**20))
        others = sum(ran(each) for each, _ in agent.processes() if each != pid)
        print("shims and what they start: %.2f s of CPU; with the agent %.2f ms a container, of %d processors" % (
            others, 1000 * (others + used) / count, os.cpu_count()))
        shims = [memory(shim)[0] for shim, command in agent.processes() if "mete-shim" in command]
        print("shims: %d, %.0f KiB private each (target of the design: at most 300 kB)" % (len(shims), sum(shims) / max(1, len(shims)) / 1024))
        time.sleep(3)
        private, clean = memory(pid)
        print("agent 3 s later: %.1f MiB private, %.1f of them its file" % (private / 2**20, clean / 2**20))
        before, start = cpu_seconds(pid), time.monotonic()
        scrapes = 0
        while time.monotonic() - start < 10:
            agent.get("/metrics")
            scrapes += 1
            time.sleep(max(0, start + scrapes - time.monotonic()))
        text = agent.get("/metrics")
        series = sum(1 for line in text.splitlines() if line and not line.startswith("#"))
        print("scraped once a second: %d series, %.1f MiB, %.1f %% of a core" % (
            series, len(text) / 2**20, 100 * (cpu_seconds(pid) - before) / (time.monotonic() - start)))
        private, clean = memory(pid)
        print("agent after it: %.1f MiB private, %.1f of them its file; %d descriptors" % (private / 2**20, clean / 2**20, len(os.listdir("/proc/%d/fd" % pid))))
        started_by = used + others
        begin, before = time.monotonic(), cpu_seconds(pid)
        for index in range(count):
            os.unlink("%s/small-%d.yaml" % (agent.manifests, index))
        wait_for("all to be gone", lambda: left(agent) == 0, 600, 0.1)
        gone = time.monotonic() - begin
        assert not agent.pods()
        print("all gone after %.1f s, %.2f s of the agent's CPU; left: %d cgroups, %d mounts, %d processes" % (
            gone, cpu_seconds(pid) - before, len(agent.pod_cgroups()), len(agent.mounts()), len(agent.processes())))
        took, used = end_floor(agent, count)
        print("killing as many processes and removing as many cgroups, by a program that does nothing else: %.1f s, %.2f s of its CPU; ratio %.2f" % (
            took, used, gone / took))
        each, least = (started_by + cpu_seconds(pid) - before) / count, floor(agent, 100)
        if least:
            print("a start and an end take %.2f ms of CPU; the system calls of one, made by a program that does nothing else, %.2f ms: ratio %.2f" % (
                1000 * each, 1000 * least, each / least))


main()
