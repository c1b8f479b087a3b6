#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No manifest that people copy says spec.running: applied again it would stop what is in use
# (docs/gitops.md).
set -eu
cd "$(dirname "$0")/../.."
git rev-parse --git-dir >/dev/null 2>&1 || exit 77
if git grep -nE '^ +running: (true|false)' -- README.md docs examples charts; then
	echo "these manifests write spec.running"
	exit 1
fi
