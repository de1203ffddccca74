// SPDX-License-Identifier: Apache-2.0
// All containers in one table to sort, and what happens to them.
import * as units from '@grafana/grafana-foundation-sdk/units';
import {AGENT, CHOSEN, Frame} from '../frame';
import {Section} from '../grid';
import {graph, stat, table} from '../panels';

const LABELS = ['container', 'pod', 'namespace', 'instance'];
const BY = `by (${LABELS.join(', ')})`;
const NAME = '{{pod}} {{container}}';
const OWN = AGENT + ', namespace=~"$namespace"';

export const TO_CONTAINER = {
  title: 'Open in Container',
  url: '/d/mete-container?var-datasource=${datasource}&var-job=${job}&var-instance=${__data.fields.instance}'
    + '&var-namespace=${__data.fields.namespace}&var-pod=${__data.fields.pod}&var-container=${__data.fields.container}&${__url_time_range}',
};

function grown(metric: string, selector = OWN): string {
  return `sum ${BY} (increase(${metric}{${selector}}[$__range]))`;
}

const now: Section = {
  title: 'Now',
  lines: [[
    stat({
      title: 'Running', unit: units.Short, text: 'Containers of mete that run.', expr: `sum(mete_container_state{${OWN}, state="running"})`,
    }),
    stat({
      title: 'Waiting or starting', unit: units.Short, steps: [[1, 'orange']],
      text: 'Containers that wait for an image or a restart. `mete ps` and `mete events` tell for what.',
      expr: `sum(mete_container_state{${OWN}, state=~"waiting|starting"})`,
    }),
    stat({
      title: 'Unhealthy', unit: units.Short, steps: [[1, 'red']],
      text: 'Containers whose health check fails.',
      expr: `count(container_health_state{${CHOSEN}} == 0) or vector(0)`,
    }),
    stat({
      title: 'Restarts in range', unit: units.Short, steps: [[1, 'orange'], [10, 'red']],
      text: 'Sort the table by restarts, then look at the exit code.',
      decimals: 0, expr: `sum(increase(mete_container_restarts_total{${OWN}}[$__range]))`,
    }),
    stat({
      title: 'OOM kills in range', unit: units.Short, steps: [[1, 'red']],
      text: 'Processes killed for want of memory, each counted once, over restarts of container and agent. See Throttling and OOM.',
      decimals: 0, expr: `sum(increase(mete_oom_kills_total{${OWN}}[$__range]))`,
    }),
    stat({
      title: 'Throttled now', unit: units.Short, steps: [[1, 'orange']],
      text: 'Containers whose quota ran out in more than a quarter of its periods. Whether it hurts: see Throttling and OOM.',
      expr: `count(mete:container_cpu_throttled:ratio_rate5m{${CHOSEN}} > 0.25) or vector(0)`,
    }),
  ]],
};

const all: Section = {
  title: 'All containers',
  lines: [
    [table({
      title: 'Use against limits',
      text: 'Sort by any column; a click on a name opens Container. Memory and CPU are against the tightest limit above the container.',
      by: LABELS, sortBy: 'CPU', height: 12, link: TO_CONTAINER,
      columns: [
        {name: 'CPU', unit: units.Short, expr: `sum ${BY} (mete:container_cpu_usage:cores_rate5m{${CHOSEN}})`},
        {name: 'CPU limit', unit: units.Short, expr: `max ${BY} (mete_container_effective_cpu_limit_cores{${CHOSEN}})`},
        {name: 'throttled', unit: units.PercentUnit, steps: [[0.25, 'orange'], [0.75, 'red']], expr: `max ${BY} (mete:container_cpu_throttled:ratio_rate5m{${CHOSEN}})`},
        {name: 'waits for CPU', unit: units.PercentUnit, steps: [[0.25, 'orange'], [0.6, 'red']], expr: `max ${BY} (mete:container_cpu_waiting:ratio_rate5m{${CHOSEN}})`},
        {name: 'memory', unit: units.BytesIEC, expr: `sum ${BY} (container_memory_working_set_bytes{${CHOSEN}})`},
        {name: 'memory limit', unit: units.BytesIEC, expr: `max ${BY} (mete_container_effective_memory_limit_bytes{${CHOSEN}})`},
        {name: 'of limit', unit: units.PercentUnit, steps: [[0.8, 'orange'], [0.9, 'red']], expr: `max ${BY} (mete:container_memory_used:ratio{${CHOSEN}})`},
        {name: 'tasks', unit: units.Short, expr: `sum ${BY} (container_threads{${CHOSEN}})`},
        {name: 'written', unit: units.BytesIEC, expr: `sum ${BY} (container_fs_usage_bytes{${CHOSEN}})`},
      ],
    })],
    [table({
      title: 'What happened in the time shown',
      text: 'Restarts, kills and the last exit code: 137 is a kill, 126 and 127 are a command that cannot be executed.',
      by: LABELS, sortBy: 'restarts', height: 9, link: TO_CONTAINER,
      columns: [
        {name: 'restarts', unit: units.Short, steps: [[1, 'orange'], [3, 'red']], decimals: 0, expr: grown('mete_container_restarts_total')},
        {name: 'OOM kills', unit: units.Short, steps: [[1, 'red']], decimals: 0, expr: grown('mete_oom_kills_total')},
        {name: 'last exit code', unit: units.NoUnit, expr: `max ${BY} (mete_container_last_exit_code{${OWN}})`},
        {name: 'forks refused', unit: units.Short, steps: [[1, 'red']], decimals: 0, expr: grown('mete_container_forks_refused_total', CHOSEN)},
        {name: 'started', unit: units.DateTimeFromNow, expr: `max ${BY} (container_start_time_seconds{${CHOSEN}}) * 1000`},
      ],
    })],
  ],
};

const time: Section = {
  title: 'Over time',
  lines: [
    [
      graph({
        title: 'CPU', unit: units.Short, text: 'In cores, the 15 largest.',
        queries: [{expr: `topk(15, sum ${BY} (rate(container_cpu_usage_seconds_total{${CHOSEN}, cpu="total"}[$__rate_interval])))`, legend: NAME}],
      }),
      graph({
        title: 'Memory against the limit', unit: units.PercentUnit, max: 1, steps: [[0.9, 'red']],
        text: 'Working set, the 15 nearest to their limit. A line that climbs to 100 % ends in an OOM kill.',
        queries: [{expr: `topk(15, mete:container_memory_used:ratio{${CHOSEN}})`, legend: NAME}],
      }),
    ],
    [
      graph({
        title: 'Containers by state', unit: units.Short, stacked: true, text: 'Waiting that does not end: an image that is missing, or a crash loop.',
        queries: [{expr: `sum by (state) (mete_container_state{${OWN}})`, legend: '{{state}}'}],
      }),
      graph({
        title: 'Restarts', unit: units.Short, text: 'Within ten minutes. mete waits longer before each restart.',
        queries: [{expr: `sum ${BY} (increase(mete_container_restarts_total{${OWN}}[10m])) > 0`, legend: NAME}],
      }),
    ],
  ],
};

export const pods: Frame = {
  name: 'pods', title: 'Pods',
  text: 'All containers, sortable: use, limits, throttling, OOM kills, restarts, health.',
  variables: ['job', 'instance', 'namespace'], many: ['instance', 'namespace'],
  sections: [now, all, time],
};
