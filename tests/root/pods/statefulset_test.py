# SPDX-License-Identifier: Apache-2.0
"""StatefulSets and DaemonSets: names, order, claims, revisions."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from workloads import get, wait_pods, wait_rolled_out, workload  # noqa: E402

CLAIM = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]\n"
NOTE = "echo $HOSTNAME $V >> /data/log; sleep 1000"
MOUNT = "volumeMounts: [{name: data, mountPath: /data}]\n"


def stateful(replicas=2, spec="", value="one"):
    return workload("StatefulSet", "db", "serviceName: db\nreplicas: %d\n" % replicas + CLAIM + spec, command=NOTE, lines=MOUNT + "env: [{name: V, value: %s}]" % value)


def log_of(agent, ordinal):
    return open("%s/claims/default/data-db-%d/log" % (agent.state, ordinal)).read().split("\n")[:-1]


def test_pods_have_their_names_in_order_and_keep_their_claims():
    with Agent().start() as agent:
        agent.apply(stateful(3))
        assert wait_pods(agent, "db", 3) == ["db-0", "db-1", "db-2"]
        created = [each["message"] for each in agent.events("Created")]
        assert [message.split()[1].split("/")[1] for message in created] == ["db-0", "db-1", "db-2"], created
        assert log_of(agent, 2) == ["db-2 one"]
        agent.mete("scale", "sts/db", "--replicas", "1")
        assert wait_pods(agent, "db", 1) == ["db-0"]
        assert log_of(agent, 2) == ["db-2 one"], "the claim outlives its pod"
        agent.mete("delete", "db-0")
        wait_for("another db-0 with the same claim", lambda: log_of(agent, 0) == ["db-0 one", "db-0 one"])
        wait_pods(agent, "db", 1)
        agent.apply(stateful(3, value="two"))
        assert "db-2 two" == wait_for("db-2 with its claim", lambda: len(log_of(agent, 2)) == 2 and log_of(agent, 2)[-1])
        wait_rolled_out(agent, "sts/db")
        assert log_of(agent, 0)[-1] == "db-0 two" and wait_pods(agent, "db", 3) == ["db-0", "db-1", "db-2"]
        [status] = [each["status"] for each in get(agent, "sts", "db")]
        assert status["currentRevision"] == status["updateRevision"] and status["updatedReplicas"] == 3, status
        assert agent.mete("rollout", "undo", "sts/db").stdout == "statefulset.apps/db rolled back\n"
        wait_for("the first template again", lambda: log_of(agent, 0)[-1] == "db-0 one")
        wait_rolled_out(agent, "sts/db")
        agent.mete("delete", "sts/db")
        wait_pods(agent, "db", 0)
        assert os.path.isdir(agent.state + "/claims/default/data-db-0")


def test_a_partition_holds_and_the_agents_death_changes_nothing():
    with Agent().start() as agent:
        rolling = "podManagementPolicy: Parallel\nupdateStrategy: {rollingUpdate: {partition: %d}}\n"
        agent.apply(stateful(3, rolling % 2))
        wait_pods(agent, "db", 3)
        agent.apply(stateful(3, rolling % 2, "two"))
        wait_for("db-2 in the new revision", lambda: log_of(agent, 2)[-1] == "db-2 two")
        wait_pods(agent, "db", 3)
        agent.kill()
        agent.start()
        stays("the others as they are", lambda: log_of(agent, 0) == ["db-0 one"] and log_of(agent, 1) == ["db-1 one"], 0.3)
        agent.mete("delete", "db-0")
        wait_for("db-0 in its old revision", lambda: log_of(agent, 0) == ["db-0 one", "db-0 one"])
        agent.apply(stateful(3, rolling % 0, "two"))
        wait_for("all in the new revision", lambda: [log_of(agent, each)[-1] for each in range(3)] == ["db-0 two", "db-1 two", "db-2 two"])


def test_claims_go_where_they_are_told_to():
    with Agent().start() as agent:
        agent.apply(stateful(2, "persistentVolumeClaimRetentionPolicy: {whenScaled: Delete, whenDeleted: Delete}\n"))
        wait_pods(agent, "db", 2)
        folder = agent.state + "/claims/default"
        agent.mete("scale", "sts/db", "--replicas", "1")
        wait_for("the claim of db-1 to go", lambda: os.listdir(folder) == ["data-db-0"])
        agent.mete("delete", "sts/db")
        wait_for("all claims to go", lambda: os.listdir(folder) == [])


def test_a_daemon_set_is_one_pod():
    with Agent().start() as agent:
        agent.apply(workload("DaemonSet", "node"))
        [first] = wait_pods(agent, "node", 1)
        agent.apply(workload("DaemonSet", "node", lines="env: [{name: V, value: two}]"))
        wait_for("another pod", lambda: wait_pods(agent, "node", 1) != [first])
        assert wait_rolled_out(agent, "ds/node") == 'daemon set "node" successfully rolled out\n'
        assert agent.mete("get", "ds", "--no-headers").stdout.split()[:7] == ["node", "1", "1", "1", "1", "1", "<none>"]
        agent.mete("delete", "ds/node")
        wait_pods(agent, "node", 0)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
