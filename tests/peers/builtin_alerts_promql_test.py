# SPDX-License-Identifier: Apache-2.0
"""The agent's own PromQL beside Prometheus': for the same series, each rule of the table and each alert's expression have the same results. The
series are those of mete-tests.yml, and random ones with gaps, resets, series that end and come again, odd intervals and special values."""
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cases import run_tests, skip  # noqa: E402
from mete_agent import BIN  # noqa: E402
from promql import DASHBOARDS, need  # noqa: E402

try:
    import yaml
except ImportError:
    skip("needs python3-yaml")
FOLDER = DASHBOARDS + "/prometheus/"
SEED = int(os.environ.get("METE_SEED", "0")) or random.randrange(1, 1 << 30)
GAP, STALE = None, "stale"


def load(name):
    with open(FOLDER + name) as file:
        return yaml.safe_load(file)


def rules():
    """(name, expression, expression for Prometheus) in the order in which they are evaluated."""
    values = [(each["record"], each["expr"], each["record"]) for each in load("mete-rules.yml")["groups"][0]["rules"]]
    return values + [("alert:" + each["alert"], each["expr"], each["expr"]) for each in load("mete-alerts.yml")["groups"][0]["rules"]]


def seconds(text):
    return sum(int(number) * {"s": 1, "m": 60, "h": 3600}[unit] for number, unit in re.findall(r"(\d+)([smh])", str(text)))


def expanded(values):
    """promtool's notation: 'a+bxn', 'axn', '_xn', 'stale', single values."""
    found = []
    for word in values.split():
        number = r"-?[\d.]+(?:e-?\d+)?"
        steps = re.fullmatch(r"(%s)([+-][\d.]+(?:e-?\d+)?)x(\d+)" % number, word)
        times = re.fullmatch(r"(%s|_)x(\d+)" % number, word)
        if steps:
            found += [float(steps[1]) + float(steps[2]) * i for i in range(int(steps[3]) + 1)]
        elif times and times[1] == "_":
            found += [GAP] * int(times[2])
        elif times:
            found += [float(times[1])] * (int(times[2]) + 1)
        else:
            found.append(GAP if word == "_" else STALE if word == "stale" else float(word))
    return found


class Case:
    """Series sampled together every `interval` seconds; `times`: when the rules are compared."""

    def __init__(self, name, interval, series, times):
        self.name, self.interval, self.times = name, interval, times
        longest = max(len(values) for values in series.values())
        # A scrape has a series or ends it: only where there is no scrape at all is there a gap.
        padded = {each: values + [GAP] * (longest - len(values)) for each, values in series.items()}
        self.scraped = [any(isinstance(values[i], float) for values in padded.values()) for i in range(longest)]
        self.series = {}
        for each, values in padded.items():
            seen = False
            self.series[each] = []
            for i, value in enumerate(values):
                there = isinstance(value, float)
                self.series[each].append(value if there else STALE if seen and self.scraped[i] else GAP)
                seen = there or (seen and not self.scraped[i])

    def for_promtool(self, asked):
        word = {GAP: "_", STALE: "stale"}
        tests = {"name": self.name, "interval": "%ds" % self.interval, "promql_expr_test": [
            {"expr": expression, "eval_time": "%ds" % at, "exp_samples": [{"labels": '{no="such"}', "value": 0}]} for at in self.times for _, _, expression in asked]}
        tests["input_series"] = [{"series": each, "values": " ".join(word[value] if value in word else repr(value) for value in values)}
                                 for each, values in self.series.items()]
        return tests

    def for_probe(self):
        at = 0
        lines = ["clear"]
        for time in self.times:
            while at < len(self.scraped) and at * self.interval <= time:
                if self.scraped[at]:
                    lines.append("scrape %d" % (at * self.interval * 1000))
                    lines += ["%s %r" % (each, values[at]) for each, values in self.series.items() if isinstance(values[at], float)]
                    lines.append(".")
                at += 1
            lines.append("evaluate %d" % (time * 1000))
        return lines


def labels_of(text):
    return tuple(sorted((name, value) for name, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text) if name != "__name__"))


def by_promtool(cases, asked):
    """A list, for each case, time and rule, of {labels: value}."""
    need("promtool")
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as out:
        tests = [case.for_promtool(asked) for case in cases]
        json.dump({"rule_files": [FOLDER + "mete-rules.yml"], "evaluation_interval": "15s", "tests": tests}, out)
        out.flush()
        done = subprocess.run(["promtool", "test", "rules", out.name], capture_output=True, text=True)
    text = done.stdout + done.stderr
    found = []
    for got in re.findall(r"^ +got: (.*)$", text, re.M):
        pairs = re.findall(r'(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}) (\S+?)(?:,|$)', got)
        found.append({labels_of(labels): float(value) for labels, value in pairs})
    assert len(found) == sum(len(case.times) for case in cases) * len(asked), (len(found), text[:2000])
    return found


def by_probe(cases, asked):
    lines = ["rule %s\t%s" % (name, expression.replace("\n", " ")) for name, expression, _ in asked]
    for case in cases:
        lines += case.for_probe()
    done = subprocess.run([BIN + "/promql_probe"], input="\n".join(lines) + "\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = []
    results = {}
    for line in done.stdout.splitlines():
        if line == ".":
            answers.append(results)
            results = {}
            continue
        name, labels, value = line.split("\t")
        assert labels != "error", line
        results.setdefault(name, {})[labels_of(labels)] = float(value)
    assert len(answers) == sum(len(case.times) for case in cases)
    return answers


def same(a, b, expression):
    # Prometheus' least squares lose digits of large values that hardly change.
    near = 1e-4 if "deriv(" in expression else 1e-9
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=near, abs_tol=1e-12)


