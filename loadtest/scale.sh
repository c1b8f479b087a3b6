#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: scale.sh [OPTION OF sc-loadtest scale…]
# Builds a release, fills an API server (sc-local serve) with SCALE_COUNT containers that sleep (10000),
# and tells what each program uses when it starts beside them: the list of everything and, of the
# controller, a plan for each. Then wakes one at a time, by turns with another API server that has ten.
# Ends with another code than 0 when the controller takes more than 2 s of processor time to start or rests
# with more than 20 MiB, or when a wake among many is slower than among few. No Podman: the load test plays
# kubelet and node agent. Leaves scale.txt in loadtest/results ($SC_RESULTS_DIR). Needs root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${SC_BUILD_DIR:-$root/build-release}
count=${SCALE_COUNT:-10000}

if [ -z "${ENGINE_DIR:-}" ]; then
	[ -f "$build/build.ninja" ] ||
		meson setup "$build" "$root" -Dtests=false -Db_sanitize=none -Dbuildtype=debugoptimized
	ninja -C "$build"
	exec "$root/tests/engine/isolate.sh" "$here/scale.sh" "$@"
fi

SCALE_DIR=$ENGINE_DIR/scale results=${SC_RESULTS_DIR:-$here/results}
mkdir -p "$SCALE_DIR" "$results"
# shellcheck source=loadtest/scale-lib.sh
. "$here/scale-lib.sh"
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$SCALE_DIR/token"

engine() { # engine NAME PORT
	scale_start "$1-engine" "$build/local/sc-local" serve --runner=false \
		--state-dir="$SCALE_DIR/$1" --run-dir="$SCALE_DIR/$1-run" \
		--listen="127.0.0.1:$2" --crds-dir="$root/crds"
	until [ -f "$SCALE_DIR/$1/kubeconfig" ] &&
		kubectl --kubeconfig="$SCALE_DIR/$1/kubeconfig" get --raw /readyz >/dev/null 2>&1; do sleep 0.1; done
}
programs() { # programs NAME BASE-PORT
	local config=$SCALE_DIR/$1/kubeconfig
	scale_start "$1-controller" "$build/controller/sc-controller" --kubeconfig="$config" \
		--leader-elect=false --activator-addresses="127.0.0.1:$2" \
		--admin-listen="127.0.0.1:$(($2 + 1))"
	scale_start "$1-activator" "$build/activator/sc-activator" --kubeconfig="$config" \
		--listen="127.0.0.1:$2" --admin-listen="127.0.0.1:$(($2 + 2))" \
		--admin-token-file="$SCALE_DIR/token" \
		--wakes-per-second=0 --wakes-namespace-per-second=0 --wakes-node-per-second=0 # all are of one of each
	scale_start "$1-idle-monitor" "$build/idle-monitor/sc-idle-monitor" --kubeconfig="$config" \
		--leader-elect=false --activators="http://127.0.0.1:$(($2 + 2))" \
		--activator-token-file="$SCALE_DIR/token" --admin-listen="127.0.0.1:$(($2 + 3))"
	# on a node without Pods: it has read all instances all the same
	scale_start "$1-node-agent" "$build/agent/sc-node-agent" --kubeconfig="$config" \
		--node-name=none --pods-dir="$SCALE_DIR/pods" --podman-socket="$SCALE_DIR/none.sock" \
		--staging-dir="$SCALE_DIR/$1-staging" --host-path-prefixes="$SCALE_DIR/rootfs" \
		--admin-listen="127.0.0.1:$(($2 + 4))"
}
names() { # names NAME
	echo "$1-controller $1-activator $1-idle-monitor $1-node-agent"
}
judge() { # judge: passes the table through; no controller in it is a failure, too
	awk 'BEGIN { fails = 1 }
		{ print }
		$1 == "many-controller" { fails = $2 > 20 * 1024 || $4 > 2 }
		END {
			print "controller: at most 20 MiB at rest, at most 2 s to start: " (fails ? "FAILS" : "holds")
			exit fails
		}'
}
mkdir -p "$SCALE_DIR/pods" "$SCALE_DIR/rootfs"
engine many 6443
programs many 8080
echo "filling with $count containers" >&2
"$build/loadtest/sc-loadtest" scale --kubeconfig="$SCALE_DIR/many/kubeconfig" --count="$count" --wakes=0
code=0
# shellcheck disable=SC2046,SC2086 # names are words
{
	scale_stop $(names many)
	programs many 8080
	# controller, activator and idle-monitor: their caches are filled; they may have waited long for that
	for port in 8081 8082 8083; do
		until curl -fsS -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null; do sleep 0.1; done
	done
	echo "objects: $count StoppableContainers, and of each an instance, a Pod, a Service, an EndpointSlice"
	scale_table $(names many) | judge || code=1
	if [ "${SCALE_WAKES:-600}" -gt 0 ]; then
		engine few 6444
		programs few 8180
		"$build/loadtest/sc-loadtest" scale --kubeconfig="$SCALE_DIR/many/kubeconfig" \
			--few-kubeconfig="$SCALE_DIR/few/kubeconfig" --few-port=8180 \
			--count="$count" --wakes="${SCALE_WAKES:-600}" "$@" || code=1
	fi
} >"$results/scale.txt"
cat "$results/scale.txt"
[ -z "${SCALE_LOGS:-}" ] || cp "$SCALE_DIR"/*.log "$SCALE_LOGS"
exit $code
