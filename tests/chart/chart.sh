#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: chart.sh BUILD_DIR
# Runs chart.py with a helm that is built from its Go module once; skipped where there is no Go.
set -euo pipefail
cd "$(dirname "$0")/../.."
code=0
folder=$(bash tests/tools/kubernetes.sh helm) || code=$?
[ "$code" != 3 ] || exit 77
[ "$code" = 0 ] || exit "$code"
exec python3 tests/chart/chart.py "$folder/helm" "$1"
