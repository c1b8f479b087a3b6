#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A consumer is a Pod like any other: exec, cp, logs, attach, port-forward, debug containers and all
# probes meet the kept root filesystem and the user's process, as uid 1000 without a capability, in a
# namespace that enforces Pod Security restricted. And what is inside sees nothing of the node: the
# known ways out are asked for, by opening, or by writing the value that is already there.
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
base=inside-$$
test_begin "$base" "$base-root"
app_namespace "$base" restricted
restricted='allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}'

# what the server that listens last does: says a line, reads its input, answers requests
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: box}
spec:
  running: true
  idle: {timeout: 0s}
  template:
    container:
      image: $APP
      stdin: true
      command: [/bin/sh, -c]
      args:
      - |
        echo "start \$(cat /var/lib/app/starts 2>/dev/null | wc -l)"
        echo start >>/var/lib/app/starts
        httpd -p 8080 -h /www
        while true; do if read -r line; then echo "heard \$line"; else sleep 1; fi; done
      ports: [{containerPort: 8080, name: http}]
      securityContext: {$restricted}
END
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/box --timeout=90s
pod=$(consumer box)

echo "--- exec: every program of the image by its name, as uid 1000 without a capability"
[ "$(inside box id -u)" = 1000 ] || die "exec is not uid 1000"
[ "$(inside box find / -maxdepth 1 -name www)" = /www ] || die "exec does not see the image's root"
inside box sh -c 'ls /' | tr '\n' ' '
echo
[ "$(inside box awk '/^CapEff/ { print $2 }' /proc/self/status)" = 0000000000000000 ] || die "exec has a capability"
[ "$(inside box sh -c 'tr "\0" " " </proc/1/cmdline')" != "" ] || die "process 1"
inside box sh -c 'echo from-exec >/var/lib/app/note'
[ "$(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.spec.volumes[*].hostPath}{.spec.hostPID}{.spec.initContainers}')" = "" ] ||
  die "the consumer has a host path, a host namespace or an init container"

echo "--- cp, both ways"
head -c 3000000 /dev/urandom >"$WORK/file"
kubectl -n "$NS" cp "$WORK/file" "$pod:/var/lib/app/file" 2>/dev/null
kubectl -n "$NS" cp "$pod:/var/lib/app/file" "$WORK/back" >/dev/null 2>&1
cmp "$WORK/file" "$WORK/back" || die "cp changed the file"

echo "--- logs, attach, port-forward"
kubectl -n "$NS" logs "$pod" | has -x 'start 0' || die "logs"
kubectl -n "$NS" attach -i --quiet "$pod" <<<hello >/dev/null 2>&1 || true
heard() { kubectl -n "$NS" logs "$pod" | has -x 'heard hello'; }
cluster_until 30 heard || die "attach did not reach the process"
kubectl -n "$NS" port-forward --address 127.0.0.1 "pod/$pod" 18081:http >/dev/null 2>&1 &
background+=($!)
forwarded() { [ "$(curl -fsS http://127.0.0.1:18081/)" = alive ]; }
cluster_until 30 forwarded 2>/dev/null || die "port-forward"

echo "--- an ephemeral debug container, beside and in the process namespace of the main one"
kubectl -n "$NS" debug "$pod" --image="$BUSYBOX" --profile=restricted --target=main -c looker --quiet \
  --custom=/dev/stdin -- sh -c 'ps; while true; do sleep 1; done' >/dev/null 2>&1 <<<'{"securityContext": {"runAsUser": 1000}}' || true
looks() { kubectl -n "$NS" logs "$pod" -c looker 2>/dev/null | has httpd; }
cluster_until 30 looks || die "the debug container does not see the user's process"

echo "--- logs -p: a process that ended, in a container that the kubelet restarted, with its files"
# not the shell that looks: its own words are in its command line, and its number may come first
inside box sh -c 'for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || { grep -qz "heard" $p/cmdline 2>/dev/null && kill -9 ${p#/proc/}; }; done' 2>/dev/null || true
restarted() { [ "$(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.status.containerStatuses[0].restartCount}')" -ge 1 ] && [ "$(kubectl -n "$NS" logs "$pod" -c main | head -n 1)" = 'start 1' ]; }
cluster_until 40 restarted || die "the container was not restarted with its files"
kubectl -n "$NS" logs -p "$pod" -c main | has -x 'start 0' || die "logs -p"
alive() { [ "$(ask box /)" = alive ]; }
cluster_until 20 alive || die "no answer after the restart"
[ "$(inside box cat /var/lib/app/note)" = from-exec ] || die "the note is gone"

