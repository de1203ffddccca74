# SPDX-License-Identifier: Apache-2.0
"""netCls of a policy. Where the machine has not mounted net_cls, this test does, in a mount namespace of its own: the kernel forgets
the hierarchy with it."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from leftovers import cgroup_mounts, clean_up, made_cgroup  # noqa: E402
from mete_agent import Agent, need_root, run_tests, skip, wait_for  # noqa: E402
from pods import documents, launch, pod, policy_for  # noqa: E402

def class_policy(class_id, selector="{matchLabels: {app: web}}"):
    return policy_for(selector, "  netCls: {classId: %s}" % class_id if class_id else "  pids: {max: 100}", "web")


def manifest(class_id):
    return documents(pod(), class_policy(class_id))


def mount():
    return next(each for each in cgroup_mounts() if each.endswith("net_cls"))


def class_of(path):
    return int(open(mount() + path + "/net_cls.classid").read())


def test_the_class_is_written_put_back_and_taken_away():
    with Agent().start() as agent:
        path = launch(agent, manifest('"10:1"'))["cgroup"]
        assert class_of(path) == 0x100001
        with open("/proc/%d/cgroup" % agent.container("web")["pid"]) as file:
            assert ":net_cls:" + path in file.read()
        agent.apply(manifest('"ffff:2a"'))
        wait_for("the new class", lambda: class_of(path) == 0xFFFF002A)
        with open(mount() + path + "/net_cls.classid", "w") as file:
            file.write("7")
        wait_for("it to be put back", lambda: class_of(path) == 0xFFFF002A)
        wait_for("the count", lambda: agent.metric("mete_limit_drift_total", file="net_cls.classid") == 1)
        assert "netCls.classId of policy default/web" in agent.mete("explain", "web").stdout
        agent.apply(manifest(None))
        wait_for("no class", lambda: class_of(path) == 0)


def test_the_next_agent_takes_away_what_no_policy_says_any_more():
    with Agent().start() as agent:
        path = launch(agent, manifest('"10:1"'))["cgroup"]
        agent.kill()
        agent.forget("Policy", "web")
        agent.start()
        wait_for("no class", lambda: class_of(path) == 0)


def test_a_cgroup_of_others_gets_its_own_class_back():
    path = "/mete-net-cls-test-%d" % os.getpid()
    made_cgroup(path)
    for each in cgroup_mounts():
        os.mkdir(each + path)
    try:
        with open(mount() + path + "/net_cls.classid", "w") as file:
            file.write("5")
        with Agent().start() as agent:
            agent.apply(class_policy('"10:1"', '{cgroups: ["%s"]}' % path))
            wait_for("the class", lambda: class_of(path) == 0x100001)
            agent.stop()
            assert class_of(path) == 5
    finally:
        clean_up(cgroups=[path])


def test_bad_input_is_refused():
    with Agent().start() as agent:
        for wrong in ('""', '"10"', '"0:1"', '"10000:1"', '"1:g"', '"1:2:3"', '" 1:2"'):
            done = agent.mete("apply", "-f", "-", text=manifest(wrong), check=False)
            assert done.returncode == 1 and "MAJOR:MINOR" in done.stderr, (wrong, done)


def known():
    """Whether the kernel has the hierarchy; how many cgroups it has stands in /proc/cgroups."""
    return ":net_cls:" in open("/proc/self/cgroup").read()


def without_children():
    line = next(line.split() for line in open("/proc/cgroups") if line.startswith("net_cls"))
    return int(line[2]) == 1


def main():
    need_root()
    if not any(each.endswith("net_cls") for each in cgroup_mounts()):
        if os.environ.get("METE_NET_CLS_MOUNTED") or "\nnet_cls\t" not in open("/proc/cgroups").read():
            skip("needs the kernel's net_cls controller")
        place = tempfile.mkdtemp(prefix="mete-net-cls-") + "/net_cls"
        os.mkdir(place)
        script = 'mount -t cgroup -o net_cls net_cls "$0" || exit 77; "$@"'
        os.environ["METE_NET_CLS_MOUNTED"] = "1"
        code = os.spawnvp(os.P_WAIT, "unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, place, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
        shutil.rmtree(os.path.dirname(place))
        wait_for("the hierarchy to go", lambda: not known())
        sys.exit(code)
    try:
        run_tests(sys.modules[__name__])
    finally:
        # Removed cgroups are freed later. A hierarchy that is unmounted while it has one stays, in no place that anybody sees (cgroup_kill_sb).
        if os.environ.get("METE_NET_CLS_MOUNTED"):
            wait_for("the cgroups to be freed", without_children)


if __name__ == "__main__":
    main()
