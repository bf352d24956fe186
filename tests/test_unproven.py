"""What nobody could prove has a number, on the page and where the stand-in behaves so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "unproven.md").read_text()
SIMULATED = {path: path.read_text() for path in (ROOT / "vaultpy" / "simulated").glob("*.py")}
ROWS = re.findall(r"^\| ([AY]\d+) \| (.*) \|$", PAGE, re.MULTILINE)
NUMBERS = [number for number, _ in ROWS]
HAVE_A_NUMBER = re.compile(
    r"\bis unknown\b|\ban assumption\b|[Nn]obody has published|is not published|chosen, not known"
    r"|text assumed"
)


def test_numbers_are_counted_without_a_gap_and_never_given_twice() -> None:
    for letter in "AY":
        given = [int(number[1:]) for number in NUMBERS if number.startswith(letter)]
        assert given == list(range(1, len(given) + 1))
        assert len(given) > 5


@pytest.mark.parametrize(("number", "row"), ROWS, ids=NUMBERS)
def test_each_says_what_is_assumed_where_it_matters_whence_and_who_asks(number: str, row: str) -> None:
    assumed, matters, source, asked = row.split(" | ")
    assert all((assumed, matters, source)), number
    assert re.match(r"yes|no: |nobody: |`hardware-tests`", asked)


def test_the_stand_in_carries_the_numbers_of_the_page_and_no_others() -> None:
    carried = {number for text in SIMULATED.values() for number in re.findall(r"unproven ([AY]\d+)", text)}
    assert carried == set(NUMBERS)


def test_what_the_stand_in_says_that_it_assumes_has_a_number() -> None:
    for path, text in SIMULATED.items():
        for comment in re.findall(r'""".*?"""|# .*', text, re.DOTALL):
            assert not HAVE_A_NUMBER.search(comment) or "unproven" in comment, f"{path.name}: {comment}"


def test_modules_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`(\w+\.py)`", PAGE))
    assert {name for name in named if not (ROOT / "vaultpy" / name).exists()} == set()
