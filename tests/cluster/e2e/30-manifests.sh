#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What users write and what they read: manifests of both shapes, kubectl's verbs, the image's own
# configuration, templates that change, and what is said of a manifest that cannot run.
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
base=manifests-$$
test_begin "$base" "$base-strict"
app_namespace "$base"

echo "--- the long shape, as the existing operator's users have it"
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: long}
spec:
  running: true
  hostPathPrefix: /var/lib/stoppablecontainer
  provider:
    resources: {requests: {cpu: 1m, memory: 8Mi}}
    nodeSelector: {kubernetes.io/os: linux}
  template:
    metadata:
      labels: {team: blue}
      annotations: {example.com/note: kept}
    spec:
      initContainers:
      - {name: content, image: $APP, command: [sh, -c, "echo long-shape >/data/index.html"],
         volumeMounts: [{name: data, mountPath: /data}]}
      containers:
      - name: web
        image: $APP
        command: [/bin/httpd, -f, -h, /data, -p, "8080"]
        ports: [{containerPort: 8080}]
        volumeMounts: [{name: data, mountPath: /data}]
      - {name: sidecar, image: $APP, command: [sleep, "100000"]}
      volumes: [{name: data, emptyDir: {}}]
      terminationGracePeriodSeconds: 30
      nodeSelector: {kubernetes.io/os: linux}
END
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/long --timeout=90s
pod=$(consumer long)
[ "$(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.metadata.labels.team}/{.metadata.annotations.example\.com/note}')" = blue/kept ] ||
  die "labels and annotations of the template are not the Pod's"
[ "$(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.metadata.labels.stoppablecontainer\.xtlsoft\.top/role}')" = consumer ] ||
  die "the Pod has no role"
[ "$(ask long /)" = long-shape ] || die "long does not answer from the volume"

echo "--- the short shape: entrypoint, environment, user and folder are the image's own"
kubectl -n "$NS" get stoppablecontainer --watch -o 'jsonpath={.metadata.name} {.status.phase}{"\n"}' >"$WORK/phases" 2>/dev/null &
background+=($!)
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: short}
spec:
  template:
    container:
      image: $APP
      ports: [{containerPort: 8080}]
      env: [{name: MINE, value: "\$(FROM_IMAGE), too"}]
END
expect short '{.spec.running}' false
ask short /cgi-bin/whoami >"$WORK/whoami"
for line in "id 1000:1000" "pwd /srv/app" "FROM_IMAGE=yes" "MINE=yes, too"; do
  grep -qxF "$line" "$WORK/whoami" || { cat "$WORK/whoami"; die "the image's \"$line\" is not there"; }
done
expect short '{.status.phase}' Running
running short false
expect short '{.status.phase}' Stopped

echo "--- the image's own groups and STOPSIGNAL, and a hook: as a bare Pod has them"
app_image quits:1 '{"StopSignal": "SIGQUIT"}' >/dev/null
# shellcheck disable=SC2016 # for the shell in the container
container='image: '$REGISTRY'/quits:1
      command:
      - /bin/sh
      - -c
      - |
        for s in TERM QUIT; do trap "echo $s >>/var/lib/app/signals; exit 0" $s; done
        httpd -p 8080 -h /www
        while true; do sleep 0.1; done
      ports: [{containerPort: 8080}]
      lifecycle: {postStart: {exec: {command: [sh, -c, "cat /var/lib/app/hook; (id; pwd) >>/var/lib/app/hook || true"]}}}'
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: quits}
spec:
  running: true
  template:
    container:
      $container
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  containers:
    - name: main
      volumeMounts: [{name: app, mountPath: /var/lib/app}]
      $container
  volumes: [{name: app, emptyDir: {}}]
