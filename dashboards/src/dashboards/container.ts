// SPDX-License-Identifier: Apache-2.0
// One container, deep.
import * as units from '@grafana/grafana-foundation-sdk/units';
import {AGENT, Frame, ONE} from '../frame';
import {Section} from '../grid';
import {Query, graph, heatmap, stat} from '../panels';

// Families of mete's own pods carry no cgroup labels; network counters are the pod's, because its containers share one network.
const LIFE = AGENT + ', namespace=~"$namespace", pod=~"$pod", container=~"$container"';
const POD = AGENT + ', namespace=~"$namespace", pod=~"$pod"';

function rate(metric: string, legend: string, by = ''): Query {
  return {expr: `sum${by} (rate(${metric}{${ONE}}[$__rate_interval]))`, legend};
}

function gauge(metric: string, legend: string): Query {
  return {expr: `sum(${metric}{${ONE}})`, legend};
}

const now: Section = {
  title: 'Now',
  lines: [[
    stat({
      title: 'CPU', unit: units.Short, text: 'Cores in use.', width: 3,
      expr: `sum(mete:container_cpu_usage:cores_rate5m{${ONE}})`,
    }),
    stat({
      title: 'of its quota', unit: units.PercentUnit, width: 3, steps: [[0.7, 'orange'], [0.95, 'red']],
      text: 'No value: it has no quota. Near 100 % with waiting: it needs more.',
      expr: `max(mete:container_cpu_quota_used:ratio_rate5m{${ONE}})`,
    }),
    stat({
      title: 'Throttled', unit: units.PercentUnit, width: 3, steps: [[0.25, 'orange'], [0.75, 'red']],
      text: 'Share of the periods in which the quota ran out.',
      expr: `max(mete:container_cpu_throttled:ratio_rate5m{${ONE}})`,
    }),
    stat({
      title: 'Memory of the limit', unit: units.PercentUnit, width: 3, steps: [[0.8, 'orange'], [0.9, 'red']],
      text: 'Working set against the tightest limit above it.',
      expr: `max(mete:container_memory_used:ratio{${ONE}})`,
    }),
    stat({
      title: 'OOM kills in range', unit: units.Short, width: 3, steps: [[1, 'red']],
      text: '`mete oom ls` has a record of each.', decimals: 0, expr: `sum(increase(mete_oom_kills_total{${LIFE}}[$__range]))`,
    }),
    stat({
      title: 'Restarts in range', unit: units.Short, width: 3, steps: [[1, 'orange'], [3, 'red']],
      text: '`mete logs` and the exit code tell why.', decimals: 0, expr: `sum(increase(mete_container_restarts_total{${LIFE}}[$__range]))`,
    }),
    stat({
      title: 'Last exit code', unit: units.NoUnit, decimals: 0, width: 3, text: '137 is a kill; 126 and 127 a command that cannot be executed. 0 when it has not ended yet.',
      expr: `max(mete_container_last_exit_code{${LIFE}}) or vector(0)`,
    }),
    stat({
      title: 'Runs since', unit: units.DateTimeFromNow, width: 3, text: 'When the present attempt was started.',
      expr: `max(container_start_time_seconds{${ONE}}) * 1000`,
    }),
  ]],
};

