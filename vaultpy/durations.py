"""How long sessions are asked for, within what AWS gives; in seconds.

What AWS would refuse is refused here, before anybody is asked for a touch.
"""

from __future__ import annotations

import vaultpy
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.profile import Profile

HOUR = 3600
MFA_SESSION_SECONDS = 12 * HOUR
_SHORTEST = 900  # AWS's limits, for both calls and then for each
_LONGEST_MFA_SESSION = 36 * HOUR
_LONGEST_ROLE_SESSION = 12 * HOUR


class WantedDuration(Value):
    """What is asked of the last session: how long it is made for, and what must be left of it at the start.

    0 where nothing is asked.
    """

    __slots__ = ("duration", "min_ttl")
    duration: int
    min_ttl: int

    def __init__(self, duration: int | None, min_ttl: int | None) -> None:
        self._set(duration=duration or 0, min_ttl=min_ttl or 0)

    def of_role(self, profile: Profile) -> int:
        """Return the seconds wanted of the role session of `profile`."""
        return max(self.duration or profile.duration_seconds or HOUR, self.min_ttl)

    def role_seconds(self, profile: Profile) -> int:
        """Return them if AWS may give them; raises DurationRefused."""
        return _within(self.of_role(profile), _LONGEST_ROLE_SESSION)

    def mfa_seconds(self, usual: int) -> int:
        """Return the seconds wanted of an MFA session that is handed out itself; raises DurationRefused."""
        return _within(max(self.duration or usual, self.min_ttl), _LONGEST_MFA_SESSION)

    def check_reachable(self, profile: Profile, *, by_session: bool) -> None:
        """Raise MinTtlUnreachable if a role assumed with temporary credentials cannot last that long."""
        if by_session and self.min_ttl > HOUR:
            from vaultpy.text import show_duration

            raise vaultpy.errors.MinTtlUnreachable(wanted=show_duration(self.min_ttl), role=profile.role_arn)


def mfa_session_seconds(source: Profile, asked: int | None) -> int:
    """Return how long the shared MFA session is asked for; raises DurationRefused and BadConfigValue."""
    if asked is not None:
        return _within(asked, _LONGEST_MFA_SESSION)
    seconds = source.vaultpy_session_duration or MFA_SESSION_SECONDS
    if not _SHORTEST <= seconds <= _LONGEST_MFA_SESSION:
        raise source.bad_value("vaultpy_session_duration", "a duration from 15m to 36h")
    return seconds


def _within(seconds: int, longest: int) -> int:
    if not _SHORTEST <= seconds <= longest:
        limits = f"{_SHORTEST} s and {longest} s ({longest // HOUR}h)"
        raise vaultpy.errors.DurationRefused(reason=f"{seconds} s is not between {limits}")
    return seconds
