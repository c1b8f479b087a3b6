# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What programs use, as the kernel counts it. To be sourced. A program's process number is in
# $SCALE_DIR/NAME.pid.

# scale_start NAME PROGRAM [OPTION…]: in the background; its log is $SCALE_DIR/NAME.log
scale_start() {
	local name=$1
	shift
	"$@" >>"$SCALE_DIR/$name.log" 2>&1 &
	echo $! >"$SCALE_DIR/$name.pid"
}

scale_pid() { # scale_pid NAME
	cat "$SCALE_DIR/$1.pid"
}

scale_stop() { # scale_stop NAME…
	local name
	for name in "$@"; do
		[ -f "$SCALE_DIR/$name.pid" ] || continue
		kill "$(scale_pid "$name")" 2>/dev/null || true
		while [ -e "/proc/$(scale_pid "$name")/schedstat" ] &&
			! grep -qs '^State:.Z' "/proc/$(scale_pid "$name")/status"; do sleep 0.1; done
		rm -f "$SCALE_DIR/$name.pid"
	done
}

scale_cpu_ms() { # scale_cpu_ms NAME: processor time since its start
	awk '{ printf "%d\n", $1 / 1000000 }' "/proc/$(scale_pid "$1")/schedstat"
}

scale_kib() { # scale_kib NAME VmRSS|VmHWM
	awk -v key="$2:" '$1 == key { print $2 }' "/proc/$(scale_pid "$1")/status"
}

# scale_settle NAME…: returns when none of them has worked for three seconds
scale_settle() {
	local quiet=0 now name
	local -A before
	while [ "$quiet" -lt 3 ]; do
		sleep 1
		quiet=$((quiet + 1))
		for name in "$@"; do
			now=$(scale_cpu_ms "$name")
			# what a program does each second by the clock is no work
			[ $((now - ${before[$name]:-0})) -lt 100 ] || quiet=0
			before[$name]=$now
		done
	done
}

# scale_table NAME…: after their start beside a full API server: a line each
scale_table() {
	local name
	local -A cpu
	scale_settle "$@"
	for name in "$@"; do cpu[$name]=$(scale_cpu_ms "$name"); done
	sleep "${SCALE_QUIET_S:-25}" # until each has given back what its start needed (lib/program/trim.h)
	printf '%-16s %10s %10s %10s\n' program 'RSS KiB' 'peak KiB' 'CPU s'
	for name in "$@"; do
		printf '%-16s %10d %10d %6d.%03d\n' "$name" "$(scale_kib "$name" VmRSS)" \
			"$(scale_kib "$name" VmHWM)" $((cpu[$name] / 1000)) $((cpu[$name] % 1000))
	done
}
