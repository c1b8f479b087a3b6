#!/bin/bash
# Resident memory of every program, idle with one resource, and what sc-wrapper weighs.
# usage: isolate.sh test_memory.sh SOURCE_DIR [BUILD_DIR]
# Only a build without sanitizers tells: $SC_RELEASE_BUILD_DIR, else BUILD_DIR.
set -u

source_dir=$1
build=${SC_RELEASE_BUILD_DIR:-${2:-}}
if [ -z "$build" ]; then
	echo '1..0 # SKIP wants a build without sanitizers in $SC_RELEASE_BUILD_DIR'
	exit 0
fi
dirs=(--state-dir="$ENGINE_DIR/state" --run-dir=/run/engine)
url=http://hello.default.localhost:8080/
count=0
failed=0

result() { # result DESCRIPTION CMD…
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$ENGINE_DIR/out" 2>&1; then
		echo "ok $count - $what"
	else
		failed=1
		echo "not ok $count - $what"
		sed 's/^/# /' "$ENGINE_DIR/out"
	fi
}

until_true() { # until_true CMD…: for half a minute at most
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

start() {
	"$build/local/sc-local" up --detach "${dirs[@]}" --crds-dir="$source_dir/crds" \
		--cgroup-root="$ENGINE_CGROUP" --host-path-prefixes="$ENGINE_DIR/rootfs" &&
		sh "$source_dir/examples/hello/make-image.sh" "$build/local/sc-local" podman "${dirs[@]}"
}

apply() { # asleep, and never idle before the test is done with it
	export KUBECONFIG=$ENGINE_DIR/state/kubeconfig
	sed -e "s|^spec:|spec:\n  hostPathPrefix: $ENGINE_DIR/rootfs|" -e 's/timeout: 5s/timeout: 5m/' \
		"$source_dir/examples/hello.yaml" | kubectl apply -f -
}

answers() {
	curl --silent --fail --max-time 30 --output /dev/null $url
}

sleeps() {
	kubectl patch sc hello --type=merge --patch='{"spec":{"running":false}}' &&
		kubectl wait sc hello --for=jsonpath='{.status.phase}'=Stopped --timeout=20s
}

rss_kib() { # rss_kib PID
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"
}

is_within() { # is_within PID LIMIT_KIB
	[ "$(rss_kib "$1")" -le "$2" ]
}

# Quiet programs trim themselves every ten seconds; what they use between stays below the limit.
settles() { # settles LIMIT_KIB PID…
	local limit=$1 pid
	shift
	[ $# -gt 0 ] || return 1
	for pid in "$@"; do
		until_true is_within "$pid" "$limit" || {
			echo "$(rss_kib "$pid") KiB, limit $limit"
			return 1
		}
	done
}

pids_of() { # pids_of COMMAND SUBCOMMAND
	pgrep -f "/$1 ?$2( |$)"
}

memory_of() { # memory_of PROGRAM SUBCOMMAND LIMIT_KIB
	local pids
	mapfile -t pids < <(pids_of "$1" "$2")
	result "$1${2:+ $2}: $(for p in "${pids[@]}"; do rss_kib "$p"; done | paste -sd, -) KiB, limit $3" \
		settles "$3" "${pids[@]}"
}

every_program() { # every_program: the figures of this moment
	memory_of sc-controller '' 8192
	memory_of sc-activator '' 8192
	memory_of sc-idle-monitor '' 8192
	memory_of sc-node-agent '' 8192
	memory_of sc-local serve 12288
	memory_of sc-local up 8192
}

echo 1..19
result 'the engine starts' start
result 'one resource' apply
sleep 15
every_program
result 'a request is answered' answers
sleep 15
every_program
memory_of sc-wrapper pause 64
memory_of sc-wrapper run 64
result "sc-wrapper: $(stat -c %s "$build/wrapper/sc-wrapper") bytes on disk" \
	test "$(stat -c %s "$build/wrapper/sc-wrapper")" -le $((256 << 10))
result 'it is put to sleep' sleeps
"$build/local/sc-local" down "${dirs[@]}" >/dev/null 2>&1
exit $failed
