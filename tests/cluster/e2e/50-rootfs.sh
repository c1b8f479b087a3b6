#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The root file system is the same, byte for byte, whatever happens to what is around it: as the
# container sees it, and its upper directory as the node sees it. Meanwhile nothing untrue is said.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
run=rootfs-$$
# shellcheck source=tests/cluster/product/faults.sh
. "$here/product/faults.sh"
trap faults_end EXIT
files=${FILES:-100000}

hash_it() { kubectl -n "$run" exec "$(consumer web)" -- probe hash / >"$FAULTS_FILES/hash" 2>/dev/null; }
# a runtime that has just started may refuse for a moment
of_consumer() { cluster_until 60 hash_it && cat "$FAULTS_FILES/hash"; }
of_upper() { cluster_node_exec 1 /var/tmp/probe hash "$folder/upper"; }
upper_is_same() { [ "$(of_upper)" = "$upper" ] || die "$1: the upper directory is another: $(of_upper), was $upper"; }

# same WHAT: a request is answered by it, and it is all there
same() {
  local now
  wake web || die "$1: it does not wake"
  now=$(of_consumer)
  [ "$now" = "$inside" ] || die "$1: the container sees $now, was $inside"
  mounts_are_right
  step "$1: the same"
}

# goes_on WHAT: besides, the process is the one that it was
goes_on() {
  [ "$(life web)" = "$lived" ] || die "$1: the process is another one"
  same "$1: the process goes on"
}

other_life() { local now; now=$(life web 2>/dev/null) && [ -n "$now" ] && [ "$now" != "$lived" ]; }
uid_of() { kubectl -n "$run" get pod "$1" -o 'jsonpath={.metadata.uid}' 2>/dev/null; }
# a provider that is not $former runs
other_provider() {
  local uid
  uid=$(uid_of web-provider) && [ "$uid" != "$former" ] && is_ready web-provider
}
is_ready() { [ "$(kubectl -n "$run" get pod "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]; }
restarts() { kubectl -n "$run" get pod "$1" -o 'jsonpath={.status.containerStatuses[0].restartCount}' 2>/dev/null; }
restarted() { [ "$(restarts "$1")" -ge "$2" ] && is_ready "$1"; }
kill_of() { cluster_node_exec 1 kill -KILL "$(pid_of "$@")"; }
evict() {
  kubectl create --raw "/api/v1/namespaces/$run/pods/$1/eviction" -f - >/dev/null <<END
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "$1", "namespace": "$run"}}
END
}
agents_are_ready() { kubectl -n "$PRODUCT_NAMESPACE" rollout status daemonset/sc-node-agent --timeout=60s >/dev/null; }
# shellcheck disable=SC2016
kill_agent() { cluster_node_exec 1 sh -c 'kill -KILL $(pidof sc-node-agent)'; }
reason_is() { [ "$(kubectl -n "$run" get stoppablecontainer web -o "jsonpath={.status.conditions[?(@.type=='RootfsReady')].reason}")" = "$1" ]; }
set_image() { kubectl -n "$run" patch stoppablecontainer web --type=json -p "[{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/0/image\", \"value\": \"$1\"}]" >/dev/null; }

faults_begin
cp "$FAULTS_FILES/tree/bin/probe" "$CLUSTER_DIR/nodes/1/var/tmp/probe"
faults_apply web
faults_apply calm
cluster_until 60 is_prepared web
truth_begin
wake web
kubectl -n "$run" exec "$(consumer web)" -- probe make "$files"
step "$files files are made"
wake calm
kubectl -n "$run" exec "$(consumer calm)" -- probe make 10
asleep calm
folder=$(sci web .status.hostPath)
calm_folder=$(sci calm .status.hostPath)
calm_upper=$(cluster_node_exec 1 /var/tmp/probe hash "$calm_folder/upper")
step "a second one sleeps"
inside=$(of_consumer)
step "container: $inside"
upper=$(of_upper)
step "upper:     $upper"
for name in hosts resolv.conf hostname; do
  [ "$(cluster_node_exec 1 stat -c %s "$folder/upper/etc/$name")" = 0 ] || die "/etc/$name of the Pod is in the kept files"
done

asleep web
upper_is_same "asleep"
same "stop and start"

lived=$(life web)
kill_of "$(consumer web)" probe
cluster_until 30 other_life
same "the process is killed"
asleep web
wake web
lived=$(life web)
ask web /oom >/dev/null 2>&1 || true
cluster_until 30 other_life
same "it ran out of memory"
asleep web
wake web
lived=$(life web)
kill_of "$(consumer web)" sc-wrapper
cluster_until 30 other_life
same "the container is ended, the kubelet starts it anew"

former=$(uid_of "$(consumer web)") lived=$(life web)
kubectl -n "$run" delete pod "$(consumer web)" --wait=false >/dev/null
cluster_until 30 other_life
same "the consumer Pod is deleted by hand"
lived=$(life web)
evict "$(consumer web)"
cluster_until 30 other_life
same "the consumer Pod is evicted"

# a container's first new start is at once, its second after 10 s: each Pod is killed once
lived=$(life web) former=$(uid_of web-provider)
kill_of web-provider sc-wrapper
cluster_until 60 restarted web-provider 1
goes_on "the provider is killed"
kubectl -n "$run" delete pod web-provider --wait=false >/dev/null
cluster_until 60 other_provider
goes_on "the provider Pod is deleted"
former=$(uid_of web-provider)
evict web-provider
cluster_until 60 other_provider
goes_on "the provider Pod is evicted"
kill_of web-provider sc-wrapper
cluster_until 60 restarted web-provider 1
goes_on "the provider is killed again"
asleep web
upper_is_same "the provider is killed again"
former=$(uid_of web-provider)
kubectl -n "$run" delete pod web-provider --wait=false >/dev/null
cluster_until 60 other_provider
cluster_until 30 phase_is web Stopped
upper_is_same "the provider Pod is deleted while asleep"
same "the provider Pod is deleted while asleep"

