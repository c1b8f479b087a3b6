# SPDX-License-Identifier: Apache-2.0
"""What an API server wants of a CustomResourceDefinition's schema.

The rules are those of structural schemas (Kubernetes documentation, "Custom Resources", section
"Specifying a structural schema") and of server-side apply's list and map types.
"""

KEYWORDS = {
    "type", "description", "properties", "additionalProperties", "items", "required", "default",
    "enum", "format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems",
    "maxItems", "anyOf", "x-kubernetes-int-or-string", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-validations",
}
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
SCALARS = {"string", "integer", "number", "boolean"}


def problems(schema, path="openAPIV3Schema"):
    """Yield a line for each rule that the schema breaks."""
    for key in schema.keys() - KEYWORDS:
        yield f"{path}: keyword {key} is not allowed"
    if schema.get("x-kubernetes-int-or-string"):
        if "type" in schema or schema.get("anyOf") != INT_OR_STRING:
            yield f"{path}: an int-or-string has no type and anyOf integer or string"
    elif schema.get("type") not in SCALARS | {"object", "array"}:
        yield f"{path}: type is missing"
    elif "anyOf" in schema:
        yield f"{path}: anyOf is only for an int-or-string"
    if schema.get("type") == "array":
        yield from list_problems(schema, path)
    if "properties" in schema and "additionalProperties" in schema:
        yield f"{path}: properties and additionalProperties exclude each other"
    if schema.keys() & {"properties", "additionalProperties"} and schema.get("type") != "object":
        yield f"{path}: has properties, but is not an object"
    yield from required_problems(schema, path)
    for name, child in schema.get("properties", {}).items():
        yield from problems(child, f"{path}.{name}")
    if "additionalProperties" in schema:
        yield from problems(schema["additionalProperties"], f"{path}[key]")
    if "items" in schema:
        yield from problems(schema["items"], f"{path}[]")


def required_problems(schema, path):
    for name in schema.get("required", []):
        if name not in schema.get("properties", {}):
            yield f"{path}: requires {name}, which it does not have"


def list_problems(schema, path):
    items = schema.get("items")
    if items is None:
        yield f"{path}: a list without items"
        return
    kind = schema.get("x-kubernetes-list-type", "atomic")
    keys = schema.get("x-kubernetes-list-map-keys", [])
    if kind == "set" and items.get("type") not in SCALARS:
        yield f"{path}: a set of what is not a scalar"
    if (kind == "map") != bool(keys):
        yield f"{path}: list type {kind} with map keys {keys}"
    for key in keys:
        child = items.get("properties", {}).get(key)
        if child is None or child.get("type") not in SCALARS:
            yield f"{path}: map key {key} is not a scalar of the items"
        elif key not in items.get("required", []) and "default" not in child:
            yield f"{path}: map key {key} is neither required nor has a default"
