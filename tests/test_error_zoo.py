"""Every error that a user can meet is met here, by the installed command, and stands in docs/errors.md.

How an error comes about is told in `zoo/`, in the sections of `vaultpy/errors.py`.
"""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.pcscd import missing
from vaultpy import errors
from zoo import aws, command_line, config, enrolment, keystore, this_computer, yubikey
from zoo.keeper import Told, Zoo
from zoo.scenario import SCENARIOS, Scenario
from zoo.templates import Lines, classes, recognized, sections

if TYPE_CHECKING:
    from collections.abc import Iterator


MODULES = (command_line, config, enrolment, keystore, yubikey, aws, this_computer)
"""In the order of the sections in errors.py."""

DOCUMENT = Path(__file__).parent.parent / "docs" / "errors.md"
AT_ONCE = [scenario for scenario in SCENARIOS if not scenario.slow]
SLOW = [scenario for scenario in SCENARIOS if scenario.slow]
SLOWEST_SECONDS = 200
needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def name(scenario: Scenario) -> str:
    return f"{scenario.error.__name__}-{scenario.play.__name__}"


# ---- the command -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    """Open a zoo for the scenarios that are played one after the other."""
    with Zoo(tmp_path_factory.mktemp("zoo")).open() as zoo:
        yield zoo


@pytest.fixture(scope="module", autouse=True)
def slow(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Scenario, Future[Told]]]:
    """Play the slow scenarios that were selected, all at once and beside all other tests of this file."""
    selected = {
        item.callspec.params.get("waiting") for item in request.session.items if hasattr(item, "callspec")
    }
    chosen = [scenario for scenario in SLOW if scenario in selected]
    if not chosen or missing():
        yield {}
        return
    with Zoo(tmp_path_factory.mktemp("slow")).open() as zoo, ThreadPoolExecutor(len(chosen)) as threads:
        yield {scenario: threads.submit(scenario.play, zoo) for scenario in chosen}


def check(told: Told, scenario: Scenario) -> None:
    assert recognized(told.lines) is scenario.error, told.lines
    runs_commands = told.verb in {"exec", "each"}
    assert told.status == (scenario.error.exec_status if runs_commands else scenario.error.status)


@needs_pcscd
@pytest.mark.parametrize("scenario", AT_ONCE, ids=name)
def test_the_command_tells_the_error_and_leaves_nothing_half_done(scenario: Scenario, zoo: Zoo) -> None:
    before, sent = zoo.files, zoo.sent
    check(scenario.play(zoo), scenario)
    assert zoo.files == before
    assert zoo.sent - sent == scenario.sends
    assert zoo.world.yubikey.calls == []


@needs_pcscd
@pytest.mark.slow
@pytest.mark.timeout(SLOWEST_SECONDS)
@pytest.mark.parametrize("waiting", SLOW, ids=name)
def test_the_command_tells_the_error_after_a_while(
    waiting: Scenario, slow: dict[Scenario, Future[Told]]
) -> None:
    check(slow[waiting].result(SLOWEST_SECONDS), waiting)


def test_every_error_has_a_scenario_or_a_reason_for_none() -> None:
    assert {scenario.error for scenario in SCENARIOS} == set(classes())


def test_a_scenario_stands_in_the_file_of_its_section() -> None:
    for (heading, found), module in zip(sections().items(), MODULES, strict=True):
        mine = {scenario.error for scenario in SCENARIOS if scenario.play.__module__ == module.__name__}
        assert mine <= set(found), heading


# ---- the document ----------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One error in the document: its name, its two lines, and the two things said of it."""

    name: str
    lines: Lines
    happened: str
    to_do: str


_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_NAME = re.compile(r"^### (.+)$", re.MULTILINE)
_BODY = re.compile(
    r"\n\n```text\n(?P<error>.+)\n(?P<hint>.+)\n```\n\n"
    r"- What happened: (?P<happened>.+?)\n- What to do: (?P<to_do>.+)",
    re.DOTALL,
)


def documented() -> dict[str, list[Entry]]:
    """Return the entries of the document under each of its headings."""
    parts = _HEADING.split(DOCUMENT.read_text())[1:]
    found: dict[str, list[Entry]] = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        named = _NAME.split(text)[1:]
        found[heading] = [entry(*pair) for pair in zip(named[::2], named[1::2], strict=True)]
    return found


def entry(name: str, text: str) -> Entry:
    """Return the entry; one that is not in its form has nothing but its name."""
    body = _BODY.fullmatch(text.rstrip())
    if body is None:
        return Entry(name, Lines("", ""), "", "")
    happened, to_do = (" ".join(body[part].split()) for part in ("happened", "to_do"))
    return Entry(name, Lines.of(body["error"], body["hint"]), happened, to_do)


ENTRIES = [found for entries in documented().values() for found in entries]


def test_the_document_has_each_error_where_the_code_has_it() -> None:
    in_code = {heading.lower(): [error.__name__ for error in found] for heading, found in sections().items()}
    in_document = {
        heading.lower(): [found.name for found in entries] for heading, entries in documented().items()
    }
    assert in_document == in_code


@pytest.mark.parametrize("found", ENTRIES, ids=lambda found: found.name)
def test_an_entry_shows_the_errors_own_lines(found: Entry) -> None:
    error = recognized(found.lines)
    assert error is not None
    assert error.__name__ == found.name


@pytest.mark.parametrize("found", ENTRIES, ids=lambda found: found.name)
def test_an_entry_says_in_sentences_what_happened_and_what_to_do(found: Entry) -> None:
    for said in (found.happened, found.to_do):
        assert said.endswith(".")
        assert len(said.split()) > 3
        assert said not in found.lines


def test_an_error_is_recognized_by_all_of_its_words_and_by_the_most_of_them() -> None:
    assert recognized(Lines("no profile x in y", "did you mean z?")) is errors.MistypedProfile
    assert recognized(Lines("no profile x in y", "did you mean z")) is None
    assert recognized(Lines("no profile in y", "did you mean z?")) is None
    assert (
        recognized(Lines("x cannot be executed: y", "make it executable: chmod +x x"))
        is errors.CommandNotExecutable
    )
    assert recognized(Lines("x cannot be executed: y", "do without")) is errors.CommandUnusable
