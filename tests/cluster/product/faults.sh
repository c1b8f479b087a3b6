# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of faults share. To be sourced after lib.sh and product.sh; $run is the namespace.
#
#   faults_begin         the product is installed, the image probe:$run is pushed, $run is made
#   faults_end [CODE]    to be trapped at EXIT, or called there with the script's exit code
#   faults_apply NAME [SPEC-JSON]   a StoppableContainer of that image; SPEC is merged into its spec
#   sc NAME JSONPATH     of the StoppableContainer; sci: of its instance
#   phase_is NAME PHASE
#   ask NAME [PATH]      by the activator; prints the answer's body, fails unless it is 200
#   wake NAME            asks until it is awake; prints nothing
#   asleep NAME          stops it, and waits until it is
#   life NAME            of the process that answers
#   consumer NAME, provider NAME   the Pod's name
#   pid_of POD COMM      of a process of that Pod, as the node counts
#   truth_begin, truth_end   see truth.py; truth_end fails when an untruth was told
#   plans_settle         no controller goes on to write what it has written
#   mounts_are_right     no upper directory has two file systems, the node's table has none of ours
#   step TEXT            a heading with the time since the last

: "${run:?the namespace}"
faults_began=$SECONDS
PREFIX=/var/lib/stoppablecontainer
_faults_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FAULTS_FILES=$(mktemp -d)
_truth=

step() {
  printf '%3d s  %s\n' "$((SECONDS - faults_began))" "$*"
}

# probe_image TAG [TEXT]: another TEXT makes another digest
probe_image() {
  local tree=$FAULTS_FILES/tree
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,etc,tmp,proc,sys,dev} "$tree"/lower/{gone-folder,opaque}
  chmod 1777 "$tree/tmp"
  musl-gcc -std=gnu11 -D_GNU_SOURCE -static -O2 -o "$tree/bin/probe" "$_faults_here/probe.c" || return
  cp "$(command -v busybox)" "$tree/bin/busybox"
  for name in sh cat ls kill ps sleep touch; do ln -s busybox "$tree/bin/$name"; done
  printf 'root:x:0:0:root:/:/bin/sh\n' >"$tree/etc/passwd"
  for name in gone gone-folder/file opaque/file appended mode times renamed becomes-folder link-a untouched; do
    echo "of the image: $name" >"$tree/lower/$name"
  done
  ln "$tree/lower/link-a" "$tree/lower/link-b"
  echo "${2:-}" >"$tree/lower/version"
  cluster_push "probe:$1" "$tree" '{"Entrypoint": ["/bin/probe", "serve"], "Env": ["PATH=/bin"], "ExposedPorts": {"8080/tcp": {}}}'
}

faults_begin() {
  product_installed || die "the product cannot be installed"
  probe_image "$run" >/dev/null || die "the image"
  kubectl create namespace "$run" >/dev/null
  ACTIVATOR=$(kubectl -n "$PRODUCT_NAMESPACE" get service sc-activator -o 'jsonpath={.spec.clusterIP}')
}

# shellcheck disable=SC2317 # called by the trap
faults_end() {
  local code=${1:-$?}
  [ -z "$_truth" ] || kill "$(cat "$FAULTS_FILES/pid")" 2>/dev/null || true
  [ "$code" = 0 ] || {
    kubectl -n "$run" get stoppablecontainer,sci,pods -o wide 2>/dev/null
    kubectl -n "$run" get sci -o 'jsonpath={range .items[*]}{.metadata.name} {.status}{"\n"}{end}' 2>/dev/null
    kubectl -n "$PRODUCT_NAMESPACE" logs --prefix --tail 15 -l app.kubernetes.io/part-of=stoppablecontainer 2>/dev/null
    cat "$FAULTS_FILES/truth" 2>/dev/null
  }
  kubectl delete namespace "$run" --wait=false >/dev/null 2>&1 || true
  rm -rf "$FAULTS_FILES"
}

