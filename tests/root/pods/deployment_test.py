# SPDX-License-Identifier: Apache-2.0
"""Deployments: pods that are made, replaced, scaled and kept, through the agent's death too."""
import os
import re
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, with_config, write  # noqa: E402
from pods import indented  # noqa: E402
from workloads import deployment, get, owner_of, pods_of, wait_pods, wait_rolled_out, workload  # noqa: E402


def images_run(agent):
    return sorted(each["metadata"]["name"] for each in get(agent, "pods"))


def test_it_makes_its_replica_set_and_pods_and_scales():
    with Agent().start() as agent:
        agent.apply(deployment(replicas=3))
        first = wait_pods(agent, "web", 3)
        [replica_set] = get(agent, "rs")
        name = replica_set["metadata"]["name"]
        assert re.fullmatch(r"web-[bcdfghjklmnpqrstvwxz2456789]{1,10}", name), name
        assert owner_of(replica_set) == "web"
        assert all(re.fullmatch(name + r"-[bcdfghjklmnpqrstvwxz2456789]{5}", each) for each in first), first
        label = get(agent, "pods", first[0])[0]["metadata"]["labels"]["pod-template-hash"]
        assert name == "web-" + label, label
        assert agent.mete("get", "deploy").stdout.split() == "NAME READY UP-TO-DATE AVAILABLE AGE web 3/3 3 3".split() + [agent.mete("get", "deploy").stdout.split()[-1]]
        assert agent.mete("scale", "deployment/web", "--replicas", "5").stdout == "deployment.apps/web scaled\n"
        assert set(first) < set(wait_pods(agent, "web", 5))
        agent.mete("scale", "deploy", "web", "--replicas=1")
        left = wait_pods(agent, "web", 1)
        assert left[0] in first, "the newest go first"
        assert [each["metadata"]["name"] for each in get(agent, "rs")] == [name], "a change of the number is no new template"
        # The manifest says its number when it is applied again.
        agent.apply(deployment(replicas=3))
        wait_pods(agent, "web", 3)
        agent.mete("delete", "deployment/web")
        wait_pods(agent, "web", 0)
        wait_for("nothing to be left", lambda: not get(agent, "deploy,rs") and not os.listdir(agent.state + "/workloads") and not agent.pod_cgroups())


def test_the_agents_death_changes_nothing():
    with Agent().start() as agent:
        agent.apply(deployment(replicas=3))
        before = wait_pods(agent, "web", 3)
        pids = {each: agent.container(each)["pid"] for each in before}
        agent.mete("scale", "deploy/web", "--replicas", "4")
        before = wait_pods(agent, "web", 4)
        agent.kill()
        agent.start()
        assert wait_pods(agent, "web", 4) == before
        assert {each: agent.container(each)["pid"] for each in pids} == pids
        stays("the same pods", lambda: images_run(agent) == before, 0.5)
        # One that is deleted by hand has a successor.
        agent.mete("delete", before[0])
        wait_for("another one", lambda: before[0] not in wait_pods(agent, "web", 4))
        # What went while no agent ran goes now.
        agent.kill()
        agent.forget("Deployment", "web")
        agent.start()
        wait_pods(agent, "web", 0)
        assert not get(agent, "deploy,rs")


