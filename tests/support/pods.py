# SPDX-License-Identifier: Apache-2.0
"""Manifests of pods and policies, and what is done with a pod in nearly every test: it is launched, ends, is deleted."""
import json

from mete_agent import wait_for

SLEEP = ["sleep", "1000"]


def indented(lines, by):
    return "".join(" " * by + each + "\n" for each in lines.split("\n") if each)


def container(name, command=SLEEP, lines="", image="busybox"):
    """`command`: a list, or a shell's script. `lines`: more fields of it, in YAML."""
    words = command if isinstance(command, list) else ["sh", "-c", command]
    return "  - name: %s\n    image: %s\n    command: %s\n%s" % (name, image, json.dumps(words), indented(lines, 4))


def pod(name="web", command=SLEEP, lines="", spec="", metadata="", image="busybox", grace=0, restart=None, main="main", more="", labels=""):
    """One container, `main`; the pod has the label app=name. `lines`, `spec`, `metadata` and `labels` are more fields of each in YAML, of
    the latter two as ", key: value"; `more`: more container()s."""
    restart = "restartPolicy: %s\n" % restart if restart else ""
    return ("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, labels: {app: %s%s}%s}\nspec:\n  terminationGracePeriodSeconds: %d\n%s  containers:\n%s%s"
            % (name, name, labels, metadata, grace, indented(restart + spec, 2), container(main, command, lines, image), more))


def job(name, script, lines="", spec="", **others):
    """A pod that runs once."""
    return pod(name, script, lines, spec, restart="Never", **others)


def policy(spec, name="web"):
    """For the pod of that name. `spec`: YAML, indented by two."""
    return policy_for("{matchLabels: {app: %s}}" % name, spec, name)


def policy_for(selector, spec, name):
    return "apiVersion: mete/v1\nkind: Policy\nmetadata: {name: %s}\nspec:\n  selector: %s\n%s\n" % (name, selector, spec)


def documents(*manifests):
    return "---\n".join(manifests)


def is_running(agent, name, main=None):
    """All containers of the pod, or this one; init containers are not counted."""
    found = agent.pod(name)
    wanted = [each for each in found["containers"] if main == each["name"] or (main is None and not each["init"])] if found else []
    return bool(wanted) and all(each["state"] == "running" for each in wanted)


def wait_running(agent, *names, main=None):
    """The container, or the first of the first pod."""
    for name in names:
        wait_for("%s to run" % name, lambda: is_running(agent, name, main))  # noqa: B023 - called here
    return agent.container(names[0], main)


def launch(agent, manifest, *names):
    """Applies, and waits until these pods run. The first container of the first."""
    agent.apply(manifest)
    return wait_running(agent, *(names or ["web"]))


def wait_exited(agent, name, main=None):
    """The container that has ended."""
    def ended():
        found = agent.container(name, main)
        return found and found["state"] == "exited" and found
    return wait_for("%s to end" % name, ended)


def wait_restarted(agent, name, times=1, main=None):
    """The container, which runs again."""
    def again():
        found = agent.container(name, main)
        return found and found["restarts"] >= times and found["state"] == "running" and found
    return wait_for("%s to be started again" % name, again)


def wait_gone(agent, *names):
    for name in names:
        wait_for("%s to be gone" % name, lambda: agent.pod(name) is None)  # noqa: B023 - called here


def delete(agent, *names, more=()):
    agent.mete("delete", *names, *more)
    wait_gone(agent, *names)


def output(agent, script, lines="", spec="", metadata="", name="p", code=0):
    """What the script wrote; the pod is gone afterwards."""
    agent.apply(job(name, script, lines, spec, metadata=metadata))
    ended = wait_exited(agent, name, "main")
    text = agent.mete("logs", name)
    assert ended["last"]["exitCode"] == code, (ended, text)
    delete(agent, name)
    return text.stdout
