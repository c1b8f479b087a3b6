#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: siege.sh [siege | hostile] [OPTION OF sc-loadtest siege or hostile…]
# Builds a release and measures, in a network namespace of its own: what sc-activator takes, and how
# long a neighbour waits, while thousands of connections of the worst kinds are open (siege); or how
# long regular requests wait beside a single connection at full speed (hostile). The
# activator runs within SIEGE_LIMIT_MIB (512, as in the chart) of memory: a cgroup of its own where
# there is the memory controller of v1 (which does not count sockets; the table does).
# Leaves siege.txt or hostile.txt in loadtest/results ($SC_RESULTS_DIR). Needs root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${SC_BUILD_DIR:-$root/build-release}
limit=${SIEGE_LIMIT_MIB:-512}
what=siege
case ${1:-} in siege | hostile) what=$1; shift ;; esac

for program in curl jq; do
	command -v "$program" >/dev/null || { echo "siege: skipped, $program is not installed"; exit 0; }
done
if [ -z "${ENGINE_DIR:-}" ]; then
	[ -f "$build/build.ninja" ] ||
		meson setup "$build" "$root" -Dtests=false -Db_sanitize=none -Dbuildtype=debugoptimized
	ninja -C "$build" local/sc-local activator/sc-activator loadtest/sc-loadtest
	exec "$root/tests/engine/isolate.sh" "$here/siege.sh" "$what" "$@"
fi

results=${SC_RESULTS_DIR:-$here/results} state=$ENGINE_DIR/state dir=$ENGINE_DIR/siege
mkdir -p "$results" "$dir"
ulimit -n "$(ulimit -Hn)"
echo 4096 >/proc/sys/net/core/somaxconn

"$build/local/sc-local" serve --state-dir="$state" --crds-dir="$root/crds" --runner=false \
	--listen=127.0.0.1:6443 2>"$dir/serve.log" &
api() { # api METHOD PATH [BODY [KIND OF JSON]]
	curl -sf --cacert "$dir/ca.crt" -H "Authorization: Bearer $(cat "$state/token")" -X "$1" \
		-H "Content-Type: application/${4:-json}" ${3:+-d "$3"} "https://127.0.0.1:6443$2"
}
for _ in $(seq 100); do
	[ -s "$state/kubeconfig" ] && break
	sleep 0.1
done
sed -n 's/.*certificate-authority-data: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$state/kubeconfig" |
	base64 -d >"$dir/ca.crt"
base=/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default
for _ in $(seq 100); do
	api GET /readyz >/dev/null && break
	sleep 0.1
done
make() { # make NAME PORT: a container that runs, and the instance that it owns
	local template='{"container":{"image":"localhost/none:1","ports":[{"containerPort":'$2'}]}}'
	local uid
	uid=$(api POST $base/stoppablecontainers "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\",
		\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"$1\"},\"spec\":{\"running\":true,
		\"template\":$template}}" | jq -r .metadata.uid)
	api POST $base/stoppablecontainerinstances "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\",
		\"kind\":\"StoppableContainerInstance\",\"metadata\":{\"name\":\"$1\",\"ownerReferences\":[{
		\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\",\"kind\":\"StoppableContainer\",
		\"name\":\"$1\",\"uid\":\"$uid\",\"controller\":true}]},\"spec\":{
		\"stoppableContainerName\":\"$1\",\"running\":true,\"template\":$template}}" >/dev/null
	api PATCH "$base/stoppablecontainerinstances/$1/status" '{"status":{"containerGeneration":1,
		"phase":"Running","consumerPodUID":"u","consumer":{"podUID":"u","state":"Listening",
		"address":"127.0.0.1","port":'"$2"'}}}' merge-patch+json >/dev/null
}
make quick 9000
make file 9001
make sink 9002

# The cgroup goes with isolate.sh, which takes away what has the engine's name.
group=/sys/fs/cgroup/memory/$ENGINE_CGROUP
if ! { mkdir -p "$group" && echo $((limit * 1024 * 1024)) >"$group/memory.limit_in_bytes"; } 2>/dev/null; then
	echo "siege: no memory cgroup of v1, the limit is judged by the table alone"
	group=
fi
(
	[ -z "$group" ] || echo "$BASHPID" >"$group/cgroup.procs"
	exec "$build/activator/sc-activator" --kubeconfig="$state/kubeconfig" \
		--listen=127.0.0.1:8080 --admin-listen=127.0.0.1:9091 --domains=localhost \
		--connections-memory=$((limit * 1024 * 1024 / 100 * 60)) --log-level=warn 2>"$dir/activator.log"
) &
activator=$!
for _ in $(seq 100); do
	curl -sf -m 1 -o /dev/null http://127.0.0.1:9091/readyz && break
	sleep 0.1
done

[ "$what" = hostile ] || set -- --pid="$activator" --limit-mib="$limit" "$@"
code=0
{
	"$build/loadtest/sc-loadtest" "$what" "$@" || code=$?
	echo
	curl -s -m 5 http://127.0.0.1:9091/metrics |
		grep -E '^sc_activator_(requests_total.*(evicted|slow|memory|overloaded)|connections_memory)' || true
	[ -z "$group" ] || echo "cgroup: $(($(cat "$group/memory.max_usage_in_bytes") / 1048576)) MiB at most," \
		"$(cat "$group/memory.failcnt") times at the limit"
} >"$results/$what.txt"
cat "$results/$what.txt"
[ $code = 0 ] || tail -n 3 "$dir"/*.log
exit $code
