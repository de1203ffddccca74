#!/bin/bash
# ctest 3.25.1 (Debian 12): ended by SIGTERM, ctest leaves the tests that it had started running.
#
# A build server, a container runtime and `timeout` end a program by SIGTERM. ctest then ends at once, with the signal's status, and
# each test that runs becomes a child of process 1 and goes on: with `ctest -j 8` that is eight of them, beside those of the next run. The
# TIMEOUT property of the tests ends with ctest, because ctest is what measures it. SIGINT from a terminal reaches the tests
# because the terminal sends it to the whole process group; a signal sent to ctest's pid alone does not.
#
# Seen with cmake 3.25.1-1 of Debian 12 (bookworm), on 2026-11-29: "the test outlived ctest: yes".
# What helps: start ctest in a session or control group of its own, and end the whole of it (`setsid`, then kill -- -PGID).
# This script fails when that changes. It needs Debian 12, apt-get and no root.
set -eu
version=3.25.1-1
work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "cmake=$version" "cmake-data=$version" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
ctest=$work/root/usr/bin/ctest
"$ctest" --version | head -1

# The smallest test directory: one test with a timeout of 60 s, which writes its pid and waits.
cat > CTestTestfile.cmake <<EOF
add_test(waits /bin/sh -c "echo \$\$ > $work/pid; exec sleep 30")
set_tests_properties(waits PROPERTIES TIMEOUT 60)
EOF
"$ctest" > ctest.log 2>&1 &
runner=$!
for _ in $(seq 100); do
  [ -s pid ] && break
  sleep 0.1
done
child=$(cat pid)
kill -TERM "$runner"
status=0
wait "$runner" || status=$?
echo "ctest ended with status $status"
sleep 1
if kill -0 "$child" 2>/dev/null; then
  echo "the test outlived ctest: yes"
else
  echo "the test outlived ctest: no"
  exit 1
fi
