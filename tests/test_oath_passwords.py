"""The OATH password: remembered by ykman, by us, or typed once."""

from __future__ import annotations

import pytest
from yubikit.oath import OathSession

from support.keys import ScriptedPerson
from vaultpy import errors
from vaultpy.oath_passwords import OathPasswords
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret
from vaultpy.yubikey import YubiKey

WHERE = "YubiKey 12345678"
PASSWORD = "open sesame"


class Scene:
    """A key with a password, and all who may know it."""

    def __init__(self) -> None:
        self.card = SimulatedYubiKey()
        session = OathSession(SimulatedConnection(self.card))
        self.derived = session.derive_key(PASSWORD)
        session.set_key(self.derived)
        self.key = YubiKey(SimulatedConnection(self.card))
        self.ykman: dict[str, bytes] = {}
        self.keystore = MemoryKeystore[Secret]()
        self.person = ScriptedPerson()

    def unlock(self) -> None:
        """Unlock the key."""
        OathPasswords(self.ykman.get, lambda: self.keystore, self.person).unlock(self.key, WHERE)

    @property
    def item(self) -> str:
        """The keystore's item for the key."""
        return f"oath-password/{self.key.device_id}"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_ykman_remembers_opens_it_without_keystore_or_question(scene: Scene) -> None:
    scene.ykman[scene.key.device_id] = scene.derived
    scene.unlock()
    assert not scene.key.locked
    assert scene.keystore.asked == 0
    assert scene.person.asked == []


def test_what_the_keystore_has_opens_it_without_a_question(scene: Scene) -> None:
    scene.keystore.set(scene.item, Secret(scene.derived.hex()))
    scene.unlock()
    assert not scene.key.locked
    assert scene.person.asked == []


def test_what_ykman_remembers_from_before_a_change_does_not_stand_in_the_way(scene: Scene) -> None:
    scene.ykman[scene.key.device_id] = bytes(16)
    scene.keystore.set(scene.item, Secret(scene.derived.hex()))
    scene.unlock()
    assert not scene.key.locked


def test_a_person_is_asked_once_and_it_is_remembered_when_they_agree(scene: Scene) -> None:
    scene.person.password, scene.person.agrees = PASSWORD, True
    scene.unlock()
    assert scene.person.asked == [f"OATH password of {WHERE}", "remember it in the keystore?"]
    assert scene.keystore.get(scene.item) == Secret(scene.derived.hex())
    scene.key = YubiKey(SimulatedConnection(scene.card))
    scene.person.asked.clear()
    scene.unlock()
    assert scene.person.asked == []


def test_it_is_not_remembered_when_they_do_not_agree(scene: Scene) -> None:
    scene.person.password = PASSWORD
    scene.unlock()
    assert not scene.key.locked
    assert scene.keystore.get(scene.item) is None


def test_a_wrong_password_is_said_so_and_not_remembered(scene: Scene) -> None:
    scene.person.password, scene.person.agrees = "open barley", True
    with pytest.raises(errors.OathPasswordWrong, match=WHERE):
        scene.unlock()
    assert scene.keystore.get(scene.item) is None


def test_without_a_terminal_it_is_said_what_to_do(scene: Scene) -> None:
    with pytest.raises(errors.OathPasswordNeeded, match=WHERE):
        scene.unlock()


@pytest.mark.parametrize("text", ["not hexadecimal", "abc"])
def test_an_item_that_is_no_derived_password_is_passed_over(scene: Scene, text: str) -> None:
    scene.keystore.set(scene.item, Secret(text))
    scene.person.password = PASSWORD
    scene.unlock()
    assert not scene.key.locked


def test_a_keystore_that_cannot_be_used_does_not_keep_a_person_from_typing(scene: Scene) -> None:
    scene.keystore.failure = errors.KeystoreFailed(keystore="system", reason="locked")
    scene.person.password = PASSWORD
    scene.unlock()
    assert not scene.key.locked


def test_a_right_password_that_cannot_be_remembered_opens_it_all_the_same_and_that_is_said(
    scene: Scene,
) -> None:
    scene.keystore.failure = errors.KeystoreLocked()
    scene.person.password, scene.person.agrees = PASSWORD, True
    scene.unlock()
    assert not scene.key.locked
    assert scene.person.told == ["the password is not remembered: the system keystore is locked"]
