#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: generate-options.sh BUILD_DIR [--check]
# Writes configuration.md from what the built programs say with --help; --check only compares.
set -euo pipefail
cd "$(dirname "$0")"

build=$(cd .. && cd "$1" && pwd)
page=configuration.md

section() {
  printf '\n## %s\n\n```\n' "$1"
  shift
  "$@" --help
  printf '```\n'
}

write() {
  cat <<'END'
# Configuration

Every option of every program, as the programs tell them themselves (`docs/generate-options.sh` writes this page; a lint test compares it).

An option is a flag, an environment variable or a line of a YAML file given with `--config`. A flag wins over its environment variable, that over the file, that over the default. In the file the words of a flag are in camelCase and groups nest: `--idle-startup-grace 30s` is `idle: {startupGrace: 30s}`. A key that does not exist is an error that names its line, so that a misspelt one is not ignored.

Durations are `500ms`, `30s`, `5m`, `1h30m`; sizes are `64Mi`, `1Gi` or bytes. An option shown with `…` is a list: given more than once, or with commas.

`sc-local up` starts all programs with what they need; on one machine only its options matter, but for `SC_LOG_LEVEL` and `SC_LOG_FORMAT`, which all programs read.
END
  section sc-local "$build/local/sc-local"
  for command in up down status kubeconfig podman serve; do
    section "sc-local $command" "$build/local/sc-local" "$command"
  done
  section sc-controller "$build/controller/sc-controller"
  section sc-activator "$build/activator/sc-activator"
  section sc-idle-monitor "$build/idle-monitor/sc-idle-monitor"
  section sc-node-agent "$build/agent/sc-node-agent"
  section sc-wrapper "$build/wrapper/sc-wrapper"
}

if [ "${2:-}" = --check ]; then
  write | diff -u "$page" - || { echo "docs/$page is not current: run docs/generate-options.sh BUILD_DIR" >&2; exit 1; }
else
  write >"$page.new"
  mv "$page.new" "$page"
fi