def test_a_changed_template_is_rolled_out_and_back():
    with Agent().start() as agent:
        agent.apply(deployment(replicas=3))
        wait_pods(agent, "web", 3)
        agent.apply(deployment(replicas=3, lines="env: [{name: V, value: two}]"))
        assert wait_rolled_out(agent, "deployment/web").endswith('deployment "web" successfully rolled out\n')
        second = wait_pods(agent, "web", 3)
        sets = {each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each for each in get(agent, "rs")}
        assert sets["1"]["spec"]["replicas"] == 0 and sets["2"]["spec"]["replicas"] == 3, sets
        assert all(each.startswith(sets["2"]["metadata"]["name"]) for each in second)
        history = agent.mete("rollout", "history", "deploy/web").stdout
        assert history == "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n", history
        assert "V" in agent.mete("rollout", "history", "deploy/web", "--revision", "2").stdout
        assert agent.mete("rollout", "undo", "deploy/web").stdout == "deployment.apps/web rolled back\n"
        wait_rolled_out(agent, "deploy/web")
        assert all(each.startswith(sets["1"]["metadata"]["name"]) for each in wait_pods(agent, "web", 3))
        assert "3         <none>" in agent.mete("rollout", "history", "deploy/web").stdout
        # Undone stays undone through the agent's death; applied again, the manifest has its way.
        agent.kill()
        agent.start()
        assert all(each.startswith(sets["1"]["metadata"]["name"]) for each in wait_pods(agent, "web", 3))
        agent.apply(deployment(replicas=3, lines="env: [{name: V, value: two}]"))
        wait_for("the manifest's template", lambda: all(each.startswith(sets["2"]["metadata"]["name"]) for each in wait_pods(agent, "web", 3)))
        # A restart is a new template, and a pause holds it back.
        agent.mete("rollout", "pause", "deploy/web")
        before = wait_pods(agent, "web", 3)
        agent.apply(deployment(replicas=3, lines="env: [{name: V, value: four}]"))
        stays("no pod replaced", lambda: wait_pods(agent, "web", 3) == before, 0.5)
        assert agent.mete("get", "deploy").stdout.split()[5:9] == "web 3/3 0 3".split()
        waits = agent.mete("rollout", "status", "deploy/web", "--watch=false").stdout
        assert waits == 'Waiting for deployment "web" rollout to finish: 0 out of 3 new replicas have been updated...\n', waits
        [paused] = [each for each in get(agent, "deploy")[0]["status"]["conditions"] if each["type"] == "Progressing"]
        assert (paused["status"], paused["reason"]) == ("Unknown", "DeploymentPaused"), paused
        assert "is paused" in agent.mete("rollout", "restart", "deploy/web", check=False).stderr
        agent.mete("rollout", "resume", "deploy/web")
        wait_for("new pods", lambda: not set(before) & set(wait_pods(agent, "web", 3)))
        before = wait_pods(agent, "web", 3)
        agent.mete("rollout", "restart", "deploy/web")
        wait_for("new pods", lambda: not set(before) & set(wait_pods(agent, "web", 3)))


def test_killed_in_a_rollout_the_agent_finishes_it():
    with Agent().start() as agent:
        agent.apply(deployment(replicas=4))
        old = wait_pods(agent, "web", 4)
        agent.apply(deployment(replicas=4, lines="env: [{name: V, value: two}]"))
        for _ in range(3):
            agent.kill()
            agent.start()
        wait_rolled_out(agent, "deploy/web")
        new = wait_pods(agent, "web", 4)
        assert not set(old) & set(new)
        assert len(get(agent, "rs")) == 2
        wait_for("nothing of the others", lambda: len({path.split("/")[-1] for path in agent.pod_cgroups() if "default_web" in path.split("/")[-1]}) == 4)
        assert len([each for each in os.listdir(agent.state + "/pods")]) == 4


def test_a_folder_and_its_words():
    with Agent().start() as agent:
        path = agent.manifests + "/web.yaml"
        write(path, deployment(replicas=None))
        wait_pods(agent, "web", 1)
        assert "remove it there" in agent.mete("delete", "deploy/web", check=False).stderr
        agent.mete("scale", "deploy/web", "--replicas", "2")
        wait_pods(agent, "web", 2)
        # A file that cannot be read changes nothing, now and after a start.
        write(path, "kind: [")
        agent.event("ManifestError")
        agent.kill()
        agent.start()
        stays("its pods", lambda: len(wait_pods(agent, "web", 2)) == 2, 0.3)
        os.unlink(path)
        wait_pods(agent, "web", 0)
        # Recreate, and a plain ReplicaSet.
        agent.apply(deployment(replicas=2, spec="strategy: {type: Recreate}\n"))
        old = wait_pods(agent, "web", 2)
        agent.apply(deployment(replicas=2, spec="strategy: {type: Recreate}\n", lines="env: [{name: V, value: two}]"))
        wait_for("others", lambda: not set(old) & set(wait_pods(agent, "web", 2)))
        agent.mete("delete", "deploy/web")
        wait_pods(agent, "web", 0)
        agent.apply(workload("ReplicaSet", "plain", "replicas: 2\n"))
        assert len(wait_pods(agent, "plain", 2)) == len(pods_of(agent, "plain")) == 2


