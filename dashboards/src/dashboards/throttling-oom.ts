// SPDX-License-Identifier: Apache-2.0
// Triage: who is throttled or killed, why, what it costs, and what would do.
import * as units from '@grafana/grafana-foundation-sdk/units';
import {AGENT, CHOSEN, Frame} from '../frame';
import {Section} from '../grid';
import {graph, stat, table, text} from '../panels';
import {TO_CONTAINER} from './pods';

const LABELS = ['container', 'pod', 'namespace', 'instance'];
const BY = `by (${LABELS.join(', ')})`;
const NAME = '{{pod}} {{container}}';
const OWN = AGENT + ', namespace=~"$namespace"';

const hurts: Section = {
  title: 'Throttling: whom does it hurt?',
  lines: [
    [
      stat({
        title: 'Throttled', unit: units.Short, steps: [[1, 'orange']], width: 6,
        text: 'The quota ran out in more than a quarter of its periods. That alone is no harm.',
        expr: `count(mete:container_cpu_throttled:ratio_rate5m{${CHOSEN}} > 0.25) or vector(0)`,
      }),
      stat({
        title: 'Throttled, waiting, and with work left', unit: units.Short, steps: [[1, 'red']], width: 6,
        text: 'This is what MeteThrottlingHurts is about: these need more CPU than their quota gives.',
        expr: `count(mete:container_cpu_throttled:ratio_rate5m{${CHOSEN}} > 0.25 and mete:container_cpu_waiting:ratio_rate5m > 0.25`
          + ' and mete:container_cpu_wanted:ratio_rate5m > 1.5) or vector(0)',
      }),
      stat({
        title: 'Stopped by a quota above', unit: units.Short, steps: [[1, 'orange']], width: 6,
        text: "The pod's or a slice's quota stops these, not their own. `mete explain` shows which.",
        expr: `count(rate(mete_container_cpu_inherited_throttled_seconds_total{${CHOSEN}}[$__rate_interval]) > 0.05) or vector(0)`,
      }),
      stat({
        title: 'Starved without a quota', unit: units.Short, steps: [[1, 'red']], width: 6,
        text: 'They stand still, get less than they request, and no quota is the reason: the machine is full.',
        expr: `count(mete:container_cpu_request_met:ratio_rate5m{${CHOSEN}} < 0.9 and mete:container_cpu_stalled:ratio_rate5m > 0.25`
          + ' and mete:container_cpu_held_back:seconds_rate5m < 0.05) or vector(0)',
      }),
    ],
    [table({
      title: 'Who is throttled, and what it costs',
      text: '"would use": CPU use without the time it waited, what the limit should be near. "stands still" is the mean length of a throttled stretch, what a request may lose at once.',
      by: LABELS, sortBy: 'throttled', link: TO_CONTAINER,
      columns: [
        {name: 'throttled', unit: units.PercentUnit, steps: [[0.25, 'orange'], [0.75, 'red']], expr: `max ${BY} (mete:container_cpu_throttled:ratio_rate5m{${CHOSEN}})`},
        {name: 'waits', unit: units.PercentUnit, steps: [[0.25, 'orange'], [0.6, 'red']], expr: `max ${BY} (mete:container_cpu_waiting:ratio_rate5m{${CHOSEN}})`},
        {name: 'wants of quota', unit: units.PercentUnit, steps: [[1, 'orange'], [1.5, 'red']], expr: `max ${BY} (mete:container_cpu_wanted:ratio_rate5m{${CHOSEN}})`},
        {name: 'stands still', unit: units.Seconds, steps: [[0.02, 'orange'], [0.1, 'red']], expr: `max ${BY} (mete:container_cpu_throttle_length:seconds_rate5m{${CHOSEN}})`},
        {name: 'lost a second', unit: units.Seconds, expr: `max ${BY} (mete:container_cpu_held_back:seconds_rate5m{${CHOSEN}})`},
        {name: 'quota', unit: units.Short, expr: `max ${BY} (mete:container_cpu_quota:cores{${CHOSEN}})`},
        {name: 'uses', unit: units.Short, expr: `max ${BY} (mete:container_cpu_usage:cores_rate5m{${CHOSEN}})`},
        {
          name: 'would use', unit: units.Short,
          expr: `max ${BY} (mete:container_cpu_usage:cores_rate5m{${CHOSEN}} / (1 - clamp_max(mete:container_cpu_waiting:ratio_rate5m{${CHOSEN}}, 0.98)))`,
        },
      ],
    })],
    [
      graph({
        title: 'Throttled periods', unit: units.PercentUnit, max: 1, width: 8,
        text: 'The 15 highest. High with little waiting is a container that is done in time.',
        queries: [{expr: `topk(15, sum ${BY} (rate(container_cpu_cfs_throttled_periods_total{${CHOSEN}}[$__rate_interval])) / sum ${BY} (rate(container_cpu_cfs_periods_total{${CHOSEN}}[$__rate_interval])))`, legend: NAME}],
      }),
      graph({
        title: 'Waiting for CPU', unit: units.PercentUnit, max: 1, width: 8,
        text: 'The 15 highest. Waiting without throttling is a full machine.',
        queries: [{expr: `topk(15, sum ${BY} (rate(container_pressure_cpu_waiting_seconds_total{${CHOSEN}}[$__rate_interval])))`, legend: NAME}],
      }),
      graph({
        title: 'Stopped by quotas above', unit: units.Short, width: 8,
        text: "CPU seconds a second that a pod's or slice's quota took. Raise that quota, not the container's.",
        queries: [{expr: `topk(15, sum ${BY} (rate(mete_container_cpu_inherited_throttled_seconds_total{${CHOSEN}}[$__rate_interval])))`, legend: NAME}],
      }),
    ],
  ],
};

