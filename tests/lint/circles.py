#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""circles - source files of one component that call each other in a circle: circles.py BUILD_DIR

nm tells of each object file of the build which symbols it defines and which it needs. Where a file
can be reached again from what it calls, it can't be read, tested or replaced without the others. A
circle that is meant is in circles.txt, "FILE FILE…: REASON" a line. A circle that is not listed, or
has one file more, is a failure; so is a line whose circle is gone or has lost a file.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.environ.get("SC_LINT_ROOT") or os.path.join(HERE, "..", ".."))
COMPONENTS = {"lib", "controller", "activator", "idle-monitor", "wrapper", "agent", "check", "local",
              "cli", "loadtest"}
# The build compiles its files in one call, so there is no object file of each.
WITHOUT_OBJECTS = {"wrapper"}


def objects(build):
    """Source file, named from the root of the tree, and its object file."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        for entry in json.load(f):
            source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
            name = os.path.relpath(source, ROOT)
            output = os.path.join(entry["directory"], entry["output"])
            if name.split("/")[0] in COMPONENTS and os.path.isfile(output):
                yield name, output


def compiled(folder):
    """The same of components that have no objects in the build."""
    for component in sorted(WITHOUT_OBJECTS):
        path = os.path.join(ROOT, component)
        for file in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            if file.endswith(".c"):
                output = os.path.join(folder, component + "_" + file + ".o")
                subprocess.run([*os.environ.get("CC", "cc").split(), "-w", "-std=gnu11",
                                "-D_GNU_SOURCE", '-DSC_VERSION=""', "-I" + ROOT, "-c", "-o", output,
                                os.path.join(path, file)], check=True)
                yield component + "/" + file, output


def symbols(output):
    """Those that the object file defines, and those that it needs."""
    defined, needed = set(), set()
    text = subprocess.run(["nm", "--extern-only", output], check=True, capture_output=True,
                          text=True).stdout
    for line in text.splitlines():
        kind, symbol = line.split()[-2:]
        (needed if kind in "Uwv" else defined).add(symbol)
    return defined, needed


def calls(found):
    """Of each file the files of its component that it needs."""
    tables = {name: symbols(output) for name, output in found.items()}
    where = collections.defaultdict(dict)
    for name, (defined, _) in tables.items():
        for symbol in defined:
            where[name.split("/")[0]][symbol] = name
    graph = {}
    for name, (_, needed) in tables.items():
        own = where[name.split("/")[0]]
        graph[name] = {own[s] for s in needed if s in own} - {name}
    return graph


def reached(graph, start):
    """All files that can be reached from it."""
    seen, todo = set(), list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph[name]
    return seen


def circles(graph):
    """Sets of files each of which can be reached from each other one of its set."""
    reach = {name: reached(graph, name) for name in graph}
    return {frozenset(n for n in reach[name] if name in reach[n])
            for name in graph if name in reach[name]}


def known():
    """Line and files of each circle in circles.txt."""
    with open(os.path.join(ROOT, "tests", "lint", "circles.txt"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.strip() != "" and not line.startswith("#"):
                match = re.fullmatch(r"(\S+(?: \S+)+): \S.*\n", line)
                if match is None:
                    sys.exit(f"tests/lint/circles.txt:{number}: want \"FILE FILE…: REASON\"")
                yield number, frozenset(match.group(1).split(" "))


def main():
    if len(sys.argv) != 2:
        print("usage: circles.py BUILD_DIR", file=sys.stderr)
        return 2
    listed = {files: number for number, files in known()}
    with tempfile.TemporaryDirectory() as folder:
        found = {**dict(objects(sys.argv[1])), **dict(compiled(folder))}
        graph = calls(found)
    if not found:
        sys.exit("circles.py: no object files in " + sys.argv[1])
    broken = []
    there = circles(graph)
    for circle in sorted(there, key=sorted):
        if circle not in listed:
            broken.append(f"{min(circle)}:1: a circle of calls: {' '.join(sorted(circle))}")
            broken += [f"    {name} calls {' '.join(sorted(graph[name] & circle))}"
                       for name in sorted(circle)]
    for circle, number in listed.items():
        if circle not in there:
            broken.append(f"tests/lint/circles.txt:{number}: this circle is gone, or has other files")
    for line in broken:
        print(line)
    return 1 if broken else 0


sys.exit(main())
