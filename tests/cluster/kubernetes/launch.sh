#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: launch.sh SCRIPT PIDFILE LOG
# Starts SCRIPT detached, in the namespaces that this runs in, and again a second after it ended by itself,
# as an init system or a kubelet would. One whose PIDFILE is gone, or another's by now, was to end.
set -eu
# shellcheck disable=SC2016
exec setsid --fork bash -c '
  mine() { [ "$(cat "$1" 2>/dev/null)" = "$child" ]; }
  while :; do
    # a shell has what it puts behind it ignore two signals, and so would all containers
    env --default-signal bash "$0" &
    child=$!
    echo "$child" >"$1.new" && mv "$1.new" "$1"
    wait "$child"
    code=$?
    mine "$1" || exit 0
    echo "cluster: ${0##*/} ended by itself with code $code: it is started again"
    sleep 1
    mine "$1" || exit 0
  done' "$1" "$2" >>"$3" 2>&1 </dev/null
