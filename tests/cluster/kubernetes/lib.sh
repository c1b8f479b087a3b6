# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A Kubernetes cluster for tests, on this machine, in namespaces of its own: an API server with what
# belongs to it and one or two nodes. Needs root. To be sourced. Everything it knows is in a folder:
#
#   CLUSTER_DIR          $SC_CLUSTER_DIR, or /var/tmp/stoppablecontainer-cluster: overlayfs wants a
#                        real file system with room, which /run and /tmp need not be. Two clusters in
#                        two folders do not touch each other.
#   $CLUSTER_DIR/log     NAME.log of each component, node-N.log of what makes a node
#   $CLUSTER_DIR/kubeconfig   of cluster-admin; its server answers inside the cluster's network only
#   $CLUSTER_DIR/nodes/N/{etc,var}   the disk of node-N
#   $REGISTRY            the registry, plain HTTP, as Pods' images name it: $REGISTRY/NAME:TAG
#   $BUSYBOX             an image in that registry with busybox's programs and curl
#
# The whole:
#   cluster_up [--nodes 1|2] [--kubernetes VERSION] [--fsync] [--tie PID]
#                        starts it (one that ran there before is removed); returns when nodes are Ready.
#                        --tie: it ends without a trace when process PID does, however that ended
#   cluster_down         ends it, removes all of it; also what is left of one that was killed
#   cluster_is_up
# Inside:
#   cluster_in CMD…      CMD in the cluster's network, beside the API server, with KUBECONFIG and PATH set;
#                        Pods, Services and nodes can be reached from there, files are this machine's;
#                        it is killed when the cluster ends
#   kubectl … helm … curl …   functions: the same by cluster_in
#   cluster_api_ready    whether the API server answers that it is ready
#   cluster_push NAME:TAG SOURCE [CONFIG]   an image into the registry: SOURCE is the folder of its root
#                        file system (CONFIG: its config in JSON), or an OCI archive FILE.tar; prints
#                        $REGISTRY/NAME@DIGEST
#   cluster_until SECONDS CMD…   calls CMD until it succeeds; fails after SECONDS
#   die TEXT             ends a test
# Nodes (N is 1 or 2; the node's name is node-N, its address 10.250.0.1N, its Pods' 10.251.N.0/24):
#   cluster_node_exec N CMD…   CMD in all of the node's namespaces
#   cluster_node_down N  power off: every process, mount and network of it is gone at once, its disk stays
#   cluster_node_up N    power on; the kernel's boot id is a new one
#   cluster_node_reboot N
#   cluster_node_ready N   whether it is Ready
# Components: etcd apiserver controller-manager scheduler registry coredns containerd-N kubelet-N proxy-N
#   cluster_component kill|stop|cont|start|restart|pid|alive NAME
#                        kill: SIGKILL, and it is gone (one that ends by itself is started again after
#                        a second); stop, cont: SIGSTOP, SIGCONT; restart: kill, start;
#                        pid: as seen in its own process namespace
#   cluster_components   all names
#   cluster_errors       the last lines of each log that tell of an error
#   cluster_compact      etcd forgets the past: a watch from an older version is answered 410 as soon as
#                        the API server has been restarted, too (before, its cache hides it)
#
# A function that fails prints why on standard error and returns another value than 0.

_cluster_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CLUSTER_DIR=${SC_CLUSTER_DIR:-/var/tmp/stoppablecontainer-cluster}
# shellcheck source=tests/cluster/kubernetes/cgroup.sh
. "$_cluster_here/cgroup.sh"
# shellcheck source=tests/cluster/kubernetes/config.sh
. "$_cluster_here/config.sh"
# shellcheck disable=SC2034 # for those who source this
BUSYBOX=$REGISTRY/busybox:1
CLUSTER_CGROUP=sc-cluster-$(printf %s "$CLUSTER_DIR" | sha256sum | cut -c 1-8)

die() {
  echo "$(basename "$0" .sh): $*" >&2
  exit 1
}

