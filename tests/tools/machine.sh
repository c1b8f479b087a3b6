#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: machine.sh
# Makes the tree of a stock Debian machine (systemd, the distribution's kernel, AppArmor, and what
# scripts/packages.txt wants to build and to run), unless the cache ($SC_CACHE_DIR, default
# ~/.cache/stoppablecontainer) holds it, and prints the path of its tar archive. Needs root and
# mmdebstrap, and Debian's archive for the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
suite=bookworm
wanted=$here/../../scripts/packages.txt
packages=$({
  awk '$1 == "build" || $1 == "run" { print $2 }' "$wanted"
  printf '%s\n' apparmor ca-certificates dbus initramfs-tools kmod kubernetes-client \
    libpam-systemd linux-image-cloud-amd64 openssh-server procps systemd systemd-sysv udev \
    util-linux
} | sort -u | paste -sd ,)
cache=${SC_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stoppablecontainer}
folder=$cache/machine-$suite-$({ cat "$0"; echo "$packages"; } | sha256sum | cut -c 1-12)
tree=$folder/tree.tar

if [ ! -s "$tree" ]; then
  mkdir -p "$folder"
  exec 9>"$folder/.lock"
  flock 9
fi
if [ ! -s "$tree" ]; then
  echo "making the tree of a Debian machine (once; three minutes)" >&2
  # as this machine finds Debian's own archive, and nobody else's
  sources=()
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if [ -s "$file" ]; then sources=("$file"); break; fi
  done
  exclude=()
  for part in man locale doc info; do exclude+=("--dpkgopt=path-exclude=/usr/share/$part/*"); done
  # mounts of its own: packages mount /proc and /sys in the tree
  unshare --mount mmdebstrap --quiet --mode=root --variant=important "${exclude[@]}" \
    --include="$packages" "$suite" "$folder/.new.tar" "${sources[@]}" >&2 9>&-
  mv "$folder/.new.tar" "$tree"
fi
echo "$tree"
