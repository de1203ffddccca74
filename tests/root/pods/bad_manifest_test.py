# SPDX-License-Identifier: Apache-2.0
"""Bad manifests: each is one clear error that says where, found and expected; nothing is changed, other pods are untouched."""
import os
import re
import resource
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from bystander import agent_with_bystander, messages  # noqa: E402
from mete_agent import BIN, run_tests, stays, wait_for, write  # noqa: E402
from pods import delete, documents, pod, wait_exited, wait_running  # noqa: E402


SLEEP = "[sleep, '1000']"
RIGHT = """apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: %s
""" % SLEEP



def errors_of(done):
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


# What is wrong, the line it is in, and what must be said.
WRONG = {
    "unknown kind": (RIGHT.replace("kind: Pod", "kind: Pot"), 2, ["kind", '"Pot"', "expected", "did you mean `Pod`"]),
    "unknown apiVersion": (RIGHT.replace("apiVersion: v1", "apiVersion: v7"), 1, ["apiVersion", '"v7"', "expected"]),
    "unknown field": (RIGHT.replace("    command:", "    comand:"), 9, ["spec.containers[0].comand", "unknown field", "did you mean `command`"]),
    "unknown field of metadata": (RIGHT.replace("{name: p}", "{name: p, lables: {a: b}}"), 3, ["metadata.lables", "did you mean `labels`"]),
    "wrong type": (RIGHT.replace(SLEEP, "sleep"), 9, ["spec.containers[0].command", 'found "sleep"', "expected a list"]),
    "wrong type of a number": (RIGHT.replace("Seconds: 0", "Seconds: soon"), 5, ["spec.terminationGracePeriodSeconds", '"soon"', "expected"]),
    "containers no list": ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: {name: a}\n", 5, ["spec.containers", "found", "expected a list"]),
    "no containers": ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n", 4, ["spec.containers", "expected"]),
    "no name": (RIGHT.replace("{name: p}", "{}"), 3, ["metadata", "name"]),
    "name with a slash": (RIGHT.replace("{name: p}", "{name: ../p}"), 3, ["metadata.name", '"../p"', "expected"]),
    "bad quantity": (RIGHT + "    resources: {limits: {cpu: 10x}}\n", 10, ["resources.limits.cpu", '"10x"', "expected CPUs"]),
    "bad memory quantity": (RIGHT + "    resources: {limits: {memory: 1Mib}}\n", 10, ["resources.limits.memory", '"1Mib"', "expected"]),
    "negative memory": (RIGHT + "    resources: {limits: {memory: -5Mi}}\n", 10, ["resources.limits.memory", "-5Mi", "expected"]),
    "memory below 4 MiB": (RIGHT + "    resources: {limits: {memory: 4194303}}\n", 10, ["resources.limits.memory", "4194303", "expected at least 4Mi"]),
    "absurd memory": (RIGHT + "    resources: {limits: {memory: 9Ei}}\n", 10, ["resources.limits.memory", "9Ei", "expected"]),
    "negative cpu": (RIGHT + "    resources: {limits: {cpu: -1}}\n", 10, ["resources.limits.cpu", "found the number -1", "expected more than 0"]),
    "limit below request": (RIGHT + "    resources: {limits: {cpu: 100m}, requests: {cpu: 200m}}\n", 10, ["resources.limits.cpu", "below the request", "expected at least"]),
    "`..` in a mount": (RIGHT + "    volumeMounts: [{name: v, mountPath: /a/../../x}]\n  volumes: [{name: v, emptyDir: {}}]\n", 10,
                        ["volumeMounts[0].mountPath", '"/a/../../x"', 'expected an absolute path without ".."']),
    "`..` in a subPath": (RIGHT + "    volumeMounts: [{name: v, mountPath: /x, subPath: ../../etc}]\n  volumes: [{name: v, emptyDir: {}}]\n", 10,
                          ["volumeMounts[0].subPath", '"../../etc"', "expected a relative path"]),
    "`..` in a hostPath": (RIGHT + "    volumeMounts: [{name: v, mountPath: /x}]\n  volumes: [{name: v, hostPath: {path: /tmp/../etc}}]\n", 11,
                           ["volumes[0].hostPath.path", '"/tmp/../etc"', "expected an absolute path"]),
    "a mount of no volume": (RIGHT + "    volumeMounts: [{name: nothing, mountPath: /x}]\n", 10, ["volumeMounts[0].name", '"nothing"', "expected"]),
    "unknown capability": (RIGHT + "    securityContext: {capabilities: {add: [FLY]}}\n", 10, ["capabilities.add[0]", '"FLY"', "expected"]),
    "two containers of one name": (RIGHT + "  - {name: main, image: busybox}\n", 10, ["spec.containers[1].name", "main"]),
    "tab and no YAML": ("apiVersion: v1\nkind: Pod\n\tmetadata: {name: p}\n", 3, []),
    "half of a manifest": (RIGHT[:RIGHT.index("name: main") + 7], 7, ["spec.containers[0]"]),
    "bytes that are no text": (RIGHT.replace("name: main", "name: ma\x07in"), 7, []),
    "negative grace": (RIGHT.replace("Seconds: 0", "Seconds: -1"), 5, ["terminationGracePeriodSeconds", "-1", "expected"]),
    "a policy's unknown action": ("apiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  selector: {matchLabels: {a: b}}\n  memory: {onOOM: explode}\n", 6,
                                  ["spec.memory.onOOM", '"explode"', "expected"]),
}


