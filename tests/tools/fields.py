#!/usr/bin/env python3
"""Writes what RegisterTaskDefinition's shape in botocore's model says into two files:

  src/plan/fields.json                           every field's name and type, for hints and coercion
  fixtures/task-definitions/every-field.json     a task definition that uses every field, and invented ones

Needs botocore (`pip install botocore`). Run it from the repository's root after a new ECS feature; then run the tests.
"""

import json
from pathlib import Path

import botocore.session

ROOT = Path(__file__).resolve().parents[2]
LETTERS = {"string": "s", "boolean": "b", "integer": "i", "long": "i", "double": "d", "float": "d"}


def fields(shape):
    """A structure is its members, a map `{"*": type}`, a list `[type]`, a scalar a letter."""
    if shape.type_name == "structure":
        return {name: fields(member) for name, member in shape.members.items()}
    if shape.type_name == "map":
        return {"*": fields(shape.value)}
    if shape.type_name == "list":
        return [fields(shape.member)]
    return LETTERS[shape.type_name]


def example(shape, path):
    """A value with every member; each text is its own path, so that no two names are equal."""
    if shape.type_name == "structure":
        members = {name: example(member, [*path, name]) for name, member in shape.members.items()}
        return members | {"inventedField": {"at": path or ["top"], "empty": "", "nothing": None, "list": [""]}}
    if shape.type_name == "map":
        return {"-".join([*path, "key"]): example(shape.value, path), "empty": ""}
    if shape.type_name == "list":
        return [example(shape.member, path)]
    if shape.type_name == "boolean":
        return False
    if shape.type_name in ("integer", "long"):
        return 7
    if shape.type_name in ("double", "float"):
        return 0.5
    return shape.enum[0] if shape.enum else "-".join(path)


def main():
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    target = ROOT / "src/plan/fields.json"
    target.write_text(json.dumps(fields(shape), separators=(",", ":")) + "\n")
    document = example(shape, [])
    document["containerDefinitions"][0]["image"] = "ghcr.io/acme/web:v1"
    target = ROOT / "fixtures/task-definitions/every-field.json"
    target.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
