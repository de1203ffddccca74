# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent at random moments while pods start, stop and change: afterwards desired equals actual, and
nothing is left over. METE_KILLS says how many; METE_SEED repeats a run."""
import glob
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from amounts import amount, chance  # noqa: E402
from mete_agent import BIN, Agent, free_port, run_tests, stays, wait_for, write  # noqa: E402
from pods import is_running, wait_running  # noqa: E402

PODS = 20

KINDS = {
    # One that stays, one that ends and is restarted, one that ends for good, one of several containers, one killed by OOM,
    # one that ends its sidecar when it is done.
    "stay": "  containers:\n  - {name: main, image: busybox, command: [sleep, '100000'], env: [{name: V, value: '%d'}]}\n",
    "again": "  containers:\n  - {name: main, image: busybox, command: [sleep, '0.3'], env: [{name: V, value: '%d'}]}\n",
    "once": "  restartPolicy: Never\n  containers:\n  - {name: main, image: busybox, command: [sh, -c, 'sleep 0.2; exit 7'], env: [{name: V, value: '%d'}]}\n",
    "several": "  initContainers:\n  - {name: first, image: busybox, command: [sleep, '0.05']}\n"
               "  volumes: [{name: shared, emptyDir: {medium: Memory}}]\n"
               "  containers:\n  - {name: main, image: busybox, command: [sleep, '100000'], env: [{name: V, value: '%d'}], volumeMounts: [{name: shared, mountPath: /s}]}\n"
               "  - {name: side, image: busybox, command: [sleep, '100000']}\n",
    "oom": "  restartPolicy: Never\n  containers:\n  - {name: main, image: busybox, command: [dd, if=/dev/zero, of=/dev/null, bs=64M, count=1], env: [{name: V, value: '%d'}],"
           " resources: {limits: {memory: 16Mi}}}\n",
    "sidecar": "  restartPolicy: Never\n  initContainers:\n  - {name: beside, image: busybox, restartPolicy: Always, command: [sleep, '100000']}\n"
               "  containers:\n  - {name: main, image: busybox, command: [sleep, '0.2'], env: [{name: V, value: '%d'}]}\n",
}


def manifest(index, kind, version):
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: pod-%d, labels: {kind: %s}}\nspec:\n  terminationGracePeriodSeconds: 0\n%s" % (
        index, kind, KINDS[kind] % version)


def put(agent, index, text):
    write("%s/pod-%d.yaml" % (agent.manifests, index), text)


def sockets(pid):
    held = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
    return {each for each in held if each.startswith("socket:")}


def test_nothing_of_the_agent_lives_on_in_a_shim():
    with Agent().start() as agent:
        put(agent, 0, manifest(0, "stay", 0))
        wait_running(agent, "pod-0")
        for pid, command in agent.processes():
            both = sockets(pid) & sockets(agent.process.pid)
            assert not both, (command, both)


def test_kills_leave_desired_equal_to_actual():
    crashes = amount("KILLS", short=30, long=100)
    moments = chance()
    with Agent() as agent:
        wanted = {}
        version = 0
        for crash in range(crashes):
            agent.start(wait=False)
            # Some changes, then the end in the middle of what follows from them.
            for _ in range(moments.randrange(6)):
                version += 1
                index = moments.randrange(PODS)
                if index in wanted and moments.random() < 0.4:
                    os.unlink("%s/pod-%d.yaml" % (agent.manifests, index))
                    del wanted[index]
                else:
                    kind = moments.choice(sorted(KINDS))
                    wanted[index] = (kind, version)
                    put(agent, index, manifest(index, kind, version))
                time.sleep(moments.random() * 0.03)
            time.sleep(moments.random() * moments.choice([0.02, 0.1, 0.4]))
            agent.kill()
        agent.start()
        check(agent, wanted)
        # And now without any.
        for index in list(wanted):
            os.unlink("%s/pod-%d.yaml" % (agent.manifests, index))
        wait_for("all pods to be gone", lambda: not agent.pods(), 120)
        assert agent.pod_cgroups() == [], agent.pod_cgroups()
        assert agent.mounts() == [], agent.mounts()
        wait_for("shims and containers to be gone", lambda: not agent.processes())
        assert os.listdir(agent.state + "/pods") == [], os.listdir(agent.state + "/pods")
        assert os.listdir(agent.run + "/pods") == [], os.listdir(agent.run + "/pods")
        assert os.listdir(agent.state + "/logs") == [], os.listdir(agent.state + "/logs")


def settled(agent, wanted):
    pods = {each["name"]: each for each in agent.pods()}
    if set(pods) != {"pod-%d" % index for index in wanted}:
        return "pods are %s, wanted %s" % (sorted(pods), sorted(wanted))
    for index, (kind, version) in wanted.items():
        pod = pods["pod-%d" % index]
        if pod["phase"] == "Terminating" or pod["labels"]["kind"] != kind:
            return "%s is not the wanted version yet: %s" % (pod["name"], pod["phase"])
        main = next(each for each in pod["containers"] if each["name"] == "main")
        if kind in ("stay", "several") and not all(each["state"] == "running" for each in pod["containers"] if not each["init"]):
            return "%s does not run: %s" % (pod["name"], [(each["name"], each["state"], each.get("message")) for each in pod["containers"]])
        if kind == "once" and (main["state"] != "exited" or main["last"]["exitCode"] not in (7, 137)):
            return "%s has not ended: %s" % (pod["name"], main["state"])
        if kind == "sidecar" and (pod["phase"] not in ("Succeeded", "Failed") or any(each["state"] != "exited" for each in pod["containers"])):
            return "%s is not done: %s" % (pod["name"], [(each["name"], each["state"]) for each in pod["containers"]])
        if kind == "oom" and (main["state"] != "exited" or main["oomKills"] < 1 or main["last"]["reason"] != "OOMKilled"):
            return "%s: %s" % (pod["name"], main)
        if kind == "again" and main["restarts"] == 0 and not main.get("last"):
            return "%s has not ended once" % pod["name"]
    return ""


def check(agent, wanted):
    why = [""]

    def done():
        why[0] = settled(agent, wanted)
        return why[0] == ""
    try:
        wait_for("desired to be actual", done, 180)
    except AssertionError as error:
        raise AssertionError("%s: %s" % (error, why[0]))
    # Nobody runs that is not wanted: each cgroup is a pod's, each shim's container too.
    pods = {pod["name"]: pod for pod in agent.pods()}
    known = {pod["cgroup"] for pod in pods.values()}
    for directory in agent.pod_cgroups():
        path = directory[directory.index(agent.parent):]
        assert any(path == each or path.startswith(each + "/") for each in known), "orphan cgroup " + directory
    active = sum(each["state"] in ("running", "starting") for pod in pods.values() for each in pod["containers"])
    shims = [command for _, command in agent.processes() if "mete-shim run" in command]  # a sandbox executes nothing, so it has its name too
    # Those that begin or end between the two looks may be seen: of the kinds that are started again there are at most so many.
    coming = sum(pod["labels"]["kind"] == "again" for pod in pods.values())
    assert len(shims) <= active + 2 + coming, (active, shims)
    assert len(os.listdir(agent.state + "/pods")) == len(pods)


def test_a_record_that_cannot_be_read_now_costs_nothing():
    with Agent().start() as agent:
        agent.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n" + KINDS["stay"] % 1)
        pid = wait_running(agent, "p")["pid"]
        agent.kill()
        [record] = glob.glob(agent.state + "/pods/*/record.json")
        os.rename(record, record + ".kept")
        os.mkdir(record)  # reading it is an error, but it is there: as on a failing disk, or out of descriptors
        agent.start()
        wait_for("a word about it", lambda: agent.events("RecordUnreadable") and agent.events("CreateFailed"))
        assert os.path.exists("/proc/%d" % pid) and os.path.exists(record + ".kept") and agent.pod("p") is None
        agent.kill()
        os.rmdir(record)
        os.rename(record + ".kept", record)
        agent.start()
        own = agent.container("p")
        assert own["pid"] == pid and own["restarts"] == 0, own


def test_what_ended_while_nobody_looked_is_known():
    with Agent().start() as agent:
        agent.apply(manifest(1, "stay", 1) + "---\n" + manifest(2, "once", 1).replace("sleep 0.2", "until [ -e /end ]; do usleep 10000; done"))
        wait_running(agent, "pod-1", "pod-2")
        pid, other = agent.container("pod-1")["pid"], agent.container("pod-2")["pid"]
        agent.kill()
        open("/proc/%d/root/end" % other, "w").close()
        wait_for("its end", lambda: not os.path.exists("/proc/%d" % other))
        agent.start()
        assert agent.container("pod-1")["pid"] == pid and agent.container("pod-1")["restarts"] == 0
        ended = agent.container("pod-2")
        assert ended["state"] == "exited" and ended["last"]["exitCode"] == 7, ended


def test_a_killed_shim_takes_its_container_along():
    with Agent().start() as agent:
        agent.apply(manifest(1, "stay", 1))
        wait_running(agent, "pod-1")
        first = agent.container("pod-1")["pid"]
        shim = next(pid for pid, command in agent.processes() if "mete-shim" in command)
        os.kill(shim, 9)
        wait_for("another one to run", lambda: agent.container("pod-1")["state"] == "running" and agent.container("pod-1")["pid"] != first)
        wait_for("the first to be gone", lambda: not os.path.exists("/proc/%d" % first), 5)  # reaped by init
        assert agent.container("pod-1")["last"]["reason"] == "ShimLost"


def test_a_killed_sandbox_is_replaced_with_its_containers():
    with Agent().start() as agent:
        agent.apply(manifest(1, "several", 1))
        wait_running(agent, "pod-1")
        sandbox = agent.pod("pod-1")["sandboxPid"]
        os.kill(sandbox, 9)
        wait_for("another sandbox", lambda: agent.pod("pod-1").get("sandboxPid") not in (None, sandbox) and is_running(agent, "pod-1"))
        names = {os.readlink("/proc/%d/ns/net" % each["pid"]) for each in agent.pod("pod-1")["containers"] if "pid" in each}
        assert len(names) == 1, names


def test_a_shim_whose_agent_dies_before_all_is_told_leaves_nothing():
    # It is started before its plan is written and its cgroups are made, and told of each by a byte: a pod's own plan, and a pipe that is closed
    # after each number of them.
    with Agent().start() as agent:
        agent.apply(manifest(1, "stay", 1))
        wait_running(agent, "pod-1")
        plan = glob.glob(agent.state + "/pods/*/containers/main/1/plan")[0]
        before = {pid for pid, _ in agent.processes()}
        for told in range(3):
            attempt = "%s/attempt-%d" % (agent.work, told)
            os.mkdir(attempt)
            lock = os.open(attempt + "/lock", os.O_RDWR | os.O_CREAT)
            ready, ready_write = os.pipe()
            steps, steps_write = os.pipe()
            shim = subprocess.Popen([BIN + "/mete-shim", "run", "--dir", attempt, "--lock-fd", str(lock), "--ready-fd", str(ready_write), "--plan-fd", str(steps),
                                     "--cgroups-fd", str(steps), "--log", attempt + "/log"], pass_fds=(lock, ready_write, steps))
            for each in (lock, ready_write, steps):
                os.close(each)
            for step in range(min(told, 1) + 1):
                stays("nothing is started", lambda: shim.poll() is None and not os.path.exists(attempt + "/started"), 0.2)  # noqa: B023
                shutil.copy(plan, attempt)  # before the first byte
                if step < told:
                    os.write(steps_write, b"1")
            os.close(steps_write)
            os.read(ready, 1)  # or its end, when nothing is started
            os.close(ready)
            assert os.path.exists(attempt + "/started") == (told == 2) and not os.path.exists(attempt + "/exit"), os.listdir(attempt)
            if told == 2:
                os.kill(int(dict(line.split(" ", 1) for line in open(attempt + "/started"))["pid"]), 9)
            assert shim.wait(60) == (0 if told == 2 else 1)
            wait_for("nothing to be left", lambda: {pid for pid, _ in agent.processes()} == before)


def test_a_shim_whose_state_is_gone_ends_with_its_container():
    # Somebody removed the state folder by hand: there is nowhere to write the exit status, now and for ever.
    with Agent().start() as agent:
        agent.apply(manifest(1, "stay", 1))
        wait_running(agent, "pod-1")
        pid = agent.container("pod-1")["pid"]
        shim = next(each for each, command in agent.processes() if "mete-shim run" in command and each != pid)
        agent.kill()
        os.rename(agent.state + "/pods", agent.work + "/gone")
        subprocess.run(["rm", "-r", agent.work + "/gone"], check=True)
        os.kill(pid, 9)
        try:
            wait_for("the shim to end", lambda: not os.path.exists("/proc/%d" % shim))
        finally:
            if os.path.exists("/proc/%d" % shim):
                os.kill(shim, 9)


def test_a_killed_agents_address_is_free_for_the_next_one():
    # The operator's agent has a fixed port. What it started must not hold it.
    with Agent() as agent:
        address = "127.0.0.1:%d" % free_port()
        agent.start(listen=address)
        agent.apply(manifest(1, "stay", 1))
        wait_running(agent, "pod-1")
        # A shim has one of its own, for those who attach.
        open_files = {command: sockets(pid) & sockets(agent.process.pid) for pid, command in agent.processes()}
        agent.kill()
        agent.start(listen=address)
        assert agent.container("pod-1")["restarts"] == 0
        assert not any(open_files.values()), "the agent's sockets are held by %s" % open_files


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
