#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: debian.sh
# Makes a tree of Debian's packages with the programs that the matrix of images runs, unless the
# cache ($SC_CACHE_DIR, default ~/.cache/stoppablecontainer) holds it, and prints the path of its
# tar archive. Needs root and mmdebstrap, and Debian's archive for the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tools/tree.sh
. "$here/tree.sh"

tree_cached debian attr,libcap2-bin,nginx-light,nodejs,postgresql-15,python3,redis-server,systemd-sysv \
  "making a tree of Debian's packages (once; a minute)" \
  mmdebstrap --quiet --mode=root --variant=minbase
