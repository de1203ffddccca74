#!/bin/bash
# @kubernetes/client-node 1.4.0 and cdk8s 2.70.106 (September 2026) write strings into manifests that kubectl reads as numbers, and client-node
# reads a file mode of Kubernetes' documentation as another mode; no side warns.
#
# Kubernetes' YAML is what Go's yaml.v2 takes: version 1.1's octal 0400, underscores within numbers, and "0o" of 1.2 as well. The writer has to put
# quotes around each string that this reader would take for a number. client-node (js-yaml) quotes by YAML 1.2: a build tag 2026_11_30 or 12_34 stays
# bare, and Go takes away the underscores. cdk8s (yaml, version 1.1) knows underscores and misses 0o17 and the capital 0X and 0B, as ids of devices
# and commits have them. Where the type is known the API server refuses the number; where it is not (custom resources, values of a chart, anything
# with preserved unknown fields) the changed value is stored. The other direction is worse, because all of it is valid: defaultMode: 0400,
# as the pages on Secrets and ConfigMaps show it, is 256 for kubectl, and 400 for loadYaml(), that is 0620: readable and writable for the group.
#
# Seen on 2026-11-30 (js-yaml 4.3.2, yaml 2.9.1; kubectl 1.20.2 of Debian 12, `annotate --local`):
#   client-node writes: tag: 2026_11_30, part: 12_34, vendor: 0X8086
#   kubectl reads: tag 20261130, part 1234, vendor 32902
#   cdk8s writes: commit: 0o17, vendor: 0X8086, tag: "2026_11_30"
#   kubectl reads: commit 15, vendor 32902, tag "2026_11_30"
#   defaultMode: 0400, kubectl: 0400
#   defaultMode: 0400, cdk8s: 0400
#   defaultMode: 0400, client-node: 0620
# What helps: JSON, which kubectl takes as well, from the one to the other; decimal modes (256).
# This script fails when that changes. It needs Debian 12 with apt-get and jq, npm with a registry, and Node 20 or newer.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q kubernetes-client=1.20.5+really1.20.2-1.1+deb12u1 > /dev/null 2>&1
dpkg -x kubernetes-client_*.deb root
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @kubernetes/client-node@1.4.0 js-yaml@4.3.2 cdk8s@2.70.106 constructs@10 > /dev/null 2>&1
cat > pod.yaml <<'EOT'
apiVersion: v1
kind: Pod
metadata: {name: seen}
spec:
  containers: [{name: app, image: app}]
  volumes:
  - name: key
    secret: {secretName: key, defaultMode: 0400}
EOT
cat > write.mjs <<'EOT'
import fs from 'node:fs';
import {createRequire} from 'node:module';
import {dumpYaml, loadYaml} from '@kubernetes/client-node';
const {Yaml} = createRequire(import.meta.url)('cdk8s');
const resource = (spec) => ({apiVersion: 'example.org/v1', kind: 'Build', metadata: {name: 'seen'}, spec});
fs.writeFileSync('client-node.yaml', dumpYaml(resource({tag: '2026_11_30', part: '12_34', vendor: '0X8086'})));
fs.writeFileSync('cdk8s.yaml', Yaml.stringify(resource({commit: '0o17', vendor: '0X8086', tag: '2026_11_30'})));
const mode = (pod) => '0' + pod.spec.volumes[0].secret.defaultMode.toString(8);
fs.writeFileSync('modes', `cdk8s: ${mode(Yaml.load('pod.yaml')[0])}\nclient-node: ${mode(loadYaml(fs.readFileSync('pod.yaml', 'utf8')))}\n`);
EOT
node write.mjs
kubectl() { KUBECONFIG=/dev/null root/usr/bin/kubectl annotate --local -f "$1" seen=1 -o json; }
joined() { tr '\n' ',' | sed 's/,$//; s/,/, /g'; }
{
  for writer in client-node cdk8s; do
    echo "$writer writes: $(sed -n '/^spec/,$s/^  *//p' "$writer.yaml" | joined)"
    echo "kubectl reads: $(kubectl "$writer.yaml" | jq -r '.spec | keys_unsorted[] as $key | "\($key) \(.[$key] | tojson)"' | sort > read
      for key in $(sed -n '/^spec/,$s/^  *\([a-z]*\):.*/\1/p' "$writer.yaml"); do grep "^$key " read; done | joined)"
  done
  printf 'defaultMode: 0400, kubectl: 0%o\n' "$(kubectl pod.yaml | jq '.spec.volumes[0].secret.defaultMode')"
  sed 's/^/defaultMode: 0400, /' modes
} | tee found
diff found - <<'EOT'
client-node writes: tag: 2026_11_30, part: 12_34, vendor: 0X8086
kubectl reads: tag 20261130, part 1234, vendor 32902
cdk8s writes: commit: 0o17, vendor: 0X8086, tag: "2026_11_30"
kubectl reads: commit 15, vendor 32902, tag "2026_11_30"
defaultMode: 0400, kubectl: 0400
defaultMode: 0400, cdk8s: 0400
defaultMode: 0400, client-node: 0620
EOT
