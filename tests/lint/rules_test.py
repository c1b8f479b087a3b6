#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rules_test - each rule of sources.py and circles.py finds what it is for, and nothing in good code

A small tree is made for each case: the rule must be silent about it as it is, and name the file and
the words when a fault is planted in it.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
GOOD = {
    "docs/metrics.md": "| `sc_good_total` | counter | it |\n| `out_of_luck` | it |\n",
    "activator/core/end_reason.def": SPDX + 'END_REASON(LUCK, "out_of_luck", 503)\n',
    "cli/core/good.h": SPDX + """/*
 * good - what a good file looks like
 */
#pragma once

enum good_kind { GOOD_UNSET, GOOD_BEST, GOOD_KINDS_COUNT };

int good_sum(int a, int b, int c, int d, int e, ...);
""",
    "cli/core/good.c": SPDX + """/*
 * good - what a good file looks like
 */
#include "cli/core/good.h"

#include "lib/base/num.h"

#define GOOD_CALL(a, b, c, d, e, f) good_sum(a, b, c, d, e, f)

/* int commented_out(int a, int b, int c, int d, int e, int f) { } */
int good_sum(int a, int b, int c, int d, int e, ...)
{
	for (int i = 0; i < GOOD_KINDS_COUNT; i++)
		a += i;
	return a + b + c + d + e;
}
""",
    "cli/io/good_io.c": SPDX + """/*
 * good_io - includes what is below it
 */
#include "cli/core/good.h"

static struct metric *good_total(struct metrics *m)
{
	return metrics_counter(m, "sc_good_total", "It.", NULL);
}
""",
    "cli/main.c": SPDX + """/*
 * main - above all folders
 */
#include "cli/core/good.h"
#include "cli/io/good_io.h"
""",
    "tests/unit/cli/meson.build": "foreach name : ['good']\n",
    "tests/unit/cli/test_good.c": SPDX,
    "tests/world/good.h": SPDX + "/* good - what tests share */\n",
    "tests/world/good.c": SPDX + '#include "tests/world/good.h"\n',
    "scripts/good.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n# usage: good.sh\n"
                       "# Does what it is for.\n",
    "README.md": "# Good\n\n`cli/core/` has [it](docs/metrics.md), [here](#good).\n",
}

