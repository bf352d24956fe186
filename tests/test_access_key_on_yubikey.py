"""Access keys on YubiKeys: how a secret gets there and off again, and every call that can fail."""

from __future__ import annotations

import hmac
import itertools
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData

from support.keys import READER, Desk, SimulatedCards
from support.on_yubikey import PASSWORD
from support.rotating import Calls, Killed, Network, Trouble
from support.rotating_on_yubikey import SPARE_READER, OnKeysDesk, YubiKeys, day_key_of, key_ids_on, unlocked
from vaultpy import access_keys, errors
from vaultpy.access_key_on_yubikey import SigningSecret, YubiKeyStore, day_key, yubikey_ids
from vaultpy.access_key_owner import Checked
from vaultpy.config import Config
from vaultpy.credentials import AccessKey
from vaultpy.enrolment import Enroller, new_profiles
from vaultpy.index import Index
from vaultpy.records import ON_YUBIKEY
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import SessionStore
from vaultpy.signing_account import account_name
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.finger import PressedFinger
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vaultpy.simulated.aws import SimulatedAws

pytest_plugins = ["support.lasting_aws"]
KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
NAME = "vaultpy:AKIAIOSFODNN7EXAMPLE"
NOW = 1_795_000_000
DATE = "20261118"
ALICE = "arn:aws:iam::123456789012:user/alice"
ITEM = f"access-key/{KEY.id}"


