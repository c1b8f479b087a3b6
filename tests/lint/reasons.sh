#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every reason that the code gives is in docs/reasons.md.
# usage: reasons.sh SOURCE_DIR
set -eu
cd "$1"
given() {
  # conditions and Events of the controller
  grep -ohE '(say\(|refused\[|reason != NULL \?|_CONSUMER\] =|_PROVIDER\] =|_SERVICE\] =).*"[A-Z][A-Za-z]+"' \
    controller/core/*.c controller/io/*.c
  grep -ohE 'X\([A-Z_]+, *"[A-Z][A-Za-z]+"' controller/core/status.h
  grep -ohE '"[A-Z][A-Za-z]+(Changed|Conflict|Rejected|Invalid|NextStart)"' controller/*/*.c
  grep -ohE 'is_quota \? .*|invalid_reason = "[A-Z][A-Za-z]+"' controller/core/*.c
  # the agent's
  grep -ohE '(instance_fail|rootfs_fail|consumer_say)\([^"]*"[A-Z][A-Za-z]+".*' agent/io/*.c agent/io/*/*.c
  grep -ohE 'full \? "[A-Za-z]+"|"UnsafeMountPoint"|"Files[A-Z][a-z]+"|"Command[A-Za-z]+"' agent/io/*.c agent/io/*/*.c
  # Events
  grep -ohE 'recorder_event\([^"]*"[A-Z][A-Za-z]+"' controller/io/*.c idle-monitor/io/*.c
  # the activator's answers, by their labels
  grep -ohE '^END_REASON\([A-Z_]+, *"[a-z_]+"' activator/core/end_reason.def
}
words=$(given | grep -oE '"[A-Za-z_]+"' | tr -d '"' | sort -u)
missing=0
count=0
for word in $words; do
  count=$((count + 1))
  if ! grep -q "\`$word\`" docs/reasons.md; then
    echo "docs/reasons.md lacks $word" >&2
    missing=1
  fi
done
[ "$count" -ge 60 ] || { echo "only $count reasons found: has the code changed its form?" >&2; exit 1; }
exit $missing
