#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: quickstart.sh [--check]
# Installs what is needed, builds, starts the engine on this machine and shows a container that
# sleeps, wakes on a request, keeps its disk, and falls asleep again. The engine goes on running.
# --check: on ports and folders of its own beside a running engine; ends it, removes everything it
# made, prints one line a figure; exit code 0 only if all of it held.
set -euo pipefail
cd "$(dirname "$0")/.."

check=false
case "${1:-}" in
  "") ;;
  --check) check=true ;;
  -h | --help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "quickstart.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "quickstart.sh: run as root: it makes containers and their networks" >&2; exit 1; }

build=${SC_RELEASE_BUILD_DIR:-build}
resumes=10
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
now_ms() { date +%s%3N; }
failed=()
fail() { failed+=("$1"); printf 'FAILED: %s\n' "$1" >&2; }

say "1. Packages and programs"
bash scripts/install.sh build run
[ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=false >/dev/null
ninja -C "$build" | tail -n 1

sc="$build/local/sc-local"
web=8080
place=()
options=(--crds-dir "$PWD/crds")
rootfs=/var/lib/stoppablecontainer
if $check; then
  scratch=$(mktemp -d /tmp/sc-check.XXXXXX)
  web=18080
  rootfs=$scratch/rootfs
  place=(--state-dir "$scratch/state" --run-dir "$scratch/run")
  options+=(--listen 127.0.0.1:16443 --http-listen "127.0.0.1:$web" --admin-port 19440
    --bridge sccheck0 --subnet 10.214.0.1/16 --cgroup-root "$(basename "$scratch")"
    --host-path-prefixes "$rootfs")
fi
podman() { "$sc" podman "${place[@]}" -- "$@"; }
url=http://hello.default.localhost:$web
get() { curl -sS --max-time 60 "$@"; }

# shellcheck disable=SC2317 # called by the trap
cleanup() {
  "$sc" down "${place[@]}" >/dev/null || true
  rm -rf --one-file-system "$scratch"
}
if $check; then trap cleanup EXIT; fi

say "2. The engine"
log=$(mktemp)
if ! "$sc" up --detach "${place[@]}" "${options[@]}" >"$log" 2>&1; then
  cat "$log" >&2
  rm -f "$log"
  echo "quickstart.sh: the engine did not start; the last lines above say why" >&2
  exit 1
fi
rm -f "$log"
"$sc" status "${place[@]}"
# curl and browsers know that *.localhost is this machine; other programs ask the system
resolves=no
if getent ahosts hello.default.localhost | grep -qE '^(127\.0\.0\.1|::1) '; then
  resolves=yes
else
  echo "NAME.NAMESPACE.localhost works in curl and browsers only. For all programs: add myhostname"
  echo "(Debian: libnss-myhostname) to the line \"hosts:\" of /etc/nsswitch.conf, before dns."
fi
! $check || [ "$resolves" = yes ] || fail "hello.default.localhost is not this machine"
KUBECONFIG=$("$sc" kubeconfig "${place[@]:0:2}" --path)
export KUBECONFIG
sh examples/hello/make-image.sh "$sc" podman "${place[@]}" -- >/dev/null 2>&1

say "3. A container, asleep"
# an older kubectl validates on its own side, by a list of types that it does not get from us
manifest() {
  if $check; then sed "s#^spec:#spec:\n  hostPathPrefix: $rootfs#" examples/hello.yaml; else cat examples/hello.yaml; fi
}
manifest | kubectl apply -f -
kubectl get stoppablecontainers

say "4. A request for it is held, wakes it, and is answered"
start=$(now_ms)
code=$(get -o /dev/null -w '%{http_code}' "$url/") || code=000
cold_ms=$(($(now_ms) - start))
echo "GET $url/ -> $code after $cold_ms ms (the very first: its root filesystem was prepared, too)"
[ "$code" = 200 ] || fail "the cold request was answered $code"

say "5. Something is written inside"
get -d note=kept "$url/cgi-bin/note"
echo
uid=$(kubectl get sci hello -o jsonpath='{.metadata.uid}')
folder=$(kubectl get sci hello -o jsonpath='{.status.hostPath}')
[ -n "$uid" ] && [ -f "$folder/upper/var/note.txt" ] || fail "the note is not below $folder"

say "6. Nobody asks for anything: after 5 s it falls asleep"
start=$(now_ms)
kubectl wait stoppablecontainer/hello --for=jsonpath='{.status.phase}'=Stopped --timeout=30s >/dev/null 2>&1 ||
  until [ "$(kubectl get sc hello -o jsonpath='{.status.phase}')" = Stopped ] || [ $(($(now_ms) - start)) -gt 30000 ]; do
    sleep 0.2
  done
idle_ms=$(($(now_ms) - start))
reason=$(kubectl get sc hello -o jsonpath='{.status.idle.lastStopReason}')
stopped_by=other
case "$reason" in "no request for 5s"*) stopped_by=idle ;; esac
echo "asleep after $idle_ms ms: $reason"
[ "$stopped_by" = idle ] || fail "it was not stopped for idleness: \"$reason\""
if podman ps --format '{{.Names}}' | grep -q '_main_hello_'; then fail "its process still runs"; fi
kept=no
if grep -qs note=kept "$folder/upper/var/note.txt"; then kept=yes; fi
echo "its process is gone; the file is still there: $(cat "$folder/upper/var/note.txt")"

