# SPDX-License-Identifier: Apache-2.0
"""The files of dashboards/ without an agent: they are what their source makes, panels stand side by side, every expression is one, every
metric is one of `mete metrics`, every alert has a section in RUNBOOKS.md and tests that fire it and that do not."""
import atexit
import filecmp
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cases import run_tests, skip_case  # noqa: E402
from mete_agent import BIN, work_folder  # noqa: E402
from promql import DASHBOARDS, filled, metric_names, panels_of, promtool, targets_of, variables_of  # noqa: E402

NAMES = ("machine", "pods", "container", "throttling-oom", "fleet", "agent")
PROMETHEUS_OWN = {"up", "ALERTS", "scrape_duration_seconds", "scrape_samples_scraped"}
RULES = [DASHBOARDS + "/prometheus/mete-rules.yml", DASHBOARDS + "/prometheus/mete-alerts.yml"]


def text_of(path):
    with open(path) as file:
        return file.read()


def dashboard(name):
    return json.loads(text_of("%s/grafana/%s.json" % (DASHBOARDS, name)))


def recorded():
    """name -> expression of each recording rule, (alert, expression) of each alert: a rule's expression is indented deeper than its keys."""
    rules, alerts = {}, []
    for path, key in zip(RULES, ("record", "alert")):
        for name, expression in re.findall(r"^  - %s: (\S+)\n    expr: [>|]-\n((?:      .*\n)+)" % key, text_of(path), re.M):
            if key == "record":
                rules[name] = expression
            else:
                alerts.append((name, expression))
    return rules, alerts


def exported():
    """Every metric that there can be, with the series of histograms."""
    table = json.loads(subprocess.run([BIN + "/mete", "metrics", "-o", "json"], capture_output=True, text=True, check=True).stdout)
    names = set()
    for each in table["families"] if isinstance(table, dict) else table:
        names |= {each["name"] + ending for ending in (("_bucket", "_sum", "_count", "") if each["type"] == "histogram" else ("",))}  # "": native
    assert len(names) > 100, names
    return names


def all_expressions():
    """(where, expression with Grafana's variables filled in)"""
    found = []
    for name in NAMES:
        made = dashboard(name)
        values = dict.fromkeys(variables_of(made), ".*")
        for title, _, expression, _ in targets_of(made):
            found.append(("%s: %s" % (name, title), filled(expression, values)))
        for each in made.get("annotations", {}).get("list", []):
            found.append(("%s: annotation %s" % (name, each["name"]), filled(each["expr"], values)))
    return found


def overlaps(rectangles):
    """What is wrong with (name, x, y, width, height) on a grid of 24 columns."""
    wrong = []
    for index, (name, x, y, width, height) in enumerate(rectangles):
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > 24:
            wrong.append("%s sticks out" % name)
        for other, x2, y2, width2, height2 in rectangles[:index]:
            if x < x2 + width2 and x2 < x + width and y < y2 + height2 and y2 < y + height:
                wrong.append("%s lies on %s" % (name, other))
    return wrong


SOURCE_MADE = []


