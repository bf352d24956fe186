"""Many runs at a time: how many at once, what begins after a failure, and the pace that AWS sets.

Pure but for its threads: what a run does, the clock, the pauses and chance are handed in.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from vaultpy import errors
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")

JOBS = 8
"""How many runs at once. While one waits 50 ms for AWS, seven others need the processor for some 4 ms each
(boto3, the command's start), which fits; sixteen would not, and their commands want processors too."""

_BUSY_TRIES = 8
_UNHEARD_TRIES = 2
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 20.0


class StoppedError(Exception):
    """The whole is being ended: whoever waits, waits no longer."""


class Pace:
    """The pace of all calls of a run: when AWS says that they are too many, none begins for a while."""

    def __init__(
        self, *, clock: Callable[[], float], pause: Callable[[float], None], chance: Callable[[], float]
    ) -> None:
        """`chance` gives numbers from 0 to 1; `pause` may raise StoppedError."""
        self._clock = clock
        self._pause = pause
        self._chance = chance
        self._again_at = 0.0

    def keep(self, call: Callable[[], R]) -> R:
        """Return what `call` returns, which must do no harm if it is made again; raises what it raises.

        One that AWS has no time for is tried again seven times, after pauses that double up to 20 seconds, of
        which chance takes up to a half; one that nobody heard or answered, once.
        """
        tries = 0
        while True:
            self._wait()
            tries += 1
            try:
                return call()
            except errors.AwsBusy:
                if tries == _BUSY_TRIES:
                    raise
                seconds = self._seconds(tries)
                self._again_at = max(self._again_at, self._clock() + seconds)
            except (errors.Unreachable, errors.NoAnswer):
                if tries >= _UNHEARD_TRIES:
                    raise
                self._pause(self._seconds(tries))

    def _seconds(self, tries: int) -> float:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1))
        return longest * (0.5 + self._chance() / 2)

    def _wait(self) -> None:
        """Wait until calls may begin again; chance keeps them from doing so all at once."""
        while (left := self._again_at - self._clock()) > 0:
            self._pause(left + self._chance() * _FIRST_PAUSE_SECONDS)


class Progress(Value):
    """How far a fan-out has come; what runs is in the order in which it began, times are in seconds."""

    __slots__ = ("done", "elapsed", "failed", "running", "total")
    total: int
    done: int
    failed: int
    running: tuple[str, ...]
    elapsed: float

    def __init__(self, total: int, done: int, failed: int, running: tuple[str, ...], elapsed: float) -> None:
        self._set(total=total, done=done, failed=failed, running=running, elapsed=elapsed)

    @property
    def seconds_left(self) -> float | None:
        """What the rest will take if it goes on like this; None before anything can be said."""
        ended = self.done + self.failed
        return self.elapsed / ended * (self.total - ended) if ended else None


class Fanout(Generic[T]):
    """`run` for each of `targets`, on threads of their own."""

    def __init__(
        self,
        targets: Sequence[T],
        run: Callable[[T], bool],
        *,
        keep_going: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`run` tells whether it went well, or raises StoppedError; after a failure none begins that has not.

        With `keep_going` all the same.
        """
        self._total = len(targets)
        self._waiting = deque(targets)
        self._run = run
        self._keep_going = keep_going
        self._clock = clock
        self._began = clock()
        self._changed = threading.Condition()
        self._running: list[T] = []
        self._done = self._failed = self._threads = 0
        self._stops = False
        self._bug: BaseException | None = None

    def start(self, jobs: int = JOBS) -> None:
        """Begin, so many at once."""
        self._threads = min(jobs, self._total)
        for _ in range(self._threads):
            threading.Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        """Begin no more of them."""
        with self._changed:
            self._stops = True

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the end of all that has begun; tell whether it has come.

        Raises what `run` raised and should not.
        """
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._threads, seconds)
            if self._bug is not None:
                raise self._bug
            return ended

    def unfinished(self) -> list[T]:
        """Return those that have not come to their end: that were stopped, or have not begun."""
        with self._changed:
            return [*self._running, *self._waiting]

    def progress(self, name: Callable[[T], str]) -> Progress:
        """Return how far it has come."""
        with self._changed:
            running = tuple(map(name, self._running))
            return Progress(self._total, self._done, self._failed, running, self._clock() - self._began)

    def _work(self) -> None:
        try:
            while (target := self._next()) is not None:
                well = self._run(target[0])
                self._end(target[0], well=well)
        except StoppedError:
            self.stop()
        except BaseException as bug:  # noqa: BLE001  # raised again by wait, on the caller's thread
            self._bug = bug
        with self._changed:
            self._threads -= 1
            self._changed.notify_all()

    def _next(self) -> tuple[T] | None:
        """Return the next target, in a tuple since it may be anything; None where no more is to begin."""
        with self._changed:
            if self._stops or not self._waiting:
                return None
            target = self._waiting.popleft()
            self._running.append(target)
            return (target,)

    def _end(self, target: T, *, well: bool) -> None:
        with self._changed:
            self._running.remove(target)
            self._done += well
            self._failed += not well
            self._stops = self._stops or not (well or self._keep_going)