def test_each_wrong_manifest_is_one_clear_error():
    wrong = []
    with agent_with_bystander() as (agent, bystander):
        for name, (text, line, needles) in WRONG.items():
            path = agent.work + "/wrong.yaml"
            with open(path, "w") as out:
                out.write(text)
            before = len(agent.events())
            for args in (["validate", "-f", path], ["apply", "-f", path], ["apply", "--dry-run", "-f", path], ["diff", "-f", path]):
                done = agent.mete(*args, check=False)
                said = errors_of(done)
                if done.returncode != 1 or len(said) != 1:
                    wrong.append("%s: mete %s: exit %d, expected 1 and one error\n%s%s" % (name, args[0], done.returncode, done.stdout, done.stderr))
                elif not all(each in said[0] for each in needles):
                    wrong.append("%s: mete %s: expected %s in: %s" % (name, args[0], [each for each in needles if each not in said[0]], said[0]))
                elif not re.search(re.escape(path) + ":%d:" % line, said[0]):
                    wrong.append("%s: mete %s: expected %s:%d in: %s" % (name, args[0], path, line, said[0]))
            # The same in the watched folder.
            watched = agent.manifests + "/wrong.yaml"
            write(watched, text)
            try:
                wait_for("an event about it", lambda: any(watched in each for each in messages(agent)[before:]))  # noqa: B023 - called here
                told = [each for each in messages(agent)[before:] if watched in each]
                if len(told) != 1 or not all(each in told[0] for each in needles):
                    wrong.append("%s: expected one event with %s, found %s" % (name, needles, told))
            except AssertionError as error:
                wrong.append("%s: in the watched folder: %s" % (name, error))
            os.unlink(watched)
            bystander.check()
        assert os.listdir(agent.state + "/applied") == [], os.listdir(agent.state + "/applied")
    assert not wrong, "\n".join(wrong)


def test_of_several_documents_one_wrong_changes_nothing():
    with agent_with_bystander() as (agent, bystander):
        done = agent.mete("apply", "-f", "-", text=documents(pod("one"), pod("two").replace("image:", "imgae:"), pod("three")), check=False)
        assert done.returncode == 1 and "imgae" in done.stderr, done
        bystander.stays(0.3)


def test_one_name_in_two_files_is_an_error_and_the_first_goes_on():
    with agent_with_bystander() as (agent, bystander):
        write(agent.manifests + "/copy.yaml", pod("bystander", ["sleep", "5"]))
        told = wait_for("an event", lambda: [each for each in messages(agent) if "taken already" in each])
        assert "copy.yaml" in told[0] and "bystander.yaml" in told[0], told
        bystander.check()
        done = agent.mete("validate", "-f", agent.manifests, check=False)
        assert done.returncode == 1 and "copy.yaml" in done.stderr and "bystander.yaml" in done.stderr, done
        os.unlink(agent.manifests + "/copy.yaml")
        bystander.stays(0.3)


def test_a_name_that_a_file_has_taken_cannot_be_applied():
    with agent_with_bystander() as (agent, bystander):
        for others in (0, 1):
            done = agent.mete("apply", "-f", "-", text=pod("bystander", ["sleep", "6"]), check=False)
            assert done.returncode == 1 and "taken already" in done.stderr and "bystander.yaml" in done.stderr, (others, done)
            assert os.listdir(agent.state + "/applied") == [], os.listdir(agent.state + "/applied")
            bystander.check()
            # An error there is already hides no new one.
            write(agent.manifests + "/copy.yaml", pod("bystander", ["sleep", "5"]))
            wait_for("an event", lambda: any("copy.yaml" in each for each in messages(agent)))


def test_errors_of_apply_name_the_file_and_line_that_was_given():
    with agent_with_bystander() as (agent, bystander):
        path, second = agent.work + "/given.yaml", agent.work + "/second.yaml"
        wrong = {"lines": "volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(NOPE)}]", "spec": "volumes: [{name: v, emptyDir: {}}]"}
        write(path, pod("p", **wrong))
        write(second, "# a comment\n\n" + pod("q", **wrong))
        for args in (["-f", path], ["-f", path, "-f", second]):
            done = agent.mete("apply", *args, check=False)
            assert done.returncode == 1 and path + ":11:" in done.stderr, done
            assert len(args) == 2 or second + ":13:" in done.stderr, done
        bystander.check()


