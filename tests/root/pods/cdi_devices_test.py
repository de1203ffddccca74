# SPDX-License-Identifier: Apache-2.0
"""Extended resources: devices of the Container Device Interface are given to pods, one to one, and waited for. The devices of the tests
are names for /dev/null and its like."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, with_config, write  # noqa: E402
from pods import container, delete, documents, is_running, job, pod, wait_exited, wait_gone, wait_running  # noqa: E402

KIND = "example.com/dongle"
NAME = "dongle.yaml"


# Each is another one: two with one node are two names of one device.
HOST = {"1": "/dev/null", "2": "/dev/zero", "3": "/dev/full"}


def spec(*names, common=""):
    """A specification with these devices, which are the machine's under other names."""
    each = "".join("- name: \"%s\"\n  containerEdits:\n    env: [\"DONGLE_%s=yes\"]\n    deviceNodes:\n    - {path: /dev/dongle%s, hostPath: %s}\n" % (name, name, name, HOST[name]) for name in names)
    return "cdiVersion: 0.6.0\nkind: %s\n%sdevices:\n%s" % (KIND, common, each)


class WithDevices(Agent):
    def __init__(self, *names, **how):
        super().__init__()
        self.folders = [self.work + "/cdi-low", self.work + "/cdi-high"]
        os.mkdir(self.folders[0])
        self.options = with_config(self, "devices: {cdi: [%s, %s]}\nexport: {kube: true}\n" % tuple(self.folders))
        if names:
            self.describe(spec(*names, **how))

    def describe(self, text, folder=0):
        write("%s/%s" % (self.folders[folder], NAME), text)

    def begin_agent(self, *more):
        return self.start(*self.options, *more)

    def devices(self, name, main="main"):
        return self.container(name, main).get("devices", [])


def asks(count, kind=KIND):
    return "resources: {limits: {%s: %d}}" % (kind, count)


def scheduled(agent, name):
    found = json.loads(agent.mete("get", "pod", name, "-o", "json").stdout)
    return next(each for each in found["status"]["conditions"] if each["type"] == "PodScheduled"), found


INSIDE = "ls /dev | grep dongle; env | grep -E '^DONGLE|^ALL' | sort; cat /etc/dongle.conf; id -G; : > /dev/dongle1 && echo written; dd if=/dev/dongle1 bs=1 count=1 2>/dev/null | wc -c"


def test_a_container_has_what_its_device_brings_along():
    with WithDevices() as agent:
        with open(agent.work + "/dongle.conf", "w") as out:
            out.write("configured\n")
        common = ("containerEdits:\n  env: [ALL=1]\n  additionalGids: [0, 4242]\n"
                  "  mounts: [{hostPath: %s/dongle.conf, containerPath: /etc/dongle.conf, options: [ro, nosuid, nodev, rbind]}]\n" % agent.work)
        agent.describe(spec("1", "2", common=common))
        agent.begin_agent()
        agent.apply(job("p", INSIDE, asks(1)))
        wait_exited(agent, "p")
        assert agent.logs("p") == "dongle1\nALL=1\nDONGLE_1=yes\nconfigured\n0 4242\nwritten\n0\n", agent.logs("p")
        assert agent.devices("p") == [KIND + "=1"]
        # A pod that asks for none has nothing of it.
        agent.apply(job("q", "ls /dev | grep -c dongle; ls /etc/dongle.conf 2>&1 | grep -c 'No such'", ""))
        wait_exited(agent, "q")
        assert agent.logs("q") == "0\n1\n", agent.logs("q")
        shown = agent.mete("describe", "pod", "p").stdout
        assert "%s: 1\n" % KIND in shown and "    Devices:        %s=1\n" % KIND in shown, shown


