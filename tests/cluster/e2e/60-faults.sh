#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every component is killed in the middle of a wake and of a stop; the API server is away for a
# minute; etcd forgets; an agent and a node are away. Held requests are answered, none hangs longer
# than its holdTimeout, nothing that runs is stopped, nothing untrue is said, and all comes back.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
run=faults-$$
# shellcheck source=tests/cluster/product/faults.sh
. "$here/product/faults.sh"
daemonset() { kubectl -n "$PRODUCT_NAMESPACE" patch daemonset sc-node-agent --type=merge -p '{"spec":{"template":{"spec":{"nodeSelector":{"test": '"$1"'}}}}}' >/dev/null; }
# shellcheck disable=SC2317 # called by the trap
restore() {
  local code=$?
  cluster_component cont apiserver 2>/dev/null || true
  cluster_component cont kubelet-1 2>/dev/null || true
  daemonset null || true
  [ -z "$roles" ] || kubectl replace -f - >/dev/null <<<"$roles" || true
  cluster_node_ready 1 || cluster_component restart kubelet-1 || true
  cluster_component alive proxy-1 || cluster_component start proxy-1 || true
  faults_end "$code"
}
trap restore EXIT
roles=  # of the controller, while they are others
hold=40 # seconds, as in the manifests below

# burst NAME COUNT [ADDRESS]: requests at once, in the background; burst_end waits for them
burst() {
  local file=$FAULTS_FILES/burst-$1-${3:-service}
  # shellcheck disable=SC2016,SC2094
  cluster_in bash -c 'for _ in $(seq "$2"); do
    curl -s -o "$4.body" -w "%{http_code} %{time_total}\n" --max-time 130 -H "Host: $1" "http://$3/" & done; wait' \
    _ "$1.$run.apps.test" "$2" "${3:-$ACTIVATOR}" "$file" >"$file" 2>&1 &
  bursts+=("$!")
}

bursts_last() {
  local pid
  for pid in "${bursts[@]}"; do ! kill -0 "$pid" 2>/dev/null || return 0; done
  return 1
}

bursts_end() {
  local pid
  for pid in "${bursts[@]}"; do wait "$pid"; done
  bursts=()
}

# answered NAME ADDRESS CODES [SECONDS]: of the burst: only such codes, none later than that
answered() {
  local file=$FAULTS_FILES/burst-$1-$2
  awk -v codes="$3" -v limit="${4:-$((hold + 2))}" '{ if (index(codes, $1) == 0 || $2 > limit) bad = 1 } END { exit bad || NR == 0 }' \
    "$file" || die "$step_now: requests for $1 ended with: $(tr '\n' ' ' <"$file") $(cat "$file.body" 2>/dev/null)"
}

running_is() { [ "$(sc "$1" .spec.running)" = "$2" ]; }
run_it() { kubectl -n "$run" patch stoppablecontainer "$1" --type=merge -p "{\"spec\":{\"running\":$2}}" >/dev/null; }
of_product() { kubectl -n "$PRODUCT_NAMESPACE" get pods -l "app.kubernetes.io/component=$1" -o "jsonpath={$2}"; }
leader() { kubectl -n "$PRODUCT_NAMESPACE" get lease "sc-$1" -o 'jsonpath={.spec.holderIdentity}' | sed 's/_.*//'; }

# of which Pod that is: the leader, where there is one
kill_program() {
  local pod uid
  case "$1" in
    controller | idle-monitor) pod=$(leader "$1") ;;
    *) pod=$(of_product "$1" .items[0].metadata.name) ;;
  esac
  uid=$(kubectl -n "$PRODUCT_NAMESPACE" get pod "$pod" -o 'jsonpath={.metadata.uid}')
  # shellcheck disable=SC2016
  cluster_node_exec 1 sh -c 'for p in $(pidof "$2"); do ! grep -q "$1" /proc/$p/cgroup || kill -KILL $p; done' _ "$uid" "sc-$1"
}

apply_all() {
  local name
  for name in one two; do
    faults_apply "$name" '{"activation": {"holdTimeout": "'$hold's"}, "template": {"spec": {"containers": [{"name": "main",
      "image": "'"$REGISTRY/probe:$run"'", "env": [{"name": "MARKER", "value": "'"$name"'"}, {"name": "STOP_MS", "value": "1500"}]}]}}}'
  done
  faults_apply busy '{"idle": {"timeout": "8s", "startupGrace": "0s"}}'
  faults_apply short '{"activation": {"holdTimeout": "10s"}}'
  faults_apply long '{"activation": {"holdTimeout": "100s"}}'
}

