# SPDX-License-Identifier: Apache-2.0
"""Waiting for conditions. A deadline is there for a test that fails: it is so long that a busy machine does not reach it. How fast
something is belongs into tests/bench; where a time is part of the contract, within() compares it with what the machine can do meanwhile."""
import os
import time

SLOW = float(os.environ.get("METE_SLOW", "1"))  # how much longer than on a machine of today all takes
DEADLINE = 60  # seconds; longer than any busy machine needs for what takes a moment on an idle one
# Of a pod, cgroup or file that is being made or replaced: the condition is not met yet.
NOT_YET = (TypeError, KeyError, FileNotFoundError, ProcessLookupError)


def ms(milliseconds):
    """A time of a policy, so long that a slow machine's test can look at what is in between."""
    return "%dms" % (milliseconds * SLOW)


def evaluate(condition):
    try:
        return condition()
    except NOT_YET:
        return None


def wait_for(what, condition, seconds=DEADLINE, every=0.02):
    """The condition's value as soon as it is true. `seconds` is for what needs longer than DEADLINE on an idle machine, too."""
    seconds *= SLOW
    end = time.monotonic() + seconds
    while True:
        begin = time.monotonic()
        late = begin > end  # before the look: the last look comes after the deadline
        value = evaluate(condition)
        if value:
            return value
        if late:
            raise AssertionError("waited %g s for: %s" % (seconds, what))
        # A condition that starts a program is asked less often where programs start slowly: who waits keeps no CPU busy.
        time.sleep(max(every, time.monotonic() - begin))


def within(what, seconds, condition, every=0.01):
    """The condition's value; it must be true after at most `seconds` of a machine that is not busy. Each look and the sleep after it
    count as `every` seconds however long they take, so that a machine on which this process is late gives the other one as much more."""
    for _ in range(int(seconds * SLOW / every) + 1):
        value = evaluate(condition)
        if value:
            return value
        time.sleep(every)
    raise AssertionError("not within %g s: %s" % (seconds * SLOW, what))


def stays(what, condition, seconds):
    """What must not change: looks until the time is over, so that a change is seen when it happens."""
    end = time.monotonic() + seconds * SLOW
    while True:
        late = time.monotonic() > end
        if not evaluate(condition):
            raise AssertionError("did not stay so for %g s: %s" % (seconds * SLOW, what))
        if late:
            return
        time.sleep(0.05)
