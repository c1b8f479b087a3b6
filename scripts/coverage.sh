#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: coverage.sh [TEST…]
# Builds with counters, runs the tests named as `meson test` names them (without any: the suites unit,
# fuzz and flow), and prints for each folder how many lines and branches they have run. The
# build stays in build-coverage ($SC_COVERAGE_BUILD_DIR); counts of earlier runs are removed. A program
# that a test kills has no counts.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath -m "${SC_COVERAGE_BUILD_DIR:-$root/build-coverage}")

[ -f "$build/build.ninja" ] ||
  meson setup "$build" "$root" -Db_coverage=true -Dbuildtype=debug >/dev/null
find "$build" -name '*.gcda' -delete
if [ $# -gt 0 ]; then
  meson test -C "$build" "$@" >&2
else
  ninja -C "$build" >&2
  meson test -C "$build" --no-rebuild --suite unit --suite fuzz --suite flow >&2
fi

prefix=$(realpath --relative-to="$build" "$root")/
cd "$build"
find . -name '*.gcda' -print0 | xargs -0 -r gcov --branch-probabilities --no-output 2>/dev/null |
  awk -v prefix="$prefix" '
    function share(line) { # "Lines executed:50.00% of 8"
      split(line, part, /[:%]/)
      total = line; sub(/.* of /, "", total)
      return part[2] * total / 100
    }
    $1 == "File" {
      file = substr($0, 7, length($0) - 7)
      ours = index(file, prefix) == 1
      file = substr(file, length(prefix) + 1)
      ours = ours && file ~ /\.c$/ && file !~ /^tests\//
    }
    /^(Calls executed:|No calls)/ { ours = 0 } # the last of a file; after the last file is the sum
    # a source that several programs link has counts in each: the highest one is printed
    ours && /^Lines executed:/ {
      hit = share($0); lines[file] = total
      if (hit >= lines_hit[file]) lines_hit[file] = hit
    }
    ours && /^Taken at least once:/ {
      hit = share($0); branches[file] = total
      if (hit >= branches_hit[file]) branches_hit[file] = hit
    }
    function add(folder, file) {
      names[folder]; l[folder] += lines[file]; lh[folder] += lines_hit[file]
      b[folder] += branches[file]; bh[folder] += branches_hit[file]
    }
    function percent(hit, total) { return total ? 100 * hit / total : 100 }
    END {
      for (file in lines) {
        folder = file; sub(/\/[^\/]*$/, "", folder)
        add(folder, file); add("~all", file)
      }
      for (f in names)
        printf "%-24s %6.1f %% of %6d lines %6.1f %% of %6d branches\n", f, percent(lh[f], l[f]), l[f],
          percent(bh[f], b[f]), b[f]
    }' | LC_ALL=C sort | sed 's/^~all/all /'
