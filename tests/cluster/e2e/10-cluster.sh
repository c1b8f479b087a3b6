#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The test cluster itself: that it is what the other tests take it for.
set -euo pipefail
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$(dirname "$0")/../kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$(dirname "$0")/../product/app.sh"

# what of the cluster differs by the node
. "$CLUSTER_DIR/settings"
last=$CLUSTER_NODES
run=test-$$
test_begin "$run" "$run-strict"

echo "--- nodes and rights"
[ "$(kubectl get nodes --no-headers | grep -c ' Ready ')" = "$CLUSTER_NODES" ] || die "not every node is Ready"
kubectl version -o json | jq -e --arg version "v$CLUSTER_VERSION" '.serverVersion.gitVersion == $version' >/dev/null ||
  die "the API server's version is another one"
code=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CLUSTER_DIR/pki/ca.crt" "$CLUSTER_SERVER/api/v1/pods")
[ "$code" = 403 ] || die "without a certificate the API server answered $code"
code=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CLUSTER_DIR/pki/ca.crt" https://10.250.0.11:10250/pods)
[ "$code" = 401 ] || die "without a certificate the kubelet answered $code"
node=(curl -s -o /dev/null -w '%{http_code}' --cacert "$CLUSTER_DIR/pki/ca.crt"
  --cert "$CLUSTER_DIR/pki/node-1.crt" --key "$CLUSTER_DIR/pki/node-1.key")
code=$("${node[@]}" "$CLUSTER_SERVER/api/v1/nodes/node-1")
[ "$code" = 200 ] || die "a kubelet reads its node: $code"
code=$("${node[@]}" "$CLUSTER_SERVER/api/v1/namespaces/kube-system/secrets")
[ "$code" = 403 ] || die "a kubelet lists all secrets: $code"

cluster_node_exec 1 grep -q ':/system$' /proc/self/cgroup || die "the node's daemons are not right below what is a root to it"
[ "$(cluster_node_exec "$last" hostname)" = "node-$last" ] || die "the node's name"

echo "--- a Pod on each node, its image pulled from the registry"
kubectl create namespace "$run" >/dev/null
kubectl config view >/dev/null
account_of "$run"
for number in $(seq "$last"); do
  kubectl -n "$run" apply -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata: {name: web-$number, labels: {app: web-$number}}
spec:
  nodeName: node-$number
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: $BUSYBOX
    command: [sh, -c, "mkdir /tmp/w; echo from-web-$number >/tmp/w/index.html; echo ready; exec httpd -f -p 8080 -h /tmp/w"]
    ports: [{containerPort: 8080}]
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 50m, memory: 32Mi}}
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web-$number}
spec: {selector: {app: web-$number}, ports: [{port: 80, targetPort: 8080}]}
END
done
for number in $(seq "$last"); do
  kubectl -n "$run" wait --for=condition=Ready "pod/web-$number" --timeout=60s >/dev/null
  kubectl -n "$run" get events --field-selector "involvedObject.name=web-$number" -o 'jsonpath={.items[*].reason}' |
    grep -w -e Pulled -e Pulling >/dev/null || die "web-$number was not pulled"
done

echo "--- an OCI archive goes into the registry as it is"
mkdir -p "$WORK/oci/blobs/sha256"
from=http://$REGISTRY/v2/pause
curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' "$from/manifests/1" -o "$WORK/manifest"
digest=$(sha256sum "$WORK/manifest" | cut -d ' ' -f 1)
for blob in $(jq -r '.config.digest, .layers[].digest' "$WORK/manifest"); do
  curl -fsS "$from/blobs/$blob" -o "$WORK/oci/blobs/${blob/://}"
done
jq -n --arg digest "sha256:$digest" --argjson size "$(stat -c %s "$WORK/manifest")" \
  '{manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size}]}' >"$WORK/oci/index.json"
mv "$WORK/manifest" "$WORK/oci/blobs/sha256/$digest"
tar -C "$WORK/oci" -cf "$WORK/copy.tar" index.json blobs
[ "$(cluster_push some/copy:2 "$WORK/copy.tar")" = "$REGISTRY/some/copy@sha256:$digest" ] || die "the archive was pushed otherwise"
cluster_node_exec 1 ctr -n k8s.io images pull --plain-http "$REGISTRY/some/copy:2" >/dev/null || die "the pushed archive is not pulled"

echo "--- exec, logs, port-forward, attach"
[ "$(kubectl -n "$run" exec web-1 -- cat /tmp/w/index.html)" = from-web-1 ] || die "exec"
[ "$(kubectl -n "$run" exec -i web-1 -- sha256sum <<<text)" = "$(sha256sum <<<text)" ] || die "exec with an input"
[ "$(kubectl -n "$run" logs "web-$last")" = ready ] || die "logs"
kubectl -n "$run" port-forward --address 127.0.0.1 "pod/web-$last" 18080:8080 >/dev/null 2>&1 &
background+=($!)
cluster_until 10 curl -fsS -o /dev/null http://127.0.0.1:18080/ 2>/dev/null
[ "$(curl -fsS http://127.0.0.1:18080/)" = "from-web-$last" ] || die "port-forward"
kubectl -n "$run" run echo --image="$BUSYBOX" --restart=Never -i --rm --quiet --command -- sh -c 'read line; echo "got $line"' \
  <<<attached | grep "got attached" >/dev/null || die "attach"

