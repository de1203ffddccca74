// SPDX-License-Identifier: Apache-2.0
// The kinds of panels that mete's dashboards have. Each has a description that says what to do.
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmaps from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stats from '@grafana/grafana-foundation-sdk/stat';
import * as tables from '@grafana/grafana-foundation-sdk/table';
import * as texts from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import {Tile} from './grid';

export const DATASOURCE: common.DataSourceRef = {type: 'prometheus', uid: '${datasource}'};

export interface Query {
  expr: string;
  legend?: string;
}

// Colours from a value on: [[0.8, 'orange'], [0.9, 'red']] on top of green.
export type Steps = [number, string][];

interface About {
  title: string;
  text: string;
  unit: string;
  width?: number;
  height?: number;
  steps?: Steps;
}

export interface GraphOptions extends About {
  queries: Query[];
  stacked?: boolean;
  max?: number;
  dashed?: string;  // the series of this name are limits: drawn as dashed lines, not stacked
}

export interface StatOptions extends About {
  expr: string;
  decimals?: number;
}

export interface Column {
  name: string;
  expr: string;
  unit: string;
  steps?: Steps;
  decimals?: number;
}

export interface TableOptions {
  title: string;
  text: string;
  by: string[];  // the labels that all columns have
  columns: Column[];
  sortBy: string;
  width?: number;
  height?: number;
  link?: {title: string; url: string};  // of the first label
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function thresholds(steps: Steps): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps([{value: null, color: 'green'}, ...steps.map(([value, color]) => ({value, color}))]);
}

function target(query: Query, index: number): prometheus.DataqueryBuilder {
  return new prometheus.DataqueryBuilder()
    .refId(LETTERS[index])
    .datasource(DATASOURCE)
    .expr(query.expr)
    .legendFormat(query.legend ?? '')
    .range();
}

function legend(): common.VizLegendOptionsBuilder {
  return new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom).showLegend(true);
}

export function graph(options: GraphOptions): Tile {
  return {
    width: options.width ?? 12, height: options.height ?? 8,
    panel: (at, id) => {
      const builder = new timeseries.PanelBuilder()
        .id(id).gridPos(at).title(options.title).description(options.text).datasource(DATASOURCE)
        .unit(options.unit).min(0).lineWidth(1).fillOpacity(options.stacked ? 40 : 10).showPoints(common.VisibilityMode.Never)
        .legend(legend())
        .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
        .targets(options.queries.map(target));
      if (options.max !== undefined) {
        builder.max(options.max);
      }
      if (options.stacked) {
        builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
      }
      if (options.steps) {
        builder.thresholds(thresholds(options.steps))
          .thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
      }
      if (options.dashed) {
        builder.overrideByRegexp(options.dashed, [
          {id: 'custom.lineStyle', value: {fill: 'dash', dash: [8, 8]}},
          {id: 'custom.fillOpacity', value: 0},
          {id: 'custom.stacking', value: {mode: 'none', group: 'A'}},
          {id: 'color', value: {mode: 'fixed', fixedColor: 'red'}},
        ]);
      }
      return builder.build();
    },
  };
}

export function stat(options: StatOptions): Tile {
  return {
    width: options.width ?? 4, height: options.height ?? 4,
    panel: (at, id) => {
      const builder = new stats.PanelBuilder()
        .id(id).gridPos(at).title(options.title).description(options.text).datasource(DATASOURCE)
        .unit(options.unit).thresholds(thresholds(options.steps ?? []))
        .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
        .graphMode(common.BigValueGraphMode.Area)
        .targets([target({expr: options.expr}, 0)]);
      if (options.decimals !== undefined) {
        builder.decimals(options.decimals);
      }
      return builder.build();
    },
  };
}

// Buckets of a histogram over time.
// `metric`: a histogram with fixed buckets, or native, where the Prometheus scrapes that in their place. `labels`: which series.
export function heatmap(options: About & {metric: string, labels: string}): Tile {
  const rate = (name: string): string => `rate(${name}{${options.labels}}[$__rate_interval])`;
  const expr = `sum by (le) (${rate(options.metric + '_bucket')}) or sum(${rate(options.metric)})`;
  return {
    width: options.width ?? 12, height: options.height ?? 8,
    panel: (at, id) => new heatmaps.PanelBuilder()
      .id(id).gridPos(at).title(options.title).description(options.text).datasource(DATASOURCE)
      .calculate(false)
      .yAxis(new heatmaps.YAxisConfigBuilder().unit(options.unit))
      .targets([target({expr, legend: '{{le}}'}, 0).format(prometheus.PromQueryFormat.Heatmap)])
      .build(),
  };
}

// One line a container, machine, ...: columns are instant queries, joined by their labels.
export function table(options: TableOptions): Tile {
  return {
    width: options.width ?? 24, height: options.height ?? 10,
    panel: (at, id) => {
      const builder = new tables.PanelBuilder()
        .id(id).gridPos(at).title(options.title).description(options.text).datasource(DATASOURCE)
        .filterable(true)
        .sortBy([new common.TableSortByFieldStateBuilder().displayName(options.sortBy).desc(true)])
        .targets(options.columns.map((each, index) => target({expr: each.expr}, index).instant().format(prometheus.PromQueryFormat.Table)))
        .withTransformation({id: 'merge', options: {}})
        .withTransformation({id: 'organize', options: organized(options)});
      for (const each of options.columns) {
        builder.overrideByName(each.name, columnProperties(each));
      }
      if (options.link) {
        builder.overrideByName(options.by[0], [{id: 'links', value: [options.link]}]);
      }
      return builder.build();
    },
  };
}

function organized(options: TableOptions): object {
  const values = options.columns.map((_, index) => (options.columns.length === 1 ? 'Value' : `Value #${LETTERS[index]}`));
  return {
    excludeByName: {Time: true},
    indexByName: Object.fromEntries([...options.by, ...values].map((each, index) => [each, index])),
    renameByName: Object.fromEntries(options.columns.map((each, index) => [values[index], each.name])),
  };
}

function columnProperties(column: Column): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [{id: 'unit', value: column.unit}];
  if (column.decimals !== undefined) {
    properties.push({id: 'decimals', value: column.decimals});
  }
  if (column.steps) {
    properties.push({id: 'thresholds', value: thresholds(column.steps).build()});
    properties.push({id: 'custom.cellOptions', value: {type: 'color-background', mode: 'basic'}});
  }
  return properties;
}

export function text(content: string, height = 4, width = 24): Tile {
  return {
    width, height,
    panel: (at, id) => new texts.PanelBuilder().id(id).gridPos(at).title('').content(content).mode(texts.TextMode.Markdown).build(),
  };
}
