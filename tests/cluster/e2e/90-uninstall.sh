#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Uninstalling: what is there stays and nothing hangs; taken apart in order, nothing is left.
set -euo pipefail
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$(dirname "$0")/../kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$(dirname "$0")/../product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$(dirname "$0")/../product/app.sh"

. "$CLUSTER_DIR/settings"
space=uninstall-$$
test_begin "$space"
ours() { kubectl -n "$PRODUCT_NAMESPACE" "$@"; }
# shellcheck disable=SC2016
mounts() { for number in $(seq "$CLUSTER_NODES"); do cluster_node_exec "$number" sh -c 'cat /proc/[0-9]*/mountinfo 2>/dev/null' | grep -c 'upperdir=/var/lib/stoppablecontainer' || true; done | paste -sd+ | python3 -c "print(eval(input()))"; }
no_mounts() { [ "$(mounts)" = 0 ]; }
disks() { for number in $(seq "$CLUSTER_NODES"); do cluster_node_exec "$number" sh -c 'ls -d /var/lib/stoppablecontainer/'"$space"'/* 2>/dev/null' || true; done; }

product_installed
product_hello
kubectl create namespace "$space" >/dev/null
account_of "$space"
kubectl -n "$space" apply -f - >/dev/null <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: hello}
spec:
  running: true
  template: {container: {image: $HELLO, ports: [{containerPort: 8080}]}}
  idle: {timeout: 0s}
END
running() { [ "$(kubectl -n "$space" get stoppablecontainers hello -o 'jsonpath={.status.phase}')" = Running ]; }
cluster_until 90 running
kubectl -n "$space" exec hello -- sh -c 'echo kept >/var/kept'

echo "--- helm uninstall beside a container that runs"
helm -n "$PRODUCT_NAMESPACE" uninstall "$PRODUCT_RELEASE" --wait --timeout 60s >/dev/null 2>&1 || die "helm uninstall failed"
gone() { [ "$(ours get pods -o name)" = "" ]; }
cluster_until 60 gone
kubectl get crd stoppablecontainers.stoppablecontainer.xtlsoft.top >/dev/null || die "the kinds went with it"
[ "$(kubectl -n "$space" get stoppablecontainers hello -o 'jsonpath={.metadata.deletionTimestamp}')" = "" ] || die "the container is being deleted"
[ "$(kubectl -n "$space" exec hello -- cat /var/kept)" = kept ] || die "the container does not run on"
for kind in clusterroles clusterrolebindings validatingadmissionpolicies validatingadmissionpolicybindings; do
  left=$(kubectl get $kind -l app.kubernetes.io/part-of=stoppablecontainer -o name)
  [ "$left" = "" ] || die "left: $left"
done
left=$(ours get all,secrets,configmaps,roles,rolebindings,poddisruptionbudgets,serviceaccounts -l app.kubernetes.io/part-of=stoppablecontainer -o name)
[ "$left" = "" ] || die "left: $left"

echo "--- installed again, it takes over what is there"
product_install
cluster_until 60 running
[ "$(kubectl -n "$space" exec hello -- cat /var/kept)" = kept ] || die "the file is gone"
[ "$(kubectl -n "$space" get pod hello -o 'jsonpath={.status.containerStatuses[0].restartCount}')" = 0 ] || die "it was started anew"

echo "--- taken apart in order"
[ "$(disks)" != "" ] || die "where is its disk?"
kubectl delete stoppablecontainers --all -A --timeout=90s >/dev/null || die "$(kubectl get stoppablecontainers,stoppablecontainerinstances -A -o yaml | grep -A3 finalizers)"
[ "$(kubectl get stoppablecontainerinstances -A -o name)" = "" ] || die "an instance is left"
[ "$(disks)" = "" ] || die "a disk is left: $(disks)"
helm -n "$PRODUCT_NAMESPACE" uninstall "$PRODUCT_RELEASE" --wait --timeout 60s >/dev/null 2>&1
cluster_until 60 gone
kubectl delete crd stoppablecontainers.stoppablecontainer.xtlsoft.top stoppablecontainerinstances.stoppablecontainer.xtlsoft.top --timeout=60s >/dev/null
cluster_until 30 no_mounts