const cpu: Section = {
  title: 'CPU',
  lines: [
    [
      graph({
        title: 'CPU against the quota', unit: units.Short, dashed: 'quota|limit|request',
        text: 'User and system time in cores. At the quota with waiting beside it: raise limits.cpu or lend idle CPU (cpu.boost). Above the request others may take it when the machine is full.',
        queries: [
          rate('container_cpu_user_seconds_total', 'user'), rate('container_cpu_system_seconds_total', 'system'),
          {expr: `max(mete:container_cpu_quota:cores{${ONE}})`, legend: 'quota'},
          {expr: `max(mete_container_effective_cpu_limit_cores{${ONE}})`, legend: 'limit with all above'},
          {expr: `max(container_spec_cpu_shares{${ONE}}) / 1024`, legend: 'request'},
        ],
      }),
      graph({
        title: 'Throttled and waiting', unit: units.PercentUnit, max: 1,
        text: 'Throttled without waiting does no harm. Waiting without throttling is a full machine.',
        queries: [
          {expr: `sum(rate(container_cpu_cfs_throttled_periods_total{${ONE}}[$__rate_interval])) / sum(rate(container_cpu_cfs_periods_total{${ONE}}[$__rate_interval]))`, legend: 'periods throttled'},
          rate('container_pressure_cpu_waiting_seconds_total', 'a task waits'),
          rate('container_pressure_cpu_stalled_seconds_total', 'all wait'),
          {expr: `sum(rate(container_cpu_cfs_burst_periods_total{${ONE}}[$__rate_interval])) / sum(rate(container_cpu_cfs_periods_total{${ONE}}[$__rate_interval]))`, legend: 'periods with burst'},
        ],
      }),
    ],
    [
      heatmap({
        title: 'How long throttled stretches last', unit: units.Seconds,
        text: 'What a request may lose at once. Long ones with little use: the quota is spent in bursts, give it cpu.burst.',
        metric: 'mete_container_cpu_throttle_seconds', labels: ONE,
      }),
      graph({
        title: 'Time lost to quotas', unit: units.Short,
        text: 'CPU seconds a second: by the own quota, and by those of the pod, the slice and others above (exact with cpu.stat.local, else an upper bound). Inherited: raise the quota above.',
        queries: [
          rate('container_cpu_cfs_throttled_seconds_total', 'own quota'),
          {
            expr: `sum(rate(mete_container_cpu_inherited_throttled_seconds_total{${ONE}}[$__rate_interval])`
              + ` or rate(mete_container_cpu_ancestor_throttled_seconds_total{${ONE}}[$__rate_interval]))`,
            legend: 'inherited',
          },
        ],
      }),
    ],
  ],
};

const memory: Section = {
  title: 'Memory',
  lines: [
    [
      graph({
        title: 'Memory against the limit', unit: units.BytesIEC, dashed: 'limit|request',
        text: 'The working set is what cannot be dropped. When it reaches the limit, the kernel kills; when only usage does, page cache is dropped.',
        queries: [
          gauge('container_memory_working_set_bytes', 'working set'), gauge('container_memory_usage_bytes', 'with page cache'),
          {expr: `max(mete_container_effective_memory_limit_bytes{${ONE}})`, legend: 'limit with all above'},
          {expr: `max(container_spec_memory_reservation_limit_bytes{${ONE}} > 0)`, legend: 'request'},
        ],
      }),
      graph({
        title: 'What it is', unit: units.BytesIEC, stacked: true,
        text: "Anonymous memory is the program's own; what grows there without end is a leak. Active page cache is files that it reads again.",
        queries: [
          gauge('container_memory_rss', 'anonymous'), gauge('container_memory_total_active_file_bytes', 'page cache, active'),
          gauge('container_memory_total_inactive_file_bytes', 'page cache, inactive'), gauge('mete_container_memory_shmem_bytes', 'shared'),
          gauge('container_memory_kernel_usage', 'kernel'), gauge('container_memory_swap', 'swap'),
        ],
      }),
    ],
    [
      graph({
        title: 'Memory pressure', unit: units.PercentUnit, max: 1, width: 8, text: 'All wait for more than a seventh of the time: it thrashes. Raise the limit.',
        queries: [rate('container_pressure_memory_waiting_seconds_total', 'a task waits'), rate('container_pressure_memory_stalled_seconds_total', 'all wait')],
      }),
      graph({
        title: 'Read again', unit: units.CountsPerSecond, width: 8, text: 'Refaults: pages that were dropped or swapped and are needed again. Many: the working set does not fit the limit.',
        queries: [
          rate('container_memory_workingset_refault_file_total', 'page cache'), rate('container_memory_workingset_refault_anon_total', 'swapped'),
          {expr: `sum(rate(container_memory_failures_total{${ONE}, failure_type="pgmajfault", scope="container"}[$__rate_interval]))`, legend: 'major faults'},
        ],
      }),
      graph({
        title: 'Full in', unit: units.Seconds, width: 8,
        text: 'Until usage reaches the limit at the present rate (page cache counts), and until the working set does at the rate of five minutes. No value: nothing grows.',
        queries: [
          {expr: `min(mete_container_memory_time_to_limit_seconds{${LIFE}}) < 86400`, legend: 'usage'},
          {expr: `min(mete:container_memory_full_in:seconds{${ONE}}) < 86400`, legend: 'working set'},
        ],
      }),
    ],
  ],
};

