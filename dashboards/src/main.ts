// SPDX-License-Identifier: Apache-2.0
// node build/main.js FOLDER: writes FOLDER/prometheus, FOLDER/agent and FOLDER/grafana. The same source gives the same bytes.
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {readTable} from './table';
import {alertRules, alertmanager, recordingRules} from './rules';
import {builtin} from './builtin';
import {build} from './frame';
import {agent} from './dashboards/agent';
import {container} from './dashboards/container';
import {fleet} from './dashboards/fleet';
import {machine} from './dashboards/machine';
import {pods} from './dashboards/pods';
import {throttlingAndOom} from './dashboards/throttling-oom';

const folder = process.argv[2];
if (folder === undefined) {
  throw new Error('no folder: node build/main.js FOLDER');
}
const table = readTable(join(__dirname, '..', 'alerts.yaml'));

function write(path: string, text: string): void {
  writeFileSync(join(folder, path), text);
}

mkdirSync(join(folder, 'prometheus'), {recursive: true});
mkdirSync(join(folder, 'agent'), {recursive: true});
mkdirSync(join(folder, 'grafana'), {recursive: true});
write('prometheus/mete-rules.yml', recordingRules(table));
write('prometheus/mete-alerts.yml', alertRules(table));
write('prometheus/alertmanager.yml', alertmanager(table));
write('agent/alerts.json', builtin(table));
for (const each of [machine, pods, container, throttlingAndOom, fleet, agent]) {
  write(`grafana/${each.name}.json`, JSON.stringify(build(each), null, 1) + '\n');
}