class Person:
    """Who is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        """Hear it."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """Hear it."""
        self.warnings.append(text)


class Shop:
    """YubiKeys, and a person."""

    def __init__(self, *yubikeys: SimulatedYubiKey) -> None:
        self.keys = YubiKeys(*(yubikeys or (SimulatedYubiKey(1),)))
        self.first, self.last = self.keys.yubikeys[0], self.keys.yubikeys[-1]
        self.calls = Calls()
        self.person = Person()

    def store(self, **more: Any) -> YubiKeyStore:  # noqa: ANN401  # what it takes
        """Return the YubiKeys as a keystore."""
        return self.keys.store(self.person, lambda: NOW, self.calls, **more)

    def into(self) -> YubiKeyStore:
        """Return all of them, to be written to."""
        return self.store(count=len(self.keys.yubikeys))

    @property
    def asked(self) -> list[str]:
        """What the keys were waited for with."""
        return self.keys.desk.person.told


@pytest.fixture
def shop() -> Shop:
    """Provide one key."""
    return Shop()


@pytest.fixture
def two() -> Shop:
    """Provide two keys."""
    return Shop(SimulatedYubiKey(1), SimulatedYubiKey(2))


def put_elsewhere(yubikey: SimulatedYubiKey, secret: str) -> None:
    data = CredentialData(NAME, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA256, f"AWS4{secret}".encode())
    unlocked(yubikey).put_credential(data, touch_required=True)


# ---- putting it there ------------------------------------------------------------------------------------


def test_a_secret_goes_onto_the_key_with_touch_and_is_proven_by_one(shop: Shop) -> None:
    store = shop.into()
    access_keys.store(store, KEY)
    assert shop.first.accounts == {NAME: True}
    assert shop.first.calculations == 1
    assert (store.name, store.file, store.where) == (ON_YUBIKEY, "1", ("YubiKey 1",))
    assert shop.person.notes == [f"account {NAME} is on YubiKey 1, and its day key is right"]


def test_what_the_key_answers_is_the_day_key_of_sigv4(shop: Shop) -> None:
    access_keys.store(shop.into(), KEY)
    found = day_key_of(shop.first, KEY.id, DATE)
    mine = hmac.digest(b"AWS4" + KEY.secret.reveal().encode(), DATE.encode(), "sha256").hex()
    assert found
    assert found.key == day_key(KEY.secret, DATE) == Secret(mine)


def test_the_secret_crosses_the_wire_once_a_key(two: Shop) -> None:
    access_keys.store(two.into(), KEY)
    secret = SigningSecret(KEY.secret).reveal()
    assert [apdu[1] for apdu in two.keys.cards.apdus if secret in apdu] == [0x01, 0x01]  # PUT
    assert not any(KEY.secret.reveal().encode() in apdu.replace(secret, b"") for apdu in two.keys.cards.apdus)


def test_a_spare_gets_the_same_secret(two: Shop) -> None:
    store = two.into()
    access_keys.store(store, KEY)
    assert yubikey_ids(store.file) == ["1", "2"]
    assert day_key_of(two.first, KEY.id, DATE) == day_key_of(two.last, KEY.id, DATE)


def test_a_spare_that_had_the_old_secret_is_asked_for_by_its_number(two: Shop) -> None:
    two.keys.cards.keys[SPARE_READER] = None
    person = two.keys.desk.person
    person.deeds = [lambda: two.keys.cards.keys.update({SPARE_READER: two.last})]
    access_keys.store(two.store(count=2, before=("1", "2")), KEY)
    assert person.told[-1] == "plug in the next YubiKey: 2, or one that takes its place"
    assert key_ids_on(two.last) == {KEY.id}


def test_a_key_that_has_the_secret_already_only_proves_it(shop: Shop) -> None:
    put_elsewhere(shop.first, KEY.secret.reveal())
    store = shop.into()
    access_keys.store(store, KEY)
    assert [call.name for call in shop.first.calls].count("PUT") == 1
    assert store.file == "1"
    assert shop.person.notes == [f"account {NAME} was on YubiKey 1 before, and its day key is right"]


def test_an_account_with_another_secret_is_not_touched(shop: Shop) -> None:
    put_elsewhere(shop.first, "another")
    before = day_key_of(shop.first, KEY.id, DATE)
    with pytest.raises(errors.AccountExists):
        access_keys.store(shop.into(), KEY)
    assert day_key_of(shop.first, KEY.id, DATE) == before


@pytest.mark.parametrize(
    ("yubikey", "problem"),
    [
        (lambda: SimulatedYubiKey(1, (4, 2, 5)), errors.TouchUnknown),
        (lambda: SimulatedYubiKey(1, oath_enabled=False), errors.OathOff),
    ],
)
def test_a_key_that_cannot_do_it_is_refused_before_anything(
    yubikey: Callable[[], SimulatedYubiKey], problem: type[errors.VaultpyError]
) -> None:
    key = SimulatedYubiKey(1)
    shop = Shop(key)
    shop.keys.cards.keys[READER] = yubikey()
    with pytest.raises(problem):
        shop.into().choose()


def test_a_key_without_an_oath_password_is_refused_before_anything() -> None:
    desk = Desk(SimulatedCards.with_key(SimulatedYubiKey(1)))
    with pytest.raises(errors.OathUnprotected):
        YubiKeyStore(desk.choice, Person(), lambda: NOW, count=1).choose()


def test_a_full_key_is_refused_before_anything(shop: Shop) -> None:
    for number in range(32):
        shop.first.add_account(f"GitHub:{number}", b"secret")
    with pytest.raises(errors.YubiKeyFull):
        shop.into().choose()


def test_a_key_that_answers_otherwise_loses_the_account_again(shop: Shop) -> None:
    class Liar(SimulatedYubiKey):
        def transmit(self, apdu: bytes) -> tuple[bytes, int]:
            data, status = super().transmit(apdu)
            is_calculate = apdu[1] == 0xA2  # INS
            return (data[:-1] + bytes((data[-1] ^ 1,)) if is_calculate else data), status

    shop = Shop(Liar(1))
    with pytest.raises(errors.YubiKeyFailed):
        access_keys.store(shop.into(), KEY)
    assert shop.first.accounts == {}
    assert shop.person.warnings == []


def test_a_spare_that_does_not_come_takes_the_first_one_back(two: Shop) -> None:
    two.keys.cards.keys[SPARE_READER] = None
    with pytest.raises(errors.NothingToWriteTo):
        access_keys.store(two.into(), KEY)
    assert two.first.accounts == {}


def test_what_cannot_be_taken_back_is_named_with_the_command_for_it(two: Shop) -> None:
    del two.keys.cards.keys[SPARE_READER]

    def pull() -> None:
        two.keys.cards.keys[READER] = None

    two.keys.desk.person.deeds = [pull]
    with pytest.raises(errors.NothingToWriteTo):
        access_keys.store(two.into(), KEY)
    (warning,) = two.person.warnings
    assert warning.startswith(f"account {NAME} on YubiKey 1 stays")
    assert warning.endswith(f"to remove it: ykman --device 1 oath accounts delete {NAME}")


def test_no_secret_comes_out_of_it(shop: Shop) -> None:
    store = shop.into()
    access_keys.store(store, KEY)
    assert access_keys.load(store, KEY.id) is None


# ---- taking it off ---------------------------------------------------------------------------------------


def test_an_account_is_deleted_from_all_keys_that_are_here(two: Shop) -> None:
    store = two.into()
    access_keys.store(store, KEY)
    access_keys.delete(two.store(file=store.file), KEY.id)
    assert two.first.accounts == two.last.accounts == {}
    assert two.person.warnings == []


def test_a_key_that_is_not_here_is_named(two: Shop) -> None:
    access_keys.store(two.into(), KEY)
    two.keys.cards.keys[SPARE_READER] = None
    access_keys.delete(two.store(file="1 2"), KEY.id)
    assert two.first.accounts == {}
    remedy = f"ykman --device 2 oath accounts delete {NAME}"
    assert two.person.warnings == [
        f"account {NAME} stays on YubiKey 2, which is not here; to remove it: {remedy}"
    ]


def test_with_no_key_here_and_none_known_it_is_said_that_one_may_have_it(shop: Shop) -> None:
    shop.keys.cards.keys[READER] = None
    access_keys.delete(shop.store(), KEY.id)
    remedy = f"ykman oath accounts delete {NAME}"
    assert shop.person.warnings == [f"account {NAME} may be on a YubiKey; to remove it: {remedy}"]


def test_readers_that_cannot_be_asked_are_no_error(shop: Shop) -> None:
    def broken() -> YubiKeys:
        raise errors.PcscMissing(reason="none", remedy="none")

    access_keys.delete(YubiKeyStore(broken, shop.person, lambda: NOW, file="1"), KEY.id)  # type: ignore[arg-type]  # never comes to that
    assert [text.partition(":")[0] for text in shop.person.warnings] == [
        "no YubiKey was looked at",
        f"account {NAME.partition(':')[0]}",
    ]


def test_a_locked_key_without_its_password_is_named(shop: Shop) -> None:
    access_keys.store(shop.into(), KEY)
    shop.keys.desk.ykman.clear()
    access_keys.delete(shop.store(file="1"), KEY.id)
    assert shop.person.warnings[0].startswith("YubiKey 1 was not looked at: ")
    assert f"ykman --device 1 oath accounts delete {NAME}" in shop.person.warnings[1]
    assert key_ids_on(shop.first) == {KEY.id}


def test_what_was_just_put_there_is_taken_off_there_alone(two: Shop) -> None:
    put_elsewhere(two.last, KEY.secret.reveal())
    store = two.into()
    access_keys.store(store, KEY)
    access_keys.delete(store, KEY.id)
    assert two.first.accounts == {}
    assert two.last.accounts == {NAME: True}


# ---- enrolling -------------------------------------------------------------------------------------------


class TroubledIndex(Index):
    """An index whose writes may go wrong."""

    def __init__(self, path: str, calls: Calls) -> None:
        super().__init__(path)
        self._calls = calls

    def change(self, change: Callable[[Any], object]) -> None:
        """Write it."""
        full = errors.StateUnusable(path="index", reason="full", remedy="make room")
        self._calls.make("index", lambda: Index.change(self, change), full)


class Enrolling(Shop):
    """A computer on which a key is enrolled."""

    def __init__(self, directory: Path, *yubikeys: SimulatedYubiKey) -> None:
        super().__init__(*yubikeys)
        self.count = len(self.keys.yubikeys)
        self.index = TroubledIndex(str(directory / "state" / "index"), self.calls)
        self.config = directory / "config"
        self.old = MemoryKeystore[Secret]("system")
        cache: MemoryKeystore[Secret] = MemoryKeystore()
        self.sessions = SessionStore(self.index, [KeystorePlace(lambda: cache)], lambda: NOW)

    def add(self, key: AccessKey = KEY, *, onto_keys: bool = True, replaces: str = "") -> None:
        """Enrol it as `dev`, in a new run."""
        self.calls.dead = False
        into = self.store(count=self.count)

        def opened(name: str, file: str) -> Any:  # noqa: ANN401  # a keystore
            if name != ON_YUBIKEY:
                return self.old
            return self.store(file=file) if file else into

        enroller = Enroller(self.index, self.sessions, opened, str(self.config), lambda: NOW, _alone)
        checked = Checked(ALICE, (), told=True)
        keystore = ON_YUBIKEY if onto_keys else "system"
        enroller.enrol("dev", key, checked, keystore, new_profiles("dev", checked, []), replaces=replaces)

    def remove(self, key_id: str = KEY.id) -> None:
        """Remove it."""
        enroller = Enroller(
            self.index,
            self.sessions,
            lambda _, file: self.store(file=file),
            str(self.config),
            lambda: NOW,
            _alone,
        )
        enroller.remove("dev", key_id)

    @property
    def listed(self) -> list[tuple[str, str, str]]:
        """What the index says."""
        return [(it.name, it.access_key_id, it.keystore_file) for it in self.index.enrolments()]

    @property
    def unnamed(self) -> set[str]:
        """The accounts on keys that no warning names."""
        on_keys = {name for it in self.keys.yubikeys for name in it.accounts}
        return {it for it in on_keys if not any(f"delete {it}" in text for text in self.person.warnings)}


def _alone() -> AbstractContextManager[None]:
    return nullcontext()


def test_the_index_names_the_keys_that_have_it(tmp_path: Path) -> None:
    enrolling = Enrolling(tmp_path, SimulatedYubiKey(1), SimulatedYubiKey(2))
    enrolling.add()
    assert enrolling.listed == [("dev", KEY.id, "1 2")]
    enrolment = enrolling.index.enrolment("dev")
    assert enrolment
    assert enrolment.on_yubikey
    enrolling.remove()
    assert enrolling.listed == []
    assert enrolling.unnamed == set()


def test_a_key_that_it_replaces_goes_out_of_its_keystore(tmp_path: Path) -> None:
    enrolling = Enrolling(tmp_path)
    old = AccessKey("AKIAI44QH8DHBEXAMPLE", Secret("old"))
    enrolling.add(old, onto_keys=False)
    enrolling.add(replaces=old.id)
    assert access_keys.load(enrolling.old, old.id) is None
    assert enrolling.listed == [("dev", KEY.id, "1")]


def test_a_key_that_replaces_it_in_a_keystore_takes_its_account_off(tmp_path: Path) -> None:
    enrolling = Enrolling(tmp_path)
    enrolling.add()
    other = AccessKey("AKIAI44QH8DHBEXAMPLE", Secret("other"))
    enrolling.add(other, onto_keys=False, replaces=KEY.id)
    assert enrolling.listed == [("dev", other.id, "")]
    assert enrolling.first.accounts == {}


def test_the_same_key_enrolled_again_with_a_spare_stays_on_both(tmp_path: Path) -> None:
    enrolling = Enrolling(tmp_path, SimulatedYubiKey(1), SimulatedYubiKey(2))
    enrolling.count = 1
    enrolling.add()
    enrolling.count = 2
    enrolling.add(replaces=KEY.id)
    assert enrolling.listed == [("dev", KEY.id, "1 2")]
    assert [it.accounts for it in enrolling.keys.yubikeys] == [{NAME: True}, {NAME: True}]


@pytest.mark.parametrize("trouble", Trouble)
def test_whatever_goes_wrong_in_enrolling_nothing_is_left_that_is_not_named(
    tmp_path: Path, trouble: Trouble, tell: Callable[[str], None]
) -> None:
    def new(number: int) -> Enrolling:
        directory = tmp_path / str(number)
        directory.mkdir()
        return Enrolling(directory, SimulatedYubiKey(1), SimulatedYubiKey(2))

    rehearsal = new(0)
    rehearsal.add()
    for number in range(1, len(rehearsal.calls.made) + 1):
        enrolling = new(number)
        enrolling.calls.wrong, enrolling.calls.trouble = number, trouble
        killed = False
        try:
            enrolling.add()
        except errors.VaultpyError:
            pass
        except Killed:
            killed = True
        enrolling.calls.wrong = 0
        enrolling.calls.dead = False
        listed = bool(enrolling.listed)
        if not killed and not listed:
            assert enrolling.unnamed == set()
            assert "dev" not in Config.load({"AWS_CONFIG_FILE": str(enrolling.config)}).names()
        assert listed or not enrolling.unnamed
        enrolling.add(replaces=KEY.id if listed else "")
        assert enrolling.listed == [("dev", KEY.id, "1 2")]
        enrolling.remove()
        assert enrolling.unnamed == set()
    tell(f"{len(rehearsal.calls.made)} faults of an enrolment on two YubiKeys")


# ---- rotating --------------------------------------------------------------------------------------------


@pytest.fixture
def network(lasting_aws: SimulatedAws) -> Network:
    """Provide the clients, which are built once: the address lasts."""
    return Network(lasting_aws)


@pytest.fixture
def desk(network: Network, tmp_path: Path) -> OnKeysDesk:
    """Provide the computer of a user whose two names have their key in two keystores, and a YubiKey."""
    return OnKeysDesk(tmp_path, network, network.user(), other="file")


def test_a_new_key_is_on_the_yubikey_alone_and_every_name_has_it(desk: OnKeysDesk) -> None:
    done = desk.rotate()
    assert done.left == ""
    assert [(it.name, it.place) for it in desk.index.enrolments()] == [
        ("dev", (ON_YUBIKEY, "1")),
        ("work", (ON_YUBIKEY, "1")),
    ]
    assert not any(keystore.items for keystore in desk.keystores.values())
    assert key_ids_on(desk.keys.yubikeys[0]) == {done.new_id}
    desk.assert_all_is_done()


def test_the_key_that_is_on_it_is_rotated_and_its_account_deleted(desk: OnKeysDesk) -> None:
    first = desk.rotate().new_id
    desk.calls.made.clear()
    second = desk.rotate().new_id
    assert key_ids_on(desk.keys.yubikeys[0]) == {second}
    assert first != second
    assert "keystore get" not in desk.calls.made
    desk.assert_all_is_done()


def test_the_key_is_checked_before_aws_makes_anything(desk: OnKeysDesk) -> None:
    old = desk.key_id
    for number in range(32):
        desk.keys.yubikeys[0].add_account(f"GitHub:{number}", b"secret")
    with pytest.raises(errors.YubiKeyFull):
        desk.rotate()
    assert "CreateAccessKey" not in [call.action for call in desk.aws.calls]
    assert desk.index.rotations() == []
    assert desk.key_id == old


@pytest.mark.parametrize("is_there", [False, True], ids=["moves", "stays"])
def test_a_key_without_an_oath_password_is_refused_before_a_touch_is_asked_for(
    desk: OnKeysDesk, *, is_there: bool
) -> None:
    if is_there:
        desk.rotate()
    unlocked(desk.keys.yubikeys[0]).unset_key()
    before, calls = desk.touches, len(desk.aws.calls)
    with pytest.raises(errors.OathUnprotected):
        desk.rotate()
    assert (desk.touches, len(desk.aws.calls)) == (before, calls)


def test_a_rotation_that_has_only_to_be_finished_needs_no_yubikey(desk: OnKeysDesk) -> None:
    interrupted_at(desk, "iam", 3)  # it has listed and made keys; this makes the old one inactive
    desk.keys.cards.keys.clear()
    desk.rotate()
    desk.assert_all_is_done()


def test_a_password_that_nobody_remembers_is_asked_for_once_in_a_rotation(desk: OnKeysDesk) -> None:
    desk.keys.desk.ykman.clear()
    desk.keys.desk.person.password = PASSWORD
    desk.rotate()
    asked = [text for text in desk.keys.desk.person.asked if text.startswith("OATH password")]
    assert asked == ["OATH password of YubiKey 1"]


def test_a_key_that_was_chosen_and_pulled_out_since_is_chosen_anew(two: Shop) -> None:
    store = YubiKeyStore(lambda: two.keys.choice(two.calls), two.person, lambda: NOW)
    spare = two.keys.cards.keys.pop(SPARE_READER)
    store.choose()
    two.keys.cards.keys.clear()
    two.keys.cards.keys[SPARE_READER] = spare
    store.choose()
    access_keys.store(store, KEY)
    assert store.file == "2"


def test_a_kept_key_keeps_its_account_which_may_be_the_last_of_it(desk: OnKeysDesk) -> None:
    first = desk.rotate().new_id
    second = desk.rotate(keep_old=True).new_id
    assert key_ids_on(desk.keys.yubikeys[0]) == {first, second}


def test_ctrl_c_at_the_proving_touch_takes_the_new_key_back(desk: OnKeysDesk) -> None:
    finger = PressedFinger()

    def interrupt() -> None:
        finger.press()
        raise KeyboardInterrupt

    old = desk.key_id
    desk.keys.yubikeys[0].finger = finger
    desk.keys.desk.person.deeds = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        desk.rotate()
    assert desk.key_id == old
    assert desk.keys.yubikeys[0].accounts == {}
    assert set(desk.user.access_keys) == {old}
    assert desk.index.rotations() == []


def interrupted_at(desk: OnKeysDesk, port: str, number: int = 1) -> None:
    """Kill a rotation after the `number`th call of a port."""
    rehearsal = OnKeysDesk(desk.directory, desk.network, desk.network.user(), count=desk.onto)
    rehearsal.rotate()
    places = [at for at, name in enumerate(rehearsal.calls.made, 1) if name == port]
    desk.calls.made.clear()
    desk.calls.wrong, desk.calls.trouble = places[number - 1], Trouble.KILLED_AFTER
    with pytest.raises(Killed):
        desk.rotate()
    desk.calls.wrong = 0


@pytest.mark.parametrize("port", ["key put", "key day_key"])
def test_a_key_that_not_all_yubikeys_have_is_deleted_by_the_next_run_with_its_accounts(
    network: Network, tmp_path: Path, port: str
) -> None:
    desk = OnKeysDesk(tmp_path, network, network.user(), count=2)
    interrupted_at(desk, port)
    (lost,) = key_ids_on(desk.keys.yubikeys[0])
    desk.assert_access_works()
    done = desk.rotate()
    assert done.new_id != lost
    assert f"deleted {lost}, which an interrupted rotation made and nobody uses" in desk.notes
    assert f"deleted account {account_name(lost)} on YubiKey 1" in desk.notes
    desk.assert_all_is_done()


def test_a_key_that_all_yubikeys_have_is_gone_on_with_by_a_touch(desk: OnKeysDesk) -> None:
    interrupted_at(desk, "probe")
    (new,) = key_ids_on(desk.keys.yubikeys[0])
    desk.touches = 0
    desk.onto = 0  # a plain `rotate`
    assert desk.rotate().new_id == new
    assert desk.touches == 2  # the code, and the day key that asks AWS whether it knows the key
    desk.assert_all_is_done()


def test_a_new_key_that_lies_in_a_keystore_is_not_what_was_asked_for(desk: OnKeysDesk) -> None:
    desk.onto = 0
    desk.aws.habits.key_propagation = 100
    with pytest.raises(errors.NewKeyUnknown):
        desk.rotate()
    (waiting,) = set(desk.user.access_keys) - {desk.key_id}
    desk.aws.habits.key_propagation = 0
    desk.onto = 1
    assert desk.rotate().new_id != waiting
    desk.assert_all_is_done()


def test_a_rotation_that_only_had_to_be_finished_is_not_taken_for_the_move(desk: OnKeysDesk) -> None:
    desk.onto = 0
    desk.aws.fail_next("UpdateAccessKey", Fault.CLOSE_BEFORE, 2)
    with pytest.raises(errors.NoAnswer):
        desk.rotate()
    second = desk.key_id
    desk.onto = 1
    assert desk.rotate().old_id == second
    assert desk.enrolment.on_yubikey
    desk.assert_all_is_done()


def test_a_user_without_mfa_signs_with_the_day_key(network: Network, tmp_path: Path) -> None:
    desk = OnKeysDesk(tmp_path, network, network.user(mfa=False))
    desk.rotate()
    desk.rotate()
    assert desk.touches == 1  # besides those that prove
    desk.assert_all_is_done()


class Sweep:
    """A kind of user, rotated again and again, each time with one thing that goes wrong."""

    def __init__(self, network: Network, directory: Path, *, mfa: bool, moves: bool, count: int) -> None:
        self._network, self._directory = network, directory
        self._mfa, self._moves, self._count = mfa, moves, count
        network.aws.habits.key_propagation = 3
        self.tried = 0

    def new(self) -> OnKeysDesk:
        """Return the computer of a new user; if the key does not move there it is on YubiKeys before."""
        desk = OnKeysDesk(
            self._directory, self._network, self._network.user(mfa=self._mfa), count=self._count, other="file"
        )
        if not self._moves:
            desk.rotate()
        desk.calls.made.clear()
        desk.notes.clear()
        return desk

    def ports(self, trouble: Trouble, every: int) -> None:
        """Let each call of each port meet `trouble` once, or one of so many calls."""
        rehearsal = self.new()
        rehearsal.rotate()
        for number in range(1, len(rehearsal.calls.made) + 1, every):
            desk = self.new()
            desk.calls.wrong, desk.calls.trouble = number, trouble
            desk.survive()
            self.tried += 1


class Case(NamedTuple):
    """How a key is rotated: `moves` from keystores, or was on as many YubiKeys before."""

    moves: bool
    yubikeys: int
    mfa: bool
    trouble: Trouble


CASES = [Case(*each) for each in itertools.product((True, False), (1, 2), (True, False), Trouble)]
SHORT = {
    Case(moves=True, yubikeys=2, mfa=True, trouble=Trouble.FAILS_AFTER): 1,
    Case(moves=False, yubikeys=1, mfa=True, trouble=Trouble.KILLED_AFTER): 2,
}
"""Those that are always tried, at one of so many calls."""


@pytest.mark.parametrize(
    ("case", "every"),
    [
        *SHORT.items(),
        *(pytest.param(each, 1, marks=pytest.mark.long) for each in CASES if SHORT.get(each) != 1),
    ],
    ids=lambda it: (
        f"{'moves' if it.moves else 'stays'}-{it.yubikeys}-{'mfa' if it.mfa else 'no-mfa'}-{it.trouble.name}"
        if isinstance(it, Case)
        else None
    ),
)
def test_whatever_goes_wrong_a_key_works_and_the_next_run_puts_all_right(
    network: Network, tmp_path: Path, case: Case, every: int, tell: Callable[[str], None]
) -> None:
    sweep = Sweep(network, tmp_path, mfa=case.mfa, moves=case.moves, count=case.yubikeys)
    sweep.ports(case.trouble, every)
    tell(f"{sweep.tried} faults of a rotation onto YubiKeys")
    assert sweep.tried * every > 20
