"""What index, keystores and session cache hold of a rotation: the index names every secret that is stored."""

from __future__ import annotations

from contextlib import suppress

from vaultpy import access_keys, errors, rotation_records
from vaultpy.records import ON_YUBIKEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import AccessKey, DayKey, LongTerm
    from vaultpy.index import Index
    from vaultpy.records import Enrolment, Rotation
    from vaultpy.sessions import SessionStore

    class YubiKeys(Keystore, Protocol):
        """YubiKeys that new keys go onto."""

        def choose(self) -> None:
            """Choose the first of them, and see that it can be written to."""


class RotationStore:
    """The keys of this computer, in the middle of being exchanged; raises what keystores and index raise."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        index: Index,
        sessions: SessionStore,
        open_keystore: Callable[[str, str], Keystore],
        clock: Callable[[], float],
        *,
        day_key: Callable[[Enrolment], DayKey],
        into: YubiKeys | None = None,
    ) -> None:
        """`open_keystore(name, file)` opens a keystore by what the index calls it; `clock` gives an epoch.

        `day_key` asks for a touch. New keys go `into` YubiKeys, else into the keystores of the old ones.
        """
        self._index = index
        self._sessions = sessions
        self._open_keystore = open_keystore
        self._clock = clock
        self._day_key = day_key
        self._into = into

    def enrolled(self, name: str) -> tuple[Enrolment, AccessKey | None]:
        """Return what is enrolled as `name`, and its key, but None for one that is on YubiKeys.

        Raises NotEnrolled and KeyLost.
        """
        enrolment = self._index.enrolment(name)
        if enrolment is None or not rotation_records.is_in_use(enrolment):
            raise errors.NotEnrolled(profile=name)
        if enrolment.on_yubikey:
            return enrolment, None
        key = access_keys.load(self._open_keystore(*enrolment.place), enrolment.access_key_id)
        if key is None:
            raise errors.KeyLost(profile=name, key_id=enrolment.access_key_id)
        return enrolment, key

    def load(self, enrolment: Enrolment, key_id: str) -> LongTerm | None:
        """Return a new key that is whole and where it should be: beside that of `enrolment`, or on YubiKeys.

        One on a YubiKey signs after a touch. None for one in a keystore if new ones go onto YubiKeys.
        """
        for each in self._index.enrolments():
            if each.access_key_id == key_id and each.on_yubikey:
                return self._day_key(each) if each.keystore_file else None
        if self._into is not None:
            return None
        return access_keys.load(self._open_keystore(*enrolment.place), key_id)

    def moves(self, enrolment: Enrolment) -> bool:
        """Tell whether its next key goes from a keystore to YubiKeys."""
        return self._into is not None and not enrolment.on_yubikey

    def prepare(self) -> None:
        """See that a new key can be stored, as far as that can be known; raises what stands in the way."""
        if self._into is not None:
            self._into.choose()

    def rotation_from(self, key_id: str) -> Rotation | None:
        """Return the unfinished rotation that replaces the key `key_id`."""
        return next((it for it in self._index.rotations() if it.old_id == key_id), None)

    def rotation_to(self, key_id: str) -> Rotation | None:
        """Return the unfinished rotation that made the key `key_id`."""
        return next((it for it in self._index.rotations() if it.new_id == key_id), None)

    def begin(self, rotation: Rotation) -> None:
        """Write down that AWS is about to make a key."""
        self._index.change(rotation_records.begin(rotation))

    def keep(self, new: AccessKey, rotation: Rotation, name: str) -> None:
        """Store the new key, and list it: AWS shows its secret once.

        In keystores it is where the old one is, and listed after that. On YubiKeys it is listed before too,
        because half of them may have it when that fails. Raises NotEnrolled, of `name`, where no name has the
        old one any more.
        """
        places = self._places(rotation.old_id)
        if not places:
            raise errors.NotEnrolled(profile=name)
        if self._into is None:
            for place in places:
                access_keys.store(self._open_keystore(*place), new)
            self._list(new, rotation, None)
            return
        self._list(new, rotation, (ON_YUBIKEY, ""))
        access_keys.store(self._into, new)
        self._list(new, rotation, (ON_YUBIKEY, self._into.file))

    def list_new(self, new: AccessKey, rotation: Rotation) -> None:
        """List the new key as far as that works: it may be stored, and has to be found then."""
        with suppress(errors.VaultpyError):
            self._list(new, rotation, None if self._into is None else (ON_YUBIKEY, ""))

    def _list(self, new: AccessKey, rotation: Rotation, place: tuple[str, str] | None) -> None:
        self._index.change(rotation_records.stored(rotation.to(new.id), int(self._clock()), place))

    def switch(self, rotation: Rotation) -> None:
        """Let every name that has the old key have the new one."""
        self._index.change(rotation_records.switch(rotation, int(self._clock())))

    def end(self, rotation: Rotation) -> None:
        """Say no more of a rotation."""
        self._index.change(rotation_records.end(rotation))

    def forget(self, key_id: str, rotation: Rotation, *, is_valid: bool = False) -> None:
        """Delete a key's secret and sessions, and list it no more.

        YubiKeys keep the secret of one that `is_valid` on: it may be the last. Raises SessionsLeft, after all
        that, for sessions that cannot be removed and do not end by themselves.
        """
        for place in self._places(key_id, rotation.old_id):
            if place[0] != ON_YUBIKEY or (place in self._places(key_id) and not is_valid):
                access_keys.delete(self._open_keystore(*place), key_id)
        left: errors.SessionsLeft | None = None
        try:
            self._sessions.forget(access_key_id=key_id)
        except errors.SessionsLeft as failure:
            left = failure
        self._index.change(rotation_records.forget(key_id))
        if left is not None:
            raise left

    def what_is_left(self, key_id: str, name: str) -> str:
        """Say where the rotation from or to a key stands that `name` has, or had; empty if there is none."""
        rotation = self.rotation_from(key_id) or self.rotation_to(key_id)
        if rotation is None:
            return ""
        enrolment, old_id, new_id = self._index.enrolment(name), rotation.old_id, rotation.new_id
        if enrolment is not None and enrolment.access_key_id == new_id:
            return f"{new_id} is in use and {old_id} is not gone yet"
        if new_id:
            return f"{old_id} is still in use and {new_id} is stored beside it"
        return f"{old_id} is still in use; whether AWS has made a new key is unknown"

    def _places(self, *key_ids: str) -> list[tuple[str, str]]:
        """Return the keystores that hold any of these keys, as the index has it."""
        return list({it.place: None for it in self._index.enrolments() if it.access_key_id in key_ids})
