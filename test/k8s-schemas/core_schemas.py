"""core_schemas.py SOURCE TARGET: Kubernetes' own schemas, for kubeconform without a network.

SOURCE is a directory of JSON schemas as the Python package kubernetes-validate carries them. They name each other by
`$id` and an absolute path; kubeconform reads files, so both become relative to the file.
"""

import json
import sys
from pathlib import Path

source, target = (Path(argument) for argument in sys.argv[1:])
target.mkdir(parents=True, exist_ok=True)
for file in source.glob("*.json"):
    schema = json.loads(file.read_text())
    schema.pop("$id", None)
    text = json.dumps(schema).replace('"/api/_definitions.json#', '"_definitions.json#')
    (target / file.name).write_text(text)
