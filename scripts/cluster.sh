#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: cluster.sh up [--nodes 1|2] [--kubernetes VERSION] [--fsync] | down | shell [CMD…] | status | kubeconfig
# A real Kubernetes on this machine to play with, in namespaces of its own; needs root.
#   up          builds Kubernetes where the cache does not hold it (once; some minutes) and starts a
#               cluster of two nodes; --kubernetes 1.34.4: another version than 1.37.2; --fsync: etcd
#               writes through to the disk
#   shell       a shell, or CMD, in its network with kubectl and helm; what it serves is reached from there
#   status      what of it runs
#   kubeconfig  the path of the kubeconfig, which is of use inside the network only
#   down        ends it and removes all of it
# All its state is in $SC_CLUSTER_DIR, by default /var/tmp/stoppablecontainer-cluster (a folder on a
# disk: containers' overlays need one). It shares this machine's kernel and cgroups, nothing else.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
case "${1:-}" in
  -h | --help) sed -n '3,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/tests/cluster/kubernetes/lib.sh"

verb=${1:-}
[ $# -eq 0 ] || shift
running() { cluster_is_up || { echo "cluster.sh: no cluster is running in $CLUSTER_DIR; start one: scripts/cluster.sh up" >&2; exit 1; }; }
case "$verb" in
  up)
    cluster_up "$@"
    cat <<END
  kubeconfig: $CLUSTER_DIR/kubeconfig
  scripts/cluster.sh shell                    # a shell in its network, with kubectl and helm
  scripts/cluster.sh shell kubectl get nodes
  images are pulled from $REGISTRY (plain HTTP); there is $BUSYBOX
  logs: $CLUSTER_DIR/log
  scripts/cluster.sh down
END
    ;;
  down) cluster_down ;;
  shell)
    running
    if [ $# -gt 0 ]; then cluster_in "$@"; else PS1='(cluster) \w \$ ' cluster_in bash --norc; fi
    ;;
  status)
    running
    _cluster_load
    echo "Kubernetes $CLUSTER_VERSION, $CLUSTER_NODES nodes, in $CLUSTER_DIR"
    for name in $(cluster_components); do
      if cluster_component alive "$name"; then echo "$name: running"; else echo "$name: not running"; fi
    done
    kubectl get nodes -o wide
    ;;
  kubeconfig)
    running
    echo "$CLUSTER_DIR/kubeconfig"
    ;;
  "") echo "cluster.sh: what to do? (see --help)" >&2; exit 2 ;;
  *) echo "cluster.sh: unknown verb $verb (see --help)" >&2; exit 2 ;;
esac
