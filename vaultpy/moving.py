"""Moving access keys in from other tools: what is to be done with each, and doing it so that none is lost.

A key is stored, then loaded again, and AWS is asked with what came out. Only when it has answered does the
old text go. Wherever that is broken off, the key is where it was, in the keystore, or in both, and the same
command finishes it.
"""

from __future__ import annotations

from vaultpy import access_keys, errors
from vaultpy.access_key_owner import Checked, check
from vaultpy.config_edit import NewProfile, add_profiles, check_profiles, take_out_key
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.access_key_owner import Aws
    from vaultpy.access_keys import Keystore
    from vaultpy.config import Config
    from vaultpy.credentials import AccessKey
    from vaultpy.enrolment import Enroller
    from vaultpy.found_access_keys import FoundKey
    from vaultpy.index import Index
    from vaultpy.records import Enrolment

_OF_ONE_KEY = (
    errors.AccessKeyRefused,
    errors.AlreadyEnrolled,
    errors.BadConfigValue,
    errors.BadProfileName,
    errors.DanglingProfile,
    errors.NotAnIamUser,
    errors.ProfileCycle,
    errors.RootKey,
    errors.SecretWrong,
)
"""What is wrong with one key or its profile, and no reason to leave the others."""


class Move(Value):
    """A key that is to be enrolled, as AWS knows it, with the `profile` to write.

    `sourced_by` are the profiles whose source_profile it is; `to_rename` those that name the section which
    goes. `finishes` tells that it is enrolled already and still lies in clear.
    """

    __slots__ = ("access_key", "checked", "finishes", "found", "profile", "sourced_by", "to_rename")
    found: FoundKey
    access_key: AccessKey
    checked: Checked
    profile: NewProfile
    sourced_by: tuple[str, ...]
    to_rename: tuple[str, ...]
    finishes: bool

    def __init__(  # noqa: PLR0913  # what is to be done
        self,
        found: FoundKey,
        access_key: AccessKey,
        checked: Checked,
        profile: NewProfile,
        *,
        sourced_by: tuple[str, ...] = (),
        to_rename: tuple[str, ...] = (),
        finishes: bool = False,
    ) -> None:
        self._set(found=found, access_key=access_key, checked=checked, profile=profile)
        self._set(sourced_by=sourced_by, to_rename=to_rename, finishes=finishes)


class Skip(Value):
    """A key that stays where it is, and why."""

    __slots__ = ("found", "why")
    found: FoundKey
    why: str

    def __init__(self, found: FoundKey, why: str) -> None:
        self._set(found=found, why=why)


class Moved(Value):
    """What was done: the names of the profiles that are new, and whether the old text is gone."""

    __slots__ = ("added", "taken_out")
    added: list[str]
    taken_out: bool

    def __init__(self, added: list[str], *, taken_out: bool) -> None:
        self._set(added=added, taken_out=taken_out)


