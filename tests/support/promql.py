# SPDX-License-Identifier: Apache-2.0
"""PromQL as text: which metrics an expression names, which expressions a dashboard has, what Grafana puts in place of its variables."""
import re
import shutil
import subprocess

from mete_agent import SOURCE, skip

DASHBOARDS = SOURCE + "/dashboards"
KEYWORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without", "on", "ignoring", "group_left", "group_right"}


def need(*programs):
    for each in programs:
        if shutil.which(each) is None:
            skip("needs %s of Debian's package prometheus" % each)


def promtool(*args, text=None):
    need("promtool")
    done = subprocess.run(["promtool", *args], input=text, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), "promtool %s: exit %d\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr)


def metric_names(expression):
    """The metrics that a PromQL expression (or Grafana's label_values(METRIC, LABEL)) reads."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', "", expression)
    text = re.sub(r"(?s)\blabel_values\((.*),[^,]*\)", r"\1", text)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\boffset\s+[0-9a-z]+", " ", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    found = re.finditer(r"(?<![\w$:.])[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()(?![\w:])", text)
    return {each.group() for each in found if each.group().lower() not in KEYWORDS}


def filled(expression, variables, rate="30s", window="5m"):
    """As Grafana asks it: variables are replaced, and none is left."""
    text = expression
    for name, value in {"__rate_interval": rate, "__interval": rate, "__range": window, **variables}.items():
        text = re.sub(r"\$\{%s(:\w+)?\}|\$%s\b" % (name, name), lambda _: value, text)  # noqa: B023 - called here
    assert "$" not in text, "a variable that this test does not know: " + text
    return text


def variables_of(dashboard):
    return {each["name"]: each for each in dashboard["templating"]["list"]}


def targets_of(dashboard):
    """(panel's title, refId, expression, instant) of all panels, those within rows too."""
    found = []
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            found.append((panel["title"], target.get("refId"), target["expr"], target.get("instant", False)))
    return found


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])
