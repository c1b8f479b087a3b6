#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The chart on a cluster: installed, upgraded, rolled back, tested by helm; then a container that
# sleeps, wakes by a request through the activators' Service, keeps its file and sleeps again.
set -euo pipefail
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$(dirname "$0")/../kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$(dirname "$0")/../product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$(dirname "$0")/../product/app.sh"

strict=install-$$
test_begin "$strict"
ours() { kubectl -n "$PRODUCT_NAMESPACE" "$@"; }

echo "--- helm install"
product_installed
[ "$(ours get pods -l app.kubernetes.io/part-of=stoppablecontainer -o json | jq '[.items[].status.containerStatuses[].restartCount] | add')" = 0 ] ||
  die "a program was started more than once"

echo "--- what is rendered, the API server takes"
render() {
  helm template "$PRODUCT_RELEASE" "$PRODUCT_CHART" -n "$PRODUCT_NAMESPACE" --set fullnameOverride=sc \
    --set networkPolicy.enabled=true --set ingress.enabled=true "$@" 2>/dev/null
}
render --set crds.install=false | kubectl apply --dry-run=server -f - >/dev/null 2>"$CLUSTER_DIR/log/apply" ||
  die "$(cat "$CLUSTER_DIR/log/apply")"
# kubectl's own note of the last manifest has not the room for a CRD
render --show-only templates/crds.yaml | kubectl apply --server-side --force-conflicts --dry-run=server -f - >/dev/null

echo "--- Pod Security level restricted admits all but the agent"
kubectl create namespace "$strict" >/dev/null
kubectl label namespace "$strict" pod-security.kubernetes.io/enforce=restricted >/dev/null
account_of "$strict"
as_pod() {
  ours get "$1" -o json | jq '{apiVersion: "v1", kind: "Pod", metadata: {generateName: "try-", labels: .spec.template.metadata.labels},
    spec: (.spec.template.spec | .serviceAccountName = "default" | del(.serviceAccount) | del(.priorityClassName))}' |
    kubectl -n "$strict" create --dry-run=server -f - 2>&1
}
for name in controller activator idle-monitor; do
  said=$(as_pod "deployment/sc-$name") || die "$name: $said"
done
if said=$(as_pod daemonset/sc-node-agent); then die "a restricted namespace admits the agent"; fi
grep -q 'violates PodSecurity' <<<"$said" || die "refused for another reason: $said"

echo "--- rights"
may() { kubectl auth can-i --as="system:serviceaccount:$PRODUCT_NAMESPACE:sc-$1" "${@:2}" 2>/dev/null || true; }
for name in controller activator idle-monitor node-agent; do
  for never in "get secrets -A" "create pods --subresource=exec -A" "impersonate users" "create clusterrolebindings"; do
    # shellcheck disable=SC2086
    [ "$(may "$name" $never)" = no ] || die "$name may $never"
  done
done
[ "$(may controller create pods -n default)" = yes ] || die "the controller may not create Pods"
[ "$(may activator create pods -n default)" = no ] || die "the activator may create Pods"
[ "$(may node-agent delete pods -n default)" = no ] || die "the agent may delete Pods"
[ "$(may node-agent patch stoppablecontainers -n default)" = no ] || die "the agent may patch containers"

[ "$(may node-agent patch stoppablecontainerinstances -n default)" = no ] || die "the agent may patch more than status"

echo "--- helm upgrade rolls what a changed value is of, and keeps the tokens and the key"
pods() { ours get pods -l "app.kubernetes.io/component=$1" --field-selector=status.phase=Running -o 'jsonpath={.items[*].metadata.name}'; }
token() { ours get secret "sc-$1-admin-token" -o 'jsonpath={.data.token}' | base64 -d; }
tokens() { for name in controller activator idle-monitor node-agent; do token "$name"; echo; done; }
key() { ours get secret sc-activator-key -o 'jsonpath={.data.key}'; }
before_monitor=$(pods idle-monitor) before_controller=$(pods controller) before_tokens=$(tokens) before_key=$(key)
[ "$(sort -u <<<"$before_tokens" | grep -c .)" = 4 ] || die "programs share a token"
product_install --set idle.timeout=4m
rolled() { [ "$(comm -12 <(tr ' ' '\n' <<<"$before_monitor" | sort) <(pods idle-monitor | tr ' ' '\n' | sort))" = "" ]; }
cluster_until 30 rolled
[ "$(pods controller)" = "$before_controller" ] || die "the controller was rolled too"
[ "$(tokens)" = "$before_tokens" ] || die "a token changed"
[ "$(key)" = "$before_key" ] && [ -n "$before_key" ] || die "the key changed"
timeout_of() { ours get configmap sc-idle-monitor -o 'jsonpath={.data.config\.yaml}' | sed -n 's/^  timeout: //p'; }
[ "$(timeout_of)" = 4m ] || die "the timeout is $(timeout_of)"

echo "--- helm rollback"
helm -n "$PRODUCT_NAMESPACE" rollback "$PRODUCT_RELEASE" --wait --timeout 120s >/dev/null
[ "$(timeout_of)" = 5m ] || die "the timeout is $(timeout_of) after the rollback"
[ "$(tokens)" = "$before_tokens" ] || die "a token changed"
product_ready