def test_apply_says_what_it_takes_back():
    one, two = deployment(replicas=2, lines="env: [{name: A, value: '1'}]"), deployment(replicas=2, lines="env: [{name: A, value: '2'}]")
    scaled, undone = "  replicas becomes 2, found 3 by `mete scale`", "  its template becomes the manifest's, found another one by `mete rollout undo`"
    with Agent().start() as agent:
        agent.apply(one)
        wait_pods(agent, "web", 2)
        agent.apply(two)
        agent.mete("rollout", "status", "deployment/web")
        for change, sentence in ((("scale", "deployment/web", "--replicas", "3"), scaled), (("rollout", "undo", "deployment/web"), undone)):
            agent.mete(*change)
            agent.mete("rollout", "status", "deployment/web")
            told = agent.mete("diff", "-f", "-", text=two, check=False)
            assert told.returncode == 1 and told.stdout.splitlines() == ["Deployment default/web would be configured", sentence], told
            for words in (("--dry-run",), ()):
                done = agent.mete("apply", "-f", "-", *words, text=two).stdout.splitlines()
                assert done == ["Deployment default/web configured" + (" (dry run)" if words else ""), sentence], done
            assert agent.mete("apply", "-f", "-", text=two).stdout == "Deployment default/web unchanged\n"
            assert agent.mete("diff", "-f", "-", text=two).stdout == ""
            agent.mete("rollout", "status", "deployment/web")
            assert len(wait_pods(agent, "web", 2)) == 2


def test_a_config_map_that_is_missing_is_waited_for():
    with Agent().start() as agent:
        agent.apply(deployment(replicas=1, lines="envFrom: [{configMapRef: {name: late}}]"))
        [waiting] = wait_for("its pod", lambda: pods_of(agent, "web"))
        wait_for("it to wait", lambda: agent.container(waiting)["reason"] == "CreateContainerConfigError")
        agent.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\ndata: {A: b}\n")
        [name] = wait_pods(agent, "web", 1)
        assert name == waiting
        # Changed, it ends no pod.
        agent.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\ndata: {A: c}\n")
        stays("the same pod", lambda: wait_pods(agent, "web", 1) == [name] and agent.container(name)["restarts"] == 0, 0.5)


def test_a_list_is_its_items():
    with Agent().start() as agent:
        items = [deployment(replicas=1), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {A: b}\n",
                 "apiVersion: v1\nkind: Ingress\nmetadata: {name: i}\n"]
        text = "apiVersion: v1\nkind: List\nitems:\n" + "".join("-" + indented(each, 2)[1:] for each in items)
        done = agent.apply(text)
        assert done.stdout.splitlines() == ["Deployment default/web created", "ConfigMap default/c created"], done.stdout
        assert done.stderr.count("\n") == 1 and "Ingress `i` is left out" in done.stderr, done.stderr
        names = wait_pods(agent, "web", 1)
        agent.kill()
        agent.start()
        assert wait_pods(agent, "web", 1) == names
        assert agent.apply(text).stdout.splitlines() == ["Deployment default/web unchanged", "ConfigMap default/c unchanged"]
        wrong = agent.mete("apply", "-f", "-", check=False, text=text.replace("replicas: 1", "replica: 1"))
        assert "<stdin>:9:5: Deployment default/web: items[0].spec.replica: unknown field, did you mean `replicas`?" in wrong.stderr, wrong.stderr
        agent.mete("delete", "-f", "-", text=text)
        wait_pods(agent, "web", 0)


def test_kube_metrics_tell_of_it():
    with Agent() as agent:
        agent.start(*with_config(agent, "export: {kube: true}\n"))
        agent.apply(deployment(replicas=2))
        [first, _] = wait_pods(agent, "web", 2)
        own = {"namespace": "default", "deployment": "web"}
        wait_for("the metrics", lambda: agent.metric("kube_deployment_status_replicas_available", **own) == 2)
        assert agent.metric("kube_deployment_spec_replicas", **own) == agent.metric("kube_deployment_status_replicas_updated", **own) == 2
        replica_set = first.rsplit("-", 1)[0]
        assert agent.metric("kube_pod_owner", pod=first, owner_kind="ReplicaSet", owner_name=replica_set) == 1
        assert agent.metric("kube_replicaset_owner", replicaset=replica_set, owner_kind="Deployment", owner_name="web") == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
