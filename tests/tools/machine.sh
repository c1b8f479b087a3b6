#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: machine.sh
# Makes the tree of a stock Debian machine (systemd, the distribution's kernel, AppArmor, and what
# scripts/packages.txt wants to build and to run), unless the cache ($SC_CACHE_DIR, default
# ~/.cache/stoppablecontainer) holds it, and prints the path of its tar archive. Needs root and
# mmdebstrap, and Debian's archive for the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tools/tree.sh
. "$here/tree.sh"

packages=$({
  awk '$1 == "build" || $1 == "run" { print $2 }' "$here/../../scripts/packages.txt"
  printf '%s\n' apparmor ca-certificates dbus initramfs-tools kmod kubernetes-client \
    libpam-systemd linux-image-cloud-amd64 openssh-server procps systemd systemd-sysv udev \
    util-linux
} | sort -u | paste -sd ,)
# mounts of its own: packages mount /proc and /sys in the tree
tree_cached machine "$packages" "making the tree of a Debian machine (once; three minutes)" \
  unshare --mount mmdebstrap --quiet --mode=root --variant=important
