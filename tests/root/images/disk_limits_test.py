# SPDX-License-Identifier: Apache-2.0
"""emptyDir.sizeLimit and ephemeral-storage: who has more on disk than it may is evicted; memory volumes end at the pod's memory."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from pods import container, delete, documents, launch, output, pod  # noqa: E402

FILL = "sleep 0.2; dd if=/dev/zero of=%s bs=64k count=%d 2>/dev/null; trap exit TERM; while :; do sleep 1 & wait; done"


def evicted(agent, name, message):
    found = wait_for("%s to be evicted" % name, lambda: (lambda p: p if p["phase"] == "Failed" and all(each["state"] == "exited" for each in p["containers"]) else None)(agent.pod(name)))
    assert found["reason"] == "Evicted" and found["message"] == message, found
    assert [each["message"] for each in agent.events("Evicted") if each["pod"] == "default/" + name] == ["Pod default/%s has failed: %s" % (name, message)]


def test_who_has_more_on_disk_than_it_may_is_evicted():
    mount, volume = "volumeMounts: [{name: v, mountPath: /v}]", "volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}]"
    limit = "resources: {limits: {ephemeral-storage: %s}}"
    talk = "while :; do echo 0123456789012345678901234567890123456789; done | head -c 3000000; sleep 1000"
    with Agent().start() as agent:
        launch(agent, documents(pod("over", FILL % ("/v/f", 20), mount, volume), pod("under", FILL % ("/v/f", 10), mount, volume),
                                pod("layer", FILL % ("/f", 20), limit % "1Mi"),
                                pod("log", talk, limit % "1Mi", more=container("other", lines=limit % "100Mi"))), "over", "under", "layer", "log")
        evicted(agent, "over", 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ')
        evicted(agent, "layer", "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ")
        # The other container's limit is not its own.
        evicted(agent, "log", 'Container main exceeded its local ephemeral storage limit "1Mi". ')
        assert agent.container("under")["state"] == "running"
        # It stays so, over the agent's own end too, until it is deleted.
        agent.kill()
        agent.start()
        stays("failed", lambda: agent.pod("over")["phase"] == "Failed" and agent.container("over")["state"] == "exited", 0.5)
        delete(agent, "over")


def test_a_memory_volume_is_bounded_by_the_pods_memory():
    with Agent().start() as agent:
        mount = "volumeMounts: [{name: v, mountPath: /v}]\n"
        size = "df -k /v | tail -1 | tr -s ' ' | cut -d' ' -f2"
        volume = "volumes: [{name: v, emptyDir: {medium: Memory%s}}]"
        limit = "resources: {limits: {memory: 32Mi}}"
        assert output(agent, size, mount + limit, volume % "") == "%d\n" % (32 << 10)
        assert output(agent, size, mount + limit, volume % ", sizeLimit: 1Mi") == "1024\n"
        assert output(agent, size, mount + limit, volume % ", sizeLimit: 1Gi") == "%d\n" % (32 << 10)
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 10
        assert abs(int(output(agent, size, mount, volume % "")) - whole) <= 4


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
