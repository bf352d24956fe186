"""botocore's SigV4 from the day key on, for an access key whose secret this computer does not have."""

from __future__ import annotations

import calendar
import time
from typing import TYPE_CHECKING, Any

from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth

from vaultpy.errors import DayKeyOver
from vaultpy.values import Secret

if TYPE_CHECKING:
    from vaultpy.credentials import DayKey

SIGNATURE_VERSION = "vaultpy-day-key"
"""What botocore is told to choose."""
_SECONDS_OFF = 15 * 60  # by which STS and IAM let a stamp be off
_DAY = 24 * 60 * 60


class DayKeyAuth(SigV4Auth):  # type: ignore[misc]  # botocore ships no types
    """SigV4 whose credentials have the date and the day key in the secret's place."""

    def _modify_request_before_signing(self, request: Any) -> None:  # noqa: ANN401  # botocore's
        """Stamp with the time, but within the key's day: midnight may have come since the key was touched."""
        date, _, _ = self.credentials.secret_key.partition("/")
        stamp = request.context["timestamp"]
        request.context["timestamp"] = max(f"{date}T000000Z", min(stamp, f"{date}T235959Z"))
        super()._modify_request_before_signing(request)

    def signature(self, string_to_sign: str, request: Any) -> str:  # noqa: ANN401, ARG002  # botocore's
        """Return the signature, in hexadecimal."""
        key = bytes.fromhex(self.credentials.secret_key.partition("/")[2])
        for part in (self._region_name, self._service_name, "aws4_request"):
            key = self._sign(key, part)
        return str(self._sign(key, string_to_sign, hex=True))


AUTH_TYPE_MAPS[SIGNATURE_VERSION] = DayKeyAuth


def in_place_of_secret(day_key: DayKey, now: float) -> Secret:
    """Return what botocore's credentials get for a secret, to be signed with at the epoch `now`.

    Raises DayKeyOver where AWS would find a stamp of the key's day too old or too new.
    """
    begin = calendar.timegm(time.strptime(day_key.date, "%Y%m%d"))
    if not begin - _SECONDS_OFF <= now < begin + _DAY + _SECONDS_OFF:
        raise DayKeyOver(date=day_key.date)
    return Secret(f"{day_key.date}/{day_key.key.reveal()}")
