# SPDX-License-Identifier: Apache-2.0
"""Manifests of what makes pods, and the pods that it has made."""
import json

from mete_agent import wait_for
from pods import SLEEP, container, indented


def template(command=SLEEP, lines="", spec="", labels="", restart=None, grace=0):
    """spec.template with the label app=web and one container, `main`."""
    restart = "restartPolicy: %s\n" % restart if restart else ""
    body = "metadata: {labels: {app: web%s}}\nspec:\n  terminationGracePeriodSeconds: %d\n" % (labels, grace)
    return "template:\n" + indented(body + indented(restart + spec, 2) + "  containers:\n" + container("main", command, lines), 2)


def workload(kind, name="web", spec="", metadata="", spec_of_pod="", **pod):
    """`spec`: more of its spec in YAML. The rest is template()'s."""
    return ("apiVersion: apps/v1\nkind: %s\nmetadata: {name: %s%s}\nspec:\n" % (kind, name, metadata) +
            indented("selector: {matchLabels: {app: web}}\n" + spec + "\n" + template(spec=spec_of_pod, **pod), 2))


def deployment(name="web", replicas=2, spec="", **more):
    return workload("Deployment", name, ("replicas: %d\n" % replicas if replicas is not None else "") + spec, **more)


def job(name="work", spec="", restart="Never", spec_of_pod="", **pod):
    return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s}\nspec:\n" % name + indented(spec + "\n" + template(restart=restart, spec=spec_of_pod, **pod), 2)


def cron_job(name, schedule, spec="", job_spec="", spec_of_pod="", **pod):
    return ("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: %s}\nspec:\n  schedule: '%s'\n" % (name, schedule) + indented(spec, 2) +
            "  jobTemplate:\n    spec:\n" + indented(job_spec + "\n" + template(restart="Never", spec=spec_of_pod, **pod), 6))


def get(agent, *words):
    """The objects as Kubernetes' API would give them."""
    done = agent.mete("get", *words, "-o", "json", check=False)
    value = json.loads(done.stdout) if done.stdout else {"items": []}
    return value["items"] if value.get("kind") == "List" else [value]


def pods_of(agent, name, kind=None):
    """Names of the pods of this owner that do not end; a Deployment's are those of its ReplicaSets."""
    owners = {name} | {each["metadata"]["name"] for each in get(agent, "rs") if owner_of(each) == name}
    return sorted(each["metadata"]["name"] for each in get(agent, "pods")
                  if owner_of(each) in owners and "deletionTimestamp" not in each["metadata"])


def owner_of(item):
    owners = item["metadata"].get("ownerReferences", [])
    return owners[0]["name"] if owners else None


def wait_rolled_out(agent, what):
    return agent.mete("rollout", "status", what, "--timeout", "120").stdout


def wait_pods(agent, name, count):
    """So many of them run, and no other is there."""
    def there():
        every = [each for each in get(agent, "pods") if each["metadata"]["name"].startswith(name + "-")]
        ready = [each for each in every if each["status"]["conditions"][-1]["status"] == "True"]
        return len(every) == len(ready) == count and (ready or True)
    found = wait_for("%d pods of %s" % (count, name), there)
    return sorted(each["metadata"]["name"] for each in found) if found is not True else []


def job_status(agent, name="work"):
    found = get(agent, "job", name)
    return found[0]["status"] if found else {}


def has_condition(status, kind):
    return any(each["type"] == kind and each["status"] == "True" for each in status.get("conditions", []))


def wait_job(agent, name="work", kind="Complete"):
    """The status of the Job that has ended so."""
    return wait_for("job %s to be %s" % (name, kind), lambda: has_condition(job_status(agent, name), kind) and job_status(agent, name))
