"""Day keys that are kept until their day ends: among the sessions, which `clear` and a rotation forget."""

from __future__ import annotations

import calendar
import time

from vaultpy.credentials import Credentials, DayKey
from vaultpy.signing_account import aws_date
from vaultpy.trace import trace
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.sessions import SessionStore

_DAY = 24 * 60 * 60
MARGIN_SECONDS = 60
_NO_TOKEN = Secret("none")  # a session's text has no empty lines


class KeptDayKeys:
    """The day keys in `sessions`; `clock` gives AWS's time as an epoch, `profile` is who wants them kept."""

    def __init__(self, sessions: SessionStore, clock: Callable[[], float], profile: str) -> None:
        self._sessions = sessions
        self._clock = clock
        self._profile = profile

    def get(self, key_id: str) -> DayKey | None:
        """Return today's day key of the access key `key_id`, if it is kept and lasts a minute more."""
        date = aws_date(self._clock())
        found = self._sessions.get(question(key_id, date), MARGIN_SECONDS)
        trace(f"day key of {key_id}, {date}: {'kept' if found else 'not kept'}")
        return DayKey(key_id, date, found.secret_access_key) if found else None

    def put(self, day_key: DayKey) -> None:
        """Keep it until its day ends in UTC, if that is possible."""
        end = calendar.timegm(time.strptime(day_key.date, "%Y%m%d")) + _DAY
        self._sessions.put(
            question(day_key.access_key_id, day_key.date),
            Credentials(day_key.access_key_id, day_key.key, _NO_TOKEN, end),
            access_key_id=day_key.access_key_id,
            label="day key",
            profile=self._profile,
            duration=_DAY,
        )


def question(key_id: str, date: str) -> str:
    """Return what a day key that is kept answers, as the sessions among which it is have it."""
    return f"day-key\t{key_id!r}\t{date}"
