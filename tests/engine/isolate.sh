#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs CMD in network, mount and process namespaces of its own with a private folder in $ENGINE_DIR.
# When CMD has ended, also by failure, its processes, mounts and cgroup folders are gone.
# usage: isolate.sh CMD [ARG…]
set -eu

if [ "${ENGINE_ISOLATED:-}" != "$$" ] && [ -z "${ENGINE_DIR:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	ENGINE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/sc-engine.XXXXXX")
	ENGINE_CGROUP=$(basename "$ENGINE_DIR" | tr . -)
	export ENGINE_DIR ENGINE_CGROUP
	# what a failed test left frozen (cgroup v1) could not end, nor could its namespace
	thaw() {
		find /sys/fs/cgroup/freezer -path "*/$ENGINE_CGROUP/*" -name freezer.state 2>/dev/null |
			while read -r state; do echo THAWED >"$state"; done
	}
	trap 'kill "$child"; thaw' TERM INT
	unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@" &
	child=$!
	code=0
	wait "$child" || code=$?
	while kill -0 "$child" 2>/dev/null; do sleep 0.1; done # a signal ends only the wait
	# the processes are gone with their namespace; folders may need a moment
	for _ in $(seq 50); do
		find /sys/fs/cgroup -depth -type d -path "*/$ENGINE_CGROUP*" -exec rmdir {} + 2>/dev/null || true
		[ -z "$(find /sys/fs/cgroup -type d -name "$ENGINE_CGROUP" 2>/dev/null)" ] && break
		sleep 0.1
	done
	rm -rf --one-file-system "$ENGINE_DIR"
	exit $code
fi

ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /run
# what kubectl remembers of an API server, it knows by the address, which others had before
export KUBECACHEDIR=$ENGINE_DIR/kubectl-cache
# xattrs and overlay's upper directories want a real file system, and /tmp may not be one
exec "$@"
