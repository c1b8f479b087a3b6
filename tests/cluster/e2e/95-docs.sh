#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the commands of the pages about clusters as a reader would, in their order, on a cluster where
# nothing is installed: each block that is marked sh, with this cluster's registry in place of
# registry.example.com. Blocks that are marked otherwise are no commands to be run here.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/cluster/kubernetes/lib.sh
. "$here/kubernetes/lib.sh"
# shellcheck source=tests/cluster/product/product.sh
. "$here/product/product.sh"
# shellcheck source=tests/cluster/product/app.sh
. "$here/product/app.sh"

root=$(cd "$here/../.." && pwd)
test_begin
if kubectl get crd stoppablecontainers.stoppablecontainer.xtlsoft.top >/dev/null 2>&1; then
  die "the product is installed: this starts from nothing"
fi
app_image app:1 >/dev/null

# commands FILE [FROM [TO]]: of the page's blocks between the headings FROM and TO
commands() {
  awk -v from="${2:-}" -v to="${3:-}" 'BEGIN { on = from == "" }
    $0 == "## " from { on = 1 } to != "" && $0 == "## " to { on = 0 }
    /^ *```sh$/ { inside = on; next } /^ *```/ { inside = 0 } inside' "$root/docs/$1"
}

# page FILE [FROM [TO]]: runs them as one script that stops at the first command that fails
page() {
  local build=${SC_RELEASE_BUILD_DIR:+--build-dir $SC_RELEASE_BUILD_DIR}
  commands "$@" | sed -e "s#registry\.example\.com/app:1#$APP#g" -e "s#registry\.example\.com#$REGISTRY#g" \
    -e "s#^images/build\.sh#& $build#" >"$WORK/script"
  [ -s "$WORK/script" ] || die "$* has no commands"
  echo "--- $*: $(grep -c . "$WORK/script") lines"
  (cd "$root" && cluster_in bash -euo pipefail -x "$WORK/script") >"$WORK/out" 2>&1 ||
    { tail -n 25 "$WORK/out"; die "a command of $1 failed"; }
}

page install.md "" Remove
page first-steps.md
page install.md Remove
left=$(kubectl get pods,crds -A -o name | grep -i -e stoppable -e 'pod/sc-' || true)
[ -z "$left" ] || die "left after the removal: $left"
