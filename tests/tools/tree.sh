# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A tree of Debian's packages in the cache ($SC_CACHE_DIR, default ~/.cache/stoppablecontainer). To be
# sourced by the scripts beside it, which say what is in theirs.

_tree_file=${BASH_SOURCE[0]}

# tree_cached NAME PACKAGES WORDS CMD…: prints the path of its tar archive. Where there is none yet CMD
# makes it (mmdebstrap with its options), and WORDS are said. Another script, packages or CMD: another tree.
tree_cached() {
  local suite=bookworm name=$1 packages=$2 words=$3 cache folder part file
  local sources=() exclude=()
  shift 3
  cache=${SC_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stoppablecontainer}
  folder=$cache/$name-$suite-$({ cat "$_tree_file"; echo "$packages" "$@"; } | sha256sum | cut -c 1-12)
  if [ ! -s "$folder/tree.tar" ]; then
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock 9
  fi
  if [ ! -s "$folder/tree.tar" ]; then
    echo "$words" >&2
    # as this machine finds Debian's own archive, and nobody else's
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
      if [ -s "$file" ]; then sources=("$file"); break; fi
    done
    for part in man locale doc info; do exclude+=("--dpkgopt=path-exclude=/usr/share/$part/*"); done
    "$@" "${exclude[@]}" --include="$packages" "$suite" "$folder/.new.tar" "${sources[@]}" >&2 9>&- || return
    mv "$folder/.new.tar" "$folder/tree.tar"
  fi
  echo "$folder/tree.tar"
}
