"""How many run at once, what begins after a failure, and the pace that AWS sets; time is the test's own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from vaultpy import errors
from vaultpy.fanout import Fanout, Pace, Progress, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

WITHIN = 20.0
BUSY = errors.AwsBusy(reason="Throttling")


class Time:
    """A clock that goes on while somebody pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def pause(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.pauses.append(seconds)
        self.now += seconds


def pace(time: Time, chance: Callable[[], float] = lambda: 1.0) -> Pace:
    return Pace(clock=time, pause=time.pause, chance=chance)


def failing(*failures: Exception) -> Callable[[], str]:
    """Return a call that fails so, one time after the other, and then works."""
    left = list(failures)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "fine"

    return call


# ---- the pace -------------------------------------------------------------------------------------------


def test_a_call_that_works_is_not_held_up() -> None:
    time = Time()
    assert pace(time).keep(failing()) == "fine"
    assert time.pauses == []


def test_a_throttled_call_is_tried_again_after_pauses_that_double_up_to_a_limit() -> None:
    time = Time()
    assert pace(time).keep(failing(*[BUSY] * 7)) == "fine"
    waited = [
        after - before for before, after in zip([0, *_sums(time.pauses)], _sums(time.pauses), strict=False)
    ]
    assert [round(seconds - 0.5, 1) for seconds in waited] == [0.5, 1, 2, 4, 8, 16, 20]


def _sums(numbers: list[float]) -> list[float]:
    return [sum(numbers[: count + 1]) for count in range(len(numbers))]


def test_after_eight_refusals_it_is_given_up() -> None:
    with pytest.raises(errors.AwsBusy):
        pace(Time()).keep(failing(*[BUSY] * 8))


def test_chance_takes_up_to_half_of_a_pause() -> None:
    time = Time()
    pace(time, lambda: 0.0).keep(failing(BUSY, BUSY))
    assert time.pauses == [0.25, 0.5]


def test_while_one_call_is_throttled_no_other_begins() -> None:
    time = Time()
    others: list[float] = []

    def pause(seconds: float) -> None:
        if not others:  # another thread comes while the first one pauses
            others.append(-1)
            shared.keep(lambda: others.append(time.now))
        time.pause(seconds)

    shared = Pace(clock=time, pause=pause, chance=lambda: 0.0)
    assert shared.keep(failing(BUSY)) == "fine"
    assert others == [-1, 0.25]


@pytest.mark.parametrize("error", [errors.NoAnswer, errors.Unreachable])
def test_a_call_without_an_answer_is_made_once_more(error: type[errors.VaultpyError]) -> None:
    failure = error(host="sts", reason="nothing came")
    time = Time()
    assert pace(time).keep(failing(failure)) == "fine"
    with pytest.raises(error):
        pace(time).keep(failing(failure, failure))


def test_a_refusal_is_not_tried_again() -> None:
    time = Time()
    with pytest.raises(errors.RoleDenied):
        pace(time).keep(failing(errors.RoleDenied(user="alice", role="dev")))
    assert time.pauses == []


def test_whoever_pauses_is_stopped_with_the_rest() -> None:
    def stopped(_seconds: float) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        Pace(clock=Time(), pause=stopped, chance=lambda: 0.0).keep(failing(BUSY, BUSY))


# ---- the fan-out ----------------------------------------------------------------------------------------


def finish(fanout: Fanout[str], jobs: int = 4) -> Progress:
    fanout.start(jobs)
    assert fanout.wait(WITHIN)
    return fanout.progress(str)


def test_each_target_is_run_once() -> None:
    ran: list[str] = []
    names = [str(number) for number in range(200)]

    def run(name: str) -> bool:
        ran.append(name)
        return True

    progress = finish(Fanout(names, run, keep_going=False), 8)
    assert sorted(ran) == sorted(names)
    assert (progress.done, progress.failed, progress.running) == (200, 0, ())


def test_no_more_run_at_once_than_are_allowed() -> None:
    together = threading.Barrier(3)
    running: list[str] = []
    most: list[int] = []

    def run(name: str) -> bool:
        running.append(name)
        most.append(len(running))
        together.wait(WITHIN)
        running.remove(name)
        return True

    finish(Fanout(list("abcdef"), run, keep_going=False), 3)
    assert max(most) == 3


def test_after_a_failure_none_begins() -> None:
    fanout = Fanout(list("abc"), lambda name: name != "b", keep_going=False)
    progress = finish(fanout, 1)
    assert (progress.done, progress.failed) == (1, 1)
    assert fanout.unfinished() == ["c"]


def test_what_runs_beside_a_failure_comes_to_its_end() -> None:
    failed = threading.Event()

    def run(name: str) -> bool:
        if name == "b":
            failed.set()
            return False
        return failed.wait(WITHIN)

    fanout = Fanout(list("abcd"), run, keep_going=False)
    progress = finish(fanout, 2)
    assert progress.done >= 1
    assert progress.failed == 1
    assert "d" in fanout.unfinished()


def test_with_keep_going_all_are_run() -> None:
    fanout = Fanout(list("abc"), lambda name: name != "b", keep_going=True)
    progress = finish(fanout, 1)
    assert (progress.done, progress.failed) == (2, 1)
    assert fanout.unfinished() == []


def test_one_that_is_stopped_counts_neither_as_done_nor_as_failed() -> None:
    def run(_name: str) -> bool:
        raise StoppedError

    fanout = Fanout(["a", "b"], run, keep_going=True)
    progress = finish(fanout, 1)
    assert (progress.done, progress.failed, progress.running) == (0, 0, ("a",))
    assert fanout.unfinished() == ["a", "b"]


def test_a_bug_comes_out_where_the_end_is_waited_for() -> None:
    def run(_name: str) -> bool:
        raise ZeroDivisionError

    fanout = Fanout(["a"], run, keep_going=True)
    fanout.start(1)
    with pytest.raises(ZeroDivisionError):
        fanout.wait(WITHIN)


def test_the_time_left_is_told_from_what_has_ended() -> None:
    assert Progress(10, 0, 0, (), 5.0).seconds_left is None
    assert Progress(10, 3, 1, (), 8.0).seconds_left == 12
