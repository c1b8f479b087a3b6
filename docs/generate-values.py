#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate-values - writes helm-values.md from the chart's schema, and alerts.md; --check only compares"""
import json
import os
import sys

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
CHART = os.path.join(HERE, "..", "charts", "stoppablecontainer")

VALUES = """# Helm values

Made from `charts/stoppablecontainer/values.schema.json` by `docs/generate-values.py`; a lint test compares them. A value that is not here is refused by `helm install`.

What is empty is as Kubernetes or the program has it. Programs' own files are rendered from these values; `config` of a program adds any other key of [its options](configuration.md).

Folders of containerd differ between distributions: `-f` one of `charts/stoppablecontainer/presets/`.
"""

ALERTS = """# Alerts

Of `metrics.prometheusRule.enabled`, made from `charts/stoppablecontainer/files/alerts.yaml` by `docs/generate-values.py`; a lint test compares them. The metrics are told in [metrics](metrics.md).
"""


def text_of(value):
    return "`" + json.dumps(value, ensure_ascii=False) + "`"


def type_of(schema):
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return "list"
    return "map" if kind == "object" else kind


def rows(schema, path):
    for name, child in schema["properties"].items():
        here = f"{path}.{name}" if path else name
        if "properties" in child:
            if path:
                yield f"| `{here}` | | | {child['description']} |"
            yield from rows(child, here)
            continue
        meaning = child["description"]
        notes = []
        if child.get("enum"):
            notes.append("One of " + ", ".join(text_of(v) for v in child["enum"]) + ".")
        if "minimum" in child and "maximum" in child:
            notes.append(f"{child['minimum']} to {child['maximum']}.")
        yield "| `%s` | %s | %s | %s |" % (here, type_of(child), text_of(child["default"]),
                                          " ".join([meaning] + notes))


def values_page():
    with open(os.path.join(CHART, "values.schema.json"), encoding="utf-8") as f:
        schema = json.load(f)
    head = ["| value | type | default | meaning |", "|---|---|---|---|"]
    plain = {"properties": {k: v for k, v in schema["properties"].items() if "properties" not in v}}
    out = [VALUES, "## General\n", *head, *rows(plain, "")]
    for name, child in schema["properties"].items():
        if "properties" in child:
            out += [f"\n## {name}\n", child["description"] + "\n", *head, *rows(child, name)]
    return "\n".join(out) + "\n"


def alerts_page():
    with open(os.path.join(CHART, "files", "alerts.yaml"), encoding="utf-8") as f:
        alerts = yaml.safe_load(f)
    out = [ALERTS]
    for a in alerts:
        severity = a.get("severity", "`metrics.prometheusRule.severity`")
        out.append(f"## {a['alert']}\n\n{a['summary']}, for {a['for']}; severity {severity}.\n\n"
                   f"**What it means.** {a['description']}\n\n**What to do.** {a['runbook']}\n\n"
                   f"```\n{a['expr']}\n```\n")
    return "\n".join(out)


def main():
    stale = 0
    for name, page in (("helm-values.md", values_page()), ("alerts.md", alerts_page())):
        path = os.path.join(HERE, name)
        if sys.argv[1:] != ["--check"]:
            with open(path, "w", encoding="utf-8") as f:
                f.write(page)
            continue
        with open(path, encoding="utf-8") as f:
            if f.read() != page:
                print(f"docs/{name} is not current: run docs/generate-values.py", file=sys.stderr)
                stale = 1
    return stale


sys.exit(main())
