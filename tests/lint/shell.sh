#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shell - every shell script parses, and shellcheck has no warning about it
# (each by itself: given together, those that are sourced are read again for each that does)
set -eu
cd "$(dirname "$0")/../.."
git rev-parse --git-dir >/dev/null 2>&1 || exit 77
git ls-files -z '*.sh' '.ci/run' | xargs -0 -n 1 bash -n
git ls-files -z '*.sh' '.ci/run' | xargs -0 -n 1 shellcheck --severity=warning
