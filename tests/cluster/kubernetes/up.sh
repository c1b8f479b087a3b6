#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts the cluster: cluster_up of lib.sh, which tells of the options.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/lib.sh"

CLUSTER_NODES=2 CLUSTER_VERSION=${SC_KUBERNETES:-1.37.2} CLUSTER_FSYNC=false tie=()
while [ $# -gt 0 ]; do
  case "$1" in
    --nodes) CLUSTER_NODES=${2:-}; shift ;;
    --kubernetes) CLUSTER_VERSION=${2:-}; shift ;;
    --tie) tie=("${2:-}"); shift ;;
    --fsync) CLUSTER_FSYNC=true ;;
    *) _cluster_fail "unknown option $1" || exit 2 ;;
  esac
  shift
done
[[ $CLUSTER_NODES = [12] ]] || _cluster_fail "--nodes is 1 or 2" || exit 2

began=$(date +%s%3N)
step() { printf '%5d.%d s  %s\n' $((($(date +%s%3N) - began) / 1000)) $((($(date +%s%3N) - began) % 1000 / 100)) "$*"; }

# --- what it needs
[ "$(id -u)" = 0 ] || _cluster_fail "run as root: it makes namespaces, mounts and containers"
for program in etcd containerd runc docker-registry openssl python3 jq ip iptables nsenter setpriv musl-gcc curl busybox; do
  type -P "$program" >/dev/null ||
    _cluster_fail "$program is missing; scripts/install.sh build run test installs what is needed"
done
[ -x /usr/lib/cni/bridge ] || _cluster_fail "the CNI plugins are missing; scripts/install.sh test installs them"
[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] ||
  _cluster_fail "the kernel does not filter bridges, which Services need: modprobe br_netfilter"
[ -d /sys/fs/cgroup/memory ] || cgroup_is_v2 || _cluster_fail "no cgroups are mounted below /sys/fs/cgroup"
# a kernel's default is 128 a user; where they are used up, kubelets and proxies end for it
watches=$({ find /proc/[0-9]*/fd -lname anon_inode:inotify 2>/dev/null || true; } | wc -l)
limit=$(cat /proc/sys/fs/inotify/max_user_instances)
[ $((watches + 15 + 10 * CLUSTER_NODES)) -le "$limit" ] ||
  _cluster_fail "$watches of $limit inotify instances are in use, and a cluster takes up to 35: end another cluster, or raise fs.inotify.max_user_instances"
if cluster_is_up; then _cluster_fail "a cluster is running in $CLUSTER_DIR"; fi
CLUSTER_BIN=$(SC_KUBERNETES=$CLUSTER_VERSION bash "$here/../../tools/kubernetes.sh" kube-apiserver kube-controller-manager \
  kube-scheduler kubelet kube-proxy kubectl helm coredns)
step "Kubernetes $CLUSTER_VERSION is built"

cluster_down
mkdir -m 700 "$CLUSTER_DIR"
kind=$(stat -f -c %T "$CLUSTER_DIR")
case "$kind" in
  overlayfs | nfs | fuseblk | ramfs)
    rmdir "$CLUSTER_DIR"
    _cluster_fail "$CLUSTER_DIR is on $kind, which cannot hold containers: set SC_CLUSTER_DIR to a folder on a disk"
    ;;
esac
mkdir "$CLUSTER_DIR"/{bin,log,run,nodes}
finished=false
# shellcheck disable=SC2317 # called by the trap
give_up() {
  $finished && return
  set +e
  cluster_errors >&2
  echo "cluster: it did not start; removing it" >&2
  cluster_down
}
trap give_up EXIT
trap 'exit 130' INT TERM HUP