faults_apply() {
  local spec=${2:-}
  [ -n "$spec" ] || spec='{}'
  jq -n --arg name "$1" --arg image "$REGISTRY/probe:$run" --argjson more "$spec" '{
    apiVersion: "stoppablecontainer.xtlsoft.top/v1alpha1", kind: "StoppableContainer", metadata: {name: $name, annotations: {marker: $name}},
    spec: ({running: false, idle: {timeout: "0s"}, activation: {port: 8080, holdTimeout: "30s"}, template: {spec: {
      terminationGracePeriodSeconds: 5,
      containers: [{name: "main", image: $image, env: [{name: "MARKER", value: $name}], resources: {limits: {memory: "256Mi"}}}]}}} * $more)}' |
    kubectl -n "$run" apply -f - >/dev/null
}

sc() { kubectl -n "$run" get stoppablecontainer "$1" -o "jsonpath={$2}" 2>/dev/null; }
sci() { kubectl -n "$run" get sci "$1" -o "jsonpath={$2}" 2>/dev/null; }
phase_is() { [ "$(sc "$1" .status.phase)" = "$2" ]; }
ask() { curl -sS --fail-with-body --max-time 60 -H "Host: $1.$run.apps.test" "http://$ACTIVATOR${2:-/}"; }
wake() { ask "$1" >/dev/null; }

asleep() {
  kubectl -n "$run" patch stoppablecontainer "$1" --type=merge -p '{"spec":{"running":false}}' >/dev/null
  cluster_until 30 phase_is "$1" Stopped
}

life() { ask "$1" | sed -n 's/.*life=\([0-9a-f]*\).*/\1/p'; }
# by its labels: the status may come later than the first answer
consumer() {
  kubectl -n "$run" get pods -o json \
    -l "stoppablecontainer.xtlsoft.top/instance=$1,stoppablecontainer.xtlsoft.top/role=consumer" |
    jq -r '[.items[] | select(.metadata.deletionTimestamp == null)] | last | .metadata.name // empty'
}
provider() { sci "$1" .status.providerPodName; }

pid_of() {
  local uid
  uid=$(kubectl -n "$run" get pod "$1" -o 'jsonpath={.metadata.uid}') || return
  # shellcheck disable=SC2016
  cluster_node_exec 1 sh -c 'for p in $(pidof "$2"); do grep -q "$1" /proc/$p/cgroup && echo $p && exit; done; exit 1' _ "$uid" "$2"
}

# shellcheck disable=SC2120
truth_begin() {
  # shellcheck disable=SC2016
  cluster_in sh -c 'echo $$ >"$4" && exec python3 "$1" "$2" "$3"' _ "$_faults_here/truth.py" "$run" "${1:-2}" \
    "$FAULTS_FILES/pid" >"$FAULTS_FILES/truth" 2>&1 &
  _truth=$!
}

truth_end() {
  local code=0
  kill "$(cat "$FAULTS_FILES/pid")" || die "truth.py ended: $(cat "$FAULTS_FILES/truth")"
  wait "$_truth" || code=$?
  _truth=
  tail -n 1 "$FAULTS_FILES/truth"
  [ "$code" = 0 ] || { cat "$FAULTS_FILES/truth"; die "an untruth was told"; }
}

plans_settle() {
  local said
  said=$(kubectl -n "$PRODUCT_NAMESPACE" logs --prefix --tail=-1 -l app.kubernetes.io/component=controller | grep -F plan.unsettled | tail -n 3) || return 0
  die "plans do not settle: $said"
}

mounts_are_right() {
  local list
  list=$(cluster_node_exec 1 python3 - "$PREFIX" <"$_faults_here/overlays.py") || return
  ! awk '$1 == "own" || $2 != 1 { bad = 1; print } END { exit !bad }' <<<"$list" || die "mounts: $list"
}

# is_prepared NAME: its root file system is there
is_prepared() { [ "$(sc "$1" '.status.conditions[?(@.type=="RootfsReady")].status')" = True ]; }

# product_is_ready: all its Pods
product_is_ready() {
  [ "$(kubectl -n "$PRODUCT_NAMESPACE" get pods -o 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' | sort -u)" = True ]
}
