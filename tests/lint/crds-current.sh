#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# crds-current - the generated CustomResourceDefinitions are what their sources make of them
set -eu
exec python3 "$(dirname "$0")/../../crds/generate.py" --check