def compare(cases):
    asked = rules()
    answers = iter(by_probe(cases, asked))
    expected = iter(by_promtool(cases, asked))
    compared = filled = 0
    not_empty = set()
    for case in cases:
        for at in case.times:
            ours = next(answers)
            for name, expression, _ in asked:
                theirs, own = next(expected), ours.get(name, {})
                assert theirs.keys() == own.keys() and all(same(theirs[each], own[each], expression) for each in theirs), \
                    "%s at %d s, seed %d: %s\n  %s\n  Prometheus %s\n  mete       %s" % (case.name, at, SEED, name, expression, theirs, own)
                compared += 1
                filled += len(theirs)
                not_empty |= {name} if theirs else set()
    print("     %d cases, %d results compared, %d series in them, %d of %d rules with data" % (len(cases), compared, filled, len(not_empty), len(asked)))
    return not_empty


def test_the_series_of_the_rules_own_tests():
    cases = []
    for each in load("mete-tests.yml")["tests"]:
        series = {one["series"]: expanded(one["values"]) for one in each["input_series"]}
        interval = seconds(each["interval"])
        end = max(len(values) for values in series.values()) * interval
        asked = {seconds(one["eval_time"]) for kind in ("promql_expr_test", "alert_rule_test") for one in each.get(kind, [])}
        cases.append(Case(each["name"], interval, series, sorted(asked | {end // 2 // 30 * 30, end // 30 * 30})))
    not_empty = compare(cases)
    missing = {name for name, _, _ in rules()} - not_empty - {"mete:agent_reading_age:seconds"}  # of random series alone
    assert not missing, "no data for: %s" % sorted(missing)


def metrics_of_the_table():
    """metric -> the label matchers with = that the table has for it, and whether it is a counter."""
    found = {}
    for _, expression, _ in rules():
        for name, inside in re.findall(r"(?<![\w:])([a-z]\w*)(?:\{([^}]*)\})?(?=[\s)\[]|$)", expression):
            if (name.startswith(("mete_", "container_")) or name == "up"):
                found.setdefault(name, set()).add(tuple(sorted(re.findall(r'(\w+)="([^"]*)"', inside))))
    return found


def random_values(chance, name, length):
    """A counter that stands still, grows, begins anew; a gauge that wanders; both with times at which they are not there."""
    counter = name.endswith(("_total", "_bucket"))
    value = chance.choice([0.0, 0.0, 1.0, 17.0, 1e9 + 0.25])
    kind = chance.choice(["still", "steps", "steady", "bursts"])
    values = []
    missing = 0
    for _ in range(length):
        if missing == 0 and chance.random() < 0.02:
            missing = chance.choice([1, 1, 3, 25])
        if counter and chance.random() < 0.03:
            value = chance.choice([0.0, 1.0, value / 2])
        if kind == "steady":
            value += 1.5
        elif kind == "steps" and chance.random() < 0.1:
            value += 1
        elif kind == "bursts" and chance.random() < 0.2:
            value += chance.choice([0.125, 3, 1000]) * (1 if counter or chance.random() < 0.6 else -1)
        values.append(GAP if missing > 0 else float(max(value, 0.0) if counter else value))
        missing = max(0, missing - 1)
    if not counter and chance.random() < 0.1:
        values[chance.randrange(length)] = chance.choice([math.nan, math.inf, 0.0])
    return values


def random_case(chance, number):
    interval = chance.choice([15, 15, 30, 60])
    length = 30 * 60 // interval
    gaps = set()
    for _ in range(chance.randrange(3)):
        begin = chance.randrange(length)
        gaps |= set(range(begin, begin + chance.choice([1, 2, 6, 24])))
    series = {}
    for name, all_matchers in sorted(metrics_of_the_table().items()):
        for matchers in sorted(all_matchers):
            for pod in ("a", "b") if name != "up" else ("",):
                labels = {"job": "mete", "instance": "m", **({} if name == "up" else {"namespace": "n", "pod": pod, "container": "c", "device": "d"}), **dict(matchers)}
                if name == "mete_oom_kills_total":
                    labels.update(scope="container", by="kernel")
                if labels.get("id") == "/":
                    labels.update(pod="", container="")
                if chance.random() < 0.15:
                    continue
                bounds = ["0.1", "1", "+Inf"] if name.endswith("_bucket") else [""]
                below = [0.0] * length
                for le in bounds:
                    values = random_values(chance, name, length)
                    if le:
                        below = values = [None if old is None or new is None else old + new for old, new in zip(below, values)]
                    text = ",".join('%s="%s"' % each for each in sorted({**labels, "le": le}.items()) if each[1])
                    values = [1.0 if name == "up" else each for each in values]
                    series["%s{%s}" % (name, text)] = [GAP if i in gaps else each for i, each in enumerate(values)]
    return Case("random %d" % number, interval, series, sorted(chance.sample(range(0, 33 * 4), 8) + [120]))


def test_random_series():
    print("     METE_SEED=%d" % SEED)
    cases = []
    for number in range(int(os.environ.get("METE_CASES", "12"))):
        case = random_case(random.Random(SEED + number), number)
        case.times = [each * 15 for each in case.times]
        cases.append(case)
    not_empty = compare(cases)
    assert len(not_empty) > 40 and "mete:agent_reading_age:seconds" in not_empty, not_empty


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
