#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coverage - the script that tells coverage does, of one test: all of one small file, nothing else
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
SC_COVERAGE_BUILD_DIR=$scratch/build scripts/coverage.sh 'activator bucket' >"$scratch/table" 2>"$scratch/log" || {
	cat "$scratch/log"
	exit 1
}
cat "$scratch/table"
[ "$(wc -l <"$scratch/table")" = 2 ] # the folder and the sum
grep -Eq '^activator/core +(9|100)[0-9.]* % of +[1-9][0-9]* lines' "$scratch/table"
