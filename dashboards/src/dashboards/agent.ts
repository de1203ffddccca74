// SPDX-License-Identifier: Apache-2.0
// The agent itself: whether it keeps up, what it does, what it costs.
import * as units from '@grafana/grafana-foundation-sdk/units';
import {AGENT, Frame} from '../frame';
import {Section} from '../grid';
import {Query, graph, heatmap, stat, table} from '../panels';

// Of a histogram with fixed buckets, or native, where the Prometheus scrapes that in their place.
function quantile(each: number, metric: string, by = ''): string {
  const fixed = `sum by (${by === '' ? 'le' : `le, ${by}`}) (rate(${metric}_bucket{${AGENT}}[$__rate_interval]))`;
  const native = `sum${by === '' ? '' : ` by (${by})`} (rate(${metric}{${AGENT}}[$__rate_interval]))`;
  return `histogram_quantile(${each}, ${fixed}) or histogram_quantile(${each}, ${native})`;
}

function quantiles(metric: string, by = ''): Query[] {
  const name = by === '' ? '' : `{{${by}}} `;
  return [0.5, 0.99].map((each) => ({
    expr: quantile(each, metric, by), legend: `${name}p${100 * each}`,
  }));
}

const now: Section = {
  title: 'Now',
  lines: [[
    stat({
      title: 'Answers', unit: units.NoUnit, text: '1: Prometheus gets an answer. 0: see the runbook MeteTargetDown.', expr: `min(up{${AGENT}})`,
    }),
    stat({
      title: 'Loop lag, p99', unit: units.Seconds, steps: [[0.05, 'orange'], [0.1, 'red']],
      text: 'How late its loop runs timers. High: it does not get the CPU; reserve some (machine.reserve.cpu).',
      expr: `max(mete:agent_loop_lag:p99_rate5m{${AGENT}})`,
    }),
    stat({
      title: 'A scrape, p99', unit: units.Seconds, steps: [[1, 'orange'], [5, 'red']],
      text: 'To read all counters and write one exposition. High: many cgroups; leave some out (export, collectors).',
      expr: quantile(0.99, 'mete_agent_scrape_seconds'),
    }),
    stat({
      title: 'Series of a scrape', unit: units.Short, text: 'What Prometheus stores of it. agent.yaml chooses (export, collectors).', expr: `sum(scrape_samples_scraped{${AGENT}})`,
    }),
    stat({
      title: 'Reads that failed, in range', unit: units.Short, steps: [[1, 'orange'], [100, 'red']],
      text: 'Counter files that could not be read or understood. The log names them.',
      decimals: 0, expr: `sum(increase(mete_collection_errors_total{${AGENT}}[$__range]))`,
    }),
    stat({
      title: 'Actions that failed, in range', unit: units.Short, steps: [[1, 'red']],
      text: 'What a policy or a limit promises and the kernel refused: `mete events`.',
      decimals: 0, expr: `sum(increase(mete_enforcement_actions_total{${AGENT}, outcome="failed"}[$__range])) or vector(0)`,
    }),
  ]],
};

const keepsUp: Section = {
  title: 'Does it keep up?',
  lines: [
    [
      graph({title: 'Loop lag', unit: units.Seconds, width: 8, text: 'Below a millisecond is normal. Above 100 ms it reacts late to everything.', queries: quantiles('mete_agent_loop_lag_seconds')}),
      graph({title: 'Reaction of enforcers', unit: units.Seconds, width: 8, text: "From the kernel's event to the end of the action; no value without actions.", queries: quantiles('mete_enforcement_reaction_seconds', 'enforcer')}),
      graph({title: 'Launch of a container', unit: units.Seconds, width: 8, text: 'From the decision to the first instruction of its command. Slow launches: a slow disk, or many at once.', queries: quantiles('mete_agent_launch_seconds')}),
    ],
    [
      heatmap({
        title: 'Loop lag, all timers', unit: units.Seconds, text: 'Spots far above the rest: something blocked the loop for that long.',
        metric: 'mete_agent_loop_lag_seconds', labels: AGENT,
      }),
      graph({
        title: 'Scrapes', unit: units.Seconds, text: 'As the agent measures them, and as Prometheus sees them: the difference is the way and compression.',
        queries: [...quantiles('mete_agent_scrape_seconds'), {expr: `max by (instance) (scrape_duration_seconds{${AGENT}})`, legend: 'Prometheus sees {{instance}}'}],
      }),
    ],
  ],
};