echo "--- the plugin finds Pod and container by itself"
build=${SC_RELEASE_BUILD_DIR:-$here/../../build}
plugin() { cluster_in "$build/cli/kubectl-sc" -n "$NS" "$@"; }
plugin list | has '^box .*true *Running' || die "kubectl sc list: $(plugin list)"
[ "$(plugin exec box -- cat /var/lib/app/note)" = from-exec ] || die "kubectl sc exec"
code=0
plugin exec box -- sh -c 'exit 7' 2>/dev/null || code=$?
[ "$code" = 7 ] || die "kubectl sc exec ended with $code and not with the command's 7"
plugin logs box | has -x 'start 1' || die "kubectl sc logs"
plugin cp "$WORK/file" box:/var/lib/app/by-plugin >/dev/null 2>&1 || die "kubectl sc cp"
[ "$(inside box sha256sum /var/lib/app/by-plugin | cut -d' ' -f1)" = "$(sha256sum "$WORK/file" | cut -d' ' -f1)" ] || die "cp changed the file"
plugin why box | tee /dev/stderr | has -i never || die "kubectl sc why"
plugin stop box --wait --timeout=60s
[ "$(field box '{.status.phase}')" = Stopped ] || die "kubectl sc stop --wait"
plugin start box --wait --timeout=60s
[ "$(plugin exec box -- cat /var/lib/app/note)" = from-exec ] || die "the note is gone after stop and start"

echo "--- probes of every kind: HTTP, TCP, exec, gRPC"
tree=$WORK/tree
app_tree "$tree"
cp /usr/bin/etcd "$tree/bin/etcd"
ldd /usr/bin/etcd | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$tree$(dirname "$library")"
  cp -L "$library" "$tree$library"
done
cluster_push etcd:1 "$tree" '{"Entrypoint": ["/bin/etcd"], "User": "1000", "Env": ["PATH=/bin"], "WorkingDir": "/tmp"}' >/dev/null
probed() { # probed NAME IMAGE COMMAND PORT READINESS LIVENESS
  kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: $1}
spec:
  running: true
  idle: {timeout: 0s}
  template:
    container:
      image: $2
      command: $3
      ports: [{containerPort: $4}]
      securityContext: {$restricted}
      readinessProbe: {$5, periodSeconds: 1}
      livenessProbe: {$6, periodSeconds: 1, failureThreshold: 2}
END
}
probed http "$APP" '[httpd, -f, -p, "8080", -h, /www]' 8080 'httpGet: {path: /index.html, port: 8080}' 'httpGet: {path: /, port: 8080}'
probed tcp "$APP" '[httpd, -f, -p, "8080", -h, /www]' 8080 'tcpSocket: {port: 8080}' 'tcpSocket: {port: 8080}'
probed exec "$APP" '[sh, -c, "touch /tmp/ready; exec httpd -f -p 8080 -h /www"]' 8080 'exec: {command: [test, -e, /tmp/ready]}' \
  'exec: {command: [test, -e, /tmp/ready]}'
probed grpc "$REGISTRY/etcd:1" '[etcd, --data-dir, /tmp/data, --listen-client-urls, "http://0.0.0.0:2379", --advertise-client-urls, "http://127.0.0.1:2379"]' \
  2379 'grpc: {port: 2379}' 'grpc: {port: 2379}'
for name in http tcp exec grpc; do
  kubectl -n "$NS" wait --for=condition=Ready "stoppablecontainer/$name" --timeout=90s
  kubectl -n "$NS" wait --for=condition=Ready "pod/$(consumer $name)" --timeout=30s >/dev/null || die "$name: its readiness probe does not succeed"
done
# a probe that fails does what it says: not ready, and the liveness probe has it started anew
inside exec rm /tmp/ready
again() { [ "$(kubectl -n "$NS" get pod "$(consumer exec)" -o 'jsonpath={.status.containerStatuses[0].restartCount}')" -ge 1 ]; }
cluster_until 40 again || die "a failing exec probe does not restart the container"

echo "--- the ways out, as uid 1000 and as root with the default capabilities"
app_namespace "$base-root" baseline
kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: box}
spec:
  running: true
  template:
    container: {image: $APP, ports: [{containerPort: 8080}], securityContext: {runAsUser: 0}}
END
kubectl -n "$NS" wait --for=condition=Ready stoppablecontainer/box --timeout=90s
cat >"$WORK/ways" <<'END'
out=0
bad() { echo "WAY OUT: $*"; out=1; }
# what belongs to the kernel as a whole: not even for writing the value that is already there
for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/overcommit_memory; do
  value=$(cat $file) || continue
  (echo "$value" >$file) 2>/dev/null && bad "$file can be written"
done
for file in /proc/sysrq-trigger /proc/kcore /proc/irq/0/smp_affinity; do
  (exec 3>>$file) 2>/dev/null && bad "$file opens for writing"
done
for file in $(find /sys/fs/cgroup -name release_agent -o -name memory.limit_in_bytes -o -name memory.max -o -name cgroup.procs 2>/dev/null | head -n 40); do
  (exec 3>>$file) 2>/dev/null && bad "$file opens for writing"
done
for file in /sys/kernel/uevent_helper /sys/power/state /sys/module; do
  (exec 3>>$file) 2>/dev/null && bad "$file opens for writing"
