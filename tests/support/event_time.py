# SPDX-License-Identifier: Apache-2.0
"""Times as the agent writes them."""
import calendar
import time


def time_of(text):
    """Seconds since the epoch of "2026-01-02T03:04:05.678901234Z"; Python's own parser knows no nanoseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))
