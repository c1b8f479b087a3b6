#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [STEP…]
# The embedded engine on a stock Debian machine in QEMU, which emulates its processor: systemd, cgroup
# version 2 alone, AppArmor, the distribution's kernel. It is installed with its unit, checked,
# rebooted, loses its power, and each of its programs is killed. Half an hour; needs root for making
# the disk. The machine reaches no network; its port of ssh is forwarded on loopback.
# STEP: only these, by the names that are printed, after those that all others need.
# SC_VM_DIR: a folder that keeps the disk as it was built; a run that finds one there begins with it,
# whatever the tree has become since.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kept=${SC_VM_DIR:+$(realpath "$SC_VM_DIR")}
source=$(cd "$here/../.." && pwd)
boot_s=400  # until ssh answers
step_s=600  # a step
all_s=5400

for program in qemu-system-x86_64 ssh mke2fs mmdebstrap; do
  command -v "$program" >/dev/null || { echo "vm: $program is missing: scripts/install.sh test vm"; exit 1; }
done
tree=$(bash "$source/tests/tools/machine.sh") || exit 1

work=$(mktemp -d)
cd "$work" || exit 1
count=0
failed=0
wanted="$*"
told=first # what the container's disk has to have
# shellcheck disable=SC2317 # called by the trap
finish() {
  shell_end
  if [ -s qemu.pid ]; then kill "$(cat qemu.pid)" 2>/dev/null; fi
  wait
  cd / && rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- the machine ----

# Builds and installs the tree as any user would, then makes a disk of it: nothing is mounted here but
# in a mount namespace.
disk_make() {
  local root=$work/root
  if [ -s "${kept:-}/disk.raw" ]; then
    cp --sparse=always "$kept"/{disk.raw,vmlinuz,initrd.img,key} .
    return
  fi
  mkdir root && tar -xf "$tree" -C root || return
  mkdir "$root/opt/stoppablecontainer" &&
    git -C "$source" ls-files -z --cached --others --exclude-standard |
    tar -C "$source" --null --ignore-failed-read -T - -c 2>/dev/null | tar -x -C "$root/opt/stoppablecontainer" || return
  # shellcheck disable=SC2016 # for the shell inside
  unshare --mount --fork bash -euc '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 bash -euc "
      cd /opt/stoppablecontainer
      meson setup build --prefix=/usr -Dtests=false >/tmp/build.log
      ninja -C build >>/tmp/build.log || { grep -E \"error|FAILED\" /tmp/build.log; exit 1; }
      ninja -C build install >>/tmp/build.log"' build "$root" || return
  ssh-keygen -q -t ed25519 -N '' -f key
  echo vm >"$root/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 vm\n::1 localhost\n' >"$root/etc/hosts"
  echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
  install -d -m 700 "$root/root/.ssh" && install -m 600 key.pub "$root/root/.ssh/authorized_keys"
  printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/10-eth.network"
  printf '[Journal]\nStorage=persistent\n' >"$root/etc/systemd/journald.conf"
  chroot "$root" systemctl --quiet enable systemd-networkd ssh nftables
  chroot "$root" systemctl --quiet mask systemd-networkd-wait-online systemd-timesyncd networking \
    apt-daily.timer apt-daily-upgrade.timer podman-restart podman-auto-update podman-auto-update.timer \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap fstrim.timer
  : >"$root/etc/machine-id"
  cp "$root"/boot/vmlinuz-* vmlinuz && cp "$root"/boot/initrd.img-* initrd.img || return
  truncate -s 8G disk.raw && mke2fs -q -t ext4 -d root disk.raw || return
  rm -rf --one-file-system root
  [ -n "$kept" ] || return 0
  mkdir -p "$kept" && cp vmlinuz initrd.img key "$kept" &&
    cp --sparse=always disk.raw "$kept/disk.new" && mv "$kept/disk.new" "$kept/disk.raw"
}

monitor() { # monitor COMMAND
  python3 - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("monitor")
s.settimeout(10)
def answer():
    text = b""
    while not text.endswith(b"(qemu) "):
        part = s.recv(65536)
        if not part:
            break
        text += part
    return text.decode(errors="replace")
answer()
s.sendall(sys.argv[1].encode() + b"\n")
print(answer())
END
}

# The disk is a file, and what the machine wrote to it is kept when its process is killed. What an
# emulated processor is slow at is left out: vectors and nested guests, clocks that are read from a
# device, work against faults of real processors, every message of a boot.
machine_start() {
  rm -f qemu.pid monitor serial.log
  qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu qemu64,+rdrand,-svm -smp 2 -m 3072 \
    -kernel vmlinuz -initrd initrd.img \
    -append "root=/dev/vda rw console=ttyS0 quiet mitigations=off clocksource=tsc tsc=reliable" \
    -drive if=virtio,file=disk.raw,format=raw,cache=unsafe \
    -netdev user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net-pci,netdev=n \
    -device virtio-rng-pci -display none -no-reboot -serial file:serial.log \
    -monitor unix:monitor,server,nowait -pidfile qemu.pid </dev/null >qemu.log 2>&1 &
  for _ in $(seq 100); do [ -s qemu.pid ] && [ -S monitor ] && break; sleep 0.1; done
  port=$(monitor 'info usernet' | awk '/HOST_FORWARD/ { print $4; exit }')
  [ -n "$port" ]
}

# One connection serves all commands: a log-in takes the machine seconds. session=own: as a log-in.
shell() { # shell SECONDS COMMAND…
  local seconds=$1 share=(-o ControlMaster=auto -o ControlPath=master -o ControlPersist=yes)
  shift
  [ -z "${session:-}" ] || share=(-o ControlPath=none)
  timeout "$seconds" ssh -q -i key -p "$port" "${share[@]}" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ConnectTimeout=60 -o ServerAliveInterval=15 -o ServerAliveCountMax=20 root@127.0.0.1 "$@"
}
shell_end() { ssh -q -o ControlPath=master -O exit root@127.0.0.1 2>/dev/null; }
inside() { # inside CMD [ARG…]
  # shellcheck disable=SC2016 # for the shell inside, which reads the whole before it begins
  shell "$step_s" 'bash -c "$(cat)" inside.sh' "$(printf '%q ' "$@")" <"$here/inside.sh"
}

# The console asks for a log-in first: a connection to a machine that is not there yet would be tried
# again too late.
boot_waited() {
  local end=$((SECONDS + boot_s))
  until grep -aqs 'vm login:' serial.log && shell 90 true </dev/null 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 20 serial.log; return 1; }
    sleep 0.5
  done
}
machine_gone() { # machine_gone SECONDS
  shell_end
  timeout "$1" tail --pid="$(cat qemu.pid)" -s 0.2 -f /dev/null
}
# An emulator that goes on has to find each piece of the last boot's code that this one overwrites,
# which takes minutes: each boot has one of its own.
cut_power() {
  kill -KILL "$(cat qemu.pid)" && machine_gone 10 && machine_start && boot_waited && inside ready
}

# ---- steps ----

# step NAME DESCRIPTION CMD…: where steps were named on the command line, only if it is one of them
step() {
  case " ${wanted:-$1} " in *" $1 "*) ;; *) return 0 ;; esac
  must "$@" || true
}
must() { # as step, and all that comes after needs it
  local name=$1 what=$2 begun=$SECONDS
  shift 2
  count=$((count + 1))
  [ "$SECONDS" -lt "$all_s" ] || { echo "not ok $count - $name: the machine was too slow: $all_s s are over"; exit 1; }
  if "$@" >out 2>&1; then
    echo "ok $count - $name: $what ($((SECONDS - begun)) s)"
  else
    failed=$((failed + 1))
    echo "not ok $count - $name: $what ($((SECONDS - begun)) s)"
    [ ! -S master ] || inside sight >>out 2>&1
    tail -n 120 out | sed 's/^/# /'
    return 1
  fi
}

