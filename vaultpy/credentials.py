"""The two kinds of AWS keys: the long-term `AccessKey` and the temporary `Credentials`."""

from __future__ import annotations

from vaultpy.values import Secret, Value


class AccessKey(Value):
    """An IAM user's long-term access key."""

    __slots__ = ("id", "secret")
    id: str
    secret: Secret

    def __init__(self, key_id: str, secret: Secret) -> None:
        self._set(id=key_id, secret=secret)


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
