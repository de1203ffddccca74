// SPDX-License-Identifier: Apache-2.0
// alerts.yaml as types: what levels, values and alerts there are. What does not fit together is an error here, not in Prometheus.
import {readFileSync} from 'node:fs';
import {parse} from 'yaml';

export interface Value {
  name: string;
  record: string;
  level: string;
  unit: string;
  what: string;
  expr: string;
}

export interface Condition {
  value: string;
  above?: number;
  below?: number;
}

export interface Alert {
  name: string;
  severity: 'info' | 'warning' | 'critical';
  level: string;
  for?: string;
  agent?: boolean;
  all?: Condition[];
  any?: Condition[];
  summary: string;
  numbers: string[];
  do: string;
  inhibits?: string[] | 'all';
}

export interface Table {
  levels: Record<string, string[]>;
  values: Value[];
  alerts: Alert[];
}

const KEYS = {
  value: ['name', 'record', 'level', 'unit', 'what', 'expr'],
  condition: ['value', 'above', 'below'],
  alert: ['name', 'severity', 'level', 'for', 'agent', 'all', 'any', 'summary', 'numbers', 'do', 'inhibits'],
};
const SEVERITIES = ['info', 'warning', 'critical'];
const UNITS = ['ratio', 'seconds', 'cores', 'count', 'pages a second'];

function need(condition: boolean, message: string): void {
  if (!condition) {
    throw new Error('alerts.yaml: ' + message);
  }
}

// A field that is not known is a typing error, and would be without effect.
function checkKeys(what: string, object: object, known: string[]): void {
  Object.keys(object).forEach((each) => need(known.includes(each), `${what} has ${each}, which is none of ${known.join(', ')}`));
}

function checkValues(table: Table): void {
  const names = new Set<string>();
  for (const each of table.values) {
    checkKeys(each.name, each, KEYS.value);
    need(!names.has(each.name), each.name + ' is there twice');
    names.add(each.name);
    need(each.level in table.levels, `${each.name}: no level ${each.level}`);
    need(UNITS.includes(each.unit), `${each.name}: unit is ${each.unit}, expected one of ${UNITS.join(', ')}`);
    need(/^mete:[a-z0-9_]+:[a-z0-9_]+$/.test(each.record), `${each.name}: ${each.record} is not mete:SUBJECT:HOW`);
  }
}

function checkAlert(table: Table, alert: Alert, names: Set<string>): void {
  need(alert.level in table.levels, `${alert.name}: no level ${alert.level}`);
  checkKeys(alert.name, alert, KEYS.alert);
  need(SEVERITIES.includes(alert.severity), `${alert.name}: severity is ${alert.severity}, expected one of ${SEVERITIES.join(', ')}`);
  need((alert.all === undefined) !== (alert.any === undefined), alert.name + ' has neither or both of all and any');
  const labels = table.levels[alert.level];
  for (const each of conditions(alert)) {
    checkKeys(alert.name, each, KEYS.condition);
    const level = table.levels[valueOf(table, each.value).level];
    need(level.every((label) => labels.includes(label)), `${alert.name}: ${each.value} is about something more special`);
    need((each.above === undefined) !== (each.below === undefined), `${alert.name}: ${each.value} is above or below`);
  }
  alert.numbers.forEach((each) => valueOf(table, each));
  if (alert.inhibits !== 'all') {
    (alert.inhibits ?? []).forEach((each) => need(names.has(each), `${alert.name} inhibits ${each}, which is no alert`));
  }
}

export function conditions(alert: Alert): Condition[] {
  return alert.all ?? alert.any ?? [];
}

export function valueOf(table: Table, name: string): Value {
  const found = table.values.find((each) => each.name === name);
  if (found === undefined) {
    throw new Error('alerts.yaml: no value ' + name);
  }
  return found;
}

export function readTable(path: string): Table {
  const table = parse(readFileSync(path, 'utf8')) as Table;
  checkValues(table);
  const names = new Set(table.alerts.map((each) => each.name));
  need(names.size === table.alerts.length, 'an alert is there twice');
  table.alerts.forEach((each) => checkAlert(table, each, names));
  return table;
}
