"""Day keys that a profile wants kept: for their day, their access key, and forgotten with the sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws import Clock
from vaultpy.credentials import DayKey
from vaultpy.errors import VaultpyError
from vaultpy.index import Index
from vaultpy.kept_day_keys import KeptDayKeys
from vaultpy.profile import Profile
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import SessionStore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
MIDNIGHT = 1795132800.0  # 2026-11-20T00:00:00Z
DAY = 24 * 60 * 60
TODAY = DayKey(KEY_ID, "20261120", Secret("ab" * 32))


class Desk:
    """A session store in memory, and its clock."""

    def __init__(self, directory: Path, now: float = MIDNIGHT + DAY / 2) -> None:
        self.clock = Clock(now)
        keystore = MemoryKeystore[Secret]()
        self.index = Index(str(directory / "state" / "index"))
        self.sessions = SessionStore(self.index, [KeystorePlace(lambda: keystore)], self.clock)
        self.kept = KeptDayKeys(self.sessions, self.clock, "dev")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_kept_comes_back(desk: Desk) -> None:
    assert desk.kept.get(KEY_ID) is None
    desk.kept.put(TODAY)
    assert desk.kept.get(KEY_ID) == TODAY


def test_it_serves_its_own_access_key_alone(desk: Desk) -> None:
    desk.kept.put(TODAY)
    assert desk.kept.get("AKIAANOTHER") is None


@pytest.mark.parametrize(("seconds", "serves"), [(DAY - 61, True), (DAY - 59, False), (DAY, False)])
def test_it_serves_until_a_minute_before_midnight(
    desk: Desk,
    seconds: int,
    serves: bool,  # noqa: FBT001  # pytest's way
) -> None:
    desk.kept.put(TODAY)
    desk.clock.now = MIDNIGHT + seconds
    assert (desk.kept.get(KEY_ID) == TODAY) is serves


def test_the_day_before_is_not_kept_after_midnight(desk: Desk) -> None:
    desk.clock.now = MIDNIGHT + DAY + 10
    desk.kept.put(TODAY)
    assert desk.index.sessions() == []


def test_it_is_forgotten_with_the_sessions_of_its_access_key(desk: Desk) -> None:
    desk.kept.put(TODAY)
    assert desk.sessions.forget(access_key_id=KEY_ID) == 1
    assert desk.kept.get(KEY_ID) is None


def test_the_index_says_that_there_is_one_and_not_what_it_is(desk: Desk) -> None:
    desk.kept.put(TODAY)
    (entry,) = desk.index.sessions()
    assert (entry.label, entry.access_key_id, entry.expiration) == ("day key", KEY_ID, MIDNIGHT + DAY)
    assert TODAY.key.reveal() not in repr(entry)


@pytest.mark.parametrize(("text", "value"), [("keep", "keep"), ("", None)])
def test_a_profile_says_keep_or_nothing(text: str, value: str | None) -> None:
    assert Profile("dev", "config", {"vaultpy_day_key": text}).vaultpy_day_key == value


def test_anything_else_in_a_profile_is_an_error() -> None:
    with pytest.raises(VaultpyError, match="vaultpy_day_key"):
        _ = Profile("dev", "config", {"vaultpy_day_key": "always"}).vaultpy_day_key
