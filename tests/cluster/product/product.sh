# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The product in the test cluster. To be sourced after lib.sh. Installed once, all tests run against
# it, and it is taken out by the last of them.
#
#   PRODUCT_NAMESPACE, PRODUCT_RELEASE
#   product_images        builds and pushes the images, once a cluster
#   product_install [HELM ARGUMENT…]   helm upgrade --install, and waits until all is ready
#   product_ready         waits until every Pod is ready: helm does not wait for the agents
#   product_installed     installs it unless it is there
#   product_hello         pushes $HELLO, the image of examples/hello

PRODUCT_NAMESPACE=stoppablecontainer
PRODUCT_RELEASE=sc
_product_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
_product_version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$_product_root/meson.build")
# shellcheck disable=SC2034 # for those who source this
HELLO=$REGISTRY/hello:1
# shellcheck disable=SC2034 # for those who source this
PRODUCT_CHART=$_product_root/charts/stoppablecontainer

product_images() {
  local folder=$CLUSTER_DIR/images image
  [ ! -e "$folder/pushed" ] || return 0
  "$_product_root/images/build.sh" --output "$folder" ${SC_RELEASE_BUILD_DIR:+--build-dir "$SC_RELEASE_BUILD_DIR"} \
    >"$CLUSTER_DIR/log/images.log" 2>&1 || { tail -n 20 "$CLUSTER_DIR/log/images.log" >&2; return 1; }
  for image in controller activator idle-monitor node-agent wrapper; do
    cluster_push "sc-$image:$_product_version" "$folder/sc-$image.tar" >/dev/null || return
  done
  touch "$folder/pushed"
}

# shellcheck disable=SC2120
product_install() {
  # charts are read by links, which helm tells each time
  helm upgrade --install "$PRODUCT_RELEASE" "$PRODUCT_CHART" -n "$PRODUCT_NAMESPACE" --create-namespace \
    --set fullnameOverride=sc --set "image.registry=$REGISTRY" --set 'domains={apps.test}' \
    --set activator.shutdownDelay=1s --set activator.timeouts.drain=5s \
    --wait --timeout 120s "$@" 2> >(grep -v walk.go >&2) >/dev/null && product_ready || {
    kubectl -n "$PRODUCT_NAMESPACE" get pods -o wide >&2
    kubectl -n "$PRODUCT_NAMESPACE" logs --prefix --tail 3 -l app.kubernetes.io/part-of=stoppablecontainer >&2 || true
    return 1
  }
}

product_ready() {
  kubectl -n "$PRODUCT_NAMESPACE" rollout status daemonset/sc-node-agent --timeout=60s >/dev/null &&
    for name in controller activator idle-monitor; do
      kubectl -n "$PRODUCT_NAMESPACE" rollout status "deployment/sc-$name" --timeout=60s >/dev/null || return
    done
}

product_installed() {
  product_images || return
  helm -n "$PRODUCT_NAMESPACE" status "$PRODUCT_RELEASE" >/dev/null 2>&1 || product_install
}

product_hello() {
  local tree
  tree=$(mktemp -d) || return
  cp -R "$_product_root/examples/hello/rootfs/." "$tree/"
  mkdir -p "$tree/bin" "$tree/tmp" "$tree/var" "$tree/etc"
  chmod 755 "$tree"
  chmod 1777 "$tree/tmp" "$tree/var"
  cp /bin/busybox "$tree/bin/busybox"
  for name in sh cat head httpd ls mv ps sleep vi wget id; do ln -s busybox "$tree/bin/$name"; done
  printf 'root:x:0:0:root:/:/bin/sh\nhello:x:1000:1000:hello:/:/bin/sh\n' >"$tree/etc/passwd"
  cluster_push hello:1 "$tree" \
    '{"Entrypoint": ["/bin/httpd", "-f", "-h", "/www", "-p", "8080"], "User": "hello", "ExposedPorts": {"8080/tcp": {}}}' >/dev/null
  local code=$?
  rm -rf "$tree"
  return $code
}
