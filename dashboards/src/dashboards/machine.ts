// SPDX-License-Identifier: Apache-2.0
// One machine: who uses what, where it hurts, what is promised, what is left.
import * as units from '@grafana/grafana-foundation-sdk/units';
import {AGENT, CONTAINERS, Frame, ROOT} from '../frame';
import {Section} from '../grid';
import {graph, stat} from '../panels';

const BY = 'by (namespace, pod, container)';
const NAME = '{{namespace}}/{{pod}} {{container}}';

function rate(metric: string, selector: string): string {
  return `rate(${metric}{${selector}}[$__rate_interval])`;
}

const now: Section = {
  title: 'Now',
  lines: [[
    stat({
      title: 'CPU in use', unit: units.PercentUnit, steps: [[0.8, 'orange'], [0.95, 'red']],
      text: 'Share of all CPUs. Above 95 % containers wait for each other: see Pressure, then who uses it.',
      expr: `sum(${rate('container_cpu_usage_seconds_total', ROOT + ', cpu="total"')}) / sum(machine_cpu_cores{${AGENT}})`,
    }),
    stat({
      title: 'Memory in use', unit: units.PercentUnit, steps: [[0.85, 'orange'], [0.95, 'red']],
      text: 'Working set of the machine as a share of its memory; page cache that can be dropped does not count. Near 100 % somebody is killed: set machine.reserve.memory, so that it is the right one.',
      expr: `sum(container_memory_working_set_bytes{${ROOT}}) / sum(machine_memory_bytes{${AGENT}})`,
    }),
    stat({
      title: 'CPU requested', unit: units.PercentUnit, steps: [[0.9, 'orange'], [1, 'red']],
      text: 'CPU shares of all containers as a share of the CPUs. Above 100 % not everybody can have what it requests at the same time.',
      expr: `sum(container_spec_cpu_shares{${CONTAINERS}}) / 1024 / sum(machine_cpu_cores{${AGENT}})`,
    }),
    stat({
      title: 'Memory requested', unit: units.PercentUnit, steps: [[0.9, 'orange'], [1, 'red']],
      text: 'Requests of all containers as a share of the memory. Above 100 % requests are no protection.',
      expr: `sum(container_spec_memory_reservation_limit_bytes{${CONTAINERS}}) / sum(machine_memory_bytes{${AGENT}})`,
    }),
    stat({
      title: 'CPUs left', unit: units.Short,
      text: 'CPUs that nobody uses. What a new pod can have without taking from others.',
      expr: `sum(machine_cpu_cores{${AGENT}}) - sum(${rate('container_cpu_usage_seconds_total', ROOT + ', cpu="total"')})`,
    }),
    stat({
      title: 'Memory left', unit: units.BytesIEC,
      text: 'Memory outside of the working set. What a new pod can have.',
      expr: `sum(machine_memory_bytes{${AGENT}}) - sum(container_memory_working_set_bytes{${ROOT}})`,
    }),
  ]],
};

const users: Section = {
  title: 'Who uses what',
  lines: [
    [
      graph({
        title: 'CPU by container', unit: units.Short, stacked: true,
        text: 'The 15 that use most, in cores. One that grows without reason: open it in Container.',
        queries: [{expr: `topk(15, sum ${BY} (${rate('container_cpu_usage_seconds_total', CONTAINERS + ', cpu="total"')}))`, legend: NAME}],
      }),
      graph({
        title: 'Memory by container', unit: units.BytesIEC, stacked: true,
        text: 'Working set of the 15 that use most. One that only grows has a leak, or page cache that it reads again and again.',
        queries: [{expr: `topk(15, sum ${BY} (container_memory_working_set_bytes{${CONTAINERS}}))`, legend: NAME}],
      }),
    ],
    [
      graph({
        title: 'CPU inside and outside of containers', unit: units.Short, stacked: true,
        text: 'If "outside" is large, containers are not the problem: look at the groups beside, or at `mete top`.',
        queries: [
          {expr: `sum(${rate('container_cpu_usage_seconds_total', CONTAINERS + ', cpu="total"')})`, legend: 'containers'},
          {
            expr: `clamp_min(sum(${rate('container_cpu_usage_seconds_total', ROOT + ', cpu="total"')})`
              + ` - sum(${rate('container_cpu_usage_seconds_total', CONTAINERS + ', cpu="total"')}), 0)`,
            legend: 'outside',
          },
        ],
      }),
      graph({
        title: 'CPU of groups that are no containers', unit: units.Short,
        text: "Slices and services of systemd, and other cgroups that agent.yaml's export names; groups inside groups count in both. One that takes what containers need: give it a CPUWeight or a policy.",
        queries: [{expr: `topk(10, sum by (id) (${rate('container_cpu_usage_seconds_total', AGENT + ', container="", pod="", id!="/", cpu="total"')}))`, legend: '{{id}}'}],
      }),
    ],
  ],
};

