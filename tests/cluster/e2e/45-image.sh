#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An image behaves as it does in any Pod: HOME of its own passwd for the process and for exec, words
# with dollars, a working directory that only root may enter, the same host name whatever its Pod is
# called; and one whose program has to be process 1 runs, restarts and stops as such.
set -euo pipefail
here=$(dirname "$0")/..
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$here/product/app.sh"

product_installed
NS=image-$$
test_begin "$NS"
app_namespace "$NS" restricted
app_tree "$WORK/tree"
mkdir -m 700 "$WORK/tree/secret"
cat >"$WORK/tree/init" <<'END'
#!/bin/sh
[ $$ = 1 ] || { echo "can only run as pid 1" >&2; exit 100; }
trap 'echo ended >>/tmp/ends; exit 7' TERM
echo "$HOME|$PWD|$(hostname)|$PW|$$" >/tmp/said
httpd -f -p 8080 -h /tmp &
wait
END
chmod 755 "$WORK/tree/init"
# shellcheck disable=SC2016 # as the image has it
image=$(cluster_push image:1 "$WORK/tree" '{"Entrypoint": ["/init"], "Env": ["PATH=/bin", "PW=pa$$word"], "User": "app",
  "WorkingDir": "/secret", "ExposedPorts": {"8080/tcp": {}}}')
restricted='allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}'

kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: box}
spec:
  processOne: Application
  clearAtStart: [/run]
  idle: {timeout: 0s}
  template: {container: {image: $image, ports: [{containerPort: 8080}], securityContext: {$restricted}}}
END
expect box '{.status.phase}' Stopped 90
# shellcheck disable=SC2016
want='/srv/app|/secret|box|pa$$word|1'

echo "--- what the process sees, and exec"
[ "$(ask box /said)" = "$want" ] || die "it is $(ask box /said), not $want"
[ "$(inside box sh -c 'echo $HOME')" = /srv/app ] || die "exec has another HOME"
[ "$(inside box hostname)" = box ] || die "exec sees another host name"

echo "--- its end is seen, and it is started again as process 1"
starts=$(kubectl -n "$NS" get pod "$(consumer box)" -o 'jsonpath={.status.containerStatuses[0].restartCount}')
inside box kill -TERM 1 || true
again() { [ "$(kubectl -n "$NS" get pod "$(consumer box)" -o 'jsonpath={.status.containerStatuses[0].restartCount}')" -gt "$starts" ]; }
cluster_until 60 again || die "it is not started again"
[ "$(ask box /ends)" = ended ] || die "its trap did not run"
code=$(kubectl -n "$NS" get pod "$(consumer box)" -o 'jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}')
[ "$code" = 7 ] || die "it ended with $code, not 7"

echo "--- a stop is its own end, well before the time that it has is over"
before=$SECONDS
running box false
expect box '{.status.phase}' Stopped
[ $((SECONDS - before)) -lt 20 ] || die "the stop took $((SECONDS - before)) s"
[ "$(ask box /said)" = "$want" ] || die "after a stop it is $(ask box /said)"
[ "$(ask box /ends | wc -l)" = 2 ] || die "the stop's signal did not reach it"
