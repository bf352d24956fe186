"""The page about security: each attacker has its two tables, and each claim a test that exists."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text()
WHO = PAGE.partition("## Who can do what\n")[2].partition("\n## ")[0]
TEST = re.compile(r"`(test_\w+\.py)(?:::(test_\w+))?`")
NOT_OURS = re.compile(r"AWS's rule|AWS takes|the YubiKey has no command|the system's lock|it is never sent")


class Attacker(NamedTuple):
    """Who attacks, and the rows of both tables."""

    name: str
    cannot: list[tuple[str, str]]
    can: list[tuple[str, str]]


def rows(text: str, head: str) -> list[tuple[str, str]]:
    """Return the two cells of each row in the table with that head."""
    table = re.search(rf"^{re.escape(head)}\n\|---\|---\|\n((?:\|.*\n)*)", text, re.MULTILINE)
    assert table is not None, head
    found = re.findall(r"^\| (.*?) \| (.*) \|$", table[1], re.MULTILINE)
    assert len(found) == table[1].count("\n"), table[1]
    return found


ATTACKERS = [
    Attacker(name, rows(text, "| cannot | held by |"), rows(text, "| can | why |"))
    for name, text in re.findall(r"^### (.*)\n((?:(?!^### ).*\n?)*)", WHO, re.MULTILINE)
]
CLAIMS = [pytest.param(held_by, id=claim[:60]) for who in ATTACKERS for claim, held_by in who.cannot]


@lru_cache
def functions_of(file: str) -> set[str]:
    """Return the names of the functions in a file, wherever below `tests` it lies; none where it does not."""
    path = next(TESTS.rglob(file), None)
    if path is None:
        return set()
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_everybody_who_may_attack_is_there() -> None:
    names = " ".join(who.name.lower() for who in ATTACKERS)
    for word in (
        "another user",
        "program that runs as you",
        "disk",
        "laptop",
        "command that you start",
        "config file",
        ".envrc",
        "your yubikey",
        "reader",
        "network",
        "dependency",
    ):
        assert word in names


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda attacker: attacker.name)
def test_it_is_said_what_they_can_and_what_they_cannot(attacker: Attacker) -> None:
    assert attacker.cannot
    assert attacker.can
    assert all(why for _, why in attacker.can)


@pytest.mark.parametrize("held_by", CLAIMS)
def test_what_somebody_cannot_is_held_by_a_test_that_exists_or_by_somebody_who_is_named(held_by: str) -> None:
    named = TEST.findall(held_by)
    assert named or NOT_OURS.search(held_by)
    for file, test in named:
        assert functions_of(file), file
        assert not test or test in functions_of(file), f"{file}::{test}"


def test_every_test_that_the_page_names_exists() -> None:
    named = TEST.findall(PAGE)
    assert len(named) > len(CLAIMS)
    missing = {f"{file}::{test}" for file, test in named if test and test not in functions_of(file)}
    assert missing == set()


def test_a_test_that_does_not_exist_would_be_noticed() -> None:
    assert "test_a_test_that_does_not_exist_would_be_noticed" in functions_of(Path(__file__).name)
    assert "test_that_was_never_written" not in functions_of(Path(__file__).name)
    assert not functions_of("test_of_nothing.py")
