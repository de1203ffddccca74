// SPDX-License-Identifier: Apache-2.0
// What all dashboards share: name, variables, links between them, annotations of OOM kills and restarts.
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import {Section, place} from './grid';
import {DATASOURCE} from './panels';

export type VariableName = 'job' | 'instance' | 'namespace' | 'pod' | 'container';

export interface Frame {
  name: string;  // of the file, and in the uid
  title: string;
  text: string;
  variables: VariableName[];
  many: VariableName[];  // of which several, or all, can be chosen
  annotations?: {name: string; expr: string; color: string; title: string}[];
  from?: string;
  sections: Section[];
}

// Of all agents, and of the containers that the variables choose. `namespace` and `pod` are empty for containers of docker.
export const AGENT = 'job="$job", instance=~"$instance"';
export const CONTAINERS = AGENT + ', container!=""';
export const CHOSEN = AGENT + ', namespace=~"$namespace", container!=""';
export const ONE = AGENT + ', namespace=~"$namespace", pod=~"$pod", container=~"$container"';
export const ROOT = AGENT + ', id="/"';

const QUERIES: Record<VariableName, string> = {
  job: 'label_values(mete_agent_build_info, job)',
  instance: 'label_values(mete_agent_build_info{job="$job"}, instance)',
  namespace: `label_values(container_last_seen{${CONTAINERS}}, namespace)`,
  pod: `label_values(container_last_seen{${AGENT}, namespace=~"$namespace", container!=""}, pod)`,
  container: `label_values(container_last_seen{${AGENT}, namespace=~"$namespace", pod=~"$pod", container!=""}, container)`,
};

function variable(name: VariableName, many: boolean): dashboard.QueryVariableBuilder {
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(name).query(QUERIES[name]).datasource(DATASOURCE)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged).sort(dashboard.VariableSort.AlphabeticalAsc);
  if (many) {
    builder.multi(true).includeAll(true).allValue('.*').current({text: 'All', value: '$__all'});
  }
  return builder;
}

export function build(frame: Frame): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder('mete / ' + frame.title)
    .uid('mete-' + frame.name).description(frame.text).tags(['mete']).timezone('browser')
    .time({from: frame.from ?? 'now-1h', to: 'now'}).refresh('30s').version(1)
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(new dashboard.DashboardLinkBuilder('mete').type(dashboard.DashboardLinkType.Dashboards)
      .tags(['mete']).keepTime(true).includeVars(true).asDropdown(true))
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const each of frame.variables) {
    builder.withVariable(variable(each, frame.many.includes(each)));
  }
  for (const each of frame.annotations ?? []) {
    builder.annotation(new dashboard.AnnotationQueryBuilder().name(each.name).datasource(DATASOURCE).enable(true)
      .iconColor(each.color).expr(each.expr).step('30s').titleFormat(each.title));
  }
  const built = builder.build();
  // The newer place for links and annotations, which hides them in a menu.
  for (const each of [...(built.links ?? []), ...(built.annotations?.list ?? [])]) {
    delete (each as {placement?: unknown}).placement;
  }
  built.panels = place(frame.sections);
  return built;
}
