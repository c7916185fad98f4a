"""crd_schemas.py TARGET FILE...: what is known of custom resources, from their CustomResourceDefinitions (YAML).

TARGET/crds/<group>/<kind>_<version>.json: schemas, as kubeconform expects them under
`{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`. Like an API server with fieldValidation=Strict, they refuse
fields that the definition does not name.

TARGET/definitions/<group>_<kind>.json: the definition itself without its prose, for an API server to install in no time.
"""

import json
import sys
from pathlib import Path

import yaml


def strict(schema):
    """Makes a structural schema of OpenAPI v3 a JSON schema that refuses unknown fields."""
    if not isinstance(schema, dict):
        return
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
        schema.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict):
        if not open_ended:
            schema["additionalProperties"] = False
        for property_schema in schema["properties"].values():
            strict(property_schema)
    # allOf, anyOf and oneOf only restrict what is declared outside them, so they stay as they are.
    strict(schema.get("items"))
    strict(schema.get("additionalProperties"))


def without_prose(schema):
    """Descriptions are most of a definition. A property of that name is no text, and stays."""
    if isinstance(schema, list):
        return [without_prose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_prose(item) for key, item in schema.items() if key != "description" or not isinstance(item, str)}


def write_definition(target, definition):
    group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
    definition.pop("status", None)
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{group}_{kind}.json").write_text(json.dumps(without_prose(definition)))


def write_schemas(target, definition):
    group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
    for version in definition["spec"]["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        properties = schema.setdefault("properties", {})
        properties.setdefault("apiVersion", {"type": "string"})
        properties.setdefault("kind", {"type": "string"})
        strict(schema)
        properties["metadata"] = {"type": "object"}
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
        file = target / group / f"{kind.lower()}_{version['name']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))


# Written in C where it is there: thirty megabytes in seconds.
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def main():
    target, *files = (Path(argument) for argument in sys.argv[1:])
    for file in files:
        for document in yaml.load_all(file.read_text(), Loader=loader):
            if document and document.get("kind") == "CustomResourceDefinition":
                write_definition(target / "definitions", document)
                write_schemas(target / "crds", document)


main()