{
  printf '%s=%q\n' CLUSTER_NODES "$CLUSTER_NODES" CLUSTER_VERSION "$CLUSTER_VERSION" CLUSTER_BIN "$CLUSTER_BIN" \
    CLUSTER_FSYNC "$CLUSTER_FSYNC"
} >"$CLUSTER_DIR/settings"
_write_pki
_write_control
_write_node_programs
for number in $(seq "$CLUSTER_NODES"); do _write_node "$number"; done
_write_objects
cp "$here/launch.sh" "$CLUSTER_DIR/bin/"
musl-gcc -static -Os -o "$CLUSTER_DIR/bin/pause" "$here/pause.c"
step "keys and settings are written"

# --- control
for part in control guests; do cgroup_make "$CLUSTER_CGROUP/$part"; done
setsid bash "$here/supervise.sh" "$CLUSTER_DIR" "$CLUSTER_CGROUP" "${tie[@]}" >"$CLUSTER_DIR/log/supervisor.log" 2>&1 </dev/null &
echo $! >"$CLUSTER_DIR/run/supervisor.pid"
_cluster_note_first control
nsenter --target "$(_cluster_first control)" --net sh -e -c '
  ip link set lo up
  ip link add br0 type bridge
  ip addr add "$1/24" dev br0
  ip link set br0 up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  ip route add "$2" via 10.250.0.11
  for number in $(seq "$3"); do ip route add "10.251.$number.0/24" via "10.250.0.1$number"; done
' _ "$CLUSTER_IP" "$CLUSTER_SERVICE_CIDR" "$CLUSTER_NODES"
for name in etcd registry apiserver; do cluster_component start "$name"; done
step "etcd, the registry and the API server are starting"

starting=()
for number in $(seq "$CLUSTER_NODES"); do
  { _cluster_node_start "$number" && cluster_component start "containerd-$number"; } &
  starting+=($!)
done
for pid in "${starting[@]}"; do wait "$pid"; done
step "$CLUSTER_NODES nodes have their namespaces and containerd"

images=$(mktemp -d -p "$CLUSTER_DIR")
mkdir -p "$images"/{pause,busybox/{bin,etc,tmp,var,home,proc,sys,dev}}
cp "$CLUSTER_DIR/bin/pause" "$images/pause/"
cp "$(type -P busybox)" "$images/busybox/bin/busybox"
busybox --list | grep -vx busybox |
  python3 -c 'import os, sys; [os.symlink("busybox", sys.argv[1] + "/" + name.strip()) for name in sys.stdin]' "$images/busybox/bin"
# a static busybox cannot resolve names but for its nslookup: curl does
cp --parents -L "$(type -P curl)" "$images/busybox/"
ldd "$(type -P curl)" | grep -o '/[^ ]*' | xargs cp --parents -L -t "$images/busybox"
chmod 1777 "$images/busybox/tmp"
printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$images/busybox/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$images/busybox/etc/group"
cluster_until 20 curl -fsS -o /dev/null "http://$REGISTRY/v2/" 2>/dev/null
cluster_push pause:1 "$images/pause" '{"Entrypoint": ["/pause"], "User": "65534:65534"}' >/dev/null
cluster_push busybox:1 "$images/busybox" '{"Env": ["PATH=/bin:/usr/bin"], "Cmd": ["sh"]}' >/dev/null
rm -rf "$images"
step "the images pause:1 and busybox:1 are in the registry $REGISTRY"

cluster_until 60 cluster_api_ready
step "the API server is ready"
for name in controller-manager scheduler coredns; do cluster_component start "$name"; done
for number in $(seq "$CLUSTER_NODES"); do
  cluster_component start "kubelet-$number"
  cluster_component start "proxy-$number"
done
kubectl apply -f "$CLUSTER_DIR/objects.yaml" >/dev/null
for number in $(seq "$CLUSTER_NODES"); do
  cluster_until 60 cluster_node_ready "$number"
  step "node-$number is Ready"
done
# Pods are refused until then
has_account() { kubectl get serviceaccount default >/dev/null 2>&1; }
cluster_until 30 has_account
resolves() { cluster_in busybox nslookup "kubernetes.default.svc.cluster.local" "$CLUSTER_DNS_IP" >/dev/null 2>&1; }
cluster_until 30 resolves
step "names are answered; the cluster is up"
finished=true
