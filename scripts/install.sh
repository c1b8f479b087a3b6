#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: install.sh build|run|test…
# Installs the Debian packages of scripts/packages.txt that are missing, and kubectl if there is none.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

wanted=()
for purpose in "$@"; do
  while read -r what name; do
    [ "$what" = "$purpose" ] && wanted+=("$name")
  done <"$here/packages.txt"
done
# any kubectl and any go will do; Debian's are the last resort
command -v kubectl >/dev/null || wanted+=(kubernetes-client)
if command -v go >/dev/null; then
  for i in "${!wanted[@]}"; do [ "${wanted[$i]}" = golang-go ] && unset "wanted[$i]"; done
fi

missing=()
for name in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0

[ "$(id -u)" = 0 ] || { echo "install.sh: run as root: these Debian packages are missing: ${missing[*]}" >&2; exit 1; }
echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "install.sh: apt-get could not install ${missing[*]}" >&2
  exit 1
fi
