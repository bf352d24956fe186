"""Cached sessions: which answers which question, where they live, and what happens when there is no room."""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.credentials import RefreshableCredentials

from support.remembering import credentials, put, run, session
from vaultpy.digests import digest
from vaultpy.errors import KeystoreFailed, KeystoreLocked, KeystoreTimeout, SessionsLeft
from vaultpy.index import Index
from vaultpy.kernel_keyring import KernelKeyring, KernelPlace
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import MARGIN_SECONDS, SERVER_MARGIN_SECONDS, SessionStore
from vaultpy.values import Secret

HOUR = 3600
needs_keyring = pytest.mark.skipif(
    sys.platform != "linux" or bool(run("probe")), reason="the kernel gives no keyring here"
)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        """Return the epoch in seconds."""
        return self.now


class Shelf:
    """A place with room for so many texts, which may refuse everything."""

    def __init__(self, room: int = 100, refusal: int = 0, *, name: str = "shelf", quiet: bool = True) -> None:
        self.name = name
        self.quiet = quiet
        self.looks = 0
        self.texts: dict[str, str] = {}
        self.ttls: dict[str, int] = {}
        self.room = room
        self.refusal = refusal

    def _refuse(self, number: int) -> None:
        if number:
            raise OSError(number, os.strerror(number))

    def read(self, digest: str) -> str | None:
        """Return the text, if it is there."""
        self.looks += 1
        self._refuse(self.refusal)
        return self.texts.get(digest)

    def write(self, digest: str, text: str, ttl: int) -> None:
        """Keep the text, if there is room."""
        self._refuse(self.refusal)
        self._refuse(errno.EDQUOT if len(self.texts.keys() - {digest}) >= self.room else 0)
        self.texts[digest] = text
        self.ttls[digest] = ttl

    def delete(self, digest: str) -> None:
        """Remove the text."""
        self._refuse(self.refusal)
        self.texts.pop(digest, None)

    def names(self) -> list[str]:
        """Return what is there."""
        return list(self.texts)


