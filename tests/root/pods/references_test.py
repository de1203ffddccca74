# SPDX-License-Identifier: Apache-2.0
"""ConfigMaps and Secrets that come late, change and go: what pods see of them, and what `apply` and `diff` say."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from pods import job, launch, pod, wait_exited, wait_running  # noqa: E402


def config_map(name="settings", more="", **data):
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n%sdata: {%s}\n---\n" % (name, more, ", ".join("%s: %s" % each for each in data.items()))


SEES = """env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}]
volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /one, subPath: colour}]"""
VOLUME = "volumes: [{name: v, configMap: {name: settings}}]"


def inside(agent, command, name="p"):
    return agent.mete("exec", name, "--", "sh", "-c", command).stdout


def test_files_follow_and_environments_stay():
    with Agent().start() as agent:
        pid = launch(agent, config_map(colour="blue", other="x") + pod("p", lines=SEES, spec=VOLUME), "p")["pid"]
        assert inside(agent, "cat /v/colour /one; readlink /v/colour; readlink /v/..data") .startswith("blueblue..data/colour\n..20")
        change = config_map(colour="red", new="y")
        said = agent.mete("diff", "-f", "-", text=change, check=False)
        told = "  Pod default/p: the files of volume v are exchanged; the environment of container main changes when it starts again\n"
        assert said.returncode == 1 and said.stdout.endswith(told), said
        assert inside(agent, "cat /v/colour") == "blue"
        assert agent.apply(change).stdout == "ConfigMap default/settings configured\n" + told
        assert inside(agent, "cat /v/colour; ls /v; cat /one; tr '\\0' '\\n' < /proc/1/environ | grep COLOUR") == "redcolour\nnew\nblueCOLOUR=blue\n"
        assert agent.container("p")["pid"] == pid and agent.container("p")["restarts"] == 0
        assert agent.event("FilesExchanged")["fields"]["volumes"] == "v"
        # A container that starts again has the new values, also in a subPath.
        agent.mete("kill", "p")
        wait_for("it to run again", lambda: agent.container("p")["state"] == "running" and agent.container("p")["pid"] != pid)
        assert inside(agent, "echo $COLOUR; cat /one") == "red\nred"
        assert agent.apply(change).stdout == "ConfigMap default/settings unchanged\n"


def test_a_change_while_no_agent_runs_arrives():
    with Agent() as agent:
        write(agent.manifests + "/a.yaml", config_map(colour="blue"))
        write(agent.manifests + "/p.yaml", pod("p", lines=SEES, spec=VOLUME))
        agent.start()
        pid = wait_running(agent, "p")["pid"]
        agent.kill()
        write(agent.manifests + "/a.yaml", config_map(colour="green"))
        agent.start()
        assert wait_running(agent, "p")["pid"] == pid
        wait_for("the file", lambda: inside(agent, "cat /v/colour") == "green")


def test_a_pod_waits_with_the_kubelets_reasons():
    with Agent().start() as agent:
        said = agent.apply(pod("p", lines=SEES, spec=VOLUME) + "---\n" + pod("q", lines="envFrom: [{secretRef: {name: keys}}]"))
        mount = 'MountVolume.SetUp failed for volume "v" : configmap "settings" not found'
        assert "  Pod default/p: container main waits: %s\n" % mount in said.stdout, said
        assert '  Pod default/q: container main waits: secret "keys" not found\n' in said.stdout, said

        def waits(name, reason, message):
            wait_for("%s to wait" % name, lambda: (agent.container(name)["reason"], agent.container(name).get("message")) == (reason, message))
            assert agent.pod(name)["phase"] == "Pending" and agent.container(name)["state"] == "waiting"
            wait_for("the metric", lambda: any(line.startswith("kube_pod_container_status_waiting_reason{") and 'pod="%s"' % name in line and 'reason="%s"} 1' % reason in line
                                              for line in agent.get("/metrics?collect[]=kube").splitlines()))
        waits("p", "ContainerCreating", mount)
        waits("q", "CreateContainerConfigError", 'secret "keys" not found')
        assert [each["message"] for each in agent.events("FailedMount")] == [mount]
        # A key that is missing.
        agent.apply(config_map(other="x"))
        waits("p", "CreateContainerConfigError", "couldn't find key colour in ConfigMap default/settings")
        agent.apply(config_map(colour="blue"))
        wait_running(agent, "p")
        assert inside(agent, "echo $COLOUR; cat /v/colour") == "blue\nblue"
        assert agent.container("q")["state"] == "waiting" and agent.container("p")["restarts"] == 0
        # What runs goes on when its sources go, with the files it has.
        agent.mete("delete", "-f", "-", text=config_map(colour="blue"))
        stays("running", lambda: agent.container("p")["state"] == "running" and inside(agent, "cat /v/colour") == "blue", 0.5)
        agent.mete("kill", "p")
        waits_again = 'configmap "settings" not found'
        wait_for("it to wait", lambda: agent.container("p").get("message") == waits_again)


def test_optional_references_are_not_waited_for():
    with Agent().start() as agent:
        lines = ("env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: a, optional: true}}}]\nenvFrom: [{secretRef: {name: none, optional: true}}]\n"
                 "volumeMounts: [{name: v, mountPath: /v}]")
        agent.apply(job("p", "echo a=$A; ls /v", lines, "volumes: [{name: v, secret: {secretName: none, optional: true}}]"))
        wait_exited(agent, "p")
        assert agent.logs("p") == "a=\n"


def test_what_is_immutable_stays():
    with Agent().start() as agent:
        fixed = config_map(more="immutable: true\n", colour="blue")
        launch(agent, fixed + pod("p", lines=SEES, spec=VOLUME), "p")
        for wrong in (config_map(more="immutable: true\n", colour="red"), config_map(colour="blue")):
            done = agent.mete("apply", "-f", "-", text=wrong, check=False)
            assert done.returncode == 1 and "field is immutable when `immutable` is set" in done.stderr, done
        assert inside(agent, "cat /v/colour") == "blue"
        # In a folder of manifests the last good version stays in force.
        path = agent.manifests + "/fixed.yaml"
        write(path, config_map("fixed", "immutable: true\n", a="one") + pod("r", lines="envFrom: [{configMapRef: {name: fixed}}]"))
        pid = wait_running(agent, "r")["pid"]
        write(path, config_map("fixed", "immutable: true\n", a="two") + pod("r", lines="envFrom: [{configMapRef: {name: fixed}}]"))
        wait_for("an event", lambda: [each for each in agent.events("ManifestError") if "immutable" in each["message"]])
        assert agent.container("r")["pid"] == pid
        # Made anew it may hold anything.
        agent.mete("delete", "-f", "-", text=fixed)
        agent.apply(config_map(colour="red"))
        wait_for("the new file", lambda: inside(agent, "cat /v/colour") == "red")


def test_an_emptied_file_deletes_nothing():
    with Agent().start() as agent:
        path = agent.manifests + "/p.yaml"
        text = config_map(colour="blue") + pod("p", lines=SEES, spec=VOLUME)
        write(path, text)
        pid = wait_running(agent, "p")["pid"]
        for nothing in ("", "\n\n", "# all of it\n# is a comment\n", "---\n---\n"):
            write(path, nothing)
            told = wait_for("the event", lambda: agent.events("ManifestEmpty"))
            assert path in told[0]["message"] and "until the file is removed" in told[0]["message"], told
            stays("running", lambda: agent.container("p")["pid"] == pid, 0.2)
        assert len(agent.events("ManifestEmpty")) == 1  # and not for each kind of nothing
        # Not even after the next start, when nobody knows what it held.
        agent.kill()
        agent.start()
        stays("running", lambda: agent.container("p")["pid"] == pid, 0.5)
        write(path, text)
        stays("running", lambda: agent.container("p")["pid"] == pid, 0.2)
        # In place, as some editors do it.
        with open(path, "r+") as file:
            file.truncate(0)
            file.flush()
            stays("running", lambda: agent.container("p")["pid"] == pid, 0.1)
            file.write(text.replace("blue", "red"))
        wait_for("the file", lambda: inside(agent, "cat /v/colour") == "red")
        assert agent.container("p")["pid"] == pid
        # Other objects in it are another matter.
        write(path, config_map("other", a="b"))
        wait_for("it to be gone", lambda: agent.pod("p") is None)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