function pressure(what: string, metric: string, advice: string): Parameters<typeof graph>[0] {
  return {
    title: what + ' pressure', unit: units.PercentUnit, width: 8, steps: [[0.6, 'red']],
    text: `Share of the time in which a task waited for ${what}, and in which all did. ${advice}`,
    queries: [
      {expr: rate(`container_pressure_${metric}_waiting_seconds_total`, ROOT), legend: 'some task waits'},
      {expr: rate(`container_pressure_${metric}_stalled_seconds_total`, ROOT), legend: 'all wait'},
    ],
  };
}

function stalls(what: string, metric: string): Parameters<typeof graph>[0] {
  return {
    title: `Who waits for ${what}`, unit: units.PercentUnit, width: 8,
    text: `The ten containers that wait longest for ${what}. Those that wait are the victims, not always the cause: compare with who uses it.`,
    queries: [{expr: `topk(10, sum ${BY} (${rate(`container_pressure_${metric}_waiting_seconds_total`, CONTAINERS)}))`, legend: NAME}],
  };
}

const pressures: Section = {
  title: 'Pressure',
  lines: [
    [
      graph(pressure('CPU', 'cpu', 'More work than CPUs: move a pod, or lower limits of batch work.')),
      graph(pressure('memory', 'memory', 'The kernel drops and reads again: find who thrashes, before it becomes an OOM kill.')),
      graph(pressure('IO', 'io', 'The disk is too slow for what is asked of it: find who writes most.')),
    ],
    [graph(stalls('CPU', 'cpu')), graph(stalls('memory', 'memory')), graph(stalls('IO', 'io'))],
  ],
};

const devices: Section = {
  title: 'IO and network',
  lines: [
    [
      graph({
        title: 'Bytes by container', unit: units.BytesPerSecondIEC, stacked: true,
        text: 'Read and written. The one at the top is who to limit (policy, io.devices) when others wait for IO.',
        queries: [{
          expr: `topk(10, sum ${BY} (${rate('container_fs_reads_bytes_total', CONTAINERS)} + ${rate('container_fs_writes_bytes_total', CONTAINERS)}))`, legend: NAME,
        }],
      }),
      graph({
        title: 'Operations by device', unit: units.IOOpsPerSecond,
        text: 'Of the whole machine. Many small operations make a disk slow that moves few bytes.',
        queries: [
          {expr: `sum by (device) (${rate('container_fs_reads_total', ROOT)})`, legend: '{{device}} reads'},
          {expr: `sum by (device) (${rate('container_fs_writes_total', ROOT)})`, legend: '{{device}} writes'},
        ],
      }),
    ],
    [
      graph({
        title: 'Network of the machine', unit: units.BytesPerSecondIEC,
        text: 'By interface. Compare with what the link can do.',
        queries: [
          {expr: `sum by (interface) (${rate('container_network_receive_bytes_total', ROOT)})`, legend: '{{interface}} receive'},
          {expr: `sum by (interface) (${rate('container_network_transmit_bytes_total', ROOT)})`, legend: '{{interface}} send'},
        ],
      }),
      graph({
        title: 'Packets lost', unit: units.PacketsPerSecond,
        text: 'Dropped or with errors. Anything but zero: a full queue, a bad cable or driver.',
        queries: [
          {expr: `sum by (interface) (${rate('container_network_receive_packets_dropped_total', ROOT)} + ${rate('container_network_receive_errors_total', ROOT)})`, legend: '{{interface}} receive'},
          {expr: `sum by (interface) (${rate('container_network_transmit_packets_dropped_total', ROOT)} + ${rate('container_network_transmit_errors_total', ROOT)})`, legend: '{{interface}} send'},
        ],
      }),
    ],
    [
      graph({
        title: 'Space of writable layers', unit: units.BytesIEC, stacked: true,
        text: 'What containers have written outside of volumes. One that grows should have a volume or rotate its logs.',
        queries: [{expr: `topk(15, sum ${BY} (container_fs_usage_bytes{${CONTAINERS}}))`, legend: NAME}],
      }),
      graph({
        title: 'Inodes in use', unit: units.PercentUnit, max: 1, steps: [[0.9, 'red']],
        text: 'Of the file systems with layers of containers. At 100 % no file can be made, however much space there is.',
        queries: [{expr: `max by (device) (mete:filesystem_inodes_used:ratio{${AGENT}})`, legend: '{{device}}'}],
      }),
    ],
  ],
};

export const machine: Frame = {
  name: 'machine', title: 'Machine',
  text: 'One machine: who uses what, pressure, what is requested, what is left.',
  variables: ['job', 'instance'], many: [],
  sections: [now, users, pressures, devices],
};