# One asleep that is asked for, one that is asked for while it stops; $1 dies in the middle of both.
round() {
  local name=$1 lived
  step_now=$name
  lived=$(life two)
  burst one 3
  cluster_until 20 running_is one true
  run_it two false
  if cluster_components | grep -x -e "$name" >/dev/null; then # -q would end the writer
    cluster_component kill "$name"
    burst two 3
    cluster_component start "$name"
  else
    kill_program "$name"
    burst two 3
  fi
  bursts_end
  # whose connection that was sees it end; the rest is answered
  [ "$name" = activator ] || { answered one service 200; answered two service 200; }
  [ "$name" != activator ] || { answered one service "200 000"; answered two service "200 000"; }
  # a dead activator's address may still be led to for a moment
  cluster_until 20 wake one 2>/dev/null || die "$name: one does not wake"
  cluster_until 20 wake two 2>/dev/null || die "$name: two does not wake"
  [ "$(life two)" != "$lived" ] || die "$name: it never stopped"
  cluster_until 30 phase_is one Running
  cluster_until 30 phase_is two Running
  step "$name is killed in a wake and in a stop: $(cut -d ' ' -f 2 "$FAULTS_FILES"/burst-{one,two}-service | sort -n | tail -n 1) s at most"
  run_it one false
  cluster_until 40 phase_is one Stopped
}

bursts=()
faults_begin
apply_all
for name in one two busy short long; do
  cluster_until 60 is_prepared "$name"
done
for name in one two busy short long; do
  wake "$name"
  kubectl -n "$run" exec "$(consumer "$name")" -- probe some
done
short=$(kubectl -n "$run" exec "$(consumer short)" -- probe hash /)
truth_begin 3
asleep one
asleep long
step "five containers"

# A stop that is under way, and a wake: never Running of the one that ends, and the answer is another's.
step_now="a wake in a stop"
lived=$(life two)
run_it two false
cluster_until 10 running_is two false
burst two 3
bursts_end
answered two service 200 15
[ "$(life two)" != "$lived" ] || die "the answer is of the process that was to end"
step "a wake in the middle of a stop: $(cut -d ' ' -f 2 "$FAULTS_FILES/burst-two-service" | sort -n | tail -n 1) s"

for name in ${ROUNDS:-kubelet-1 containerd-1 scheduler controller-manager apiserver etcd node-agent activator idle-monitor controller}; do
  round "$name"
done

# An API server that has just started has not read the roles yet, and says that we may not.
step_now="a denial"
asleep one
roles=$(kubectl get clusterrole sc-controller -o json | jq 'del(.metadata.resourceVersion)')
jq '(.rules[] | select(.resources == ["pods"]).verbs) -= ["create"]' <<<"$roles" | kubectl replace -f - >/dev/null
blinded=$(date -u +%Y-%m-%dT%H:%M:%SZ)
burst one 3
denied() { kubectl -n "$PRODUCT_NAMESPACE" logs --since-time "$blinded" --tail=-1 -l app.kubernetes.io/component=controller | has 'plan.call_failed.*cannot create resource'; }
cluster_until 20 denied
kubectl replace -f - >/dev/null <<<"$roles"
roles=
bursts_end
answered one service 200
step "the controller may not make a Pod for a moment: a wake waits"

step_now="an activator"
mapfile -t addresses < <(of_product activator '.items[*].status.podIP' | tr ' ' '\n')
first=$(of_product activator '.items[0].status.podIP')
cluster_until 60 product_is_ready
for address in "${addresses[@]}"; do burst one 3 "$address:8080"; done
cluster_until 20 running_is one true
kill_program activator
bursts_end
for address in "${addresses[@]}"; do
  if [ "$address" = "$first" ]; then answered one "$address:8080" "000 200"; else answered one "$address:8080" 200; fi
done
step "an activator is killed: only its own connections break"

# Without an agent a wake waits; with one it goes on.
run_it one false
cluster_until 40 phase_is one Stopped
step_now="no agent"
# as docs/operations.md tells it
generation() { sci short .status.rootfs.filesGeneration; }
is_later() { [ "$(generation)" != "$1" ]; }
# the stop of one that runs, and that the API knows of it, up to 3 s later
left_short() { local before; before=$(generation); asleep short; cluster_until 10 is_later "$before"; }
of_short() { cluster_node_exec 1 tar --sparse --xattrs --xattrs-include='*' --acls --numeric-owner -C "$(sci short .status.hostPath)" "$@"; }
wake short
left_short
of_short -cf /var/tmp/short.tar upper record.json
wake short
kubectl -n "$run" exec "$(consumer short)" -- sh -c 'busybox rm -rf /keep; touch /lower/gone'
left_short
no_agent() { [ -z "$(of_product node-agent .items)" ] || [ "$(of_product node-agent .items)" = "[]" ]; }
daemonset '"nowhere"'
cluster_until 60 no_agent
# shellcheck disable=SC2016
cluster_node_exec 1 sh -c 'rm -r "$1/upper" "$1/work"' _ "$(sci short .status.hostPath)"
of_short -xf /var/tmp/short.tar
burst one 2
cluster_until 20 running_is one true
said() { [ -n "$(consumer one)" ] && ! phase_is one Running; }
cluster_until 20 said
daemonset null
bursts_end
answered one service 200
# they are of an earlier stop: told, and taken when that is said
sci_message_has() { sci "$1" .status.rootfs.message | grep -q "$2"; }
cluster_until 60 sci_message_has short 'sci short stoppablecontainer.xtlsoft.top/accept-rootfs='
[ "$(sci short .status.rootfs.reason)" = FilesChanged ] || die "a backup: $(sci short .status.rootfs.reason)"
kubectl -n "$run" annotate sci short "$(sci short .status.rootfs.message | grep -o 'stoppablecontainer.xtlsoft.top/accept-rootfs=.*')" >/dev/null
rootfs_is() { [ "$(sci "$1" .status.rootfs.state)" = "$2" ]; }
cluster_until 60 rootfs_is short Ready
ask short | has marker=short || die "the files of a backup are not there"
hash_of_short() { kubectl -n "$run" exec "$(consumer short)" -- probe hash /; }
[ "$(hash_of_short)" = "$short" ] || die "a backup has other files: $(hash_of_short), was $short"
asleep short
step "a wake while the agent is away; files of a backup are back: $short"

