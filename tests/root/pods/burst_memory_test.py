# SPDX-License-Identifier: Apache-2.0
"""What a burst of starts ran through of the agent's program does not stay in its locked memory."""
import os
import platform
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, skip_case, wait_for, write  # noqa: E402
from pods import pod  # noqa: E402

COUNT = 40
LIMITS = "resources: {limits: {cpu: 10m, memory: 8Mi}}"


def code_in_memory(pid):
    """KiB of the program's code that are mapped."""
    program = os.path.realpath("/proc/%d/exe" % pid)
    total, inside = 0, False
    for line in open("/proc/%d/smaps" % pid):
        fields = line.split()
        if "-" in fields[0]:
            inside = fields[1].startswith("r-x") and fields[-1] == program
        elif inside and fields[0] == "Rss:":
            total += int(fields[1])
    return total


def test_the_code_of_a_burst_goes_once_it_is_over():
    if tuple(int(each) for each in platform.release().split("-")[0].split(".")[:2]) < (5, 18):
        skip_case("locked pages go from Linux 5.18 on (MADV_DONTNEED_LOCKED)")
    with Agent() as agent:
        agent.start()
        pid = agent.process.pid
        most, count = 0, 0

        def has_fallen():
            nonlocal most
            now = code_in_memory(pid)
            most = max(most, now)
            return agent.log_text().count(" event=Started ") >= count and now < most / 2

        # On a busy machine a second may pass between two of the starts. Then they were no burst, and there is another one.
        for last in (False, False, False, True):
            for index in range(count, count + COUNT):
                write("%s/small-%d.yaml" % (agent.manifests, index), pod("small-%d" % index, lines=LIMITS))
            count += COUNT
            try:
                wait_for("the code to go", has_fallen, 60 if last else 15, 0.02)
                break
            except AssertionError:
                if last:
                    raise
        assert len(agent.pods()) == count, "it does its work as before"
        agent.get("/metrics")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
