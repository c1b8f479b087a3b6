#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: node-init.sh STATE-FOLDER NUMBER CGROUP PROGRAMS-FOLDER
# The first process of a node, in new namespaces of every kind but user: builds the node's root file
# system (this machine's /usr to read, a disk of its own for /etc and /var, the rest in memory), makes
# it the root, and becomes the reaper.
set -euo pipefail
state=$1 number=$2 cgroup=$3 programs=$4
disk=$state/nodes/$number
root=$state/root

mkdir -p "$root"
mount -t tmpfs -o mode=755 node "$root"
cd "$root"
mkdir -p etc home mnt opt/kubernetes opt/cluster proc root run srv sys dev tmp usr var
chmod 1777 tmp

for place in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$place" ]; then
    cp -a "/$place" .
  elif [ -d "/$place" ]; then
    mkdir "$place"
    mount --bind "/$place" "$place"
    mount -o remount,bind,ro "$place"
  fi
done
bind_to_read() {
  mount --bind "$1" "$2"
  mount -o remount,bind,ro "$2"
}
bind_to_read /usr usr
bind_to_read "$programs" opt/kubernetes
bind_to_read "$state/bin" opt/cluster
mount --bind "$disk/etc" etc
mount --bind "$disk/var" var
mount --bind "$state/log" var/log/cluster
mount -t tmpfs -o mode=755 run run
mkdir -p run/cluster run/lock
mount --bind "$state/run/node-$number" run/cluster

mount -t proc proc proc
# a kernel's settings that a kubelet wants, and would set for the whole machine: it reads that they are so
setting() {
  local file=run/sysctl/${1//\//.}
  echo "$2" >"$file"
  [ ! -e "proc/sys/$1" ] || mount --bind "$file" "proc/sys/$1"
}
mkdir run/sysctl
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000
# it is by this that a kubelet sees a reboot
setting kernel/random/boot_id "$(cat /proc/sys/kernel/random/uuid)"

mount -t sysfs sys sys
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount --bind "/sys/fs/cgroup/$cgroup" sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroups sys/fs/cgroup
  for hierarchy in /sys/fs/cgroup/*; do
    name=${hierarchy##*/}
    if [ -L "$hierarchy" ]; then
      cp -a "$hierarchy" sys/fs/cgroup/
    elif [ -d "$hierarchy" ]; then
      mkdir "sys/fs/cgroup/$name"
      mount --bind "$hierarchy/$cgroup" "sys/fs/cgroup/$name"
    fi
  done
fi

mount -t tmpfs -o mode=755,nosuid dev dev
mkdir dev/pts dev/shm dev/mqueue
for device in null zero full random urandom tty kmsg fuse; do
  [ ! -c "/dev/$device" ] || cp -a "/dev/$device" dev/
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
mount -t mqueue mqueue dev/mqueue
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for descriptor in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${descriptor%:*}" "dev/${descriptor#*:}"; done

echo "node-$number" >proc/sys/kernel/hostname
mkdir old
pivot_root . old
cd /
umount -l /old
rmdir /old
mount --make-rshared /
touch /run/cluster/ready
exec /opt/cluster/pause
