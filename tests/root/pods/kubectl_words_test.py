# SPDX-License-Identifier: Apache-2.0
"""kubectl's words: logs with its flags, cp, port-forward, wait, describe, explain of fields; validate for programs."""
import calendar
import json
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import workloads  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from pods import container, delete, documents, job, launch, pod, wait_exited, wait_running  # noqa: E402


def test_logs_of_the_attempt_before():
    with Agent().start() as agent:
        launch(agent, pod("p", "cat /proc/sys/kernel/random/uuid; sleep 1000"), "p")
        wait_for("a line", lambda: agent.logs("p"))
        done = agent.mete("logs", "p", "--previous", check=False)
        assert done.returncode == 1 and 'previous terminated container "main" not found' in done.stderr, done
        agent.mete("kill", "p")
        wait_for("it to run again", lambda: agent.container("p")["restarts"] == 1 and agent.container("p")["state"] == "running")
        wait_for("its line", lambda: len(agent.logs("p").splitlines()) == 2)
        everything = agent.logs("p").splitlines()
        assert agent.logs("p", "--previous").splitlines() == everything[:1], everything
        assert agent.container("p")["last"]["startedAt"] < agent.container("p")["last"]["finishedAt"] < agent.container("p")["startedAt"]


def test_logs_since_a_time_and_of_all_containers():
    with Agent().start() as agent:
        launch(agent, pod("p", "echo old; until [ -e /go ]; do usleep 50000; done; echo new; sleep 1000", main="one",
                          more=container("two", "echo other; sleep 1000")), "p")
        wait_for("both lines", lambda: agent.logs("p", "-c", "one") and agent.logs("p", "-c", "two"))
        assert sorted(agent.logs("p", "--all-containers", "--prefix").splitlines()) == ["[pod/p/one] old", "[pod/p/two] other"]
        between = time.time()
        agent.mete("exec", "p", "-c", "one", "--", "touch", "/go")
        wait_for("the new line", lambda: "new" in agent.logs("p", "-c", "one"))
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(between)) + ("%.6f" % (between % 1))[1:] + "Z"
        assert agent.logs("p", "-c", "one", "--since-time", moment) == "new\n"
        assert agent.logs("p", "-c", "one", "--since", "1h") == "old\nnew\n"
        assert agent.logs("p", "-c", "one", "--since", "1h", "--tail", "1") == "new\n"
        for wrong in (["--since", "yesterday"], ["--since-time", "noon"], ["--since", "1s", "--since-time", moment]):
            assert agent.mete("logs", "p", "-c", "one", *wrong, check=False).returncode == 2, wrong
        with agent.begin("logs", "-f", "--all-containers", "p", stdout=subprocess.PIPE) as follower:
            lines = sorted(follower.stdout.readline() for _ in range(3))
            agent.mete("delete", "p")
            assert lines == ["new\n", "old\n", "other\n"] and follower.stdout.read() == "", lines


def test_files_are_copied_in_and_out():
    with Agent().start() as agent:
        secret = agent.work + "/secret"
        write(secret, "of the host\n")
        launch(agent, pod("p", "mkdir -p /srv/deep /tmp; echo inside > /srv/deep/f; chmod 750 /srv/deep/f; ln -s %s /srv/link; ln -s /srv/deep /srv/d; mkfifo /srv/fifo;"
                               " ln -s /proc/1/root /escape; ln -s ../../../../../../.. /up; touch /ready; sleep 1000" % secret,
                          "securityContext: {runAsUser: 0}"), "p")
        wait_for("it to be ready", lambda: agent.mete("exec", "p", "--", "test", "-e", "/ready", check=False).returncode == 0)
        here = agent.work + "/here"
        os.mkdir(here)
        agent.mete("cp", "p:/srv/deep/f", here)
        assert open(here + "/f").read() == "inside\n" and os.stat(here + "/f").st_mode & 0o777 == 0o750
        agent.mete("cp", "p:srv/d/f", here + "/renamed")  # by a link inside
        assert open(here + "/renamed").read() == "inside\n"
        # A directory with all below it. What is no file is left out with a word, and no link leads out of the container.
        said = agent.mete("cp", "default/p:/srv", here).stderr
        assert sorted(os.listdir(here + "/srv")) == ["deep"] and all("skipping srv/" + each in said for each in ("link", "fifo", "d")), said
        for out in ("/escape" + secret, "/up" + secret, "/srv/link"):
            done = agent.mete("cp", "p:" + out, here + "/stolen", check=False)
            assert not os.path.exists(here + "/stolen") and "of the host" not in done.stderr, (out, done)
        # Into it: its own user's, also where a directory is there.
        os.makedirs(here + "/tree/sub")
        write(here + "/tree/sub/g", "given\n")
        agent.mete("cp", here + "/tree", "p:/srv")
        agent.mete("cp", here + "/tree", "p:/srv/new")
        inside = lambda command: agent.mete("exec", "p", "--", "sh", "-c", command).stdout  # noqa: E731
        assert inside("cat /srv/tree/sub/g /srv/new/sub/g; stat -c %u:%g /srv/new/sub/g") == "given\ngiven\n0:0\n"
        done = agent.mete("cp", here + "/f", "p:/srv/link", check=False)
        assert open(secret).read() == "of the host\n" and done.returncode == 1, done
        assert agent.mete("cp", here + "/f", "p:/nowhere/at/all", check=False).returncode == 4
        assert agent.mete("cp", here + "/f", here + "/g", check=False).returncode == 2
        assert agent.mete("cp", "p:/srv/nothing", here, check=False).returncode == 4