const ooms: Section = {
  title: 'Out of memory',
  lines: [
    [
      table({
        title: 'Kills in the time shown', width: 12,
        text: 'scope: whose limit it was. by: who killed. `mete oom ls` has a record of each.',
        by: ['container', 'pod', 'namespace', 'instance', 'scope', 'by'], sortBy: 'kills', link: TO_CONTAINER,
        columns: [{
          name: 'kills', unit: units.Short, steps: [[1, 'red']],
          decimals: 0, expr: `sum by (container, pod, namespace, instance, scope, by) (increase(mete_oom_kills_total{${OWN}}[$__range]))`,
        }],
      }),
      table({
        title: 'Who is near its limit', width: 12,
        text: '"peak" is the most that was ever in use, page cache included. A working set near the limit is what kills.',
        by: LABELS, sortBy: 'of limit', link: TO_CONTAINER,
        columns: [
          {name: 'of limit', unit: units.PercentUnit, steps: [[0.8, 'orange'], [0.9, 'red']], expr: `max ${BY} (mete:container_memory_used:ratio{${CHOSEN}})`},
          {name: 'limit', unit: units.BytesIEC, expr: `max ${BY} (mete_container_effective_memory_limit_bytes{${CHOSEN}})`},
          {name: 'peak', unit: units.BytesIEC, expr: `max ${BY} (container_memory_max_usage_bytes{${CHOSEN}})`},
          {name: 'stalled', unit: units.PercentUnit, steps: [[0.15, 'red']], expr: `max ${BY} (mete:container_memory_stalled:ratio_rate5m{${CHOSEN}})`},
        ],
      }),
    ],
    [
      graph({
        title: 'Kills', unit: units.Short, width: 8, text: 'Within ten minutes. A row of them is a loop: stop it, or raise the limit.',
        queries: [{expr: `sum by (instance, pod, container, scope, by) (increase(mete_oom_kills_total{${OWN}}[10m])) > 0`, legend: '{{pod}} {{container}} ({{scope}}, {{by}})'}],
      }),
      graph({
        title: 'Full in', unit: units.Seconds, width: 8,
        text: 'Until the working set reaches the limit at the rate of five minutes; only those that grow. Below half an hour at 90 % is MeteMemoryNearLimit.',
        queries: [{expr: `bottomk(15, mete:container_memory_full_in:seconds{${CHOSEN}} < 86400)`, legend: NAME}],
      }),
      graph({
        title: 'Reads again what was dropped', unit: units.CountsPerSecond, width: 8,
        text: 'Refaults: the working set does not fit. With memory stalls beside it, it thrashes: raise the limit.',
        queries: [{expr: `topk(15, sum ${BY} (rate(container_memory_workingset_refault_file_total{${CHOSEN}}[$__rate_interval]) + rate(container_memory_workingset_refault_anon_total{${CHOSEN}}[$__rate_interval])))`, legend: NAME}],
      }),
    ],
  ],
};

const advice: Section = {
  title: 'What requests and limits would do',
  lines: [
    [text('From the use in the time shown: the 90th percentile for requests and the 95th for limits, with 15 % on top, as the advisor does. `mete advise POD` '
      + 'has days of history and says what it would have avoided. A throttled container shows only what its quota let it use: take "would use" above.', 3)],
    [table({
      title: 'Advice', text: 'Compare with the present values beside. Memory limits come from the highest working set.',
      by: LABELS, sortBy: 'CPU limit', link: TO_CONTAINER,
      columns: [
        {name: 'CPU request', unit: units.Short, expr: `1.15 * max ${BY} (quantile_over_time(0.9, mete:container_cpu_usage:cores_rate5m{${CHOSEN}}[$__range]))`},
        {name: 'requests now', unit: units.Short, expr: `max ${BY} (container_spec_cpu_shares{${CHOSEN}}) / 1024`},
        {name: 'CPU limit', unit: units.Short, expr: `1.15 * max ${BY} (quantile_over_time(0.95, mete:container_cpu_usage:cores_rate5m{${CHOSEN}}[$__range]))`},
        {name: 'quota now', unit: units.Short, expr: `max ${BY} (mete:container_cpu_quota:cores{${CHOSEN}})`},
        {name: 'memory request', unit: units.BytesIEC, expr: `1.15 * max ${BY} (quantile_over_time(0.9, container_memory_working_set_bytes{${CHOSEN}}[$__range]))`},
        {name: 'memory limit', unit: units.BytesIEC, expr: `1.15 * max ${BY} (max_over_time(container_memory_working_set_bytes{${CHOSEN}}[$__range]))`},
        {name: 'limit now', unit: units.BytesIEC, expr: `max ${BY} (container_spec_memory_limit_bytes{${CHOSEN}} > 0)`},
      ],
    })],
  ],
};

export const throttlingAndOom: Frame = {
  name: 'throttling-oom', title: 'Throttling and OOM', from: 'now-6h',
  text: 'Triage: who is throttled or killed, why, what it costs, and what would do.',
  variables: ['job', 'instance', 'namespace'], many: ['instance', 'namespace'],
  sections: [hurts, ooms, advice],
};
