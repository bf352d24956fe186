"""Cached sessions: the credentials that answer a question, for as long as they hold.

A question is the text of everything that makes two sessions differ. Where a session lives is a `Place`: the
kernel keyring, else the system keystore; never a file in clear. What no place takes is not cached.
"""

from __future__ import annotations

import vaultpy
from vaultpy.digests import digest
from vaultpy.records import SessionEntry
from vaultpy.session_text import parse, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.credentials import Credentials
    from vaultpy.index import Index
    from vaultpy.session_places import Place

MARGIN_SECONDS = 300
"""How long a session must last for a command that begins now."""
SERVER_MARGIN_SECONDS = 900
"""The same for whatever asks again: with less left, SDKs ask at every request."""

_GUARD_SIZE = 64  # bytes: that a session answers the question, and not another with the same digest
_CLOCK_TOLERANCE = 900  # AWS refuses what is signed with a clock that is further off


def serves(  # noqa: PLR0913  # what a session has, and what is wanted of it
    expiration: int,
    made_for: int,
    now: float,
    *,
    margin: float = MARGIN_SECONDS,
    duration: int = 0,
    min_ttl: int = 0,
) -> bool:
    """Tell whether a session that ends at `expiration` and was made for so many seconds will do.

    It must last `margin` seconds more, or a third of the time it was made for, but never less than `min_ttl`,
    and have been made for `duration`. One that seems to last longer than it was made for does not: the clock
    was set back, so nothing tells when it really ends.
    """
    left = expiration - now
    enough = left > max(min(margin, made_for / 3), min_ttl)
    return enough and made_for >= duration and left <= made_for + _CLOCK_TOLERANCE


