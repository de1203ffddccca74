# SPDX-License-Identifier: Apache-2.0
"""netCls of a policy. Where the machine has not mounted net_cls, this test does, in a mount namespace of its own: the kernel forgets
the hierarchy with it."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, cgroup_mounts, need_root, run_tests, skip, wait_for  # noqa: E402

MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
---
apiVersion: mete/v1
kind: Policy
metadata: {name: web}
spec:
  selector: %s
  %s
"""

PODS = "{matchLabels: {app: web}}"


def manifest(class_id, selector=PODS):
    return MANIFEST % (selector, "netCls: {classId: %s}" % class_id if class_id else "pids: {max: 100}")


def mount():
    return next(each for each in cgroup_mounts() if each.endswith("net_cls"))


def class_of(path):
    return int(open(mount() + path + "/net_cls.classid").read())


def running(agent, text):
    agent.apply(text)
    wait_for("it to run", lambda: agent.container("web")["state"] == "running")
    return agent.container("web")["cgroup"]


def test_the_class_is_written_put_back_and_taken_away():
    with Agent().start() as agent:
        path = running(agent, manifest('"10:1"'))
        assert class_of(path) == 0x100001
        with open("/proc/%d/cgroup" % agent.container("web")["pid"]) as file:
            assert ":net_cls:" + path in file.read()
        agent.apply(manifest('"ffff:2a"'))
        wait_for("the new class", lambda: class_of(path) == 0xFFFF002A)
        with open(mount() + path + "/net_cls.classid", "w") as file:
            file.write("7")
        wait_for("it to be put back", lambda: class_of(path) == 0xFFFF002A)
        assert agent.metric("mete_limit_drift_total", file="net_cls.classid") == 1
        assert "netCls.classId of policy default/web" in agent.mete("explain", "web").stdout
        agent.apply(manifest(None))
        wait_for("no class", lambda: class_of(path) == 0)


def test_the_next_agent_takes_away_what_no_policy_says_any_more():
    with Agent().start() as agent:
        path = running(agent, manifest('"10:1"'))
        agent.kill()
        os.remove(agent.state + "/applied/Policy.default.web.yaml")
        agent.start()
        wait_for("no class", lambda: class_of(path) == 0)


def test_a_cgroup_of_others_gets_its_own_class_back():
    path = "/mete-net-cls-test-%d" % os.getpid()
    made = [each + path for each in cgroup_mounts()]
    for directory in made:
        os.mkdir(directory)
    try:
        with open(mount() + path + "/net_cls.classid", "w") as file:
            file.write("5")
        with Agent().start() as agent:
            agent.apply(manifest('"10:1"', '{cgroups: ["%s"]}' % path))
            wait_for("the class", lambda: class_of(path) == 0x100001)
            agent.stop()
            assert class_of(path) == 5
    finally:
        for directory in made:
            os.rmdir(directory)


def test_bad_input_is_refused():
    with Agent().start() as agent:
        for wrong in ('""', '"10"', '"0:1"', '"10000:1"', '"1:g"', '"1:2:3"', '" 1:2"'):
            done = agent.mete("apply", "-f", "-", text=manifest(wrong), check=False)
            assert done.returncode == 1 and "MAJOR:MINOR" in done.stderr, (wrong, done)


def main():
    need_root()
    if not any(each.endswith("net_cls") for each in cgroup_mounts()):
        if os.environ.get("METE_NET_CLS_MOUNTED") or "\nnet_cls\t" not in open("/proc/cgroups").read():
            skip("needs the kernel's net_cls controller")
        place = tempfile.mkdtemp(prefix="mete-net-cls-") + "/net_cls"
        os.mkdir(place)
        script = 'mount -t cgroup -o net_cls net_cls "$0" || exit 77; shift 0; "$@"; code=$?; umount "$0"; exit $code'
        os.environ["METE_NET_CLS_MOUNTED"] = "1"
        code = os.spawnvp(os.P_WAIT, "unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, place, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
        shutil.rmtree(os.path.dirname(place))
        sys.exit(code)
    run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()
