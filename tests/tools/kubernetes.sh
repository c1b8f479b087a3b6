#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: kubernetes.sh NAME…
# Builds programs of Kubernetes from their Go modules, those of NAME… that the cache
# ($SC_CACHE_DIR, default ~/.cache/stoppablecontainer) does not hold yet, and prints the folder
# that they are in. NAME is one of: kube-apiserver kube-controller-manager kube-scheduler kubelet
# kube-proxy kubectl helm coredns (with the plugins that a test cluster uses). SC_KUBERNETES is the
# version of Kubernetes (1.37.2; 1.34.4 is the oldest that is supported). Exit code 3: there is no
# Go that can build them.
set -euo pipefail
newest=1.37.2
version=${SC_KUBERNETES:-$newest}
helm=3.22.0
coredns=1.15.0
cache=${SC_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stoppablecontainer}

case "${1:-}" in
  "" | -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
[[ $version =~ ^1\.[0-9]+\.[0-9]+$ ]] || { echo "kubernetes.sh: SC_KUBERNETES is $version, not a version like 1.37.2" >&2; exit 2; }
minor=${version#1.}
minor=${minor%%.*}
folder=$cache/kubernetes-$version-helm-$helm-coredns-$coredns

# want NAME…: those that are not in the cache, each on a line
want() {
  local name
  for name in "$@"; do [ -x "$folder/$name" ] || echo "$name"; done
}

for name in "$@"; do
  case "$name" in
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | kubectl | helm | coredns) ;;
    *) echo "kubernetes.sh: unknown program $name (see --help)" >&2; exit 2 ;;
  esac
done
if [ -z "$(want "$@")" ]; then
  echo "$folder"
  exit 0
fi
# Go 1.21 and newer fetches the toolchain that a module asks for
if ! go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; then
  echo "kubernetes.sh: $* must be built, which takes Go 1.21 or newer; there is none" >&2
  exit 3
fi
mkdir -p "$folder"
exec 9>"$folder/.lock"
if ! flock -n 9; then
  echo "kubernetes.sh: waiting for another build of it" >&2
  flock 9
fi
mapfile -t missing < <(want "$@")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOTOOLCHAIN=auto GOFLAGS=-mod=mod CGO_ENABLED=0

# start MODULE VERSION: a folder with a module that requires it, and the Go that it asks for; sets
# gomod to the path of MODULE's go.mod
start() {
  cd "$(mktemp -d -p "$work")"
  gomod=$(go mod download -json "$1@v$2" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  { echo "module tools"; grep -E '^go ' "$gomod"; echo "require $1 v$2"; } >go.mod
}

# build FLAGS PACKAGE…: of that module, into the cache
build() {
  local flags=$1 binary
  shift
  go mod tidy >tidy.log 2>&1 || { cat tidy.log >&2; return 1; }
  mkdir bin
  go build -trimpath -o bin/ -ldflags "-s -w $flags" "$@" >&2 9>&-
  for binary in bin/*; do
    # the temporary folder can be on another file system; only the last step must be atomic
    cp "$binary" "$folder/.${binary##*/}.new"
    mv "$folder/.${binary##*/}.new" "$folder/${binary##*/}"
  done
}

# imports PACKAGE…: a file that makes the module need them
imports() {
  echo "package tools"
  printf 'import _ "%s"\n' "$@"
}

# with Kubernetes' newest libraries, most of which are compiled already
share_libraries() {
  sed -n 's/^\t\(k8s.io\/[a-z-]*\) v0\.3[0-9]\.[0-9]*\( .*\)\{0,1\}$/\1/p' "$gomod" |
    while read -r module; do echo "require $module v0.${newest#1.}"; done >>go.mod
}

kubernetes=()
for name in "${missing[@]}"; do
  case "$name" in helm | coredns) ;; *) kubernetes+=("k8s.io/kubernetes/cmd/$name") ;; esac
done
if [ ${#kubernetes[@]} -gt 0 ]; then
  echo "building ${kubernetes[*]##*/} $version (once; some minutes)" >&2
  start k8s.io/kubernetes "$version"
  # its staged modules carry the same number below v0
  sed -n 's/^\t\(k8s.io\/[a-z0-9-]*\) v0\.0\.0$/\1/p' "$gomod" |
    while read -r module; do echo "replace $module => $module v0.${version#1.}"; done >>go.mod
  imports "${kubernetes[@]}" >tools.go
  about=k8s.io/component-base/version
  build "-X $about.gitVersion=v$version -X $about.gitMajor=1 -X $about.gitMinor=$minor" "${kubernetes[@]}"
fi
for name in "${missing[@]}"; do
  case "$name" in
    helm)
      echo "building helm $helm (once)" >&2
      start helm.sh/helm/v3 "$helm"
      share_libraries
      imports helm.sh/helm/v3/cmd/helm >tools.go
      about=helm.sh/helm/v3
      # the version that templates see where there is no cluster
      build "-X $about/internal/version.version=v$helm \
        -X $about/pkg/lint/rules.k8sVersionMajor=1 -X $about/pkg/lint/rules.k8sVersionMinor=$minor \
        -X $about/pkg/chartutil.k8sVersionMajor=1 -X $about/pkg/chartutil.k8sVersionMinor=$minor" \
        helm.sh/helm/v3/cmd/helm
      ;;
    coredns)
      # its own command has every plugin, with the libraries of three clouds
      echo "building coredns $coredns (once)" >&2
      start github.com/coredns/coredns "$coredns"
      share_libraries
      mkdir coredns
      cat >coredns/main.go <<'END'
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
)

func main() {
	dnsserver.Directives = []string{"bind", "errors", "loadbalance", "kubernetes"}
	coremain.Run()
}
END
      build "" ./coredns
      ;;
  esac
done
echo "$folder"
