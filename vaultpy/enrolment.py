"""Enrolling an access key, and removing it: what is checked, in which order it is written, what is undone."""

from __future__ import annotations

from contextlib import ExitStack, suppress

from vaultpy import access_keys, errors
from vaultpy.config_edit import NewProfile, add_profiles, check_profiles
from vaultpy.profile import is_role_arn
from vaultpy.records import Enrolment
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol, TypeVar

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import AccessKey
    from vaultpy.index import Index
    from vaultpy.sessions import SessionStore

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


class Enrolled(Value):
    """What `enrol` did: the names of the profiles that are new, and the replaced key if it could not go.

    `left_behind` is the enrolment under which that key stays listed, and `why` the error in its way.
    """

    __slots__ = ("added", "left_behind", "why")
    added: list[str]
    left_behind: Enrolment | None
    why: errors.VaultpyError | None

    def __init__(
        self,
        added: list[str],
        left_behind: Enrolment | None = None,
        why: errors.VaultpyError | None = None,
    ) -> None:
        self._set(added=added, left_behind=left_behind, why=why)


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


def parse_role(text: str) -> tuple[str, str]:
    """Return the profile's name and the role's ARN from `NAME=ARN`; raises BadRoleOption."""
    name, _, arn = text.partition("=")
    if not name or not is_role_arn(arn):
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

    def judge(self, name: str, roles: list[tuple[str, str]], *, replace: bool) -> None:
        """Raise what would stand in the way of `enrol`, as far as it is known before anything is asked.

        AlreadyEnrolled unless the key is to be replaced; what `add_profiles` raises.
        """
        old = self._index.enrolment(name)
        if old is not None and not replace:
            raise errors.AlreadyEnrolled(profile=name, key_id=old.access_key_id)
        check_profiles(self._config_path, new_profiles(name, Checked("", (), told=True), roles))

    def enrol(
        self, name: str, access_key: AccessKey, checked: Checked, keystore: str, profiles: list[NewProfile]
    ) -> Enrolled:
        """List the key, store it, write its profiles; last, delete the key that it replaces.

        Whatever fails before that is undone. The index is first, so that a crash leaves no secret which
        nothing names: at worst a listed key is missing (KeyLost), which `add --force` and `remove` mend.
        Until the replaced key is gone it stays listed under a name of its own, so that `remove` reaches it
        whatever comes between.
        """
        check_profiles(self._config_path, profiles)
        place = self._open_keystore(keystore, "")
        before = access_keys.load(place, access_key.id)
        new = Enrolment(
            name=name,
            access_key_id=access_key.id,
            user_arn=checked.user_arn,
            mfa_serials=checked.mfa_serials,
            keystore=place.name,
            keystore_file=place.file,
            added=int(self._clock()),
        )
        old = self._index.enrolment(name)
        replaced = _replaced(old) if old is not None and _place(old) != _place(new) else None
        with ExitStack() as undo:
            if replaced is not None:
                undo.callback(self._list_again, replaced.name, None)
                self._index.enrol(replaced)
            undo.callback(self._list_again, name, old)
            self._index.enrol(new)
            undo.callback(_restore, place, access_key.id, before)
            access_keys.store(place, access_key)
            added = add_profiles(self._config_path, profiles)
            undo.pop_all()
        if replaced is not None:
            try:
                self.remove(replaced.name)
            except errors.VaultpyError as why:
                return Enrolled(added, replaced, why)
        return Enrolled(added)

    def _list_again(self, name: str, old: Enrolment | None) -> None:
        """Put back what the index said of `name`; the error that led here is the one to tell."""
        with suppress(errors.VaultpyError):
            if old is None:
                self._index.withdraw(name)
            else:
                self._index.enrol(old)

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
        others = [other for other in self._index.enrolments() if other.name != enrolment.name]
        key_id = enrolment.access_key_id
        try:
            if not any(other.access_key_id == key_id for other in others):
                self._sessions.forget(access_key_id=key_id)
        finally:
            if not any(_place(other) == _place(enrolment) for other in others):
                access_keys.delete(self._open_keystore(enrolment.keystore, enrolment.keystore_file), key_id)


def _place(enrolment: Enrolment) -> tuple[str, str, str]:
    """Return what makes two enrolments share one secret."""
    return enrolment.access_key_id, enrolment.keystore, enrolment.keystore_file


def _replaced(old: Enrolment) -> Enrolment:
    """Return `old` under the name that it has until its key is deleted; no profile can have that name."""
    return Enrolment(
        name=f"{old.name} (replaced {old.access_key_id})",
        access_key_id=old.access_key_id,
        user_arn=old.user_arn,
        mfa_serials=old.mfa_serials,
        keystore=old.keystore,
        keystore_file=old.keystore_file,
        added=old.added,
    )


def _restore(place: Keystore, key_id: str, before: AccessKey | None) -> None:
    """Put back what the keystore held; the error that led here is the one to tell."""
    with suppress(errors.VaultpyError):
        if before is None:
            access_keys.delete(place, key_id)
        else:
            access_keys.store(place, before)
