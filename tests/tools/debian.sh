#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: debian.sh
# Makes a tree of Debian's packages with the programs that the matrix of images runs, unless the
# cache ($SC_CACHE_DIR, default ~/.cache/stoppablecontainer) holds it, and prints the path of its
# tar archive. Needs root and mmdebstrap, and Debian's archive for the first time.
set -euo pipefail
suite=bookworm
packages=attr,libcap2-bin,nginx-light,nodejs,postgresql-15,python3,redis-server,systemd-sysv
cache=${SC_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stoppablecontainer}
folder=$cache/debian-$suite-$(sha256sum "$0" | cut -c 1-12)
tree=$folder/tree.tar

if [ ! -s "$tree" ]; then
  mkdir -p "$folder"
  exec 9>"$folder/.lock"
  flock 9
fi
if [ ! -s "$tree" ]; then
  echo "making a tree of Debian's packages (once; a minute)" >&2
  # as this machine finds Debian's own archive, and nobody else's
  sources=()
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if [ -s "$file" ]; then sources=("$file"); break; fi
  done
  exclude=()
  for part in man locale doc info; do exclude+=("--dpkgopt=path-exclude=/usr/share/$part/*"); done
  mmdebstrap --quiet --mode=root --variant=minbase "${exclude[@]}" --include="$packages" \
    "$suite" "$folder/.new.tar" "${sources[@]}" >&2 9>&-
  mv "$folder/.new.tar" "$tree"
fi
echo "$tree"