class SessionStore:
    """The sessions in `places`, the first that works being used, and listed in `index`.

    `clock` gives AWS's time as an epoch in seconds, `everywhere` are all places that sessions of other runs
    may live in (None: just `places`). A place that refuses is passed over; raises what the index raises.
    """

    def __init__(
        self,
        index: Index,
        places: list[Place],
        clock: Callable[[], float],
        everywhere: list[Place] | None = None,
    ) -> None:
        self._index = index
        self._places = places
        self._clock = clock
        self._everywhere = places if everywhere is None else everywhere

    def get(self, question: str, margin: float, duration: int = 0, min_ttl: int = 0) -> Credentials | None:
        """Return the session that answers `question`, if it lasts for `margin` seconds more.

        A third of the time it was made for is enough, too, but never less than `min_ttl` seconds. One made
        for less than `duration` does not serve.
        """
        name, guard = digest(question), digest(question, _GUARD_SIZE)
        entry = self._listed(name)
        if entry is None or entry.expiration <= self._clock():
            return None  # without opening a keystore for what was never stored or has ended
        for place in self._places:
            text = _read(place, name) if _may_hold(place, entry) else None
            found = parse(text, guard) if text else None
            if found is None:
                continue
            now, end = self._clock(), found[0].expiration
            if serves(end, found[1], now, margin=margin, duration=duration, min_ttl=min_ttl):
                return found[0]
        return None

    def age(self, question: str) -> float | None:
        """Return how many seconds ago the session that answers `question` was made, as the index has it."""
        entry = self._listed(digest(question))
        return None if entry is None else self._clock() - (entry.expiration - entry.duration)

    def put(  # noqa: PLR0913  # all of it is listed
        self,
        question: str,
        credentials: Credentials,
        *,
        access_key_id: str,
        label: str,
        profile: str,
        duration: int,
    ) -> None:
        """Keep `credentials`, made for `duration` seconds, as the answer to `question` until they expire.

        `access_key_id` is the long-term key they come from, `label` a role's ARN or `mfa`. What cannot be
        kept is not, without an error: it still serves this run, which may have cost a touch.
        """
        entry = SessionEntry(
            digest=digest(question),
            access_key_id=access_key_id,
            label=label,
            duration=duration,
            expiration=credentials.expiration,
            profile=profile,
        )
        text = render(credentials, duration, digest(question, _GUARD_SIZE))
        if not self._places or credentials.expiration <= self._clock():
            return
        try:
            self._keep_somewhere(entry, text)
        except vaultpy.errors.StateUnusable:
            return

    def alive(self) -> list[SessionEntry]:
        """Return the sessions that last, as far as can be told without asking a keystore for them."""
        now = self._clock()
        return [
            entry
            for entry in self._index.sessions()
            if entry.expiration > now
            and any(not place.quiet or _read(place, entry.digest) for place in self._holders(entry))
        ]

    def forget(self, access_key_id: str | None = None) -> int:
        """Remove the sessions of that key (None: of any), wherever they live; return how many were alive.

        Raises SessionsLeft, after all that could be removed is, for those that last and could not.
        """
        listed = self._index.sessions()
        return self._forget([it for it in listed if access_key_id in {None, it.access_key_id}])

    def forget_answer(self, question: str) -> None:
        """Remove as `forget` does the one session that answers `question`."""
        self._forget([it for it in self._index.sessions() if it.digest == digest(question)])

    def forget_profile(self, profile: str, questions: list[str]) -> int:
        """Remove as `forget` does what answers `questions`, and what was made for `profile`."""
        names = set(map(digest, questions))
        listed = self._index.sessions()
        return self._forget([it for it in listed if it.digest in names or it.profile == profile])

    def _forget(self, entries: list[SessionEntry]) -> int:
        now = self._clock()
        gone: list[SessionEntry] = []
        left: list[tuple[Place, OSError]] = []
        for entry in entries:
            failures = [(place, error) for place, error in self._delete(entry) if error is not None]
            if not failures:
                gone.append(entry)
            elif entry.expiration > now:
                left.append(failures[0])
        if gone:
            self._index.forget([entry.digest for entry in gone])
        count = sum(entry.expiration > now for entry in gone)
        if left:
            place, error = left[0]
            raise vaultpy.errors.SessionsLeft(
                left=len(left), count=len(left) + count, place=place.name, reason=error.strerror
            )
        return count

    def _delete(self, entry: SessionEntry) -> list[tuple[Place, OSError | None]]:
        return [(place, _delete(place, entry.digest)) for place in self._holders(entry)]

    def _holders(self, entry: SessionEntry) -> list[Place]:
        return [place for place in self._everywhere if _may_hold(place, entry)]

    def _listed(self, name: str) -> SessionEntry | None:
        return next((entry for entry in self._index.sessions() if entry.digest == name), None)

    def _keep_somewhere(self, entry: SessionEntry, text: str) -> None:
        old = self._listed(entry.digest)
        before = old.places if old else ()
        for place in self._places:
            places = before if place.name in before else (*before, place.name)
            if self._keep(place, entry.living_in(places), text):
                return
        if old is None:
            self._index.forget([entry.digest])
        else:
            self._index.record(old)

    def _keep(self, place: Place, entry: SessionEntry, text: str) -> bool:
        """Store the session, if the place takes it; it is listed first, so that none is ever unlisted."""
        from vaultpy.session_eviction import write

        try:
            self._drop_ended(place)
            self._index.record(entry)
            write(self._index, place, entry, text, max(1, int(entry.expiration - self._clock())))
        except OSError:
            return False
        return True

    def _drop_ended(self, place: Place) -> None:
        """Remove the sessions that have ended; what lies in another keystore stays listed, for `forget`."""
        now = self._clock()
        gone = [
            entry.digest
            for entry in self._index.sessions()
            if entry.expiration <= now
            and all(it is place or it.quiet for it in self._holders(entry))
            and not any(error for _, error in self._delete(entry))
        ]
        if gone:
            self._index.forget(gone)


def _may_hold(place: Place, entry: SessionEntry) -> bool:
    return not entry.places or place.name in entry.places


def _read(place: Place, name: str) -> str | None:
    try:
        return place.read(name)
    except OSError:
        return None


def _delete(place: Place, name: str) -> OSError | None:
    try:
        place.delete(name)
    except OSError as error:
        return error
    return None
