#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: launch.sh SCRIPT PIDFILE LOG CGROUP-FOLDER…
# Starts SCRIPT detached in the given cgroups; runs in the namespaces that it is to live in.
set -eu
script=$1 pidfile=$2 log=$3
shift 3
for folder in "$@"; do echo $$ >"$folder/cgroup.procs"; done
exec setsid --fork bash -c 'echo $$ >"$1.new" && mv "$1.new" "$1" && exec bash "$0"' "$script" "$pidfile" >>"$log" 2>&1 </dev/null
