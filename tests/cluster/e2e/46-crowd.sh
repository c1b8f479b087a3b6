#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Pod that opens thousands of connections to the programs, which nothing keeps from it (no policy of
# networks is enforced here): silent ones to the admin ports keep no probe out, and heads that never
# end do not cost an activator more than the memory it has by the chart. Beside both, whoever wants an
# answer has one, and no program is not ready or starts again.
set -euo pipefail
here=$(dirname "$0")/..
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$here/product/app.sh"

product_installed
product_ready
app_image app:1 >/dev/null
base=crowd-$$
test_begin "$base"
mkdir -p "$WORK/tree/bin"
musl-gcc -std=gnu11 -D_GNU_SOURCE -static -O2 -o "$WORK/tree/bin/crowd" "$here/product/crowd.c"
crowd=$(cluster_push crowd:1 "$WORK/tree" '{"Entrypoint": ["/bin/crowd"]}')
app_namespace "$base"
kubectl -n "$NS" create -f - >/dev/null <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: app}
spec:
  running: true
  idle: {timeout: 0s}
  template: {container: {image: $APP, ports: [{containerPort: 8080}]}}
END
expect app '{.status.phase}' Running 90
[ "$(ask app /)" = alive ] || die "it does not answer"

# programs JQ: of each Pod of the product
programs() {
  kubectl -n "$PRODUCT_NAMESPACE" get pods -l app.kubernetes.io/part-of=stoppablecontainer -o json | jq -r ".items[] | $1"
}
starts() { programs '.metadata.name + " " + (.status.containerStatuses[0] | "\(.restartCount) \(.lastState.terminated.reason // "")")'; }
unready() { programs 'select(any(.status.conditions[]; .type == "Ready" and .status != "True")) | .metadata.name'; }

# crowd_comes NAME COUNT BYTES ADDRESS:PORT…
crowd_comes() {
  local name=$1
  shift
  kubectl -n "$NS" run "$name" --image="$crowd" --restart=Never -- "$@" >/dev/null
  there() { kubectl -n "$NS" logs "$name" 2>/dev/null | has '^there$'; }
  cluster_until 60 there || die "the crowd is not there: $(kubectl -n "$NS" get pod "$name" -o 'jsonpath={.status.phase}') $(kubectl -n "$NS" logs "$name" --tail 3)"
}

# beside SECONDS: that long, each request has its answer and each program is ready, and is the one it was
beside() {
  local end=$((SECONDS + $1)) not answers=0
  while [ $SECONDS -lt $end ]; do
    not=$(unready | tr '\n' ' ')
    [ -z "$not" ] || die "not ready beside the crowd: $not"
    [ "$(ask app / --max-time 10)" = alive ] || die "no answer beside the crowd"
    answers=$((answers + 1))
  done
  [ "$(starts)" = "$before" ] || die "programs were started again: $(diff <(echo "$before") <(starts))"
  echo "$answers requests answered"
}
before=$(starts)

echo "--- two hundred silent connections to each admin port"
mapfile -t ports < <(programs '.status.podIP + ":" + (.spec.containers[0].ports[] | select(.name == "admin") | .containerPort | tostring)')
[ ${#ports[@]} -ge 7 ] || die "the programs' admin ports are ${ports[*]}"
crowd_comes silent 200 0 "${ports[@]}"
beside 20
kubectl -n "$NS" delete pod silent --grace-period=0 --force >/dev/null 2>&1

echo "--- eight thousand heads that never end, at each activator"
mapfile -t ports < <(programs 'select(.metadata.labels["app.kubernetes.io/component"] == "activator") | .status.podIP + ":" + (.spec.containers[0].ports[] | select(.name == "http") | .containerPort | tostring)')
[ ${#ports[@]} = 2 ] || die "the activators' ports are ${ports[*]}"
crowd_comes heads 8000 60000 "${ports[@]}"
beside 20
# peak UID: the most that the Pod had, in MiB
peak() {
  # shellcheck disable=SC2016
  cluster_node_exec 1 sh -c 'for f in $(find /sys/fs/cgroup -path "*pod$1*" \( -name memory.max_usage_in_bytes -o -name memory.peak \)); do cat "$f"; done' _ "$1" |
    sort -n | awk 'END { print int($1 / 1048576) }'
}
programs 'select(.metadata.labels["app.kubernetes.io/component"] == "activator") | .metadata.uid' | while read -r uid; do
  echo "an activator had $(peak "$uid") MiB at most, of 512"
done
kubectl -n "$NS" delete pod heads --grace-period=0 --force >/dev/null 2>&1

echo "--- and when they are gone, all is as before"
[ "$(ask app /)" = alive ] || die "it does not answer"
app_namespace_end "$base"
