#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the chart's admission policies refuse, whoever has the right to ask, and what they leave alone:
# Pods with our labels, instances, and the containers' fields that an activator and an idle-monitor
# have no business with.
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
base=policies-$$ prefix=stoppablecontainer.xtlsoft.top
test_begin "$base" "$base-other"
app_namespace "$base-other"
app_namespace "$base"

# refused PATTERN CMD…: by a policy, which says PATTERN
refused() {
  local pattern=$1 said
  shift
  if said=$("$@" 2>&1); then die "nobody refused: $*"; fi
  grep -q "denied request: .*$pattern" <<<"$said" || die "refused for another reason: $* : $said"
}
# allowed CMD…
allowed() {
  local said
  said=$("$@" 2>&1) || die "refused: $* : $said"
}

# by PROGRAM PATH PATCH [TYPE]: a patch with its own token; kubectl would read the object first, which they may not
declare -A token
for name in activator idle-monitor; do token[$name]=$(kubectl -n "$PRODUCT_NAMESPACE" create token "sc-$name"); done
by() {
  local answer
  answer=$(curl -sS --cacert "$CLUSTER_DIR/pki/ca.crt" -H "Authorization: Bearer ${token[$1]}" -X PATCH -d "$3" \
    -H "Content-Type: application/${4:-merge-patch}+json" \
    "$CLUSTER_SERVER/apis/$prefix/v1alpha1/namespaces/$NS/stoppablecontainers/$2")
  [ "$(jq -r .kind <<<"$answer")" = StoppableContainer ] || { jq -r .message <<<"$answer"; return 1; }
}

# user KUBECTL ARGUMENT…: who may do everything in both namespaces
for ns in "$base" "$base-other"; do
  kubectl -n "$ns" create rolebinding all --clusterrole=cluster-admin --serviceaccount="$base:user" >/dev/null
done
user() { kubectl --as="system:serviceaccount:$base:user" -n "$NS" "$@"; }

echo "--- a container is made as ever, by somebody who may create it"
user create -f - >/dev/null <<END
apiVersion: $prefix/v1alpha1
kind: StoppableContainer
metadata: {name: app, annotations: {example.com/note: kept}}
spec: {template: {container: {image: $APP, ports: [{containerPort: 8080}]}}}
END
expect app '{.status.phase}' Stopped

echo "--- an activator wakes, and that is all"
refused 'does not write spec.template' by activator app '{"spec": {"running": true, "template": {"container": {"image": "evil"}}}}'
refused 'does not write spec.idle' by activator app '{"spec": {"running": true, "idle": {"timeout": "1h"}}}'
refused 'only wakes' by activator app '{"spec": {"running": false}}'
refused 'metadata.labels' by activator app '{"metadata": {"labels": {"a": "b"}}, "spec": {"running": true}}'
refused 'metadata.finalizers' by activator app '{"metadata": {"finalizers": []}, "spec": {"running": true}}'
refused 'no annotation but' by activator app '{"metadata": {"annotations": {"a": "b"}}, "spec": {"running": true}}'
refused 'no annotation but' by activator app '{"metadata": {"annotations": {"example.com/note": null}}, "spec": {"running": true}}'
refused 'status.phase' by activator app/status '{"status": {"phase": "Running"}}'
refused 'status.activation.hosts' by activator app/status '{"status": {"activation": {"hosts": ["shop.example.com"]}}}'
refused 'status.activation.url' by activator app/status '{"status": {"activation": {"url": "http://shop.example.com"}}}'
refused 'only stops' by idle-monitor app '{"spec": {"running": true}}'
[ "$(field app '{.spec.running}')" = false ] || die "it was woken"
allowed by activator app/status '{"status": {"activation": {"wakes": 7, "lastWakeSource": "HTTP"}}}'
allowed by activator app '{"metadata": {"annotations": {"'$prefix'/wake": "somebody"}}, "spec": {"running": true}}'
expect app '{.status.phase}' Running

echo "--- only the controller makes Pods that are ours"
pod=$(consumer app)
uid=$(kubectl -n "$NS" get sci app -o 'jsonpath={.metadata.uid}')
labels='{"'$prefix'/managed-by": "stoppablecontainer", "'$prefix'/role": "consumer", "'$prefix'/instance": "app"}'
# make_pod NAME METADATA
make_pod() {
  jq -n --arg name "$1" --arg image "$APP" --argjson more "$2" '{apiVersion: "v1", kind: "Pod",
    metadata: ({name: $name} + $more), spec: {schedulerName: "nobody", containers: [{name: "main", image: $image}]}}' |
    user create -f -
}
owner() { echo '[{"apiVersion": "'"$1"'", "kind": "'"$2"'", "name": "app", "uid": "'"$uid"'", "controller": true}]'; }
NS=$base-other
refused 'Pod labels' make_pod forged '{"labels": '"$labels"', "ownerReferences": '"$(owner example.com/v1 Nothing)"'}'
NS=$base
refused 'Pod labels' make_pod forged '{"labels": '"$labels"'}'
refused 'Pod labels' make_pod forged '{"labels": {"'$prefix'/role": "provider"}}'
refused 'Pod annotations' make_pod forged '{"annotations": {"'$prefix'/start": "999999"}}'
for version in v1alpha1 v9; do
  refused 'belong to its kinds' make_pod forged '{"ownerReferences": '"$(owner $prefix/$version StoppableContainerInstance)"'}'
