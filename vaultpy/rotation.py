"""Rotating an access key: at every instant the index names a key that is in the keystore and works.

The order is the promise: what is about to happen is written down; AWS makes the new key; it is stored; AWS
knows it; every name has it; the old one is made inactive, then deleted; its secret and its sessions go.
Whatever ends a run in between, the next one sees from the index, the keystore and AWS's list of the user's
keys where it was, and goes on from there or takes it back.
"""

from __future__ import annotations

from contextlib import suppress
from shlex import quote

from vaultpy import errors
from vaultpy.access_key_probe import is_known_in_time
from vaultpy.credentials import AccessKey
from vaultpy.iam_records import UNCLEAR
from vaultpy.records import Rotation
from vaultpy.user_access_keys import refusal_of
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy import access_key_probe
    from vaultpy.credentials import LongTerm
    from vaultpy.iam_records import AccessKeyState
    from vaultpy.records import Enrolment
    from vaultpy.rotation_store import RotationStore
    from vaultpy.user_access_keys import UserKeys

    class Person(access_key_probe.Person, Protocol):
        """Who is told what goes on."""

        def note(self, text: str) -> None: ...  # noqa: D102
        def warn(self, text: str) -> None: ...  # noqa: D102


# So far from the time that was written down may AWS have made the key whose answer was lost.
_MADE_WITHIN_SECONDS = 120
_RECENT_SECONDS = 24 * 3600


class Rotated(Value):
    """What came of it; `left` says in which state the old key is in AWS, empty if it is gone."""

    __slots__ = ("left", "new_id", "old_id")
    old_id: str
    new_id: str
    left: str

    def __init__(self, old_id: str, new_id: str, left: str = "") -> None:
        self._set(old_id=old_id, new_id=new_id, left=left)


