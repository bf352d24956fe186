"""What was done is undone in reverse when what follows fails; what stays is named with its remedy."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from vaultpy import errors
from vaultpy.undoing import Undoing


class Person:
    """Hears warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        """Hear one."""
        self.warnings.append(text)


def fail(failure: BaseException) -> None:
    raise failure


def end(undo: Undoing, failure: BaseException) -> None:
    """Let what follows fail."""
    with pytest.raises(type(failure)), undo:
        raise failure


def test_nothing_is_undone_where_nothing_fails() -> None:
    undone: list[int] = []
    with Undoing(Person()) as undo:
        undo.add(lambda: undone.append(1), "one", "rm one")
    assert undone == []


@pytest.mark.parametrize("failure", [errors.CardRemoved(), KeyboardInterrupt()])
def test_after_a_failure_all_is_undone_last_first(failure: BaseException) -> None:
    undone: list[int] = []
    undo = Undoing(Person())
    undo.add(lambda: undone.append(1), "one", "rm one")
    undo.add(lambda: undone.append(2), "two", "rm two")
    end(undo, failure)
    assert undone == [2, 1]


def test_what_was_dropped_or_kept_is_not_undone() -> None:
    undone: list[int] = []
    undo = Undoing(Person())
    undo.add(lambda: undone.append(1), "one", "rm one")
    undo.keep()
    undo.add(lambda: undone.append(2), "two", "rm two")
    undo.add(lambda: undone.append(3), "three", "rm three")
    undo.drop()
    end(undo, errors.CardRemoved())
    assert undone == [2]


@pytest.mark.parametrize(
    ("problem", "why"),
    [(errors.CardHeld(), "another program holds the YubiKey"), (KeyboardInterrupt(), "interrupted")],
)
def test_what_cannot_be_undone_is_named_and_the_rest_undone(problem: BaseException, why: str) -> None:
    person, undone = Person(), list[int]()
    undo = Undoing(person)
    undo.add(lambda: undone.append(1), "one", "rm one")
    undo.add(lambda: fail(problem), "two", "rm two")
    end(undo, errors.CardRemoved())
    assert person.warnings == [f"two stays ({why}); to remove it: rm two"]
    assert undone == [1]


def test_what_depends_on_something_that_stays_is_named_and_left() -> None:
    person, undone = Person(), list[int]()
    undo = Undoing(person)
    undo.add(lambda: undone.append(1), "one", "rm one")
    undo.add(lambda: fail(errors.CardHeld()), "two", "rm two", else_all_stay=True)
    end(undo, errors.CardRemoved())
    assert [warning.partition(" ")[0] for warning in person.warnings] == ["two", "one"]
    assert undone == []


ENDED = """
import signal, sys
from vaultpy.undoing import Undoing
with Undoing(None) as undo:
    undo.add(lambda: print("undone", flush=True), "it", "rm it")
    signal.raise_signal(int(sys.argv[1]))
    print("not reached")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_does_so_after_all_is_undone(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDED, str(int(number))], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("undone\n", -number)


INTERRUPTED = """
import signal, sys
from vaultpy.undoing import SignalsInterrupt
with SignalsInterrupt():
    try:
        signal.raise_signal(int(sys.argv[1]))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
print("not reached")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_ctrl_c_in_a_block_with_nothing_to_undo_too_and_ends_it(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(int(number))], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("interrupted\n", -number)


@pytest.mark.parametrize("failure", [None, errors.CardRemoved()])
def test_signals_are_afterwards_what_they_were(failure: errors.VaultpyError | None) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    undo = Undoing(Person())
    try:
        if failure is None:
            with undo:
                assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
                assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        else:
            end(undo, failure)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
