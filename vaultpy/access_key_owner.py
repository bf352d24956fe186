"""Whose an access key is that is about to be enrolled, as AWS tells."""

from __future__ import annotations

from vaultpy import errors
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol, TypeVar

    from vaultpy.credentials import AccessKey

    _Answer = TypeVar("_Answer")

    class Aws(Protocol):
        """What AWS says of a key."""

        def caller_arn(self, signer: AccessKey) -> str:
            """Return the ARN that the key belongs to."""

        def mfa_serials(self, signer: AccessKey, user_name: str) -> tuple[str, ...]:
            """Return the user's MFA devices."""


class Checked(Value):
    """Whose key it is, and the MFA devices AWS told of; `told` is false where it did not let us ask."""

    __slots__ = ("mfa_serials", "told", "user_arn")
    user_arn: str
    mfa_serials: tuple[str, ...]
    told: bool

    def __init__(self, user_arn: str, mfa_serials: tuple[str, ...], *, told: bool) -> None:
        self._set(user_arn=user_arn, mfa_serials=mfa_serials, told=told)

    @property
    def lacks_device(self) -> bool:
        """Whether AWS told that the user has no MFA device that makes codes."""
        return self.told and bool(self.user_arn) and not self.mfa_serials


def check(aws: Aws, access_key: AccessKey, name: str, pauses: Iterable[float] = ()) -> Checked:
    """Ask AWS whose key it is; raises RootKey, NotAnIamUser, or what AWS's refusal means.

    A key that AWS does not know is asked for again after each of `pauses`, whose steps do the waiting (in
    seconds): a new one takes some 8 to 15 s to work everywhere.
    """
    facts = {"key_id": access_key.id, "profile": name}
    waits = iter(pauses)
    try:
        arn = _once_known(lambda: aws.caller_arn(access_key), waits)
    except errors.AccessKeyRefused:
        raise errors.AccessKeyRefused(**facts) from None
    except errors.SecretWrong:
        raise errors.SecretWrong(**facts) from None
    owner = arn.split(":", 5)[5:] or [""]
    if owner[0] == "root":
        raise errors.RootKey(account=arn.split(":")[4])
    if not owner[0].startswith("user/"):
        raise errors.NotAnIamUser(arn=arn)
    try:
        serials = _once_known(lambda: aws.mfa_serials(access_key, arn.rpartition("/")[2]), waits)
        return Checked(arn, serials, told=True)
    except (errors.AwsRefused, errors.AccessKeyRefused):
        return Checked(arn, (), told=False)


def _once_known(ask: Callable[[], _Answer], waits: Iterator[float]) -> _Answer:
    """Ask; and again after each wait as long as AWS does not know the key."""
    while True:
        try:
            return ask()
        except errors.AccessKeyRefused:  # noqa: PERF203  # each round is a wait
            if next(waits, None) is None:
                raise
