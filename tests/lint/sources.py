#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sources - the rules of STYLE.md that need no compiler: sources.py RULE

Each rule prints what breaks it as "file:line: what", one a line, and fails if there was any.
Without git (a source archive) the files are found by walking the tree. SC_LINT_ROOT: another tree
than the one that this file is in; rules_test.py plants what each rule has to find in one.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.realpath(os.environ.get("SC_LINT_ROOT")
                        or os.path.join(os.path.dirname(__file__), "..", ".."))

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5

# Of a component, what it may include besides itself.
MAY_INCLUDE = {
    "lib": set(),
    "controller": {"lib"},
    "activator": {"lib"},
    "idle-monitor": {"lib"},
    "wrapper": {"lib"},
    "agent": {"lib", "wrapper"},
    "check": {"lib"},
    "local": {"lib"},
    "cli": {"lib"},
    "loadtest": {"lib"},
}

# The folders of a component, lowest floor first. A folder includes itself and what is on the floors
# below it, not its neighbours; what is in no folder (main.c) is above them all.
FLOORS = {
    "lib": [["base"], ["text"], ["config", "http"], ["kube/client"], ["kube/cache", "kube/control"],
            ["api"], ["program"]],
    "controller": [["core"], ["io"]],
    "activator": [["core"], ["net"], ["http"], ["queue", "session"], ["proxy"], ["cluster"]],
    "idle-monitor": [["core"], ["io"]],
    "agent": [["core"], ["io/mounts", "io/image"], ["io"]],
    "local": [["registry/core", "runner/core", "engine/core", "host/io"], ["api/core"],
              ["registry/io", "runner/io", "engine/io"], ["api/io"]],
    "cli": [["core"], ["io"]],
}
# Headers that are in no folder since they are the border between folders: each may include them.
BORDERS = {"local/registry.h", "local/runner.h", "local/pod_log.h"}

# What core/ may not include: input, output, clocks, threads, processes.
IMPURE = re.compile(
    r"^(event2/|curl/|openssl/|sqlite3|netlink/|yaml\.h|llhttp\.h|linux/|net/|netinet/|pthread|"
    r"sys/(?!types\.h|queue\.h)|time\.h|unistd\.h|fcntl\.h|poll\.h|signal\.h|dirent\.h|sched\.h|"
    r"spawn\.h|netdb\.h|threads\.h)")
# JSON values are memory too, and what a core computes; so is a scratch text that ends with its
# function, which its declaration says: CLEANUP(free_var).
SCRATCH = re.compile(r"CLEANUP\(free_var\)")
IMPURE_CALLS = re.compile(
    r"\b(malloc|calloc|realloc|reallocarray|fopen|fdopen|printf|fprintf|puts|getenv|time|"
    r"clock_gettime|gettimeofday|clk_now_ms|clk_wall_ms|log_event|log_write|random|abort|exit)"
    r"\s*\(")

BANNED = re.compile(
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|strtol|sscanf|alloca|system|popen|"
    r"gethostbyname|localtime|gmtime|usleep|sleep|rand)\s*\(")
# Tests may ask the shell for what is not what they test; with whole machines below them some wait
# for a clock that is not theirs (timestamps in seconds, a back-off that must not end).
BANNED_BUT_IN = {"system": "tests/", "sleep": "tests/engine/"}

MACHINE_PATH = re.compile(r"(?<![\w.$/])/(work|home|Users)/[A-Za-z]")

# What pages name and a checkout has not: places of an installation, results.
NOT_IN_THE_TREE = ("lib/systemd/", "loadtest/results")


def files(*suffixes):
    try:
        names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                                "--exclude-standard"],
                               check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, found in os.walk(ROOT):
            folders[:] = [f for f in folders if not f.startswith((".", "build"))]
            names += [os.path.relpath(os.path.join(folder, f), ROOT) for f in found]
    return sorted(n for n in names
                  if n.endswith(suffixes) and os.path.isfile(os.path.join(ROOT, n)))


def lines(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read().splitlines()


def code_lines(name):
    """Numbered lines without comments and without what stands in quotes."""
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        text = f.read()

    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return "\n" * found.count("\n")
        return found[0] + found[0]

    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)
    return enumerate(text.splitlines(), 1)


