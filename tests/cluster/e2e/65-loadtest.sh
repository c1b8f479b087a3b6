#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The load test in small: it starts what it says, sees every stage, and writes what it promises. No
# time is judged here: loadtest/cluster.sh does that, on a machine that does nothing else.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$root/tests/cluster/kubernetes/lib.sh"

export SC_RESULTS_DIR=$CLUSTER_DIR/loadtest
any=100000

"$root/loadtest/cluster.sh" --here --cycles=2 --many=3 --many-cycles=1 --warm-up=0 \
  --limits-p50=$any --limits-p95=$any --limits-many=$any >"$CLUSTER_DIR/log/loadtest.out" || {
  # from an application's end to the first byte has no limit to loosen
  [ -s "$SC_RESULTS_DIR/pods.json" ] || die "$(cat "$CLUSTER_DIR/log/loadtest.out")"
}
seen() { jq -e --arg start "$1" --arg stage "$2" --argjson count "$3" '.starts[$start][$stage].count == $count' "$SC_RESULTS_DIR/pods.json" >/dev/null || die "$1: $2 was not seen $3 times: $(cat "$SC_RESULTS_DIR/pods.txt")"; }
for stage in 'Pod created' 'port answers' 'first byte'; do seen 'bare Pod' "$stage" 2; done
for stage in patched 'Pod created' 'container up' 'handed over' started 'port answers' released 'first byte'; do seen wake "$stage" 2; done
seen 'wake in a stop' 'old one ended' 2
seen 'wake in a stop' 'end to byte' 2
seen 'last of bare Pods' 'port answers' 1
seen 'last of wakes' 'first byte' 1
# two sets of processes never share one root file system
awk -F, '$2 == "wake in a stop" && $3 == "end to byte" && $4 <= 0 { exit 1 }' "$SC_RESULTS_DIR/pods.csv" ||
  die "the new application answered before the old one had ended"
if command -v gnuplot >/dev/null; then
  [ "$(head -c 4 "$SC_RESULTS_DIR/pods.png" | tail -c 3)" = PNG ] || die "no plot"
fi
if kubectl get namespace loadtest >/dev/null 2>&1; then die "the load test left its namespace"; fi