done
allowed make_pod plain '{"labels": {"team": "blue"}}'
refused 'Pod labels' user label pod plain "$prefix/managed-by=stoppablecontainer"
refused 'Pod labels' user patch pod plain --subresource=status --type=merge -p '{"metadata": {"labels": '"$labels"'}}'
refused 'belong to its kinds' user patch pod plain --type=merge \
  -p '{"metadata": {"ownerReferences": '"$(owner $prefix/v1alpha1 StoppableContainerInstance)"'}}'
# shellcheck disable=SC2317 # called by refused
bind() {
  user create --raw "/api/v1/namespaces/$NS/pods/plain/binding" -f - <<<'{"apiVersion": "v1", "kind": "Binding",
    "metadata": {"name": "plain", "annotations": {"'$prefix'/start": "9"}}, "target": {"kind": "Node", "name": "node-1"}}'
}
refused 'Pod annotations' bind
refused 'Pod annotations' user annotate pod "$pod" --overwrite "$prefix/container-generation=999999"
refused 'Pod labels' user label pod "$pod" "$prefix/role-"
allowed user annotate pod "$pod" example.com/note=mine
allowed user label pod "$pod" team=blue
allowed user label pod plain --overwrite team=red

echo "--- instances are the controller's, but for the user's orders"
refused 'create a StoppableContainer' user create -f - <<END
apiVersion: $prefix/v1alpha1
kind: StoppableContainerInstance
metadata: {name: forged}
spec: {stoppableContainerName: app, running: true, template: {container: {image: $APP}}}
END
refused "instance's spec" user patch sci app --type=merge -p '{"spec": {"hostPathPrefix": "/var/lib/other"}}'
refused "instance's spec" user patch sci app --type=merge -p '{"spec": {"template": {"container": {"image": "evil"}}}}'
refused "instance's status" user patch sci app --subresource=status --type=merge -p '{"status": {"rootfs": {"nodeName": "node-9"}}}'
refused 'abandon-rootfs' user patch sci app --type=merge -p '{"metadata": {"finalizers": null}}'
refused "instance's annotations" user annotate sci app --overwrite "$prefix/rootfs-image=evil"
refused 'whose an instance is' user patch sci app --type=merge \
  -p '{"metadata": {"ownerReferences": [{"apiVersion": "'$prefix'/v1alpha1", "kind": "StoppableContainer", "name": "other", "uid": "'"$uid"'"}]}}'
allowed user annotate sci app "$prefix/reset-rootfs=sha256:0" "$prefix/accept-rootfs=none:none" "$prefix/verify-rootfs=1" "$prefix/abandon-rootfs=false" example.com/note=mine
allowed user annotate sci app "$prefix/reset-rootfs-" "$prefix/accept-rootfs-" "$prefix/verify-rootfs-" "$prefix/abandon-rootfs-"
allowed user delete sci app --dry-run=server

echo "--- an idle-monitor stops, and that is all"
refused 'does not write spec.template' by idle-monitor app '{"spec": {"running": false, "template": {"container": {"image": "evil"}}}}'
refused 'writes no annotation' by idle-monitor app '{"metadata": {"annotations": {"'$prefix'/wake": "x"}}, "spec": {"running": false}}'
refused 'status.activation' by idle-monitor app/status '{"status": {"activation": {"wakes": 0}}}'
allowed by idle-monitor app/status '{"status": {"idle": {"lastStopReason": "a test"}}}'
allowed by idle-monitor app '[{"op": "replace", "path": "/spec/running", "value": false}]' json-patch
expect app '{.status.phase}' Stopped
[ "$(ask app /)" = alive ] || die "it is not woken by a request"

echo "--- a Namespace's hosts are the operator's to give"
kubectl create clusterrole "$base-namespaces" --verb=get,create,update,patch --resource=namespaces >/dev/null
kubectl create clusterrolebinding "$base-namespaces" --clusterrole="$base-namespaces" --serviceaccount="$base:user" >/dev/null
hosts() { kubectl -n "$NS" get stoppablecontainer app -o 'jsonpath={.status.activation.hosts}'; }
hosts_are() { [ "$(hosts)" = "$1" ]; }
allowed user label namespace "$base" team=blue
refused 'which hosts it may have' user annotate namespace "$base" "$prefix/allowed-hosts=*"
refused 'which hosts it may have' user create -f - <<END
{apiVersion: v1, kind: Namespace, metadata: {name: $base-new, annotations: {$prefix/allowed-hosts: shop.example.com}}}
END
product_install --set-json 'hosts.allowed=[]'
user patch stoppablecontainer app --type=merge -p '{"spec": {"activation": {"hosts": ["www.shop.example.com"]}}}' >/dev/null
expect_condition app Activatable 'False HostNotAllowed *allowed-hosts*'
kubectl annotate namespace "$base" "$prefix/allowed-hosts=shop.example.com" >/dev/null
cluster_until 30 hosts_are '["www.shop.example.com"]' || die "its hosts are $(hosts)"
allowed user label namespace "$base" --overwrite team=red # what is there stays as it is
refused 'which hosts it may have' user annotate namespace "$base" "$prefix/allowed-hosts-"
kubectl annotate namespace "$base" "$prefix/allowed-hosts-" >/dev/null
cluster_until 30 hosts_are '[]' || die "its hosts are $(hosts)"
product_install
kubectl delete clusterrole,clusterrolebinding "$base-namespaces" >/dev/null

echo "--- what owns it all goes, by the garbage collector, in the foreground"
user delete stoppablecontainer app --cascade=foreground --timeout=60s >/dev/null
gone() { [ -z "$(kubectl -n "$NS" get sci,pods -l "$prefix/instance=app" -o name)" ]; }
cluster_until 30 gone || die "$(kubectl -n "$NS" get sci,pods -o wide)"
app_namespace_end "$base-other"
app_namespace_end "$base"
