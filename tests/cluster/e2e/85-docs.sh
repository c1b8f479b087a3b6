#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every command of the pages about clusters, in their order, as a reader would: each block that
# is marked sh, with this cluster's registry for registry.example.com. A block that must not be run
# here is marked text. Of install.md the release of these tests is used, under another name.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/product.sh
. "$here/product.sh"
# shellcheck source=tests/cluster/app.sh
. "$here/app.sh"

product_installed
app_image app:1 >/dev/null
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
# shellcheck disable=SC2317 # called by the trap
cleanup() {
  kubectl delete stoppablecontainers --all -n playground --timeout=30s >/dev/null 2>&1 || true
  kubectl delete namespace playground --wait=false >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# page FILE: its commands, as one script that stops at the first that fails
page() {
  awk '/^ *```sh$/ { inside = 1; next } /^ *```/ { inside = 0 } inside' "$root/docs/$1" |
    sed "s#registry\.example\.com/app:1#$APP#g" >"$work/$1.sh"
  [ -s "$work/$1.sh" ] || die "$1 has no commands"
  echo "--- $1: $(grep -c . "$work/$1.sh") lines"
  # commands run in the cluster's network, beside the API server
  (cd "$root" && cluster_in bash -euo pipefail -x "$work/$1.sh") >"$work/out" 2>&1 ||
    { tail -n 25 "$work/out"; die "a command of $1 failed"; }
}

page first-steps.md
for name in cli.md operations.md; do
  [ ! -f "$root/docs/$name" ] || ! grep -q 'cluster: run' "$root/docs/$name" || page "$name"
done
