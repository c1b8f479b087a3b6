#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: warm.sh [OPTION OF sc-loadtest warm…]
# Builds a release and measures what a request through sc-activator costs, beside nginx and HAProxy as
# proxies of the same backend, in a network namespace of its own. Leaves warm.* in loadtest/results ($SC_RESULTS_DIR).
# Needs root, wrk and nginx (Debian: wrk nginx-light); HAProxy (haproxy) is left out when missing.
# The backend, wrk and what is not measured run on processor 1, the measured proxy on processor 0.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${SC_BUILD_DIR:-$root/build-release}

for program in wrk nginx curl jq; do
	command -v "$program" >/dev/null || { echo "warm: skipped, $program is not installed"; exit 0; }
done
if [ -z "${ENGINE_DIR:-}" ]; then
	[ -f "$build/build.ninja" ] ||
		meson setup "$build" "$root" -Dtests=false -Db_sanitize=none -Dbuildtype=debugoptimized
	ninja -C "$build"
	exec "$root/tests/engine/isolate.sh" "$here/warm.sh" "$@"
fi

results=${SC_RESULTS_DIR:-$here/results} state=$ENGINE_DIR/state dir=$ENGINE_DIR/warm
mkdir -p "$results" "$dir"
ulimit -n "$(ulimit -Hn)"

# nginx NAME CONFIGURATION: one worker; its process number is then in $dir/NAME.worker
start_nginx() {
	cat >"$dir/$1.conf" <<-END
		worker_processes 1; worker_cpu_affinity $3; worker_rlimit_nofile 16384;
		pid $dir/$1.pid; error_log $dir/$1.log;
		events { worker_connections 8192; }
		http { access_log off; keepalive_timeout 300s; keepalive_requests 100000000;
		       client_body_temp_path $dir/$1.body; proxy_temp_path $dir/$1.proxy;
		       fastcgi_temp_path $dir/$1.f; uwsgi_temp_path $dir/$1.u; scgi_temp_path $dir/$1.s;
		       $2 }
	END
	nginx -c "$dir/$1.conf" -e "$dir/$1.log"
	# the command returns before there is a worker
	until pgrep -P "$(cat "$dir/$1.pid")" >"$dir/$1.worker"; do sleep 0.1; done
}
start_nginx backend 'server { listen 127.0.0.1:9000 backlog=4096; location / { return 200 "ok\n"; } }' 10
start_nginx proxy 'upstream b { server 127.0.0.1:9000; keepalive 256; }
	server { listen 127.0.0.1:9001 backlog=4096;
	  location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } }' 01
targets=()
if command -v haproxy >/dev/null; then
	cat >"$dir/haproxy.cfg" <<-END
		global
		  nbthread 1
		  maxconn 8000
		defaults
		  mode http
		  timeout connect 5s
		  timeout client 300s
		  timeout server 300s
		  http-reuse always
		frontend f
		  bind 127.0.0.1:9002
		  default_backend b
		backend b
		  server s 127.0.0.1:9000
	END
	taskset -c 0 haproxy -D -f "$dir/haproxy.cfg" -p "$dir/haproxy.pid"
	targets+=(--target="haproxy:$(cat "$dir/haproxy.pid"):9002")
else
	echo "warm: HAProxy is left out, it is not installed"
fi

# an API server without a runner: what the controller and the agent would say is said here
taskset -c 1 "$build/local/sc-local" serve --state-dir="$state" --crds-dir="$root/crds" \
	--runner=false --listen=127.0.0.1:6443 2>"$dir/serve.log" &
api() { # api METHOD PATH [BODY]
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
make() { # make NAME RUNNING: a container, and the instance that it owns
	local template='{"container":{"image":"localhost/none:1","ports":[{"containerPort":9000}]}}'
	local uid
	uid=$(api POST $base/stoppablecontainers "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\",
		\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"$1\"},\"spec\":{\"running\":$2,
		\"template\":$template,\"activation\":{\"holdTimeout\":\"300s\"}}}" | jq -r .metadata.uid)
	api POST $base/stoppablecontainerinstances "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\",
		\"kind\":\"StoppableContainerInstance\",\"metadata\":{\"name\":\"$1\",\"ownerReferences\":[{
		\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\",\"kind\":\"StoppableContainer\",
		\"name\":\"$1\",\"uid\":\"$uid\",\"controller\":true}]},\"spec\":{
		\"stoppableContainerName\":\"$1\",\"running\":$2,\"template\":$template}}" >/dev/null
}
make warm true
make held false
api PATCH $base/stoppablecontainerinstances/warm/status '{"status":{"containerGeneration":1,
	"phase":"Running","consumerPodUID":"u","consumer":{"podUID":"u","state":"Listening",
	"address":"127.0.0.1","port":9000}}}' merge-patch+json >/dev/null

for port in 9003 9004; do
	taskset -c 0 "$build/activator/sc-activator" --kubeconfig="$state/kubeconfig" \
		--listen=127.0.0.1:$port --admin-listen=127.0.0.1:$((port + 100)) \
		--domains=localhost 2>"$dir/activator-$port.log" &
	echo $! >"$dir/activator-$port.pid"
done
for _ in $(seq 100); do
	curl -sf -o /dev/null -H 'Host: warm.default.localhost' http://127.0.0.1:9003/ &&
		curl -sf -o /dev/null http://127.0.0.1:9104/readyz && break
	sleep 0.1
done

code=0
taskset -c 1 "$build/loadtest/sc-loadtest" warm \
	--target="sc-activator:$(cat "$dir/activator-9003.pid"):9003" \
	--target="nginx:$(cat "$dir/proxy.worker"):9001" "${targets[@]}" --target=direct:0:9000 \
	--held="sc-activator:$(cat "$dir/activator-9004.pid"):9004" \
	--json="$results/warm.json" "$@" >"$results/warm.txt" || code=$?
cat "$results/warm.txt"
[ $code = 0 ] || tail -n 3 "$dir"/*.log
exit $code
