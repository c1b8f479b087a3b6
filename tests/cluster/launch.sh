#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: launch.sh SCRIPT PIDFILE LOG
# Starts SCRIPT detached; runs in the namespaces that it is to live in.
set -eu
# shellcheck disable=SC2016
exec setsid --fork bash -c 'echo $$ >"$1.new" && mv "$1.new" "$1" && exec bash "$0"' "$1" "$2" >>"$3" 2>&1 </dev/null
