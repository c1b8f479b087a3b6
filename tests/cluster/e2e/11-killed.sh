#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A second cluster beside the first, of which nothing is left when the process that it was for is
# killed, and nothing after `down` when its own supervisor was killed.
set -euo pipefail
SC_CLUSTER_DIR=$(mktemp -d /var/tmp/sc-killed.XXXXXX)
rmdir "$SC_CLUSTER_DIR"
export SC_CLUSTER_DIR
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$(dirname "$0")/../kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$(dirname "$0")/../product/app.sh"
trap cluster_down EXIT

cgroups() { find /sys/fs/cgroup -type d -name "$CLUSTER_CGROUP"; }
processes() { find /sys/fs/cgroup -path "*/$CLUSTER_CGROUP/*" -name cgroup.procs -exec cat {} + | sort -u; }
nothing() { [ ! -e "$CLUSTER_DIR" ] && [ -z "$(cgroups)" ]; }

echo "--- the process that it was for is killed"
setpriv --pdeathsig KILL sleep 600 &
cluster_up --nodes 1 --tie $!
kubectl create deployment web --image="$BUSYBOX" -- sleep 1000 >/dev/null
kubectl wait --for=condition=Available deployment/web --timeout=60s >/dev/null
network=$(readlink "/proc/$(cat "$CLUSTER_DIR/run/control.pid")/ns/net")
cluster_in sleep 600 &
# shells, daemons, shims, a Pod: all that can be left
[ "$(processes | wc -l)" -gt 12 ] || die "where are its processes? $(processes)"
kill -KILL %1
cluster_until 20 nothing
for namespace in /proc/[0-9]*/ns/net; do
  [ "$(readlink "$namespace" 2>/dev/null)" != "$network" ] || die "$namespace is in its network"
done

echo "--- its supervisor is killed"
setpriv --pdeathsig KILL sleep 600 &
keeper=$!
cluster_up --nodes 1 --tie "$keeper"
kill -KILL "$(cat "$CLUSTER_DIR/run/supervisor.pid")"
down() { ! cluster_is_up; }
cluster_until 20 down
[ -n "$(cgroups)" ] || die "there is nothing to clean"
cluster_down
nothing || die "left: $CLUSTER_DIR $(cgroups)"
kill "$keeper"