def includes(name):
    for number, line in enumerate(lines(name), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def rule_purity():
    for name in files(".c", ".h"):
        if "/core/" not in name or name.startswith("tests/"):
            continue
        for number, _, included in includes(name):
            if IMPURE.match(included):
                yield f"{name}:{number}: core/ includes {included}"
            if "/io/" in included or included.startswith("lib/http/"):
                yield f"{name}:{number}: core/ includes {included}"
        for number, line in code_lines(name):
            call = IMPURE_CALLS.search(line)
            if call and not SCRATCH.search(line):
                yield f"{name}:{number}: core/ calls {call.group(1)}"


def rule_dependence():
    for name in files(".c", ".h"):
        component = name.split("/")[0]
        if component not in MAY_INCLUDE:
            continue
        for number, quote, included in includes(name):
            other = included.split("/")[0]
            if quote == '"' and other != component and other not in MAY_INCLUDE[component]:
                yield f"{name}:{number}: {component}/ includes {included}"
            if quote == '"' and "/" not in included:
                yield f"{name}:{number}: {included} is not named from the root of the tree"


def floor_of(component, name):
    """Of a file, or None where its folder is on no floor."""
    floors = FLOORS[component]
    folder = os.path.dirname(name)[len(component) + 1:]
    if folder == "":
        return len(floors)
    return next((n for n, folders in enumerate(floors) if folder in folders), None)


def rule_directions():
    for name in files(".c", ".h"):
        component = name.split("/")[0]
        if component not in FLOORS:
            continue
        own = floor_of(component, name)
        if own is None:
            yield f"{name}:1: FLOORS in tests/lint/sources.py has no place for its folder"
            continue
        for number, quote, included in includes(name):
            folder = os.path.dirname(included)
            if (quote != '"' or included.split("/")[0] != component or included in BORDERS
                    or folder == os.path.dirname(name)):
                continue
            other = floor_of(component, included)
            if other is None or other >= own:
                yield f"{name}:{number}: {included} is not below {os.path.dirname(name)}/"


def toplevel(name):
    """Number and text of each declaration or head of a definition outside of all braces."""
    text = "\n".join(line for _, line in code_lines(name))
    text = re.sub(r"^\s*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group(0).count("\n"), text,
                  flags=re.M)
    depth, number, start, chunk = 0, 1, 1, ""
    for char in text:
        if depth == 0 and char in ";{":
            yield start, chunk
            chunk = ""
        elif depth == 0 and char != "}":
            if chunk.strip() == "":
                start = number
            chunk += char
        number += char == "\n"
        depth += {"{": 1, "}": -1}.get(char, 0)


def parameters_of(chunk):
    """Name and number of parameters of a function, None of what is no function."""
    match = re.match(r"[^=()]*?\b(\w+)\s*\(", chunk)
    if match is None or re.match(r"\s*(typedef|struct\s+\w+\s*$)", chunk):
        return None
    depth, count, used = 1, 0, False
    for char in chunk[match.end():]:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            break
        if char == "," and depth == 1:
            count += 1
        used = used or not char.isspace()
    is_variadic = re.search(r",\s*\.\.\.\s*\)", chunk) is not None
    return match.group(1), (count + 1 if used else 0) - is_variadic


def rule_parameters():
    for name in files(".c"):
        if name.split("/")[0] not in MAY_INCLUDE:
            continue
        for number, chunk in toplevel(name):
            head = parameters_of(chunk)
            if head is not None and head[1] > PARAMETERS_MAX:
                yield (f"{name}:{number}: {head[0]} has {head[1]} parameters, {PARAMETERS_MAX} are "
                       "allowed")


def rule_counts():
    product = [n for n in files(".c", ".h") if n.split("/")[0] in MAY_INCLUDE]
    texts = {n: "\n".join(line for _, line in code_lines(n)) for n in product}
    bounds = set()
    for text in texts.values():
        bounds.update(re.findall(r"<\s*([A-Z][A-Z0-9_]+)\b", text))
    for name, text in texts.items():
        for enum in re.finditer(r"\benum\s*\w*\s*\{([^{}]*)\}", text):
            members = re.sub(r"^[ \t]*#.*$", "", enum.group(1), flags=re.M)
            last = re.search(r"\b([A-Z]\w+)\s*,?\s*$", members)
            if last is None or last.group(1).endswith("_COUNT"):
                continue
            word = last.group(1)
            is_count = re.search(r"(^|_)N(_|$)|_(KINDS|NUM|LAST)$", word) or word in bounds
            if is_count:
                number = (text.count("\n", 0, enum.start(1))
                          + members.count("\n", 0, last.start(1)) + 1)
                yield f"{name}:{number}: {word} counts the members: its name ends in _COUNT"


def rule_purpose():
    for name in files(".c", ".h"):
        component = name.split("/")[0]
        if component not in MAY_INCLUDE:
            continue
        top = "\n".join(lines(name)[1:3])
        if not re.match(r"/\*\n \* \S+( \S+)* - \S", top):
            yield f"{name}:2: does not begin with what it is for"


def begins_with_purpose(name):
    """Whether the first lines of a file of tests/ or of a script say in words what it is for."""
    text = "\n".join(lines(name)[:8])
    if name.endswith(".py"):
        return '\n"""' in text
    if name.endswith(".sh"):
        return re.search(r"^# (?!SPDX|usage:|shellcheck)\S+ \S", text, re.M) is not None
    return re.search(r"^/\*(?! SPDX)", text, re.M) is not None


def rule_first_lines():
    for name in files(".c", ".h", ".sh", ".py"):
        if name.endswith((".c", ".h")) and not name.startswith("tests/"):
            continue  # rule_purpose
        # test_x.c is the unit test of x; what is behind a header is said there
        header = name[:-2] + ".h"
        if (re.match(r"tests/unit/.*/test_\w+\.c$", name) or begins_with_purpose(name)
                or (name.endswith(".c") and os.path.isfile(os.path.join(ROOT, header))
                    and begins_with_purpose(header))):
            continue
        yield f"{name}:2: its first lines do not say what it is for"


def anchors(page):
    """Of the headings of a page, as GitHub makes them."""
    for line in lines(page):
        heading = re.match(r"#+ (.*)$", line)
        if heading:
            yield re.sub(r"[^\w\- ]", "", heading.group(1).lower()).replace(" ", "-")


def rule_pages():
    """What a page names is there: files and folders of the tree, functions, pages, headings."""
    there = files("")
    folders = {os.path.dirname(name) for name in there}
    folders |= {"/".join(f.split("/")[:n]) for f in folders for n in range(1, f.count("/") + 1)}
    known = set(there) | folders
    tops = "|".join(re.escape(f) for f in sorted(folders) if f and "/" not in f and f[0] != ".")
    path = re.compile(r"(?<![\w./<~$-])((?:%s)/[\w./{},*<>-]*)" % tops)
    link = re.compile(r"\]\(([^)#\s:]*)(?:#([^)]*))?\)")
    ends = {"/".join(name.split("/")[n:]) for name in there for n in range(name.count("/") + 1)}
    called = {call for name in there if name.endswith((".c", ".h"))
              for line in lines(name) for call in re.findall(r"\b([a-z]\w+)\(", line)}
    for page in (n for n in there if n.endswith(".md")):
        for number, line in enumerate(lines(page), 1):
            found = link.findall(line)
            for word in path.findall(re.sub(r"\]\([^)]*\)", "", line)):
                word = word.rstrip("./,")
                if (word not in known and not word.startswith(NOT_IN_THE_TREE)
                        and not re.search(r"[{*<]|/NN-", word)):
                    yield f"{page}:{number}: {word} is not in the tree"
            for word in re.findall(r"`([\w./-]+\.(?:c|h|def|sh|py))`", line):
                if word not in ends and "NN-" not in word and not word.startswith("/"):
                    yield f"{page}:{number}: no file of the tree is called {word}"
            for call in re.findall(r"`([a-z]\w+)\(\)`", line):
                if call not in called:
                    yield f"{page}:{number}: no source has {call}()"
            for to, heading in found:
                target = os.path.normpath(os.path.join(os.path.dirname(page), to)) if to else page
                if target not in known:
                    yield f"{page}:{number}: a link to {target}, which is not in the tree"
                elif heading and target.endswith(".md") and heading not in anchors(target):
                    yield f"{page}:{number}: {target} has no heading for #{heading}"


def rule_banned():
    for name in files(".c", ".h"):
        for number, line in code_lines(name):
            for call in BANNED.findall(line):
                if not name.startswith(BANNED_BUT_IN.get(call, "\0")):
                    yield f"{name}:{number}: calls {call}"
            if (re.search(r"\bexit\s*\(", line) and not name.startswith("tests/")
                    and not re.search(r"(^|/)main\.c$", name)):
                yield f"{name}:{number}: calls exit outside main.c"


def rule_size():
    for name in files(".c", ".h"):
        text = lines(name)
        if len(text) > FILE_LINES_MAX:
            yield f"{name}:{len(text)}: {len(text)} lines, {FILE_LINES_MAX} are allowed"
        start = None
        for number, line in enumerate(text, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > FUNCTION_LINES_MAX:
                    yield (f"{name}:{start}: a function of {number - start - 1} lines, "
                           f"{FUNCTION_LINES_MAX} are allowed")
                start = None


def rule_registered():
    meson = "\n".join("\n".join(lines(n)) for n in files("meson.build"))
    for name in files(".c"):
        stem = os.path.basename(name)[:-2]
        if not name.startswith("tests/"):
            continue
        folder = os.path.dirname(name)
        build = folder + "/meson.build"
        near = "\n".join(lines(build)) if os.path.isfile(os.path.join(ROOT, build)) else meson
        short = re.sub("^(test|fuzz)_", "", stem)
        if not re.search(r"['/](%s|%s)(\.c)?'" % (re.escape(stem), re.escape(short)), near):
            yield f"{name}:1: in no meson.build"
    for name in files(".sh"):
        if "/test_" in name and os.path.basename(name) not in meson:
            yield f"{name}:1: in no meson.build"


def rule_header():
    for name in files(".c", ".h", ".sh", ".py", ".def"):
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines(name)[:3]):
            yield f"{name}:1: no SPDX-License-Identifier line"


def rule_paths():
    for name in files(""):
        if name.endswith((".png", ".ico")) or name.startswith("tests/lint/sources.py"):
            continue
        for number, line in enumerate(lines(name), 1):
            match = MACHINE_PATH.search(line)
            if match:
                yield f"{name}:{number}: a path of one machine: {match.group(0)}"


def rule_metrics():
    page = os.path.join("docs", "metrics.md")
    told = set(re.findall(r"^\| `([a-z_]+)` \| (?:counter|gauge|histogram) ",
                          "\n".join(lines(page)), re.M))
    reasons = os.path.join("activator", "core", "end_reason.def")
    for number, line in enumerate(lines(reasons), 1):
        match = re.match(r'END_REASON\((?!NONE)\w+,\s*"(\w+)"', line)
        if match and not any(row.startswith(f"| `{match.group(1)}` |") for row in lines(page)):
            yield f"{reasons}:{number}: {match.group(1)} is not in {page}"
    known = {}
    for name in files(".c"):
        if name.startswith("tests/") or name.startswith("loadtest/"):
            continue
        text = "\n".join(lines(name))
        for metric in re.findall(r'metrics_(?:counter|gauge|histogram)\s*\(\s*[^,"]*,\s*"([a-z_]+)"',
                                 text):
            known[metric] = name
        if name.endswith("metrics_process.c"):
            for metric in re.findall(r'\{"([a-z_]+)(?:\{[^,]*)?", "(?:counter|gauge)"', text):
                known[metric] = name
    for metric in sorted(set(known) - told):
        yield f"{known[metric]}:1: {metric} is not in {page}"
    for metric in sorted(told - set(known)):
        yield f"{page}:1: {metric} is in no program"


def main():
    rules = {n[5:]: f for n, f in globals().items() if n.startswith("rule_")}
    if len(sys.argv) != 2 or sys.argv[1] not in rules:
        print(f"usage: sources.py {'|'.join(sorted(rules))}", file=sys.stderr)
        return 2
    broken = list(rules[sys.argv[1]]())
    for line in broken:
        print(line)
    return 1 if broken else 0


sys.exit(main())
