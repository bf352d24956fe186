"""What the index says while an access key is rotated: each change is one write, so none is ever half made.

A secret that no profile uses yet, or any more, is listed under a name of its own, which no profile can have:
so `list` shows it and `remove` reaches it, whatever comes between.
"""

from __future__ import annotations

from vaultpy.records import ON_YUBIKEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.records import Enrolment, Records, Rotation

    Change = Callable[[Records], None]

_WAITING = " (new {})"
_REPLACED = " (replaced {})"  # as `Enroller` has it


def is_in_use(enrolment: Enrolment) -> bool:
    """Tell whether a profile uses it: not while its key waits to be used, nor when it was replaced."""
    key_id = enrolment.access_key_id
    return not enrolment.name.endswith((_WAITING.format(key_id), _REPLACED.format(key_id)))


def begin(rotation: Rotation) -> Change:
    """Write down that AWS is about to make a key; what is left of rotations of keys long gone goes."""

    def change(records: Records) -> None:
        known = {enrolment.access_key_id for enrolment in records.enrolments.values()}
        for old_id, other in list(records.rotations.items()):
            if known.isdisjoint({old_id, other.new_id}):
                del records.rotations[old_id]
        records.rotations[rotation.old_id] = rotation

    return change


def stored(rotation: Rotation, now: int, place: tuple[str, str] | None = None) -> Change:
    """List the new key, which `place` holds; without one, the keystores of the old key hold it too."""

    def change(records: Records) -> None:
        records.rotations[rotation.old_id] = rotation
        users = _one_a_place(_users(records, rotation.old_id))
        for user in users if place is None else users[:1]:
            name = _waiting(user, rotation.new_id)
            records.enrolments[name] = user.holding(rotation.new_id, name, now, place)

    return change


def switch(rotation: Rotation, now: int) -> Change:
    """Let every name that has the old key have the new one."""

    def change(records: Records) -> None:
        users = _users(records, rotation.old_id)
        place = _elsewhere(records, rotation.new_id)
        for user in users:
            records.enrolments[user.name] = user.holding(rotation.new_id, user.name, now, place)
            records.enrolments.pop(_waiting(user, rotation.new_id), None)
        for user in _one_a_place(users):
            records.enrolments[_replaced(user)] = user.holding(
                user.access_key_id, _replaced(user), user.added
            )

    return change


def forget(key_id: str) -> Change:
    """List a key no more that no profile uses."""

    def change(records: Records) -> None:
        for enrolment in list(records.enrolments.values()):
            if enrolment.access_key_id == key_id and not is_in_use(enrolment):
                del records.enrolments[enrolment.name]

    return change


def end(rotation: Rotation) -> Change:
    """Say no more of a rotation that is finished or rolled back."""

    def change(records: Records) -> None:
        records.rotations.pop(rotation.old_id, None)

    return change


def _users(records: Records, key_id: str) -> list[Enrolment]:
    found = records.enrolments.values()
    return [each for each in found if each.access_key_id == key_id and is_in_use(each)]


def _elsewhere(records: Records, new_id: str) -> tuple[str, str] | None:
    """Return where a new key is that is on YubiKeys; one in keystores is where the old one is."""
    places = [each.place for each in records.enrolments.values() if each.access_key_id == new_id]
    return next((place for place in places if place[0] == ON_YUBIKEY), None)


def _one_a_place(enrolments: list[Enrolment]) -> list[Enrolment]:
    return list({each.place: each for each in reversed(enrolments)}.values())


def _waiting(enrolment: Enrolment, key_id: str) -> str:
    return enrolment.name + _WAITING.format(key_id)


def _replaced(enrolment: Enrolment) -> str:
    return enrolment.name + _REPLACED.format(enrolment.access_key_id)
