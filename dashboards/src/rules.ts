// SPDX-License-Identifier: Apache-2.0
// The rule files of Prometheus and the configuration of an Alertmanager, as text, from the table.
import {Alert, Condition, Table, Value, conditions, valueOf} from './table';

const MADE = '# Made from dashboards/src/alerts.yaml: npm run build\n';

function labelsOf(table: Table, level: string): string {
  return table.levels[level].join(', ');
}

// How much a counter grew. increase() sees no growth of a series that begins with 1, as that of a container that is killed before the
// first scrape: such a series counts from 0. "Begins" means that its target was there a window ago and the series was not, so that a gap
// in scraping is no beginning.
function grown(table: Table, selector: string, window: string, level: string): string {
  const by = labelsOf(table, level);
  return `sum by (${by}) (((${selector} unless ${selector} offset ${window}) and on (job, instance) (up offset ${window} == 1))`
    + ` or increase(${selector}[${window}]))`;
}

export function expand(table: Table, expr: string): string {
  return expr
    .replace(/\$grown\(([^,{]+(?:\{[^}]*\})?), (\w+), (\w+)\)/g, (_, selector: string, window: string, level: string) =>
      grown(table, selector, window, level))
    .replace(/\$(\w+)/g, (_, level: string) => labelsOf(table, level));
}

// 'it''s': the only thing that a single-quoted text of YAML escapes.
function quoted(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}

function comparison(table: Table, condition: Condition): string {
  const [sign, bound] = condition.above !== undefined ? ['>', condition.above] : ['<', condition.below];
  return `${valueOf(table, condition.value).record} ${sign} ${bound}`;
}

export function expressionOf(table: Table, alert: Alert): string {
  const labels = labelsOf(table, alert.level);
  return conditions(alert).map((each, index) => {
    const text = comparison(table, each);
    if (index === 0) {
      return text;
    }
    const shared = labelsOf(table, valueOf(table, each.value).level);
    return alert.any !== undefined ? 'or ' + text : shared === labels ? 'and ' + text : `and on (${shared}) ${text}`;
  }).join('\n      ');
}

function who(alert: Alert, text: string): string {
  return text
    .replace('{container}', '{{ $labels.namespace }}/{{ $labels.pod }} {{ $labels.container }} on {{ $labels.instance }}')
    .replace('{machine}', '{{ $labels.instance }}')
    .replace(/\{(\w+)\}/g, (_, label: string) => `{{ $labels.${label} }}`);
}

function format(value: Value): string {
  switch (value.unit) {
    case 'ratio': return 'humanizePercentage';
    case 'seconds': return 'humanizeDuration';
    case 'cores': return 'printf "%.3f cores"';
    case 'pages a second': return 'printf "%.0f a second"';
    default: return 'printf "%.3g"';
  }
}

// A value when it is told: a query, because only the first of an alert's conditions is its $value. A value that is absent says so.
function told(table: Table, value: Value): string {
  const labels = table.levels[value.level];
  const matchers = labels.map((label) => label + '=%q').join(',');
  const given = labels.map((label) => '$labels.' + label).join(' ');
  return `${value.what}: {{ with printf "${value.record}{${matchers}}" ${given} | query }}{{ . | first | value | ${format(value)} }}`
    + '{{ else }}not known{{ end }}';
}

export function recordingRules(table: Table): string {
  const rules = table.values.map((each) =>
    `  # ${each.what[0].toUpperCase()}${each.what.slice(1)} (${each.unit}).\n`
    + `  - record: ${each.record}\n    expr: >-\n      ${expand(table, each.expr)}\n`);
  return `${MADE}groups:\n- name: mete-values\n  rules:\n${rules.join('')}`;
}

function alertRule(table: Table, alert: Alert): string {
  const numbers = alert.numbers.map((each) => '        ' + told(table, valueOf(table, each)));
  return [
    `  - alert: ${alert.name}`,
    `    expr: |-`,
    `      ${expressionOf(table, alert)}`,
    ...(alert.for ? [`    for: ${alert.for}`] : []),
    `    labels: {severity: ${alert.severity}}`,
    `    annotations:`,
    `      summary: ${quoted(who(alert, alert.summary))}`,
    `      numbers: |-`,
    ...numbers,
    `      description: ${quoted(alert.do)}`,
    `      runbook_url: 'RUNBOOKS.md#${alert.name.toLowerCase()}'`,
  ].join('\n') + '\n';
}

export function alertRules(table: Table): string {
  return `${MADE}groups:\n- name: mete-alerts\n  rules:\n${table.alerts.map((each) => alertRule(table, each)).join('')}`;
}

// Which alerts it holds back, by the labels in which they agree with it.
export function inhibited(table: Table, alert: Alert): Map<string, string[]> {
  const byLabels = new Map<string, string[]>();
  for (const each of alert.inhibits === 'all' ? [] : alert.inhibits ?? []) {
    const target = table.alerts.find((other) => other.name === each)!;
    const shared = table.levels[alert.level].filter((label) => table.levels[target.level].includes(label)).join(', ');
    byLabels.set(shared, [...(byLabels.get(shared) ?? []), each]);
  }
  return byLabels;
}

function inhibition(table: Table, alert: Alert): string[] {
  if (alert.inhibits === 'all') {
    return [`- source_matchers: [alertname="${alert.name}"]\n  target_matchers: [alertname=~"Mete.+", alertname!="${alert.name}"]\n`
      + '  equal: [job, instance]\n'];
  }
  return [...inhibited(table, alert)].map(([shared, names]) =>
    `- source_matchers: [alertname="${alert.name}"]\n  target_matchers: [alertname=~"${names.join('|')}"]\n  equal: [${shared}]\n`);
}

export function alertmanager(table: Table): string {
  const rules = table.alerts.flatMap((each) => inhibition(table, each)).join('');
  return `${MADE}# An example: what is about one container is one message; critical alerts go out at once, by mail and webhook.
global:
  resolve_timeout: 5m
  smtp_smarthost: localhost:25
  smtp_from: mete@localhost
  smtp_require_tls: false
route:
  receiver: webhook
  group_by: [instance, namespace, pod, container]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
  - matchers: [severity="critical"]
    receiver: mail-and-webhook
    group_wait: 5s
receivers:
- name: webhook
  webhook_configs:
  - url: http://127.0.0.1:9095/
- name: mail-and-webhook
  webhook_configs:
  - url: http://127.0.0.1:9095/
  email_configs:
  - to: root@localhost
    send_resolved: true
# One cause is told once: an alert is not sent while one that causes it fires for the same thing.
inhibit_rules:
${rules}`;
}
