#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The load tests in small: each script starts what it says and leaves what it promises. No time is
# judged here, which takes a machine that does nothing else. (loadtest/cluster.sh is tested on a
# cluster.)
# usage: test_scripts.sh SOURCE_DIR [BUILD_DIR]
# Only a build without sanitizers is measured: $SC_RELEASE_BUILD_DIR, else BUILD_DIR.
set -u

source_dir=$1
SC_BUILD_DIR=${SC_RELEASE_BUILD_DIR:-${2:-}}
if [ -z "$SC_BUILD_DIR" ]; then
	echo '1..0 # SKIP wants a build without sanitizers in $SC_RELEASE_BUILD_DIR'
	exit 0
fi
[ "$(id -u)" = 0 ] || { echo '1..0 # SKIP needs root'; exit 0; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SC_BUILD_DIR SC_RESULTS_DIR=$scratch/results SC_DOCS_DIR=$scratch/docs
mkdir "$SC_RESULTS_DIR"
cp -R "$source_dir/docs" "$SC_DOCS_DIR"
any=10000
count=0
failed=0

result() { # result DESCRIPTION CMD…
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$scratch/out" 2>&1; then
		echo "ok $count - $what"
	else
		failed=1
		echo "not ok $count - $what"
		sed 's/^/# /' "$scratch/out"
	fi
}

measures_wakes() {
	"$source_dir/loadtest/run.sh" --cycles=2 --warm-up=0 --pause-min=0ms --pause-max=1ms \
		--ratio-max=10000 --handover-max=1000000 &&
		jq -e . "$SC_RESULTS_DIR/wake.json" &&
		[ "$(wc -l <"$SC_RESULTS_DIR/wake.csv")" -gt 6 ] &&
		[ "$(head -c 4 "$SC_RESULTS_DIR/wake.png" | tail -c 3)" = PNG ]
}

measures_warm_requests() { # of all three proxies, and what a held one costs
	"$source_dir/loadtest/warm.sh" --rounds=1 --seconds=1 --crowd=50 &&
		for proxy in sc-activator nginx haproxy; do
			grep "^$proxy " "$SC_RESULTS_DIR/warm.txt" || return
		done &&
		grep 'for each of 50 held requests' "$SC_RESULTS_DIR/warm.txt"
}

# which of few and many is faster is not judged: ten wakes are noise
measures_scale() {
	SCALE_COUNT=30 SCALE_WAKES=10 "$source_dir/loadtest/scale.sh" --ratio-max=$any &&
		grep 'controller: .*: holds' "$SC_RESULTS_DIR/scale.txt" &&
		grep '^wakes 10: among 10 ' "$SC_RESULTS_DIR/scale.txt"
}

besieges() { # all kinds, and none of them starves the neighbour or the activator
	"$source_dir/loadtest/siege.sh" --count=300 --seconds=3 --latency-max-ms=5000 &&
		[ "$(grep -c ' holds$' "$SC_RESULTS_DIR/siege.txt")" = 4 ]
}

stands_hostiles() { # all kinds, and no regular request fails beside one
	"$source_dir/loadtest/siege.sh" hostile --seconds=1 --rounds=1 --ratio-max=$any &&
		[ "$(grep -c ' holds$' "$SC_RESULTS_DIR/hostile.txt")" = 11 ]
}

publishes() { # what was measured stands in the page
	"$source_dir/loadtest/publish.sh" wake warm siege hostile &&
		for name in siege hostile; do
			line=$(grep ' holds$' "$SC_RESULTS_DIR/$name.txt" | head -n 1)
			grep -xF -e "$line" "$SC_DOCS_DIR/performance.md" || return
		done &&
		for name in wake warm; do
			line=$(sed -n 3p "$SC_RESULTS_DIR/$name.txt")
			grep -xF -e "$line" "$SC_DOCS_DIR/performance.md" || return
		done &&
		cmp "$SC_RESULTS_DIR/wake.png" "$SC_DOCS_DIR/images/wake.png"
}

result 'run.sh measures wakes beside Podman' measures_wakes
result 'warm.sh measures a request beside nginx and HAProxy' measures_warm_requests
result 'scale.sh measures programs beside many that sleep' measures_scale
result 'siege.sh measures a neighbour of the worst clients' besieges
result 'siege.sh measures regular requests beside a hostile connection' stands_hostiles
result 'publish.sh puts the figures into the page' publishes
echo "1..$count"
exit $failed
