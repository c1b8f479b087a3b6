#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: supervise.sh STATE-FOLDER CGROUP [PID]
# Holds the cluster's namespaces: whatever runs in the cluster is below one process of a process
# namespace, and dies with it, and that one with this script. When it is over, the cgroups are
# removed. With PID the cluster ends with that process, and its folder is removed, too.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
state=$1 cgroup=$2 tie=${3:-}
# shellcheck source=tests/cluster/kubernetes/cgroup.sh
. "$here/cgroup.sh"

born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
[ -z "$tie" ] || tie_born=$(born "$tie")

# shellcheck disable=SC2016
setpriv --pdeathsig KILL bash -c '
  . "$1/cgroup.sh"
  cgroup_join "$3/control"
  exec unshare --pid --mount --net --uts --ipc --fork --kill-child --mount-proc "$2/bin/pause"
' _ "$here" "$state" "$cgroup" &
child=$!

while kill -0 "$child" 2>/dev/null; do
  if [ -n "$tie" ] && [ "$(born "$tie")" != "$tie_born" ]; then
    kill -KILL "$child"
    break
  fi
  sleep 0.5 &
  wait -n "$child" $!
done
wait "$child"
cgroup_kill "$cgroup"
cgroup_remove "$cgroup"
[ -z "$tie" ] || rm -rf --one-file-system "$state"
