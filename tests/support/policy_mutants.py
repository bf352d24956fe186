"""Templates with one thing wrong in a policy, as a slip of the pen would leave them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.policy_evaluator import Json

LISTS = ("Action", "NotAction", "Resource", "NotResource")
ELSEWHERE = "arn:aws:iam::999999999999:root"


def mutants(template: Json) -> Iterator[tuple[str, Json]]:
    """Give each with the words for what was done to it."""
    for path, statement in _statements(template):
        changed = [(what, [one]) for what, one in _changes(copy.deepcopy(statement))]
        for what, instead in [*changed, ("taken out", [])]:
            mutant = copy.deepcopy(template)
            at = path[-1]
            _at(mutant, path[:-1])[at : at + 1] = instead
            yield f"{statement['Sid']}: {what}", mutant


def _statements(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Json]]:  # noqa: ANN401  # any part of a JSON document
    if isinstance(part, dict) and "Effect" in part:
        yield path, part
    elif isinstance(part, (dict, list)):
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _statements(inner, (*path, key))


def _at(part: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401  # any part of a JSON document
    for key in path:
        part = part[key]
    return part


def _changes(statement: Json) -> Iterator[tuple[str, Json]]:
    yield from _other_conditions(statement)
    for element in LISTS:
        value = statement.get(element, "*")
        if value != "*":
            yield f"{element} *", {**statement, element: "*"}
        if isinstance(value, list) and len(value) > 1:
            for at, one in enumerate(value):
                rest = value[:at] + value[at + 1 :]
                yield f"{element} without {one}", {**statement, element: rest}
    if "Principal" in statement:
        yield "another account", {**statement, "Principal": {"AWS": ELSEWHERE}}


def _other_conditions(statement: Json) -> Iterator[tuple[str, Json]]:
    conditions = statement.get("Condition", {})
    for operator, tests in conditions.items():
        rest = {other: test for other, test in conditions.items() if other != operator}
        yield f"no {operator}", {**statement, "Condition": rest}
        if operator.endswith("IfExists"):
            bare = {**rest, operator.removesuffix("IfExists"): tests}
            yield f"{operator} without IfExists", {**statement, "Condition": bare}
        for key, value in tests.items():
            other = {"true": "false", "false": "true"}.get(value, f"{value}0")
            yield f"{key} {other}", {**statement, "Condition": {**rest, operator: {**tests, key: other}}}