# rule, file, what is added to it (or instead of it), what the rule has to say
FAULTS = [
    ("banned", "cli/main.c", "int f(char *s) { return atoi(s); }\n", "cli/main.c:7: calls atoi"),
    ("banned", "cli/io/good_io.c", "void f(void) { exit(1); }\n", "calls exit outside main.c"),
    ("counts", "cli/core/bad.h", SPDX + "enum a { A_B, A_N };\n", "bad.h:2: A_N counts"),
    ("counts", "cli/core/bad.h", SPDX + "#define AS(X) X(B)\nenum a {\n#define X(n) A_##n,\n"
     "\tAS(X)\n#undef X\n\tA_KINDS\n};\n", "bad.h:7: A_KINDS counts"),
    ("counts", "cli/core/bad.c", SPDX + "enum { RED, BLUE, COLOURS };\n"
     "int f(int i)\n{\n\treturn i < COLOURS;\n}\n", "bad.c:2: COLOURS counts"),
    ("dependence", "cli/main.c", '#include "controller/core/plan.h"\n',
     "cli/ includes controller/core/plan.h"),
    ("dependence", "cli/main.c", '#include "commands.h"\n', "commands.h is not named from the root"),
    ("dependence", "loadtest/main.c", '#include "cli/core/good.h"\n',
     "loadtest/ includes cli/core/good.h"),
    ("dependence", "lib/base/bad.c", '#include "wrapper/proto.h"\n',
     "lib/ includes wrapper/proto.h"),
    ("directions", "cli/core/bad.c", '#include "cli/io/good_io.h"\n',
     "bad.c:1: cli/io/good_io.h is not below cli/core/"),
    ("directions", "cli/io/bad.c", '#include "cli/commands.h"\n', "is not below cli/io/"),
    ("directions", "cli/shelf/bad.c", "", "FLOORS in tests/lint/sources.py has no place"),
    ("directions", "agent/io/image/bad.c", '#include "agent/io/mounts/fs.h"\n',
     "is not below agent/io/image/"),
    ("directions", "agent/io/mounts/bad.c", '#include "agent/io/agent.h"\n',
     "is not below agent/io/mounts/"),
    ("directions", "local/registry/io/bad.c", '#include "local/api/io/api.h"\n',
     "is not below local/registry/io/"),
    ("first_lines", "tests/world/bad.c", SPDX + "#include <stdio.h>\n", "bad.c:2: its first lines"),
    ("first_lines", "scripts/bad.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"
     "# usage: bad.sh\nset -eu\n", "bad.sh:2: its first lines do not say"),
    ("header", "cli/core/bad.c", "int a;\n", "bad.c:1: no SPDX-License-Identifier"),
    ("metrics", "cli/io/bad.c", 'metrics_counter(m, "sc_bad_total", "", NULL)\n',
     "sc_bad_total is not in docs/metrics.md"),
    ("metrics", "docs/metrics.md", "| `sc_gone_total` | counter | it |\n",
     "sc_gone_total is in no program"),
    ("metrics", "activator/core/end_reason.def", 'END_REASON(FATE, "fate", 503)\n',
     "fate is not in docs/metrics.md"),
    ("pages", "README.md", "see `cli/core/gone.c`\n", "README.md:4: cli/core/gone.c is not in"),
    ("pages", "docs/bad.md", "`good_sum()` and\n`gone_sum()`\n", "bad.md:2: no source has gone_sum()"),
    ("pages", "docs/bad.md", "`core/good.c`, `good_io.c`\n`io/good.c`\n",
     "bad.md:2: no file of the tree is called io/good.c"),
    ("pages", "docs/bad.md", "[it](gone.md)\n", "docs/bad.md:1: a link to docs/gone.md"),
    ("pages", "docs/bad.md", "[it](../README.md#worse)\n", "README.md has no heading for #worse"),
    ("parameters", "cli/core/bad.c", "int f(int a, int b, int c, int d, int e, int g)\n{\n}\n",
     "bad.c:1: f has 6 parameters"),
    ("parameters", "loadtest/bad.c", "static int f(int a, int (*b)(int x, int y), int c, int d,\n"
     "             int e, void *g)\n{\n}\n", "bad.c:1: f has 6 parameters"),
    ("paths", "docs/bad.md", "see /ho" "me/me/notes\n", "docs/bad.md:1: a path of one machine"),
    ("purity", "cli/core/bad.c", "#include <unistd.h>\n", "core/ includes unistd.h"),
    ("purity", "cli/core/bad.c", "int f(void)\n{\n\treturn clk_now_ms();\n}\n",
     "bad.c:3: core/ calls clk_now_ms"),
    ("purpose", "cli/core/bad.c", SPDX + '#include "cli/core/bad.h"\n',
     "bad.c:2: does not begin with what it is for"),
    ("purpose", "loadtest/bad.h", SPDX + "/*\n * Helpers.\n */\n", "bad.h:2: does not begin"),
    ("registered", "tests/unit/cli/test_bad.c", SPDX, "test_bad.c:1: in no meson.build"),
    ("size", "cli/core/bad.c", "\n" * 601, "601 lines, 600 are allowed"),
    ("size", "cli/core/bad.c", "int f(void)\n{\n" + "\tx++;\n" * 61 + "}\n",
     "a function of 61 lines"),
]


def plant(root, name, text, mode="w"):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode, encoding="utf-8") as f:
        f.write(text)


