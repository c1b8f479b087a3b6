#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# format - every C source is laid out as .clang-format says (clang-format 14)
set -eu
cd "$(dirname "$0")/../.."
git rev-parse --git-dir >/dev/null 2>&1 || exit 77
git ls-files -z '*.[ch]' | xargs -0 "${CLANG_FORMAT:-clang-format}" --dry-run -Werror