def test_what_is_copied_in_belongs_to_the_containers_user():
    with Agent().start() as agent:
        write(agent.work + "/f", "x")
        launch(agent, pod("p", lines="securityContext: {runAsUser: 1234, runAsGroup: 567}\nvolumeMounts: [{name: v, mountPath: /v}]", spec="volumes: [{name: v, emptyDir: {}}]"), "p")
        agent.mete("cp", agent.work + "/f", "p:/v/")
        assert agent.mete("exec", "p", "--", "stat", "-c", "%u:%g", "/v/f").stdout == "1234:567\n"


def test_a_port_leads_into_the_pod():
    with Agent().start() as agent:
        serve = "while :; do echo served | nc -l -p 8080; done"
        launch(agent, pod("p", serve), "p")
        done = agent.mete("port-forward", "p", "0:0", check=False)
        assert done.returncode == 1 and "expected REMOTE, LOCAL:REMOTE" in done.stderr, done
        with agent.begin("port-forward", "p", ":8080", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as forward:
            port = int(re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> 8080\n", forward.stdout.readline()).group(1))

            def ask():
                with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                    client.shutdown(socket.SHUT_WR)
                    return b"".join(iter(lambda: client.recv(100), b""))
            # nc listens anew after each; meanwhile the port is refused, which only ends that connection.
            wait_for("an answer", lambda: ask() == b"served\n")
            wait_for("another", lambda: ask() == b"served\n")
            agent.mete("kill", "p")
            wait_for("one of the container that was started again", lambda: ask() == b"served\n")
            forward.terminate()
            said = forward.stdout.read()
        assert "Handling connection for %d\n" % port in said, said


def test_a_port_that_nobody_listens_on_ends_the_connection():
    with Agent().start() as agent:
        launch(agent, pod("p"), "p")
        with agent.begin("port-forward", "p", ":8080", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as forward:
            port = int(re.search(r":(\d+) -> 8080\n", forward.stdout.readline()).group(1))
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                assert client.recv(100) == b""
            assert "an error occurred forwarding %d -> 8080: connect to port 8080 in the pod" % port in forward.stderr.readline()
            forward.terminate()


def test_what_is_waited_for():
    with Agent().start() as agent:
        agent.apply(pod("p", "sleep 1000"))
        done = agent.mete("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
        assert done.stdout == "pod/p condition met\n", done
        assert agent.mete("wait", "--for=jsonpath={.status.phase}=Running", "p").stdout == "pod/p condition met\n"
        assert agent.mete("wait", "--for=jsonpath={.status.containerStatuses[0].ready}=true", "p").returncode == 0
        assert agent.mete("wait", "--for=jsonpath={.metadata.labels['app']}", "p").returncode == 0
        late = agent.mete("wait", "--for=delete", "p", "--timeout=0s", check=False)
        assert late.returncode == 1 and late.stderr == "error: timed out waiting for the condition on pods/p\n", late
        with agent.begin("wait", "--for=delete", "p", "--timeout=60s", stdout=subprocess.PIPE) as waiter:
            agent.mete("delete", "p")
            assert waiter.stdout.read() == "pod/p condition met\n" and waiter.wait(60) == 0
        assert agent.mete("wait", "--for=delete", "p").returncode == 0
        assert agent.mete("wait", "--for=condition=Ready", "p", check=False).returncode == 4
        assert agent.mete("wait", "--for=nothing", "p", check=False).returncode == 2
        agent.apply(job("j", "exit 3"))
        assert agent.mete("wait", "--for=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}=3", "j").returncode == 0


def test_objects_of_all_kinds_are_waited_for():
    with Agent().start() as agent:
        with agent.begin("wait", "--for=create", "job/sum", "--timeout=60s", stdout=subprocess.PIPE) as waiter:
            agent.apply(workloads.job("sum", command=["true"]))
            assert waiter.stdout.read() == "job.batch/sum condition met\n" and waiter.wait(60) == 0
        done = agent.mete("wait", "--for=condition=complete", "job/sum", "--timeout=60s")
        assert done.stdout == "job.batch/sum condition met\n", done
        assert agent.mete("wait", "--for=condition=Complete", "job", "sum").stdout == done.stdout
        assert agent.mete("wait", "--for=jsonpath={.status.succeeded}=1", "jobs.batch/sum").stdout == done.stdout
        late = agent.mete("wait", "--for=condition=failed", "job/sum", "--timeout=0s", check=False)
        assert late.returncode == 1 and late.stderr == "error: timed out waiting for the condition on jobs/sum\n", late
        agent.mete("delete", "job/sum")  # whose pod has the same label
        agent.mete("wait", "--for=delete", "job/sum", "--timeout=60s")
        agent.apply(workloads.deployment(replicas=2))
        assert agent.mete("wait", "--for=condition=available", "deployment/web", "--timeout=60s").stdout == "deployment.apps/web condition met\n"
        done = agent.mete("wait", "--for=condition=Ready", "pod", "-l", "app=web", "-n", "default", "--timeout=60s")
        assert len([line for line in done.stdout.splitlines() if line.startswith("pod/web-")]) == 2, done
        assert agent.mete("wait", "--for=condition=Ready", "pods", "-l", "app=none", check=False).stderr == "error: no matching resources found\n"
        assert agent.mete("wait", "--for=condition=available", "deploy", "--all").stdout == "deployment.apps/web condition met\n"
        missing = agent.mete("wait", "--for=condition=complete", "job/none", check=False)
        assert missing.returncode == 4 and 'jobs.batch "none" not found' in missing.stderr, missing
        assert agent.mete("wait", "-l", "app=web", "pod", check=False).returncode == 2
        with agent.begin("wait", "--for=delete", "deploy/web", "--timeout=60s", stdout=subprocess.PIPE) as waiter:
            agent.mete("delete", "deploy/web")
            assert waiter.stdout.read() == "deployment.apps/web condition met\n" and waiter.wait(60) == 0


def test_a_pod_of_a_workload_is_taken_for_logs_and_commands():
    with Agent().start() as agent:
        agent.apply(workloads.deployment(replicas=2, command="echo from $HOSTNAME; exec sleep 1000"))
        workloads.wait_rolled_out(agent, "deploy/web")
        done = agent.mete("logs", "deploy/web")
        told = re.fullmatch(r"Found 2 pods, using pod/(web-\S+)\n", done.stderr)
        assert told and done.stdout == "from %s\n" % told.group(1), done
        agent.apply(workloads.job("sum", command=["echo", "6"]))
        agent.mete("wait", "--for=condition=complete", "job/sum", "--timeout=60s")
        done = agent.mete("logs", "job/sum", "-n", "default")
        assert (done.stdout, done.stderr) == ("6\n", ""), done
        done = agent.mete("exec", "deployment/web", "--", "hostname")
        assert done.stdout.strip() in workloads.pods_of(agent, "web") and done.stderr == "", done
        rs = workloads.get(agent, "rs")[0]["metadata"]["name"]
        assert agent.mete("exec", "rs/" + rs, "--", "hostname").returncode == 0
        missing = agent.mete("logs", "deploy/none", check=False)
        assert missing.returncode == 4 and 'deployments.apps "none" not found' in missing.stderr, missing
        assert agent.mete("logs", "other/deploy/web", check=False).returncode != 0
        with agent.begin("logs", "job/late", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiter:
            assert waiter.wait(60) == 4, "what is not there is not waited for"


def test_a_delete_says_when_it_began():
    with Agent().start() as agent:
        launch(agent, pod("p", "trap '' TERM; echo ready; while :; do sleep 0.1; done", grace=300), "p")
        wait_for("it to ignore the signal", lambda: agent.logs("p"))
        pid = agent.container("p")["pid"]
        agent.mete("delete", "p")
        begun = time.time()
        of = lambda: {name: value for name, value in workloads.get(agent, "pod", "p")[0]["metadata"].items() if name.startswith("deletion")}  # noqa: E731
        first = of()
        end = calendar.timegm(time.strptime(first["deletionTimestamp"], "%Y-%m-%dT%H:%M:%SZ"))
        assert first["deletionGracePeriodSeconds"] == 300 and abs(end - begun - 300) < 60, first
        time.sleep(1.1)
        assert of() == first
        agent.kill()
        agent.start()
        wait_for("it to be known", lambda: agent.pod("p"))
        assert of() == first, "of the delete, and not of the agent that goes on with it"
        time.sleep(1)
        assert agent.container("p")["pid"] == pid, "its grace is not over"
        agent.mete("delete", "p", "--grace", "100")
        assert of()["deletionGracePeriodSeconds"] == 100 and of()["deletionTimestamp"] < first["deletionTimestamp"]
        agent.mete("delete", "p", "--grace", "0")
        wait_for("it to be gone", lambda: agent.pod("p") is None)


def test_a_pod_is_described():
    with Agent().start() as agent:
        agent.apply(job("p", "exit 3", "resources: {limits: {memory: 32Mi}}"))
        wait_exited(agent, "p")
        text = agent.mete("describe", "pod", "p").stdout
        for line in ("Name: +p", "Namespace: +default", "Labels: +app=p", "Status: +Failed", r"Containers:\n  main:\n    Image: +busybox", r"    State: +Terminated\n      Reason: +Error\n      Exit Code: +3",
                     "    Restart Count: +0", r"Conditions:\n  Type", "  Ready +False", "QoS Class: +Burstable", r"Events:\n  Type +Reason +Age +From +Message\n  ---- ", r"  Normal +Started +\S+ +mete +Started container main"):
            assert re.search("(?m)^" + line, text), (line, text)
        assert agent.mete("describe", "p").stdout.splitlines()[:2] == text.splitlines()[:2]
        assert agent.mete("describe", "pod", "nothing", check=False).returncode == 4


def test_fields_are_explained_and_pods_too():
    with Agent().start() as agent:
        text = agent.mete("explain", "pod.spec.containers.resources").stdout
        assert text.startswith("KIND:       Pod\nVERSION:    v1\n\nFIELD: resources <ResourceRequirements>\n\nFIELDS:\n  limits\t<map[string]Quantity>\n"), text
        assert "One of Always, OnFailure, Never." in agent.mete("explain", "pods.spec.restartPolicy").stdout
        wrong = agent.mete("explain", "pod.spec.container", check=False)
        assert wrong.returncode == 4 and 'did you mean "containers"?' in wrong.stderr, wrong
        launch(agent, pod("p"), "p")
        assert agent.mete("explain", "p").stdout.startswith("Pod default/p, ")


def test_what_is_wrong_is_said_for_programs():
    with Agent() as agent:
        path = agent.work + "/p.yaml"
        write(path, pod("p", lines="memroy: 1\nlivenessProbe: {exec: {command: ['true']}}"))
        done = agent.mete("validate", "-o", "github", path, check=False)
        assert done.returncode == 1 and done.stderr == "", done
        assert re.search(r"(?m)^::error file=%s,line=\d+,col=\d+::Pod default/p: .*memroy: unknown field" % re.escape(path), done.stdout), done
        done = agent.mete("validate", "-o", "json", path, check=False)
        said = json.loads(done.stdout)
        assert done.returncode == 1 and said["errors"][0]["line"] > 0 and "memroy" in said["errors"][0]["field"] + said["errors"][0]["message"], said
        write(path, pod("p"))
        done = agent.mete("validate", "-o", "json", path)
        assert json.loads(done.stdout)["objects"] == ["Pod default/p"] and json.loads(done.stdout)["errors"] == [], done


def test_what_is_no_more_in_the_manifest_is_pruned():
    with Agent().start() as agent:
        one, two, other = (pod(name, labels=", set: %s" % of) + "---\n" for name, of in (("one", "a"), ("two", "a"), ("other", "b")))
        settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, labels: {set: a}}\n---\n"
        launch(agent, one + two + other + settings, "one", "two", "other")
        pid = agent.container("one")["pid"]
        done = agent.mete("apply", "--prune", "-l", "set=a", "--dry-run", "-f", "-", text=one)
        assert "Pod default/two pruned (dry run)\n" in done.stdout and agent.pod("two"), done
        done = agent.mete("apply", "--prune", "-l", "set=a", "-f", "-", text=one)
        assert sorted(done.stdout.splitlines()) == ["ConfigMap default/m pruned", "Pod default/one unchanged", "Pod default/two pruned"], done
        wait_for("it to be gone", lambda: agent.pod("two") is None)
        assert agent.container("one")["pid"] == pid and wait_running(agent, "other")
        for wrong in (["--prune"], ["-l", "set=a"]):
            assert agent.mete("apply", *wrong, "-f", "-", text=one, check=False).returncode == 2, wrong
        assert "expected" in agent.mete("apply", "--prune", "-l", "=", "-f", "-", text=one, check=False).stderr
        delete(agent, "one", "other")


def test_all_kinds_are_pruned():
    with Agent().start() as agent:
        words = {"Service": ("v1", "spec: {selector: {app: p}, ports: [{port: 80}]}"),
                 "NetworkPolicy": ("networking.k8s.io/v1", "spec: {podSelector: {}}"),
                 "ConfigMap": ("v1", "data: {}"),
                 "Secret": ("v1", "data: {}"),
                 "RuntimeClass": ("node.k8s.io/v1", "handler: mete"),
                 "Policy": ("mete/v1", "spec: {selector: {matchLabels: {app: p}}, pids: {max: 100}}")}
        made = ["apiVersion: %s\nkind: %s\nmetadata: {name: x, labels: {set: a}}\n%s\n" % (version, kind, rest) for kind, (version, rest) in words.items()]
        made.append(workloads.deployment("x", replicas=0, metadata=", labels: {set: a}"))
        with open(os.path.dirname(os.path.abspath(__file__)) + "/manifests/volumes.yaml") as file:
            bundle = next(each for each in re.split(r"(?m)^---\n", file.read()) if "\nkind: ClusterTrustBundle\n" in "\n" + each)
        made.append(bundle.replace('live: "yes"', "set: a"))
        agent.apply(documents(*made))
        keeper = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: keeper, labels: {set: a}}\ndata: {}\n"
        done = agent.mete("apply", "--prune", "-l", "set=a", "-f", "-", text=keeper)
        gone = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" pruned")}
        assert gone == {*words, "Deployment", "ClusterTrustBundle"}, (gone, done.stdout)
        for kind in ("svc", "netpol", "deploy"):
            wait_for("the %s to be gone" % kind, lambda: workloads.get(agent, kind) == [])  # noqa: B023 - called here
        done = agent.mete("apply", "--prune", "-l", "set=a", "-f", "-", text=keeper)
        assert done.stdout == "ConfigMap default/keeper unchanged\n", done


CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data%s}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"


def test_a_claim_and_finalizers_are_told_of():
    with Agent().start() as agent:
        path = agent.work + "/claim.yaml"
        write(path, CLAIM % "")
        assert agent.mete("validate", path).stdout == "PersistentVolumeClaim default/data is right\n"
        done = agent.mete("apply", "-f", path)
        assert done.stdout == "PersistentVolumeClaim default/data is right: its volume is made when a pod first uses it\n", done
        assert agent.mete("diff", "-f", path).stdout == ""
        write(path, CLAIM % ", finalizers: [kubernetes.io/pvc-protection, example.com/guard]")
        done = agent.mete("validate", path)
        assert done.stderr.count("warning: ") == 1 and "`finalizers` is not acted on: a delete does not wait for example.com/guard" in done.stderr, done
        assert "metadata.finalizers[1]" in done.stderr and done.stdout.endswith("mete does not act on 1 field\n"), done


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