def test_the_number_of_a_node_is_allowed_and_no_other():
    """A node whose numbers no container may use by itself: /dev/loop-control's."""
    with WithDevices() as agent:
        agent.describe("cdiVersion: 0.6.0\nkind: %s\ndevices:\n- name: a\n  containerEdits:\n    deviceNodes: [{path: /dev/dongle, type: c, major: 10, minor: 237, permissions: r}]\n" % KIND)
        agent.begin_agent()
        script = "stat -c '%t:%T %u' /dev/dongle; exec 3< /dev/dongle && echo opened; (exec 4> /dev/dongle) 2>/dev/null || echo not written"
        agent.apply(job("p", script, asks(1) + "\nsecurityContext: {runAsUser: 77, capabilities: {add: [DAC_OVERRIDE]}}"))
        wait_exited(agent, "p")
        assert agent.logs("p") == "a:ed 77\nopened\nnot written\n", agent.logs("p")


def test_a_pod_waits_until_a_device_is_free():
    with WithDevices("1") as agent:
        agent.begin_agent()
        agent.apply(pod("first", lines=asks(1)))
        wait_running(agent, "first")
        done = agent.apply(pod("second", lines=asks(1)))
        assert done.stderr == "", "the machine has one, if somebody has it or not: " + done.stderr
        said = "0/1 nodes are available: 1 Insufficient example.com/dongle."
        condition, found = scheduled(agent, "second")
        assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", said), condition
        assert found["status"]["phase"] == "Pending" and "containerStatuses" not in found["status"], found["status"]
        assert os.listdir("%s/pods/%s" % (agent.state, agent.pod("second")["uid"])) == ["record.json"], "nothing of it is made"
        line = [each for each in agent.mete("get", "pods").stdout.splitlines() if each.startswith("second")]
        assert "Pending" in line[0], line
        assert agent.event("FailedScheduling")["message"] == said
        stays("the second pod pending", lambda: agent.pod("second")["phase"] == "Pending", 1.5)
        delete(agent, "first")
        wait_running(agent, "second")
        assert agent.devices("second") == [KIND + "=1"]
        assert scheduled(agent, "second")[0]["status"] == "True"
        # One that has ended for good holds nothing any more, though it is still there.
        agent.apply(job("third", "exit 0", asks(1)))
        assert agent.pod("third")["phase"] == "Pending"
        delete(agent, "second")
        wait_exited(agent, "third")
        agent.apply(pod("fourth", lines=asks(1)))
        wait_running(agent, "fourth")
        assert agent.pod("third")["phase"] == "Succeeded"


def test_a_pod_begins_when_its_device_is_described():
    with WithDevices() as agent:
        agent.begin_agent()
        done = agent.apply(pod("p", lines=asks(2)))
        assert "warning: " in done.stderr and "this machine has no device of that kind now" in done.stderr, done.stderr
        assert agent.pod("p")["phase"] == "Pending"
        agent.describe(spec("1"))
        stays("one device is too few", lambda: agent.pod("p")["phase"] == "Pending", 2.5)
        os.mkdir(agent.folders[1])
        agent.describe(spec("1", "2"), folder=1)  # the folder was not there before
        wait_running(agent, "p")
        assert agent.devices("p") == [KIND + "=1", KIND + "=2"]
        # validate needs no agent, and says the same.
        with open(agent.work + "/p.yaml", "w") as out:
            out.write(pod("p", lines=asks(1, "example.org/no-such-thing")))
        told = agent.mete("validate", "-f", agent.work + "/p.yaml")
        assert "this machine has no device of that kind now" in told.stderr, told


