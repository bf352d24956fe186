"""The promised shapes of what `--json` prints: docs/schemas, JSON Schema of 2020-12."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

DIRECTORY = Path(__file__).parent.parent.parent / "docs" / "schemas"


def assert_promised(name: str, shown: list[dict[str, object]]) -> None:
    """Hold the array to the schema of that name; its objects have the promised members and no others."""
    schema = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(shown)
    promised = schema["items"]
    assert set(promised["required"]) == set(promised["properties"])
    assert all(set(one) == set(promised["required"]) for one in shown)
