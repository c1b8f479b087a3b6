#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: generate-cli.sh BUILD_DIR [--check]
# Writes cli.md from what the built plugin says with --help; --check only compares.
set -euo pipefail
cd "$(dirname "$0")"

program=$(cd .. && cd "$1" && pwd)/cli/kubectl-sc
page=cli.md

write() {
  cat <<'END'
# kubectl sc

`kubectl-sc` is a plugin of kubectl: a file of that name in `PATH` makes `kubectl sc`. It works on a cluster and on `sc-local` alike (`export KUBECONFIG=$(sc-local kubeconfig --path)`), and stands alone, too: `kubectl-sc list`. This page is made of what the plugin itself tells (`docs/generate-cli.sh`; a lint test compares it).

## How it behaves

- **Where it asks.** `--kubeconfig`, else `KUBECONFIG`, else the service account of the Pod it runs in, else `~/.kube/config`; `--context` and `-n` as in kubectl. Users with a token, a token file, a client certificate or a credential program (`exec`, `client.authentication.k8s.io/v1`) are understood; the old `auth-provider` is not.
- **exec, logs, cp** are kubectl's own: the plugin finds the Pod that runs the container now, and its main container, and becomes `kubectl exec`, `logs` or `cp`, which must be in `PATH`. Its exit code is kubectl's, and so the command's. A container that sleeps is not woken by the way: `exec` and `cp` say so and end, unless `--start` is given. `logs` of a sleeping container do not exist: they went with its Pod.
- **What it prints** goes to standard output, and what went wrong to standard error as `error: WHAT; WHAT TO DO`. `-o json` and `-o yaml` are for programs; in texts and tables control characters of others (an image's name, a registry's words) are shown as `?`.
- **sc or sc?** On a cluster the short name `sc` of `kubectl get sc` is StorageClass's, which Kubernetes prefers; write `kubectl get sctr`, `kubectl get stoppablecontainers`, or `kubectl sc list`. A plugin is found by its first word, so `kubectl sc` is always this one.
- **With several names** all are done, each failure is told, and the first one decides the exit code.
- **`list --watch`** prints a line for each change. A server that is away is waited for. Ctrl-C ends it with 130.
- **`wait`, and `--wait` of start and stop,** believe only what was said of the object's newest generation, so that the state of before is not taken for the one that was asked for.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | the command line is wrong; nothing was asked of the server |
| 3 | there is no such object |
| 4 | timed out |
| 130, 143 | ended by Ctrl-C, by SIGTERM |
| other | of `exec`: the command's; of `logs` and `cp`: kubectl's |

## Completion

For `kubectl sc …` kubectl (1.26 and newer) asks `kubectl_complete-sc`, which is installed beside the plugin; nothing has to be set up but kubectl's own completion. For `kubectl-sc …` as a command of its own: `source <(kubectl-sc completion bash)`, or `zsh`, `fish`.

## From the existing operator's plugin

The verbs and flags of the existing operator's `kubectl sc` have the same names here. What differs:

- `create` without a command runs the image's own; there it was `sleep infinity`.
- `exec`, `logs` take the container's Pod from its status; a Pod `NAME-consumer` does not exist.
- `delete --force` ends the process at once and still lets the node agent remove the files; `--abandon-rootfs` is for a node that is gone.
- `start --wait` waits until the port answers (`Ready`), not only for the phase.
END
  printf '\n## Verbs\n\n```\n'
  "$program" --help
  printf '```\n'
  for verb in $("$program" __complete '' | sed -n 's/^\([a-z]*\)\t.*/\1/p'); do
    printf '\n### %s\n\n```\n' "$verb"
    # the flags of all verbs are above
    "$program" "$verb" --help | sed -e '/^Flags of all verbs:/,$d' -e '/^Flags:$/{N;/\n$/d;}' |
      sed -e :a -e '/^\n*$/{$d;N;ba;}'
    printf '```\n'
  done
}

if [ "${2:-}" = --check ]; then
  write | diff -u "$page" - || { echo "docs/$page is not current: run docs/generate-cli.sh BUILD_DIR" >&2; exit 1; }
else
  write >"$page.new"
  mv "$page.new" "$page"
fi
