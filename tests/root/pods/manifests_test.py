# SPDX-License-Identifier: Apache-2.0
"""Pods of manifests/*.yaml, each of which says in comments what its containers see from inside. One agent runs them all.

A document's comments:
  # prints: LINE          the first container writes exactly these lines, in all its attempts
  # prints in NAME: LINE  that container does
  # prints                it writes nothing
  # code: N               with which the first container ends; 0 when not said; `any`
  # reason: WORD          of the end of the Pod or of its first container
  # message: TEXT         what the first container said of its end; \\n: a new line
  # restarts: N           of the first container, at its end
  # ready                 it goes on: it is ready, and has written its lines
  # waits: PART           the first container does not start, and says this
  # told: PART            an event of the Pod says this
  # warned: PART          apply warns of it; no other document warns
  # refused: PART         it is not taken, and the error says this
{node} stands for the name of this machine."""
import atexit
import glob
import os
import re
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from waiting import DEADLINE  # noqa: E402

FOLDER = os.path.dirname(os.path.realpath(__file__)) + "/manifests"
WORDS = {"prints", "code", "reason", "message", "restarts", "ready", "waits", "told", "warned", "refused"}
FEWEST = 120
AGENTS = []  # one, with all files applied


class Manifest:
    def __init__(self, text, line):
        self.text, self.line = text, line
        self.lines = range(line, line + text.count("\n") + 1)
        found = re.search(r"(?s)metadata\"?:.*?[\s{\"](?:generateN|n)ame\"?: *\"?([a-z0-9.-]+)", text)
        assert found, "expected metadata with a name:\n" + text
        self.name = found.group(1)
        self.is_pod = re.search(r"(?m)^ *\"?kind\"?: *\"?Pod\b", text) is not None
        self.says = {}
        for word, value in re.findall(r"(?m)^# (\w+(?: in [a-z0-9-]+)?)(?:: (.*))?$", text):
            assert word.split()[0] in WORDS, "%s: unknown comment: %s" % (self.name, word)
            self.says.setdefault(word, [])
            if value:
                self.says[word].append(value.replace("{node}", socket.gethostname()))
        assert self.says or not self.is_pod, self.name + ": expected a comment that says what it prints"

    def one(self, word, default=None):
        return self.says.get(word, [default])[0]


def manifests_of(path):
    """The documents of a file."""
    documents, line = [], 1
    with open(path) as file:
        for text in re.split(r"(?m)^---\n", file.read()):
            if re.search(r"(?m)^[^#\s]", text):
                documents.append(Manifest(text, line))
            line += text.count("\n") + 1
    return documents


def apply_file(agent, path):
    """Those that are refused are left out, and the lines stay what they are."""
    with open(path) as file:
        taken = file.read()
    wanted = manifests_of(path)
    for each in wanted:
        if "refused" in each.says:
            taken = taken.replace(each.text, "\n" * each.text.count("\n"))
    done = agent.mete("apply", "-f", "-", text=taken, check=False)
    assert done.returncode == 0, "%s: %s" % (os.path.basename(path), done.stderr)
    warnings = [(int(line), text) for line, text in re.findall(r"(?m)^warning: [^:]*:(\d+):(.*)$", done.stderr)]
    for each in wanted:
        own = [text for line, text in warnings if line in each.lines]
        for part in each.says.get("warned", []):
            assert any(part in text for text in own), "%s: warned %s, expected: %s" % (each.name, own, part)
        assert own == [] or "warned" in each.says, "%s: warned: %s" % (each.name, own)


def running_agent():
    if not AGENTS:
        agent = Agent()
        atexit.register(agent.close)
        agent.failed, agent.was_late = {}, False
        AGENTS.append(agent.start())
        for path in sorted(glob.glob(FOLDER + "/*.yaml")):
            try:
                apply_file(AGENTS[0], path)
            except AssertionError as error:
                AGENTS[0].failed[path] = error
    return AGENTS[0]


def expected_lines(manifest):
    """Each container's text, by its name; None: the first."""
    texts = {}
    for word, lines in manifest.says.items():
        if word.startswith("prints"):
            texts[word[len("prints in "):] or None] = "".join(line + "\n" for line in lines)
    return texts


