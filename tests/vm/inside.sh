#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: inside.sh CMD [ARG…]   one step of tests/vm/run.sh, in the machine, as root
# Waits are long: an emulated processor takes some ten times as long as a real one.
set -euo pipefail
export KUBECONFIG=/var/lib/sc-local/kubeconfig
patience_s=300
rules='sc_sclocal0'

fail() { echo "$*"; exit 1; }
get() { curl -sS --max-time "$patience_s" "$@"; }
url() { echo "http://$1.default.localhost:8080"; }
until_true() { # until_true CMD…
  local end=$((SECONDS + patience_s))
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "not within $patience_s s: $*"
    sleep 0.5
  done
}
of() { kubectl get "$1" "$2" -o "jsonpath=$3"; }
main_pid() { systemctl show --property=MainPID --value sc-local; }
program_pid() { sc-local status --output=json | jq -r ".[] | select(.name == \"$1\") | .pid"; }
# the process of a container that Podman knows by its Pod's name; it lists an end that it was not told of
container_pid() {
  sc-local podman -- ps --filter "name=k8s_main_$1_" --format '{{.Pid}}' |
    while read -r pid; do if [ -d "/proc/$pid" ]; then echo "$pid"; fi; done | tail -n 1
}
is_another() { [ -n "$("${@:2}")" ] && [ "$("${@:2}")" != 0 ] && [ "$("${@:2}")" != "$1" ]; }
engine_is_ready() { systemctl is-active --quiet sc-local && sc-local status >/dev/null 2>&1; }

# ---- what is run ----

