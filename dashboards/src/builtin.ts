// SPDX-License-Identifier: Apache-2.0
// The table for an agent that evaluates alerts itself (`mete agent --alerts`), which has it compiled in: expressions are written out, and
// only what its alerts need is there.
import {Alert, Table, conditions, valueOf} from './table';
import {expand, expressionOf, inhibited} from './rules';

const SECONDS: Record<string, number> = {s: 1, m: 60, h: 3600};

function seconds(duration: string | undefined): number {
  if (duration === undefined) {
    return 0;
  }
  const found = /^(\d+)([smh])$/.exec(duration);
  if (found === null) {
    throw new Error(`alerts.yaml: for is ${duration}, expected a number with s, m or h`);
  }
  return Number(found[1]) * SECONDS[found[2]];
}

// Names of the values that alerts name, and of those within their expressions.
function needed(table: Table, alerts: Alert[]): Set<string> {
  const names = new Set(alerts.flatMap((alert) => [...conditions(alert).map((each) => each.value), ...alert.numbers]));
  for (const name of names) {
    const {expr} = valueOf(table, name);
    table.values.filter((each) => expr.includes(each.record)).forEach((each) => names.add(each.name));
  }
  return names;
}

// {label} stands for the label's value.
function who(text: string): string {
  return text.replace('{container}', '{namespace}/{pod} {container} on {instance}').replace('{machine}', '{instance}');
}

function alertOf(table: Table, alert: Alert, alerts: Alert[]): object {
  const known = new Set(alerts.map((each) => each.name));
  return {
    name: alert.name,
    severity: alert.severity,
    labels: table.levels[alert.level],
    for: seconds(alert.for),
    expr: expressionOf(table, alert).replace(/\s+/g, ' '),
    summary: who(alert.summary),
    numbers: alert.numbers,
    do: alert.do,
    runbook: `RUNBOOKS.md#${alert.name.toLowerCase()}`,
    inhibits: [...inhibited(table, alert)].map(([shared, names]) =>
      ({equal: shared.split(', '), alerts: names.filter((each) => known.has(each))})),
  };
}

export function builtin(table: Table): string {
  const alerts = table.alerts.filter((each) => each.agent !== false);
  const names = needed(table, alerts);
  return JSON.stringify({
    values: table.values.filter((each) => names.has(each.name)).map((each) => ({
      name: each.name, record: each.record, labels: table.levels[each.level], unit: each.unit, what: each.what, expr: expand(table, each.expr),
    })),
    alerts: alerts.map((each) => alertOf(table, each, alerts)),
  }, null, 1) + '\n';
}
