#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the node agent itself refuses, where nothing else is in the way: with the bindings of the
# admission policies taken off, a Pod with our labels in another namespace gets no root filesystem and
# no traffic, a provider that shows layers of its own making gets none of the node's folders mounted,
# and a debug container with the control folder speaks for nobody and brings no address.
set -euo pipefail
here=$(dirname "$0")/..
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$here/product/app.sh"
# shellcheck source=tests/cluster/product/policies.sh
. "$here/product/policies.sh"

product_installed
app_image app:1 >/dev/null
base=tenants-$$ prefix=stoppablecontainer.xtlsoft.top
test_begin "$base" "$base-other"
tree=$WORK/tree
app_tree "$tree"
musl-gcc -std=gnu11 -D_GNU_SOURCE -static -O2 -o "$tree/bin/tenant" "$here/product/tenant.c"
tenant=$(cluster_push tenant:1 "$tree" '{"Entrypoint": ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"], "Env": ["PATH=/bin"]}')

# agent_says UID PATTERN: of that Pod
agent_says() {
  kubectl -n "$PRODUCT_NAMESPACE" logs -l app.kubernetes.io/component=node-agent --tail=-1 |
    grep -F "pod_uid=\"$1\"" | has "$2"
}
pod_runs() { [ "$(kubectl -n "$1" get pod "$2" -o 'jsonpath={.status.phase}' 2>/dev/null)" = Running ]; }
uid_of() { kubectl -n "$1" get pod "$2" -o 'jsonpath={.metadata.uid}'; }

app_namespace "$base-other"
app_namespace "$base"
trap 'policies_wake "$WORK/bindings"; _test_end' EXIT
policies_rest "$base" "$WORK/bindings"
[ "$(jq '.items | length' "$WORK/bindings")" -ge 4 ] || die "the policies were not bound: $(cat "$WORK/bindings")"
kubectl -n "$NS" create -f - >/dev/null <<END
apiVersion: $prefix/v1alpha1
kind: StoppableContainer
metadata: {name: app}
spec:
  idle: {timeout: 0s}
  template: {container: {image: $APP, ports: [{containerPort: 8080}]}}
END
expect app '{.status.phase}' Stopped 90
[ "$(ask app /)" = alive ] || die "it does not answer"
inside app sh -c 'echo mine >/var/lib/app/note'
node=$(kubectl -n "$NS" get pod "$(consumer app)" -o 'jsonpath={.spec.nodeName}')
sci=$(kubectl -n "$NS" get sci app -o 'jsonpath={.metadata.uid}')

# forge NAME API-VERSION KIND: in the other namespace, a Pod like the consumer, of a start that is yet to come
kubectl -n "$NS" get pod "$(consumer app)" -o json >"$WORK/consumer"
forge() {
  jq --arg name "$1" --arg version "$2" --arg kind "$3" --arg uid "$sci" --arg prefix "$prefix" '
    {apiVersion, kind, metadata: {name: $name, labels: .metadata.labels,
      annotations: {($prefix + "/start"): "999999", ($prefix + "/container-generation"): "999999"},
      ownerReferences: [{apiVersion: $version, kind: $kind, name: "app", uid: $uid, controller: true}]},
    spec: (.spec | del(.nodeName, .serviceAccount, .serviceAccountName) | .automountServiceAccountToken = false |
      .volumes |= map(select(.name | startswith("kube-api-access") | not)) |
      .containers |= map(.volumeMounts |= map(select(.name | startswith("kube-api-access") | not))) |
      .nodeSelector = {"kubernetes.io/hostname": "'"$node"'"} | del(.tolerations))}' "$WORK/consumer" |
    kubectl -n "$base-other" create -f - >/dev/null 2>&1
}

echo "--- a Pod of another namespace that says it is of this container gets no file and no request"
running app false
expect app '{.status.phase}' Stopped
asleep() { [ -z "$(kubectl -n "$NS" get pods -l "$prefix/role=consumer" -o name)" ]; }
cluster_until 30 asleep
# the policy's absence may take a moment
cluster_until 30 forge unknown example.com/v1 Nothing
cluster_until 30 pod_runs "$base-other" unknown
# of this one the garbage collector thinks otherwise: it may be gone before it runs
forge known "$prefix/v1alpha1" StoppableContainerInstance || die "the policies are still bound"
forged=$(uid_of "$base-other" unknown)
# read_as_other: what the Pod has for a root filesystem
read_as_other() { kubectl -n "$base-other" exec unknown -- /bin/cat /var/lib/app/note 2>/dev/null; }
for _ in 1 2; do
  [ "$(ask app /)" = alive ] || die "the container does not wake beside a Pod that claims to be it"
  [ "$(inside app cat /var/lib/app/note)" = mine ] || die "its files are gone"
  [ "$(kubectl -n "$NS" get sci app -o 'jsonpath={.status.consumer.podUID}')" = "$(uid_of "$NS" "$(consumer app)")" ] ||
    die "the agent speaks of another Pod: $(kubectl -n "$NS" get sci app -o 'jsonpath={.status.consumer}')"
  if said=$(read_as_other); then die "another namespace's Pod reads $said"; fi
  running app false
  expect app '{.status.phase}' Stopped
  cluster_until 30 asleep
  if said=$(read_as_other); then die "another namespace's Pod reads $said while the container sleeps"; fi
