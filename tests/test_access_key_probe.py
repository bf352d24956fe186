"""A new access key is known once several answers in a row have known it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from vaultpy.access_key_probe import is_known_in_time
from vaultpy.credentials import AccessKey
from vaultpy.errors import AccessKeyRefused, AwsBusy, ClockWrong, NoAnswer, VaultpyError
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.credentials import LongTerm

NEW = AccessKey("AKIAI44QH8DHBEXAMPLE", Secret("the new secret"))
UNKNOWN = AccessKeyRefused(key_id=NEW.id, profile="dev")
BUSY = AwsBusy(reason="Throttling")
SILENT = NoAnswer(host="sts", reason="closed")


class Aws:
    """AWS's machines and a clock: each answer is the next of `answers`, the last one for ever."""

    def __init__(self, *answers: VaultpyError | None) -> None:
        self.answers = answers
        self.asked_at: list[float] = []
        self.now = 0.0
        self.said = ""
        self.takes = 0.0
        """Each answer takes so many seconds."""

    def probe(self, key: LongTerm) -> None:
        """Answer."""
        assert key is NEW
        answer = self.answers[min(len(self.asked_at), len(self.answers) - 1)]
        self.asked_at.append(self.now)
        self.now += self.takes
        if answer is not None:
            raise answer

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    @contextmanager
    def waiting(self, text: str, seconds: float, *, typing: bool) -> Iterator[Aws]:
        """Begin to wait."""
        assert (seconds, typing) == (60, False)
        self.said = text
        yield self

    def pause(self, seconds: float, wake: None) -> None:
        """Let time pass."""
        assert seconds <= 0.25, wake  # so that the seconds that are shown go on
        self.now += seconds


def test_three_answers_in_a_row_two_seconds_apart_are_enough() -> None:
    aws = Aws(None)
    assert is_known_in_time(NEW, aws.probe, aws, aws.clock)
    assert aws.asked_at == [0, 2, 4]
    assert NEW.id in aws.said


@pytest.mark.parametrize("failure", [UNKNOWN, BUSY, SILENT])
def test_an_answer_that_does_not_know_it_begins_the_count_anew(failure: VaultpyError) -> None:
    aws = Aws(failure, None, None, failure, None)
    assert is_known_in_time(NEW, aws.probe, aws, aws.clock)
    assert len(aws.asked_at) == 7


def test_after_a_minute_it_is_given_up() -> None:
    aws = Aws(UNKNOWN)
    assert not is_known_in_time(NEW, aws.probe, aws, aws.clock)
    assert aws.asked_at[-1] == 60


def test_slow_answers_make_it_no_longer_than_a_minute_and_the_last_answer() -> None:
    aws = Aws(SILENT)
    aws.takes = 10
    assert not is_known_in_time(NEW, aws.probe, aws, aws.clock)
    assert aws.asked_at == [0, 12, 24, 36, 48, 60]


def test_what_no_time_mends_is_told_at_once() -> None:
    aws = Aws(ClockWrong(off="1h ahead of"))
    with pytest.raises(ClockWrong):
        is_known_in_time(NEW, aws.probe, aws, aws.clock)
    assert aws.asked_at == [0]
