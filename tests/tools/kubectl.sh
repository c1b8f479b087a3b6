#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: kubectl.sh
# Prints the path of a kubectl of the newest supported Kubernetes, built once from its Go module
# into the cache ($SC_CACHE_DIR, default ~/.cache/stoppablecontainer). Where there is no Go that
# can build it, prints the path of the kubectl that is installed.
set -euo pipefail
version=1.37.2
minor=${version#1.}
minor=${minor%%.*}
cache=${SC_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stoppablecontainer}
binary=$cache/kubectl-$version

if [ -x "$binary" ]; then
  echo "$binary"
  exit 0
fi
# Go 1.21 and newer fetches the toolchain that a module asks for
if ! go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; then
  echo "kubectl.sh: no Go of 1.21 or newer: testing with the installed kubectl" >&2
  command -v kubectl
  exit 0
fi

echo "building kubectl $version (once; some minutes)" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GOTOOLCHAIN=auto GOFLAGS=-mod=mod CGO_ENABLED=0
source=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
  echo "module kubectl"
  grep -E '^go ' "$source"
  echo "require k8s.io/kubernetes v$version"
  # its staged modules carry the same number below v0
  sed -n 's/^\t\(k8s.io\/[a-z0-9-]*\) v0\.0\.0$/\1/p' "$source" |
    while read -r module; do echo "replace $module => $module v0.${version#1.}"; done
} >go.mod
cat >tools.go <<END
package tools

import _ "k8s.io/kubernetes/cmd/kubectl"
END
go mod tidy >tidy.log 2>&1 || { cat tidy.log >&2; exit 1; }
mkdir -p "$cache"
go build -trimpath -o "$binary.new" -ldflags "-s -w \
  -X k8s.io/component-base/version.gitVersion=v$version \
  -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor" \
  k8s.io/kubernetes/cmd/kubectl >&2
mv "$binary.new" "$binary"
echo "$binary"
