#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a folder of its own (DESTDIR) and looks whether sc-local finds there what it starts.
# usage: test_install.sh BUILD_DIR BIN_DIR FIND_INSTALLED
set -u

build=$1
find_installed=$3
# where whoever is not root can come: $TMPDIR may be below a folder of root alone
staged=$(mktemp -d /tmp/sc-install.XXXXXX)
trap 'rm -rf "$staged"' EXIT
bin=$staged$2
count=0
failed=0

check() { # check DESCRIPTION CMD…
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$staged/out" 2>&1; then
		echo "ok $count - $what"
	else
		failed=1
		echo "not ok $count - $what"
		sed 's/^/# /' "$staged/out"
	fi
}

finds_all() {
	local path
	"$find_installed" "$bin" sc-local sc-controller sc-activator sc-idle-monitor sc-node-agent \
		sc-wrapper >"$staged/found"
	[ "$(wc -l <"$staged/found")" = 7 ] || return
	while read -r path; do
		path=$(realpath -e "$path") || return
		case "$path" in
		"$staged"/*) ;;
		*) echo "$path is not of this installation"; return 1 ;;
		esac
	done <"$staged/found"
}

serves_its_crds() {
	ls "$(tail -n 1 "$staged/found")"/stoppablecontainers.yaml \
		"$(tail -n 1 "$staged/found")"/stoppablecontainerinstances.yaml
}

unit_starts_what_is_installed() {
	local unit command
	unit=$(find "$staged" -path '*/lib/systemd/system/sc-local.service')
	command=$(sed -n 's/^ExecStart=\([^ ]*\) up --detach$/\1/p' "$unit")
	[ -x "$staged$command" ] || return
	grep -qx 'KillMode=mixed' "$unit" && grep -qx 'Delegate=yes' "$unit"
}

# as_nobody COMMAND…: whoever runs the test, what is seen is a user's who is not root
as_nobody() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

wants_root() { # wants_root COMMAND
	local code=0
	as_nobody timeout 20 "$bin/sc-local" "$1" --state-dir="$staged/state" --run-dir="$staged/run" \
		2>"$staged/said" || code=$?
	cat "$staged/said"
	[ "$code" = 1 ] && grep -q "^sc-local: run as root: sudo sc-local $1 " "$staged/said"
}

echo 1..8
chmod 755 "$staged"
check 'it installs' env DESTDIR="$staged" meson install -C "$build" --no-rebuild --quiet
check 'up is there' "$bin/sc-local" up --help
check 'sc-local finds every program beside it' finds_all
check 'its CRDs are there' serves_its_crds
check 'the unit starts it' unit_starts_what_is_installed
for command in up status down; do
	check "$command wants root and says so at once" wants_root "$command"
done
exit $failed
