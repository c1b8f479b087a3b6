#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate-api - writes api.md from the CustomResourceDefinitions; --check only compares"""
import os
import sys

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
PAGE = os.path.join(HERE, "api.md")
CRDS = ("stoppablecontainers", "stoppablecontainerinstances")
# Kubernetes' own types: kubectl explain goes all the way down.
FOREIGN = {"container", "spec", "volumes", "tolerations", "resources", "affinity"}

INTRO = """# API

The fields of both kinds, made from `crds/` by `docs/generate-api.py`; a lint test compares them. Types of Kubernetes itself (PodSpec, Container, Volume, …) are named but not listed field by field; `kubectl explain stoppablecontainer.spec.template.container` shows their fields.

Group `stoppablecontainer.xtlsoft.top`, version `v1alpha1`. Which program writes which field, and when: [protocols](protocols.md).

Annotations that a person may set:

| annotation | on | meaning |
|---|---|---|
| `stoppablecontainer.xtlsoft.top/abandon-rootfs: "true"` | an instance that is being deleted | the node is gone for good: the object is deleted without waiting for the node's agent to remove the files |
| `stoppablecontainer.xtlsoft.top/reset-rootfs: <digest>` | an instance whose rootfs failed with `DigestChanged` | drop the kept files and start from the image with that digest |
| `stoppablecontainer.xtlsoft.top/accept-rootfs: <case>` | an instance whose rootfs failed with `FilesChanged` or `FilesMissing` | start on the files as they are now. The case is in the condition's message: the expected generation and the one that is there |
| `stoppablecontainer.xtlsoft.top/verify-rootfs: <any value>` | an instance whose container sleeps | compare its files with the list that the last stop left, once for each value; the result is `status.rootfs.verified` |
"""


def type_of(schema):
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind = schema.get("type", "object")
    if kind == "array":
        return "list of " + type_of(schema.get("items", {})) + "s"
    if "additionalProperties" in schema:
        return "map of " + type_of(schema["additionalProperties"]) + "s"
    return schema.get("format", kind) if schema.get("format") == "date-time" else kind


def meaning(schema):
    text = " ".join(schema.get("description", "").split())
    notes = []
    if "enum" in schema:
        notes.append("one of " + ", ".join(f"`{v}`" for v in schema["enum"]))
    if "default" in schema and schema["default"] not in ({}, ""):
        value = schema["default"]
        notes.append("default `%s`" % (str(value).lower() if isinstance(value, bool) else value))
    for key, text_of in (("minimum", "at least %s"), ("maximum", "at most %s"),
                         ("maxItems", "at most %s items"), ("maxLength", "at most %s bytes")):
        if key in schema:
            notes.append(text_of % schema[key])
    if notes:
        text += (" " if text else "") + notes[0][0].upper() + "; ".join(notes)[1:] + "."
    return text.replace("|", "\\|")


def rows(schema, path, required):
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        star = " (required)" if name in required else ""
        yield f"| `{here}` | {type_of(child)}{star} | {meaning(child)} |"
        if name in FOREIGN and path.endswith(("template", "provider")):
            continue
        inner = child.get("items", {}) if child.get("type") == "array" else child
        suffix = "[]" if inner is not child else ""
        yield from rows(inner, here + suffix, inner.get("required", []))


def page():
    out = [INTRO]
    for name in CRDS:
        with open(os.path.join(HERE, "..", "crds", name + ".yaml"), encoding="utf-8") as f:
            spec = yaml.safe_load(f)["spec"]
        version = spec["versions"][0]
        schema = version["schema"]["openAPIV3Schema"]
        short = ", ".join(f"`{s}`" for s in spec["names"].get("shortNames", []))
        out.append(f"## {spec['names']['kind']}\n\nShort name: {short}. "
                   + " ".join(schema.get("description", "").split()) + "\n")
        for part in ("spec", "status"):
            child = schema["properties"][part]
            out.append("\n".join([f"### {part}\n", "| field | type | meaning |", "|---|---|---|"]
                                 + list(rows(child, part, child.get("required", [])))) + "\n")
        columns = ", ".join(f"`{c['name']}`" for c in version.get("additionalPrinterColumns", []))
        out.append(f"Columns of `kubectl get`: {columns}.\n")
    return "\n".join(out)


def main():
    text = page()
    if sys.argv[1:] == ["--check"]:
        with open(PAGE, encoding="utf-8") as f:
            if f.read() == text:
                return 0
        print("docs/api.md is not current: run docs/generate-api.py", file=sys.stderr)
        return 1
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(text)
    return 0


sys.exit(main())
