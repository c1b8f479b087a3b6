# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the end-to-end tests have in common, the images that they run, and what they do with resources.
# To be sourced after lib.sh and product.sh.
#
#   test_begin [NAMESPACE…]   $WORK is a folder; at the script's end it goes, with the processes whose
#                      numbers are in $background, the namespaces and the resources in the first
#   account_of NAMESPACE   waits until a Pod can be made there
#   app_image NAME:TAG [CONFIG]   pushes an image with busybox's programs, user app (1000), an HTTP server
#                      on 8080 with /cgi-bin/whoami; CONFIG: JSON that is merged over its config
#   APP                $REGISTRY/app:1, the image of app_image app:1
#   app_tree FOLDER    its root file system, for images that are nearly the same
#   ask NAME PATH [CURL OPTION…] and more: see below; NS is the namespace that all of them mean

# shellcheck disable=SC2034 # for those who source this
APP=$REGISTRY/app:1

# shellcheck disable=SC2317 # called by the trap
_test_end() {
  [ ${#background[@]} -eq 0 ] || kill "${background[@]}" 2>/dev/null || true
  [ ${#_test_namespaces[@]} -eq 0 ] || {
    kubectl delete stoppablecontainers --all -n "${_test_namespaces[0]}" --wait=false >/dev/null 2>&1 || true
    kubectl delete namespace "${_test_namespaces[@]}" --wait=false >/dev/null 2>&1 || true
  }
  rm -rf "$WORK"
}

test_begin() {
  WORK=$(mktemp -d) background=() _test_namespaces=("$@")
  trap _test_end EXIT
}

_has_account() { kubectl -n "$1" get serviceaccount default >/dev/null 2>&1; }
account_of() { cluster_until 20 _has_account "$1"; }

app_tree() {
  local applet
  mkdir -p "$1"/{bin,etc,proc,sys,dev,run,srv/app,tmp,var/lib/app,www/cgi-bin}
  chmod 755 "$1"
  chmod 1777 "$1"/{tmp,var/lib/app,srv/app}
  cp /bin/busybox "$1/bin/busybox"
  for applet in $(/bin/busybox --list); do
    [ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
  done
  printf 'root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/srv/app:/bin/sh\nweb:x:33:2000::/:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\napp:x:1000:\nextra:x:2000:app\nmore:x:2001:web\n' >"$1/etc/group"
  echo alive >"$1/www/index.html"
  cat >"$1/www/cgi-bin/whoami" <<'END'
#!/bin/sh
body=$(
  echo "id $(id -u):$(id -g)"
  echo "pwd $START_DIR"
  env
)
printf 'Content-Type: text/plain\r\nContent-Length: %s\r\n\r\n%s' ${#body} "$body"
END
  chmod 755 "$1/www/cgi-bin/whoami"
}

# The CGI scripts' working directory is the server's own affair, so the start's is kept in a variable.
_app_config='{"Entrypoint": ["/bin/sh", "-c", "export START_DIR=$PWD; exec \"$@\"", "sh"],
  "Cmd": ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"], "Env": ["PATH=/bin", "FROM_IMAGE=yes"],
  "User": "app", "WorkingDir": "/srv/app", "ExposedPorts": {"8080/tcp": {}}}'

app_image() {
  local tree code=0
  tree=$(mktemp -d) || return
  app_tree "$tree"
  cluster_push "$1" "$tree" "$(jq -c --argjson more "${2:-{\}}" '. * $more' <<<"$_app_config")" || code=$?
  rm -rf "$tree"
  return $code
}

# field NAME JSONPATH: of the StoppableContainer
field() {
  kubectl -n "$NS" get stoppablecontainer "$1" -o "jsonpath=$2"
}

# condition NAME TYPE: "STATUS REASON MESSAGE"
condition() {
  field "$1" "{range .status.conditions[?(@.type==\"$2\")]}{.status} {.reason} {.message}{end}"
}

# expect NAME JSONPATH WANT [SECONDS]: waits until the field is WANT
expect() {
  local seen end=$((SECONDS + ${4:-40}))
  until seen=$(field "$1" "$2" 2>/dev/null) && [ "$seen" = "$3" ]; do
    if [ $SECONDS -ge $end ]; then
      kubectl -n "$NS" get stoppablecontainers,sci,pods -o wide >&2
      kubectl -n "$NS" get stoppablecontainer "$1" -o 'jsonpath={.status}' >&2
      die "$1: $2 is \"$seen\" and not \"$3\""
    fi
    sleep 0.1
  done
}

# expect_condition NAME TYPE PATTERN [SECONDS]: waits until "STATUS REASON MESSAGE" matches
expect_condition() {
  local seen end=$((SECONDS + ${4:-40}))
  # shellcheck disable=SC2053 # a pattern
  until seen=$(condition "$1" "$2" 2>/dev/null) && [[ $seen == $3 ]]; do
    if [ $SECONDS -ge $end ]; then
      kubectl -n "$NS" get stoppablecontainer "$1" -o 'jsonpath={.status}' >&2
      die "$1: condition $2 is \"$seen\", wanted $3"
    fi
    sleep 0.1
  done
}

running() {
  kubectl -n "$NS" patch stoppablecontainer "$1" --type=merge -p "{\"spec\":{\"running\":$2}}" >/dev/null
}

# ask NAME PATH [CURL OPTION…]: a request through the activator's Service
ask() {
  local name=$1 path=$2
  shift 2
  curl -sS --max-time 60 -H "Host: $name.$NS" "$@" "http://$ACTIVATOR$path"
}

# consumer NAME: its Pod; in: a command in it
consumer() {
  field "$1" '{.status.consumerPodName}'
}
# It is ready when its port answers, which the kubelet may not have seen yet.
_kubelet_knows() {
  kubectl -n "$NS" get pod "$1" -o 'jsonpath={.status.containerStatuses[*].state.running.startedAt}' | has .
}
inside() {
  local pod
  pod=$(consumer "$1")
  shift
  cluster_until 20 _kubelet_knows "$pod" || return
  kubectl -n "$NS" exec "$pod" -- "$@"
}

# app_namespace NAME [LEVEL]: made anew, with Pod Security LEVEL enforced
app_namespace() {
  NS=$1
  kubectl create namespace "$NS" >/dev/null || return
  [ -z "${2:-}" ] || kubectl label namespace "$NS" "pod-security.kubernetes.io/enforce=$2" >/dev/null || return
  account_of "$NS" || return
  ACTIVATOR=$(kubectl -n "$PRODUCT_NAMESPACE" get service sc-activator -o 'jsonpath={.spec.clusterIP}')
}

# app_namespace_end NAME…: deleted with all that is in it; the finalizers must let go
app_namespace_end() {
  kubectl delete stoppablecontainers --all -n "$1" --timeout=60s >/dev/null || return
  kubectl delete namespace "$@" --timeout=60s >/dev/null
}
