#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: cluster.sh [--kubernetes VERSION] [--here] [OPTION OF sc-loadtest pods…]
#   --kubernetes  the cluster's version; default: as tests/cluster has it
#   --here        in the cluster that runs in $SC_CLUSTER_DIR, which stays
# Starts a Kubernetes of one node with the product on it, measures how long a request takes that wakes
# a container there, beside bare Pods of the same image in the same run, and leaves table, figures and
# plot in loadtest/results/pods*. Ends with another code than 0 when the criteria do not hold. Needs
# root and what the test cluster needs; gnuplot for the plot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${SC_RELEASE_BUILD_DIR:-$root/build-images} # where images/build.sh builds, too

is_ours=true options=() up=(--nodes 1) suffix='' many=10
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --kubernetes) up+=("$1" "$2") suffix=-$2; shift ;;
    --here) is_ours=false ;;
    --many=*) many=${1#*=} options+=("$1") ;;
    *) options+=("$1") ;;
  esac
  shift
done
if $is_ours && [ -z "${SC_CLUSTER_DIR:-}" ]; then
  SC_CLUSTER_DIR=$(mktemp -d /var/tmp/sc-loadtest.XXXXXX)
  rmdir "$SC_CLUSTER_DIR"
fi
export SC_CLUSTER_DIR SC_RELEASE_BUILD_DIR=$build
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$root/tests/cluster/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$root/tests/cluster/product/product.sh"

space=loadtest results=${SC_RESULTS_DIR:-$here/results}
image=$REGISTRY/sc-beacon:1 beacon=$CLUSTER_IP:7100
# shellcheck disable=SC2317 # called by the trap
cleanup() {
  if $is_ours; then cluster_down; return; fi
  kubectl -n "$space" delete stoppablecontainers --all --timeout=120s >/dev/null 2>&1 || true
  kubectl delete namespace "$space" --timeout=120s >/dev/null 2>&1 || true
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

[ -f "$build/build.ninja" ] || meson setup "$build" "$root" -Dtests=false --buildtype=release >/dev/null
ninja -C "$build" loadtest/sc-loadtest loadtest/sc-beacon >/dev/null
! $is_ours || cluster_up "${up[@]}" --tie $$
product_installed

tree=$(mktemp -d)
chmod 755 "$tree"
install -m 755 "$build/loadtest/sc-beacon" "$tree/sc-beacon"
cluster_push sc-beacon:1 "$tree" '{"Entrypoint": ["/sc-beacon"], "Cmd": ["8080"], "ExposedPorts": {"8080/tcp": {}}}' >/dev/null
rm -rf "$tree"

kubectl create namespace "$space" >/dev/null
account() { kubectl -n "$space" get serviceaccount default >/dev/null 2>&1; }
cluster_until 30 account
# sleeper NAME [ARGUMENTS]: what starts_pod() in starts.c makes bare
sleeper() {
  kubectl -n "$space" apply -f - >/dev/null <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: $1}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 5
      nodeSelector: {kubernetes.io/hostname: node-1}
      containers:
        - name: main
          image: $image
          ${2:+args: $2}
          env: [{name: BEACON, value: "$beacon"}, {name: BEACON_NAME, value: $1}]
          resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
          ports: [{containerPort: 8080}]
  idle: {timeout: 0s}
END
}
names=(quick slow)
sleeper quick
sleeper slow '["8080", "1000"]'
for n in $(seq 0 $((many - 1))); do
  sleeper "many-$n"
  names+=("many-$n")
done
asleep() {
  [ "$(kubectl -n "$space" get stoppablecontainers -o 'jsonpath={.items[*].status.phase}' | tr ' ' '\n' | grep -c '^Stopped$')" = ${#names[@]} ]
}
cluster_until 180 asleep || { kubectl -n "$space" get stoppablecontainers,pods; exit 1; }

mkdir -p "$results"
logs=() agent=''
# latest FOLDER: of the files 0.log, 1.log…, one for each start of the container
latest() { find "$1" -name '*.log' | sort -V | tail -n 1; }
for folder in "$CLUSTER_DIR"/nodes/*/var/log/pods/"${PRODUCT_NAMESPACE}"_sc-activator-*/*/; do logs+=("--activator-log=$(latest "$folder")"); done
for folder in "$CLUSTER_DIR"/nodes/1/var/log/pods/"${PRODUCT_NAMESPACE}"_sc-node-agent-*/*/; do
  log=$(latest "$folder")
  # the directory of the init container, if any, tells nothing of consumers
  ! grep -q agent.started "$log" || agent=$log
done
address=$(kubectl -n "$PRODUCT_NAMESPACE" get service sc-activator -o 'jsonpath={.spec.clusterIP}')
out=$results/pods$suffix code=0
{
  echo "Kubernetes $(. "$CLUSTER_DIR/settings" && echo "$CLUSTER_VERSION"), $(containerd --version | cut -d ' ' -f 1,3), Linux $(uname -r), $(nproc) processors, $(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1)"
  cluster_in "$build/loadtest/sc-loadtest" pods --namespace="$space" --image="$image" --node=node-1 \
    --address="$address" --beacon="${beacon%:*}" --beacon-port="${beacon#*:}" --agent-log="$agent" "${logs[@]}" \
    --json="$out.json" --csv="$out.csv" --png="$out.png" --plot-script="$here/pods.gp" "${options[@]}"
} >"$out.txt" || code=$?
cat "$out.txt"
exit $code
