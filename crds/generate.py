#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the CustomResourceDefinitions from source/ and Kubernetes' published OpenAPI.

  generate.py          write stoppablecontainers.yaml and stoppablecontainerinstances.yaml
  generate.py --check  say whether they are current; exit 1 and a diff when not

In source/ a mapping with $kubernetes stands for a type of the OpenAPI, one with $file for another
file of source/. Beside them: `description`, `required` and `properties` are laid over the type,
`without` takes properties away, `descriptions: false` leaves out all descriptions below.
Wants PyYAML, and the go command to fetch the OpenAPI, which is a file of a Go module.
"""
import argparse
import difflib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

from structural import INT_OR_STRING, problems

MODULE = "k8s.io/kubernetes@v1.37.2"
MODULE_SUM = "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="
OPENAPI = "api/openapi-spec/v3/api__v1_openapi.json"
HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE / "source"
NAMES = ("stoppablecontainers", "stoppablecontainerinstances")
# etcd refuses a larger request; the API server stores the object as compact JSON
OBJECT_BYTES_MAX = 1_500_000
# kubectl apply keeps the object in an annotation, whose values are limited
ANNOTATION_BYTES_MAX = 256 * 1024

HEADER = f"""\
# SPDX-License-Identifier: Apache-2.0
# Made by crds/generate.py from crds/source and the OpenAPI of {MODULE}; do not edit.
"""

HEADER_LARGE = """\
# Too large for the annotation of kubectl apply: use kubectl create and replace, or
# kubectl apply --server-side.
"""

INT_OR_STRING_TYPE = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY_TYPE = "io.k8s.apimachinery.pkg.api.resource.Quantity"
OBJECT_META_TYPE = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
# resource.Quantity's grammar, as Kubernetes' own tools write it into a schema
QUANTITY_PATTERN = (r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
                    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$")
# of an ObjectMeta inside a spec only these mean anything
OBJECT_META_FIELDS = ("annotations", "finalizers", "labels", "name", "namespace")
KEPT = ("type", "format", "required", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
        "x-kubernetes-map-type")


def fail(text):
    sys.exit(f"generate.py: {text}")


def openapi_schemas():
    """The schemas of the core API group, by type name."""
    if shutil.which("go") is None:
        fail("the go command is missing: it fetches the OpenAPI from the Go module " + MODULE)
    # outside of any module: a go.work above the current folder would be read otherwise
    with tempfile.TemporaryDirectory() as empty:
        run = subprocess.run(["go", "mod", "download", "-json", MODULE], cwd=empty, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if run.returncode != 0:
        fail(f"go mod download {MODULE}: {run.stderr.strip() or run.stdout.strip()}")
    module = json.loads(run.stdout)
    if module["Sum"] != MODULE_SUM:
        fail(f"{MODULE} has sum {module['Sum']}, want {MODULE_SUM}")
    text = (pathlib.Path(module["Dir"]) / OPENAPI).read_text(encoding="utf-8")
    return json.loads(text)["components"]["schemas"]


def ref_name(schema):
    """The type that a schema stands for, or None: {$ref} or {allOf: [{$ref}]}."""
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    return schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else None


class Types:
    """Kubernetes' types as structural schemas."""

    def __init__(self, schemas):
        self.schemas = schemas

    def get(self, name, above=()):
        if name in above:
            fail(f"type {name} contains itself: {' > '.join(above)}")
        if name == INT_OR_STRING_TYPE:
            return {"anyOf": INT_OR_STRING, "x-kubernetes-int-or-string": True}
        if name == QUANTITY_TYPE:
            return {"anyOf": INT_OR_STRING, "pattern": QUANTITY_PATTERN,
                    "x-kubernetes-int-or-string": True}
        schema = self.schemas[name]
        if name == OBJECT_META_TYPE:
            fields = {f: schema["properties"][f] for f in OBJECT_META_FIELDS}
            schema = {"type": "object", "properties": fields}
        return self.convert(schema, above + (name,))

    def convert(self, schema, above):
        out = {}
        name = ref_name(schema)
        if name is not None:
            out = self.get(name, above)
        if "description" in schema:
            out["description"] = schema["description"]
        for key in KEPT:
            if key in schema:
                out[key] = schema[key]
        for key in ("items", "additionalProperties"):
            if key in schema:
                out[key] = self.convert(schema[key], above)
        if "properties" in schema:
            out["properties"] = {n: self.convert(s, above)
                                 for n, s in sorted(schema["properties"].items())}
        self.add_defaults(schema, out)
        if out.get("x-kubernetes-list-type") == "map":
            self.default_map_keys(schema["items"], out)
        return out

    @staticmethod
    def add_defaults(schema, out):
        """The empty defaults in the OpenAPI are Go's zero values; the others are meant."""
        for name, child in schema.get("properties", {}).items():
            if child.get("default") and name not in schema.get("required", []):
                out["properties"][name]["default"] = child["default"]

    def default_map_keys(self, items, out):
        """A list's map key that may be absent needs a default, and then the zero value is meant."""
        published = self.schemas[ref_name(items)]["properties"]
        for key in out["x-kubernetes-list-map-keys"]:
            if key not in out["items"].get("required", []) and "default" in published[key]:
                out["items"]["properties"][key]["default"] = published[key]["default"]


