#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh
# The embedded engine on a stock Debian machine in QEMU, which emulates its processor: systemd, cgroup
# version 2 alone, AppArmor, the distribution's kernel. It is installed with its unit, checked,
# rebooted, loses its power, and each of its programs is killed. Half an hour; needs root for making
# the disk. The machine reaches no network; its port of ssh is forwarded on loopback.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
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
# shellcheck disable=SC2317 # called by the trap
finish() {
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
  chroot "$root" systemctl --quiet mask systemd-networkd-wait-online systemd-timesyncd apt-daily.timer \
    apt-daily-upgrade.timer podman-restart podman-auto-update.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
  : >"$root/etc/machine-id"
  cp "$root"/boot/vmlinuz-* vmlinuz && cp "$root"/boot/initrd.img-* initrd.img || return
  truncate -s 8G disk.raw && mke2fs -q -t ext4 -d root disk.raw || return
  rm -rf --one-file-system root
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

# What the guest has flushed is kept by this process: a reset of the machine loses its memory only.
machine_start() {
  qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max -smp 2 -m 3072 \
    -kernel vmlinuz -initrd initrd.img -append "root=/dev/vda rw console=ttyS0" \
    -drive if=virtio,file=disk.raw,format=raw,cache=unsafe \
    -netdev user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net-pci,netdev=n \
    -device virtio-rng-pci -display none -serial file:serial.log \
    -monitor unix:monitor,server,nowait -pidfile qemu.pid </dev/null >qemu.log 2>&1 &
  for _ in $(seq 100); do [ -s qemu.pid ] && [ -S monitor ] && break; sleep 0.1; done
  port=$(monitor 'info usernet' | awk '/HOST_FORWARD/ { print $4; exit }')
  [ -n "$port" ]
}

shell() { # shell SECONDS COMMAND…
  local seconds=$1
  shift
  timeout "$seconds" ssh -q -i key -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ConnectTimeout=60 -o ServerAliveInterval=15 -o ServerAliveCountMax=20 root@127.0.0.1 "$@"
}
inside() { # inside CMD [ARG…]
  # shellcheck disable=SC2016 # for the shell inside, which reads the whole before it begins
  shell "$step_s" 'bash -c "$(cat)" inside.sh' "$(printf '%q ' "$@")" <"$here/inside.sh"
}

boot_id() { shell 90 cat /proc/sys/kernel/random/boot_id </dev/null 2>/dev/null; }
boot_waited() { # boot_waited [ID]: a boot other than ID
  local end=$((SECONDS + boot_s)) id
  until id=$(boot_id) && [ -n "$id" ] && [ "$id" != "${1:-}" ]; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 20 serial.log; return 1; }
    sleep 1
  done
}
cut_power() { # cut_power ID
  monitor system_reset >/dev/null && boot_waited "$1" && inside ready
}

# ---- steps ----

step() { # step DESCRIPTION CMD…
  local what=$1 begun=$SECONDS
  shift
  count=$((count + 1))
  [ "$SECONDS" -lt "$all_s" ] || { echo "not ok $count - the machine was too slow: $all_s s are over"; exit 1; }
  if "$@" >out 2>&1; then
    echo "ok $count - $what ($((SECONDS - begun)) s)"
  else
    failed=$((failed + 1))
    echo "not ok $count - $what ($((SECONDS - begun)) s)"
    tail -n 30 out | sed 's/^/# /'
    return 1
  fi
}

reboot_orderly() { # reboot_orderly TEXT
  local id
  id=$(boot_id) && [ -n "$id" ] || return
  shell 60 systemctl reboot </dev/null
  boot_waited "$id" && inside ready && inside noted app "$1"
}

# cut_after TEXT [STEP…]: TEXT is told, STEP, the end of the power, and TEXT is there
cut_after() {
  local id text=$1
  shift
  id=$(boot_id) && [ -n "$id" ] || return
  inside note app "$text" || return
  if [ $# -gt 0 ]; then inside "$@" || return; fi
  cut_power "$id" && inside noted app "$text"
}

new_object_is_there() {
  cut_after "$1" new_object later && inside answers later
}

first_start_is_whole() {
  local id
  id=$(boot_id) && [ -n "$id" ] || return
  inside first_start && cut_power "$id" && inside first
}

goes_on_without_its_terminal() { # TEXT
  shell 120 systemctl disable --now sc-local </dev/null && inside by_hand && inside by_hand_goes_on "$1"
}

step 'the tree is built and installed on a machine of its own' disk_make || exit 1
step 'it boots' machine_start || exit 1
step 'ssh answers' boot_waited || exit 1
step 'the check' inside the_check
step 'the unit starts the engine' inside unit_starts || exit 1
step 'a container answers' inside first || exit 1
step 'its limits are the kernel'\''s' inside limits
step 'a kill for want of memory is told as such' inside oom
step 'systemd reads its units anew and nothing ends' inside reload first
step 'flushed rules are made anew' inside flush first
for program in sc-controller sc-activator sc-idle-monitor sc-node-agent sc-local podman; do
  step "$program is killed and started again" inside kill_program "$program" first
done
step 'the unit'\''s main process is killed' inside main_killed first
step 'the same under a unit that kills all of its cgroup' inside main_killed_in_another_unit first
step 'all monitors are killed' inside monitors_killed first
step 'an orderly reboot' reboot_orderly first
step 'a power cut while it is idle' cut_after second
step 'a power cut while a request is answered' cut_after third in_flight app
step 'a power cut in a wake' cut_after fourth in_a_wake app
step 'a power cut in a stop' cut_after fifth stop app
step 'a power cut after a new image and a new object' new_object_is_there sixth
step 'the unit stops and leaves nothing' inside unit_stops
step 'an engine that was started by hand outlives the session' goes_on_without_its_terminal sixth
shell 120 systemctl enable --now sc-local </dev/null
step 'a power cut after the first start of all' first_start_is_whole
shell 60 systemctl poweroff </dev/null
for _ in $(seq 60); do kill -0 "$(cat qemu.pid 2>/dev/null)" 2>/dev/null || break; sleep 1; done
echo "1..$count"
[ "$failed" = 0 ]