class Drawer:
    """A keystore that breaks after so many requests."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.left = 10_000

    def _work(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeystoreFailed(keystore="drawer", reason="stuck")

    def get(self, item: str) -> Secret | None:
        """Return the item, if it is there."""
        self._work()
        return Secret(self.items[item]) if item in self.items else None

    def set(self, item: str, text: Secret) -> None:
        """Store the item."""
        self._work()
        self.items[item] = text.reveal()

    def delete(self, item: str) -> None:
        """Remove the item, which must be there."""
        self._work()
        del self.items[item]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(str(tmp_path / "vaultpy" / "index"))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def store(index: Index, shelf: Shelf, clock: Clock) -> SessionStore:
    return SessionStore(index, [shelf], clock)


# ---- which session answers ---------------------------------------------------------------------------


def test_a_session_answers_its_own_question_and_no_other(store: SessionStore, clock: Clock) -> None:
    put(store, "who signs", HOUR)
    assert store.get("who signs", 300) == credentials(int(clock.now) + HOUR, name="who signs")
    assert store.get("who signs?", 300) is None


def test_a_session_with_less_than_the_margin_left_does_not_serve(store: SessionStore, clock: Clock) -> None:
    put(store, "q", HOUR)
    clock.now += HOUR - 301
    assert store.get("q", 300)
    clock.now += 1
    assert store.get("q", 300) is None


def test_a_command_gets_five_minutes_and_an_sdk_what_it_would_renew_at_every_request_without() -> None:
    assert MARGIN_SECONDS == 5 * 60
    assert RefreshableCredentials._advisory_refresh_timeout == SERVER_MARGIN_SECONDS


def test_the_margin_is_never_over_a_third_of_the_session(store: SessionStore, clock: Clock) -> None:
    put(store, "q", 900)
    clock.now += 599
    assert store.get("q", HOUR)
    clock.now += 1
    assert store.get("q", HOUR) is None


def test_a_session_made_for_less_than_is_asked_now_does_not_serve(store: SessionStore) -> None:
    put(store, "q", HOUR)
    assert store.get("q", 300, HOUR)
    assert store.get("q", 300, HOUR + 1) is None


def test_when_the_clock_was_set_back_a_session_is_not_believed(store: SessionStore, clock: Clock) -> None:
    put(store, "q", HOUR)
    clock.now -= 900
    assert store.get("q", 300)
    clock.now -= 1
    assert store.get("q", 300) is None


def test_a_newer_session_takes_the_place_of_the_older(store: SessionStore, clock: Clock) -> None:
    put(store, "q", HOUR)
    put(store, "q", 2 * HOUR)
    found = store.get("q", 300)
    assert found
    assert found.expiration == clock.now + 2 * HOUR


def test_a_session_is_listed_with_what_is_not_secret(store: SessionStore, index: Index, clock: Clock) -> None:
    put(store, "q", 43200)
    listed = session(digest("q"), int(clock.now) + 43200, key="AKIA").living_in(("shelf",))
    assert index.sessions() == [listed]


def test_a_place_is_told_when_the_session_ends(store: SessionStore, shelf: Shelf) -> None:
    put(store, "q", HOUR)
    assert shelf.ttls == {digest("q"): HOUR}


@pytest.mark.parametrize("harm", ["", "garbage", "a\nb\nc\nd\ne\nf\ng", "\n\n\n\n\n\n"])
def test_garbage_is_a_miss(store: SessionStore, shelf: Shelf, harm: str) -> None:
    put(store, "q", HOUR)
    shelf.texts[digest("q")] = harm
    assert store.get("q", 300) is None


def test_a_text_that_is_damaged_in_any_line_is_a_miss_or_unharmed(store: SessionStore, shelf: Shelf) -> None:
    put(store, "q", HOUR)
    lines = shelf.texts[digest("q")].split("\n")
    for harmed in (0, 1, 5, 6):
        shelf.texts[digest("q")] = "\n".join("x" if n == harmed else line for n, line in enumerate(lines))
        assert store.get("q", 300) is None
    for length in range(1, len(lines)):
        shelf.texts[digest("q")] = "\n".join(lines[:length])
        assert store.get("q", 300) is None


def test_the_session_of_another_question_is_not_served_under_this_ones_name(
    store: SessionStore, shelf: Shelf
) -> None:
    put(store, "mine", HOUR)
    put(store, "foreign", HOUR)
    shelf.texts[digest("mine")] = shelf.texts[digest("foreign")]
    assert store.get("mine", 300) is None


def test_a_session_whose_text_is_gone_is_a_miss(store: SessionStore, shelf: Shelf) -> None:
    put(store, "q", HOUR)
    shelf.texts.clear()
    assert store.get("q", 300) is None


# ---- where sessions live -----------------------------------------------------------------------------


def test_the_first_place_that_works_is_used(index: Index, clock: Clock) -> None:
    first, second = Shelf(name="first"), Shelf(name="second")
    put(SessionStore(index, [first, second], clock), "q", HOUR)
    assert (len(first.texts), len(second.texts)) == (1, 0)


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.ENOSYS, errno.EACCES])
def test_a_place_that_refuses_is_passed_over(index: Index, clock: Clock, refusal: int) -> None:
    refusing, working = Shelf(refusal=refusal, name="refusing"), Shelf()
    store = SessionStore(index, [refusing, working], clock)
    put(store, "q", HOUR)
    assert store.get("q", 300)
    assert list(working.texts) == [digest("q")]


@pytest.mark.parametrize("places", [[], [Shelf(refusal=errno.EPERM)]])
def test_without_a_place_nothing_is_cached_nor_listed(
    index: Index, clock: Clock, places: list[Shelf]
) -> None:
    store = SessionStore(index, list(places), clock)
    put(store, "q", HOUR)
    assert store.get("q", 300) is None
    assert index.sessions() == []


def test_where_no_place_takes_a_newer_session_the_older_stays_listed_as_it_was(
    index: Index, clock: Clock
) -> None:
    shelf = Shelf()
    store = SessionStore(index, [shelf], clock)
    put(store, "q", HOUR)
    before = index.sessions()
    shelf.refusal = errno.EPERM
    put(store, "q", 2 * HOUR)
    assert index.sessions() == before


def test_a_full_place_loses_the_session_that_ends_first(
    store: SessionStore, index: Index, shelf: Shelf
) -> None:
    shelf.room = 2
    put(store, "two hours", 2 * HOUR)
    put(store, "one hour", HOUR)
    put(store, "three hours", 3 * HOUR)
    assert store.get("one hour", 300) is None
    assert store.get("two hours", 300)
    assert store.get("three hours", 300)
    assert {entry.duration for entry in index.sessions()} == {2 * HOUR, 3 * HOUR}


def test_a_full_place_loses_first_what_no_index_lists(store: SessionStore, shelf: Shelf) -> None:
    shelf.room = 2
    shelf.texts["of an index that is gone"] = "a session"
    put(store, "one hour", HOUR)
    put(store, "two hours", 2 * HOUR)
    assert store.get("one hour", 300)
    assert store.get("two hours", 300)
    assert "of an index that is gone" not in shelf.texts


def test_a_long_session_is_not_lost_for_a_short_one(index: Index, clock: Clock) -> None:
    small, large = Shelf(room=1, name="small"), Shelf(name="large")
    store = SessionStore(index, [small, large], clock)
    put(store, "a day's touch", 12 * HOUR)
    put(store, "a role", HOUR)
    assert list(small.texts) == [digest("a day's touch")]
    assert store.get("a day's touch", 300)
    assert store.get("a role", 300)


def test_sessions_that_have_ended_are_cleared_away(store: SessionStore, shelf: Shelf, clock: Clock) -> None:
    put(store, "old", HOUR)
    clock.now += HOUR
    put(store, "new", HOUR)
    assert list(shelf.texts) == [digest("new")]


def test_credentials_that_have_ended_already_are_not_kept(store: SessionStore, shelf: Shelf) -> None:
    put(store, "q", 0)
    assert shelf.texts == {}


def test_an_index_that_cannot_be_written_does_not_cost_the_credentials(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    shelf = Shelf()
    put(SessionStore(Index(str(tmp_path / "file" / "index")), [shelf], clock), "q", HOUR)
    assert shelf.texts == {}


def test_no_file_holds_a_secret(store: SessionStore, tmp_path: Path) -> None:
    put(store, "q", HOUR)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for secret in (b"the-secret-access-key", b"tttt"):
        assert not any(secret in content for content in written)


# ---- forgetting --------------------------------------------------------------------------------------


def test_all_sessions_are_forgotten_in_all_places(index: Index, clock: Clock) -> None:
    small, large = Shelf(room=1, name="small"), Shelf(name="large")
    store = SessionStore(index, [small, large], clock)
    put(store, "long", 12 * HOUR)
    put(store, "short", HOUR)
    assert store.forget() == 2
    assert (small.texts, large.texts, index.sessions()) == ({}, {}, [])


def test_only_the_sessions_of_a_key_are_forgotten(store: SessionStore, index: Index, clock: Clock) -> None:
    made = credentials(int(clock.now) + HOUR)
    for question, key in (("1", "A"), ("2", "A"), ("3", "B")):
        store.put(question, made, access_key_id=key, label="mfa", profile="dev", duration=HOUR)
    assert store.forget(access_key_id="A") == 2
    assert [entry.digest for entry in index.sessions()] == [digest("3")]


def test_of_a_profile_what_answers_its_questions_and_what_it_asked_for_is_forgotten(
    store: SessionStore, index: Index
) -> None:
    for question, profile in (("mine", "other"), ("asked when the config was another", "me"), ("3", "other")):
        put(store, question, HOUR, profile=profile)
    assert store.forget_profile("me", ["mine", "never asked"]) == 2
    assert [entry.digest for entry in index.sessions()] == [digest("3")]


def test_sessions_that_ended_by_themselves_are_not_counted(store: SessionStore, clock: Clock) -> None:
    put(store, "q", HOUR)
    clock.now += HOUR
    assert store.forget() == 0


def test_what_no_place_could_remove_stays_listed_and_is_told(
    store: SessionStore, shelf: Shelf, index: Index
) -> None:
    put(store, "q", HOUR)
    shelf.refusal = errno.EIO
    with pytest.raises(SessionsLeft) as caught:
        store.forget()
    told = "1 of 1 sessions cannot be removed from the shelf: Input/output error"
    assert caught.value.message == told
    assert len(index.sessions()) == 1


def test_where_one_place_cannot_remove_its_session_those_of_the_others_are_forgotten(
    index: Index, clock: Clock
) -> None:
    kernel, keystore = Shelf(name="kernel"), Shelf(name="keystore", quiet=False)
    put(SessionStore(index, [keystore], clock), "locked away", HOUR)
    keystore.refusal = errno.EIO
    store = SessionStore(index, [kernel, keystore], clock)
    put(store, "q", HOUR)
    with pytest.raises(SessionsLeft, match="1 of 2 sessions cannot be removed from the keystore"):
        store.forget()
    assert [entry.digest for entry in index.sessions()] == [digest("locked away")]
    keystore.refusal = 0
    assert store.forget() == 1
    assert keystore.texts == {}


@pytest.mark.parametrize("places", [[], ["keystore"]])
def test_sessions_are_forgotten_in_places_that_this_run_does_not_use(
    index: Index, clock: Clock, places: list[str]
) -> None:
    everywhere = [Shelf(name="kernel"), Shelf(name="keystore")]
    put(SessionStore(index, list(everywhere), clock), "q", HOUR)
    used = [place for place in everywhere if place.name in places]
    assert SessionStore(index, list(used), clock, list(everywhere)).forget() == 1
    assert everywhere[0].texts == {}


def test_a_keystore_is_not_opened_to_forget_what_it_never_held(index: Index, clock: Clock) -> None:
    def opener() -> Drawer:
        raise AssertionError

    store = SessionStore(index, [Shelf(), KeystorePlace(opener, clock)], clock)
    put(store, "q", HOUR)
    assert store.forget() == 1


def test_a_session_that_two_places_hold_is_forgotten_in_both(index: Index, clock: Clock) -> None:
    one, other = Shelf(name="one"), Shelf(name="other")
    put(SessionStore(index, [one], clock), "q", HOUR)
    store = SessionStore(index, [other], clock, [one, other])
    put(store, "q", HOUR)
    assert (len(one.texts), len(other.texts)) == (1, 1)
    assert store.forget() == 1
    assert (one.texts, other.texts) == ({}, {})


def test_a_session_that_gave_room_in_one_place_stays_listed_for_the_other(index: Index, clock: Clock) -> None:
    small, large = Shelf(room=1, name="small"), Shelf(name="large")
    put(SessionStore(index, [large], clock), "q", HOUR)
    put(SessionStore(index, [small], clock), "q", HOUR)
    put(SessionStore(index, [small], clock), "longer", 2 * HOUR)
    assert SessionStore(index, [], clock, [small, large]).forget() == 2
    assert (small.texts, large.texts) == ({}, {})


def test_what_ended_in_a_keystore_that_is_not_in_use_stays_listed_until_it_is_removed(
    index: Index, clock: Clock
) -> None:
    kernel, keystore = Shelf(name="kernel"), Shelf(name="keystore", quiet=False)
    everywhere = [kernel, keystore]
    put(SessionStore(index, [keystore], clock, list(everywhere)), "old", HOUR)
    clock.now += HOUR
    put(SessionStore(index, [kernel], clock, list(everywhere)), "new", HOUR)
    assert list(keystore.texts) == [digest("old")]
    put(SessionStore(index, [keystore], clock, list(everywhere)), "newer", HOUR)
    assert list(keystore.texts) == [digest("newer")]
    assert {entry.digest for entry in index.sessions()} == {digest("new"), digest("newer")}


def test_an_ended_session_in_a_locked_keystore_is_no_failure_to_forget(index: Index, clock: Clock) -> None:
    keystore = Shelf(name="keystore", quiet=False)
    store = SessionStore(index, [keystore], clock)
    put(store, "old", HOUR)
    clock.now += HOUR
    keystore.refusal = errno.EIO
    assert store.forget() == 0


# ---- what is alive -----------------------------------------------------------------------------------


def test_a_session_that_is_gone_or_has_ended_is_not_alive(
    store: SessionStore, shelf: Shelf, clock: Clock
) -> None:
    for question, seconds in (("lost", HOUR), ("ends", 60), ("lives", HOUR)):
        put(store, question, seconds)
    del shelf.texts[digest("lost")]
    clock.now += 60
    assert [entry.digest for entry in store.alive()] == [digest("lives")]


def test_a_keystore_is_not_asked_whether_its_sessions_are_alive(index: Index, clock: Clock) -> None:
    keystore = Shelf(name="keystore", quiet=False)
    store = SessionStore(index, [Shelf(), keystore], clock)
    put(SessionStore(index, [keystore], clock), "q", HOUR)
    keystore.refusal = errno.EIO
    assert [entry.digest for entry in store.alive()] == [digest("q")]
    assert keystore.looks == 0


@pytest.mark.parametrize("harm", ["ended", "lost after a restart"])
def test_for_a_session_that_cannot_serve_no_keystore_is_opened(index: Index, clock: Clock, harm: str) -> None:
    kernel, keystore = Shelf(name="kernel"), Shelf(name="keystore", quiet=False)
    store = SessionStore(index, [kernel, keystore], clock)
    put(store, "q", HOUR)
    kernel.texts.clear()
    clock.now += HOUR if harm == "ended" else 0
    assert store.get("q", 300) is None
    assert keystore.looks == 0


# ---- the keystore as a place -------------------------------------------------------------------------


def opened(drawer: Drawer, clock: Clock) -> KeystorePlace:
    return KeystorePlace(lambda: drawer, clock)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def place(drawer: Drawer, clock: Clock) -> KeystorePlace:
    return opened(drawer, clock)


@pytest.mark.parametrize("length", [1, 1200, 1201, 4096, 12_000])
def test_a_text_of_any_length_comes_back_whole(place: KeystorePlace, length: int) -> None:
    text = "".join(chr(32 + n % 90) for n in range(length))
    place.write("d", text, HOUR)
    assert place.read("d") == text


def test_every_piece_fits_the_smallest_keystore(place: KeystorePlace, drawer: Drawer) -> None:
    place.write("d", "x" * 12_000, 129_600)
    assert max(len(text.encode("utf-16-le")) // 2 for text in drawer.items.values()) <= 1280


def test_a_shorter_text_leaves_no_piece_of_the_longer(place: KeystorePlace, drawer: Drawer) -> None:
    place.write("d", "x" * 5000, HOUR)
    place.write("d", "short", HOUR)
    assert list(drawer.items) == ["session/d/0"]
    assert place.read("d") == "short"


def test_a_text_in_the_keystore_has_its_end(place: KeystorePlace, clock: Clock) -> None:
    place.write("d", "text", HOUR)
    clock.now += HOUR - 1
    assert place.read("d") == "text"
    clock.now += 1
    assert place.read("d") is None


def test_a_lost_or_foreign_piece_is_a_miss(place: KeystorePlace, drawer: Drawer) -> None:
    place.write("other", "o" * 3000, HOUR)
    place.write("d", "x" * 3000, HOUR)
    drawer.items["session/d/1"] = drawer.items["session/other/1"]
    assert place.read("d") is None
    del drawer.items["session/d/1"]
    assert place.read("d") is None
    drawer.items["session/d/0"] = "garbage"
    assert place.read("d") is None


def test_wherever_a_writer_is_killed_the_text_is_the_old_the_new_or_missing(clock: Clock) -> None:
    for requests in range(20):
        drawer = Drawer()
        opened(drawer, clock).write("d", "o" * 5000, HOUR)
        drawer.left = requests
        dying = opened(drawer, clock)
        with suppress(OSError):
            dying.write("d", "n" * 3000, HOUR)
        drawer.left = 1000
        after = opened(drawer, clock)
        assert after.read("d") in {None, "o" * 5000, "n" * 3000}
        after.delete("d")
        assert drawer.items == {}


def test_wherever_a_deletion_is_killed_the_next_one_leaves_nothing(clock: Clock) -> None:
    for requests in range(12):
        drawer = Drawer()
        opened(drawer, clock).write("d", "o" * 5000, HOUR)
        drawer.left = requests
        with suppress(OSError):
            opened(drawer, clock).delete("d")
        drawer.left = 1000
        opened(drawer, clock).delete("d")
        assert drawer.items == {}


def test_a_keystore_is_not_opened_for_a_session_that_never_was(index: Index, clock: Clock) -> None:
    drawers: list[Drawer] = []

    def opener() -> Drawer:
        drawers.append(Drawer())
        return drawers[-1]

    store = SessionStore(index, [Shelf(refusal=errno.ENOSYS), KeystorePlace(opener, clock)], clock)
    assert store.get("q", 300) is None
    assert drawers == []
    put(store, "q", HOUR)
    assert store.get("q", 300)
    assert len(drawers) == 1


def test_a_keystore_that_failed_is_a_place_that_refuses_and_is_not_asked_again(
    index: Index, clock: Clock
) -> None:
    asked = []

    def opener() -> Drawer:
        asked.append("open")
        raise KeystoreTimeout(seconds=2)

    store = SessionStore(index, [KeystorePlace(opener, clock)], clock)
    put(store, "q", HOUR)
    put(store, "q", HOUR)
    assert store.get("q", 300) is None
    assert asked == ["open"]


def test_a_keystore_that_was_locked_is_asked_again_when_it_may_have_been_opened(
    index: Index, clock: Clock
) -> None:
    drawer = Drawer()
    locked = [True]

    def opener() -> Drawer:
        if locked:
            raise KeystoreLocked
        return drawer

    store = SessionStore(index, [KeystorePlace(opener, clock)], clock)
    put(store, "q", HOUR)
    assert index.sessions() == []
    locked.clear()
    put(store, "q", HOUR)
    assert store.get("q", 300)


# ---- the kernel's keyring as a place -----------------------------------------------------------------


@needs_keyring
def test_a_session_in_the_kernel_answers(tmp_path: Path) -> None:
    index = Index(str(tmp_path / "index"))
    store = SessionStore(index, [KernelPlace(KernelKeyring())], time.time)
    put(store, f"question {os.getpid()}", HOUR)
    assert store.get(f"question {os.getpid()}", 300)
    assert store.forget() == 1
    assert store.get(f"question {os.getpid()}", 300) is None


@needs_keyring
@pytest.mark.skipif(os.geteuid() != 0, reason="root is needed to become a user with a fresh quota")
def test_a_plain_users_full_quota_costs_the_sessions_that_end_first() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        hours = [12, 1, 1, 1, 2, 3]
        left, listed, after = run(
            "crowd_the_kernel", f"{directory}/vaultpy/index", *(n * HOUR for n in hours), plain_user=True
        )
    assert {0, 4, 5} <= set(json.loads(left))
    assert len(json.loads(left)) == int(listed) < len(hours)
    assert after == "None"


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
@pytest.mark.parametrize("refusal", [errno.EPERM, errno.ENOSYS, errno.EACCES])
def test_where_the_kernel_refuses_nothing_is_cached_and_nobody_is_bothered(
    tmp_path: Path, refusal: int
) -> None:
    assert run("store_behind_a_filter", tmp_path / "vaultpy" / "index", refusal) == ["None", "[]"]
