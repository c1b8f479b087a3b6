#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One node is in other hands, and with it its agent's token. It may claim root filesystems for itself,
# also of containers whose provider is elsewhere: those are refused by the controller, and no Pod with
# their Secrets is sent there.
set -euo pipefail
here=$(dirname "$0")/..
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$here/product/app.sh"

product_installed
app_image app:1 >/dev/null
base=lost-$$ prefix=stoppablecontainer.xtlsoft.top
test_begin "$base"
trap 'kubectl delete node "$base" --wait=false >/dev/null 2>&1; _test_end' EXIT
ours() { kubectl -n "$PRODUCT_NAMESPACE" "$@"; }
app_namespace "$base"

echo "--- a node of which nothing is there but its agent's token"
kubectl create -f - >/dev/null <<END
{apiVersion: v1, kind: Node, metadata: {name: $base, labels: {kubernetes.io/hostname: $base}}, spec: {unschedulable: true}}
END
ours create -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata: {name: $base}
spec:
  nodeName: $base
  serviceAccountName: sc-node-agent
  containers: [{name: agent, image: $APP}]
END
token=$(ours create token sc-node-agent --bound-object-kind=Pod --bound-object-name="$base")

echo "--- it claims a container whose provider is on another node"
kubectl -n "$NS" create -f - >/dev/null <<END
apiVersion: $prefix/v1alpha1
kind: StoppableContainer
metadata: {name: app}
spec:
  running: true
  idle: {timeout: 0s}
  template: {container: {image: $REGISTRY/there-is-none:1, ports: [{containerPort: 8080}]}}
END
provider_is_placed() {
  kubectl -n "$NS" get pods -l "$prefix/role=provider" -o json >"$WORK/provider"
  jq -e '.items[0].spec.nodeName != null' "$WORK/provider" >/dev/null &&
    [ "$(kubectl -n "$NS" get sci app -o 'jsonpath={.status.providerPodUID}')" = "$(jq -r '.items[0].metadata.uid' "$WORK/provider")" ]
}
cluster_until 60 provider_is_placed || die "there is no provider: $(kubectl -n "$NS" get sci,pods -o wide)"
claim=$(jq --arg node "$base" '{status: {rootfs: {state: "Ready", hostPath: "/x", nodeName: $node,
  providerPodUID: .items[0].metadata.uid}, image: {entrypoint: ["/bin/httpd"], uid: 1000, gid: 1000}}}' "$WORK/provider")
said=$(curl -sS --cacert "$CLUSTER_DIR/pki/ca.crt" -H "Authorization: Bearer $token" -X PATCH -d "$claim" \
  -H 'Content-Type: application/merge-patch+json' \
  "$CLUSTER_SERVER/apis/$prefix/v1alpha1/namespaces/$NS/stoppablecontainerinstances/app/status")
[ "$(jq -r .kind <<<"$said")" = StoppableContainerInstance ] || die "that claim could not be made: $said"
refused() { kubectl -n "$NS" get events -o json | jq -e 'any(.items[]; .reason == "ClaimRefused")' >/dev/null; }
consumers() { kubectl -n "$NS" get pods -l "$prefix/role=consumer" -o 'jsonpath={range .items[*]}{.metadata.name} on {.spec.nodeName}{end}'; }
cluster_until 20 refused || die "nobody refused the claim; the consumer: $(consumers)"
holder() { kubectl -n "$NS" get sci app -o 'jsonpath={.status.rootfs.nodeName}'; }
let_go() { [ -z "$(holder)" ]; }
cluster_until 20 let_go || die "the files are said to be on $(holder)"
[ -z "$(consumers)" ] || die "a consumer was made: $(consumers)"

echo "--- and the node that has the provider makes it"
kubectl -n "$NS" patch stoppablecontainer app --type=merge -p '{"spec": {"template": {"container": {"image": "'"$APP"'"}}}}' >/dev/null
expect app '{.status.phase}' Running 90
[ "$(holder)" != "$base" ] || die "it is on the lost node"
[ "$(ask app /)" = alive ] || die "it does not answer"
ours delete pod "$base" --grace-period=0 --force >/dev/null 2>&1
app_namespace_end "$base"
