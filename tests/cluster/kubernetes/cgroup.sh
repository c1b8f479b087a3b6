# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The cluster's cgroups: a folder of its own in every hierarchy, /NAME/control for the
# API server and what belongs to it, /NAME/node-N with its daemons in /NAME/node-N/system, and
# /NAME/guests for what users run beside it. Sourced.

cgroup_is_v2() { [ -f /sys/fs/cgroup/cgroup.controllers ]; }

# cgroup_folders PATH: the folder of PATH in each hierarchy (one if there is only version 2)
cgroup_folders() {
  local hierarchy
  if cgroup_is_v2; then
    echo "/sys/fs/cgroup/$1"
    return
  fi
  for hierarchy in /sys/fs/cgroup/*; do
    # cpu and cpuacct may be links to one hierarchy
    [ -d "$hierarchy" ] && [ ! -L "$hierarchy" ] && echo "$hierarchy/$1"
  done
}

# cgroup_make PATH: PATH has the form NAME/PART, or is below one that was made
cgroup_make() {
  local folder level file
  while read -r folder; do
    for level in "${folder%/*}" "$folder"; do
      mkdir -p "$level"
      # version 1: nothing can join before these are set
      for file in cpuset.cpus cpuset.mems; do
        [ ! -f "$level/$file" ] || cgroup_is_v2 || cat "$level/../$file" >"$level/$file"
      done
    done
  done < <(cgroup_folders "$1")
  ! cgroup_is_v2 || cgroup_delegate "${1%/*}"
}

# cgroup_delegate PATH: version 2: what lies below PATH can be limited
cgroup_delegate() {
  local controller
  for controller in $(cat "/sys/fs/cgroup/$1/cgroup.controllers"); do
    echo "+$controller" >"/sys/fs/cgroup/$1/cgroup.subtree_control" 2>/dev/null || true
  done
}

# cgroup_join PATH: this shell or subshell, and what it starts
cgroup_join() {
  local folder
  while read -r folder; do echo "$BASHPID" >"$folder/cgroup.procs"; done < <(cgroup_folders "$1")
}

# cgroup_move PATH PART: the processes of PATH itself into PATH/PART
cgroup_move() {
  local folder pid
  while read -r folder; do
    while read -r pid; do echo "$pid" >"$folder/$2/cgroup.procs"; done <"$folder/cgroup.procs"
  done < <(cgroup_folders "$1")
  ! cgroup_is_v2 || cgroup_delegate "$1"
}

# cgroup_kill PATH: every process at and below PATH; returns when there is none
cgroup_kill() {
  local folder pids tries
  for tries in $(seq 200); do
    pids=$(while read -r folder; do
      [ ! -d "$folder" ] || find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null || true
    done < <(cgroup_folders "$1") | sort -u)
    [ -n "$pids" ] || return 0
    # those that a paused freezer holds die when it is opened
    find /sys/fs/cgroup/freezer/"$1" -name freezer.state -exec sh -c 'for f; do echo THAWED >"$f"; done' _ {} + 2>/dev/null || true
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null || true
    [ "$tries" = 1 ] || sleep 0.05
  done
  echo "cluster: processes do not end: $(echo "$pids" | tr '\n' ' ')" >&2
  return 1
}

# cgroup_remove PATH
cgroup_remove() {
  local folder left
  for _ in $(seq 100); do
    left=
    while read -r folder; do
      [ -d "$folder" ] || continue
      find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ ! -d "$folder" ] || left="$left $folder"
    done < <(cgroup_folders "$1")
    [ -n "$left" ] || return 0
    sleep 0.05
  done
  echo "cluster: these cgroups cannot be removed:$left" >&2
  return 1
}
