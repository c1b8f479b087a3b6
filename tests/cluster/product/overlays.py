#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overlays.py PREFIX: to be run in a node's namespaces. Prints each overlay whose upper directory is
below PREFIX, in whatever mount namespace: "UPPER FILE-SYSTEMS NAMESPACES", and "own LINE" for each
line of the node's own mount table that has to do with it. More than one file system on one upper
directory is what the kernel calls undefined."""
import glob
import os
import sys


def mounts(pid):
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []


def main():
    prefix = sys.argv[1].rstrip("/") + "/"
    overlays, seen = {}, set()
    for folder in glob.glob("/proc/[0-9]*"):
        pid = folder[6:]
        try:
            namespace = os.stat(f"{folder}/ns/mnt").st_ino
        except OSError:
            continue
        if namespace in seen:
            continue
        seen.add(namespace)
        for line in mounts(pid):
            for option in line.split(" - ")[-1].split(" ", 2)[-1].split(","):
                if option.startswith("upperdir=" + prefix):
                    devices, spaces = overlays.setdefault(option[9:], (set(), set()))
                    devices.add(line.split()[2])
                    spaces.add(namespace)
    for upper, (devices, spaces) in sorted(overlays.items()):
        print(upper, len(devices), len(spaces))
    for line in mounts(1):
        if prefix in line.split(" - ")[-1] or line.split()[4].startswith((prefix, "/run/sc-node-agent")):
            print("own", line)


main()
