#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [--keep] [--nodes 1|2] [--kubernetes VERSION] [NAME…]
# End-to-end tests on a real cluster: starts one, runs each e2e/*.sh in order (or those of NAME…, as
# 10-cluster), ends it, and sees that nothing is left. A test passes with the exit code 0, is skipped
# with 77 and the reason as its last line. --keep leaves the cluster up. Needs root.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)

keep=false options=() names=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --keep) keep=true ;;
    --nodes | --kubernetes) options+=("$1" "${2:-}"); shift ;;
    -*) echo "run.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
    *) names+=("$1") ;;
  esac
  shift
done
if [ ${#names[@]} -eq 0 ]; then
  for script in "$here"/e2e/*.sh; do names+=("$(basename "$script" .sh)"); done
fi
for name in "${names[@]}"; do
  [ -f "$here/e2e/$name.sh" ] || { echo "run.sh: there is no test $name in e2e/" >&2; exit 2; }
done
if [ "$(id -u)" != 0 ]; then
  echo "run.sh: run as root: it makes namespaces, mounts and containers" >&2
  exit 1
fi

made=false
if [ -z "${SC_CLUSTER_DIR:-}" ]; then
  if $keep; then SC_CLUSTER_DIR=/var/tmp/stoppablecontainer-cluster; else
    SC_CLUSTER_DIR=$(mktemp -d /var/tmp/sc-e2e.XXXXXX)
    made=true
  fi
fi
export SC_CLUSTER_DIR
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"

# shellcheck disable=SC2317 # called by the trap
cleanup() {
  $keep || cluster_down
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# What could be left of the cluster on this machine, and what of the machine it could have changed.
traces() {
  awk '{ print "mount " $5 }' /proc/self/mountinfo
  ip -o link | awk '{ print "link " $2 }' | sed 's/@.*//'
  ip netns list | sed 's/^/netns /'
  find /sys/fs/cgroup -type d -path "*/$CLUSTER_CGROUP*" | sed 's/^/cgroup /'
  for line in /proc/[0-9]*/cmdline; do
    ! grep -qsz -e "^$CLUSTER_DIR" -e "=$CLUSTER_DIR" "$line" || echo "process $line"
  done
  local setting
  for setting in kernel/panic kernel/panic_on_oops vm/overcommit_memory vm/panic_on_oom kernel/keys/root_maxkeys \
    kernel/hostname net/ipv4/ip_forward net/netfilter/nf_conntrack_max; do
    echo "setting $setting $(cat "/proc/sys/$setting" 2>/dev/null)"
  done
  iptables-save 2>/dev/null | grep '^-A' | sed 's/^/rule /'
  [ ! -e "$CLUSTER_DIR" ] || echo "folder $CLUSTER_DIR"
}

! $made || rmdir "$SC_CLUSTER_DIR"
$keep || cluster_down || exit 1
before=$(traces | sort)
tie=(--tie $$)
! $keep || tie=()
cluster_up "${options[@]}" "${tie[@]}" || exit 1

passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
  began=$SECONDS
  log=$CLUSTER_DIR/log/$name.out
  setpriv --pdeathsig KILL bash "$here/e2e/$name.sh" >"$log" 2>&1 </dev/null
  code=$?
  took="($((SECONDS - began)) s)"
  case "$code" in
    0) passed=$((passed + 1)); echo "ok $name $took" ;;
    77) skipped=$((skipped + 1)); echo "skipped $name: $(tail -n 1 "$log")" ;;
    *)
      failed=$((failed + 1))
      echo "not ok $name $took: exit code $code"
      # what it says itself, which the dump at its end may push out of sight; then that end
      { grep -aE "^($name: |cluster: | *[0-9]+ s  )" "$log" | tail -n 20; echo ---; tail -n 40 "$log"; } | sed 's/^/    /'
      cluster_errors | sed 's/^/    /'
      ;;
  esac
done

if ! $keep; then
  if cluster_down && left=$(comm -13 <(echo "$before") <(traces | sort)) && [ -z "$left" ]; then
    passed=$((passed + 1))
    echo "ok nothing is left of the cluster"
  else
    failed=$((failed + 1))
    echo "not ok nothing is left of the cluster"
    printf '%s\n' "${left:-}" | sed 's/^/    /'
  fi
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
