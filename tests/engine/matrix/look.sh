#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: look.sh PID
# What a container's process sees of itself, read from outside, so that any program will do: one
# sorted line for each thing.
set -u
pid=$1
root=$(readlink "/proc/$pid/root")
cwd=$(readlink "/proc/$pid/cwd")

tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's/^/command /; s/ *$/\n/'
tr '\n\0' '\001\n' <"/proc/$pid/environ" | LC_ALL=C sort | sed 's/^/env /'
echo "cwd ${cwd#"$root"}"
echo "host $(nsenter --target "$pid" --uts hostname)"
echo "umask $(awk '/^Umask:/ { print $2 }' "/proc/$pid/status")"
awk '/^(Uid|Gid|Groups|NoNewPrivs|Seccomp|CapInh|CapPrm|CapEff|CapBnd|CapAmb|SigBlk|SigIgn):/ { sub(/[ \t]+$/, ""); print "status " $0 }' "/proc/$pid/status"
sed -n '2,$s/  */ /gp' "/proc/$pid/limits" | sed 's/ $//; s/^/limit /'
echo "oom $(cat "/proc/$pid/oom_score_adj")"
echo "session $(awk '{ print ($6 == 0 ? "none" : "own") }' "/proc/$pid/stat")"
# where, read-only or not, and of which kind
awk '{ split($6, o, ","); for (i = 7; $i != "-"; i++); print "mount " $5, o[1], $(i + 1) }' "/proc/$pid/mountinfo" | LC_ALL=C sort
# names of the hosts that are not this container's own
awk '!/^#/ && NF { for (i = 2; i <= NF; i++) print "hosts " $i }' "/proc/$pid/root/etc/hosts" | LC_ALL=C sort -u
