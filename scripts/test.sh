#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: test.sh [SUITE…]
# Installs what the tests need, builds with sanitizers and without, runs the suites (all of: unit,
# lint, fuzz, images, chart, flow, engine, matrix, cluster) and the quickstart's check, sees that
# nothing was left behind on the machine, and ends with the counts. Needs root for images, engine,
# matrix, cluster, the check and vm: a stock machine in QEMU, half an hour, by name only.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(unit lint fuzz images chart flow engine matrix cluster quickstart)
checked=${SC_TEST_BUILD_DIR:-build-test}
export SC_RELEASE_BUILD_DIR=${SC_RELEASE_BUILD_DIR:-$PWD/build}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

passed=0
failed=()

# What a test may not leave: mounts, namespaces, links, containers' cgroups, processes of ours.
traces() {
  awk '{ print "mount " $5 }' /proc/self/mountinfo
  ip -o link | awk '{ print "link " $2 }' | sed 's/@.*//'
  ip netns list | sed 's/^/netns /'
  find /sys/fs/cgroup -maxdepth 3 -type d \( -name 'sc-*' -o -name 'libpod*' \) | sed 's/^/cgroup /'
  # one that has ended and waits only for process 1 to notice is gone as far as we can make it
  for status in /proc/[0-9]*/status; do
    awk '$1 == "Name:" { name = $2 } $1 == "State:" { state = $2 } $1 == "PPid:" { parent = $2 }
      END { if (name ~ /^(sc-.*|conmon)$/ && !(state == "Z" && parent == 1)) print "process " name }' \
      "$status" 2>/dev/null
  done
  iptables-save 2>/dev/null | grep '^-A' | sed 's/^/rule /'
  nft list tables 2>/dev/null | sed 's/^/nft /'
  [ -z "${tools:-}" ] || find "$tools/tmp" -mindepth 1 -maxdepth 1 | sed 's/^/folder /'
}

purposes=(build run test)
case " ${suites[*]} " in *' vm '*) purposes+=(vm) ;; esac
bash scripts/install.sh "${purposes[@]}" || exit 1
before=$(traces | sort)

[ -f "$checked/build.ninja" ] || meson setup "$checked" -Dwerror=true -Db_sanitize=address,undefined >/dev/null || exit 1
[ -f "$SC_RELEASE_BUILD_DIR/build.ninja" ] || meson setup "$SC_RELEASE_BUILD_DIR" -Dtests=false >/dev/null || exit 1
ninja -C "$checked" | tail -n 1
[ "${PIPESTATUS[0]}" = 0 ] || { ninja -C "$checked" | grep -E 'error|warning' | head -n 40; exit 1; }
ninja -C "$SC_RELEASE_BUILD_DIR" | tail -n 1
[ "${PIPESTATUS[0]}" = 0 ] || exit 1

# the newest kubectl that is supported; where it cannot be built, the one that is installed
if programs=$(bash tests/tools/kubernetes.sh kubectl); then
  kubectl=$programs/kubectl
else
  [ $? = 3 ] || exit 1
  kubectl=$(command -v kubectl) || exit 1
fi
tools=$(mktemp -d)
cluster=
cleanup() {
  [ -z "$cluster" ] || { kill -- "-$cluster" && wait "$cluster"; } 2>/dev/null
  rm -rf "$tools"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
mkdir "$tools/bin" "$tools/tmp"
ln -s "$kubectl" "$tools/bin/kubectl"
export PATH="$tools/bin:$PATH" TMPDIR="$tools/tmp"

# The cluster waits for most of its time, and so do the tests of the engine: they run beside each
# other, in namespaces of their own.
cluster_start() {
  [ -z "$cluster" ] || return 0
  setsid bash tests/cluster/run.sh --nodes 1 >"$tools/cluster" 2>&1 &
  cluster=$!
}

cluster_end() {
  local code=0
  wait "$cluster" || code=$?
  cluster=
  cat "$tools/cluster"
  tap_count cluster "$code" "$tools/cluster"
}

# tap_count SUITE CODE FILE: of those that say themselves what is ok and what is not
tap_count() {
  local lines
  passed=$((passed + $(grep -c '^ok ' "$3")))
  mapfile -t lines < <(sed -n "s/^not ok /$1: /p" "$3")
  [ "$2" = 0 ] || [ ${#lines[@]} -gt 0 ] || lines=("$1: it could not be run")
  failed+=("${lines[@]}")
}

for suite in "${suites[@]}"; do
  printf '\n== %s\n' "$suite"
  if [ "$suite" = quickstart ]; then
    if bash scripts/quickstart.sh --check; then passed=$((passed + 1)); else failed+=(quickstart); fi
    continue
  fi
  if [ "$suite" = cluster ]; then
    cluster_start
    cluster_end
    continue
  fi
  if [ "$suite" = vm ]; then
    bash tests/vm/run.sh | tee "$tools/vm"
    code=${PIPESTATUS[0]}
    tap_count vm "$code" "$tools/vm"
    continue
  fi
  jobs=2
  if [ "$suite" = engine ]; then
    jobs=1
    case " ${suites[*]} " in *" cluster "*) cluster_start ;; esac
  fi
  meson test -C "$checked" --no-rebuild --suite "$suite" --num-processes "$jobs" --print-errorlogs
  while IFS=$'\t' read -r result name; do
    case "$result" in
      OK | EXPECTEDFAIL) passed=$((passed + 1)) ;;
      *) failed+=("$suite: $name ($result)") ;;
    esac
  done < <(jq -r '[.result, .name] | @tsv' "$checked/meson-logs/testlog.json")
done

printf '\n== left behind\n'
after=$(traces | sort)
if left=$(comm -13 <(echo "$before") <(echo "$after")) && [ -z "$left" ]; then
  echo nothing
  passed=$((passed + 1))
else
  printf '%s\n' "$left"
  failed+=("something was left behind on the machine")
fi

[ ${#failed[@]} -eq 0 ] || printf 'FAILED %s\n' "${failed[@]}"
printf '\n%d passed, %d failed\n' "$passed" "${#failed[@]}"
[ ${#failed[@]} -eq 0 ]