echo "--- names and Services, across nodes"
[ "$(kubectl -n "$run" exec web-1 -- curl -fsS --max-time 5 "http://web-$last.$run")" = "from-web-$last" ] || die "a Service from a Pod"
[ "$(kubectl -n "$run" exec "web-$last" -- curl -fsS --max-time 5 "http://web-1.$run.svc.cluster.local")" = from-web-1 ] || die "and back"
[ "$(kubectl -n "$run" exec web-1 -- curl -fsS --max-time 5 "http://web-1.$run")" = from-web-1 ] || die "a Pod's own Service"
address=$(kubectl -n "$run" get service "web-$last" -o 'jsonpath={.spec.clusterIP}')
[ "$(curl -fsS "http://$address/")" = "from-web-$last" ] || die "a Service from beside the API server"

echo "--- Pod Security"
kubectl create namespace "$run-strict" >/dev/null
kubectl label namespace "$run-strict" pod-security.kubernetes.io/enforce=restricted >/dev/null
if output=$(kubectl -n "$run-strict" run bad --image="$BUSYBOX" --privileged 2>&1); then die "a privileged Pod was let in"; fi
grep -q 'violates PodSecurity "restricted' <<<"$output" || die "refused for another reason: $output"

echo "--- resize in place, and an ephemeral container"
kubectl -n "$run" patch pod web-1 --subresource resize --patch \
  '{"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "20m"}, "limits": {"cpu": "100m"}}}]}}' >/dev/null
limit() { [ "$(kubectl -n "$run" get pod web-1 -o 'jsonpath={.status.containerStatuses[0].resources.limits.cpu}')" = 100m ]; }
cluster_until 20 limit
[ "$(kubectl -n "$run" get pod web-1 -o 'jsonpath={.status.containerStatuses[0].restartCount}')" = 0 ] || die "it was restarted"
kubectl -n "$run" debug web-1 --image="$BUSYBOX" --target=main -c debugger -- sh -c 'ps | grep -c [h]ttpd' >/dev/null 2>&1
debugged() { [ "$(kubectl -n "$run" logs web-1 -c debugger 2>/dev/null)" = 1 ]; }
cluster_until 20 debugged

echo "--- a component is killed or paused"
for name in "kubelet-$last" "containerd-$last" apiserver etcd; do
  cluster_component kill "$name"
  if cluster_component alive "$name"; then die "$name lives"; fi
  if [ "$name" = "containerd-$last" ]; then
    if cluster_node_exec "$last" ctr version >/dev/null 2>&1; then die "containerd answers"; fi
    curl -fsS -o /dev/null "http://$address/" || die "a Pod does not outlive containerd"
  fi
  cluster_component start "$name"
  cluster_until 60 cluster_api_ready
done
scheduler=$(cluster_component pid scheduler)
_cluster_enter control kill -KILL "$scheduler"
another() { now=$(cluster_component pid scheduler 2>/dev/null) && [ "$now" != "$scheduler" ]; }
cluster_until 20 another || die "a scheduler that ended is not started again"
has 'scheduler.run ended by itself with code 137' "$CLUSTER_DIR/log/scheduler.log" || die "its end is not told"
answers() { [ "$(kubectl -n "$run" exec "web-$last" -- cat /tmp/w/index.html 2>/dev/null)" = "from-web-$last" ]; }
cluster_until 60 answers
cluster_component stop apiserver
if kubectl get nodes --request-timeout=1s >/dev/null 2>&1; then die "a stopped API server answers"; fi
cluster_component cont apiserver
cluster_until 20 cluster_api_ready

echo "--- etcd forgets"
version=$(kubectl get --raw '/api/v1/namespaces/default/pods?limit=1' | jq -r .metadata.resourceVersion)
for value in 1 2 3; do kubectl -n "$run" annotate pod web-1 --overwrite "test=$value" >/dev/null; done
old() { curl -sS http://127.0.0.1:2379/v3/kv/range -d "{\"key\": \"AA==\", \"revision\": \"$version\"}"; }
if old | grep compacted >/dev/null; then die "it had forgotten before"; fi
cluster_compact
old | grep compacted >/dev/null || die "it still knows version $version: $(old)"
cluster_component restart apiserver
cluster_until 60 cluster_api_ready
gone=$(kubectl get --raw "/api/v1/pods?watch=1&timeoutSeconds=2&resourceVersion=$version" 2>&1) || true
grep -q '"code":410' <<<"$gone" || die "a watch from an old version: ${gone:0:300}"

echo "--- a node loses its power"
before=$(kubectl get node "node-$last" -o 'jsonpath={.status.nodeInfo.bootID}')
cluster_node_exec "$last" sh -c 'echo kept >/var/lib/of-the-disk; echo lost >/run/of-the-memory'
container() { kubectl -n "$run" get pod "web-$last" -o 'jsonpath={.status.containerStatuses[0].containerID}'; }
first=$(container)
cluster_node_down "$last"
if curl -s -o /dev/null --max-time 2 "http://$address/"; then die "its Pod answers"; fi
cluster_node_up "$last"
another_boot() { [ "$(kubectl get node "node-$last" -o 'jsonpath={.status.nodeInfo.bootID}')" != "$before" ]; }
cluster_until 60 another_boot
cluster_until 60 cluster_node_ready "$last"
[ "$(cluster_node_exec "$last" cat /var/lib/of-the-disk)" = kept ] || die "the disk"
if cluster_node_exec "$last" test -e /run/of-the-memory; then die "the memory was kept"; fi
again() { [ "$(container)" != "$first" ] && [ "$(curl -fs --max-time 2 "http://$address/")" = "from-web-$last" ]; }
cluster_until 90 again
