# SPDX-License-Identifier: Apache-2.0
"""Bad input: each is one clear error that says where, found and expected; nothing is changed, other pods are untouched."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, Agent, free_port, run_tests, wait_for  # noqa: E402

POD = """apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: %s
    command: %s
"""
SLEEP = "[sleep, '1000']"
RIGHT = POD % ("p", "busybox", SLEEP)


def pod(name, command=SLEEP, image="busybox", more=""):
    return POD % (name, image, command) + more


def write(path, text):
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)


class Bystander:
    """A pod that must not notice anything."""

    def __init__(self, agent):
        self.agent = agent
        write(agent.manifests + "/bystander.yaml", pod("bystander"))
        self.first = wait_for("the bystander to run", self.look)

    def look(self):
        container = self.agent.container("bystander")
        return container and container["state"] == "running" and {key: container[key] for key in ("pid", "restarts", "startedAt", "cgroup")}

    def check(self, others=()):
        now = self.look()
        assert now == self.first, "the other pod was touched: %s, before %s" % (now, self.first)
        os.kill(now["pid"], 0)
        names = sorted(each["name"] for each in self.agent.pods())
        assert names == sorted(["bystander", *others]), names


@contextlib.contextmanager
def agent_with_bystander(*more):
    with Agent() as agent:
        agent.start(*more)
        yield agent, Bystander(agent)


def runs(agent, name):
    def running():
        found = agent.pod(name)
        return found and all(each["state"] == "running" for each in found["containers"])
    return running


def messages(agent, reason=None):
    return [each["message"] for each in agent.events(reason)]


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
    "cpu 0": (RIGHT + "    resources: {limits: {cpu: 0}}\n", 10, ["resources.limits.cpu", "found the number 0", "expected more than 0"]),
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
    "key twice": (RIGHT + "    image: other\n", 10, ["image"]),
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
                wait_for("an event about it", lambda: any(watched in each for each in messages(agent)[before:]), 3)
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
        done = agent.mete("apply", "-f", "-", text=pod("one") + "---\n" + pod("two").replace("image:", "imgae:") + "---\n" + pod("three"), check=False)
        assert done.returncode == 1 and "imgae" in done.stderr, done
        time.sleep(0.3)
        bystander.check()


def test_one_name_in_two_files_is_an_error_and_the_first_goes_on():
    with agent_with_bystander() as (agent, bystander):
        write(agent.manifests + "/copy.yaml", pod("bystander", "[sleep, '5']"))
        told = wait_for("an event", lambda: [each for each in messages(agent) if "taken already" in each], 5)
        assert "copy.yaml" in told[0] and "bystander.yaml" in told[0], told
        bystander.check()
        done = agent.mete("validate", "-f", agent.manifests, check=False)
        assert done.returncode == 1 and "copy.yaml" in done.stderr and "bystander.yaml" in done.stderr, done
        os.unlink(agent.manifests + "/copy.yaml")
        time.sleep(0.3)
        bystander.check()


def test_a_name_that_a_file_has_taken_cannot_be_applied():
    with agent_with_bystander() as (agent, bystander):
        for others in (0, 1):
            done = agent.mete("apply", "-f", "-", text=pod("bystander", "[sleep, '6']"), check=False)
            assert done.returncode == 1 and "taken already" in done.stderr and "bystander.yaml" in done.stderr, (others, done)
            assert os.listdir(agent.state + "/applied") == [], os.listdir(agent.state + "/applied")
            bystander.check()
            # An error there is already hides no new one.
            write(agent.manifests + "/copy.yaml", pod("bystander", "[sleep, '5']"))
            wait_for("an event", lambda: any("copy.yaml" in each for each in messages(agent)), 5)


def test_errors_of_apply_name_the_file_and_line_that_was_given():
    with agent_with_bystander() as (agent, bystander):
        path, second = agent.work + "/given.yaml", agent.work + "/second.yaml"
        write(path, pod("p", more="    envFrom: [{configMapRef: {name: not-there}}]\n"))
        write(second, "# a comment\n\n" + pod("q", more="    envFrom: [{secretRef: {name: none}}]\n"))
        for args in (["-f", path], ["-f", path, "-f", second]):
            done = agent.mete("apply", *args, check=False)
            assert done.returncode == 1 and path + ":10:" in done.stderr, done
            assert len(args) == 2 or second + ":12:" in done.stderr, done
        bystander.check()


def test_a_copy_that_sorts_before_the_first_changes_nothing_that_runs():
    with agent_with_bystander() as (agent, bystander):
        write(agent.manifests + "/a-copy.yaml", pod("bystander", "[sleep, '5']"))
        wait_for("an event", lambda: any("taken already" in each for each in messages(agent)), 5)
        time.sleep(1)
        bystander.check()


def test_without_its_config_map_a_pod_is_rejected_and_starts_when_it_comes():
    with agent_with_bystander() as (agent, bystander):
        write(agent.manifests + "/needs.yaml", pod("needs", more="    envFrom: [{configMapRef: {name: later}}]\n"))
        told = wait_for("an event", lambda: [each for each in messages(agent) if "later" in each], 5)
        assert "needs.yaml:10:" in told[0] and "Pod default/needs" in told[0], told
        bystander.check()
        write(agent.manifests + "/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later}\ndata: {a: b}\n")
        wait_for("the pod to run", runs(agent, "needs"), 5)
        # Its ConfigMap goes away: what runs goes on.
        pid = agent.container("needs")["pid"]
        os.unlink(agent.manifests + "/config.yaml")
        time.sleep(0.5)
        assert agent.container("needs")["pid"] == pid
        bystander.check(["needs"])


def test_an_image_that_is_not_there_waits_and_starts_soon_after_its_import():
    with agent_with_bystander() as (agent, bystander):
        agent.apply(pod("p", image="missing:1.0"))
        waiting = wait_for("it to wait", lambda: agent.container("p")["reason"] and agent.container("p"), 5)
        assert waiting["state"] == "waiting" and waiting["reason"] == "ImageNotFound" and "missing:1.0" in waiting["message"], waiting
        assert "ImageNotFound" in agent.mete("ps").stdout
        bystander.check(["p"])
        root = agent.work + "/root"
        os.makedirs(root + "/bin")
        shutil.copy("/bin/busybox", root + "/bin/sleep")
        agent.mete("image", "import", root, "missing:1.0")
        wait_for("it to start", runs(agent, "p"), 15)
        bystander.check(["p"])
        # Removed while it runs, and wanted by a second one: again the same words.
        agent.mete("delete", "p")
        wait_for("it to be gone", lambda: agent.pod("p") is None)
        agent.mete("rmi", "missing:1.0")
        agent.apply(pod("p", image="missing:1.0"))
        wait_for("ImageNotFound", lambda: agent.container("p")["reason"] == "ImageNotFound", 5)
        done = agent.mete("rmi", "nothing:1", check=False)
        assert done.returncode != 0 and "nothing:1" in done.stderr, done


def test_an_image_in_use_is_not_removed_from_under_its_containers():
    with Agent().start() as agent:
        root = agent.work + "/root"
        os.makedirs(root + "/bin")
        for each in ("sleep", "ls"):
            shutil.copy("/bin/busybox", root + "/bin/" + each)
        agent.mete("image", "import", root, "brief:1")
        agent.apply(pod("p", image="brief:1"))
        wait_for("it to run", runs(agent, "p"))
        agent.mete("rmi", "brief:1", check=False)  # refused, or its layers stay until the container has ended
        time.sleep(0.5)
        assert agent.mete("exec", "p", "--", "/bin/ls", "/bin", check=False).stdout == "ls\nsleep\n"


def test_layers_go_when_nobody_uses_them_any_more():
    with Agent().start() as agent:
        root = agent.work + "/root"
        os.makedirs(root + "/bin")
        shutil.copy("/bin/busybox", root + "/bin/busybox")
        layers = lambda: set(os.listdir(agent.state + "/images/layers"))  # noqa: E731

        def reimport(text):
            before = layers()
            write(root + "/version", text)
            agent.mete("image", "import", root, "changing:1")
            return (layers() - before).pop()

        first = reimport("1")
        agent.apply(pod("p", "[/bin/busybox, sleep, '1000']", image="changing:1"))
        wait_for("it to run", runs(agent, "p"))
        second = reimport("2")
        third = reimport("3")
        wait_for("the layer that nothing ever ran on to go", lambda: second not in layers(), 10)
        assert first in layers() and third in layers()
        assert agent.mete("exec", "p", "--", "/bin/busybox", "cat", "/version").stdout == "1"
        # Not even when the image itself is removed, and by a new agent neither.
        agent.mete("rmi", "changing:1")
        assert first in layers()
        agent.kill()
        agent.start()
        time.sleep(3)
        assert first in layers()
        assert agent.mete("exec", "p", "--", "/bin/busybox", "cat", "/version").stdout == "1"
        agent.mete("delete", "p")
        wait_for("the last of it to go", lambda: first not in layers(), 10)
        assert len(layers()) == 1, "busybox has gone with it"


def test_an_image_removed_between_two_starts_is_not_found():
    with Agent().start() as agent:
        root = agent.work + "/root"
        os.makedirs(root + "/bin")
        shutil.copy("/bin/busybox", root + "/bin/sleep")
        agent.mete("image", "import", root, "brief:1")
        agent.apply(pod("p", "[sleep, '1']", image="brief:1"))
        wait_for("it to run", runs(agent, "p"))
        removed = agent.mete("rmi", "brief:1", check=False)
        if removed.returncode != 0:
            assert "brief:1" in removed.stderr, removed  # in use: refused
            return
        own = wait_for("its next start to wait", lambda: agent.container("p")["state"] == "waiting" and "brief:1" in agent.container("p").get("message", "") and agent.container("p"), 30)
        # Why it waits, and how it ended before, are two things.
        assert own["reason"] == "ImageNotFound", own
        assert own["last"]["reason"] == "Completed" and own["last"]["exitCode"] == 0, own


def test_a_command_that_is_not_there_is_127_and_one_not_executable_126():
    with agent_with_bystander() as (agent, bystander):
        for name, command, code in (("nowhere", "[/no/such/program]", 127), ("not-in-path", "[nosuchprogram, a]", 127), ("no-program", "[/etc/passwd]", 126), ("directory", "[/etc]", 126)):
            agent.apply(pod(name, command, more="  restartPolicy: Never\n"))
            ended = wait_for("its end", lambda: agent.container(name)["state"] == "exited" and agent.container(name), 10)
            assert ended["last"]["exitCode"] == code, (name, ended)
            assert ended["last"]["reason"] == "StartError" and command.strip("[]").split(",")[0] in ended["message"], ended
            assert any(each["pod"] == "default/" + name and command.strip("[]").split(",")[0] in each["message"] for each in agent.events("Exited")), agent.events("Exited")
            bystander.check([name])
            agent.mete("delete", name)
            wait_for("it to be gone", lambda: agent.pod(name) is None)


def test_a_working_directory_or_user_that_cannot_be_is_said():
    with agent_with_bystander() as (agent, bystander):
        agent.apply(pod("p", more="    workingDir: /etc/passwd\n  restartPolicy: Never\n"))
        ended = wait_for("its end", lambda: agent.container("p")["state"] == "exited" and agent.container("p"), 10)
        assert ended["last"]["reason"] == "StartError" and "/etc/passwd" in ended["message"], ended
        bystander.check(["p"])


def test_what_is_no_file_in_the_folder_is_told_and_harms_nobody():
    with agent_with_bystander() as (agent, bystander):
        os.mkdir(agent.work + "/d")
        os.rename(agent.work + "/d", agent.manifests + "/directory.yaml")
        wait_for("an event about the directory", lambda: any("directory.yaml" in each for each in messages(agent)), 3)
        os.symlink("loop.yaml", agent.work + "/loop.yaml")
        os.rename(agent.work + "/loop.yaml", agent.manifests + "/loop.yaml")
        wait_for("an event about the loop", lambda: any("loop.yaml" in each for each in messages(agent)), 3)
        bystander.check()
        # One that is hidden or of another kind of name is nobody's business.
        before = len(agent.events())
        for name in (".hidden.yaml", "notes.txt", "backup.yaml~"):
            write(agent.manifests + "/" + name, "{{{ no yaml")
        time.sleep(0.3)
        assert len(agent.events()) == before, agent.events()[before:]
        bystander.check()
        agent.kill()
        agent.start()
        bystander.check()


def test_names_and_words_that_are_no_text_harm_nobody():
    with agent_with_bystander() as (agent, bystander):
        for name in (b"bad-\xff\xfe.yaml", b"line\nbreak.yaml", b"escape\x1b[31m.yaml"):
            path = os.fsencode(agent.manifests) + b"/" + name
            before = len(agent.events())
            with open(path, "w") as out:
                out.write("kind: Pot\n")
            wait_for("an event about %s" % name, lambda: len(agent.events()) > before, 3)
            # The same name with a right manifest: the source is shown with the pod.
            with open(path, "w") as out:
                out.write(pod("p"))
            wait_for("its pod to run", runs(agent, "p"), 5)
            assert agent.mete("ps", "-o", "wide").returncode == 0 and "\x1b" not in agent.mete("ps", "-o", "wide").stdout + agent.mete("events").stdout
            os.unlink(path)
            wait_for("its pod to be gone", lambda: agent.pod("p") is None)
            bystander.check()
        # A kill's victim says who it is in words of its own.
        agent.apply(pod("oom", '[sh, -c, "exec dd if=/dev/zero of=/dev/null bs=64M count=1 \\"$(printf \'conv=\\\\377\')\\""]', more="    resources: {limits: {memory: 16Mi}}\n  restartPolicy: Never\n"))
        wait_for("its end", lambda: agent.container("oom")["state"] == "exited")
        assert agent.get("/healthz") == "ok\n"
        agent.events()
        bystander.check(["oom"])


def test_a_fifo_in_the_folder_does_not_stop_the_agent():
    with agent_with_bystander() as (agent, bystander):
        os.mkfifo(agent.work + "/fifo")
        os.rename(agent.work + "/fifo", agent.manifests + "/fifo.yaml")
        time.sleep(0.5)
        try:
            with urllib.request.urlopen("http://" + agent.address + "/healthz", timeout=3) as answer:
                assert answer.read() == b"ok\n"
            wait_for("an event about it", lambda: any("fifo.yaml" in each for each in messages(agent)), 3)
            bystander.check()
        finally:
            # Lets an agent that waits in open() go on, so that this test ends.
            with contextlib.suppress(OSError):
                os.close(os.open(agent.manifests + "/fifo.yaml", os.O_WRONLY | os.O_NONBLOCK))
            os.unlink(agent.manifests + "/fifo.yaml")


def check_link_to_a_manifest(name, link):
    with agent_with_bystander() as (agent, bystander):
        os.mkdir(agent.work + "/elsewhere")
        write(agent.work + "/elsewhere/it.yaml", pod(name))
        link(agent.work + "/elsewhere/it.yaml", agent.manifests + "/it.yaml")
        wait_for("its pod to run", runs(agent, name), 5)
        bystander.check([name])


def test_a_link_to_a_manifest_counts_as_one():
    check_link_to_a_manifest("linked", os.symlink)


def test_a_second_name_of_a_manifest_counts_as_one():
    check_link_to_a_manifest("hard", os.link)


def test_a_file_nobody_may_read():
    with agent_with_bystander() as (agent, bystander):
        secret = agent.work + "/secret.yaml"
        write(secret, RIGHT)
        os.chmod(secret, 0o000)
        os.chmod(agent.work, 0o755)
        done = as_nobody([BIN + "/mete", "validate", "-f", secret])
        assert done.returncode == 1 and secret in done.stderr and "Permission denied" in done.stderr, done
        # root reads it all the same.
        os.rename(secret, agent.manifests + "/secret.yaml")
        wait_for("its pod to run", runs(agent, "p"))
        bystander.check(["p"])


def test_a_half_written_manifest_is_an_error_until_the_rest_is_there():
    with agent_with_bystander() as (agent, bystander):
        path = agent.manifests + "/p.yaml"
        with open(path, "w") as out:
            out.write(RIGHT[:RIGHT.index("image:")] + "ima")
            out.flush()
            time.sleep(0.3)
            bystander.check()
        wait_for("an event", lambda: any(path in each for each in messages(agent, "ManifestError")), 3)
        bystander.check()
        with open(path, "w") as out:
            out.write(RIGHT)
        wait_for("it to run", runs(agent, "p"), 5)
        bystander.check(["p"])


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % pid).read()).group(1)) << 10


def test_a_manifest_of_50_megabytes_is_refused_unread():
    with agent_with_bystander() as (agent, bystander):
        big = agent.work + "/big.yaml"
        line = "# " + 97 * "x" + "\n"
        with open(big, "w") as out:
            out.write(RIGHT + (50 << 20) // len(line) * line)
        before = resident(agent.process.pid)
        for args, text in ((["validate", "-f", big], None), (["apply", "-f", big], None), (["apply", "-f", "-"], open(big).read())):
            begin = time.monotonic()
            done = agent.mete(*args, check=False, text=text)
            assert done.returncode == 1 and "expected at most" in done.stderr, done.stderr[:500]
            assert text is not None or big in done.stderr, done.stderr[:500]
            assert time.monotonic() - begin < 5
        os.rename(big, agent.manifests + "/big.yaml")
        told = wait_for("an event", lambda: [each for each in messages(agent) if "big.yaml" in each], 5)
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
            begin = time.monotonic()
            done = subprocess.run(["sh", "-c", "ulimit -v 1000000; exec %s/mete validate -f %s" % (BIN, path)], capture_output=True, text=True)
            took = time.monotonic() - begin
            assert done.returncode == 1 and done.stderr.startswith("error: "), (name, done.returncode, done.stderr[:300])
            assert took < 3, (name, took)
            os.rename(path, agent.manifests + "/%s.yaml" % name)
            wait_for("an event about %s" % name, lambda: any(name + ".yaml" in each for each in messages(agent)), 5)
            bystander.check()
            os.unlink(agent.manifests + "/%s.yaml" % name)


def test_a_running_pod_goes_on_when_its_manifest_breaks():
    with agent_with_bystander() as (agent, bystander):
        path = agent.manifests + "/bystander.yaml"
        for text in ("{{{", "", pod("bystander").replace("image:", "imgae:"), "kind: Pod", pod("bystander", "[sleep, '7']") + "---\nkind: Pot\napiVersion: v1\n"):
            before = len(agent.events())
            write(path, text)
            if text == "":
                continue  # an empty manifest is right, and holds nothing
            wait_for("an event", lambda: any(path in each for each in messages(agent)[before:]), 3)
            bystander.check()
        agent.kill()
        agent.start()
        bystander.check()
        write(path, pod("bystander"))
        time.sleep(0.5)
        bystander.check()
        os.unlink(path)
        wait_for("it to be deleted", lambda: not agent.pods())


def test_an_emptied_manifest_means_that_its_pod_is_not_wanted():
    with agent_with_bystander() as (agent, _):
        write(agent.manifests + "/bystander.yaml", "# nothing\n")
        wait_for("it to be deleted", lambda: not agent.pods(), 5)


def test_links_in_a_volume_lead_nowhere_out_of_it():
    with agent_with_bystander() as (agent, bystander):
        host = agent.work + "/host"
        volume = agent.work + "/volume"
        os.makedirs(host)
        os.makedirs(volume + "/real")
        for path, text in ((host + "/secret", "host secret\n"), (volume + "/real/file", "of the volume\n")):
            with open(path, "w") as out:
                out.write(text)
        os.symlink("/etc", volume + "/etc-link")
        os.symlink("/etc/hostname", volume + "/file-link")
        os.symlink(host, volume + "/absolute")
        os.symlink("../host", volume + "/relative")
        os.symlink("../../../../../../../../../../proc/1/root" + host, volume + "/deep")
        os.symlink("real", volume + "/inside")
        for sub_path in ("etc-link", "file-link", "absolute", "absolute/secret", "relative", "relative/secret", "deep", "etc-link/passwd"):
            agent.apply(pod("p", "[sh, -c, 'ls /m /m/; cat /m /m/secret; cat /m/passwd; true']", more="    volumeMounts: [{name: v, mountPath: /m, subPath: %s}]\n"
                            "  restartPolicy: Never\n  volumes: [{name: v, hostPath: {path: %s}}]\n" % (sub_path, volume)))
            wait_for("it to end or wait", lambda: agent.container("p") and (agent.container("p")["state"] == "exited" or agent.container("p").get("message")), 10)
            seen = agent.mete("logs", "p", check=False)
            seen = seen.stdout if seen.returncode == 0 else ""
            assert "host secret" not in seen and "root:" not in seen and "hostname" not in seen, (sub_path, seen)
            assert open("/etc/hostname").read().strip() not in seen.split("\n"), (sub_path, seen)
            agent.mete("delete", "p")
            wait_for("it to be gone", lambda: agent.pod("p") is None)
        assert open(host + "/secret").read() == "host secret\n" and os.listdir(host) == ["secret"]
        # A link that stays inside is as good as the directory.
        agent.apply(pod("p", "[cat, /m/file]", more="    volumeMounts: [{name: v, mountPath: /m, subPath: inside}]\n"
                        "  restartPolicy: Never\n  volumes: [{name: v, hostPath: {path: %s}}]\n" % volume))
        wait_for("its end", lambda: agent.container("p")["state"] == "exited")
        assert agent.mete("logs", "p").stdout == "of the volume\n", agent.mete("logs", "p")
        bystander.check(["p"])


def test_links_in_an_image_lead_no_mount_out_of_it():
    with agent_with_bystander() as (agent, bystander):
        root = agent.work + "/root"
        host = agent.work + "/host"
        os.makedirs(root + "/bin")
        os.makedirs(host)
        shutil.copy("/bin/busybox", root + "/bin/busybox")
        os.symlink(host, root + "/data")
        os.symlink("../../../../../../../.." + host, root + "/up")
        agent.mete("image", "import", root, "links:1")
        agent.apply(pod("p", "[/bin/busybox, sh, -c, 'busybox touch /data/in /up/in; busybox sleep 1000']", image="links:1",
                        more="    volumeMounts: [{name: a, mountPath: /data/a}, {name: a, mountPath: /up}]\n  volumes: [{name: a, emptyDir: {}}]\n"))
        wait_for("it to run or fail", lambda: agent.container("p")["state"] == "running" or agent.container("p").get("message"))
        time.sleep(0.3)
        assert os.listdir(host) == [], os.listdir(host)
        assert not [each for each in agent.mounts() if host in each]
        bystander.check(["p"])


def second_agent(agent, state, run, *more, parent=None, listen="127.0.0.1:0", manifests="/other-manifests"):
    return subprocess.run([BIN + "/mete", "--state", state, "--run", run, "agent", "--manifests", agent.work + manifests, "--cgroup-parent", parent or agent.parent + "-2",
                           "--listen", listen, "--for", "2", *more], capture_output=True, text=True, timeout=20)


def test_a_second_agent_on_the_same_state_is_refused():
    with agent_with_bystander() as (agent, bystander):
        done = second_agent(agent, agent.state, agent.work + "/run2", parent=agent.parent)
        assert done.returncode == 1 and "another agent" in done.stderr and agent.state in done.stderr, done
        bystander.check()
        assert agent.get("/readyz").strip() == "ok"


def test_a_second_agent_on_the_same_run_folder_is_refused():
    with agent_with_bystander() as (agent, bystander):
        done = second_agent(agent, agent.work + "/state2", agent.run)
        bystander.check()  # asks over the socket that the second one must not have taken
        assert done.returncode == 1 and agent.run in done.stderr, done


def test_a_second_agent_on_the_same_cgroup_parent_is_refused():
    # Its state knows none of the first one's pods: they are no orphans.
    with agent_with_bystander() as (agent, bystander):
        done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", parent=agent.parent)
        bystander.check()
        assert done.returncode == 1 and agent.parent in done.stderr, done


def test_a_taken_port_and_bad_addresses_are_said_before_anything_is_changed():
    with agent_with_bystander() as (agent, bystander):
        for listen, needle in ((agent.address, agent.address), ("127.0.0.1:99999", "99999"), ("nonsense", "nonsense"), ("127.0.0.1", "127.0.0.1"), ("203.0.113.7:0", "203.0.113.7")):
            done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", listen=listen)
            assert done.returncode in (1, 2) and needle in done.stderr, (listen, done)
            assert done.stderr.count("\n") <= 2, done.stderr
            assert not os.path.exists("/sys/fs/cgroup/memory" + agent.parent + "-2") and not os.path.exists("/sys/fs/cgroup" + agent.parent + "-2")
        bystander.check()


def test_folders_that_are_files_are_said():
    with agent_with_bystander() as (agent, bystander):
        path = agent.work + "/file"
        write(path, "")
        for state, run in ((agent.work + "/state2", path), (path, agent.work + "/run2"), (agent.work + "/state2", path + "/below")):
            done = second_agent(agent, state, run)
            assert done.returncode == 1 and path in done.stderr and "Traceback" not in done.stderr, done
            assert re.search("Not a directory|not a directory|File exists|expected a directory", done.stderr), done
        done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", manifests="/file")
        assert done.returncode == 1 and path in done.stderr, done
        done = second_agent(agent, agent.work + "/state2", agent.work + "/run2", "--shim", "/no/shim")
        assert done.returncode == 1 and "/no/shim" in done.stderr, done
        bystander.check()


def as_nobody(command):
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command], capture_output=True, text=True, timeout=30)


def test_without_permission_it_says_so():
    with agent_with_bystander() as (agent, bystander):
        os.chmod(agent.work, 0o755)
        own = agent.work + "/nobody"
        os.mkdir(own)
        os.chown(own, 65534, 65534)
        address = "127.0.0.1:%d" % free_port()
        # A state of its own, but no cgroups; then no state either.
        for state in (own, "/root/mete-no-such-state"):
            done = as_nobody([BIN + "/mete", "--state", state, "--run", own + "/run", "agent", "--manifests", own + "/manifests", "--cgroup-parent", agent.parent + "-2",
                              "--listen", address, "--for", "2"])
            assert done.returncode == 1 and re.search("(?i)permission|root", done.stderr), (state, done)
        # The root's agent: its socket is not everybody's.
        for args in (["ps"], ["delete", "bystander"], ["exec", "bystander", "--", "true"], ["logs", "bystander"]):
            done = as_nobody([BIN + "/mete", "--state", agent.state, "--run", agent.run, *args])
            assert done.returncode != 0 and re.search("(?i)permission", done.stderr), (args, done)
        bystander.check()


def test_no_agent_is_exit_code_3():
    with Agent() as agent:
        for args in (["ps"], ["top", "-b", "-n", "1"], ["events"], ["inspect", "p"], ["delete", "p"], ["stop", "p"], ["exec", "p", "--", "true"]):
            done = agent.mete(*args, check=False)
            assert done.returncode == 3 and agent.run in done.stderr and "no agent" in done.stderr, (args, done)
        assert agent.mete("nonsense", check=False).returncode == 2
        assert agent.mete("apply", check=False).returncode == 2
        assert agent.mete("top", "-d", "0", check=False).returncode == 2


def test_pods_are_read_and_changed_over_the_socket_only():
    with agent_with_bystander() as (agent, bystander):
        for method, path in (("GET", "/mete/v1/pods"), ("POST", "/mete/v1/apply"), ("POST", "/mete/v1/delete?pod=default/bystander"), ("GET", "/mete/v1/events"), ("POST", "/mete/v1/pods/default/bystander/kill")):
            try:
                urllib.request.urlopen(urllib.request.Request("http://" + agent.address + path, method=method, data=b"" if method == "POST" else None), timeout=5)
                raise AssertionError("answered: " + path)
            except urllib.error.HTTPError as error:
                assert error.code == 403 and "socket" in error.read().decode(), (path, error)
        bystander.check()


def test_what_is_not_found_is_exit_code_4():
    with agent_with_bystander() as (agent, bystander):
        for args in (["ps", "nobody"], ["inspect", "nobody"], ["delete", "nobody"], ["stop", "nobody"], ["start", "nobody"], ["kill", "nobody"], ["logs", "nobody"],
                     ["exec", "nobody", "--", "true"], ["logs", "bystander", "-c", "nobody"], ["exec", "bystander", "-c", "nobody", "--", "true"], ["kill", "bystander", "-c", "nobody"]):
            done = agent.mete(*args, check=False)
            assert done.returncode == 4 and "nobody" in done.stderr, (args, done)
        done = agent.mete("apply", "-f", "/no/such.yaml", check=False)
        assert done.returncode == 1 and "/no/such.yaml" in done.stderr and "No such file" in done.stderr, done
        done = agent.mete("kill", "bystander", "-s", "FLY", check=False)
        assert done.returncode == 1 and "FLY" in done.stderr and "expected" in done.stderr, done
        done = agent.mete("delete", "bystander", check=False)  # the folder wants it
        assert done.returncode == 1 and "bystander.yaml" in done.stderr, done
        bystander.check()


class Disk:
    """A small file system for the agent's state."""

    def __init__(self, agent, size):
        self.path = agent.state
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", self.path], check=True)
        subprocess.run([os.path.dirname(os.path.realpath(__file__)) + "/../../tools/busybox-image", BIN + "/mete", self.path], check=True, stdout=subprocess.DEVNULL)

    def fill(self):
        with open(self.path + "/filler", "ab", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(bytes(4096))

    def empty(self):
        os.unlink(self.path + "/filler")


COUNTER = "[sh, -c, 'i=0; while :; do i=$((i+1)); echo line $i; echo $i > /m/n; usleep 2000; done']"
MEMORY = "    volumeMounts: [{name: m, mountPath: /m}]\n  volumes: [{name: m, emptyDir: {medium: Memory}}]\n"


@contextlib.contextmanager
def agent_on_a_small_disk():
    """One pod that writes its log all the time, one that ends and is restarted; the disk has room again at the end."""
    with Agent() as agent:
        disk = Disk(agent, 8 << 20)
        agent.start()
        bystander = Bystander(agent)
        write(agent.manifests + "/writer.yaml", pod("writer", COUNTER, more=MEMORY))
        write(agent.manifests + "/again.yaml", pod("again", "[sleep, '0.5']"))
        wait_for("all to run", lambda: runs(agent, "writer")() and runs(agent, "again")())
        try:
            yield agent, bystander, disk
        finally:
            with contextlib.suppress(OSError):
                disk.empty()


def test_a_full_disk_harms_nothing_that_runs():
    with agent_on_a_small_disk() as (agent, bystander, disk):
        progress = lambda: int(open("/proc/%d/root/m/n" % agent.container("writer")["pid"]).read() or 0)  # noqa: E731
        time.sleep(0.3)
        disk.fill()
        time.sleep(0.5)
        disk.fill()
        # What runs goes on, though its log and the records cannot be written.
        pid, first = agent.container("writer")["pid"], progress()
        time.sleep(2)
        assert agent.container("writer")["pid"] == pid and progress() > first + 20, (first, progress())
        # What is new is refused with a reason.
        done = agent.mete("apply", "-f", "-", text=pod("late"), check=False)
        assert done.returncode == 1 and "No space left" in done.stderr, done
        assert agent.get("/healthz") == "ok\n" and agent.metric("mete_container_state", pod="writer", state="running") == 1
        bystander.check(["writer", "again"])
        # The agent's death and birth on a full disk.
        agent.kill()
        agent.start()
        assert agent.container("writer")["pid"] == pid
        disk.empty()
        wait_for("the short one to run again", lambda: agent.container("again")["restarts"] >= 1, 30)
        bystander.check(["writer", "again"])
        agent.apply(pod("late"))
        wait_for("the late one to run", runs(agent, "late"))
        last = agent.mete("logs", "writer", "--tail", "1").stdout
        wait_for("lines to be logged again", lambda: agent.mete("logs", "writer", "--tail", "1").stdout != last, 5)


def test_a_full_disk_is_said_once():
    with agent_on_a_small_disk() as (agent, _, disk):
        before = len(agent.events())
        disk.fill()
        full = lambda: [each for each in agent.events()[before:] if "No space left" in each["message"]]  # noqa: E731
        wait_for("an event about it, when a container has ended and cannot say so", full, 10)
        time.sleep(3)
        assert len(full()) <= 2, full()


def test_half_an_apply_on_a_full_disk_is_none():
    with agent_on_a_small_disk() as (agent, bystander, disk):
        def text(size):
            return "".join("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {k: %s}\n---\n" % (name, "x" * count) for name, count in (("a", 10), ("b", size))) + pod("z")
        os.unlink(agent.manifests + "/again.yaml")
        wait_for("it to be gone", lambda: agent.pod("again") is None)
        agent.apply(text(10))
        wait_for("it to run", runs(agent, "z"))
        pid, folder = agent.container("z")["pid"], agent.state + "/applied"
        before = {name: open(folder + "/" + name).read() for name in os.listdir(folder)}
        disk.fill()
        os.truncate(disk.path + "/filler", os.path.getsize(disk.path + "/filler") - (64 << 10))
        done = agent.mete("apply", "-f", "-", text=text(200_000).replace("[sleep, '1000']", "[sleep, '999']"), check=False)
        assert done.returncode == 1 and "No space left" in done.stderr, done
        assert {name: open(folder + "/" + name).read() for name in os.listdir(folder)} == before
        assert agent.container("z")["pid"] == pid
        bystander.check(["writer", "z"])


def test_an_exit_on_a_full_disk_is_known():
    with Agent() as agent:
        disk = Disk(agent, 8 << 20)
        agent.start()
        agent.apply(pod("p", "[sh, -c, 'while [ ! -e /m/end ]; do usleep 10000; done; exit 7']", more=MEMORY + "  restartPolicy: Never\n"))
        wait_for("it to run", runs(agent, "p"))
        disk.fill()
        open("/proc/%d/root/m/end" % agent.container("p")["pid"], "w").close()
        ended = wait_for("it to end", lambda: agent.container("p")["state"] == "exited" and agent.container("p"), 5)
        assert ended["last"]["exitCode"] == 7 and ended["last"]["reason"] == "Error", ended
        # The record could not be written; the shim's word is there all the same.
        agent.kill()
        agent.start()
        ended = agent.container("p")
        assert ended["state"] == "exited" and ended["last"]["exitCode"] == 7 and ended["last"]["reason"] == "Error", ended
        disk.empty()


def test_a_shim_that_cannot_write_is_told_of():
    with Agent() as agent:
        disk = Disk(agent, 8 << 20)
        agent.start()
        agent.apply(pod("p", "[sh, -c, 'while [ ! -e /m/end ]; do usleep 10000; done; exit 7']", more=MEMORY + "  restartPolicy: Never\n"))
        wait_for("it to run", runs(agent, "p"))
        # As on a file system that writes every block anew: no room even in the lock.
        for lock in glob.glob(agent.state + "/pods/*/containers/*/*/lock"):
            os.truncate(lock, 0)
        disk.fill()
        open("/proc/%d/root/m/end" % agent.container("p")["pid"], "w").close()
        told = wait_for("an event", lambda: agent.events("ExitNotSaved"), 10)
        assert "No space left" in told[0]["message"] and told[0]["pod"] == "default/p", told
        time.sleep(3)
        assert len(agent.events("ExitNotSaved")) == 1, agent.events()
        assert "ExitNotSaved" in agent.log_text()
        disk.empty()
        ended = wait_for("it to end", lambda: agent.container("p")["state"] == "exited" and agent.container("p"), 5)
        assert ended["last"]["exitCode"] == 7, ended


def test_pods_are_deleted_from_a_full_disk():
    # That is how room is made.
    with agent_on_a_small_disk() as (agent, bystander, disk):
        agent.apply(pod("greedy", "[sh, -c, 'dd if=/dev/zero of=/big bs=64k; echo full; sleep 1000']"))
        wait_for("it to fill the disk", lambda: agent.container("greedy")["state"] == "running" and os.statvfs(agent.state).f_bavail == 0, 10)
        done = agent.mete("delete", "greedy")
        assert done.stdout == "Pod default/greedy deleted\n", done
        wait_for("it to be gone", lambda: agent.pod("greedy") is None, 15)
        assert os.statvfs(agent.state).f_bavail > 0
        os.unlink(agent.manifests + "/writer.yaml")
        wait_for("the writer to be gone", lambda: agent.pod("writer") is None, 15)
        bystander.check(["again"])


def test_the_last_pod_is_deleted_from_a_disk_that_others_filled():
    with agent_on_a_small_disk() as (agent, bystander, disk):
        disk.fill()
        os.unlink(agent.manifests + "/writer.yaml")
        wait_for("the writer to be gone", lambda: agent.pod("writer") is None, 15)
        bystander.check(["again"])


def test_a_pod_that_found_no_room_starts_when_there_is_some():
    with Agent() as agent:
        disk = Disk(agent, 8 << 20)
        agent.start()
        bystander = Bystander(agent)
        disk.fill()
        write(agent.manifests + "/new.yaml", pod("new"))
        wait_for("an event about it", lambda: any("No space left" in each["message"] and each["pod"] == "default/new" for each in agent.events()), 5)
        time.sleep(3)
        told = [each for each in agent.events() if each["pod"] == "default/new" and "No space left" in each["message"]]
        left = os.listdir(agent.state + "/pods")
        disk.empty()
        assert len(told) == 1, told
        assert len(left) == 1, "something is left of what was not made"
        wait_for("it to run when there is room", runs(agent, "new"), 25)
        bystander.check(["new"])


def test_the_folder_removed_and_made_again():
    with agent_with_bystander() as (agent, _):
        shutil.rmtree(agent.manifests)
        wait_for("its pods to go", lambda: not agent.pods(), 5)
        os.mkdir(agent.manifests)
        write(agent.manifests + "/p.yaml", pod("p"))
        wait_for("the pod of the new folder to run", runs(agent, "p"), 10)


def test_another_folder_in_the_folders_place():
    # As a deployment swaps folders.
    with agent_with_bystander() as (agent, _):
        os.rename(agent.manifests, agent.manifests + ".old")
        os.mkdir(agent.manifests)
        write(agent.manifests + "/q.yaml", pod("q"))
        wait_for("the pods of the folder put in its place", lambda: [each["name"] for each in agent.pods()] == ["q"], 10)


def test_a_file_rewritten_fifty_times_ends_with_its_last_version():
    with agent_with_bystander() as (agent, bystander):
        path = agent.manifests + "/p.yaml"
        for version in range(50):
            text = pod("p", "[sleep, '%d']" % (1000 + version))
            if version % 2:
                write(path, text)
            else:
                with open(path, "w") as out:
                    out.write(text)
            time.sleep(0.002 * (version % 10))

        def last_version():
            container = agent.container("p")
            return container and container["state"] == "running" and "1049" in open("/proc/%d/cmdline" % container["pid"]).read()
        wait_for("the last version to run", last_version, 20)
        time.sleep(0.5)
        assert last_version()
        bystander.check(["p"])


def test_a_pod_of_many_containers():
    with agent_with_bystander() as (agent, bystander):
        count = 60
        write(agent.manifests + "/many.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: many}\nspec:\n  terminationGracePeriodSeconds: 0\n  containers:\n" + "".join(
            "  - {name: c%d, image: busybox, command: [sleep, '1000']}\n" % i for i in range(count)))
        wait_for("all of them to run", runs(agent, "many"), 30)
        assert len(agent.pod("many")["containers"]) == count
        bystander.check(["many"])
        os.unlink(agent.manifests + "/many.yaml")
        wait_for("all of them to be gone", lambda: agent.pod("many") is None, 30)
        bystander.check()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
