#!/bin/bash
# parse-prometheus-text-format 1.1.1 (npm): a histogram of several series is read as one, without labels, count or sum; no error is raised.
#
# The package turns Prometheus' text into objects. A histogram without labels of its own comes out whole. As soon as its lines have a label besides
# "le", as every histogram of containers has, all series of the family become one entry: each bucket has the number of the series that stands last
# in the text, the labels are gone, and so are _sum and _count. A program that computes quantiles per pod gets those of one pod, and cannot see it.
# Counters and gauges keep their labels.
#
# Seen on 2026-11-29:
#   no labels: [{"buckets":{"0.5":"1","+Inf":"3"},"count":"3","sum":"9"}]
#   two pods: [{"buckets":{"0.5":"7","+Inf":"8"}}]
#   a counter of two pods: [{"value":"1","labels":{"pod":"a"}},{"value":"2","labels":{"pod":"b"}}]
#   promtool: 0 errors
# What helps: ask one series at a time, or another parser.
# This script fails when that changes. It needs npm with a registry, and promtool.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund parse-prometheus-text-format@1.1.1 > /dev/null 2>&1
cat > none <<'EOT'
# HELP wait_seconds Time waited
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.5"} 1
wait_seconds_bucket{le="+Inf"} 3
wait_seconds_sum 9
wait_seconds_count 3
EOT
cat > two <<'EOT'
# HELP wait_seconds Time waited
# TYPE wait_seconds histogram
wait_seconds_bucket{pod="a",le="0.5"} 1
wait_seconds_bucket{pod="a",le="+Inf"} 3
wait_seconds_sum{pod="a"} 9
wait_seconds_count{pod="a"} 3
wait_seconds_bucket{pod="b",le="0.5"} 7
wait_seconds_bucket{pod="b",le="+Inf"} 8
wait_seconds_sum{pod="b"} 2
wait_seconds_count{pod="b"} 8
EOT
printf '# HELP c_total Counts\n# TYPE c_total counter\nc_total{pod="a"} 1\nc_total{pod="b"} 2\n' > counter
parse() { node -e 'console.log(JSON.stringify(require("parse-prometheus-text-format")(require("fs").readFileSync(process.argv[1], "utf8"))[0].metrics))' "$1"; }
{
  echo "no labels: $(parse none)"
  echo "two pods: $(parse two)"
  echo "a counter of two pods: $(parse counter)"
  echo "promtool: $(for each in none two counter; do promtool check metrics < "$each" 2>&1; done | grep -c error || true) errors"
} | tee found
cat > expected <<'EOT'
no labels: [{"buckets":{"0.5":"1","+Inf":"3"},"count":"3","sum":"9"}]
two pods: [{"buckets":{"0.5":"7","+Inf":"8"}}]
a counter of two pods: [{"value":"1","labels":{"pod":"a"}},{"value":"2","labels":{"pod":"b"}}]
promtool: 0 errors
EOT
diff expected found