say "7. The next request resumes it, and it reads its file"
start=$(now_ms)
note=$(get "$url/cgi-bin/note") || note=
resume_ms=$(($(now_ms) - start))
echo "GET $url/cgi-bin/note -> \"$note\" after $resume_ms ms"
manifest | kubectl apply -f - >/dev/null
[ "$(kubectl get sc hello -o jsonpath='{.spec.running}')" = true ] || fail "the same manifest, applied again, stopped it"
[ "$note" = note=kept ] || kept=no
[ "$kept" = yes ] || fail "the file was not kept: \"$note\""

say "8. kubectl stops and starts it by hand, $resumes times"
times=()
for _ in $(seq "$resumes"); do
  kubectl patch sc hello --type=merge -p '{"spec":{"running":false}}' >/dev/null
  deadline=$(($(now_ms) + 20000))
  until [ "$(kubectl get sc hello -o jsonpath='{.status.phase}')" = Stopped ] || [ "$(now_ms)" -gt "$deadline" ]; do
    sleep 0.1
  done
  ms=$(get -o /dev/null -w '%{http_code} %{time_starttransfer}' "$url/" | awk '$1 == 200 { printf "%d", $2 * 1000 }')
  if [ -n "$ms" ]; then times+=("$ms"); else fail "a resume was not answered 200"; fi
done
resume_p50_ms=$(printf '%s\n' "${times[@]}" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
echo "first byte after: ${times[*]} ms; p50 $resume_p50_ms ms"
kubectl patch sc hello --type=merge -p '{"spec":{"running":false}}'
kubectl patch sc hello --type=merge -p '{"spec":{"running":true}}'
kubectl get sc hello

rss_total_kib=$("$sc" status "${place[@]}" --output json | jq '[.[].rssKiB] | add')

if $check; then
  kubectl delete sc hello --timeout=30s >/dev/null || fail "it could not be deleted"
  [ ! -e "$folder" ] || fail "its root filesystem was not removed"
  printf '\n'
  printf '%s\n' "cold_ms=$cold_ms" "resume_ms=$resume_ms" "resume_p50_ms=$resume_p50_ms" \
    "kept=$kept" "stopped_by=$stopped_by" "resolves=$resolves" "rss_total_kib=$rss_total_kib"
  [ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}" >&2; exit 1; }
  exit 0
fi

say "The engine goes on running ($rss_total_kib KiB resident in all). Try:"
cat <<END
  export KUBECONFIG=$KUBECONFIG
  kubectl get sc -w                          # watch it fall asleep
  curl $url/                                 # wake it; in a browser too
  kubectl describe sc hello                  # why it is as it is
  $PWD/$sc status
  $PWD/$sc down                              # end the engine; the disks stay
END
[ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}" >&2; exit 1; }
