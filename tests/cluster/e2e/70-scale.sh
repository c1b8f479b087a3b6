#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 1,000 containers asleep on a real API server: what the programs use, and that no wake among them searches
# through all. Limits on time are on processor time of a program, which does not depend on what else the
# machine does; a wake's own time is compared with the same run's, by medians, tenfold.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/programs.sh
. "$here/product/programs.sh"

die() { echo "70-scale: $*" >&2; tail -n 5 "$SCALE_DIR"/*.log >&2 || true; exit 1; }
trap programs_end EXIT
count=${SC_SCALE_COUNT:-1000}
# What a program needs with nothing to do is in there whole; what is counted by the object is a tenth of
# what the controller may have at 10,000 (20 MiB; loadtest/scale.sh judges that, and its 2 s of processor
# time). Processor time differs by half from run to run; looked for is what grows by the square.
controller_kib=$((12 * 1024)) other_kib=$((16 * 1024)) controller_ms=1000
config=$CLUSTER_DIR/kubeconfig ns=scale-$$
names=(controller activator idle-monitor node-agent)

start() {
  programs_start controller "$PROGRAMS_BUILD/controller/sc-controller" --kubeconfig="$config" --leader-elect=false \
    --activator-addresses=192.0.2.1:18080 --admin-listen=127.0.0.1:18081
  programs_start activator "$PROGRAMS_BUILD/activator/sc-activator" --kubeconfig="$config" --listen=127.0.0.1:18080 \
    --admin-listen=127.0.0.1:18082 --admin-token-file="$SCALE_DIR/token"
  programs_start idle-monitor "$PROGRAMS_BUILD/idle-monitor/sc-idle-monitor" --kubeconfig="$config" --leader-elect=false \
    --activators=http://127.0.0.1:18082 --activator-token-file="$SCALE_DIR/token" --admin-listen=127.0.0.1:18083
  programs_start node-agent "$PROGRAMS_BUILD/agent/sc-node-agent" --kubeconfig="$config" --node-name=none \
    --pods-dir="$SCALE_DIR/pods" --podman-socket="$SCALE_DIR/none.sock" --staging-dir="$SCALE_DIR/staging" \
    --host-path-prefixes="$SCALE_DIR/rootfs" --admin-listen=127.0.0.1:18084
}

mkdir -p "$SCALE_DIR/pods" "$SCALE_DIR/rootfs"
programs_begin "$ns"
start
echo "--- a wake among 10, then among $count"
# A search through all would be a hundred times as long; what the machine does beside is seldom twice.
# (How much it really is, loadtest/scale.sh tells.)
cluster_in "$PROGRAMS_BUILD/loadtest/sc-loadtest" scale --kubeconfig="$config" --namespace="$ns" --port=18080 \
  --count="$count" --few=10 --wakes=100 --ratio-max=1000 || die "wakes"

echo "--- a start beside $count that sleep"
scale_stop "${names[@]}"
start
scale_table "${names[@]}" >"$SCALE_DIR/table" || die "a program has ended"
cat "$SCALE_DIR/table"
value() { awk -v name="$1" -v column="$2" '$1 == name { print $column }' "$SCALE_DIR/table"; }
[ "$(value controller 2)" -le "$controller_kib" ] || die "the controller has more than $controller_kib KiB"
for name in activator idle-monitor node-agent; do
  [ "$(value "$name" 2)" -le "$other_kib" ] || die "$name has more than $other_kib KiB"
done
awk -v took="$(value controller 4)" -v may="$controller_ms" 'BEGIN { exit took * 1000 > may }' ||
  die "the controller took more than $controller_ms ms of processor time"
