// SPDX-License-Identifier: Apache-2.0
// Many machines in one Prometheus.
import * as units from '@grafana/grafana-foundation-sdk/units';
import {AGENT, Frame, ROOT} from '../frame';
import {Section} from '../grid';
import {graph, stat, table} from '../panels';

const TO_MACHINE = {
  title: 'Open in Machine',
  url: '/d/mete-machine?var-datasource=${datasource}&var-job=${job}&var-instance=${__data.fields.instance}&${__url_time_range}',
};
const CPU = `sum by (instance) (rate(container_cpu_usage_seconds_total{${ROOT}, cpu="total"}[$__rate_interval])) / sum by (instance) (machine_cpu_cores{${AGENT}})`;
const MEMORY = `sum by (instance) (container_memory_working_set_bytes{${ROOT}}) / sum by (instance) (machine_memory_bytes{${AGENT}})`;

const now: Section = {
  title: 'Now',
  lines: [
    [
      stat({
        title: 'Agents that answer', unit: units.Short, text: 'Machines whose agent answers Prometheus.', expr: `sum(up{${AGENT}})`,
      }),
      stat({
        title: 'Agents down', unit: units.Short, steps: [[1, 'red']],
        text: 'Containers there go on inside their limits; nobody restarts them and no policy acts. See the runbook MeteTargetDown.',
        expr: `count(up{${AGENT}} == 0) or vector(0)`,
      }),
      stat({
        title: 'Containers that run', unit: units.Short, text: 'Of all agents.', expr: `sum(mete_agent_containers{${AGENT}, state="running"})`,
      }),
      stat({
        title: 'Alerts', unit: units.Short, steps: [[1, 'red']],
        text: 'That fire now. The table below names them; each has a section in RUNBOOKS.md.',
        expr: `count(ALERTS{${AGENT}, alertname=~"Mete.+", alertstate="firing"}) or vector(0)`,
      }),
      stat({
        title: 'OOM kills in range', unit: units.Short, steps: [[1, 'red']], text: 'On all machines.',
        decimals: 0, expr: `sum(increase(mete_oom_kills_total{${AGENT}}[$__range]))`,
      }),
      stat({
        title: 'Versions', unit: units.Short, steps: [[2, 'orange']], text: 'How many versions of mete run. More than one: an upgrade is under way, or was left.',
        expr: `count(count by (version) (mete_agent_build_info{${AGENT}}))`,
      }),
    ],
    [table({
      title: 'Machines', text: 'A click on an address opens Machine. Sort by what is short.',
      by: ['instance'], sortBy: 'CPU', link: TO_MACHINE,
      columns: [
        {name: 'answers', unit: units.NoUnit, expr: `max by (instance) (up{${AGENT}})`},
        {name: 'CPU', unit: units.PercentUnit, steps: [[0.8, 'orange'], [0.95, 'red']], expr: CPU},
        {name: 'CPUs', unit: units.Short, expr: `sum by (instance) (machine_cpu_cores{${AGENT}})`},
        {name: 'memory', unit: units.PercentUnit, steps: [[0.85, 'orange'], [0.95, 'red']], expr: MEMORY},
        {name: 'size', unit: units.BytesIEC, expr: `sum by (instance) (machine_memory_bytes{${AGENT}})`},
        {name: 'waits for CPU', unit: units.PercentUnit, steps: [[0.6, 'orange']], expr: `max by (instance) (rate(container_pressure_cpu_waiting_seconds_total{${ROOT}}[$__rate_interval]))`},
        {name: 'waits for memory', unit: units.PercentUnit, steps: [[0.1, 'orange']], expr: `max by (instance) (rate(container_pressure_memory_waiting_seconds_total{${ROOT}}[$__rate_interval]))`},
        {name: 'waits for IO', unit: units.PercentUnit, steps: [[0.6, 'orange']], expr: `max by (instance) (rate(container_pressure_io_waiting_seconds_total{${ROOT}}[$__rate_interval]))`},
        {name: 'containers', unit: units.Short, expr: `sum by (instance) (mete_agent_containers{${AGENT}, state="running"})`},
        {name: 'restarts', unit: units.Short, decimals: 0, expr: `sum by (instance) (increase(mete_container_restarts_total{${AGENT}}[$__range]))`},
        {name: 'OOM kills', unit: units.Short, steps: [[1, 'red']], decimals: 0, expr: `sum by (instance) (increase(mete_oom_kills_total{${AGENT}}[$__range]))`},
      ],
    })],
    [table({
      title: 'Alerts that fire', text: 'What an Alertmanager was told, before it groups and inhibits. RUNBOOKS.md has a section for each.',
      by: ['alertname', 'severity', 'instance', 'namespace', 'pod', 'container'], sortBy: 'severity', height: 7,
      columns: [{
        name: 'for something that is', unit: units.NoUnit,
        expr: `count by (alertname, severity, instance, namespace, pod, container) (ALERTS{${AGENT}, alertname=~"Mete.+", alertstate="firing"})`,
      }],
    })],
  ],
};

const time: Section = {
  title: 'Over time',
  lines: [
    [
      graph({
        title: 'CPU', unit: units.PercentUnit, max: 1, text: 'By machine. One far above the others: move a pod.', width: 12,
        queries: [{expr: CPU, legend: '{{instance}}'}],
      }),
      graph({
        title: 'Memory', unit: units.PercentUnit, max: 1, text: 'Working set by machine.', width: 12,
        queries: [{expr: MEMORY, legend: '{{instance}}'}],
      }),
    ],
    [
      graph({
        title: 'Largest containers by CPU', unit: units.Short, text: 'Of all machines, in cores.',
        queries: [{expr: `topk(15, mete:container_cpu_usage:cores_rate5m{${AGENT}})`, legend: '{{instance}} {{pod}} {{container}}'}],
      }),
      graph({
        title: 'Largest containers by memory', unit: units.BytesIEC, text: 'Of all machines, working set.',
        queries: [{expr: `topk(15, sum by (instance, pod, container) (container_memory_working_set_bytes{${AGENT}, container!=""}))`, legend: '{{instance}} {{pod}} {{container}}'}],
      }),
    ],
  ],
};

export const fleet: Frame = {
  name: 'fleet', title: 'Fleet',
  text: 'Many machines in one Prometheus: which is short of what, and where alerts fire.',
  variables: ['job', 'instance'], many: ['instance'],
  sections: [now, time],
};