const does: Section = {
  title: 'What it does',
  lines: [
    [
      graph({
        title: 'Actions', unit: units.Short, width: 8, text: 'Of enforcers, within five minutes. guarded: a policy wanted more than its guard allows.',
        queries: [{expr: `sum by (enforcer, action, outcome) (increase(mete_enforcement_actions_total{${AGENT}}[5m]))`, legend: '{{enforcer}} {{action}} {{outcome}}'}],
      }),
      graph({
        title: 'Foreign writes', unit: units.Short, width: 8, text: 'Control files that somebody else changed, within five minutes. Find the other writer: `mete events`.',
        queries: [{expr: `sum by (file) (increase(mete_limit_drift_total{${AGENT}}[5m]))`, legend: '{{file}}'}],
      }),
      graph({
        title: 'Containers', unit: units.Short, width: 8, stacked: true, text: 'By state.', queries: [{expr: `sum by (state) (mete_agent_containers{${AGENT}})`, legend: '{{state}}'}],
      }),
    ],
    [
      graph({
        title: 'Requests', unit: units.RequestsPerSecond, text: 'Answered, by handler and code. Many 4xx: somebody asks with wrong rights or paths.',
        queries: [{expr: `sum by (handler, code) (rate(mete_agent_http_requests_total{${AGENT}}[$__rate_interval]))`, legend: '{{handler}} {{code}}'}],
      }),
      graph({
        title: 'Refused', unit: units.RequestsPerSecond, text: 'Connections and requests that were turned away or cut, by reason. limit: too many at once; auth: wrong password.',
        queries: [{expr: `sum by (reason) (rate(mete_agent_http_refused_total{${AGENT}}[$__rate_interval])) or vector(0)`, legend: '{{reason}}'}],
      }),
    ],
  ],
};

const costs: Section = {
  title: 'What it costs',
  lines: [
    [
      graph({
        title: 'Time to read, by collector', unit: units.Short, width: 8, stacked: true,
        text: 'CPU seconds a second. The one at the top can be switched off (collectors.disable).',
        queries: [{expr: `sum by (collector) (rate(mete_collection_seconds_total{${AGENT}}[$__rate_interval]))`, legend: '{{collector}}'}],
      }),
      graph({
        title: 'Files read', unit: units.CountsPerSecond, width: 8, text: 'By collector. Grows with the number of cgroups.',
        queries: [{expr: `sum by (collector) (rate(mete_collection_files_total{${AGENT}}[$__rate_interval]))`, legend: '{{collector}}'}],
      }),
      graph({
        title: 'Open files', unit: units.Short, width: 8, text: 'Counter files stay open. Near the limit of the unit (LimitNOFILE) they are opened for each scrape.',
        queries: [{expr: `sum by (instance) (mete_agent_open_fds{${AGENT}})`, legend: '{{instance}}'}],
      }),
    ],
    [
      graph({
        title: 'Reads that failed', unit: units.CountsPerSecond, text: 'By collector. More than now and then: the counters of that collector cannot be trusted.',
        queries: [{expr: `sum by (collector) (rate(mete_collection_errors_total{${AGENT}}[$__rate_interval]))`, legend: '{{collector}}'}],
      }),
      table({
        title: 'What the kernel offers', width: 12, height: 8, text: 'Found by trying at the start. 0: what needs it is reported as NotEnforced.',
        by: ['feature', 'instance'], sortBy: 'offered',
        columns: [{name: 'offered', unit: units.NoUnit, expr: `max by (feature, instance) (mete_agent_kernel_feature{${AGENT}})`}],
      }),
    ],
  ],
};

export const agent: Frame = {
  name: 'agent', title: 'Agent',
  text: 'The agent itself: whether it keeps up, what it does, what it costs.',
  variables: ['job', 'instance'], many: [],
  sections: [now, keepsUp, does, costs],
};
