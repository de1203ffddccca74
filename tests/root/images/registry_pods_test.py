# SPDX-License-Identifier: Apache-2.0
"""Pods whose images come from a registry: missing images, imagePullPolicy, imagePullSecrets, and the kubelet's reasons while they wait."""
import base64
import glob
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from bystander import agent_with_bystander  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for, with_config  # noqa: E402
from pods import delete, documents, pod, wait_running  # noqa: E402
from registries import Image, LyingRegistry, basic, digest  # noqa: E402

BUSYBOX = open("/bin/busybox", "rb").read()
SLEEP = ["/bin/busybox", "sleep", "1000"]


def image(version):
    return Image({"bin/busybox": BUSYBOX}, {"version": version.encode()})


def version(agent, name):
    return agent.mete("exec", name, "--", "/bin/busybox", "cat", "/version").stdout


def waits(agent, name, reason):
    return wait_for(reason, lambda: agent.container(name) and agent.container(name)["reason"] == reason and agent.container(name))


def reasons(agent, name):
    events = [json.loads(line) for line in agent.mete("events", "-o", "json").stdout.splitlines()]
    return [each["reason"] for each in events if each.get("pod") == "default/" + name]


def test_an_image_that_is_missing_is_pulled_and_then_never_again():
    with LyingRegistry() as registry, agent_with_bystander() as (agent, bystander):
        name = registry.add(image("one"), "1")
        agent.apply(pod("p", SLEEP, image=name))
        wait_running(agent, "p")
        assert version(agent, "p") == "one"
        told = reasons(agent, "p")
        assert told.index("Pulling") < told.index("Pulled") < told.index("Started"), told
        bystander.check(["p"])
        registry.add(image("two"), "1")
        asked = len(registry.requests)
        agent.apply(pod("q", SLEEP, image=name))
        wait_running(agent, "q")
        assert version(agent, "q") == "one" and len(registry.requests) == asked
        # Always: the same name, asked for before the start.
        agent.apply(pod("r", SLEEP, image=name, lines="imagePullPolicy: Always"))
        wait_running(agent, "r")
        assert version(agent, "r") == "two" and version(agent, "q") == "one"
        asked = len(registry.asked("/manifests/1"))
        agent.mete("exec", "r", "--", "/bin/busybox", "kill", "-9", "1", check=False)
        agent.mete("kill", "r", check=False)
        wait_for("it to be asked for again", lambda: len(registry.asked("/manifests/1")) > asked)
        # What the store has is asked of nobody, whatever the name says.
        agent.mete("tag", name, "127.0.0.1:1/gone:latest")
        agent.apply(pod("s", SLEEP, image="127.0.0.1:1/gone"))
        wait_running(agent, "s")


def test_what_a_registry_does_not_give_is_asked_for_again_and_later():
    with LyingRegistry() as registry, agent_with_bystander() as (agent, bystander):
        name = registry.host + "/app:later"
        agent.apply(documents(pod("p", SLEEP, image=name), pod("never", SLEEP, image=name, lines="imagePullPolicy: Never")))
        own = waits(agent, "p", "ErrImagePull")
        assert own["state"] == "waiting" and "Failed to pull image \"%s\"" % name in own["message"] and "not found" in own["message"], own
        own = waits(agent, "p", "ImagePullBackOff")
        assert own["message"].startswith("Back-off pulling image \"%s\": ErrImagePull: " % name), own
        own = waits(agent, "never", "ErrImageNeverPull")
        assert own["message"] == "Container image \"%s\" is not present with pull policy of Never" % name, own
        bystander.check(["p", "never"])
        asked = len(registry.asked("/manifests/later"))
        assert asked >= 1
        stays("nobody asks while it backs off", lambda: len(registry.asked("/manifests/later")) <= asked + 1, 2)
        registry.add(image("at last"), "later")
        wait_running(agent, "p")
        assert version(agent, "p") == "at last"
        wait_running(agent, "never")  # it is there now


def test_where_no_registry_can_be_asked_the_image_is_not_found():
    with Agent() as agent:
        agent.start(*with_config(agent, "registries: {blocked: ['registry.example']}\n"))
        agent.apply(documents(pod("p", SLEEP, image="registry.example/app:1"), pod("q", SLEEP, image="127.0.0.1:1/app:1"),
                              pod("r", SLEEP, image="127.0.0.1:1/app:1", lines="imagePullPolicy: Always")))
        own = waits(agent, "p", "ImageNotFound")
        assert "registries.blocked" in own["message"] and "mete image import" in own["message"], own
        waits(agent, "q", "ImageNotFound")
        waits(agent, "r", "ErrImagePull")


def test_pull_secrets_are_told_to_their_registry():
    with LyingRegistry() as registry, Agent().start() as agent:
        name = registry.add(image("secret"), "1")
        registry.refuse = lambda handler: handler.headers.get("Authorization") != basic("me", "word") and not handler.answer(
            401, b"{}", Www_Authenticate='Basic realm="r"')
        agent.apply(pod("without", SLEEP, image=name))
        own = waits(agent, "without", "ErrImagePull")
        assert "authentication required" in own["message"], own
        logins = json.dumps({"auths": {registry.host: {"auth": base64.b64encode(b"me:word").decode()}}})
        secret = ("apiVersion: v1\nkind: Secret\nmetadata: {name: login}\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: %s\n"
                  % base64.b64encode(logins.encode()).decode())
        agent.apply(documents(secret, pod("with", SLEEP, image=name, spec="imagePullSecrets: [{name: login}]")))
        wait_running(agent, "with")
        assert "word" not in agent.log_text()
        delete(agent, "with")


def test_a_volume_that_is_an_image_is_pulled():
    with LyingRegistry() as registry, Agent().start() as agent:
        name = registry.add(Image({"data": b"of the volume"}), "1")
        agent.apply(pod("p", ["sleep", "1000"], lines="volumeMounts: [{name: v, mountPath: /v}]", spec="volumes: [{name: v, image: {reference: '%s'}}]" % name))
        wait_running(agent, "p")
        assert agent.mete("exec", "p", "--", "cat", "/v/data").stdout == "of the volume"


def test_an_agent_that_dies_takes_its_pull_along():
    with LyingRegistry() as registry, Agent().start() as agent:
        name = registry.add(image("one"), "1")
        hold = []

        def held(handler):
            if "manifests" not in handler.path:
                return False
            hold.append(handler)
            wait_for("the agent's end", lambda: hold[0] is None)
            return True

        registry.refuse = held
        agent.apply(pod("p", SLEEP, image=name))
        own = waits(agent, "p", "ContainerCreating")
        assert own["message"] == "Pulling image \"%s\"" % name, own
        wait_for("it to ask", lambda: hold)
        agent.kill()

        def pulls():
            return [each for each in glob.glob("/proc/[0-9]*/cmdline") if name.encode() in (read(each) or b"")]
        wait_for("its pull to end", lambda: not pulls())
        hold[0] = None
        registry.refuse = None
        agent.start()
        wait_running(agent, "p")
        assert digest(image("one").config).split(":")[1] in json.dumps(json.loads(agent.mete("images", "-o", "json").stdout))


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