# under set -e: what ended the script, also where it has no words of its own
_cluster_failed() {
  local code=$? line=$1 file=$2
  [ "$BASHPID" != "$$" ] || echo "$(basename "$0" .sh): $(basename "$file"):$line: exit code $code" >&2
}
case $- in
  *e*)
    set -E
    trap '_cluster_failed "$LINENO" "${BASH_SOURCE[0]:-$0}"' ERR
    ;;
esac

_cluster_fail() {
  echo "cluster: $*" >&2
  return 1
}

# what up.sh wrote down: CLUSTER_NODES, CLUSTER_VERSION, CLUSTER_BIN, CLUSTER_FSYNC
_cluster_load() {
  [ -f "$CLUSTER_DIR/settings" ] || _cluster_fail "there is no cluster in $CLUSTER_DIR" || return
  # shellcheck source=/dev/null
  . "$CLUSTER_DIR/settings"
}

# _cluster_first PLACE: the first process of control or node-N, as this machine counts
_cluster_first() {
  local pid
  pid=$(cat "$CLUSTER_DIR/run/$1.pid" 2>/dev/null) || pid=
  # numbers are given again: it must be in our cgroup, too; one that ended and was not waited for has no namespaces
  [ -n "$pid" ] && grep -qs "/$CLUSTER_CGROUP/$1\(/system\)\?$" "/proc/$pid/cgroup" && [ -e "/proc/$pid/ns/net" ] || _cluster_fail "$1 is not running" || return
  echo "$pid"
}

# _cluster_note_first PLACE: waits for that process and writes its number down
_cluster_note_first() {
  local folder pid
  # one hierarchy will do; not by head, which would end the writer, and that this script
  folder=$(cgroup_folders "$CLUSTER_CGROUP/$1")
  folder=${folder%%$'\n'*}
  for _ in $(seq 600); do
    while read -r pid; do
      # the first of its namespace; what it has below it is none yet
      if [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status" 2>/dev/null)" = 1 ] &&
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = pause ]; then
        echo "$pid" >"$CLUSTER_DIR/run/$1.pid"
        return
      fi
    done <"$folder/cgroup.procs"
    sleep 0.05
  done
  _cluster_fail "$1 did not start"
}

# has GREP ARGUMENT…: grep -q that reads all of its input, so that who writes it is not ended by that
has() { grep "$@" >/dev/null; }

cluster_is_up() { _cluster_load 2>/dev/null && _cluster_first control >/dev/null 2>&1; }

cluster_up() { bash "$_cluster_here/up.sh" "$@"; }

cluster_down() {
  local supervisor failed=0
  supervisor=$(cat "$CLUSTER_DIR/run/supervisor.pid" 2>/dev/null) || supervisor=
  cgroup_kill "$CLUSTER_CGROUP" || failed=1
  if [ -n "$supervisor" ]; then
    for _ in $(seq 200); do
      grep -qsz "$CLUSTER_DIR" "/proc/$supervisor/cmdline" || break
      sleep 0.05
    done
  fi
  cgroup_remove "$CLUSTER_CGROUP" || failed=1
  if grep -qF " $CLUSTER_DIR/" /proc/self/mountinfo; then
    _cluster_fail "there are mounts below $CLUSTER_DIR: it is not removed"
    return
  fi
  rm -rf --one-file-system "$CLUSTER_DIR" || failed=1
  return "$failed"
}

cluster_in() {
  local pid
  _cluster_load && pid=$(_cluster_first control) || return
  (
    # so that it is found when the cluster ends
    cgroup_join "$CLUSTER_CGROUP/guests"
    exec nsenter --net="/proc/$pid/ns/net" env KUBECONFIG="$CLUSTER_DIR/kubeconfig" PATH="$CLUSTER_BIN:$PATH" "$@"
  )
}

kubectl() { cluster_in kubectl "$@"; }
helm() { cluster_in helm "$@"; }
curl() { cluster_in curl "$@"; }

