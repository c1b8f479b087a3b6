#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [OPTION OF sc-loadtest wake…]
# Builds a release, starts an engine in namespaces of its own, measures how long a request takes that
# wakes a container, and leaves table, figures and plot in loadtest/results ($SC_RESULTS_DIR). Ends with another code
# than 0 when the criteria do not hold. Needs root and what the engine needs; gnuplot for the plot.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${SC_BUILD_DIR:-$root/build-release}

if [ -z "${ENGINE_DIR:-}" ]; then
	[ -f "$build/build.ninja" ] ||
		meson setup "$build" "$root" -Dtests=false -Db_sanitize=none -Dbuildtype=debugoptimized
	ninja -C "$build"
	exec "$root/tests/engine/isolate.sh" "$here/run.sh" "$@"
fi

state=$ENGINE_DIR/state run=/run/sc-local results=${SC_RESULTS_DIR:-$here/results}
engine() { # engine COMMAND [OPTION…]
	local command=$1
	shift
	"$build/local/sc-local" "$command" --state-dir="$state" --run-dir="$run" \
		--cgroup-root="$ENGINE_CGROUP" "$@"
}
trap 'engine down >/dev/null 2>&1 || true' EXIT

mkdir -p "$results"
engine up --detach --crds-dir="$root/crds" --host-path-prefixes="$ENGINE_DIR/rootfs"
sh "$root/examples/hello/make-image.sh" "$build/local/sc-local" podman \
	--state-dir="$state" --run-dir="$run" 2>/dev/null
sed "s|^  template:|  hostPathPrefix: $ENGINE_DIR/rootfs\n  template:|" \
	"$root/examples/hello.yaml" | kubectl --kubeconfig="$state/kubeconfig" apply -f -

# what Podman joins: a namespace with a cable to us
ip netns add floor
ip link add floor0 type veth peer name eth0 netns floor
ip addr add 10.214.0.1/24 dev floor0
ip link set floor0 up
ip -n floor addr add 10.214.0.2/24 dev eth0
ip -n floor link set lo up
ip -n floor link set eth0 up

code=0
"$build/loadtest/sc-loadtest" wake --kubeconfig="$state/kubeconfig" \
	--agent-log="$state/logs/sc-node-agent.log" --podman-socket="$run/podman.sock" \
	--podman-cgroup="/$ENGINE_CGROUP/floor" --netns=/run/netns/floor --netns-address=10.214.0.2 \
	--json="$results/wake.json" --csv="$results/wake.csv" \
	--plot-script="$here/wake.gp" --png="$results/wake.png" "$@" >"$results/wake.txt" || code=$?
cat "$results/wake.txt"
[ -z "${SC_KEEP_LOGS:-}" ] || cp -R "$state/logs" "$results/"
exit $code
