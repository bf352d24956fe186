"""Enrolling an access key, and removing it: what is checked, in which order it is written, what is undone."""

from __future__ import annotations

from vaultpy import access_keys, errors
from vaultpy.config_edit import NewProfile, add_profiles, check_profiles
from vaultpy.index import Enrolment
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import AccessKey
    from vaultpy.index import Index
    from vaultpy.sessions import SessionStore

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


def check(aws: Aws, access_key: AccessKey) -> Checked:
    """Ask AWS whose key it is; raises RootKey, NotAnIamUser, or what AWS's refusal means."""
    arn = aws.caller_arn(access_key)
    owner = arn.split(":", 5)[5:] or [""]
    if owner[0] == "root":
        raise errors.RootKey(account=arn.split(":")[4])
    if not owner[0].startswith("user/"):
        raise errors.NotAnIamUser(arn=arn)
    try:
        return Checked(arn, aws.mfa_serials(access_key, arn.rpartition("/")[2]), told=True)
    except (errors.AwsRefused, errors.AccessKeyRefused):
        return Checked(arn, (), told=False)


def parse_role(text: str) -> tuple[str, str]:
    """Return the profile's name and the role's ARN from `NAME=ARN`; raises BadRoleOption."""
    name, equals, arn = text.partition("=")
    parts = arn.split(":", 5)
    if not name or not equals or len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):  # noqa: PLR2004  # an ARN
        raise errors.BadRoleOption(text=text)
    return name, arn


def new_profiles(name: str, checked: Checked, roles: list[tuple[str, str]]) -> list[NewProfile]:
    """Return the profiles to write: the user's, with its MFA device if it has just one, and its roles'."""
    serials = checked.mfa_serials
    settings = (("mfa_serial", serials[0]),) if len(serials) == 1 else ()
    mine = NewProfile(name, settings)
    return [mine, *(NewProfile(r, (("role_arn", arn), ("source_profile", name))) for r, arn in roles)]


class Enroller:
    """Puts access keys into a keystore, the index and AWS's config file, and takes them out again."""

    def __init__(
        self,
        index: Index,
        sessions: SessionStore,
        open_keystore: Callable[[str, str], Keystore],
        config_path: str,
        clock: Callable[[], float],
    ) -> None:
        """`open_keystore(name, file)` opens a keystore by what the index calls it."""
        self._index = index
        self._sessions = sessions
        self._open_keystore = open_keystore
        self._config_path = config_path
        self._clock = clock

    def refuse_double(self, name: str) -> None:
        """Raise AlreadyEnrolled if a key is enrolled under `name`."""
        old = self._index.enrolment(name)
        if old is not None:
            raise errors.AlreadyEnrolled(profile=name, key_id=old.access_key_id)

    def enrol(
        self, name: str, access_key: AccessKey, checked: Checked, keystore: str, profiles: list[NewProfile]
    ) -> list[str]:
        """Store the key, list it, write its profiles; return the names of those that are new.

        The config file is judged first and written last; if that fails after all, the rest is undone.
        """
        check_profiles(self._config_path, profiles)
        old = self._index.enrolment(name)
        place = self._open_keystore(keystore, "")
        access_keys.store(place, access_key)
        self._index.enrol(
            Enrolment(
                name=name,
                access_key_id=access_key.id,
                user_arn=checked.user_arn,
                mfa_serials=checked.mfa_serials,
                keystore=place.name,
                keystore_file=place.file,
                added=int(self._clock()),
            )
        )
        try:
            added = add_profiles(self._config_path, profiles)
        except errors.VaultpyError:
            self._undo(name, access_key, place, old)
            raise
        if old is not None and old.access_key_id != access_key.id:
            self._delete(old)
        return added

    def _undo(self, name: str, access_key: AccessKey, place: Keystore, old: Enrolment | None) -> None:
        if old is None:
            self._index.withdraw(name)
        else:
            self._index.enrol(old)
        if old is None or old.access_key_id != access_key.id:
            access_keys.delete(place, access_key.id)

    def remove(self, name: str) -> Enrolment:
        """Take out the key enrolled under `name` and its sessions; raises NotEnrolled.

        The index forgets last: a removal that was interrupted can be repeated.
        """
        enrolment = self._index.enrolment(name)
        if enrolment is None:
            raise errors.NotEnrolled(profile=name)
        self._delete(enrolment)
        self._index.withdraw(name)
        return enrolment

    def _delete(self, enrolment: Enrolment) -> None:
        """Delete a key and its sessions, unless it is enrolled under another name too."""
        key_id = enrolment.access_key_id
        users = [
            e for e in self._index.enrolments() if e.access_key_id == key_id and e.name != enrolment.name
        ]
        if not users:
            self._sessions.forget(access_key_id=key_id)
            access_keys.delete(self._open_keystore(enrolment.keystore, enrolment.keystore_file), key_id)