is_told() { inside noted app "$told"; }
tell() { inside note app "$1" && told=$1; }

reboot_orderly() {
  shell 60 systemctl reboot </dev/null
  machine_gone "$boot_s" && machine_start && boot_waited && inside ready && is_told
}

# cut_after TEXT [STEP…]: TEXT is told, STEP, the end of the power, and TEXT is there
cut_after() {
  local text=$1
  shift
  tell "$text" || return
  if [ $# -gt 0 ]; then inside "$@" || return; fi
  cut_power && is_told
}

new_object_is_there() {
  cut_after "$1" new_object later && inside answers later
}

first_start_is_whole() {
  inside first_start && cut_power && inside first
}

goes_on_without_its_terminal() {
  shell 120 systemctl disable --now sc-local </dev/null && session=own inside by_hand && inside by_hand_goes_on "$told"
  local code=$?
  shell 120 systemctl enable --now sc-local </dev/null && return "$code"
}

must build 'the tree is built and installed on a machine of its own' disk_make || exit 1
must boot 'it boots' machine_start || exit 1
must ssh 'ssh answers' boot_waited || exit 1
step check 'the check' inside the_check
must unit 'the unit starts the engine' inside unit_starts || exit 1
must first 'a container answers' inside first || exit 1
step limits 'its limits are the kernel'\''s' inside limits
step oom 'a kill for want of memory is told as such' inside oom
step reload 'systemd reads its units anew and nothing ends' inside reload "$told"
step flush 'flushed rules are made anew' inside flush "$told"
for program in sc-controller sc-activator sc-idle-monitor sc-node-agent sc-local podman; do
  step "kill-$program" "$program is killed and started again" inside kill_program "$program" "$told"
done
step main 'the unit'\''s main process is killed' inside main_killed "$told"
step main-group 'the same under a unit that kills all of its cgroup' inside main_killed_in_another_unit "$told"
step monitors 'all monitors are killed' inside monitors_killed "$told"
step reboot 'an orderly reboot' reboot_orderly
step cut-idle 'a power cut while it is idle' cut_after second
step cut-flight 'a power cut while a request is answered' cut_after third in_flight app
step cut-wake 'a power cut in a wake' cut_after fourth in_a_wake app
step cut-stop 'a power cut in a stop' cut_after fifth stop app
step cut-new 'a power cut after a new image and a new object' new_object_is_there sixth
step unit-stop 'the unit stops and leaves nothing' inside unit_stops
step by-hand 'an engine that was started by hand outlives the session' goes_on_without_its_terminal
step cut-first 'a power cut after the first start of all' first_start_is_whole
shell 60 systemctl poweroff </dev/null
machine_gone 60
echo "1..$count ($SECONDS s; the load of the last minutes: $(cut -d ' ' -f 1-3 /proc/loadavg))"
[ "$failed" = 0 ]
