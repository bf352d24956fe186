"""A card that answers anything at all: an error for the user, soon, and never more than a bounded talk.

Beside mere garbage there are a real key's answers, damaged: these get further into the code.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection
from yubikit.oath import OathSession

from support.fuzzing import at_most, examples
from support.keys import SEED, SERIAL, STEP
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.bounded_connection import BoundedConnection
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.text import printable
from vaultpy.totp import Seed
from vaultpy.yubikey import NoTouchError, RefusedError, YubiKey, identify

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    Answer = tuple[bytes, int]
    Damage = Callable[[bytes, int], Answer]

ACCOUNT = Account(SERIAL.encode(), "TOTP, SHA1", fits=True)
WRITTEN = Seed("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
TOLD = (errors.VaultpyError, NoTouchError, RefusedError)
MOST_EXCHANGES = 250
LONGEST_ANSWER = 65536
SELECT = 0xA4
STATUSES = st.one_of(
    st.sampled_from([0x9000, 0x6100, 0x61FF, 0x6982, 0x6985, 0x6984, 0x6A80, 0x6A82, 0x6D00, 0x6700]),
    st.integers(0, 0xFFFF),
)
TAGS = st.sampled_from([0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x7B, 0x7C, 0x7D])
LENGTHS = st.sampled_from(
    [b"\0", b"\x05", b"\x7f", b"\x80", b"\x81\xff", b"\x82\xff\xff", b"\x84\xff\xff\xff\xff"]
)
OBJECTS = st.builds(
    lambda tag, length, value: bytes((tag,)) + (length or bytes((len(value),))) + value,
    TAGS,
    st.none() | LENGTHS,
    st.binary(max_size=70),
)
DATA = st.one_of(st.binary(max_size=60), st.lists(OBJECTS, max_size=6).map(b"".join))
ANSWERS = st.lists(st.tuples(DATA, STATUSES), min_size=1, max_size=6)


def damages() -> SearchStrategy[Damage]:
    """Return the ways in which an answer can be damaged."""
    places = st.integers(0, 10_000)
    return st.one_of(
        places.map(lambda at: lambda data, status: (data[: at % (len(data) + 1)], status)),
        st.tuples(places, st.integers(0, 255)).map(lambda it: lambda data, status: (_set(data, *it), status)),
        st.tuples(places, OBJECTS).map(lambda it: lambda data, status: (_insert(data, *it), status)),
        STATUSES.map(lambda wrong: lambda data, _: (data, wrong)),
        STATUSES.map(lambda wrong: lambda _data, _: (b"", wrong)),
        DATA.map(lambda other: lambda _data, status: (other, status)),
        st.integers(2, 900).map(lambda times: lambda data, status: ((data * times)[:LONGEST_ANSWER], status)),
    )


def _set(data: bytes, at: int, value: int) -> bytes:
    at %= len(data) + 1
    return data[:at] + bytes((value,)) + data[at + 1 :]


def _insert(data: bytes, at: int, more: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + more + data[at:]


class Babbler(SmartCardConnection):
    """A card that answers what the test says, and then the last of it for ever."""

    transport = TRANSPORT.USB

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.questions = 0

    def send_and_receive(self, apdu: bytes) -> Answer:
        """Answer the next, or the last again."""
        del apdu
        self.questions += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Damaged(SimulatedConnection):
    """A key whose answers are damaged on their way, from the first to the last of `plan` in turn."""

    def __init__(self, key: SimulatedYubiKey, transport: TRANSPORT, plan: list[Damage | None]) -> None:
        super().__init__(key, transport)
        self._plan = plan
        self.questions = 0

    def send_and_receive(self, apdu: bytes) -> Answer:
        """Hand on, and damage the answer."""
        data, status = super().send_and_receive(apdu)
        damage = self._plan[self.questions % len(self._plan)]
        self.questions += 1
        return damage(data, status) if damage else (data, status)


def everything(conversation: BoundedConnection) -> None:
    """Do all that vaultpy does with a key; what it says is an error of ours, or nothing."""
    _told(lambda: identify(conversation))
    opened: list[YubiKey] = []
    _told(lambda: opened.append(YubiKey(conversation)))
    for key in opened:
        if key.has_password:
            _told(partial(key.unlock, key.derive("open sesame")))
        for account in _listed(key):
            assert isinstance(account.id, bytes)
            str(account.name).encode("utf-8", "surrogateescape")
        code = _told(partial(key.calculate, ACCOUNT, STEP))
        assert code is None or isinstance(code, str)
        _told(key.touch_wanted)
        _told(partial(key.put, SERIAL, WRITTEN))
        _told(partial(key.delete, SERIAL))


def _listed(key: YubiKey) -> list[Account]:
    found = _told(key.accounts)
    return found if isinstance(found, list) else []


def _judge(error: Exception) -> None:
    assert printable(str(error)) == str(error)


def _told(act: Callable[[], object]) -> object:
    try:
        return act()
    except TOLD as error:
        _judge(error)
        return None


@examples(80)
@given(ANSWERS)
def test_garbage_is_told_in_words_and_soon(answers: list[Answer]) -> None:
    babbler = Babbler(*answers)
    everything(BoundedConnection(babbler))
    assert babbler.questions <= MOST_EXCHANGES


@examples(120)
@given(
    plan=st.lists(st.none() | damages(), min_size=1, max_size=9),
    transport=st.sampled_from([TRANSPORT.USB, TRANSPORT.NFC]),
    locked=st.booleans(),
)
def test_a_real_key_s_answers_in_pieces_are_told_in_words(
    plan: list[Damage | None], transport: TRANSPORT, *, locked: bool
) -> None:
    key = SimulatedYubiKey(random=bytes)
    for number in range(12):
        key.add_account(f"{number:02}{'x' * 50}", SEED)
    key.add_account(SERIAL, SEED)
    if locked:
        session = OathSession(SimulatedConnection(key))
        session.set_key(session.derive_key("open sesame"))
    card = Damaged(key, transport, plan)
    everything(BoundedConnection(card))
    assert card.questions <= MOST_EXCHANGES


class SelectedOnce(SimulatedConnection):
    """A key that no longer has what was selected once."""

    status = 0x6A82

    def send_and_receive(self, apdu: bytes) -> Answer:
        """Refuse a second SELECT."""
        data, status = super().send_and_receive(apdu)
        selections = [call for call in self._key.calls if call.name == "SELECT"]
        return (b"", self.status) if apdu[1] == SELECT and len(selections) > self._before else (data, status)

    def begin(self) -> None:
        """Let one more SELECT pass."""
        self._before = 1 + sum(call.name == "SELECT" for call in self._key.calls)


@pytest.mark.parametrize("status", [0x6A82, 0x6999, 0x6D00, 0x6B00, 0x6700, 0x6F00])
def test_an_application_that_is_gone_after_a_wrong_password_is_told_in_words(status: int) -> None:
    key = SimulatedYubiKey()
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key("open sesame"))
    card = SelectedOnce(key)
    card.status = status
    card.begin()
    yubikey = YubiKey(BoundedConnection(card))
    with pytest.raises(errors.YubiKeyFailed):
        yubikey.unlock(yubikey.derive("open barley"))


SELECTED = (bytes.fromhex("79030504037108e487fc32a7ab8fbb"), 0x9000)


@pytest.mark.parametrize("size", [0, 1, 255, 65000])
@pytest.mark.parametrize("status", [0x6100, 0x61FF, 0x9000])
def test_an_answer_without_an_end_costs_little_memory(size: int, status: int) -> None:
    page = bytes(size)
    for first in ([], [(b"5.4.3", 0x9000)], [SELECTED]):
        babbler = Babbler(*first, (page, status))
        with at_most(1000):
            everything(BoundedConnection(babbler))
        assert babbler.questions <= MOST_EXCHANGES


@pytest.mark.parametrize(
    "length", [b"\x82\xff\xff", b"\x83\xff\xff\xff", b"\x84\xff\xff\xff\xff", b"\x88" + b"\xff" * 8]
)
@pytest.mark.parametrize("tag", [0x71, 0x72, 0x75, 0x76, 0x79])
def test_a_length_beyond_the_answer_reserves_nothing(tag: int, length: bytes) -> None:
    lying = struct.pack("B", tag) + length + b"short"
    with at_most(1000):
        everything(BoundedConnection(Babbler(SELECTED, (lying, 0x9000))))
        everything(BoundedConnection(Babbler((lying, 0x9000))))
