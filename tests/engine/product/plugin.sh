#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: plugin.sh KUBECTL_SC KUBECONFIG
# One container's life by the plugin's verbs alone. "hello" is there, asleep.
set -euo pipefail
program=$1
export KUBECONFIG=$2

sc() { "$program" "$@"; }

# expect CODE TEXT COMMAND…: it ends with CODE, and says TEXT
expect() {
  local want=$1 text=$2 said code=0
  shift 2
  said=$("$@" 2>&1) || code=$?
  if [ "$code" != "$want" ] || [[ $said != *"$text"* ]]; then
    echo "plugin.sh: $*: exit code $code, want $want and \"$text\": $said" >&2
    exit 1
  fi
}

# await TEXT COMMAND…: it says TEXT in the end
await() {
  local text=$1
  shift
  for _ in $(seq 150); do
    [[ $("$@" 2>&1) == *"$text"* ]] && return
    sleep 0.1
  done
  expect 0 "$text" "$@"
}

expect 0 'hello is Stopped' sc wait hello --for=Stopped
expect 0 'A request wakes it: http://hello.default.localhost:8080/' sc why hello
expect 1 'hello sleeps; wake it first' sc exec hello -- true
expect 0 'hello is Ready' sc start hello --wait
expect 0 'hello is awake' sc why hello
expect 0 'It is never stopped for idleness: spec.idle.timeout is 0s.' sc why hello
expect 0 'Pod:           hello' sc status hello
expect 0 'localhost/hello:1' sc list -o wide
if command -v kubectl >/dev/null; then
  expect 0 '' sc logs hello --tail 5
fi
expect 0 'hello is Stopped' sc stop hello --wait
expect 0 'hello is asleep' sc why hello
curl -fsS -o "$ENGINE_DIR/page" --max-time 30 "$(sc url hello)"
grep -q . "$ENGINE_DIR/page"
expect 0 'hello is Running' sc wait hello --for=Running
await 'Last woken by a request (HTTP), ' sc why hello
await 'ConsumerCreated' sc events hello
# a failure, and what to do about it: the default prefix is not this agent's
expect 0 'other created' sc create other --image=localhost/hello:1 -p 8080
expect 1 'PrefixNotAllowed' sc wait other --timeout 20s
expect 0 'use a hostPathPrefix that the message lists: kubectl edit stoppablecontainer other' sc why other
expect 0 'hello deleted' sc delete hello other --force
expect 0 'There is no StoppableContainer' sc list
