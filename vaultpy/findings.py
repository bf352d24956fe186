"""What a check finds, and how checks are run: each by itself, at once, and within a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy.background import Task
from vaultpy.errors import Internal, VaultpyError
from vaultpy.text import printable
from vaultpy.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OK, WARNING, FAILURE, SKIPPED = "ok", "warning", "failure", "skipped"


class WouldAskError(Exception):
    """Something could be looked at only by asking a person, which a check never does; says why."""


class Finding(Value):
    """What was found: in which `area`, whether it is `ok`, `warning`, `failure` or `skipped`, and the remedy.

    Both texts are made harmless for a terminal. `remedy` is empty for what needs none.
    """

    __slots__ = ("area", "remedy", "state", "text")
    area: str
    state: str
    text: str
    remedy: str

    def __init__(self, state: str, text: str, remedy: str = "", area: str = "") -> None:
        self._set(area=area, state=state, text=printable(text), remedy=printable(remedy))

    def within(self, area: str) -> Finding:
        """Return the same, found in that area."""
        return Finding(self.state, self.text, self.remedy, area)

    def as_json(self) -> dict[str, object]:
        """Return the object that `doctor --json` shows; its shape is a promise (docs/schemas/doctor.json)."""
        return {"area": self.area, "state": self.state, "text": self.text, "remedy": self.remedy or None}


def ok(text: str) -> Finding:
    """Return that this is as it should be."""
    return Finding(OK, text)


def warning(text: str, remedy: str) -> Finding:
    """Return that this works but should be otherwise."""
    return Finding(WARNING, text, remedy)


def failure(text: str, remedy: str) -> Finding:
    """Return that this keeps something from working."""
    return Finding(FAILURE, text, remedy)


def skipped(text: str) -> Finding:
    """Return that this was not looked at, and why."""
    return Finding(SKIPPED, text)


def told_by(error: VaultpyError, state: str = FAILURE) -> Finding:
    """Return what an error says, with its remedy."""
    return Finding(state, error.message, error.hint)


class Check:
    """One area's check: `look` yields what it finds, on a thread of its own from now on.

    What it raises becomes its last finding, and so does an end that does not come.
    """

    def __init__(self, area: str, look: Callable[[], Iterable[Finding]]) -> None:
        self._area = area
        self._look = look
        self._found: list[Finding] = []
        self._task = Task(self._run)

    def _run(self) -> None:
        try:
            for finding in self._look():
                self._found.append(finding)
        except WouldAskError as reason:
            self._found.append(skipped(str(reason)))
        except VaultpyError as error:
            self._found.append(told_by(error))
        except Exception as error:  # noqa: BLE001  # a bug in one check leaves the others standing
            self._found.append(told_by(Internal(kind=type(error).__name__)))

    def findings(self, seconds: float) -> tuple[list[Finding], bool]:
        """Return what has been found after at most `seconds`, and whether that is all; else it fails."""
        ended = self._task.finished(seconds)
        found = list(self._found)
        if ended:
            self._task.result()
        else:
            self._task.abandon(lambda _: None)
            remedy = "see what was asked last, with vaultpy --debug doctor; then run this again"
            found.append(failure("what comes next does not answer in time", remedy))
        return [finding.within(self._area) for finding in found], ended


def collected(checks: list[Check], seconds: float) -> tuple[list[Finding], bool]:
    """Return what all have found after at most `seconds`, in order, and whether that is all."""
    deadline = time.monotonic() + seconds
    each = [check.findings(max(0.0, deadline - time.monotonic())) for check in checks]
    return [finding for found, _ in each for finding in found], all(ended for _, ended in each)
