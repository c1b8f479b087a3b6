#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The supervisor with the real programs: up, a second up, a killed program, two engines, down, and
# what somebody else takes away meanwhile.
# usage: isolate.sh test_up.sh BUILD_DIR CRDS_DIR
set -u

local_bin=$1/local/sc-local
crds=$2
count=0
failed=0

engine() { # engine A|B COMMAND [OPTION…]
	local which=$1 command=$2 number=0
	shift 2
	[ "$which" = B ] && number=1
	"$local_bin" "$command" --state-dir="$ENGINE_DIR/$which" --run-dir="/run/$which" \
		--cgroup-root="$ENGINE_CGROUP-$which" --bridge="sct$which" \
		--subnet="10.$((98 + number)).0.1/16" "$@"
}

start() { # start A|B
	local number=0
	[ "$1" = B ] && number=1
	engine "$1" up --detach --crds-dir="$crds" --listen="127.0.0.1:$((16443 + number))" \
		--http-listen="127.0.0.1:$((18080 + number))" --admin-port="$((19440 + 10 * number))" \
		--host-path-prefixes="$ENGINE_DIR/rootfs$1" ${SC_BIN_DIR:+--bin-dir="$SC_BIN_DIR"}
}

check() { # check DESCRIPTION CMD…
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

until_true() { # until_true CMD…: for ten seconds at most
	for _ in $(seq 100); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

second_up_is_refused() {
	! start A 2>"$ENGINE_DIR/second" && grep -q 'runs on .* already' "$ENGINE_DIR/second"
}

field() { # field PROGRAM NAME: of the status of engine A
	engine A status --output=json | jq -r ".[] | select(.name == \"$1\") | .$2"
}

killed_program_is_back() {
	local before
	before=$(field sc-controller pid)
	kill -KILL "$before"
	until_true back_with_another_pid "$before"
}

back_with_another_pid() {
	[ "$(field sc-controller state)" = ready ] && [ "$(field sc-controller pid)" != "$1" ] &&
		[ "$(field sc-controller restarts)" = 1 ]
}

# what the end of a login session sends; the checks after this one want the same engine, too
hangup_is_not_its_end() {
	local pid
	pid=$(cat /run/A/up.pid)
	kill -HUP "$pid" && engine A status && kill -0 "$pid"
}

node_is_ready() {
	kubectl --kubeconfig="$ENGINE_DIR/A/kubeconfig" get node local | grep -q ' Ready '
}

nothing_is_left() {
	! ip link | grep -q 'sct[AB]' && ! nft list tables | grep -q 'sc_sct' &&
		! grep -q "$ENGINE_DIR" /proc/self/mounts &&
		[ -z "$(find /sys/fs/cgroup -name "$ENGINE_CGROUP-*" -type d)" ] &&
		! pgrep -f "$ENGINE_DIR" && ! pgrep conmon
}

# what systemd kills with a unit or a session is not to be what learns how containers end
monitors_have_a_place_of_their_own() {
	local cgroups
	cgroups=$(cat "/proc/$(field podman pid)/cgroup") || return
	echo "$cgroups"
	grep -q "^0::/$ENGINE_CGROUP-A/monitors$" <<<"$cgroups" || return
	! grep -q 'name=systemd' <<<"$cgroups" ||
		grep -q "name=systemd:/$ENGINE_CGROUP-A/monitors$" <<<"$cgroups"
}

# the bridge, its table and its cables of engine A, as another engine and a person must leave them
bridge_of_A() { ip -o link show sctA | cut -d : -f 1; }
network_of_A_is_whole() {
	ip -o -4 address show sctA | grep -q ' 10.98.0.1/16 ' && nft list table ip sc_sctA >/dev/null &&
		ip route show type blackhole | grep -q '^blackhole 10.98.0.0/16 '
}

# "down" that is told no name takes what its own folder names, and nothing by the default's name
down_of_one_leaves_the_other() {
	local before
	before=$(bridge_of_A)
	"$local_bin" down --state-dir="$ENGINE_DIR/B" --bridge=sctA --subnet=10.98.0.1/16 \
		--cgroup-root="$ENGINE_CGROUP-A" || return
	[ "$(bridge_of_A)" = "$before" ] && network_of_A_is_whole && engine A status
	! ip link show sctB 2>/dev/null
}

foreign_bridge_is_refused() { # engine B with the bridge of A
	! engine B up --bridge=sctA --crds-dir="$crds" --listen=127.0.0.1:16444 \
		--http-listen=127.0.0.1:18081 --admin-port=19450 --detach >"$ENGINE_DIR/foreign" 2>&1
	grep "not this engine's (sc-local $ENGINE_DIR/A)" "$ENGINE_DIR/foreign" || return
	network_of_A_is_whole
}

# an address of the Pods' that no Pod has leads nowhere, also while there is no bridge
nothing_leaves_without_a_bridge() {
	local ip_error
	ip link delete sctA || return
	ip_error=$(ip route get 10.98.7.7 2>&1)
	case "$ip_error" in *'Invalid argument'*) ;; *) echo "$ip_error"; return 1 ;; esac
}