lived=$(life web)
kill_agent
[ "$(life web)" = "$lived" ] || die "without an agent it does not answer"
agents_are_ready
goes_on "the node agent is killed"
kubectl -n "$PRODUCT_NAMESPACE" patch daemonset sc-node-agent -p '{"spec": {"template": {"metadata": {"annotations": {"test": "'"$run"'"}}}}}' >/dev/null
agents_are_ready
goes_on "the node agent is upgraded"
asleep web
upper_is_same "the node agent is upgraded"
kill_agent
same "the node agent is killed while asleep, and a request comes"
lived=$(life web)

# a kubelet that finds no runtime when it starts ends at once
runtime_answers() { cluster_node_exec 1 ctr version >/dev/null 2>&1; }
cluster_component kill kubelet-1
cluster_component restart containerd-1
cluster_until 20 runtime_answers
cluster_component start kubelet-1
cluster_until 60 cluster_node_ready 1
goes_on "kubelet and containerd are killed and start"
asleep web
upper_is_same "kubelet and containerd are killed and start"
same "and a stop and start"

kubectl annotate namespace "$run" blind=reboot >/dev/null
lived=$(life web)
cluster_node_reboot 1
cluster_until 90 other_life
cluster_until 60 cluster_node_ready 1
agents_are_ready
kubectl annotate namespace "$run" blind- >/dev/null
same "the node lost its power"
upper_is_same "the node lost its power"
[ "$(cluster_node_exec 1 /var/tmp/probe hash "$calm_folder/upper")" = "$calm_upper" ] || die "the one that slept has other files"
wake calm

# The provider's container, its image and its layers vanish, as after an eviction for lack of disk.
asleep web
asleep calm
cluster_component stop kubelet-1
image=$(kubectl -n "$run" get pod web-provider -o 'jsonpath={.status.containerStatuses[0].imageID}')
# shellcheck disable=SC2016
cluster_node_exec 1 bash -c '
  end() {
    if ctr -n k8s.io tasks kill -s KILL "$1" 2>/dev/null; then
      for _ in $(seq 50); do ! ctr -n k8s.io tasks rm "$1" >/dev/null 2>&1 || break; done
    fi
    ctr -n k8s.io containers rm "$1"
  }
  for container in $(ctr -n k8s.io containers ls | awk -v image="$1" "index(\$2, image) { print \$1 }"); do end "$container" & done
  wait
  ctr -n k8s.io images ls -q | grep -F -e "$1" -e "$2" -e sha256: | xargs -r ctr -n k8s.io images rm --sync >/dev/null
' _ "$REGISTRY/probe" "${image##*@}"
gone() { ! cluster_node_exec 1 bash -c "ls -d $(jq -r '.layers | join(" ")' "$CLUSTER_DIR/nodes/1$folder/record.json")" >/dev/null 2>&1; }
cluster_until 30 gone
step "the image is gone from the node"
cluster_component cont kubelet-1
cluster_until 60 cluster_node_ready 1
cluster_until 60 product_is_ready
same "the image was collected and is pulled again"
asleep web
upper_is_same "the image was collected and is pulled again"

probe_image "$run" another >/dev/null
kubectl -n "$run" patch stoppablecontainer web --type=json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "Always"}]' >/dev/null
cluster_until 60 reason_is DigestChanged
code=$(curl -s -o "$FAULTS_FILES/body" -w '%{http_code}' -H "Host: web.$run.apps.test" "http://$ACTIVATOR/")
{ [ "$code" = 503 ] && grep -q '"reason":"failed"' "$FAULTS_FILES/body"; } || die "another image: $code $(cat "$FAULTS_FILES/body")"
upper_is_same "another image"
asleep_or_failed() { phase_is web Stopped || phase_is web Failed; }
kubectl -n "$run" patch stoppablecontainer web --type=merge -p '{"spec":{"running":false}}' >/dev/null
cluster_until 30 asleep_or_failed
set_image "$image"
cluster_until 60 is_prepared web
same "another image is refused, and the old one has its files"
asleep web
set_image "$REGISTRY/probe:$run"
cluster_until 60 reason_is DigestChanged
cluster_in "${SC_RELEASE_BUILD_DIR:-$here/../../build}/cli/kubectl-sc" -n "$run" reset web --yes
cluster_until 60 is_prepared web
ask web | has marker=none || die "files are left after a reset"
step "kubectl sc reset: it starts from the other image"

kubectl -n "$run" exec "$(consumer web)" -- touch /old
kubectl -n "$run" delete stoppablecontainer web --timeout=60s >/dev/null
faults_apply web
ask web | has marker=none || die "files of a former one of that name"
if kubectl -n "$run" exec "$(consumer web)" -- cat /old 2>/dev/null; then die "a file of a former one of that name"; fi
step "one of the same name starts clean"
truth_end
plans_settle

kubectl -n "$run" delete stoppablecontainer --all --timeout=60s >/dev/null
nothing_is_left() { [ -z "$(kubectl -n "$run" get stoppablecontainers,stoppablecontainerinstances,pods -o name)" ]; }
cluster_until 30 nothing_is_left
if cluster_node_exec 1 ls -d "$PREFIX/$run" 2>/dev/null; then die "a folder is left"; fi
list=$(cluster_node_exec 1 python3 - "$PREFIX/$run" <"$here/product/overlays.py")
[ -z "$list" ] || die "a mount is left: $list"
kubectl delete namespace "$run" --timeout=60s >/dev/null
step "nothing is left"
