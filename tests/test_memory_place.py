"""What no keyring takes is kept by the process that needs it, for as long as it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.aws import Clock
from vaultpy.credentials import Credentials
from vaultpy.index import Index
from vaultpy.memory_place import MemoryPlace
from vaultpy.sessions import SessionStore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from pathlib import Path


def test_a_text_is_there_until_its_time_is_up() -> None:
    clock = Clock(1000)
    place = MemoryPlace(clock)
    place.write("a", "text", 60)
    assert (place.read("a"), place.read("b"), place.names()) == ("text", None, ["a"])
    clock.advance(59)
    assert place.read("a") == "text"
    clock.advance(1)
    assert place.read("a") is None


def test_what_is_deleted_is_gone_and_what_is_not_there_is_no_error() -> None:
    place = MemoryPlace()
    place.write("a", "text", 60)
    place.delete("a")
    place.delete("b")
    assert place.read("a") is None


def test_a_session_in_it_is_no_other_process_s_and_forgotten_when_the_index_forgets_it(
    tmp_path: Path,
) -> None:
    clock = Clock(1000)
    index = Index(str(tmp_path / "index"))
    ours = SessionStore(index, [MemoryPlace(clock)], clock)
    theirs = SessionStore(index, [MemoryPlace(clock)], clock)
    credentials = Credentials("ASIA1", Secret("s"), Secret("t"), 4600)
    ours.put("question", credentials, access_key_id="AKIA1", label="mfa", profile="dev", duration=3600)
    assert ours.get("question", 300) == credentials
    assert theirs.get("question", 300) is None
    assert theirs.alive() == []
    theirs.forget("AKIA1")
    assert ours.get("question", 300) is None