def test_a_copy_that_sorts_before_the_first_changes_nothing_that_runs():
    with agent_with_bystander() as (agent, bystander):
        write(agent.manifests + "/a-copy.yaml", pod("bystander", ["sleep", "5"]))
        wait_for("an event", lambda: any("taken already" in each for each in messages(agent)))
        bystander.stays(1)


def test_without_its_config_map_a_pod_waits_and_starts_when_it_comes():
    with agent_with_bystander() as (agent, bystander):
        write(agent.manifests + "/needs.yaml", pod("needs", lines="envFrom: [{configMapRef: {name: later}}]"))
        told = wait_for("an event", lambda: [each for each in messages(agent) if "later" in each])
        assert "needs.yaml:10:" in told[0] and "Pod default/needs" in told[0], told
        bystander.check(["needs"])
        write(agent.manifests + "/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later}\ndata: {a: b}\n")
        pid = wait_running(agent, "needs")["pid"]
        # Its ConfigMap goes away: what runs goes on.
        os.unlink(agent.manifests + "/config.yaml")
        stays("the same process", lambda: agent.container("needs")["pid"] == pid, 0.5)
        bystander.check(["needs"])


def test_a_command_that_is_not_there_is_127_and_one_not_executable_126():
    with agent_with_bystander() as (agent, bystander):
        for name, command, code in (("nowhere", ["/no/such/program"], 127), ("not-in-path", ["nosuchprogram", "a"], 127), ("no-program", ["/etc/passwd"], 126), ("directory", ["/etc"], 126)):
            agent.apply(pod(name, command, restart="Never"))
            ended = wait_exited(agent, name)
            assert ended["last"]["exitCode"] == code, (name, ended)
            assert ended["last"]["reason"] == "StartError" and command[0] in ended["message"], ended
            assert any(each["pod"] == "default/" + name and command[0] in each["message"] for each in agent.events("Exited")), agent.events("Exited")
            bystander.check([name])
            delete(agent, name)


def test_a_working_directory_or_user_that_cannot_be_is_said():
    with agent_with_bystander() as (agent, bystander):
        agent.apply(pod("p", lines="workingDir: /etc/passwd", restart="Never"))
        ended = wait_exited(agent, "p")
        assert ended["last"]["reason"] == "StartError" and "/etc/passwd" in ended["message"], ended
        bystander.check(["p"])


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % pid).read()).group(1)) << 10


def cpu_of_children():
    """Seconds of those that have ended; unlike the time that passes, a busy machine adds nothing to it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_manifest_of_50_megabytes_is_refused_unread():
    with agent_with_bystander() as (agent, bystander):
        big = agent.work + "/big.yaml"
        line = "# " + 97 * "x" + "\n"
        with open(big, "w") as out:
            out.write(RIGHT + (50 << 20) // len(line) * line)
        before = resident(agent.process.pid)
        for args, text in ((["validate", "-f", big], None), (["apply", "-f", big], None), (["apply", "-f", "-"], open(big).read())):
            before_call = cpu_of_children()
            done = agent.mete(*args, check=False, text=text)
            assert done.returncode == 1 and "expected at most" in done.stderr, done.stderr[:500]
            assert text is not None or big in done.stderr, done.stderr[:500]
            assert cpu_of_children() - before_call < 5
        os.rename(big, agent.manifests + "/big.yaml")
        told = wait_for("an event", lambda: [each for each in messages(agent) if "big.yaml" in each])
        assert "expected at most" in told[0] and len(told) == 1, told
        assert resident(agent.process.pid) - before < 64 << 20, (before, resident(agent.process.pid))
        bystander.check()


def test_bombs_of_yaml_are_refused_in_no_time():
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        "a%d: &a%d [%s]\n" % (i, i, ", ".join(["*a%d" % (i - 1)] * 10)) for i in range(1, 10))
    bombs = {"laughs": laughs, "in-pod": RIGHT + "    env: &e [{name: a, value: b}]\n  initContainers: *e\n" + laughs, "brackets": "[" * 200000, "braces": "{a: " * 100000,
             "dashes": "- " * 100000 + "x", "documents": "---\na: b\n" * 20000, "merge": "a: &a {b: c}\nd: {<<: [%s]}\n" % ", ".join(["*a"] * 50000), "itself": "a: &a [*a]\n"}
    with agent_with_bystander() as (agent, bystander):
        for name, text in bombs.items():
            path = agent.work + "/%s.yaml" % name
            write(path, text)
            before = cpu_of_children()
            done = subprocess.run(["sh", "-c", "ulimit -v 1000000; exec %s/mete validate -f %s" % (BIN, path)], capture_output=True, text=True)
            took = cpu_of_children() - before
            assert done.returncode == 1 and done.stderr.startswith("error: "), (name, done.returncode, done.stderr[:300])
            assert took < 3, (name, took)
            os.rename(path, agent.manifests + "/%s.yaml" % name)
            wait_for("an event about %s" % name, lambda: any(name + ".yaml" in each for each in messages(agent)))  # noqa: B023 - called here
            bystander.check()
            os.unlink(agent.manifests + "/%s.yaml" % name)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