done
pod_runs "$base-other" unknown || die "the forged Pod did not stay: nothing was shown"
if agent_says "$forged" .; then die "the agent took that Pod for one of its own"; fi
kubectl -n "$base-other" delete pods --all --grace-period=0 --force >/dev/null 2>&1

echo "--- a debug container with the control folder speaks for nobody, and brings no address"
[ "$(ask app /)" = alive ] || die "it does not wake"
pod=$(consumer app) uid=$(uid_of "$NS" "$(consumer app)")
address=$(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.status.podIP}')
# debug NAME PATTERN ARGUMENT…: tenant with them, until the agent has refused it by PATTERN
debug() {
  local name=$1 pattern=$2
  shift 2
  kubectl -n "$NS" debug "$pod" --image="$tenant" --profile=general -c "$name" --quiet --custom=/dev/stdin -- \
    /bin/tenant "$@" >/dev/null 2>&1 <<<'{"volumeMounts": [{"name": "sc-control", "mountPath": "/control"}]}' || true
  listens() { kubectl -n "$NS" logs "$pod" -c "$name" 2>/dev/null | has '^listening$'; }
  cluster_until 60 listens || die "$name does not run: $(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.status.ephemeralContainerStatuses}')"
  cluster_until 30 agent_says "$uid" "peer_refused.*$pattern" || die "the agent did not refuse $name"
  [ "$(kubectl -n "$NS" get sci app -o 'jsonpath={.status.consumer.address}')" = "$address" ] ||
    die "$name: the agent tells an address of $(kubectl -n "$NS" get sci app -o 'jsonpath={.status.consumer}')"
  [ "$(ask app /)" = alive ] || die "$name: the answer is another's"
}
debug peer 'and lives\|than the main one' peer /control/wrapper.sock
# the last, so that it is this one that an agent finds which starts anew
debug network 'user namespace' net 169.254.169.254 /control/wrapper.sock
[ "$(kubectl -n "$NS" get sci app -o 'jsonpath={.status.consumer.state}')" = Listening ] || die "it is not Listening any more"
[ "$(inside app cat /var/lib/app/note)" = mine ] || die "its files are gone"

echo "--- an agent that starts anew and finds that socket believes it as little"
kubectl -n "$PRODUCT_NAMESPACE" delete pods -l app.kubernetes.io/component=node-agent --wait >/dev/null
product_ready
cluster_until 30 agent_says "$uid" 'peer_refused.*\(user namespace\|than the main one\)' || die "the new agent did not refuse it"
[ "$(kubectl -n "$NS" get sci app -o 'jsonpath={.status.consumer.address}')" = "$address" ] || die "the agent tells another address"
[ "$(ask app /)" = alive ] || die "the answer is another's"

echo "--- and with the Pod they are gone"
running app false
expect app '{.status.phase}' Stopped
[ "$(ask app /)" = alive ] || die "it does not wake after all this"
[ "$(inside app cat /var/lib/app/note)" = mine ] || die "its files are gone"

echo "--- a provider that shows layers of its own making gets nothing of the node"
kubectl -n "$NS" create -f - >/dev/null <<END
apiVersion: $prefix/v1alpha1
kind: StoppableContainer
metadata: {name: thief}
spec:
  running: true
  idle: {timeout: 0s}
  template: {container: {image: $REGISTRY/there-is-none:1, ports: [{containerPort: 8080}]}}
END
provider() { kubectl -n "$NS" get pods -l "$prefix/role=provider,$prefix/instance=thief" -o json | jq -e '.items[0]' >"$WORK/provider"; }
cluster_until 30 provider
# like the controller's to the letter; its image is there
jq --arg image "$tenant" --arg node "$node" '{apiVersion, kind, metadata: (.metadata | {name: "layers", labels, annotations, ownerReferences}),
  spec: {nodeName: $node, containers: [{name: "provider", image: $image, command: ["/bin/tenant", "layers", "/var/lib/kubelet/pods"]}]}}' \
  "$WORK/provider" | kubectl -n "$NS" create -f - >/dev/null
shows() { kubectl -n "$NS" logs layers 2>/dev/null | has '^showing /var/lib/kubelet/pods$'; }
cluster_until 60 shows || die "the forged provider does not run: $(kubectl -n "$NS" get pod layers -o 'jsonpath={.status}')"
expect_rootfs() { kubectl -n "$NS" get sci thief -o 'jsonpath={.status.rootfs}' | jq -e '.state == "Failed" and (.message | test("user namespace"))' >/dev/null; }
cluster_until 30 expect_rootfs || die "the agent says $(kubectl -n "$NS" get sci thief -o 'jsonpath={.status.rootfs}')"
[ -z "$(kubectl -n "$NS" get pods -l "$prefix/role=consumer,$prefix/instance=thief" -o name)" ] || die "a consumer of those layers was made"

app_namespace_end "$base-other"
app_namespace_end "$base"
