"""What AWS says of an enrolled access key, asked with that key alone: no session, no code and no touch."""

from __future__ import annotations

from shlex import join, quote
from typing import TYPE_CHECKING

from vaultpy import access_keys, errors
from vaultpy.findings import Finding, WouldAskError, failure, ok, skipped, told_by, warning
from vaultpy.iam_records import DENIED
from vaultpy.text import clock_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import Protocol

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import AccessKey
    from vaultpy.iam_records import AccessKeyState, EnabledDevice
    from vaultpy.records import Enrolment

    class Aws(Protocol):
        """STS and IAM as one profile reaches them; every method raises the errors of `aws_api`."""

        host: str

        def clock_offset(self) -> float:
            """Return by how many seconds AWS's clock is ahead of this one's."""

        def caller_arn(self, signer: AccessKey) -> str:
            """Return whose key it is."""

        def mfa_devices(self, signer: AccessKey, user_name: str) -> tuple[EnabledDevice, ...]:
            """Return the user's MFA devices."""

        def access_keys(self, signer: AccessKey, user_name: str) -> tuple[AccessKeyState, ...]:
            """Return the user's access keys."""


OLD_DAYS = 90
_DAY = 86400
_WRONG_SECONDS = 30.0


class EnrolledKey:
    """The check of one enrolled key."""

    def __init__(  # noqa: PLR0913  # all that is known of it
        self,
        enrolment: Enrolment,
        keystore: Callable[[str, str], Keystore],
        aws: Callable[[Enrolment], Aws],
        wanted: Mapping[str, str],
        clock: Callable[[], float],
        *,
        names: Mapping[str, str],
        rotated: Collection[str],
    ) -> None:
        """`wanted` are the MFA serials of this user's profiles, each with one profile that says so.

        `names` has a name for each key id that is enrolled; of those in `rotated` a rotation has charge.
        """
        self._enrolment = enrolment
        self._keystore = keystore
        self._aws = aws
        self._wanted = wanted
        self._clock = clock
        self._names = names
        self._rotated = rotated

    def look(self) -> Iterator[Finding]:
        """Ask AWS for its time, take the key out of its keystore if that asks nobody, and ask AWS with it."""
        name, key_id = self._enrolment.name, self._enrolment.access_key_id
        aws = None
        try:
            aws = self._aws(self._enrolment)
            offset = aws.clock_offset()
            yield _clock_finding(aws.host, offset)
        except errors.VaultpyError as error:  # the keystore may be wrong too
            aws, offset = None, 0.0
            yield told_by(error)
        if self._enrolment.on_yubikey:
            yield skipped(f"access key {key_id} was not tried: it lives on a YubiKey, which wants a touch")
            return
        try:
            keystore = self._keystore(self._enrolment.keystore, self._enrolment.keystore_file)
            key = access_keys.load(keystore, key_id)
        except (WouldAskError, errors.KeystoreLocked) as reason:
            yield skipped(f"access key {key_id} was not looked for: {reason}")
            return
        if key is None:
            raise errors.KeyLost(profile=name, key_id=key_id)
        yield ok(f"access key {key_id} is in its keystore")
        if aws is not None:
            yield from self._user(aws, key, self._clock() + offset)

    def _user(self, aws: Aws, key: AccessKey, now: float) -> Iterator[Finding]:
        facts = {"profile": self._enrolment.name, "key_id": key.id}
        try:
            arn = aws.caller_arn(key)
        except errors.AccessKeyRefused:
            raise errors.AccessKeyRefused(**facts) from None
        except errors.SecretWrong:
            raise errors.SecretWrong(**facts) from None
        known = self._enrolment.user_arn
        if known not in {"", arn}:
            remedy = f"enrol it again: vaultpy add --force {quote(self._enrolment.name)}"
            yield warning(
                f"access key {key.id} belongs to {arn}, and was enrolled as that of {known}", remedy
            )
        else:
            yield ok(f"AWS takes it: it belongs to {arn}")
        user = arn.rpartition("/")[2]
        yield from _if_allowed("its MFA devices", lambda: self._mfa(aws.mfa_devices(key, user)))
        yield from _if_allowed("its access keys", lambda: self._keys(aws.access_keys(key, user), user, now))

    def _mfa(self, devices: tuple[EnabledDevice, ...]) -> Iterator[Finding]:
        serials = [device.serial for device in devices if device.makes_codes]
        for serial, profile in self._wanted.items():
            if serial in serials:
                yield ok(f"MFA device {serial} is the user's")
                continue
            text = f"MFA device {serial}, which profile {profile} wants, is not this user's; "
            has = ", ".join(serials) or "none"
            remedy = f"correct mfa_serial in profile {profile}"
            if serial in self._enrolment.mfa_serials:
                remedy = f"enrol the key again: vaultpy add --force {quote(self._enrolment.name)}"
            yield failure(f"{text}AWS knows of: {has}", remedy)
        if not serials:
            only = " but security keys, which cannot serve the API" if devices else ""
            remedy = f"make one on a YubiKey: vaultpy mfa enroll {quote(self._enrolment.name)}"
            yield warning(f"this user has no MFA device{only}", remedy)

    def _keys(self, states: tuple[AccessKeyState, ...], user: str, now: float) -> Iterator[Finding]:
        rotate = f"replace it: vaultpy rotate {quote(self._enrolment.name)}"
        for state in states:
            days = max(0, int((now - state.created) // _DAY))
            if state.id != self._enrolment.access_key_id:
                if state.id not in self._rotated:
                    yield self._another(state, user, days)
            elif days > OLD_DAYS:
                yield warning(f"access key {state.id} is {days} days old", rotate)
            else:
                yield ok(f"access key {state.id} is {days} day{'s' * (days != 1)} old")

    def _another(self, state: AccessKeyState, user: str, days: int) -> Finding:
        kind, name = "active" if state.active else "inactive", self._names.get(state.id, "")
        where = f", enrolled here as {name}" if name else ""
        text = f"the user has another access key, {state.id}: {kind}, {days} days old{where}"
        how = f"delete {state.id} in the IAM console"
        if self._wanted:  # IAM takes no session made without MFA
            words = ["--user-name", user, "--access-key-id", state.id]
            exec_ = ["vaultpy", "exec", self._enrolment.name, "--"]
            how = join([*exec_, "aws", "iam", "delete-access-key", *words])
        if name:
            how = f"{join(['vaultpy', 'remove', name])}, then {how}"
        return warning(text, f"if nothing uses it: {how}")


def _clock_finding(host: str, offset: float) -> Finding:
    if abs(offset) > _WRONG_SECONDS:
        return warning(f"this computer's clock is {clock_text(offset)} AWS's", errors.ClockWrong.hint)
    return ok(f"{host} answers, and this computer's clock agrees with it")


def _if_allowed(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Pass over what the user's policies do not allow without MFA."""
    try:
        yield from look()
    except errors.AwsRefused as refusal:
        if refusal.code != DENIED:
            raise
        yield skipped(f"AWS does not let the user list {what} without MFA")
    except errors.AccessKeyRefused:
        yield skipped(f"IAM does not take the key yet, so {what} were not looked at")