cluster_api_ready() { [ "$(kubectl get --raw /readyz --request-timeout=2s 2>/dev/null)" = ok ]; }

cluster_push() { cluster_in python3 "$_cluster_here/image.py" push "$REGISTRY" "$@"; }

cluster_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || _cluster_fail "waited in vain for: $*" || return
    sleep 0.2
  done
}

# --- nodes

# _cluster_enter PLACE CMD…: in all namespaces and the cgroup of control or of node-N
_cluster_enter() {
  local pid place=$1
  pid=$(_cluster_first "$place") || return
  shift
  (
    # from outside: in its own cgroup namespace a process may not come from elsewhere
    [ "$place" = control ] || place=$place/system
    cgroup_join "$CLUSTER_CGROUP/$place"
    exec nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup "$@"
  )
}

cluster_node_exec() {
  local number=$1
  shift
  _cluster_enter "node-$number" env -i PATH=/opt/kubernetes:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root TERM="${TERM:-dumb}" "$@"
}

# _cluster_node_start N: its first process and its network; no components yet
_cluster_node_start() {
  local number=$1 name=node-$1 control pid other
  control=$(_cluster_first control) || return
  cgroup_make "$CLUSTER_CGROUP/$name" || return
  rm -rf "$CLUSTER_DIR/run/$name" "$CLUSTER_DIR/run/$name.pid"
  mkdir "$CLUSTER_DIR/run/$name"
  # shellcheck disable=SC2016
  nsenter --target "$control" --mount --uts --ipc --net --pid setsid --fork bash -c '
    . "$1/cgroup.sh"
    cgroup_join "$4/node-$3"
    exec unshare --pid --mount --net --uts --ipc --cgroup --fork --kill-child bash "$1/node-init.sh" "$2" "$3" "$4/node-$3" "$5"
  ' _ "$_cluster_here" "$CLUSTER_DIR" "$number" "$CLUSTER_CGROUP" "$CLUSTER_BIN" \
    >>"$CLUSTER_DIR/log/$name.log" 2>&1 </dev/null
  cluster_until 60 test -e "$CLUSTER_DIR/run/$name/ready" || {
    tail -n 5 "$CLUSTER_DIR/log/$name.log" >&2
    return 1
  }
  _cluster_note_first "$name" && pid=$(_cluster_first "$name") || return
  # beside the Pods' own, as on a machine with systemd: each thread would weigh as much as all of them
  cgroup_make "$CLUSTER_CGROUP/$name/system" && cgroup_move "$CLUSTER_CGROUP/$name" system || return
  {
    # a former one may not be gone yet
    nsenter --target "$control" --net ip link del "veth-$number" 2>/dev/null || true
    nsenter --target "$control" --net ip link add "veth-$number" type veth peer name eth0 netns "$pid" &&
      nsenter --target "$control" --net ip link set "veth-$number" master br0 up &&
      nsenter --target "$pid" --net sh -e -c '
        ip link set lo up
        ip addr add "$1/24" dev eth0
        ip link set eth0 up
        ip route add default via "$2"
        echo 1 >/proc/sys/net/ipv4/ip_forward
      ' _ "$(_node_ip "$number")" "$CLUSTER_IP"
  } || return
  for other in $(seq "$CLUSTER_NODES"); do
    [ "$other" = "$number" ] ||
      nsenter --target "$pid" --net ip route add "10.251.$other.0/24" via "$(_node_ip "$other")" || return
  done
}

cluster_node_down() {
  _cluster_load || return
  cgroup_kill "$CLUSTER_CGROUP/node-$1" && cgroup_remove "$CLUSTER_CGROUP/node-$1"
}

cluster_node_up() {
  local name
  _cluster_load && _cluster_node_start "$1" || return
  for name in containerd kubelet proxy; do cluster_component start "$name-$1" || return; done
}

cluster_node_reboot() { cluster_node_down "$1" && cluster_node_up "$1"; }