const rest: Section = {
  title: 'IO, network, tasks',
  lines: [
    [
      graph({
        title: 'Bytes of disks', unit: units.BytesPerSecondIEC, width: 8, text: 'On v1 buffered writes count when the kernel writes them back. A policy limits them (io.devices).',
        queries: [rate('container_fs_reads_bytes_total', '{{device}} read', ' by (device)'), rate('container_fs_writes_bytes_total', '{{device}} written', ' by (device)')],
      }),
      graph({
        title: 'Operations', unit: units.IOOpsPerSecond, width: 8, text: 'Many small ones are slow on any disk.',
        queries: [rate('container_fs_reads_total', '{{device}} reads', ' by (device)'), rate('container_fs_writes_total', '{{device}} writes', ' by (device)')],
      }),
      graph({
        title: 'IO pressure', unit: units.PercentUnit, max: 1, width: 8, text: 'Share of the time it waited for IO. Compare with Machine: does it wait alone?',
        queries: [rate('container_pressure_io_waiting_seconds_total', 'a task waits'), rate('container_pressure_io_stalled_seconds_total', 'all wait')],
      }),
    ],
    [
      graph({
        title: 'Network of the pod', unit: units.BytesPerSecondIEC, width: 8, text: "By interface. With hostNetwork these are the machine's.",
        queries: [
          {expr: `sum by (interface) (rate(container_network_receive_bytes_total{${POD}}[$__rate_interval]))`, legend: '{{interface}} receive'},
          {expr: `sum by (interface) (rate(container_network_transmit_bytes_total{${POD}}[$__rate_interval]))`, legend: '{{interface}} send'},
        ],
      }),
      graph({
        title: 'Tasks', unit: units.Short, width: 8, dashed: 'allowed', text: 'Processes and threads. At what is allowed forks fail: raise pids.max, or find who does not wait for children.',
        queries: [gauge('container_threads', 'tasks'), {expr: `max(container_threads_max{${ONE}})`, legend: 'allowed'}, {expr: `max(mete_container_threads_peak{${ONE}})`, legend: 'peak'}],
      }),
      graph({
        title: 'Written outside of volumes', unit: units.BytesIEC, width: 8, text: 'Space of the writable layer. It is lost with the container; what grows belongs into a volume.',
        queries: [{expr: `sum by (device) (container_fs_usage_bytes{${ONE}})`, legend: '{{device}}'}],
      }),
    ],
  ],
};

const life: Section = {
  title: 'What happened',
  lines: [[
    graph({
      title: 'State', unit: units.Short, stacked: true, max: 1, height: 6,
      text: 'One of waiting, starting, running, exited.', queries: [{expr: `max by (state) (mete_container_state{${LIFE}})`, legend: '{{state}}'}],
    }),
    graph({
      title: 'Kills, restarts, refused forks', unit: units.Short, height: 6,
      text: 'Within five minutes. `mete events` tells of each what happened.',
      queries: [
        {expr: `sum by (scope, by) (increase(mete_oom_kills_total{${LIFE}}[5m]))`, legend: 'OOM kill ({{scope}}, {{by}})'},
        {expr: `sum(increase(mete_container_restarts_total{${LIFE}}[5m]))`, legend: 'restarts'},
        {expr: `sum(increase(mete_container_forks_refused_total{${ONE}}[5m]))`, legend: 'forks refused'},
      ],
    }),
  ]],
};

export const container: Frame = {
  name: 'container', title: 'Container',
  text: 'One container: CPU against its quota, memory against its limit, IO, network, what happened.',
  variables: ['job', 'instance', 'namespace', 'pod', 'container'], many: [],
  annotations: [
    {name: 'OOM kills', color: 'red', title: 'OOM kill: {{pod}} {{container}}', expr: `sum by (pod, container) (increase(mete_oom_kills_total{${LIFE}}[1m])) > 0`},
    {name: 'Restarts', color: 'orange', title: 'Restart: {{pod}} {{container}}', expr: `sum by (pod, container) (increase(mete_container_restarts_total{${LIFE}}[1m])) > 0`},
  ],
  sections: [now, cpu, memory, rest, life],
};