def test_nothing_is_given_twice_by_an_agent_that_was_killed():
    with WithDevices("1", "2", "3") as agent:
        agent.begin_agent()
        agent.apply(documents(*(pod("p%d" % i, lines=asks(1)) for i in range(3)), pod("late", lines=asks(1))))
        wait_for("three to run", lambda: sum(is_running(agent, each["name"]) for each in agent.pods()) == 3)
        for _ in range(3):
            agent.kill()
            agent.begin_agent()
            wait_for("all four to be known", lambda: len(agent.pods()) == 4)
            given = [name for each in agent.pods() for one in each["containers"] for name in one.get("devices", []) if one["state"] == "running"]
            assert sorted(given) == [KIND + "=%d" % i for i in (1, 2, 3)], given
        running = [each["name"] for each in agent.pods() if is_running(agent, each["name"])]
        agent.kill()
        agent.forget("Pod", running[0])  # it goes while no agent runs
        agent.begin_agent()
        wait_gone(agent, running[0])
        waiting = ({"p0", "p1", "p2", "late"} - set(running)).pop()
        wait_running(agent, waiting)
        given = [name for each in agent.pods() for one in each["containers"] for name in one.get("devices", [])]
        assert sorted(given) == [KIND + "=%d" % i for i in (1, 2, 3)], given


def test_an_init_container_passes_on_what_it_had():
    with WithDevices("1", "2") as agent:
        agent.begin_agent()
        first = "initContainers:\n" + container("first", "ls /dev | grep dongle | tr '\\n' ' '", asks(2))
        agent.apply(job("p", "ls /dev | grep dongle", asks(1), first))
        wait_exited(agent, "p", "main")
        assert agent.logs("p", "-c", "first").split() == ["dongle1", "dongle2"]
        assert agent.logs("p", "-c", "main") == "dongle1\n"


def test_what_a_specification_asks_for_and_cannot_have_is_said():
    with WithDevices() as agent:
        agent.describe(spec("1", common="containerEdits:\n  hooks: [{hookName: createContainer, path: /bin/true}]\n"))
        agent.begin_agent()
        agent.apply(pod("p", lines=asks(1)))
        file = "%s/%s" % (agent.folders[0], NAME)
        wait_for("the hook to be told of", lambda: "%s: found the hook /bin/true (createContainer)" % file in (agent.container("p").get("message") or ""))
        assert agent.container("p")["reason"] == "CreateContainerError"
        agent.describe(spec("1"))
        wait_running(agent, "p")  # it is tried again every 10 s
        agent.apply(pod("q", lines=asks(1, "example.org/other")))
        write(agent.folders[0] + "/other.json", "{\"cdiVersion\": \"0.6.0\", \"kind\": \"example.org/other\"}")
        told = agent.event("DeviceSpecFailed")["message"]
        assert told.startswith(agent.folders[0] + "/other.json:1:1: ") and "`devices` is missing" in told, told
        assert agent.pod("q")["phase"] == "Pending"


def test_metrics_and_answers_have_the_device():
    with WithDevices("1", "2") as agent:
        agent.begin_agent()
        agent.apply(pod("p", lines=asks(2)))
        wait_running(agent, "p")
        for family in ("kube_pod_container_resource_limits", "kube_pod_container_resource_requests"):
            assert agent.metric(family, pod="p", resource="example_com_dongle", unit="integer") == 2, family
        for family in ("kube_node_status_capacity", "kube_node_status_allocatable"):
            assert agent.metric(family, resource="example_com_dongle", unit="integer") == 2, family
        assert agent.container("p")["resources"]["limits"][KIND] == "2"
        given = json.loads(agent.mete("get", "pod", "p", "-o", "json").stdout)["spec"]["containers"][0]["resources"]
        assert str(given["limits"][KIND]) == "2", given
        agent.apply(pod("p", lines=asks(1)))  # another number is another pod
        wait_for("the other pod", lambda: agent.devices("p") == [KIND + "=1"] and is_running(agent, "p"))


def test_a_docker_client_names_its_device():
    with WithDevices("1", "2") as agent:
        agent.begin_agent()
        words = ("run", "--rm", "--device", KIND + "=2", "busybox", "sh", "-c", "ls /dev | grep dongle; echo $DONGLE_2")
        assert agent.mete(*words).stdout == "dongle2\nyes\n"
        missing = agent.mete("run", "--rm", "--device", KIND + "=9", "busybox", "true", check=False)
        assert missing.returncode == 125 and "unresolvable CDI devices example.com/dongle=9" in missing.stderr, missing


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