done
# processes: ours only, and no root but this one
for pid in $(ls /proc | grep '^[0-9]*$'); do
  name=$(cat /proc/$pid/comm 2>/dev/null) || continue
  case $name in sc-wrapper | sh | httpd | cat | ls | grep | find | head) ;; *) bad "process $pid: $name" ;; esac
done
[ "$(ls /proc | grep -c '^[0-9]*$')" -lt 20 ] || bad "many processes"
if ls /proc/1/root/ >/dev/null 2>&1; then
  [ "$(ls /proc/1/root/ | sort | tr '\n' ' ')" = "$(ls / | sort | tr '\n' ' ')" ] || bad "the root of process 1 is another"
fi
[ -e /.stoppablecontainer/wrapper.sock ] && bad "the wrapper's socket"
# descriptors that stayed open
for pid in 1 self; do
  for fd in $(ls /proc/$pid/fd 2>/dev/null); do
    to=$(readlink /proc/$pid/fd/$fd) || continue
    case $to in
      /null) [ "$(stat -L -c %t:%T /proc/$pid/fd/$fd)" = 1:3 ] || bad "descriptor $fd of process $pid: $to" ;; # as every runtime gives it
      pipe:* | /dev/null | /dev/pts/* | socket:* | anon_inode:* | /proc/*/fd | "/ways (deleted)" | /dev/shm/*) ;;
      *) bad "descriptor $fd of process $pid: $to" ;;
    esac
  done
done
# devices: what the runtime gives, no more
for node in /dev/*; do
  case $node in
    /dev/null | /dev/zero | /dev/full | /dev/random | /dev/urandom | /dev/tty | /dev/ptmx | /dev/pts | /dev/shm | /dev/mqueue | \
      /dev/fd | /dev/stdin | /dev/stdout | /dev/stderr | /dev/core | /dev/termination-log | /dev/console) ;;
    *) bad "device $node" ;;
  esac
done
# mounts: nothing that leads to the node's files, and no old root below
while read -r id parent device root point rest; do
  case $point in
    / | /proc | /proc/* | /dev | /dev/* | /sys | /sys/* | /etc/hosts | /etc/hostname | /etc/resolv.conf | \
      /var/run/secrets/kubernetes.io/serviceaccount | /run/secrets/kubernetes.io/serviceaccount) ;;
    *) bad "mount $point" ;;
  esac
done </proc/self/mountinfo
mount -t tmpfs none /tmp 2>/dev/null && bad "mount is allowed"
mount -t proc none /tmp 2>/dev/null && bad "mounting /proc is allowed"
unshare -m true 2>/dev/null && bad "a mount namespace is allowed"
nsenter -t 1 -m true 2>/dev/null && [ "$(id -u)" != 0 ] && bad "nsenter"
mknod /tmp/disk b 8 0 2>/dev/null && (exec 3<>/tmp/disk) 2>/dev/null && bad "a disk opens"
rm -f /tmp/disk
dmesg >/dev/null 2>&1 && [ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ] && bad "dmesg"
exit $out
END
for NS in "$base" "$base-root"; do
  kubectl -n "$NS" exec -i "$(consumer box)" -c main -- sh -s <"$WORK/ways" || die "in $NS"
  echo "none, as uid $(kubectl -n "$NS" exec "$(consumer box)" -c main -- id -u)"
done

echo "--- mount points that are links: inside the tree they are followed inside, out of it they are refused"
for case in proc:/proc/1 dev:/dev host:../../../../../../etc; do
  rm -rf "$tree"
  app_tree "$tree"
  mkdir -p "$tree/mnt"
  ln -s "${case#*:}" "$tree/mnt/data"
  image=link-${case%%:*}:1
  cluster_push "$image" "$tree" '{"Entrypoint": ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"], "User": "1000", "Env": ["PATH=/bin"]}' >/dev/null
  kubectl -n "$NS" apply -f - <<END
apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
kind: StoppableContainer
metadata: {name: link-${case%%:*}}
spec:
  running: true
  template:
    container: {image: $REGISTRY/$image, ports: [{containerPort: 8080}], volumeMounts: [{name: data, mountPath: /mnt/data}]}
    volumes: [{name: data, emptyDir: {}}]
END
done
expect_condition link-proc Ready 'False *' 60
echo "link-proc: $(condition link-proc ConsumerReady)"
for name in link-dev link-host; do
  kubectl -n "$NS" wait --for=condition=Ready "stoppablecontainer/$name" --timeout=60s >/dev/null || { echo "$name: $(condition $name ConsumerReady)"; continue; }
  inside $name sh -c 'echo x >/mnt/data/led-out' 2>/dev/null || true # who hides its own devices can start nothing more
  for folder in /etc /dev; do
    ! cluster_node_exec 1 test -e $folder/led-out || die "$name: its mount point is the node's $folder"
  done
done
app_namespace_end "$base"
app_namespace_end "$base-root"
echo "everything is gone"
