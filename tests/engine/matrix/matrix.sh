#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: matrix.sh BUILD_DIR CRDS_DIR
# Images of many shapes under Podman alone and as stoppable containers: what each sees of itself.
# The tree of Debian's packages is made before the namespaces, which have no network.
set -u
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
here=$(cd "$(dirname "$0")" && pwd)
MATRIX_TREE=$("$here/../../tools/debian.sh") || { echo "Bail out! no tree of Debian's packages"; exit 1; }
export MATRIX_TREE
exec "$here/../isolate.sh" "$here/inside.sh" "$@"