END
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/quits pod/bare --timeout=90s
kubectl -n "$NS" exec bare -- sh -c 'cat /var/lib/app/hook; id' >"$WORK/bare"
hooked() { inside quits sh -c 'cat /var/lib/app/hook; id' >"$WORK/quits" && [ "$(wc -l <"$WORK/quits")" = 3 ]; }
cluster_until 20 hooked || die "the hook did not run"
cat "$WORK/bare"
has 2000 <"$WORK/bare" || die "a bare Pod does not have the image's group"
cmp "$WORK/bare" "$WORK/quits" || { cat "$WORK/quits"; die "it differs from a bare Pod"; }
running quits false
expect quits '{.status.phase}' Stopped
running quits true
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/quits --timeout=60s
[ "$(inside quits cat /var/lib/app/signals)" = QUIT ] || die "it was ended by $(inside quits cat /var/lib/app/signals)"
again() { [ "$(inside quits cat /var/lib/app/hook | wc -l)" = 4 ]; }
cluster_until 20 again || die "the hook of the second start did not meet the kept files"
kubectl -n "$NS" run bare-web --image="$APP" --overrides='{"spec": {"securityContext": {"runAsUser": 33}}}' >/dev/null
running quits false
expect quits '{.status.phase}' Stopped
kubectl -n "$NS" patch stoppablecontainer quits --type=merge \
  -p '{"spec": {"running": true, "template": {"container": {"securityContext": {"runAsUser": 33}}}}}' >/dev/null
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/quits pod/bare-web --timeout=60s
kubectl -n "$NS" exec bare-web -- id | tee "$WORK/bare"
grep -q 'gid=2000.*2001' "$WORK/bare" || die "a bare Pod does not have the groups of user 33"
[ "$(inside quits id)" = "$(cat "$WORK/bare")" ] || die "user 33 is $(inside quits id)"

echo "--- in the node's network: a port counts that the Pod itself listens on"
kubectl -n "$NS" apply -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: squatter}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 0
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers: [{name: main, image: $APP, command: [httpd, -f, -p, "18090"]}]
---
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: hostnet}
spec:
  running: true
  template:
    spec:
      hostNetwork: true
      nodeSelector: {kubernetes.io/hostname: node-1}
      containers:
      - name: main
        image: $APP
        command: [sh, -c, 'while [ ! -e /tmp/go ]; do sleep 0.1; done; exec httpd -f -p 18090 -h /www']
        ports: [{containerPort: 18090}]
END
kubectl -n "$NS" wait --for=condition=Ready pod/squatter --timeout=60s
expect_condition hostnet ConsumerReady 'False WaitingForPort *no process of the Pod listens on port 18090*'
kubectl -n "$NS" delete pod squatter --wait
inside hostnet touch /tmp/go
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/hostnet --timeout=60s
[ "$(ask hostnet /)" = alive ] || die "hostnet does not answer"
running hostnet false
expect hostnet '{.status.phase}' Stopped
[ "$(ask hostnet /)" = alive ] || die "hostnet was not woken" # /tmp/go is kept

echo "--- args alone replace the image's command and keep its entrypoint"
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: args}
spec:
  template:
    container: {image: $APP, args: [/bin/httpd, -f, -p, "9090", -h, /www], ports: [{containerPort: 9090}]}
END
[ "$(ask args /)" = alive ] || die "args: no answer on its own port"

echo "--- kubectl patch stops and starts; wait, get, explain, describe, events read well"
running long false
kubectl -n "$NS" wait --for='jsonpath={.status.phase}=Stopped' stoppablecontainer/long --timeout=60s
no_consumer() { [ -z "$(kubectl -n "$NS" get pods -l stoppablecontainer.xtlsoft.top/role=consumer,stoppablecontainer.xtlsoft.top/instance=long -o name)" ]; }
cluster_until 60 no_consumer
running long true
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/long --timeout=60s
expect long '{.status.phase}' Running
kubectl explain stoppablecontainer.spec.idle | tee "$WORK/explain" | has timeout || die "explain stoppablecontainer.spec.idle"
kubectl explain stoppablecontainer.spec.template.spec.containers.securityContext.capabilities | has drop || die "explain does not go all the way down"
kubectl -n "$NS" get stoppablecontainers | tee "$WORK/get"
for column in NAME RUNNING PHASE IDLE-FOR URL AGE; do
  head -n 1 "$WORK/get" | has -w -- "$column" || die "get has no column $column"
done
kubectl -n "$NS" describe stoppablecontainer short | has 'Events:' || die "describe tells no events"
kubectl -n "$NS" get events --field-selector involvedObject.kind=StoppableContainer -o 'jsonpath={range .items[*]}{.involvedObject.name} {.reason}{"\n"}{end}' |
  sort -u | tee "$WORK/events"
grep -q '^short ' "$WORK/events" || die "no event of short"
awk '$1 == "short" { print $2 }' "$WORK/phases" | uniq | tr '\n' ' ' | tee "$WORK/short-phases"
echo
grep -q 'Running Stopping Stopped' "$WORK/short-phases" || die "the phases that -w showed"

echo "--- a misspelt field is refused with its path"
! kubectl -n "$NS" apply -f - >"$WORK/refused" 2>&1 <<END || die "a misspelt field was taken"
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: misspelt}
spec:
  template: {container: {image: $APP, prots: []}}
  idle: {timeuot: 5m}
END
grep -q 'spec.template.container.prots' "$WORK/refused" && grep -q 'spec.idle.timeuot' "$WORK/refused" ||
  { cat "$WORK/refused"; die "the refusal does not name the fields"; }