class Rotator:
    """Rotates enrolled access keys; `probe` is as in `access_key_probe`, `clock` gives AWS's epoch."""

    def __init__(
        self,
        store: RotationStore,
        probe: Callable[[LongTerm], object],
        person: Person,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._probe = probe
        self._person = person
        self._clock = clock
        self._monotonic = monotonic

    def rotate(
        self, name: str, keys_of: Callable[[AccessKey | None], UserKeys], *, keep_old: bool
    ) -> Rotated:
        """Put a new key in the place of the one enrolled as `name`, or finish what was interrupted.

        `keys_of` gives the user's keys, signed for by what the key in use leads to; that may cost a touch.
        So YubiKeys for a new key are seen to before, unless there may be one already. With
        `keep_old` the old key stays as it is in AWS. Raises NotEnrolled, KeyLost, KeysForbidden,
        AccessKeyRefused, TwoKeys, NewKeyUnknown, OldKeyStays, and what AWS, keystores and the index raise;
        where something was begun by then, a warning says how far it came, after Ctrl-C too.
        """
        enrolment, mine = self._store.enrolled(name)
        my_id = enrolment.access_key_id
        if not (self._store.rotation_from(my_id) or self._store.rotation_to(my_id)):
            self._store.prepare()
        keys = keys_of(mine)
        try:
            return self._rotate(enrolment, mine, keys, keep_old=keep_old)
        except (errors.TwoKeys, errors.NewKeyUnknown, errors.OldKeyStays):
            raise  # these say it themselves
        except (errors.VaultpyError, KeyboardInterrupt):
            with suppress(errors.VaultpyError):
                if left := self._store.what_is_left(my_id, name):
                    self._person.warn(f"{left}; to go on from there: vaultpy rotate {quote(name)}")
            raise

    def _rotate(
        self, enrolment: Enrolment, mine: AccessKey | None, keys: UserKeys, *, keep_old: bool
    ) -> Rotated:
        others, my_id = self._others(enrolment, keys), enrolment.access_key_id
        before = self._store.rotation_to(my_id)
        if before is not None:
            self._person.note(f"finishing the rotation that put {my_id} in the place of {before.old_id}")
            finished = self._retire(before, mine, keys, keep=keep_old)
            is_recent = before.began > self._clock() - _RECENT_SECONDS
            if finished.left or (is_recent and not self._store.moves(enrolment)):
                return finished
            self._person.note(f"{before.old_id} is deleted; now {my_id} is rotated in its turn")
            others = [key for key in others if key.id != before.old_id]
        rotation = self._store.rotation_from(my_id)
        new = self._left_by(rotation, others, enrolment, keys)
        if rotation is None or new is None:
            rotation = Rotation(my_id, "", int(self._clock()), keeps=keep_old)
            new = self._create(rotation, enrolment, keys)
        rotation = rotation.to(new.id)
        if not is_known_in_time(new, self._probe, self._person, self._monotonic):
            raise errors.NewKeyUnknown(new_id=new.id, old_id=my_id, profile=enrolment.name)
        self._store.switch(rotation)
        # The last look before the old one goes; YubiKeys have proven theirs.
        if self._store.enrolled(enrolment.name)[1] not in {None, new}:
            raise errors.KeyLost(profile=enrolment.name, key_id=new.id)
        self._person.note(f"{enrolment.name} has {new.id} from now on")
        return self._retire(rotation, new, keys, keep=keep_old)

    # ---- what there is -------------------------------------------------------------------------------

    def _others(self, enrolment: Enrolment, keys: UserKeys) -> list[AccessKeyState]:
        """Return the user's other keys; raises AccessKeyRefused where ours is none of the active ones."""
        listed, mine = keys.listed(), enrolment.access_key_id
        if not any(key.id == mine and key.active for key in listed):
            raise errors.AccessKeyRefused(key_id=mine, profile=enrolment.name)
        return [key for key in listed if key.id != mine]

    def _left_by(
        self, rotation: Rotation | None, others: list[AccessKeyState], enrolment: Enrolment, keys: UserKeys
    ) -> LongTerm | None:
        """Return the new key of an interrupted rotation; one that is of no use is deleted."""
        if not others:
            return self._not_listed(rotation, enrolment)
        other = others[0]
        if rotation is None or len(others) > 1 or rotation.new_id not in {"", other.id}:
            raise keys.two_keys(enrolment, others)
        stored = self._store.load(enrolment, other.id)
        if stored is not None and other.active:
            self._person.note(f"going on with {other.id}, which an interrupted rotation made")
            if isinstance(stored, AccessKey):  # YubiKeys have it already, all or none
                self._store.keep(stored, rotation, enrolment.name)
            return stored
        if stored is None and not rotation.new_id and not _was_made_by(rotation, other, keys):
            raise keys.two_keys(enrolment, others)
        keys.delete(other.id)
        self._person.note(f"deleted {other.id}, which an interrupted rotation made and nobody uses")
        self._forget(other.id, rotation)
        return None

    def _not_listed(self, rotation: Rotation | None, enrolment: Enrolment) -> LongTerm | None:
        """Return the new key of a rotation that AWS does not list; after a while it counts as deleted."""
        if rotation is None:
            return None
        just_now = self._clock() - rotation.began <= _MADE_WITHIN_SECONDS  # lists of AWS's may lag behind
        if rotation.new_id and just_now:
            self._person.note(f"going on with {rotation.new_id}, which an interrupted rotation made")
            return self._store.load(enrolment, rotation.new_id)
        self._forget(rotation.new_id, rotation)
        return None

    # ---- the new key ---------------------------------------------------------------------------------

    def _create(self, rotation: Rotation, enrolment: Enrolment, keys: UserKeys) -> AccessKey:
        """Make the new key and store it; what fails is taken back."""
        self._store.prepare()
        self._store.begin(rotation)
        try:
            new = keys.create()
        except UNCLEAR:
            others = self._others(enrolment, keys)
            if others:  # else AWS may be about to list it: the next run looks again
                self._left_by(rotation, others, enrolment, keys)
            raise
        except errors.VaultpyError:
            self._store.end(rotation)
            raise
        try:
            self._store.keep(new, rotation, enrolment.name)
        except (errors.VaultpyError, KeyboardInterrupt):
            self._store.list_new(new, rotation)
            keys.delete(new.id)
            self._forget(new.id, rotation)
            raise
        self._person.note(f"created access key {new.id} and stored it")
        return new

    # ---- the old key ---------------------------------------------------------------------------------

    def _retire(self, rotation: Rotation, new: LongTerm | None, keys: UserKeys, *, keep: bool) -> Rotated:
        """Take the old key out of use, unless it is to be kept.

        The session that signs may die with it, and then the new key signs, if the user may do this without
        MFA; else the key stays, inactive, and the rotation unfinished.
        """
        old_id, new_id = rotation.old_id, rotation.new_id
        if keep or rotation.keeps:
            self._forget(old_id, rotation, is_valid=True)
            return Rotated(old_id, new_id, "active")
        if new is not None:
            keys.let_sign(new)
        still_active = refusal_of(lambda: keys.deactivate(old_id))
        if still_active is None:
            self._person.note(f"{old_id} is inactive")
        undeleted = refusal_of(lambda: keys.delete(old_id))
        if undeleted is None:
            self._forget(old_id, rotation)
            return Rotated(old_id, new_id)
        if still_active is not None:
            refused = {"old_id": old_id, "new_id": new_id, "user": keys.user_name}
            raise errors.OldKeyStays(reason=still_active.message, **refused)
        self._forget_secret(old_id, rotation)
        return Rotated(old_id, new_id, "inactive")

    def _forget(self, key_id: str, rotation: Rotation, **valid: bool) -> None:
        """Forget a key that AWS has no more, or that is no longer ours; with it the rotation ends."""
        if key_id:
            self._forget_secret(key_id, rotation, **valid)
        self._store.end(rotation)

    def _forget_secret(self, key_id: str, rotation: Rotation, **valid: bool) -> None:
        try:
            self._store.forget(key_id, rotation, **valid)
        except errors.SessionsLeft as failure:  # they ended with the key, or do so by themselves
            self._person.warn(failure.message)


def _was_made_by(rotation: Rotation, key: AccessKeyState, keys: UserKeys) -> bool:
    """Tell whether AWS made it for us, but the answer was lost: then nobody ever had its secret."""
    at_that_time = abs(key.created - rotation.began) <= _MADE_WITHIN_SECONDS
    return at_that_time and not keys.was_used(key.id)