def run(root, rule):
    done = subprocess.run([sys.executable, os.path.join(HERE, "sources.py"), rule],
                          env={**os.environ, "SC_LINT_ROOT": root, "GIT_DIR": os.path.join(root, "no")},
                          cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# What circles.py is to find: files of a program that call each other, lines of circles.txt, words.
SPIN = {
    "cli/a.c": "int b(void);\nint a(void) { return b(); }\n",
    "cli/b.c": "int c(void);\nint b(void) { return c(); }\n",
    "cli/c.c": "int a(void);\nint c(void) { return a(); }\n",
    "cli/d.c": "int a(void);\nint d(void) { return a(); }\n",
    "lib/a.c": "int z(void);\nint y(void) { return z(); }\n",
    "lib/z.c": "int z(void) { return 0; }\n",
    "wrapper/main.c": "int copy(void);\nint main(void) { return copy(); }\n",
    "wrapper/copy.c": "int copy(void) { return 0; }\n",
}
KNOWN = "# a comment\ncli/a.c cli/b.c cli/c.c: one turns the other\n"
CIRCLES = [
    ({}, "", "cli/a.c:1: a circle of calls: cli/a.c cli/b.c cli/c.c\n    cli/a.c calls cli/b.c"),
    ({}, KNOWN, None),
    ({"cli/c.c": "int c(void) { return 0; }\n"}, "", None),
    ({"cli/c.c": "int c(void) { return 0; }\n"}, KNOWN, "circles.txt:2: this circle is gone"),
    ({"cli/c.c": "int a(void), d(void);\nint c(void) { return a() + d(); }\n"}, KNOWN,
     "a circle of calls: cli/a.c cli/b.c cli/c.c cli/d.c"),
    ({"lib/z.c": "int y(void);\nint z(void) { return y(); }\n"}, KNOWN,
     "lib/a.c:1: a circle of calls: lib/a.c lib/z.c"),
    ({"wrapper/copy.c": "int main(void);\nint copy(void) { return main(); }\n"}, KNOWN,
     "a circle of calls: wrapper/copy.c wrapper/main.c"),
    ({}, "cli/a.c cli/b.c cli/c.c\n", "circles.txt:1: want"),
]


def circles(root, sources, known):
    plant(root, "tests/lint/circles.txt", known)
    commands = []
    for name, text in sources.items():
        plant(root, name, text)
        if name.startswith("wrapper/"):  # has no objects in the build
            continue
        output = name.replace("/", "_") + ".o"
        subprocess.run([*os.environ.get("CC", "cc").split(), "-c", "-o", output, name], cwd=root,
                       check=True)
        commands.append({"directory": root, "file": name, "output": output})
    plant(root, "compile_commands.json", json.dumps(commands))
    done = subprocess.run([sys.executable, os.path.join(HERE, "circles.py"), root],
                          env={**os.environ, "SC_LINT_ROOT": root}, capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def circles_failures():
    failed = 0
    for change, known, want in CIRCLES:
        with tempfile.TemporaryDirectory() as root:
            code, output = circles(os.path.realpath(root), {**SPIN, **change}, known)
        if code != (want is not None) or (want or "") not in output or (want is None and output):
            failed += 1
            print(f"circles: wants \"{want}\"; has exit {code}:\n{output}")
    return failed


def main():
    failed = circles_failures()
    for rule in sorted({rule for rule, *_ in FAULTS}):
        with tempfile.TemporaryDirectory() as root:
            for name, text in GOOD.items():
                plant(root, name, text)
            code, output = run(root, rule)
            if code != 0 or output != "":
                failed += 1
                print(f"{rule}: is not silent about good code ({code}):\n{output}")
    for rule, file, text, want in FAULTS:
        with tempfile.TemporaryDirectory() as root:
            for name, good in GOOD.items():
                plant(root, name, good)
            plant(root, file, text, "a")
            code, output = run(root, rule)
            if code != 1 or want not in output:
                failed += 1
                print(f"{rule}: wants \"{want}\", exit 1; has exit {code}:\n{output}")
    print(f"{len(FAULTS) + len(CIRCLES)} cases, {failed} failures")
    return 1 if failed else 0


sys.exit(main())