! kubectl -n "$NS" apply -f - >"$WORK/refused" 2>&1 <<END || die "a wrong duration was taken"
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: misspelt}
spec:
  template: {container: {image: $APP}}
  idle: {timeout: soon}
END
grep -q 'spec.idle.timeout' "$WORK/refused" || die "the refusal does not name spec.idle.timeout"

echo "--- a changed template is told, and applied at the next start"
kubectl -n "$NS" patch stoppablecontainer long --type=json \
  -p '[{"op":"add","path":"/spec/template/spec/containers/0/env","value":[{"name":"NEW","value":"1"}]}]' >/dev/null
expect_condition long TemplateChanged 'True *'
[ "$(consumer long)" = "$pod" ] || pod=$(consumer long)
running long false
expect long '{.status.phase}' Stopped
running long true
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/long --timeout=60s >/dev/null
[ "$(inside long sh -c 'echo $NEW')" = 1 ] || die "the new variable did not reach the Pod"
[[ $(condition long TemplateChanged) != True* ]] || die "TemplateChanged stays after the start"

echo "--- a consumer deleted by hand is made again; hosts and resolv.conf are not kept"
uid=$(kubectl -n "$NS" get pod "$(consumer long)" -o 'jsonpath={.metadata.uid}')
kubectl -n "$NS" delete pod "$(consumer long)" --wait=false >/dev/null
another() { [ "$(field long '{.status.phase}')" = Running ] && [ "$(kubectl -n "$NS" get sci long -o 'jsonpath={.status.consumerPodUID}')" != "$uid" ]; }
cluster_until 60 another
path=$(kubectl -n "$NS" get sci long -o 'jsonpath={.status.hostPath}')
cluster_node_exec 1 test -d "$path/upper" 2>/dev/null || node=2
for file in etc/hosts etc/resolv.conf; do
  ! cluster_node_exec "${node:-1}" test -s "$path/upper/$file" || die "$file is in the kept files"
done

echo "--- an image that does not exist: a condition, and 503 at once"
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: noimage}
spec: {template: {container: {image: "$REGISTRY/nothing:1", ports: [{containerPort: 8080}]}}}
END
expect_condition noimage ProviderReady 'False *Pull*'
began=$SECONDS
code=$(ask noimage / -o "$WORK/body" -w '%{http_code} %header{retry-after}' | tee /dev/stderr)
[[ $code == 503* ]] && [ $((SECONDS - began)) -lt 20 ] || die "noimage was answered $code after $((SECONDS - began)) s"
# the reason, but not what the cluster says of it: who asks may be a stranger
told() { grep -q '"reason":"failed","delivered":false' "$WORK/body" && ! grep -q "$1" "$WORK/body"; }
told "$REGISTRY" || { cat "$WORK/body"; die "the answer does not say why, or too much"; }

echo "--- hostPathPrefix outside the agent's list"
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: prefix}
spec: {hostPathPrefix: /etc, template: {container: {image: $APP}}}
END
expect_condition prefix RootfsReady 'False PrefixNotAllowed */etc*'

echo "--- what Pod Security forbids is told, is tried again, and recovers"
kubectl create namespace "$base-strict" >/dev/null
kubectl label namespace "$base-strict" pod-security.kubernetes.io/enforce=restricted >/dev/null
cluster_until 20 kubectl -n "$base-strict" get serviceaccount default >/dev/null 2>&1
NS=$base-strict
kubectl -n "$NS" apply -f - <<END 2>"$WORK/warnings"
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: greedy}
spec: {template: {container: {image: $APP, ports: [{containerPort: 8080}], securityContext: {privileged: true}}}}
END
expect_condition greedy RootfsReady 'True *' # its provider is restricted, whatever the manifest says
began=$SECONDS
code=$(ask greedy / -o "$WORK/body" -w '%{http_code}')
[ "$code" = 503 ] && [ $((SECONDS - began)) -lt 20 ] || die "greedy was answered $code after $((SECONDS - began)) s"
told privileged || { cat "$WORK/body"; die "the answer does not say why, or too much"; }
expect_condition greedy Ready 'False PodForbidden *privileged*'
kubectl -n "$NS" get events -o 'jsonpath={.items[*].message}' | has privileged || die "no event tells of the refusal"
kubectl label namespace "$NS" --overwrite pod-security.kubernetes.io/enforce=privileged >/dev/null
running greedy true
expect greedy '{.status.phase}' Running 90

app_namespace_end "$base-strict"
app_namespace_end "$base"
echo "everything is gone"
