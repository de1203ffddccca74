#!/bin/bash
# prom-client 15.1.3 and its fork @platformatic/prom-client 1.0.0 (npm, January 2026): two series become one, because their labels are joined to a
# text that is their key; and a label object that is used again renames the series that it was given for before.
#
# A label's value may hold any character. prom-client's key is NAME:VALUE, for each label, without escapes, and a label that is absent is left out:
# filter="app:web,zone:eu" and (filter="app:web", zone="eu") have one key. What comes second is added to what came first, under the first one's
# labels; of gauges the last one to be set has both the value and the labels. The fork joins the values alone by "|", as of alternatives in a regular
# expression: (pods="a|b", zones="c") and (pods="a", zones="b|c"). Each is right where the other is wrong, so a move from one to the other moves the
# fault, too. Both keep the object that inc(labels) got, and not a copy: `labels.pod = ...` in a loop leaves as many lines as there were
# pods, all with the last one's name. Prometheus keeps one of several samples of a series in a scrape, here that of the first pod, under the name of
# the last, with a warning in its log; up is 1.
#
# Seen on 2026-11-30 (Prometheus 2.42.0+ds of Debian 12; Node 20.20):
#   prom-client: filter="app:web,zone:eu" 11
#   prom-client: pods="a|b",zones="c" 1; pods="a",zones="b|c" 10
#   prom-client, labels used again, a 1 and b 10: pod="b" 1; pod="b" 10
#   @platformatic/prom-client: filter="app:web,zone:eu" 1; filter="app:web",zone="eu" 10
#   @platformatic/prom-client: pods="a|b",zones="c" 11
#   @platformatic/prom-client, labels used again, a 1 and b 10: pod="b" 1; pod="b" 10
#   Prometheus, of a 1 and b 10: b 1, target up
# What helps: values without the two characters, all labels always given, and a new object for each call.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, and prometheus.
set -eu
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund prom-client@15.1.3 @platformatic/prom-client@1.0.0 > /dev/null 2>&1
cat > metrics.mjs <<'EOT'
import http from 'node:http';
import {createRequire} from 'node:module';
const require = createRequire(import.meta.url);
const counted = async (client, labelNames, add) => {
  const registry = new client.Registry();
  add(new client.Counter({name: 'x_total', help: 'Counted', labelNames, registers: [registry]}));
  return registry.metrics();
};
const again = (client) => counted(client, ['pod'], (counter) => {
  const labels = {};
  for (const [pod, count] of [['a', 1], ['b', 10]]) {
    labels.pod = pod;
    counter.inc(labels, count);
  }
});
const lines = (text) => text.split('\n').filter((line) => line.startsWith('x_total')).map((line) => line.replace(/x_total{(.*)} /, '$1 ')).join('; ');
if (process.argv[2] === 'serve') {
  const text = await again(require('prom-client'));
  http.createServer((_, answer) => answer.setHeader('Content-Type', 'text/plain; version=0.0.4').end(text)).listen(19466, '127.0.0.1');
} else {
  for (const name of ['prom-client', '@platformatic/prom-client']) {
    const client = require(name);
    console.log(`${name}: ` + lines(await counted(client, ['filter', 'zone'], (counter) => {
      counter.inc({filter: 'app:web,zone:eu'}, 1);
      counter.inc({filter: 'app:web', zone: 'eu'}, 10);
    })));
    console.log(`${name}: ` + lines(await counted(client, ['pods', 'zones'], (counter) => {
      counter.inc({pods: 'a|b', zones: 'c'}, 1);
      counter.inc({pods: 'a', zones: 'b|c'}, 10);
    })));
    console.log(`${name}, labels used again, a 1 and b 10: ` + lines(await again(client)));
  }
}
EOT
cat > prometheus.yml <<'EOT'
global: {scrape_interval: 1s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ["127.0.0.1:19466"]}]
EOT
node metrics.mjs serve &
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:19467 --log.level=error &
ask() { curl -sf "http://127.0.0.1:19467/api/v1/$1"; }
for _ in $(seq 100); do ask 'query?query=x_total' 2> /dev/null | grep -q '"pod"' && break; sleep 0.3; done
{
  node metrics.mjs
  echo "Prometheus, of a 1 and b 10: $(ask 'query?query=x_total' | grep -o '"pod":"[^}]*},"value":\[[^]]*' | sed 's/"pod":"\(.*\)"},.*,"\(.*\)"/\1 \2/'), \
target $(ask targets | grep -o '"health":"[a-z]*"' | cut -d '"' -f 4)"
} | tee found
diff found - <<'EOT'
prom-client: filter="app:web,zone:eu" 11
prom-client: pods="a|b",zones="c" 1; pods="a",zones="b|c" 10
prom-client, labels used again, a 1 and b 10: pod="b" 1; pod="b" 10
@platformatic/prom-client: filter="app:web,zone:eu" 1; filter="app:web",zone="eu" 10
@platformatic/prom-client: pods="a|b",zones="c" 11
@platformatic/prom-client, labels used again, a 1 and b 10: pod="b" 1; pod="b" 10
Prometheus, of a 1 and b 10: b 1, target up
EOT
