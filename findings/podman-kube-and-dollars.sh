#!/bin/bash
# podman 4.3.1 (Debian 12): `podman kube play` hands $(NAME) in env, command and args to the container as it stands, where the shell of `sh -c` takes it for
# a command; and `podman kube generate` writes a "$$" bare, which Kubernetes makes one "$".
#
# In a Pod, $(NAME) in env[].value, command and args is the variable's value, $$(NAME) is the text $(NAME), and $$ is $: Kubernetes' API reference says so at
# each of the three fields, and charts build URLs, ids and flags of it. podman's list of supported fields ticks them, and the Pod starts without a
# warning: the program gets http://$(HOST):80, and within `sh -c` the same text runs a command of the variable's name. kube generate goes
# wrong in the other direction: what podman runs literally is not escaped. A password pa$$word is pa$word in a cluster, and `echo $$ > /run/pid`
# writes a "$". Played by podman it is right again, because two faults meet; a manifest that was made by one and is run by another is not.
#
# Seen on 2026-11-30 (podman 4.3.1+ds1-8+deb12u1+b3; in brackets what the API reference says):
#   URL, http://$(HOST):80: http://$(HOST):80 [http://db:80]
#   args, $(HOST): $(HOST) [db]
#   args, $$(HOST): $$(HOST) [$(HOST)]
#   sh -c 'echo $(HOST)': "", HOST: not found [db]
#   kube generate of pa$$word: pa$$word [pa$$$$word]
#   kube generate of sh -c 'echo $$': echo $$ [echo $$$$]
# What helps: nothing within the manifest that both read alike; values without "$(" and "$$".
# This script fails when that changes. It needs Debian 12 with apt-get, and root.
set -eu
work=$(mktemp -d)
export HOME=$work/home CONTAINERS_CONF=$work/containers.conf
podman() {
  "$work/root/usr/bin/podman" --root "$work/data" --runroot "$work/run" --tmpdir "$work/tmp" \
    --storage-driver vfs --cgroup-manager cgroupfs --runtime runc --events-backend file "$@"
}
clean() {
  podman pod rm -f -t 0 -a > /dev/null 2>&1 || true
  podman rm -f -t 0 -a > /dev/null 2>&1 || true
  sleep 0.5
  { for pod in $(cat pods) conmon ""; do rmdir /sys/fs/cgroup/{,*/}"libpod_parent/$pod"; done; } 2> /dev/null || true
  rm -rf "$work"
}
trap clean EXIT
cd "$work"
apt-get download -q podman=4.3.1+ds1-8+deb12u1+b3 runc=1.1.5+ds1-1+deb12u1 conmon=2.1.6+ds1-1 catatonit=0.1.7-1+b2 \
  busybox-static=1:1.35.0-4+deb12u1+b1 libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1 libyajl2 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
export PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
mkdir -p home/.config/containers image/bin image/answer answer
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > home/.config/containers/policy.json
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nconmon_path = ["%s"]\n' "$work/root/usr/bin/conmon" > containers.conf

cp root/bin/busybox image/bin/
ln -s busybox image/bin/sh
tar -C image -c . | podman import -q --change 'ENV PATH=/bin' - localhost/tools:1 > /dev/null 2>&1
cat > pod.yaml <<EOT
apiVersion: v1
kind: Pod
metadata: {name: seen}
spec:
  hostNetwork: true
  restartPolicy: Never
  containers:
  - name: app
    image: localhost/tools:1
    imagePullPolicy: Never
    command:
    - /bin/sh
    - -c
    - |
      echo "\$URL" > /answer/url
      echo "\$1" > /answer/first
      echo "\$2" > /answer/second
      { echo \$(HOST); } > /answer/shell 2> /answer/error
    args: [sh, \$(HOST), \$\$(HOST)]
    env:
    - {name: HOST, value: db}
    - {name: URL, value: "http://\$(HOST):80"}
    volumeMounts: [{name: answer, mountPath: /answer}]
  volumes: [{name: answer, hostPath: {path: $work/answer}}]
EOT
podman kube play pod.yaml > log 2>&1 || cat log
sed -n '/^Pod:/{n;p}' log >> pods
podman wait seen-app > /dev/null 2>&1
podman create --name made --pull never --network host -e 'PASSWORD=pa$$word' localhost/tools:1 /bin/sh -c 'echo $$' > /dev/null 2>&1
podman kube generate made > made.yaml 2> log
{
  echo "URL, http://\$(HOST):80: $(cat answer/url) [http://db:80]"
  echo "args, \$(HOST): $(cat answer/first) [db]"
  echo "args, \$\$(HOST): $(cat answer/second) [\$(HOST)]"
  echo "sh -c 'echo \$(HOST)': \"$(cat answer/shell)\", $(grep -o 'HOST: not found' answer/error) [db]"
  echo "kube generate of pa\$\$word: $(sed -n 's/ *value: \(pa.*\)/\1/p' made.yaml) [pa\$\$\$\$word]"
  echo "kube generate of sh -c 'echo \$\$': $(sed -n 's/ *- \(echo.*\)/\1/p' made.yaml) [echo \$\$\$\$]"
} | tee found
diff found - <<'EOT'
URL, http://$(HOST):80: http://$(HOST):80 [http://db:80]
args, $(HOST): $(HOST) [db]
args, $$(HOST): $$(HOST) [$(HOST)]
sh -c 'echo $(HOST)': "", HOST: not found [db]
kube generate of pa$$word: pa$$word [pa$$$$word]
kube generate of sh -c 'echo $$': echo $$ [echo $$$$]
EOT
