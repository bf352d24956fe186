"""The access keys of one IAM user: who signs for what is asked of them, and what a refusal means."""

from __future__ import annotations

import time
from shlex import join

from vaultpy import errors
from vaultpy.credentials import Credentials
from vaultpy.iam_records import DENIED, NOT_THERE, UNCLEAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from vaultpy.credentials import AccessKey, Signs
    from vaultpy.iam_records import AccessKeyState, LastUse
    from vaultpy.records import Enrolment

    _Answer = TypeVar("_Answer")

    class Iam(Protocol):
        """IAM's calls about access keys."""

        def access_keys(self, signer: Signs, user_name: str) -> tuple[AccessKeyState, ...]: ...  # noqa: D102
        def last_use(self, signer: Signs, key_id: str) -> LastUse | None: ...  # noqa: D102
        def create_access_key(self, signer: Signs, user_name: str) -> AccessKey: ...  # noqa: D102
        def set_access_key(  # noqa: D102
            self, signer: Signs, user_name: str, key_id: str, *, active: bool
        ) -> None: ...
        def delete_access_key(self, signer: Signs, user_name: str, key_id: str) -> None: ...  # noqa: D102


_ANOTHER_MAY = (*UNCLEAR, errors.SessionRefused, errors.AccessKeyRefused, errors.AwsRefused)

_ASK = (
    "ask an administrator for iam:ListAccessKeys, CreateAccessKey, UpdateAccessKey and DeleteAccessKey on"
    " this user; nothing was changed"
)
_NAME_MFA = "it may want MFA: add the user's device to the profile as mfa_serial; nothing was changed"


class UserKeys:
    """The access keys of the user `user_name`; what `signer` may not do any more, another one may."""

    def __init__(self, iam: Iam, user_name: str, signer: Signs) -> None:
        """Ask nothing yet; `signer` is a session made with MFA, or an access key or its day key."""
        self._iam = iam
        self.user_name = user_name
        self._signers = [signer]
        self.by_session = isinstance(signer, Credentials)

    def let_sign(self, signer: Signs) -> None:
        """Take `signer` too, after those before, for what may be asked twice."""
        if signer not in self._signers:
            self._signers.append(signer)

    def listed(self) -> tuple[AccessKeyState, ...]:
        """Return all keys of the user; raises KeysForbidden, and what IAM raises."""
        return self._permitted(lambda: self._iam.access_keys(self._signers[0], self.user_name))

    def create(self) -> AccessKey:
        """Make a key; raises KeysForbidden, and what IAM raises."""
        return self._permitted(lambda: self._iam.create_access_key(self._signers[0], self.user_name))

    def deactivate(self, key_id: str) -> None:
        """Make a key inactive, which may end the sessions that sign; raises what the signers met."""
        self._by_anyone(lambda it: self._iam.set_access_key(it, self.user_name, key_id, active=False))

    def delete(self, key_id: str) -> None:
        """Delete a key, if it is there; raises what the signers met."""
        self._by_anyone(lambda it: self._iam.delete_access_key(it, self.user_name, key_id))

    def was_used(self, key_id: str) -> bool:
        """Tell whether it ever was; where AWS does not let us ask, it may have been."""
        try:
            return self._iam.last_use(self._signers[0], key_id) is not None
        except errors.AwsRefused:
            return True

    def described(self, key: AccessKeyState) -> str:
        """Say a key's state, day of birth and last use."""
        state = "active" if key.active else "inactive"
        return f"{state}, created {_day(key.created)}, {self.last_use_of(key.id)}"

    def last_use_of(self, key_id: str) -> str:
        """Say when a key was last used, and for what."""
        try:
            used = self._iam.last_use(self._signers[0], key_id)
        except errors.AwsRefused:
            return "last use unknown"
        return f"last used {_day(used.at)} for {used.service}" if used else "never used"

    def two_keys(self, enrolment: Enrolment, others: list[AccessKeyState]) -> errors.TwoKeys:
        """Say that `others` are in the way of a new key, and how to delete the first of them."""
        other, mine, how = others[0], enrolment.access_key_id, "in the IAM console"
        if self.by_session:
            words = ["--user-name", self.user_name, "--access-key-id", other.id]
            how = join(["vaultpy", "exec", enrolment.name, "--", "aws", "iam", "delete-access-key", *words])
        return errors.TwoKeys(
            user=self.user_name,
            mine=f"{mine} ({self.last_use_of(mine)})",
            other_id=other.id,
            other=self.described(other),
            how=how,
        )

    def _permitted(self, call: Callable[[], _Answer]) -> _Answer:
        try:
            return call()
        except errors.AwsRefused as refusal:
            if refusal.code != DENIED:
                raise
            remedy = _ASK if self.by_session else _NAME_MFA
            raise errors.KeysForbidden(user=self.user_name, remedy=remedy) from None

    def _by_anyone(self, call: Callable[[Signs], None]) -> None:
        """Let each signer in turn try what is safe to repeat; that the key is gone counts as done.

        What one left open, the refusal of another does not settle.
        """
        failure: errors.VaultpyError | None = None
        for signer in self._signers:
            try:
                return call(signer)
            except _ANOTHER_MAY as refusal:  # noqa: PERF203  # each signer may be refused
                if isinstance(refusal, errors.AwsRefused) and refusal.code == NOT_THERE:
                    return None
                failure = failure if isinstance(failure, UNCLEAR) else refusal
        raise failure or AssertionError("there is always a signer")


def refusal_of(call: Callable[[], None]) -> errors.VaultpyError | None:
    """Call, and return what it was refused for."""
    try:
        call()
    except (errors.AwsRefused, errors.SessionRefused, errors.AccessKeyRefused) as refusal:
        return refusal
    return None


def _day(epoch: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch))