def lay_over(schema, over):
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(schema.get(key), dict):
            lay_over(schema[key], value)
        else:
            schema[key] = value


def strip_descriptions(schema):
    schema.pop("description", None)
    for child in schema.get("properties", {}).values():
        strip_descriptions(child)
    for key in ("items", "additionalProperties"):
        if key in schema:
            strip_descriptions(schema[key])


def expand(node, types):
    """Replace $file and $kubernetes below a node of a source file."""
    if isinstance(node, list):
        return [expand(n, types) for n in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if "$kubernetes" in node:
        schema = types.get(node.pop("$kubernetes"))
    elif "$file" in node:
        schema = expand(load(SOURCE / node.pop("$file")), types)
    else:
        node = {key: expand(value, types) for key, value in node.items()}
        if node.get("x-kubernetes-int-or-string"):
            node["anyOf"] = INT_OR_STRING
        return node
    for name in node.pop("without", []):
        del schema["properties"][name]
    if not node.pop("descriptions", True):
        strip_descriptions(schema)
    lay_over(schema, node)
    return schema


class Dumper(yaml.SafeDumper):
    """Plain YAML: no aliases, list items indented, long texts as blocks."""

    def ignore_aliases(self, data):
        return True

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def represent_str(dumper, text):
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, represent_str)


def load(path):
    with path.open(encoding="utf-8") as file:
        return yaml.safe_load(file)


def generate(name, types):
    crd = expand(load(SOURCE / f"{name}.yaml"), types)
    for version in crd["spec"]["versions"]:
        found = list(problems(version["schema"]["openAPIV3Schema"]))
        if found:
            fail(f"{name} is not structural:\n  " + "\n  ".join(found))
    size = len(json.dumps(crd, separators=(",", ":")))
    if size > OBJECT_BYTES_MAX:
        fail(f"{name} has {size} bytes, etcd takes {OBJECT_BYTES_MAX}")
    header = HEADER + (HEADER_LARGE if size > ANNOTATION_BYTES_MAX else "")
    return header + yaml.dump(crd, Dumper=Dumper, sort_keys=False, width=100)


def main():
    parser = argparse.ArgumentParser(description="Make the CustomResourceDefinitions.")
    parser.add_argument("--check", action="store_true",
                        help="change nothing; exit 1 and a diff when a file is not current")
    args = parser.parse_args()
    types = Types(openapi_schemas())
    stale = False
    for name in NAMES:
        path = HERE / f"{name}.yaml"
        want = generate(name, types)
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        if args.check and have != want:
            stale = True
            sys.stdout.writelines(difflib.unified_diff(
                have.splitlines(True), want.splitlines(True), str(path), "generated"))
        elif not args.check:
            path.write_text(want, encoding="utf-8")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
