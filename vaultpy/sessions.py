"""Cached sessions: the credentials that answer a question, for as long as they hold.

A question is the text of everything that makes two sessions differ. Where a session lives is a `Place`: the
kernel keyring, else the system keystore; never a file in clear. What no place takes is not cached.
"""

from __future__ import annotations

import errno

from vaultpy.credentials import Credentials
from vaultpy.errors import StateUnusable
from vaultpy.records import SessionEntry
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.index import Index

    class Place(Protocol):
        """Somewhere that texts live under digests; each method raises OSError when it cannot."""

        def read(self, digest: str) -> str | None:
            """Return the text, or None where there is none or it has ended."""

        def write(self, digest: str, text: str, ttl: int) -> None:
            """Keep `text` for `ttl` seconds; EDQUOT asks for the removal of another."""

        def delete(self, digest: str) -> None:
            """Remove the text, if it is there."""

        def names(self) -> list[str]:
            """Return the digests of all that lives there, as far as the place can tell."""


MARGIN_SECONDS = 300
"""How long a session must last for a command that begins now."""

_FORMAT = "vaultpy session 1"
_CLOCK_TOLERANCE = 900  # AWS refuses what is signed with a clock that is further off
_LINES = 7


def digest(question: str) -> str:
    """Return the name, 32 hexadecimal digits, under which the session that answers `question` is kept."""
    return _blake2b(question, 16)


def _guard(question: str) -> str:
    return _blake2b(question, 64)


def _blake2b(text: str, size: int) -> str:
    from _blake2 import blake2b  # `hashlib` would load OpenSSL

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def _render(credentials: Credentials, made_for: int, guard: str) -> str:
    return "\n".join(
        (
            _FORMAT,
            guard,
            credentials.access_key_id,
            credentials.secret_access_key.reveal(),
            credentials.session_token.reveal(),
            str(credentials.expiration),
            str(made_for),
        )
    )


def _parse(text: str, guard: str) -> tuple[Credentials, int] | None:
    """Return the credentials and the seconds they were made for; None for what `_render` does not write."""
    lines = text.split("\n")
    if len(lines) != _LINES or lines[:2] != [_FORMAT, guard] or not all(lines):
        return None
    key_id, secret, token, expiration, made_for = lines[2:]
    try:
        return Credentials(key_id, Secret(secret), Secret(token), int(expiration)), int(made_for)
    except ValueError:
        return None


class SessionStore:
    """The sessions in `places`, the first that works being used, and listed in `index`.

    `clock` gives the epoch in seconds. A place that refuses is passed over; raises what the index raises.
    """

    def __init__(self, index: Index, places: list[Place], clock: Callable[[], float]) -> None:
        self._index = index
        self._places = places
        self._clock = clock

    def get(self, question: str, margin: float, duration: int = 0) -> Credentials | None:
        """Return the session that answers `question`, if it lasts for `margin` seconds more.

        A third of the time it was made for is enough, too. One made for less than `duration` does not serve.
        """
        name, guard = digest(question), _guard(question)
        if not any(entry.digest == name for entry in self._index.sessions()):
            return None  # without opening a keystore for what was never stored
        for place in self._places:
            text = _read(place, name)
            found = _parse(text, guard) if text else None
            if found and self._serves(*found, margin, duration):
                return found[0]
        return None

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
        text = _render(credentials, duration, _guard(question))
        if not self._places or credentials.expiration <= self._clock():
            return
        try:
            if not any(self._keep(place, entry, text) for place in self._places):
                self._index.forget([entry.digest])
        except StateUnusable:
            pass

    def forget(self, access_key_id: str | None = None, profile: str | None = None) -> int:
        """Remove the sessions of that key and that profile (None: of any) and return how many were alive."""
        now = self._clock()
        gone = [
            entry
            for entry in self._index.sessions()
            if access_key_id in {None, entry.access_key_id}
            and profile in {None, entry.profile}
            and self._delete(entry.digest)
        ]
        if gone:
            self._index.forget([entry.digest for entry in gone])
        return sum(entry.expiration > now for entry in gone)

    def _serves(self, credentials: Credentials, made_for: int, margin: float, duration: int) -> bool:
        now = self._clock()
        if credentials.expiration > now + made_for + _CLOCK_TOLERANCE:
            return False  # the clock was set back, so nothing tells when they really end
        return made_for >= duration and credentials.valid_for(min(margin, made_for / 3), now)

    def _keep(self, place: Place, entry: SessionEntry, text: str) -> bool:
        """Store the session, if the place takes it; it is listed first, so that none is ever unlisted."""
        now = self._clock()
        try:
            for ended in [it for it in self._index.sessions() if it.expiration <= now]:
                place.delete(ended.digest)
            self._index.record(entry)
            self._write(place, entry, text)
        except OSError:
            return False
        return True

    def _write(self, place: Place, entry: SessionEntry, text: str) -> None:
        """Write, and while there is no room remove what is missed least.

        That is first what no index lists, which nobody finds again, then the session that ends first and
        before this one.
        """
        candidates: list[str] | None = None
        while True:
            try:
                place.write(entry.digest, text, max(1, int(entry.expiration - self._clock())))
            except OSError as error:  # noqa: PERF203  # each round makes room for the next
                if error.errno != errno.EDQUOT:
                    raise
                if candidates is None:
                    candidates = self._missed_least_last(place, entry)
                if not self._evict(place, candidates):
                    raise
            else:
                return

    def _missed_least_last(self, place: Place, entry: SessionEntry) -> list[str]:
        listed = self._index.sessions()
        sooner = [it for it in listed if it.digest != entry.digest and it.expiration <= entry.expiration]
        sooner.sort(key=lambda it: it.expiration, reverse=True)
        known = {it.digest for it in listed}
        return [it.digest for it in sooner] + [name for name in place.names() if name not in known]

    def _evict(self, place: Place, candidates: list[str]) -> bool:
        """Remove the last of `candidates` that lives there; tell whether there was one."""
        while candidates:
            name = candidates.pop()
            if place.read(name) is not None:
                place.delete(name)
                self._index.forget([name])
                return True
        return False

    def _delete(self, name: str) -> bool:
        """Remove the session from every place that works; tell whether any does."""
        worked = [_delete(place, name) for place in self._places]
        return any(worked)


def _read(place: Place, name: str) -> str | None:
    try:
        return place.read(name)
    except OSError:
        return None


def _delete(place: Place, name: str) -> bool:
    try:
        place.delete(name)
    except OSError:
        return False
    return True
