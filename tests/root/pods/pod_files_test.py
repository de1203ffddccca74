# SPDX-License-Identifier: Apache-2.0
"""What pods take from files of this machine at their start: seccomp profiles of the agent's folder, pages of hugetlbfs."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, skip_case, wait_for  # noqa: E402


def ended(agent, name):
    wait_for(name + " to end", lambda: agent.pod(name)["phase"] in ("Succeeded", "Failed"))
    return agent.logs(name)


def manifest(name, container, more=""):
    return """apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  restartPolicy: Never
  containers: [{name: main, image: busybox, %s}]
%s""" % (name, container, more)


def profiled(name, file):
    return manifest(name, "command: [sh, -c, 'mkdir /x 2>/dev/null && echo made || echo refused'], "
                          "securityContext: {seccompProfile: {type: Localhost, localhostProfile: %s}}" % file)


def test_a_seccomp_profile_of_a_file():
    with Agent() as agent:
        folder = agent.state + "/seccomp"
        os.makedirs(folder + "/strict")
        with open(folder + "/strict/no-folders.json", "w") as file:
            json.dump({"defaultAction": "SCMP_ACT_ALLOW",
                       "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}, file)
        with open(agent.work + "/outside.json", "w") as file:
            json.dump({"defaultAction": "SCMP_ACT_ALLOW"}, file)
        os.symlink(agent.work + "/outside.json", folder + "/out.json")
        agent.start()
        agent.apply(profiled("strict", "strict/no-folders.json"))
        assert ended(agent, "strict") == "refused\n", agent.logs("strict")
        # No link leads out, and a profile that is not there is waited for.
        agent.apply(profiled("out", "out.json"))
        agent.apply(profiled("late", "late.json"))
        wait_for("both to wait", lambda: all("seccompProfile" in agent.container(each).get("message", "") for each in ("out", "late")))
        os.rename(agent.work + "/outside.json", folder + "/late.json")
        agent.mete("delete", "pod/late", "--grace", "0")
        agent.apply(profiled("late", "late.json"))
        assert ended(agent, "late") == "made\n", agent.logs("late")
        assert agent.container("out")["state"] == "waiting", agent.container("out")


def test_a_volume_of_huge_pages():
    if not os.path.exists("/sys/kernel/mm/hugepages/hugepages-2048kB"):
        skip_case("this kernel has no pages of 2 MiB")
    with Agent() as agent:
        agent.start()
        agent.apply(manifest("pages", "command: [sh, -c, 'grep /pages /proc/mounts | cut -d\" \" -f3,4'], "
                                      "resources: {limits: {memory: 32Mi, hugepages-2Mi: 2Mi}}, "
                                      "volumeMounts: [{name: pages, mountPath: /pages}]",
                             "  volumes: [{name: pages, emptyDir: {medium: HugePages}}]\n"))
        words = ended(agent, "pages")
        assert words.startswith("hugetlbfs ") and "pagesize=2M" in words, words
        agent.mete("delete", "pod/pages")
        wait_for("it to be gone", lambda: agent.run not in open("/proc/mounts").read())


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