flushed_rules_are_made_anew() {
	for _ in 1 2 3; do # the first may come in the mending of the bridge, which makes them anew, too
		nft flush ruleset && until_true network_of_A_is_whole || return
		grep -q 'network.rules_lost' "$ENGINE_DIR/A/logs/"* && return
	done
	return 1
}

lost_bridge_is_made_anew() {
	until_true network_of_A_is_whole && grep -q 'network.bridge_lost' "$ENGINE_DIR/A/logs/"*
}

# More changes of links than the kernel keeps for a reader that is late. Thrown away and made anew,
# the waiting networks would be the next such flood, and that without end.
networks_of_A() { ip -o link show master sctA | cut -d : -f 2 | sort; }
networks_of_A_are() { [ "$(networks_of_A)" = "$1" ]; }
networks_of_A_wait() { [ "$(networks_of_A | wc -l)" = 4 ]; }
lost_events_cost_no_network() {
	local pid before
	until_true networks_of_A_wait || return
	before=$(networks_of_A)
	pid=$(pgrep -f "sc-local serve --state-dir=$ENGINE_DIR/A( |\$)") || return
	kill -STOP "$pid"
	for i in $(seq 2000); do echo "link set lo alias number-$i"; done | ip -batch -
	kill -CONT "$pid"
	until_true grep -q 'network.events_lost' "$ENGINE_DIR/A/logs/sc-local.log" || return
	sleep 1 # what is made anew is so 350 ms later
	networks_of_A_are "$before"
}

# Podman does not sync what it loads: the label may be there, and the file empty
wrappers_of_B() { find "$ENGINE_DIR/B/containers/overlay" -path '*/diff/sc-wrapper'; }
wrapper_of_B_is_lost() {
	truncate -s 0 "$(wrappers_of_B)"
}

wrapper_of_B_is_whole() {
	[ "$(stat -c %s "$(wrappers_of_B)")" -gt 0 ] && grep -q wrapper_image.broken "$ENGINE_DIR/B/logs/"*
}

state_is_gone() {
	[ ! -e "$ENGINE_DIR/B" ]
}

echo 1..21
check 'up starts everything and returns' start A
check 'status says that all are ready' engine A status
check 'the node is ready' until_true node_is_ready
check 'a hangup does not end what is detached' hangup_is_not_its_end
check 'monitors are in no unit and no session' monitors_have_a_place_of_their_own
check 'a second up on one state folder is refused' second_up_is_refused
check 'another engine runs beside it' start B
check 'its down leaves the first one alone' down_of_one_leaves_the_other
check 'a bridge of another engine is refused' foreign_bridge_is_refused
check 'without a bridge nothing leaves the machine' nothing_leaves_without_a_bridge
check 'a lost bridge is made anew' lost_bridge_is_made_anew
check 'flushed rules are made anew' flushed_rules_are_made_anew
check 'events that got lost cost no network' lost_events_cost_no_network
check 'a power cut leaves an empty wrapper in its image' wrapper_of_B_is_lost
check 'the other engine starts again' start B
check 'its wrapper is loaded anew' wrapper_of_B_is_whole
check 'a program that was killed is started again' killed_program_is_back
check 'down ends the one' engine A down
check 'down --purge-state ends the other' engine B down --purge-state
check 'nothing of either is left' until_true nothing_is_left
check 'purged state is gone' state_is_gone
exit $failed
