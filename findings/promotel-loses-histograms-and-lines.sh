#!/bin/bash
# @platformatic/promotel 0.2.2 (npm, July 2026): of Prometheus' text that it sends on as OTLP, histograms lose their buckets, series whose label has
# a "}" are gone, and gauges named ..._count become empty histograms of another name. No error is raised.
#
# The package reads what an exporter answers and pushes it to a collector. Each bucket of a histogram replaces the one before it, so that one is left,
# +Inf, without a bound: no quantile can be computed (OTLP's buckets are one more than the bounds, and their counts add up to the count).
# A line is skipped when a label's value has a "}", as the route of a request or a template often has, and when its value is +Inf, -Inf or NaN, so
# that an unlimited limit is no series. And a name that ends in _count, _sum or _bucket is taken for a part of a histogram, whatever # TYPE
# says: cAdvisor's gauge machine_dimm_count comes out as a histogram "machine_dimm" without buckets. promtool reads all of it (and advises
# against that name). The time to read grows with the square of a family's series, each of which is compared with all before it.
#
# Seen on 2026-11-30 (in brackets what came out):
#   wait_seconds, 4 to 0.1 s, 5 more to 1 s, 1 above: [wait_seconds histogram: count 10, buckets 10, bounds none]
#   requests_total of two routes, one with {name}: [requests_total counter: 3]
#   limit_bytes of two pods, one +Inf: [limit_bytes gauge: 5]
#   machine_dimm_count 8: [machine_dimm histogram: count 8, buckets none, bounds none]
#   promtool: 0 errors
#   CPU time of 4000 series is more than 8 times that of 1000: true
# What helps: another converter. Of counters and gauges with such labels, values and names, and of all histograms, this one cannot be trusted.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, and promtool.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund @platformatic/promotel@0.2.2 > /dev/null 2>&1
cat > wait_seconds <<'EOT'
# HELP wait_seconds Time waited
# TYPE wait_seconds histogram
wait_seconds_bucket{pod="a",le="0.1"} 4
wait_seconds_bucket{pod="a",le="1"} 9
wait_seconds_bucket{pod="a",le="+Inf"} 10
wait_seconds_sum{pod="a"} 7.5
wait_seconds_count{pod="a"} 10
EOT
cat > requests_total <<'EOT'
# HELP requests_total Requests
# TYPE requests_total counter
requests_total{route="/pods"} 3
requests_total{route="/pods/{name}"} 400
EOT
cat > limit_bytes <<'EOT'
# HELP limit_bytes A limit
# TYPE limit_bytes gauge
limit_bytes{pod="a"} +Inf
limit_bytes{pod="b"} 5
EOT
cat > machine_dimm_count <<'EOT'
# HELP machine_dimm_count Memory modules
# TYPE machine_dimm_count gauge
machine_dimm_count 8
EOT
cat > convert.mjs <<'EOT'
import fs from 'node:fs';
import {convert, parse} from '@platformatic/promotel';
const all = (values) => values.join(' ') || 'none';
const [metric] = convert(parse(fs.readFileSync(process.argv[2], 'utf8'))).resource_metrics[0].scope_metrics[0].metrics;
const numbers = (metric.sum ?? metric.gauge)?.data_points.map((point) => point.as_double);
const histograms = metric.histogram?.data_points.map(
    (point) => `count ${point.count}, buckets ${all(point.bucket_counts)}, bounds ${all(point.explicit_bounds)}`);
console.log(`[${metric.name} ${metric.sum ? 'counter' : metric.gauge ? 'gauge' : 'histogram'}: ${all(numbers ?? histograms)}]`);
EOT
cat > grow.mjs <<'EOT'
import {parse} from '@platformatic/promotel';
const cost = (series) => {
  const text = Array.from({length: series}, (_, number) => `memory_bytes{pod="p${number}",namespace="default"} ${number}`).join('\n');
  const before = process.cpuUsage();
  parse(text);
  return process.cpuUsage(before).user;
};
console.log(8 * cost(1000) < cost(4000));
EOT
{
  echo "wait_seconds, 4 to 0.1 s, 5 more to 1 s, 1 above: $(node convert.mjs wait_seconds)"
  echo "requests_total of two routes, one with {name}: $(node convert.mjs requests_total)"
  echo "limit_bytes of two pods, one +Inf: $(node convert.mjs limit_bytes)"
  echo "machine_dimm_count 8: $(node convert.mjs machine_dimm_count)"
  for each in wait_seconds requests_total limit_bytes machine_dimm_count; do promtool check metrics < "$each" 2>&1 || true; done > told
  echo "promtool: $(grep -c error told || true) errors"
  echo "CPU time of 4000 series is more than 8 times that of 1000: $(node grow.mjs)"
} | tee found
diff found - <<'EOT'
wait_seconds, 4 to 0.1 s, 5 more to 1 s, 1 above: [wait_seconds histogram: count 10, buckets 10, bounds none]
requests_total of two routes, one with {name}: [requests_total counter: 3]
limit_bytes of two pods, one +Inf: [limit_bytes gauge: 5]
machine_dimm_count 8: [machine_dimm histogram: count 8, buckets none, bounds none]
promtool: 0 errors
CPU time of 4000 series is more than 8 times that of 1000: true
EOT
