#!/bin/bash
# prometheus-query 3.5.1 (npm, October 2025): +Inf and -Inf, which Prometheus' API has for a ratio without a divisor, a burn rate or an unlimited limit, are
# NaN, in instant and range queries alike, and an alert that fires with such a value has NaN, too.
#
# JSON has no infinity, therefore the API writes values as text, with Go's words: "+Inf", "-Inf", "NaN". JavaScript's parseFloat() knows only "Infinity".
# A NaN is then neither above nor below any threshold: `value > 0.9` is false for the worst value there is, Math.max() of a series with one
# such sample is NaN, and JSON of it is null. Prometheus' own rules compare rightly, so that the alert fires there and the program that shows it
# has it as "no data".
#
# Seen on 2026-11-30 (Prometheus 2.42.0+ds of Debian 12; Node 20.20):
#   instant: API +Inf, -Inf, NaN, 2; prometheus-query NaN, NaN, NaN, 2
#   range: API +Inf; prometheus-query NaN, above 0.9: false
#   alert "Burning" with expr > 0.9: firing, API +Inf; prometheus-query NaN
# What helps: the answer's text by fetch(), or `clamp(expr, -1e308, 1e308)` in the query.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, and prometheus.
set -eu
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund prometheus-query@3.5.1 > /dev/null 2>&1
cat > rules.yml <<'EOT'
groups:
- name: burn
  interval: 1s
  rules: [{alert: Burning, expr: vector(1) / vector(0) > 0.9}]
EOT
printf 'rule_files: [rules.yml]\n' > prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:19468 --log.level=error &
for _ in $(seq 100); do curl -sf http://127.0.0.1:19468/api/v1/alerts 2> /dev/null | grep -q firing && break; sleep 0.3; done
cat > ask.mjs <<'EOJ'
import {PrometheusDriver} from 'prometheus-query';
const endpoint = 'http://127.0.0.1:19468';
const driver = new PrometheusDriver({endpoint, baseURL: '/api/v1'});
const api = async (path) => (await (await fetch(`${endpoint}/api/v1/${path}`)).json()).data;
const instant = [[], []];
for (const query of ['vector(1) / vector(0)', 'vector(-1) / vector(0)', 'vector(0) / vector(0)', 'vector(2)']) {
  instant[0].push((await api('query?query=' + encodeURIComponent(query))).result[0].value[1]);
  instant[1].push((await driver.instantQuery(query)).result[0].value.value);
}
console.log(`instant: API ${instant[0].join(', ')}; prometheus-query ${instant[1].join(', ')}`);
const now = Date.now() / 1000;
const [query, start, end] = ['vector(1) / vector(0)', now - 10, now];
const text = (await api(`query_range?query=${encodeURIComponent(query)}&start=${start}&end=${end}&step=10`)).result[0].values[0][1];
const {value} = (await driver.rangeQuery(query, start * 1000, end * 1000, 10)).result[0].values[0];
console.log(`range: API ${text}; prometheus-query ${value}, above 0.9: ${value > 0.9}`);
const [told] = (await api('alerts')).alerts;
const [alert] = await driver.alerts();
console.log(`alert "${told.labels.alertname}" with expr > 0.9: ${told.state}, API ${told.value}; prometheus-query ${alert.value}`);
EOJ
node ask.mjs | tee found
diff found - <<'EOT'
instant: API +Inf, -Inf, NaN, 2; prometheus-query NaN, NaN, NaN, 2
range: API +Inf; prometheus-query NaN, above 0.9: false
alert "Burning" with expr > 0.9: firing, API +Inf; prometheus-query NaN
EOT
