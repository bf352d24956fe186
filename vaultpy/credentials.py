"""What signs: the long-term `AccessKey`, its `DayKey` alone, and the temporary `Credentials`."""

from __future__ import annotations

import time

from vaultpy.values import Secret, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    LongTerm: TypeAlias = "AccessKey | DayKey"
    Signs: TypeAlias = "AccessKey | DayKey | Credentials"

_RFC_3339 = "%Y-%m-%dT%H:%M:%SZ"


class AccessKey(Value):
    """An IAM user's long-term access key."""

    __slots__ = ("id", "secret")
    id: str
    secret: Secret

    def __init__(self, key_id: str, secret: Secret) -> None:
        self._set(id=key_id, secret=secret)


class DayKey(Value):
    """What an access key whose secret lives on a YubiKey signs with on one day: SigV4's kDate.

    `date` is in UTC, as `20261120`; `key` is the 32 bytes in hexadecimal. It signs for every region and
    service on that day, and without MFA. `before_code` tells that somebody has just touched for it, and was
    told of a second touch, for a code.
    """

    __slots__ = ("access_key_id", "before_code", "date", "key")
    access_key_id: str
    date: str
    key: Secret
    before_code: bool

    def __init__(self, access_key_id: str, date: str, key: Secret, *, before_code: bool = False) -> None:
        self._set(access_key_id=access_key_id, date=date, key=key, before_code=before_code)

    @property
    def id(self) -> str:
        """The access key's id, as `AccessKey` has it."""
        return self.access_key_id


class Credentials(Value):
    """Temporary credentials as STS returns them; `expiration` is an integer epoch, in seconds."""

    __slots__ = ("access_key_id", "expiration", "secret_access_key", "session_token")
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expiration: int

    def __init__(
        self, access_key_id: str, secret_access_key: Secret, session_token: Secret, expiration: int
    ) -> None:
        self._set(
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=session_token,
            expiration=expiration,
        )

    @property
    def expiration_text(self) -> str:
        """The end as AWS's SDKs read it: RFC 3339, in UTC, as in `2026-11-21T16:00:00Z`."""
        return time.strftime(_RFC_3339, time.gmtime(self.expiration))


def parse_expiration(text: str) -> int:
    """Return the epoch that an `expiration_text` tells; raises ValueError for any other text."""
    from calendar import timegm

    return timegm(time.strptime(text, _RFC_3339))
