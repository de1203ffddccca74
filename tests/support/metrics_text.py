# SPDX-License-Identifier: Apache-2.0
"""The text format of /metrics, read without a library."""
import re


def parse_metrics(text):
    """(name, labels) -> value; each line must be one of the format, and no series may be there twice."""
    series = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)', line)
        assert match, "not an exposition line: " + line
        labels = tuple(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
        assert (match.group(1), labels) not in series, "twice: " + line
        series[(match.group(1), labels)] = float(match.group(3))
    return series
