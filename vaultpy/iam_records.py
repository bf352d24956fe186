"""What IAM tells of MFA devices and access keys, and the codes of its refusals.

A refusal that has no error of its own is an `AwsRefused`, whose `code` is one of these.
"""

from __future__ import annotations

from vaultpy import errors
from vaultpy.values import Secret, Value

ALREADY_THERE = "EntityAlreadyExists"
"""The name is taken, or the device is enabled already."""
NOT_THERE = "NoSuchEntity"
"""There is no such user, key or device; what was to be removed is gone."""
STILL_IN_USE = "DeleteConflict"
"""The device has to be deactivated first."""
LIMIT_REACHED = "LimitExceeded"
"""The user has two access keys, or eight MFA devices."""
CODES_WRONG = "InvalidAuthenticationCode"
"""The two codes are not the device's, not in a row, too old, or used already."""
DENIED = "AccessDenied"
"""The user's policies do not allow it, or not without MFA."""
UNCLEAR = (errors.NoAnswer, errors.AwsBusy, errors.AnswerMalformed)
"""After these nobody knows whether a call had its effect."""


class VirtualDevice(Value):
    """A virtual MFA device as it was created: its ARN, and its seed in base32 without padding."""

    __slots__ = ("seed", "serial")
    serial: str
    seed: Secret

    def __init__(self, serial: str, seed: Secret) -> None:
        self._set(serial=serial, seed=seed)


class EnabledDevice(Value):
    """One of a user's MFA devices, enabled at the epoch `enabled`."""

    __slots__ = ("enabled", "serial")
    serial: str
    enabled: int

    def __init__(self, serial: str, enabled: int) -> None:
        self._set(serial=serial, enabled=enabled)

    @property
    def makes_codes(self) -> bool:
        """Whether it can serve the API: security keys and passkeys (FIDO) cannot."""
        return ":u2f/" not in self.serial


class AccessKeyState(Value):
    """One of a user's access keys, without its secret; `created` is an epoch."""

    __slots__ = ("active", "created", "id")
    id: str
    active: bool
    created: int

    def __init__(self, key_id: str, *, active: bool, created: int) -> None:
        self._set(id=key_id, active=active, created=created)


class LastUse(Value):
    """Where an access key was last used, and when: the epoch `at`."""

    __slots__ = ("at", "region", "service")
    at: int
    service: str
    region: str

    def __init__(self, at: int, service: str, region: str) -> None:
        self._set(at=at, service=service, region=region)
