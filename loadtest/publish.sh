#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: publish.sh [NAME…]
# Puts what run.sh, warm.sh, siege.sh and cluster.sh left in loadtest/results/ into docs/performance.md
# and docs/images/ ($SC_DOCS_DIR): each NAME (default: all that are there of wake, warm, siege,
# hostile, pods, pods-VERSION) replaces what is between <!-- figures NAME --> and <!-- end -->.
# Figures of a busy machine are worth nothing: run them on one that does nothing else.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
docs=${SC_DOCS_DIR:-$here/../docs} results=${SC_RESULTS_DIR:-$here/results}

if [ $# -eq 0 ]; then
  for file in "$results"/*.txt; do
    [ ! -f "$file" ] || set -- "$@" "$(basename "$file" .txt)"
  done
fi
[ $# -gt 0 ] || { echo "publish: there is nothing in $results" >&2; exit 1; }
for name in "$@"; do
  grep -q "^<!-- figures $name -->$" "$docs/performance.md" || {
    echo "publish: docs/performance.md has no place for $name" >&2
    continue
  }
  [ -s "$results/$name.txt" ] || { echo "publish: $results/$name.txt is empty" >&2; exit 1; }
  awk -v name="$name" -v file="$results/$name.txt" '
    $0 == "<!-- figures " name " -->" {
      print; print ""; print "```"
      while ((getline line < file) > 0) print line
      print "```"; print ""
      skip = 1; next
    }
    $0 == "<!-- end -->" { skip = 0 }
    !skip' "$docs/performance.md" >"$docs/performance.md.new"
  mv "$docs/performance.md.new" "$docs/performance.md"
  if [ -f "$results/$name.png" ] && grep -qF "(images/$name.png)" "$docs/performance.md"; then
    mkdir -p "$docs/images"
    cp "$results/$name.png" "$docs/images/$name.png"
  fi
  echo "published $name"
done
