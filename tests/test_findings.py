"""Checks run side by side, each to its own end: one that fails or hangs leaves the others standing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from vaultpy import errors
from vaultpy.findings import Check, Finding, WouldAskError, collected, failure, ok, skipped, told_by, warning

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_what_raises_is_told_with_its_remedy_after_what_was_found_before() -> None:
    def look() -> Iterator[Finding]:
        yield ok("first")
        raise errors.OathOff

    found, ended = collected([Check("key", look)], 10)
    assert ended
    assert found == [ok("first").within("key"), told_by(errors.OathOff()).within("key")]
    assert (found[1].state, found[1].remedy) == ("failure", errors.OathOff.hint)


def test_what_would_have_to_ask_is_skipped() -> None:
    def look() -> Iterator[Finding]:
        raise WouldAskError("it is locked")

    assert collected([Check("keystore", look)], 10)[0] == [skipped("it is locked").within("keystore")]


def test_a_bug_in_one_check_is_its_failure_alone() -> None:
    def look() -> Iterator[Finding]:
        raise ZeroDivisionError("with a secret in its text")

    found, _ = collected([Check("one", look), Check("other", lambda: [ok("fine")])], 10)
    assert [finding.state for finding in found] == ["failure", "ok"]
    assert found[0].text == "a bug in vaultpy: ZeroDivisionError"


def test_a_check_that_hangs_fails_and_the_others_are_told_in_their_order() -> None:
    released = threading.Event()

    def look() -> Iterator[Finding]:
        yield ok("this much")
        released.wait()

    checks = [Check("slow", look), Check("quick", lambda: [ok("fine")])]
    assert checks[1].findings(10) == ([ok("fine").within("quick")], True)
    checks[1] = Check("quick", lambda: [ok("fine")])
    found, ended = collected(checks, 0.5)
    released.set()
    assert not ended
    assert [(it.area, it.state) for it in found] == [("slow", "ok"), ("slow", "failure"), ("quick", "ok")]
    assert "does not answer in time" in found[1].text


def test_checks_run_side_by_side() -> None:
    together = threading.Barrier(3, timeout=30)

    def look() -> Iterator[Finding]:
        together.wait()
        yield ok("met")

    found, _ = collected([Check(name, look) for name in "abc"], 30)
    assert [finding.text for finding in found] == ["met"] * 3


@pytest.mark.parametrize("make", [warning, failure])
def test_texts_and_remedies_of_strangers_are_escaped(make: type[Finding]) -> None:
    finding = make("a \x1b[2J\u202e card", "touch \x07")
    assert (finding.text, finding.remedy) == (r"a \x1b[2J\u202e card", r"touch \x07")


def test_the_json_has_null_where_no_remedy_is_needed() -> None:
    shown = ok("fine").within("area").as_json()
    assert shown == {"area": "area", "state": "ok", "text": "fine", "remedy": None}
