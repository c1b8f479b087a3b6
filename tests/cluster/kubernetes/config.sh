# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What a cluster is made of on disk: keys and certificates, kubeconfigs, the programs' settings and
# the scripts that start them. Sourced by lib.sh; $CLUSTER_DIR is the folder of all state.

CLUSTER_IP=10.250.0.1        # API server, registry and DNS
CLUSTER_SERVER=https://$CLUSTER_IP:6443
CLUSTER_POD_CIDR=10.251.0.0/16 # node N: 10.251.N.0/24
CLUSTER_SERVICE_CIDR=10.252.0.0/16
CLUSTER_DNS_IP=10.252.0.10
REGISTRY=$CLUSTER_IP:5000

_node_ip() { echo "10.250.0.1$1"; }

# _openssl_req NAME ARG…: a new key and its certificate, without the extensions of the machine's settings
_openssl_req() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout "$1.key" -out "$1.crt" \
    -config <(printf '[req]\ndistinguished_name = dn\n[dn]\n') "${@:2}" 2>/dev/null
}

_authority() {
  _openssl_req "$1" -subj "/CN=$2" -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign
}

# _certificate NAME SUBJECT USAGE [SAN]: by the cluster's authority
_certificate() {
  local authority=${AUTHORITY:-ca}
  _openssl_req "$1" -subj "$2" -CA "$authority.crt" -CAkey "$authority.key" -addext keyUsage=critical,digitalSignature \
    -addext "extendedKeyUsage=$3" ${4:+-addext "subjectAltName=$4"}
}

# _kubeconfig NAME FILE: of the certificate NAME, with everything inside
_kubeconfig() {
  cat >"$2" <<END
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$CLUSTER_SERVER", certificate-authority-data: $(base64 -w 0 ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w 0 "$1.crt"), client-key-data: $(base64 -w 0 "$1.key")}}]
contexts: [{name: test, context: {cluster: test, user: $1}}]
current-context: test
END
}

_write_pki() (
  mkdir "$CLUSTER_DIR/pki"
  cd "$CLUSTER_DIR/pki" || exit
  _authority ca kubernetes
  _authority front-proxy-ca front-proxy
  openssl ecparam -name prime256v1 -genkey -noout -out sa.key
  openssl ec -in sa.key -pubout -out sa.pub 2>/dev/null
  _certificate apiserver /CN=kube-apiserver serverAuth "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:$CLUSTER_IP,IP:10.252.0.1"
  _certificate apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  AUTHORITY=front-proxy-ca _certificate front-proxy-client /CN=front-proxy-client clientAuth
  _certificate admin /O=system:masters/CN=kubernetes-admin clientAuth
  _certificate controller-manager /CN=system:kube-controller-manager clientAuth
  _certificate scheduler /CN=system:kube-scheduler clientAuth
  _certificate proxy /CN=system:kube-proxy clientAuth
  _certificate coredns /CN=system:coredns clientAuth
  for number in $(seq "$CLUSTER_NODES"); do
    _certificate "node-$number" "/O=system:nodes/CN=system:node:node-$number" clientAuth
    _certificate "kubelet-$number" "/O=system:nodes/CN=system:node:node-$number" serverAuth \
      "DNS:node-$number,IP:$(_node_ip "$number")"
    _kubeconfig "node-$number" "node-$number.conf"
  done
  for name in controller-manager scheduler proxy coredns; do _kubeconfig "$name" "$name.conf"; done
  _kubeconfig admin "$CLUSTER_DIR/kubeconfig"
)

# _script NAME: the script on standard input starts the component NAME
_script() { cat >"$CLUSTER_DIR/bin/$1.run"; }

_write_control() {
  local pki=$CLUSTER_DIR/pki fsync=--unsafe-no-fsync
  [ "$CLUSTER_FSYNC" = false ] || fsync=
  _script etcd <<END
exec etcd --data-dir $CLUSTER_DIR/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \\
  --listen-peer-urls http://127.0.0.1:2380 --auto-compaction-retention 0 $fsync
END
  _script apiserver <<END
exec $CLUSTER_BIN/kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=$CLUSTER_IP --secure-port=6443 \\
  --service-cluster-ip-range=$CLUSTER_SERVICE_CIDR --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \\
  --allow-privileged=true --enable-bootstrap-token-auth=true --enable-aggregator-routing=true \\
  --client-ca-file=$pki/ca.crt --tls-cert-file=$pki/apiserver.crt --tls-private-key-file=$pki/apiserver.key \\
  --kubelet-client-certificate=$pki/apiserver-kubelet-client.crt --kubelet-client-key=$pki/apiserver-kubelet-client.key \\
  --kubelet-certificate-authority=$pki/ca.crt --kubelet-preferred-address-types=InternalIP,Hostname \\
  --proxy-client-cert-file=$pki/front-proxy-client.crt --proxy-client-key-file=$pki/front-proxy-client.key \\
  --requestheader-client-ca-file=$pki/front-proxy-ca.crt --requestheader-allowed-names=front-proxy-client \\
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \\
  --requestheader-extra-headers-prefix=X-Remote-Extra- --service-account-issuer=https://kubernetes.default.svc.cluster.local \\
  --service-account-key-file=$pki/sa.pub --service-account-signing-key-file=$pki/sa.key
END
  # one of each: a lease would only make its restart wait
  _script controller-manager <<END
exec $CLUSTER_BIN/kube-controller-manager --kubeconfig=$pki/controller-manager.conf --authentication-kubeconfig=$pki/controller-manager.conf \\
  --authorization-kubeconfig=$pki/controller-manager.conf --bind-address=127.0.0.1 --leader-elect=false --controllers=*,bootstrapsigner,tokencleaner \\
  --client-ca-file=$pki/ca.crt --requestheader-client-ca-file=$pki/front-proxy-ca.crt --root-ca-file=$pki/ca.crt \\
  --cluster-signing-cert-file=$pki/ca.crt --cluster-signing-key-file=$pki/ca.key \\
  --service-account-private-key-file=$pki/sa.key --use-service-account-credentials=true
END
  _script scheduler <<END
exec $CLUSTER_BIN/kube-scheduler --kubeconfig=$pki/scheduler.conf --authentication-kubeconfig=$pki/scheduler.conf \\
  --authorization-kubeconfig=$pki/scheduler.conf --bind-address=127.0.0.1 --leader-elect=false
END
  cat >"$CLUSTER_DIR/registry.yaml" <<END
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $CLUSTER_DIR/registry}, delete: {enabled: true}}
http: {addr: "$REGISTRY"}
END
  _script registry <<END
