"""Enrolling an access key, and removing it: in which order it is written, what is undone, and who waits."""

from __future__ import annotations

from contextlib import ExitStack, suppress

from vaultpy import access_keys, errors
from vaultpy.access_key_owner import Checked
from vaultpy.config_edit import NewProfile, add_profiles, check_profiles
from vaultpy.profile import is_role_arn
from vaultpy.records import Enrolment
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import AccessKey
    from vaultpy.index import Index
    from vaultpy.sessions import SessionStore


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

    def __init__(  # noqa: PLR0913, PLR0917  # its ports
        self,
        index: Index,
        sessions: SessionStore,
        open_keystore: Callable[[str, str], Keystore],
        config_path: str,
        clock: Callable[[], float],
        alone: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`open_keystore(name, file)` opens a keystore by what the index calls it.

        Within `alone()` no other run changes which key an enrolment has.
        """
        self._index = index
        self._sessions = sessions
        self._open_keystore = open_keystore
        self._config_path = config_path
        self._clock = clock
        self._alone = alone

    def judge(self, name: str, roles: list[tuple[str, str]], *, replace: bool) -> str:
        """Return the id of the key that `enrol` would replace, empty for none.

        Raises what would stand in its way, as far as it is known before anything is asked: AlreadyEnrolled
        unless the key is to be replaced; what `add_profiles` raises.
        """
        old = self._index.enrolment(name)
        if old is not None and not replace:
            raise errors.AlreadyEnrolled(profile=name, key_id=old.access_key_id)
        check_profiles(self._config_path, new_profiles(name, Checked("", (), told=True), roles))
        return old.access_key_id if old is not None else ""

    def enrol(  # noqa: PLR0913  # a key, what is known of it, and where it goes
        self,
        name: str,
        access_key: AccessKey,
        checked: Checked,
        keystore: str,
        profiles: list[NewProfile],
        *,
        replaces: str = "",
    ) -> Enrolled:
        """List the key, store it, write its profiles; last, delete the key that it replaces.

        Whatever fails before that is undone. The index is first, so that a crash leaves no secret which
        nothing names: at worst a listed key is missing (KeyLost), which `add --force` and `remove` mend.
        Until the replaced key is gone it stays listed under a name of its own, so that `remove` reaches it
        whatever comes between. `replaces` is what `judge` said; raises AlreadyEnrolled, or KeyChanged, where
        `name` has another key by now.
        """
        check_profiles(self._config_path, profiles)
        place = self._open_keystore(keystore, "")
        new = Enrolment(
            name=name,
            access_key_id=access_key.id,
            user_arn=checked.user_arn,
            mfa_serials=checked.mfa_serials,
            keystore=place.name,
            keystore_file=place.file,
            added=int(self._clock()),
        )
        with self._alone():
            return self._enrol(new, self._still(name, replaces), access_key, place, profiles)

    def _still(self, name: str, key_id: str) -> Enrolment | None:
        """Return what is enrolled as `name`, if that is still the key `key_id`."""
        old = self._index.enrolment(name)
        if old is not None and old.access_key_id != key_id:
            if key_id:
                raise errors.KeyChanged(profile=name, old_id=key_id, new_id=old.access_key_id)
            raise errors.AlreadyEnrolled(profile=name, key_id=old.access_key_id)
        return old

    def _enrol(
        self,
        new: Enrolment,
        old: Enrolment | None,
        access_key: AccessKey,
        place: Keystore,
        profiles: list[NewProfile],
    ) -> Enrolled:
        before = access_keys.load(place, access_key.id)
        replaced = _replaced(old) if old is not None and _place(old) != _place(new) else None
        with ExitStack() as undo:
            if replaced is not None:
                undo.callback(self._list_again, replaced.name, None)
                self._index.enrol(replaced)
            undo.callback(self._list_again, new.name, old)
            self._index.enrol(new)
            undo.callback(_restore, place, access_key.id, before)
            access_keys.store(place, access_key)
            if place.file != new.keystore_file:  # YubiKeys, of which it was open which they would be
                self._index.enrol(
                    new.holding(new.access_key_id, new.name, new.added, (place.name, place.file))
                )
            added = add_profiles(self._config_path, profiles)
            undo.pop_all()
        if replaced is not None:
            try:
                self._remove(replaced)
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

    def remove(self, name: str, key_id: str) -> None:
        """Take out the key `key_id` that is enrolled under `name`, and its sessions.

        Raises NotEnrolled, and KeyChanged where `name` has another key by now.
        """
        with self._alone():
            enrolment = self._still(name, key_id)
            if enrolment is None:
                raise errors.NotEnrolled(profile=name)
            self._remove(enrolment)

    def _remove(self, enrolment: Enrolment) -> None:
        """Delete a key and its sessions, unless it is enrolled under another name too.

        The index forgets last: a removal that was interrupted can be repeated.
        """
        others = [other for other in self._index.enrolments() if other.name != enrolment.name]
        key_id = enrolment.access_key_id
        try:
            if not any(other.access_key_id == key_id for other in others):
                self._sessions.forget(access_key_id=key_id)
        finally:
            if not any(_place(other) == _place(enrolment) for other in others):
                access_keys.delete(self._open_keystore(*enrolment.place), key_id)
        self._index.withdraw(enrolment.name)


def _place(enrolment: Enrolment) -> tuple[str, ...]:
    """Return what makes two enrolments share one secret; what is on YubiKeys counts as in one place."""
    file = "" if enrolment.on_yubikey else enrolment.keystore_file
    return enrolment.access_key_id, enrolment.keystore, file


def _replaced(old: Enrolment) -> Enrolment:
    """Return `old` under the name that it has until its key is deleted; no profile can have that name."""
    return old.holding(old.access_key_id, f"{old.name} (replaced {old.access_key_id})", old.added)


def _restore(place: Keystore, key_id: str, before: AccessKey | None) -> None:
    """Put back what the keystore held; the error that led here is the one to tell."""
    with suppress(errors.VaultpyError):
        if before is None:
            access_keys.delete(place, key_id)
        else:
            access_keys.store(place, before)
