#!/bin/bash
# @opentelemetry/exporter-prometheus 0.301.0 (November 2026): two attributes whose names differ in a dot only give one series the same label twice,
# and Prometheus then drops the whole scrape, not that series.
#
# Programs that move from their own names to the semantic conventions set both for a while: "cpu_mode" and "cpu.mode". In Prometheus' text
# both are cpu_mode. OpenTelemetry's compatibility specification has the values of such attributes joined by ";" under one label; the exporter of
# JavaScript writes both. promtool refuses the text, and Prometheus 2.42 stores no sample of the target (up is 0), so that metrics without any
# collision are lost, too. In a test with one name in use nothing of this shows.
#
# Seen on 2026-11-29 (sdk-metrics 3.1.0, prometheus 2.42.0+ds of Debian 12):
#   container_cpu_time_total{cpu_mode="user",cpu_mode="user"} 1.5
#   promtool: error while linting: text format parsing error in line N: duplicate label names for metric "container_cpu_time_total"
#   target: down, label name "cpu_mode" is not unique: invalid sample
#   memory, which has no such label, in Prometheus: 0 series
# What helps: a view of the SDK that removes one of the two attributes.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, prometheus and promtool.
set -eu
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund @opentelemetry/exporter-prometheus@0.301.0 @opentelemetry/sdk-metrics@3.1.0 > /dev/null 2>&1
cat > metrics.mjs <<'EOT'
import {MeterProvider} from '@opentelemetry/sdk-metrics';
import {PrometheusExporter} from '@opentelemetry/exporter-prometheus';
const exporter = new PrometheusExporter({host: '127.0.0.1', port: 19464});
const meter = new MeterProvider({readers: [exporter]}).getMeter('containers');
meter.createCounter('container.cpu.time').add(1.5, {'cpu_mode': 'user', 'cpu.mode': 'user'});
meter.createUpDownCounter('container.memory.usage').add(4096, {pod: 'a'});
setInterval(() => {}, 1e6);  // the exporter's server alone does not keep the program
EOT
cat > prometheus.yml <<'EOT'
global: {scrape_interval: 1s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ["127.0.0.1:19464"]}]
EOT
node metrics.mjs &
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:19465 --log.level=error &
ask() { curl -sf "http://127.0.0.1:19465/api/v1/$1"; }
for _ in $(seq 100); do
  ask targets 2> /dev/null | grep -q '"health":"\(up\|down\)"' && curl -sf http://127.0.0.1:19464/metrics > text && break
  sleep 0.3
done
{
  grep '^container_cpu_time_total' text | sed 's/,otel_scope[^}]*//'
  echo "promtool: $(promtool check metrics < text 2>&1 | grep -v '^$' | sed 's/in line [0-9]*/in line N/' | head -1)"
  echo "target: $(ask targets | sed 's/.*"lastError":"\(.*\)","lastScrape".*"health":"\([a-z]*\)".*/\2, \1/; s/\\"/"/g')"
  echo "memory, which has no such label, in Prometheus: $(ask 'query?query=container_memory_usage' | grep -c '"pod"') series"
} | tee found
cat > expected <<'EOT'
container_cpu_time_total{cpu_mode="user",cpu_mode="user"} 1.5
promtool: error while linting: text format parsing error in line N: duplicate label names for metric "container_cpu_time_total"
target: down, label name "cpu_mode" is not unique: invalid sample
memory, which has no such label, in Prometheus: 0 series
EOT
diff expected found