echo "--- a program's token is good for its own admin port alone"
admin_port() { ours get service "sc-$1-admin" -o 'jsonpath={.spec.ports[0].port}'; }
# asked PROGRAM PATH TOKEN: what one of its Pods answers
asked() {
  local address
  address=$(ours get endpointslices -l "kubernetes.io/service-name=sc-$1-admin" -o json |
    jq -r '[.items[].endpoints[] | select(.conditions.terminating | not).addresses[0]][0]')
  curl -sS --max-time 10 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $3" "http://$address:$(admin_port "$1")$2"
}
for name in controller activator idle-monitor node-agent; do
  for whose in controller activator idle-monitor node-agent; do
    want=401
    [ "$whose" != "$name" ] || want=200
    code=$(asked "$name" /metrics "$(token "$whose")")
    [ "$code" = "$want" ] || die "$name answers the token of $whose with $code"
  done
done
[ "$(asked idle-monitor /v1/decisions "$(token idle-monitor)")" = 200 ] || die "no decisions"
code=$(asked idle-monitor /v1/decisions "$(token node-agent)")
[ "$code" = 401 ] || die "the idle-monitor tells a node agent its decisions: $code"

echo "--- helm test"
helm -n "$PRODUCT_NAMESPACE" test "$PRODUCT_RELEASE" >"$CLUSTER_DIR/log/helm-test.log" 2>&1 || die "$(ours logs sc-test)"
[ "$(ours get pods -l app.kubernetes.io/component=test -o name)" = "" ] || die "the test's Pod was left"

echo "--- a container sleeps, wakes by a request, keeps its file, and sleeps again"
product_hello
phase() { kubectl -n "$strict" get stoppablecontainers hello -o 'jsonpath={.status.phase}'; }
phase_is() { [ "$(phase)" = "$1" ]; }
kubectl -n "$strict" apply -f - >/dev/null <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: hello}
spec:
  template:
    container:
      image: $HELLO
      ports: [{name: http, containerPort: 8080}]
      securityContext:
        allowPrivilegeEscalation: false
        runAsNonRoot: true
        capabilities: {drop: [ALL]}
        seccompProfile: {type: RuntimeDefault}
  idle: {timeout: 3s, startupGrace: 1s}
  activation: {holdTimeout: 60s}
END
cluster_until 60 phase_is Stopped || die "$(kubectl -n "$strict" get stoppablecontainers hello -o yaml)"
address=$(ours get service sc-activator -o 'jsonpath={.spec.clusterIP}')
ask() { curl -fsS --max-time 90 -H "Host: hello.$strict" "http://$address$1"; }
ask / | has -i hello || die "no answer"
kubectl -n "$strict" exec hello -- sh -c 'echo kept >/var/kept' || die "exec into $(kubectl -n "$strict" get pods -o name)"
cluster_until 60 phase_is Stopped
asleep() { [ "$(kubectl -n "$strict" get pods -l stoppablecontainer.xtlsoft.top/role=consumer -o name)" = "" ]; }
cluster_until 30 asleep
ask / >/dev/null
cluster_until 30 phase_is Running
[ -z "$(kubectl -n "$strict" get stoppablecontainerinstances hello --show-managed-fields -o 'jsonpath={.metadata.managedFields}')" ] ||
  die "the API server tracks who writes which field of an instance"
consumer=$(kubectl -n "$strict" get stoppablecontainers hello -o 'jsonpath={.status.consumerPodName}')
[ "$(kubectl -n "$strict" exec "$consumer" -- cat /var/kept)" = kept ] || die "the file is gone"
# by its own name, from a Pod of its namespace: a Service that leads to the activators
[ "$(kubectl -n "$strict" get service hello -o 'jsonpath={.spec.ports[0].port}')" = 8080 ] || die "no Service"
curl -fsS --max-time 90 "http://$(kubectl -n "$strict" get service hello -o 'jsonpath={.spec.clusterIP}'):8080/" \
  -H "Host: hello.$strict.svc.cluster.local" | has -i hello || die "no answer at its own Service"
cluster_until 60 phase_is Stopped

echo "--- an agent writes of its own node only"
pod=$(pods node-agent)
# kubectl would read it first, which an agent may not
try_token() {
  local answer
  answer=$(curl -sS --cacert "$CLUSTER_DIR/pki/ca.crt" -H "Authorization: Bearer $1" -X PATCH -d "$2" \
    -H 'Content-Type: application/merge-patch+json' \
    "$CLUSTER_SERVER/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/$strict/stoppablecontainerinstances/hello/status")
  [ "$(jq -r .kind <<<"$answer")" = StoppableContainerInstance ] || { jq -r .message <<<"$answer"; return 1; }
}
bound=$(ours create token sc-node-agent --bound-object-kind=Pod --bound-object-name="${pod%% *}")
loose=$(ours create token sc-node-agent)
holder=$(kubectl -n "$strict" get stoppablecontainerinstances hello -o 'jsonpath={.status.rootfs.nodeName}')
of_pod=$(ours get pod "${pod%% *}" -o 'jsonpath={.spec.nodeName}')
said=$(try_token "$loose" '{"status": {"rootfs": {"message": "x"}}}') && die "a token of no node was let in"
grep -q 'on its own node' <<<"$said" || die "refused for another reason: $said"
if said=$(try_token "$bound" '{"status": {"rootfs": {"message": "x"}}}'); then
  [ "$holder" = "$of_pod" ] || die "an agent wrote of another node"
else
  [ "$holder" != "$of_pod" ] || die "its own agent was refused: $said"
fi
if try_token "$bound" '{"status": {"phase": "Running"}}' >/dev/null; then die "an agent wrote the controller's phase"; fi

kubectl -n "$strict" delete stoppablecontainers hello --timeout=60s >/dev/null
