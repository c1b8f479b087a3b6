# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Our programs as processes beside the API server, for what needs no kubelet. To be sourced after lib.sh.
# Nothing schedules meanwhile: what a node would say of a Pod, sc-loadtest says. An installed product's own
# controller and idle-monitor rest, and so do its admission policies, which know the accounts of its own
# programs only. programs_end undoes it.

PROGRAMS_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck disable=SC2034 # for those who source this
PROGRAMS_BUILD=${SC_RELEASE_BUILD_DIR:-$PROGRAMS_ROOT/build}
SCALE_DIR=$(mktemp -d "$CLUSTER_DIR/programs.XXXXXX")
# shellcheck source=loadtest/scale-lib.sh
. "$PROGRAMS_ROOT/loadtest/scale-lib.sh"
# shellcheck source=tests/cluster/product/policies.sh
. "$PROGRAMS_ROOT/tests/cluster/product/policies.sh"

# programs_begin NAMESPACE: the CRDs, an empty namespace, and no scheduler
programs_begin() {
  programs_namespace=$1
  programs_had_crds=false
  ! kubectl get crd stoppablecontainers.stoppablecontainer.xtlsoft.top >/dev/null 2>&1 || programs_had_crds=true
  kubectl apply --server-side -f "$PROGRAMS_ROOT/crds/stoppablecontainers.yaml" \
    -f "$PROGRAMS_ROOT/crds/stoppablecontainerinstances.yaml" >/dev/null
  kubectl wait --for=condition=Established --timeout=30s crd/stoppablecontainers.stoppablecontainer.xtlsoft.top \
    crd/stoppablecontainerinstances.stoppablecontainer.xtlsoft.top >/dev/null
  kubectl create namespace "$programs_namespace" >/dev/null
  cluster_until 20 programs_has_account
  programs_rest
  cluster_component kill scheduler
  head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$SCALE_DIR/token"
}

programs_has_account() { kubectl -n "$programs_namespace" get serviceaccount default >/dev/null 2>&1; }

# programs_deciding: NAMESPACE NAME REPLICAS of each installed program that would decide along with ours
programs_deciding() {
  kubectl get deployments -A -o 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name} {.spec.replicas}{"\n"}{end}' \
    -l 'app.kubernetes.io/part-of=stoppablecontainer,app.kubernetes.io/component in (controller,idle-monitor)'
}

programs_has_rested() {
  [ -z "$(kubectl get pods -A -o name \
    -l 'app.kubernetes.io/part-of=stoppablecontainer,app.kubernetes.io/component in (controller,idle-monitor)')" ]
}

programs_rest() {
  local space name
  policies_rest "$programs_namespace" "$SCALE_DIR/bindings"
  programs_deciding >"$SCALE_DIR/deciding"
  while read -r space name _; do
    kubectl -n "$space" scale deployment "$name" --replicas=0 </dev/null >/dev/null
  done <"$SCALE_DIR/deciding"
  cluster_until 60 programs_has_rested
}

# programs_wake: as they were
programs_wake() {
  local space name count
  policies_wake "$SCALE_DIR/bindings"
  [ -e "$SCALE_DIR/deciding" ] || return 0
  while read -r space name count; do
    kubectl -n "$space" scale deployment "$name" --replicas="$count" </dev/null >/dev/null 2>&1 &&
      kubectl -n "$space" rollout status deployment "$name" --timeout=60s </dev/null >/dev/null 2>&1 || true
  done <"$SCALE_DIR/deciding"
}

programs_start() { # programs_start NAME PROGRAM [OPTION…]: in the cluster's network
  local name=$1
  shift
  rm -f "$SCALE_DIR/$name.pid"
  # shellcheck disable=SC2016
  cluster_in bash -c 'echo $$ >"$1.new" && mv "$1.new" "$1" && shift && exec "$@"' _ "$SCALE_DIR/$name.pid" "$@" \
    >>"$SCALE_DIR/$name.log" 2>&1 </dev/null &
  cluster_until 10 test -s "$SCALE_DIR/$name.pid"
}

# programs_user NAME: a kubeconfig for a user of its own that may do everything; prints its path
programs_user() {
  local file=$SCALE_DIR/$1.kubeconfig token
  kubectl -n "$programs_namespace" create serviceaccount "$1" >/dev/null
  kubectl create clusterrolebinding "$programs_namespace-$1" --clusterrole=cluster-admin \
    --serviceaccount="$programs_namespace:$1" >/dev/null
  token=$(kubectl -n "$programs_namespace" create token "$1" --duration=2h)
  cp "$CLUSTER_DIR/kubeconfig" "$file"
  kubectl --kubeconfig="$file" config set-credentials "$1" --token="$token" >/dev/null
  kubectl --kubeconfig="$file" config set-context --current --user="$1" --namespace="$programs_namespace" >/dev/null
  echo "$file"
}

# programs_let_go RESOURCE: nobody is there to take the finalizers away. By curl, since kubectl asks for each
# before it writes, one after the other and no more than some 50 times a second.
programs_let_go() {
  local all=$CLUSTER_SERVER/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/$programs_namespace/$1
  kubectl -n "$programs_namespace" get "$1" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' 2>/dev/null |
    sed "s|.*|url = \"$all/&\"\noutput = /dev/null|" |
    curl --config - --parallel --parallel-max 16 --cacert "$CLUSTER_DIR/pki/ca.crt" \
      --cert "$CLUSTER_DIR/pki/admin.crt" --key "$CLUSTER_DIR/pki/admin.key" --request PATCH \
      --header 'Content-Type: application/merge-patch+json' --data '{"metadata":{"finalizers":null}}' 2>/dev/null || true
}

programs_end() {
  local file name
  for file in "$SCALE_DIR"/*.pid; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .pid)
    kill -CONT "$(scale_pid "$name")" 2>/dev/null || true
    kill -KILL "$(scale_pid "$name")" 2>/dev/null || true
    rm -f "$file"
  done
  [ -n "${programs_namespace:-}" ] || return 0
  cluster_component alive scheduler || cluster_component start scheduler || true
  for name in stoppablecontainers stoppablecontainerinstances; do programs_let_go "$name"; done
  kubectl get clusterrolebinding -o name | { grep -F "/$programs_namespace-" || true; } | while read -r name; do
    kubectl delete "$name" >/dev/null
  done
  kubectl delete namespace "$programs_namespace" --timeout=120s >/dev/null 2>&1 || true
  programs_wake
  $programs_had_crds || kubectl delete --timeout=60s -f "$PROGRAMS_ROOT/crds/" >/dev/null 2>&1 || true
}
