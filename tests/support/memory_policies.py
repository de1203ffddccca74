# SPDX-License-Identifier: Apache-2.0
"""A memory hog under a policy, and what is recorded of what the policy did."""
import functools
import json
import os
import re
import urllib.request

from cgroups import Cgroup, MiB
import hog
from mete_agent import SLOW

# What is eaten here is counted in units. METE_UNIT is its bytes where a page that is touched first takes long: 0.3 ms in user mode Linux.
UNIT = int(os.environ.get("METE_UNIT", MiB))
LIMIT = 64 * UNIT
eat = functools.partial(hog.eat, unit=UNIT)
read_for_ever = functools.partial(hog.read_for_ever, unit=UNIT)


def units(count, unit=UNIT):
    """So many, as a manifest writes them."""
    return "%dKi" % (count * unit >> 10)


def held_hog(spec, most=200, pause="0.01", restart="Never", command=None, cpu="10m", unit=UNIT):
    """One that grows up to `most` units under a limit of 64, and says that it was sent USR1."""
    return hog.hog(command or "trap 'echo GOT-USR1' USR1; exec " + eat(most, pause, unit=unit), spec, memory=units(64, unit), cpu=cpu, restart=restart, grace=1)


def show(agent, event):
    return json.loads(agent.mete("oom", "show", event["fields"]["record"], "-o", "json").stdout)


def check_record(agent, event):
    """What every record holds, whatever it is of."""
    record = show(agent, event)
    limits = (LIMIT, 80 * UNIT, 96 * UNIT)  # before and after it was raised
    assert record["pod"] == "default/hog" and record["container"] == "hog", record
    # The limit that the container has and the one that the kernel applies are read one after the other: it may be raised in between.
    assert record["limit"] in limits and record["effectiveLimit"] in limits and record["effectiveLimitOf"].endswith("/hog"), record
    assert record["memoryStat"]["cache"] >= 0 if "cache" in record["memoryStat"] else record["memoryStat"]["file"] >= 0
    assert record["history"] and record["history"][-1]["usage"] > 0, record.get("history")
    assert record["steps"] and all(step["ms"] >= 0 for step in record["steps"]), record
    return record


def group(agent):
    return Cgroup(agent.parent + "/default_hog/hog")


def state(agent):
    return agent.container("hog")["state"]


def anon(processes):
    return sum(each["anon"] for each in processes)


def kills(agent, by):
    return agent.metric("mete_oom_kills_total", container="hog", by=by)


def exemplars(agent):
    """(scope, by) -> the record to which OpenMetrics leads from the counter of kills, of a container whose scrape has one."""
    request = urllib.request.Request("http://%s/metrics" % agent.address, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    with urllib.request.urlopen(request, timeout=30 * SLOW) as answer:
        text = answer.read().decode()
    return {(scope, by): record for scope, by, record in
            re.findall(r'mete_oom_kills_total\{[^}]*scope="(\w+)",by="(\w+)"\} \d+ # \{record="([^"]+)",', text)}
