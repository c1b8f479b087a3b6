#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two controllers, two idle-monitors. A leader that is killed is followed within the lease; one that was
# paused in the middle of its work and comes back after its lease was taken writes nothing any more. Each
# replica is a user of its own, and the API server's audit log tells who wrote what.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/programs.sh
. "$here/product/programs.sh"

die() { echo "80-leaders: $*" >&2; tail -n 12 "$SCALE_DIR"/*.log >&2 || true; exit 1; }
# A lease lasts 15 s, is looked at every 2 s, and taking it is two calls on a machine that others use.
takeover_s=25
count=30
ns=leaders-$$
audit=$CLUSTER_DIR/log/audit.log

# shellcheck disable=SC2317 # called by the trap
cleanup() {
  cluster_component cont apiserver 2>/dev/null || true
  programs_end
  if [ -e "$CLUSTER_DIR/apiserver.run.before" ]; then
    mv "$CLUSTER_DIR/apiserver.run.before" "$CLUSTER_DIR/bin/apiserver.run"
    cluster_component restart apiserver && cluster_until 60 cluster_api_ready || true
  fi
}
trap cleanup EXIT

# what changes something, with who asked for it
cat >"$CLUSTER_DIR/audit.yaml" <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata, verbs: [create, update, patch, delete]}]
END
cp "$CLUSTER_DIR/bin/apiserver.run" "$CLUSTER_DIR/apiserver.run.before"
sed -i "s|\(kube-apiserver\)\"\{0,1\} |&--audit-policy-file=$CLUSTER_DIR/audit.yaml --audit-log-path=$audit |" "$CLUSTER_DIR/bin/apiserver.run"
grep -q audit-log-path "$CLUSTER_DIR/bin/apiserver.run" || die "the API server's script is not as it was"
cluster_component restart apiserver
cluster_until 60 cluster_api_ready
programs_begin "$ns"

# writes_of USER SINCE: of all but leases, that the API server carried out from then on (RFC 3339, UTC)
writes_of() {
  jq -r --arg user "system:serviceaccount:$ns:$1" --arg since "$2" 'select(.user.username == $user and
    .objectRef.resource != "leases" and .requestReceivedTimestamp >= $since and .responseStatus.code < 300) |
    "\(.requestReceivedTimestamp) \(.verb) \(.objectRef.resource)/\(.objectRef.name // "")"' "$audit"
}
now() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; }
leads() { grep -q 'event=leader.gained' "$SCALE_DIR/$1.log" && [ "$(grep -c 'event=leader.gained' "$SCALE_DIR/$1.log")" -gt "$(grep -c 'event=leader.lost' "$SCALE_DIR/$1.log")" ]; }
signal() { kill "-$1" "$(scale_pid "$2")"; }
phases() { # phases PHASE COUNT
  [ "$(kubectl -n "$ns" get stoppablecontainers -o 'jsonpath={range .items[*]}{.status.phase}{"\n"}{end}' | grep -cx "$1")" = "$2" ]
}
consumers() { # consumers COUNT: consumer Pods that there are
  [ "$(kubectl -n "$ns" get pods -l stoppablecontainer.xtlsoft.top/role=consumer -o name | wc -l)" = "$1" ]
}
run() { # run true|false: every container
  # shellcheck disable=SC2046 # names are words
  kubectl -n "$ns" patch stoppablecontainer $(seq -f 'sleeper-%05g' 0 $((count - 1))) --type=merge -p "{\"spec\":{\"running\":$1}}" >/dev/null
}
controller() { # controller NAME PORT
  programs_start "$1" "$PROGRAMS_BUILD/controller/sc-controller" --kubeconfig="$(programs_user "$1")" \
    --leader-namespace="$ns" --activator-addresses=192.0.2.1:18180 --admin-listen="127.0.0.1:$2"
}

echo "--- one of two controllers leads"
controller one 18181
cluster_until "$takeover_s" leads one
controller two 18182
cluster_in "$PROGRAMS_BUILD/loadtest/sc-loadtest" scale --kubeconfig="$CLUSTER_DIR/kubeconfig" --namespace="$ns" \
  --count="$count" --wakes=0 || die "fill"
began=1970
[ -n "$(writes_of one "$began")" ] || die "the leader wrote nothing: the audit log does not tell"
[ -z "$(writes_of two "$began")" ] || die "the other one wrote: $(writes_of two "$began" | head -n 3)"

echo "--- paused with calls in flight and calls in line, it finds its lease taken and writes nothing"
# It sees every container's wish to run, and an API server that answers nothing: some calls are sent, most
# wait in line for one of its 16 connections. Then it is paused.
signal STOP one
run true
cluster_component stop apiserver
signal CONT one
# as many connections as it may have, but for two: each waits for an answer
busy() { [ "$(cluster_in ss -Htnp state established | grep -c "pid=$(scale_pid one),")" -ge 14 ]; }
cluster_until 8 busy
signal STOP one
cluster_component cont apiserver
cluster_until "$takeover_s" leads two
taken=$(now)
cluster_until 30 consumers "$count"
# The new leader does the opposite meanwhile: what is in line at the old one is wrong by now.
run false
cluster_until 30 consumers 0
cluster_until 30 phases Stopped "$count"
[ -n "$(writes_of two "$taken")" ] || die "the new leader wrote nothing"
signal CONT one
refused() { grep -q 'too late, it was not sent' "$SCALE_DIR/one.log"; }
cluster_until 10 refused || die "nothing was in line at the old leader: this shows nothing"
run true # there is something to do, and the old one sees it too
cluster_until 30 consumers "$count"
run false
cluster_until 30 phases Stopped "$count"
late=$(writes_of one "$taken")
[ -z "$late" ] || die "the old leader wrote after its lease was taken: $late"
if leads one; then die "the old leader does not know"; fi
echo "writes since then: $(writes_of two "$taken" | wc -l) of the new leader, none of the old one; refused by itself: $(grep -c 'too late, it was not sent' "$SCALE_DIR/one.log")"

echo "--- killed, it is followed within the lease"
signal KILL two
killed=$SECONDS
cluster_until "$takeover_s" leads one
echo "after $((SECONDS - killed)) s"
run true
cluster_until 30 consumers "$count"
run false
cluster_until 30 consumers 0
scale_stop one

echo "--- idle-monitors"
kubectl -n "$ns" patch stoppablecontainer sleeper-00000 --type=merge -p '{"spec":{"idle":{"timeout":"3s","startupGrace":"0s"}}}' >/dev/null
controller three 18183
programs_start activator "$PROGRAMS_BUILD/activator/sc-activator" --kubeconfig="$CLUSTER_DIR/kubeconfig" \
  --listen=127.0.0.1:18180 --admin-listen=127.0.0.1:18184 --admin-token-file="$SCALE_DIR/token"
monitor() { # monitor NAME PORT
  programs_start "$1" "$PROGRAMS_BUILD/idle-monitor/sc-idle-monitor" --kubeconfig="$(programs_user "$1")" \
    --leader-namespace="$ns" --activators=http://127.0.0.1:18184 --activator-token-file="$SCALE_DIR/token" \
    --admin-listen="127.0.0.1:$2"
}
monitor four 18185
cluster_until "$takeover_s" leads four
cluster_until "$takeover_s" leads three
monitor five 18186
# as the node agent says it
started() {
  local uid
  uid=$(kubectl -n "$ns" get stoppablecontainerinstance sleeper-00000 -o 'jsonpath={.status.consumerPodUID}')
  [ -n "$uid" ] && kubectl -n "$ns" patch stoppablecontainerinstance sleeper-00000 --subresource=status --type=merge \
    -p "{\"status\":{\"consumer\":{\"podUID\":\"$uid\",\"state\":\"Listening\",\"address\":\"127.0.0.1\",\"port\":1}}}" >/dev/null
}
wake() { kubectl -n "$ns" patch stoppablecontainer sleeper-00000 --type=merge -p '{"spec":{"running":true}}' >/dev/null; }
asleep() { [ "$(kubectl -n "$ns" get stoppablecontainer sleeper-00000 -o 'jsonpath={.spec.running}')" = false ]; }
wake
cluster_until 20 started
cluster_until 30 asleep
[ -n "$(writes_of four 1970)" ] || die "the leading idle-monitor stopped nothing"
[ -z "$(writes_of five 1970)" ] || die "the other one wrote: $(writes_of five 1970)"
signal STOP four # it would stop it 3 s after the start that comes now
wake
cluster_until 20 started
cluster_until "$takeover_s" leads five
taken=$(now)
cluster_until 30 asleep
[ -n "$(writes_of five 1970)" ] || die "the new leader stopped nothing"
wake
cluster_until 20 started
signal CONT four
cluster_until 30 asleep
sleep 3
[ -z "$(writes_of four "$taken")" ] || die "the old idle-monitor wrote after its lease was taken: $(writes_of four "$taken")"
signal KILL five
killed=$SECONDS
cluster_until "$takeover_s" leads four
echo "after $((SECONDS - killed)) s"
wake
cluster_until 20 started
cluster_until 30 asleep