def has_begun_to_wait(agent, manifest):
    container = agent.container(pod_name(agent, manifest))
    return container["state"] == "waiting" and manifest.one("waits") in container.get("reason", "") + ": " + container.get("message", "")


def pod_name(agent, manifest):
    if not manifest.name.endswith("-"):
        return manifest.name
    return next(each["name"] for each in agent.pods() if each["name"].startswith(manifest.name))


def has_ended(agent, name):
    return agent.pod(name)["phase"] in ("Succeeded", "Failed")


def wait(agent, what, condition):
    """After one that was waited for in vain the others have had their time."""
    try:
        wait_for(what, condition, 1 if agent.was_late else DEADLINE)
    except AssertionError:
        agent.was_late = True
        raise


def written(agent, pod, container):
    done = agent.mete("logs", pod, "-c", container, check=False)
    return done.stdout + done.stderr


def is_as_said(agent, manifest):
    """What differs, or nothing."""
    name = pod_name(agent, manifest)
    if "waits" in manifest.says:
        wait(agent, "%s to wait: %s" % (name, manifest.one("waits")), lambda: has_begun_to_wait(agent, manifest))
    elif "ready" in manifest.says:
        wait(agent, name + " to be ready and to write", lambda: agent.pod(name)["ready"] and agent.logs(name).count("\n") >= len(manifest.says["prints"]))
    else:
        wait(agent, name + " to end", lambda: has_ended(agent, name))
    found = agent.pod(name)
    first = next(each for each in found["containers"] if not each["init"])
    for container, text in expected_lines(manifest).items():
        yield container or "prints", written(agent, name, container or first["name"]), text
    if "ready" in manifest.says or "waits" in manifest.says:
        return
    last = first.get("last") or {}
    if manifest.one("code") != "any":
        yield "code", str(last.get("exitCode")), manifest.one("code", "0")
    for word, value in (("reason", found.get("reason") or last.get("reason")), ("message", last.get("message")), ("restarts", str(first["restarts"]))):
        if word in manifest.says:
            yield word, value and value.rstrip("\n"), manifest.one(word).replace("\\n", "\n")


def check(agent, manifest):
    if "refused" in manifest.says:
        done = agent.mete("apply", "-f", "-", text=manifest.text, check=False)
        assert done.returncode == 1, "%s: taken, expected: refused: %s" % (manifest.name, manifest.one("refused"))
        for part in manifest.says["refused"]:
            assert part in done.stderr, "%s: refused with %r, expected %r in it" % (manifest.name, done.stderr, part)
        return
    for what, found, expected in is_as_said(agent, manifest):
        assert found == expected, "%s: %s: found %r, expected %r" % (manifest.name, what, found, expected)
    for part in manifest.says.get("told", []):
        told = [each["message"] for each in agent.events() if each.get("pod", "").endswith("/" + manifest.name)]
        assert any(part in each for each in told), "%s: told %s, expected: %s" % (manifest.name, told, part)


def check_file(path):
    agent = running_agent()
    if path in agent.failed:
        raise agent.failed[path]
    failures = []
    for manifest in manifests_of(path):
        if manifest.is_pod:
            try:
                check(agent, manifest)
            except AssertionError as error:
                failures.append("%s:%d: %s" % (os.path.basename(path), manifest.line, error))
    assert not failures, "\n".join(["%d manifests:" % len(failures), *failures])


def test_there_are_many_and_each_has_a_name_of_its_own():
    pods = [each for path in glob.glob(FOLDER + "/*.yaml") for each in manifests_of(path) if each.is_pod]
    seen_from_inside = [each for each in pods if expected_lines(each)]
    print("     %d Pods, %d of them print what they see" % (len(pods), len(seen_from_inside)))
    assert len(seen_from_inside) >= FEWEST, len(seen_from_inside)
    names = [each.name for each in pods]
    assert len(set(names)) == len(names), sorted(each for each in set(names) if names.count(each) > 1)


def add_tests():
    """One for each file: test_env for manifests/env.yaml."""
    for path in sorted(glob.glob(FOLDER + "/*.yaml")):
        globals()["test_" + os.path.basename(path)[:-len(".yaml")]] = lambda path=path: check_file(path)


if __name__ == "__main__":
    add_tests()
    run_tests(sys.modules[__name__])