exec docker-registry serve $CLUSTER_DIR/registry.yaml
END
  cat >"$CLUSTER_DIR/Corefile" <<END
.:53 {
    bind $CLUSTER_IP
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig $pki/coredns.conf test
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }
    loadbalance
}
END
  _script coredns <<END
exec $CLUSTER_BIN/coredns -conf $CLUSTER_DIR/Corefile
END
}

# What runs on a node finds the same places on each: these scripts serve all nodes.
_write_node_programs() {
  _script containerd <<'END'
exec containerd --config /etc/containerd/config.toml
END
  _script kubelet <<'END'
# Version of runtime.v1, an empty message: without a runtime that answers, a kubelet of 1.34 ends
runtime_answers() {
  printf '\0\0\0\0\0' | curl -s --max-time 2 --http2-prior-knowledge --unix-socket /run/containerd/containerd.sock \
    -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @- -D - -o /dev/null \
    http://localhost/runtime.v1.RuntimeService/Version | grep '^grpc-status: 0' >/dev/null
}
for _ in $(seq 100); do
  ! runtime_answers || break
  sleep 0.1
done
exec /opt/kubernetes/kubelet --config=/etc/kubernetes/kubelet.yaml --kubeconfig=/etc/kubernetes/kubelet.conf \
  --node-ip="$(cat /etc/kubernetes/node-ip)" --v=2
END
  _script proxy <<'END'
exec /opt/kubernetes/kube-proxy --config=/etc/kubernetes/proxy.yaml
END
}

# _write_node NUMBER: its disk
_write_node() {
  local number=$1 disk=$CLUSTER_DIR/nodes/$1 etc=$CLUSTER_DIR/nodes/$1/etc pki=$CLUSTER_DIR/pki
  mkdir -p "$disk"/var/{lib/kubelet,lib/containerd,log/cluster,log/pods,log/containers,tmp,cache} "$etc"/cni/net.d \
    "$etc/containerd/certs.d/$REGISTRY" "$etc"/kubernetes/{manifests,pki}
  chmod 1777 "$disk/var/tmp"
  ln -s /run "$disk/var/run"
  ln -s /run/lock "$disk/var/lock"
  for file in passwd group nsswitch.conf protocols services ld.so.cache ld.so.conf ld.so.conf.d alternatives; do
    [ ! -e "/etc/$file" ] || cp -a "/etc/$file" "$etc/"
  done
  echo "node-$number" >"$etc/hostname"
  printf '127.0.0.1 localhost\n%s node-%s\n' "$(_node_ip "$number")" "$number" >"$etc/hosts"
  echo "nameserver $CLUSTER_IP" >"$etc/resolv.conf"
  openssl rand -hex 16 >"$etc/machine-id"
  _node_ip "$number" >"$etc/kubernetes/node-ip"
  cp "$pki/ca.crt" "$etc/kubernetes/pki/"
  cp "$pki/kubelet-$number.crt" "$etc/kubernetes/pki/kubelet.crt"
  cp "$pki/kubelet-$number.key" "$etc/kubernetes/pki/kubelet.key"
  cp "$pki/node-$number.conf" "$etc/kubernetes/kubelet.conf"
  cp "$pki/proxy.conf" "$etc/kubernetes/proxy.conf"
  cat >"$etc/containerd/config.toml" <<END
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  # this machine's kernel is not to get our profiles
  disable_apparmor = true
  restrict_oom_score_adj = true
  sandbox_image = "$REGISTRY/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
  printf 'server = "http://%s"\n[host."http://%s"]\n  capabilities = ["pull", "resolve"]\n' "$REGISTRY" "$REGISTRY" \
    >"$etc/containerd/certs.d/$REGISTRY/hosts.toml"
  cat >"$etc/cni/net.d/10-pods.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.251.$number.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
  cat >"$etc/kubernetes/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: /etc/kubernetes/pki/kubelet.crt
tlsPrivateKeyFile: /etc/kubernetes/pki/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
staticPodPath: /etc/kubernetes/manifests
clusterDomain: cluster.local
clusterDNS: [$CLUSTER_DNS_IP]
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: 100Mi}
imageGCHighThresholdPercent: 100
# to put itself before this machine's programs is not its right
oomScoreAdj: 0
END
  cat >"$etc/kubernetes/proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: /etc/kubernetes/proxy.conf}
mode: iptables
clusterCIDR: $CLUSTER_POD_CIDR
oomScoreAdj: 0
# these belong to the machine, not to the node
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END
}

# The objects that an installer would make.
_write_objects() {
  cat >"$CLUSTER_DIR/objects.yaml" <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:coredns"}
rules:
- {apiGroups: [""], resources: [services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "system:coredns"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:coredns"}
subjects: [{kind: User, name: "system:coredns", apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: $CLUSTER_DNS_IP
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
endpoints: [{addresses: [$CLUSTER_IP], conditions: {ready: true}}]
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
END
}
