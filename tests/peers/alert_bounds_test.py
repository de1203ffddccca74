# SPDX-License-Identifier: Apache-2.0
"""Where each alert begins: with every value just past its bound it fires after its time and not before, and with any one of them just within
it does not. The values are given as they are recorded; how they are computed is tested by dashboards/prometheus/mete-tests.yml."""
import re
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cases import run_tests  # noqa: E402
from promql import DASHBOARDS, promtool  # noqa: E402

ALERTS = DASHBOARDS + "/prometheus/mete-alerts.yml"
LABELS = {
    "machine": 'job="mete",instance="m"',
    "container": 'job="mete",instance="m",namespace="n",pod="p",container="c"',
    "kill": 'job="mete",instance="m",namespace="n",pod="p",container="c",scope="container",by="kernel"',
    "filesystem": 'job="mete",instance="m",device="d"',
    "file": 'job="mete",instance="m",file="f"',
    "action": 'job="mete",instance="m",enforcer="e",action="a"',
    "enforcer": 'job="mete",instance="m",enforcer="e"',
}
# alert: level, seconds that it waits, all or any, then value: (within, past its bound).
BOUNDS = {
    "MeteThrottlingHurts": ("container", 180, "all", {
        "mete:container_cpu_throttled:ratio_rate5m": (0.24, 0.26), "mete:container_cpu_waiting:ratio_rate5m": (0.24, 0.26),
        "mete:container_cpu_wanted:ratio_rate5m": (1.45, 1.55)}),
    "MeteCpuStarved": ("container", 300, "all", {
        "mete:container_cpu_request_met:ratio_rate5m": (0.91, 0.89), "mete:container_cpu_stalled:ratio_rate5m": (0.24, 0.26),
        "mete:container_cpu_held_back:seconds_rate5m": (0.06, 0.04)}),
    "MeteOomKill": ("kill", 0, "all", {"mete:container_oom_kills:grown10m": (0, 0.9)}),
    "MeteOomLoop": ("container", 0, "all", {"mete:container_oom_kills:grown15m": (2.2, 2.9)}),
    "MeteOomWithoutVictim": ("machine", 0, "all", {"mete:oom_without_victim:grown10m": (0, 0.9)}),
    "MeteMemoryNearLimit": ("container", 60, "all", {"mete:container_memory_used:ratio": (0.89, 0.91), "mete:container_memory_full_in:seconds": (1900, 1700)}),
    "MeteThrashing": ("container", 180, "all", {"mete:container_memory_stalled:ratio_rate5m": (0.14, 0.16), "mete:container_memory_refaults:rate5m": (45, 55)}),
    "MeteIoSaturated": ("machine", 300, "all", {"mete:machine_io_waiting:ratio_rate5m": (0.59, 0.61), "mete:machine_io_victims:count": (1, 2)}),
    "MetePidsNearLimit": ("container", 60, "any", {"mete:container_pids_used:ratio": (0.89, 0.91), "mete:container_forks_refused:grown10m": (0, 0.9)}),
    "MeteCrashLoop": ("container", 0, "all", {"mete:container_restarts:grown20m": (2.2, 2.9)}),
    "MeteUnhealthy": ("container", 60, "all", {"mete:container_health:state": (1, 0)}),
    "MeteLayerFilling": ("container", 300, "all", {"mete:container_layer_used:ratio": (0.79, 0.81)}),
    "MeteInodesFilling": ("filesystem", 300, "all", {"mete:filesystem_inodes_used:ratio": (0.89, 0.91)}),
    "MeteLimitDrift": ("file", 0, "all", {"mete:limit_drift:grown15m": (0, 0.9)}),
    "MeteGuardTripped": ("action", 0, "all", {"mete:enforcement_guarded:grown15m": (0, 0.9)}),
    "MeteEnforcementFailing": ("action", 0, "all", {"mete:enforcement_failed:grown15m": (0, 0.9)}),
    "MeteEnforcementSlow": ("enforcer", 60, "all", {"mete:enforcement_reaction:p99_rate10m": (0.49, 0.51)}),
    "MeteAgentLag": ("machine", 300, "all", {"mete:agent_loop_lag:p99_rate5m": (0.09, 0.11)}),
    "MeteCountersStopped": ("machine", 180, "any", {
        "mete:machine_cpu_usage:cores_rate5m": (0.0001, 0), "mete:agent_reading_age:seconds": (55, 65), "mete:agent_read_errors:rate5m": (0.45, 0.55)}),
    "MeteTargetDown": ("machine", 60, "all", {"mete:agent_up:state": (1, 0)}),
}


def cases(alert):
    """(what, the values, whether it fires)"""
    _, _, how, values = BOUNDS[alert]
    past = {name: bounds[1] for name, bounds in values.items()}
    within = {name: bounds[0] for name, bounds in values.items()}
    yield ("all past", past, True)
    yield ("all within", within, False)
    if alert == "MeteUnhealthy":
        yield ("not known yet", dict.fromkeys(values, -1), False)
    if len(values) > 1:
        for name in values:
            yield ((name + " within", {**past, name: within[name]}, False) if how == "all" else (name + " past", {**within, name: past[name]}, True))
            # What is not known is no reason.
            yield ((name + " absent", {each: past[each] for each in past if each != name}, False) if how == "all" else
                   (name + " alone", {name: past[name]}, True))


def text_of_test(alert, what, values, fires):
    level, waits, _, _ = BOUNDS[alert]
    steps = waits // 30 + 4
    text = '- name: "%s: %s"\n  interval: 30s\n  input_series:\n' % (alert, what)
    for name, value in values.items():
        text += "  - {series: '%s{%s}', values: '%gx%d'}\n" % (name, LABELS[level], value, steps)
    expr = 'count(ALERTS{alertname="%s",alertstate="firing"})' % alert
    asked = [(waits - 30, False)] * (waits > 0) + [(waits, fires), (waits + 60, fires)]
    text += "  promql_expr_test:\n"
    for seconds, firing in asked:
        text += "  - {expr: '%s', eval_time: %ds, exp_samples: %s}\n" % (expr, seconds, "[{labels: '{}', value: 1}]" if firing else "[]")
    return text


def test_each_alert_begins_at_its_bounds():
    with open(ALERTS) as file:
        alerts = re.findall(r"^  - alert: (\w+)$", file.read(), re.M)
    assert alerts == list(BOUNDS), "alerts without bounds, or the other way round: %s" % (set(alerts) ^ set(BOUNDS))
    texts = [text_of_test(alert, *case) for alert in BOUNDS for case in cases(alert)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as out:
        out.write("rule_files: [%s]\nevaluation_interval: 30s\ntests:\n%s" % (ALERTS, "".join(texts)))
        out.flush()
        promtool("test", "rules", out.name)
    print("     %d alerts, %d cases" % (len(BOUNDS), len(texts)))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