# The API server hangs for a minute.
step_now="an API outage"
run_it one false
cluster_until 40 phase_is one Stopped
# by a Pod's address: when the API is back, the node may be taken for lost for a moment, and then
# the activators' Service has no endpoints
service=$ACTIVATOR
cluster_until 60 product_is_ready # the one that was killed
ACTIVATOR=$(of_product activator '.items[0].status.podIP'):8080
declare -A lives=([busy]=$(life busy) [two]=$(life two))
began=$SECONDS
cluster_component stop apiserver
burst short 2
burst long 2
count=0
# asked for, so that it is not idle, until all is answered
while [ $((SECONDS - began)) -lt 60 ] || bursts_last; do
  for name in busy two; do
    body=$(ask "$name") || die "an API outage: $name does not answer after $((SECONDS - began)) s: $body"
    count=$((count + 1))
  done
  sleep 0.5
  [ $((SECONDS - began)) -lt 60 ] || cluster_component cont apiserver
done
bursts_end
answered short service 504 12
answered long service 200 100
for name in busy two; do
  [ "$(life "$name")" = "${lives[$name]}" ] || die "$name was stopped for lack of data"
done
ACTIVATOR=$service
step "the API server is away for 60 s: $count requests to what runs are answered, $(cut -d ' ' -f 2 "$FAULTS_FILES/burst-long-service" | sort -n | tail -n 1) s for one that sleeps"
cluster_until 60 cluster_node_ready 1
cluster_until 60 product_is_ready
cluster_until 60 phase_is busy Stopped
step "who is not asked for falls asleep again"

# Everything that watches is told 410: it watched from a version that etcd has forgotten.
step_now=compaction
# shellcheck disable=SC2016
programs() { cluster_node_exec 1 sh -c 'kill "$1" $(pidof sc-controller sc-activator sc-idle-monitor sc-node-agent)' _ "$1"; }
kubectl annotate namespace "$run" blind=paused >/dev/null
blinded=$(date -u +%Y-%m-%dT%H:%M:%SZ)
programs -STOP
# a Pod may go meanwhile, that of the one that fell asleep
annotated() { kubectl -n "$run" annotate stoppablecontainer,stoppablecontainerinstance,pod --all --overwrite "test=$1" >/dev/null; }
for value in 1 2 3; do cluster_until 10 annotated "$value"; done
cluster_component kill apiserver
cluster_compact
cluster_component start apiserver
burst one 3
burst busy 3
programs -CONT
bursts_end
answered one service 200
answered busy service 200
# of each program; those of a kind that does not lead watch as well
expired() { kubectl -n "$PRODUCT_NAMESPACE" logs --since-time "$blinded" --tail=-1 -l "app.kubernetes.io/component=$1" | grep 'event=watch.expired.*too old resource version' >/dev/null; }
for name in controller activator idle-monitor node-agent; do
  cluster_until 30 expired "$name" || die "$name was not told that the past is gone"
done
kubectl annotate namespace "$run" blind- >/dev/null
step "etcd forgets, and all watches end"

# The node's object goes, as when a machine is lost; it comes back.
step_now="the node"
kubectl annotate namespace "$run" blind=node >/dev/null
ready_reason_is() { [ "$(kubectl -n "$run" get stoppablecontainer "$1" -o "jsonpath={.status.conditions[?(@.type=='RootfsReady')].reason}")" = "$2" ]; }
cluster_component stop kubelet-1
kubectl delete node node-1 --wait=false >/dev/null
cluster_until 40 ready_reason_is one NodeLost
cluster_component kill kubelet-1
cluster_component start kubelet-1
cluster_until 60 cluster_node_ready 1
cluster_component restart proxy-1 # it ends with its node's object
cluster_until 60 product_is_ready
cluster_until 60 ready_reason_is one Ready
cluster_until 30 wake one
for name in two busy short long; do wake "$name" || die "after the node came back $name does not wake"; done
step "a lost node is told, and it came back"
kubectl annotate namespace "$run" blind- >/dev/null

for name in one two short long; do cluster_until 60 phase_is "$name" Running; done
ask two | has 'marker=two' || die "its files are lost"
ask busy | has 'marker=busy' || die "its files are lost"
mounts_are_right
truth_end
plans_settle
kubectl -n "$run" delete stoppablecontainer --all --timeout=60s >/dev/null
kubectl delete namespace "$run" --timeout=60s >/dev/null
step "nothing is left"