def compiled_source():
    """A folder with the source, compiled once."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip_case("needs %s (Debian's nodejs and npm)" % program)
    if not SOURCE_MADE:
        source, folder = DASHBOARDS + "/src", work_folder("mete-dashboards-") + "/src"
        atexit.register(shutil.rmtree, os.path.dirname(folder))
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "build"))
        if os.path.isdir(source + "/node_modules"):
            os.symlink(source + "/node_modules", folder + "/node_modules")
        else:
            done = subprocess.run(["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                skip_case("needs npm's registry or dashboards/src/node_modules (npm ci): " + (done.stderr.strip() or "npm failed").splitlines()[0])
        done = subprocess.run(["npm", "run", "-s", "compile"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, "the source does not compile:\n" + done.stdout + done.stderr
        SOURCE_MADE.append(folder)
    return SOURCE_MADE[0]


def make(folder, into):
    return subprocess.run(["node", "build/main.js", into], cwd=folder, capture_output=True, text=True)


def test_the_committed_files_are_what_the_source_makes():
    source = compiled_source()
    work = os.path.dirname(source)
    for folder in (work + "/made", work + "/again"):
        done = make(source, folder)
        assert done.returncode == 0, done.stderr
    made = sorted(os.path.relpath(each, work + "/made") for each in glob.glob(work + "/made/*/*"))
    assert len(made) == len(NAMES) + 4, made
    old = [each for each in made if not os.path.exists(DASHBOARDS + "/" + each) or not filecmp.cmp(work + "/made/" + each, DASHBOARDS + "/" + each, shallow=False)]
    assert not old, "older than dashboards/src (cd dashboards/src && npm ci && npm run build): " + ", ".join(old)
    assert all(filecmp.cmp(work + "/made/" + each, work + "/again/" + each, shallow=False) for each in made), "made twice, and not the same"


def test_what_does_not_fit_in_the_table_is_refused():
    source = compiled_source()
    path = source + "/alerts.yaml"
    right = text_of(path)
    wrong = {
        ("above: 1.5}", "above: 1.5, below: 2}"): "MeteThrottlingHurts: cpu_wanted is above or below",
        ("inhibits: [MeteUnhealthy]", "inhibits: [MeteUnwell]"): "inhibits MeteUnwell, which is no alert",
        ("severity: warning", "severity: loud"): "MeteThrottlingHurts: severity is loud",
        ("  for: 3m", "  For: 3m"): "MeteThrottlingHurts has For",
        ("{value: cpu_wanted, ", "{value: cpu_wish, "): "no value cpu_wish",
        ("- name: cpu_throttled", "- name: cpu_usage"): "cpu_usage is there twice",
        ("  unit: cores", "  unit: horses"): "cpu_usage: unit is horses",
        ("{value: target, below: 1}", "{value: cpu_usage, below: 1}"): "MeteTargetDown: cpu_usage is about something more special",
    }
    try:
        for (old, new), message in wrong.items():
            assert old in right, old
            with open(path, "w") as out:
                out.write(right.replace(old, new, 1))
            done = make(source, os.path.dirname(source) + "/wrong")
            assert done.returncode != 0 and message in done.stderr, (new, done.stderr)
    finally:
        with open(path, "w") as out:
            out.write(right)


def test_overlaps_are_found():
    assert overlaps([("a", 0, 0, 12, 8), ("b", 12, 0, 12, 8), ("c", 0, 8, 24, 8)]) == []
    assert overlaps([("a", 0, 0, 12, 8), ("b", 11, 7, 12, 8)]) == ["b lies on a"]
    assert overlaps([("a", 12, 0, 13, 8)]) == ["a sticks out"]


def test_panels_stand_side_by_side_and_say_what_to_do():
    for name in NAMES:
        made = dashboard(name)
        assert made["uid"] == "mete-" + name and made["title"].startswith("mete / ") and made["tags"] == ["mete"], made["title"]
        assert {"datasource", "job", "instance"} <= set(variables_of(made)), name
        panels = list(panels_of(made))
        places = [(each["title"], *(each["gridPos"][key] for key in "xywh")) for each in panels]
        assert not overlaps(places), (name, overlaps(places))
        ids = [each["id"] for each in panels]
        assert len(ids) == len(set(ids)) and 0 not in ids, (name, ids)
        for each in panels:
            if each["type"] in ("row", "text"):
                continue
            where = "%s: %s" % (name, each["title"])
            refs = [target["refId"] for target in each["targets"]]
            assert refs and len(refs) == len(set(refs)), where
            assert len(each.get("description", "")) >= 6, where + " does not say what it is"
            assert all(target["datasource"] == {"type": "prometheus", "uid": "${datasource}"} for target in each["targets"]), where
            units = [each["fieldConfig"]["defaults"].get("unit")] if each["type"] not in ("table", "heatmap") else []
            assert all(units), where + " has no unit"
        assert made["links"][0]["tags"] == ["mete"], name
    # Links lead to dashboards that are there.
    for name in NAMES:
        for uid in re.findall(r'"/d/([\w-]+)', text_of("%s/grafana/%s.json" % (DASHBOARDS, name))):
            assert uid.startswith("mete-") and uid[5:] in NAMES, (name, uid)


def test_every_expression_is_one():
    expressions = all_expressions()
    assert len(expressions) > 120, len(expressions)
    with tempfile.TemporaryDirectory() as work:
        with open(work + "/rules.yml", "w") as out:
            out.write("groups:\n- name: panels\n  rules:\n")
            for index, (where, expression) in enumerate(expressions):
                out.write("  # %s\n  - {record: 'panel:%d', expr: %s}\n" % (where.replace("\n", " "), index, json.dumps(expression)))
        promtool("check", "rules", work + "/rules.yml")
    for each in RULES:
        promtool("check", "rules", "--lint=all", "--lint-fatal", each)


def test_names_in_expressions_are_found():
    assert metric_names('sum by (pod, le) (rate(a_total{x="up{", y!=""}[5m])) / on (pod) group_left b:c > 0 and up{job="mete"} == 1') == {"a_total", "b:c", "up"}
    assert metric_names('label_values(mete_container_state{namespace=~"$namespace"}, pod)') == {"mete_container_state"}
    assert metric_names("-sum(rate(a[$__rate_interval])) or max(b > 0) unless c offset 10m") == {"a", "b", "c"}


def test_every_metric_is_one_that_mete_exports():
    rules, alerts = recorded()
    assert len(rules) > 30 and len(alerts) >= 19, (len(rules), len(alerts))
    known = exported() | set(rules) | PROMETHEUS_OWN
    named = all_expressions() + list(rules.items()) + alerts
    for name in NAMES:
        named += [("%s: variable %s" % (name, each["name"]), each["query"]) for each in variables_of(dashboard(name)).values() if each["type"] == "query"]
    missing = sorted({"%s (%s)" % (metric, where) for where, expression in named for metric in metric_names(expression) if metric not in known})
    assert not missing, "named, and not exported: " + ", ".join(missing)
    used = {metric for _, expression in all_expressions() + alerts + list(rules.items()) for metric in metric_names(expression)}
    assert not set(rules) - used, "recorded, and never used: %s" % (set(rules) - used)


def test_configurations_and_rule_tests():
    for each in ("prometheus.yml", "prometheus-fleet.yml"):
        done = subprocess.run(["promtool", "check", "config", each], cwd=DASHBOARDS + "/prometheus", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    promtool("test", "rules", DASHBOARDS + "/prometheus/mete-tests.yml")
    if shutil.which("amtool") is None:
        skip_case("needs amtool of Debian's package prometheus-alertmanager")
    done = subprocess.run(["amtool", "check-config", DASHBOARDS + "/prometheus/alertmanager.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_tests_and_a_runbook():
    alerts = [name for name, _ in recorded()[1]]
    tests = re.findall(r'^- name: "(.*)"$', text_of(DASHBOARDS + "/prometheus/mete-tests.yml"), re.M)
    for alert in alerts:
        for what in ("fire", "stay"):
            assert any(re.match(r".*\b%s\b.* %ss? " % (alert, what), each.split(":")[0] + " ") for each in tests), "no test in which %s %ss" % (alert, what)
    books = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text_of(DASHBOARDS + "/RUNBOOKS.md"), re.M | re.S))
    assert list(books) == alerts, "RUNBOOKS.md has other sections, or in another order: %s" % (set(books) ^ set(alerts))
    for alert, section in books.items():
        assert all("**%s" % each in section for each in ("Means.**", "Look.**", "Do.**", "Ends**")), "%s: a runbook says Means, Look, Do, Ends" % alert
    text = text_of(RULES[1])
    for alert in alerts:
        assert "runbook_url: 'RUNBOOKS.md#%s'" % alert.lower() in text, alert


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