class Mover:
    """Judges keys that other tools keep, and moves them into the keystore."""

    def __init__(  # noqa: PLR0913  # all that a key goes through
        self,
        config: Config,
        index: Index,
        enroller: Enroller,
        *,
        open_keystore: Callable[[str, str], Keystore],
        aws: Callable[[str], Aws],
        keystore: str,
    ) -> None:
        """`aws(name)` asks AWS about the key of a profile; `keystore` is where keys that are new here go."""
        self._config = config
        self._index = index
        self._enroller = enroller
        self._open_keystore = open_keystore
        self._aws = aws
        self.keystore = keystore

    # ---- what is to be done --------------------------------------------------------------------------

    def plan(self, found: list[FoundKey]) -> list[Move | Skip]:
        """Return what is to be done with each key. AWS is asked whose they are; nothing is changed.

        Raises what keeps all of them from being moved: what AWS's failures and the config's mistakes mean.
        """
        planned: list[Move | Skip] = []
        key_ids = {one.name: one.access_key_id for one in self._index.enrolments()}
        enrolled = set(key_ids)
        for one in found:
            try:
                planned.append(self._judged(one, key_ids, finishes=one.name in enrolled))
            except _OF_ONE_KEY as error:  # noqa: PERF203  # each round asks AWS
                planned.append(Skip(one, f"{error.message}; {error.hint}"))
        return planned

    def _judged(self, found: FoundKey, key_ids: dict[str, str], *, finishes: bool) -> Move | Skip:
        access_key = found.access_key
        if access_key is None:
            return Skip(found, found.problem)
        if key_ids.get(found.name, access_key.id) != access_key.id:
            raise errors.AlreadyEnrolled(profile=found.name, key_id=key_ids[found.name])
        enrolment = self._index.enrolment(found.name)
        if enrolment is not None and enrolment.on_yubikey:
            return Skip(found, "its secret is on a YubiKey; delete what is left of it here by hand")
        check_profiles(self._config.path, [NewProfile(found.name, ())])
        if finishes and found.in_clear is None and self._is_done(found.name, access_key):
            return Skip(found, "it is enrolled already")
        checked = _with_device_of(found, check(self._aws(found.name), access_key, found.name))
        key_ids[found.name] = access_key.id
        old_name = found.in_clear.header if found.in_clear and found.in_clear.whole else ""
        return Move(
            found,
            access_key,
            checked,
            self._profile(found, checked),
            sourced_by=self._sourced_by(found.name),
            to_rename=self._sourced_by(old_name),
            finishes=finishes,
        )

    def _is_done(self, name: str, access_key: AccessKey) -> bool:
        enrolment = self._index.enrolment(name)
        return enrolment is not None and self._config.has(name) and self._stored(enrolment) == access_key

    def _profile(self, found: FoundKey, checked: Checked) -> NewProfile:
        """Return the profile to write; one that has another MFA device keeps it."""
        serials = checked.mfa_serials
        serial = found.mfa_serial if found.mfa_serial in serials else serials[0] if len(serials) == 1 else ""
        if serial:
            profile = NewProfile(found.name, (("mfa_serial", serial),))
            try:
                check_profiles(self._config.path, [profile])
            except errors.ProfileExists:
                pass
            else:
                return profile
        return NewProfile(found.name, ())

    def _sourced_by(self, name: str) -> tuple[str, ...]:
        names = []
        for other in self._config.names() if name else ():
            try:
                profile = self._config.profile(other)
            except errors.VaultpyError:  # it works neither before nor after
                continue
            if other != name and profile.settings.get("source_profile") == name:
                names.append(other)
        return tuple(names)

    # ---- doing it ------------------------------------------------------------------------------------

    def move(self, move: Move) -> Moved:
        """Enrol the key; once AWS has answered what is stored, take the old text out.

        Raises what stands in the way; what is there by then stays, and the next run goes on from there.
        """
        name, access_key = move.found.name, move.access_key
        added = self._enrolled(move)
        enrolment = self._index.enrolment(name)
        stored = self._stored(enrolment) if enrolment else None
        if stored is None or stored != access_key:
            raise errors.KeystoreFailed(keystore=self.keystore, reason="what was stored does not come back")
        arn = self._arn_of(stored, name)
        if arn != move.checked.user_arn:
            raise errors.KeystoreFailed(keystore=self.keystore, reason=f"AWS takes its key for that of {arn}")
        in_clear = move.found.in_clear
        return Moved(added, taken_out=in_clear is not None and take_out_key(in_clear, access_key))

    def _arn_of(self, stored: AccessKey, name: str) -> str:
        facts = {"key_id": stored.id, "profile": name}
        try:
            return self._aws(name).caller_arn(stored)
        except errors.AccessKeyRefused:
            raise errors.AccessKeyRefused(**facts) from None
        except errors.SecretWrong:
            raise errors.SecretWrong(**facts) from None

    def _enrolled(self, move: Move) -> list[str]:
        name, access_key = move.found.name, move.access_key
        enrolment = self._index.enrolment(name)
        if enrolment is None:
            enrolled = self._enroller.enrol(name, access_key, move.checked, self.keystore, [move.profile])
            return enrolled.added
        if enrolment.access_key_id != access_key.id:
            raise errors.AlreadyEnrolled(profile=name, key_id=enrolment.access_key_id)
        if self._stored(enrolment) != access_key:  # a run died after it had listed the key
            access_keys.store(self._keystore_of(enrolment), access_key)
        return add_profiles(self._config.path, [move.profile])

    def _stored(self, enrolment: Enrolment) -> AccessKey | None:
        return access_keys.load(self._keystore_of(enrolment), enrolment.access_key_id)

    def _keystore_of(self, enrolment: Enrolment) -> Keystore:
        return self._open_keystore(enrolment.keystore, enrolment.keystore_file)


def _with_device_of(found: FoundKey, checked: Checked) -> Checked:
    """Believe the other tool's MFA device where AWS did not let us ask."""
    if checked.told or not found.mfa_serial:
        return checked
    return Checked(checked.user_arn, (found.mfa_serial,), told=True)
