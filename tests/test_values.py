"""Values are frozen and compared by content; a Secret shows nothing by accident."""

from __future__ import annotations

import copy
import io
import json
import logging
import marshal
import os
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest

from vaultpy.credentials import AccessKey, Credentials
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN = "correct-horse-battery"


def credentials(expiration: int = 1000) -> Credentials:
    return Credentials("ASIAEXAMPLE", Secret(HIDDEN), Secret(HIDDEN), expiration)


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        lambda secret: f"{secret} {secret!r} {secret:>40} {secret!s:x<3}",
        "{0} {0!a}".format,
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  # the old way has to be safe too
        lambda secret: str([secret, {"x": secret}]),
        lambda secret: str(ValueError(secret)),
        lambda secret: repr(AccessKey("AKIAEXAMPLE", secret)),
        lambda secret: str(Credentials("ASIAEXAMPLE", secret, secret, 1)),
    ],
)
def test_a_secret_is_not_in_any_text_made_of_it(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(HIDDEN))

    assert HIDDEN not in shown
    assert "<secret>" in shown or "<se" in shown


@pytest.mark.parametrize("value", [Secret(HIDDEN), credentials(), [Secret(HIDDEN)]])
@pytest.mark.parametrize("take", [pickle.dumps, copy.deepcopy, json.dumps])
def test_a_secret_is_not_pickled_copied_or_written_as_json(
    take: Callable[[object], object], value: object
) -> None:
    with pytest.raises(TypeError) as refusal:
        take(value)

    assert HIDDEN not in str(refusal.value)


def test_a_secret_is_not_copied_alone() -> None:
    with pytest.raises(TypeError):
        copy.copy(Secret(HIDDEN))


def test_a_secret_is_not_logged() -> None:
    written = io.StringIO()
    what = (Secret(HIDDEN), {"secret": Secret(HIDDEN)})
    record = logging.LogRecord("test", logging.WARNING, __file__, 1, "%s %r", what, None)
    logging.StreamHandler(written).handle(record)

    assert written.getvalue() == "<secret> {'secret': <secret>}\n"


def test_a_secret_is_not_in_a_traceback_not_even_among_its_locals() -> None:
    def fail(secret: Secret) -> None:
        held = credentials()
        raise ValueError(secret, held)

    try:
        fail(Secret(HIDDEN))
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "secret = <secret>" in shown
        assert "held = Credentials(" in shown
        assert HIDDEN not in shown


@pytest.mark.parametrize("take", [vars, list, len, bytes, sorted])
def test_a_secret_does_not_come_apart(take: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refusal:
        take(Secret(HIDDEN))

    assert HIDDEN not in str(refusal.value)


@pytest.mark.parametrize(
    "take",
    [
        lambda secret: "x" + secret,
        lambda secret: str.join("", [secret]),
        lambda secret: b"%b" % secret,
        lambda secret: secret[0],
        lambda secret: "x" in secret,
        lambda secret: secret.__getstate__(),
        os.fspath,
        marshal.dumps,
        int,
    ],
)
def test_a_secret_does_not_become_a_part_of_anything(take: Callable[[object], object]) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)) as refusal:
        take(Secret(HIDDEN))

    assert HIDDEN not in str(refusal.value)


def test_reveal_is_the_way_out() -> None:
    assert Secret(HIDDEN).reveal() == HIDDEN


def test_secrets_are_equal_by_content_and_never_equal_to_a_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_values_are_equal_by_content_and_type() -> None:
    key = AccessKey("AKIAEXAMPLE", Secret("a"))

    assert key == AccessKey("AKIAEXAMPLE", Secret("a"))
    assert hash(key) == hash(AccessKey("AKIAEXAMPLE", Secret("a")))
    assert key != AccessKey("AKIAEXAMPLE", Secret("b"))
    assert credentials() != key


def test_a_value_cannot_be_changed() -> None:
    held = credentials()
    with pytest.raises(AttributeError, match="Credentials is frozen"):
        held.expiration = 5
    with pytest.raises(AttributeError, match="Credentials is frozen"):
        del held.expiration
    with pytest.raises(AttributeError):
        held.other = 1

    assert held == credentials()


def test_a_value_shows_its_fields_by_name() -> None:
    assert repr(AccessKey("AKIAEXAMPLE", Secret(HIDDEN))) == "AccessKey(id='AKIAEXAMPLE', secret=<secret>)"
