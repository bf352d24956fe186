"""Every error is two clear lines, a status, and harmless whatever its facts hold."""

from __future__ import annotations

import inspect
import re
import unicodedata
from string import Formatter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vaultpy import errors
from vaultpy.errors import CommandNotFound, NoSuchProfile, UsageError, VaultpyError

ERRORS = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, VaultpyError) and found is not VaultpyError
]
EACH = pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
# What moves a cursor, reorders a line, is unassigned, private or half a character, or breaks a line.
HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def lines(error: type[VaultpyError]) -> list[str]:
    return [error.message, error.hint]


def facts(error: type[VaultpyError]) -> set[str]:
    return {name for line in lines(error) for _, name, _, _ in Formatter().parse(line) if name is not None}


@EACH
def test_an_error_is_one_line_of_message_and_one_of_hint(error: type[VaultpyError]) -> None:
    for line in lines(error):
        assert line == line.strip() != ""
        assert line.isprintable()


@EACH
def test_its_lines_begin_in_lower_case_and_end_without_a_full_stop(error: type[VaultpyError]) -> None:
    for line in lines(error):
        first = re.split(r"[\W_]", line.lstrip("{"))[0]
        assert not re.fullmatch(r"[A-Z][a-z]*", first)  # AWS and YubiKey are written as they are
        assert not line.endswith((".", "!", ":", " "))


@EACH
def test_its_facts_are_plain_names_and_can_be_filled_in(error: type[VaultpyError]) -> None:
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in facts(error))
    raised = error(**dict.fromkeys(facts(error), "the-fact"))

    assert str(raised) == raised.message
    assert "{" not in raised.message + raised.hint
    assert ("the-fact" in raised.message + raised.hint) == bool(facts(error))


@EACH
def test_its_status_is_one_that_is_documented(error: type[VaultpyError]) -> None:
    assert error.status in {1, 2}
    assert error.exec_status == {"CommandNotFound": 127}.get(
        error.__name__, 126 if issubclass(error, errors.CommandNotExecutable) else 125
    )


def test_a_fact_that_is_left_out_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        NoSuchProfile(profile="dev")


def test_a_fact_is_not_taken_for_a_placeholder() -> None:
    assert UsageError(problem="{command} {0} %s", command="exec").message == "{command} {0} %s"


def test_a_fact_in_a_command_is_quoted_for_the_shell() -> None:
    hint = NoSuchProfile(profile="a b'; rm -rf ~", path="/config").hint

    assert hint.endswith("""vaultpy add 'a b'"'"'; rm -rf ~'""")


@given(st.text())
@example("\x1b[2J\x1b]0;title\x07")
@example("\u202egpj.exe \u2066x\u2069 \u200b\u200f\ufeff\u00ad")
@example("\r\n\x00\x7f\x85\x9b31m\u2028\u2029")
@example("\udcff\ue000\U000e0041")
def test_nothing_that_acts_on_a_terminal_survives(text: str) -> None:
    shown = CommandNotFound(command=text).message
    assert not {unicodedata.category(character) for character in shown} & HARMFUL
    shown.encode()