cluster_node_ready() {
  [ "$(kubectl get node "node-$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]
}

# --- components

cluster_components() {
  local number
  _cluster_load || return
  printf '%s\n' etcd apiserver controller-manager scheduler registry coredns
  for number in $(seq "$CLUSTER_NODES"); do printf '%s\n' "containerd-$number" "kubelet-$number" "proxy-$number"; done
}

# _cluster_place NAME: control or node-N
_cluster_place() {
  case "$1" in
    etcd | apiserver | controller-manager | scheduler | registry | coredns) echo control ;;
    containerd-[12] | kubelet-[12] | proxy-[12]) echo "node-${1##*-}" ;;
    *) _cluster_fail "there is no component $1" ;;
  esac
}

_cluster_start() {
  local name=$1 place=$2 script=/opt/cluster bin=${1%-[12]} pidfile log
  if [ "$place" = control ]; then
    script=$CLUSTER_DIR/bin pidfile=$CLUSTER_DIR/run/$name log=$CLUSTER_DIR/log/$name.log
  else
    pidfile=/run/cluster/$bin log=/var/log/cluster/$name.log
  fi
  rm -f "$(_cluster_pidfile "$name" "$place")"
  _cluster_enter "$place" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    bash "$script/launch.sh" "$script/$bin.run" "$pidfile" "$log" || return
  cluster_until 30 test -s "$(_cluster_pidfile "$name" "$place")"
}

_cluster_pidfile() {
  if [ "$2" = control ]; then echo "$CLUSTER_DIR/run/$1"; else echo "$CLUSTER_DIR/run/$2/${1%-[12]}"; fi
}

_cluster_alive() { _cluster_enter "$1" test -d "/proc/$2" 2>/dev/null; }
_cluster_gone() { ! _cluster_alive "$@"; }

cluster_component() {
  local action=$1 name=$2 place pid
  _cluster_load && place=$(_cluster_place "$name") || return
  pid=$(cat "$(_cluster_pidfile "$name" "$place")" 2>/dev/null) || pid=
  if [ -n "$pid" ] && _cluster_gone "$place" "$pid"; then pid=; fi
  case "$action" in
    alive) [ -n "$pid" ]; return $? ;; # a plain return would, in a trap, be of what was before it
    start)
      [ -z "$pid" ] || _cluster_fail "$name is running" || return
      _cluster_start "$name" "$place"
      return
      ;;
    restart)
      [ -z "$pid" ] || cluster_component kill "$name" || return
      _cluster_start "$name" "$place"
      return
      ;;
  esac
  [ -n "$pid" ] || _cluster_fail "$name is not running" || return
  case "$action" in
    pid) echo "$pid" ;;
    kill)
      rm -f "$(_cluster_pidfile "$name" "$place")"
      _cluster_enter "$place" kill -KILL "$pid" || return
      cluster_until 30 _cluster_gone "$place" "$pid"
      ;;
    stop) _cluster_enter "$place" kill -STOP "$pid" ;;
    cont) _cluster_enter "$place" kill -CONT "$pid" ;;
    *) _cluster_fail "cluster_component: unknown action $action" ;;
  esac
}

cluster_errors() {
  local log lines
  for log in "$CLUSTER_DIR"/log/*.log; do
    lines=$(grep -aE '^[EF][0-9]{4} |level=(error|fatal)|[Ee]rror: |panic:|: line [0-9]+:|cluster: ' "$log" | tail -n 6 | cut -c 1-300) || true
    [ -z "$lines" ] || printf '%s\n%s\n' "--- ${log##*/}" "$lines"
  done
}

cluster_compact() {
  local etcd=http://127.0.0.1:2379/v3/kv revision
  revision=$(curl -fsS "$etcd/range" -d '{"key": "AA=="}' | jq -r .header.revision) || return
  curl -fsS -o /dev/null "$etcd/compaction" -d "{\"revision\": \"$revision\", \"physical\": true}"
}
