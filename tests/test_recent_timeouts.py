"""What was waited for in vain is answered at once for ten seconds, and then no more."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from support.aws import Clock
from vaultpy.errors import NotTouched, TimedOutJustNow
from vaultpy.recent_timeouts import KEPT_SECONDS, RecentTimeouts

QUESTION = "who may be\tthe role 'dev'"


@pytest.fixture
def clock() -> Clock:
    """Return the clock of all runs."""
    return Clock()


@pytest.fixture
def recent(tmp_path: Path, clock: Clock) -> RecentTimeouts:
    """Return the memory after a touch that was missed."""
    recent = RecentTimeouts(str(tmp_path), clock)
    recent.remember(QUESTION, NotTouched(times=3))
    return recent


def test_the_reason_is_told_again_with_how_long_it_will_be(recent: RecentTimeouts, clock: Clock) -> None:
    clock.advance(3)
    with pytest.raises(TimedOutJustNow) as raised:
        recent.check(QUESTION)
    assert raised.value.message == (
        "the YubiKey was not touched, 3 times (3 s ago; nobody is asked again for 7 s)"
    )
    assert raised.value.hint == NotTouched.hint


def test_another_run_is_told_too(recent: RecentTimeouts, tmp_path: Path, clock: Clock) -> None:
    assert recent is not None
    with pytest.raises(TimedOutJustNow):
        RecentTimeouts(str(tmp_path), clock).check(QUESTION)


def test_after_ten_seconds_it_is_forgotten(recent: RecentTimeouts, clock: Clock) -> None:
    clock.advance(KEPT_SECONDS - 0.001)
    with pytest.raises(TimedOutJustNow, match="for 1 s"):
        recent.check(QUESTION)
    clock.advance(0.001)
    recent.check(QUESTION)


def test_another_question_is_another_matter(recent: RecentTimeouts) -> None:
    recent.check("another question")


def test_a_clock_that_was_set_back_does_not_keep_it(recent: RecentTimeouts, clock: Clock) -> None:
    clock.advance(-1)
    recent.check(QUESTION)


def test_what_was_before_a_run_began_can_be_left_out(recent: RecentTimeouts, clock: Clock) -> None:
    recent.check(QUESTION, since=clock.now + 0.001)
    with pytest.raises(TimedOutJustNow):
        recent.check(QUESTION, since=clock.now)


@pytest.mark.parametrize(
    "content",
    [b"", b"1.0\n", b"soon\na\nb\n", b"nan\na\nb\n", b"inf\na\nb\n", b"\xff\n\xff\n\xff\n", b"1\n2\n3\n4\n"],
)
def test_a_file_that_makes_no_sense_is_as_if_it_were_not_there(
    recent: RecentTimeouts, tmp_path: Path, content: bytes
) -> None:
    (file,) = (tmp_path / "timeouts").iterdir()
    file.write_bytes(content)
    recent.check(QUESTION)


def test_a_place_that_cannot_be_written_costs_the_memory_alone(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "timeouts").write_text("a file where a directory should be")
    recent = RecentTimeouts(str(tmp_path), clock)
    recent.remember(QUESTION, NotTouched(times=3))
    recent.check(QUESTION)


def test_what_is_no_longer_told_is_swept_away(recent: RecentTimeouts, tmp_path: Path) -> None:
    (old,) = (tmp_path / "timeouts").iterdir()
    recent.remember("of this moment", NotTouched(times=3))
    assert old.exists()
    then = old.stat().st_mtime - KEPT_SECONDS - 1
    os.utime(old, (then, then))
    recent.remember("the next question", NotTouched(times=3))
    assert not old.exists()
    assert len(list((tmp_path / "timeouts").iterdir())) == 2


def test_its_file_is_the_users_alone(recent: RecentTimeouts, tmp_path: Path) -> None:
    assert recent is not None
    (file,) = Path(tmp_path / "timeouts").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert not math.isnan(float(file.read_text().splitlines()[0]))