# image NAME: a web server whose notes are on the disk when they are answered
image() {
  local tree
  tree=$(mktemp -d)
  chmod 755 "$tree"
  mkdir -p "$tree"/{bin,tmp,etc,var,www/cgi-bin}
  cp /bin/busybox "$tree/bin/busybox"
  for name in sh cat httpd mv sleep sync; do ln -s busybox "$tree/bin/$name"; done
  echo 'root:x:0:0:root:/:/bin/sh' >"$tree/etc/passwd"
  cat >"$tree/www/cgi-bin/note" <<'END'
#!/bin/sh
if [ "$REQUEST_METHOD" = POST ]; then cat >/var/new && sync && mv /var/new /var/note && sync; fi
printf 'Content-Type: text/plain\r\n\r\n'
cat /var/note
END
  cat >"$tree/www/cgi-bin/slow" <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\nbegun\n'
exec sleep 300
END
  chmod 755 "$tree"/www/cgi-bin/*
  tar -C "$tree" --owner=0 --group=0 -c . |
    sc-local podman -- import --change 'ENTRYPOINT ["/bin/httpd", "-f", "-h", "/www", "-p", "8080"]' - "localhost/$1"
  rm -rf "$tree"
}

# object NAME IMAGE [JSON of the container's further fields]
object() {
  local more=${3:-}
  kubectl apply -f - <<END
{"apiVersion": "stoppablecontainer.xtlsoft.top/v1alpha1", "kind": "StoppableContainer", "metadata": {"name": "$1"},
 "spec": {"idle": {"timeout": "0s"}, "activation": {"holdTimeout": "300s", "port": 8080},
  "template": {"container": {"image": "localhost/$2"${more:+, $more}}}}}
END
}

# ---- steps ----

sight() { # what a step that failed has left, for whoever reads of it
  set +e
  systemctl --no-pager --lines=5 status sc-local
  kubectl get stoppablecontainers,pods
  kubectl sc why app
  tail -n 20 /var/lib/sc-local/logs/*
}

ready() {
  until_true engine_is_ready
}

answers() { # answers NAME
  [ "$(get -o /dev/null -w '%{http_code}' "$(url "$1")/cgi-bin/note?")" = 200 ] || fail "$1 does not answer"
}

note() { # note NAME TEXT: it is told, and on the disk
  [ "$(get --data-binary "$2" "$(url "$1")/cgi-bin/note")" = "$2" ] || fail "$1 did not take a note"
}

noted() { # noted NAME TEXT
  local said
  said=$(get "$(url "$1")/cgi-bin/note")
  [ "$said" = "$2" ] || fail "$1 says \"$said\", and was told \"$2\""
}

stop() { # stop NAME
  kubectl patch stoppablecontainer "$1" --type=merge -p '{"spec": {"running": false}}'
}
is_phase() { [ "$(of stoppablecontainer "$1" '{.status.phase}')" = "$2" ]; }
stopped() { # stopped NAME
  stop "$1"
  until_true is_phase "$1" Stopped
}

the_check() {
  cd /opt/stoppablecontainer
  ! systemctl is-active --quiet sc-local || fail "the engine runs"
  scripts/quickstart.sh --check
}

unit_starts() {
  systemctl enable --now sc-local
  ready
  [ "$(systemctl show --property=Type --value sc-local)" = forking ]
  [ "$(systemctl show --property=Delegate --value sc-local)" = yes ]
}

first() {
  image app:1
  object app app:1 '"resources": {"limits": {"memory": "64Mi", "cpu": "200m"}}'
  note app first
}

limits() { # of the container that runs: as the kernel has them
  local folder
  folder=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(container_pid app)/cgroup")
  while [ "$folder" != /sys/fs/cgroup ] && [ "$(cat "$folder/memory.max")" = max ]; do folder=$(dirname "$folder"); done
  for want in memory.max=67108864 memory.swap.max=0 'cpu.max=20000 100000'; do
    [ "$(cat "$folder/${want%%=*}")" = "${want#*=}" ] || fail "$folder/${want%%=*} is $(cat "$folder/${want%%=*}")"
  done
}

is_oom_killed() {
  case "$(of pod hungry '{.status.containerStatuses}')" in *OOMKilled*) ;; *) return 1 ;; esac
}
is_told_oom() {
  case "$(of stoppablecontainer hungry '{.status.conditions}')" in *'limit of 32Mi'*) ;; *) return 1 ;; esac
}
oom() {
  object hungry app:1 '"command": ["/bin/sh", "-c", "a=0123456789abcdef; while true; do a=$a$a; done"],
    "resources": {"limits": {"memory": "32Mi"}}'
  kubectl patch stoppablecontainer hungry --type=merge -p '{"spec": {"running": true}}'
  until_true is_oom_killed
  until_true is_told_oom
  case "$(kubectl sc why hungry)" in *OOMKilled*'limit of 32Mi'*) ;; *) fail "kubectl sc why: $(kubectl sc why hungry)" ;; esac
  case "$(kubectl get events)" in *OOMKilled*) ;; *) fail "no Event tells it: $(kubectl get events)" ;; esac
  [ ! -e /oom ] || fail "conmon left its mark in /"
  kubectl delete stoppablecontainer hungry --timeout="${patience_s}s"
}

# what may come with any installation of a package
reload() {
  local before
  before=$(container_pid app)
  systemctl daemon-reload
  systemctl daemon-reexec
  systemctl restart systemd-udevd
  ready
  [ "$(container_pid app)" = "$before" ] || fail "another process: $(container_pid app), not $before"
  limits
  noted app "$1"
}

flush() {
  nft flush ruleset
  until_true nft list table ip "$rules" >/dev/null 2>&1
  systemctl restart nftables
  until_true nft list table ip "$rules" >/dev/null 2>&1
  noted app "$1"
}

kill_program() { # kill_program NAME TEXT
  local before
  before=$(program_pid "$1")
  kill -KILL "$before"
  until_true is_another "$before" program_pid "$1"
  ready
  noted app "$2"
}

# main_killed TEXT: the unit's main process, then the container's; both are there again
main_killed() {
  local before process
  before=$(main_pid)
  process=$(container_pid app)
  kill -KILL "$before"
  until_true is_another "$before" main_pid
  ready
  [ -d "/proc/$process" ] || fail "the container ended with the engine"
  pgrep -f 'conmon.*k8s_main_app_' >/dev/null || fail "its monitor ended with the engine"
  noted app "$1"
  kill -KILL "$process"
  until_true is_another "$process" container_pid app
  noted app "$1"
}

# a unit of somebody's own, as systemd kills by default: all that is in the unit's cgroup
main_killed_in_another_unit() {
  mkdir -p /etc/systemd/system/sc-local.service.d
  printf '[Service]\nKillMode=control-group\n' >/etc/systemd/system/sc-local.service.d/kill.conf
  systemctl daemon-reload
  main_killed "$1"
  rm -r /etc/systemd/system/sc-local.service.d
  systemctl daemon-reload
}

# what an administrator may do by mistake: containers go on with nobody to tell how they end
monitors_killed() { # monitors_killed TEXT
  local process
  process=$(container_pid app)
  pkill -KILL -x conmon
  until_true is_another "$process" container_pid app
  noted app "$1"
  pkill -KILL -x conmon
  stopped app
  ! kubectl get pod app 2>/dev/null || fail "its Pod is still there"
  noted app "$1"
}

unit_stops() {
  systemctl stop sc-local
  [ -z "$(pgrep -x conmon)" ] || fail "a conmon is left"
  ! ip link show sclocal0 2>/dev/null || fail "the bridge is left"
  [ ! -e /sys/fs/cgroup/sc-local ] || fail "cgroups are left: $(find /sys/fs/cgroup/sc-local -type d)"
  ! nft list table ip "$rules" 2>/dev/null || fail "rules are left"
}

by_hand() { # as a person does it at a terminal, who then goes
  sc-local up --detach
}
by_hand_goes_on() { # by_hand_goes_on TEXT
  loginctl list-sessions --no-legend
  sc-local status
  noted app "$1"
  sc-local down
}

# ---- before a power cut; the machine is ended from outside when the step has been answered ----

new_object() { # new_object NAME: an image and an object of this moment
  image "$1:1"
  object "$1" "$1:1"
}

in_flight() { # in_flight NAME: a request that is being answered
  (get --no-buffer "$(url "$1")/cgi-bin/slow" >/tmp/slow 2>&1 &)
  until_true grep -qs begun /tmp/slow
}

in_a_wake() { # in_a_wake NAME
  stopped "$1"
  (get "$(url "$1")/" >/dev/null 2>&1 &)
  until_true is_phase_not "$1" Stopped
}
is_phase_not() { ! is_phase "$@"; }

first_start() { # nothing there, as on the first day
  sc-local down --purge-state
  rm -rf /var/lib/stoppablecontainer
  systemctl reset-failed sc-local
  systemctl start sc-local
}

"$@"
