"""A call on its own thread is waited for, heard of, or given up."""

from __future__ import annotations

import select
import threading

import pytest

from vaultpy.background import Task

PATIENCE = 30.0


def test_the_result_is_what_the_call_returned() -> None:
    assert Task(lambda: 42).result() == 42


def test_a_failure_is_raised_where_the_result_is_asked_for() -> None:
    def fail() -> None:
        raise KeyError("it")

    with pytest.raises(KeyError, match="it"):
        Task(fail).result()


def test_the_end_can_be_selected_on() -> None:
    go = threading.Event()
    task = Task(lambda: go.wait(PATIENCE))
    assert select.select([task.done], [], [], 0)[0] == []
    assert not task.finished(0)
    go.set()
    assert select.select([task.done], [], [], PATIENCE)[0] == [task.done]
    assert task.finished(PATIENCE)
    assert task.result()


def test_what_an_abandoned_call_returns_later_is_disposed_of() -> None:
    go, disposed = threading.Event(), threading.Event()
    task = Task(lambda: go.wait(PATIENCE))
    task.abandon(lambda _outcome: disposed.set())
    assert not disposed.is_set()
    go.set()
    assert disposed.wait(PATIENCE)


def test_what_it_returned_already_is_disposed_of_at_once() -> None:
    outcomes: list[int] = []
    task = Task(lambda: 42)
    assert task.finished(PATIENCE)
    task.abandon(outcomes.append)
    assert outcomes == [42]


def test_the_failure_of_an_abandoned_call_is_nobodys() -> None:
    go = threading.Event()

    def fail() -> None:
        go.wait(PATIENCE)
        raise KeyError

    outcomes: list[None] = []
    task = Task(fail)
    task.abandon(outcomes.append)
    go.set()
    assert task.finished(PATIENCE)
    assert outcomes == []
