"""What the OATH application of a YubiKey does, simulated or real, as far as vaultpy relies on it.

Each behaviour gets a `Bench` with a key on it. It writes and calculates only accounts of names that the bench
gives, and leaves it to the bench to take them away: other accounts may be on the key, and are nobody's
business here. So there is no CALCULATE ALL, no RESET, and no list long enough to be chained.
"""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Protocol

import pytest
from yubikit.core import NotSupportedError
from yubikit.core.smartcard import ApduError
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from vaultpy import errors
from vaultpy.yubikey import NoTouchError, YubiKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from yubikit.core.smartcard import SmartCardConnection

    from vaultpy.accounts import Account

SEED = b"12345678901234567890"
STEPS = (1, 37037036, 41152263, 666666666)
"""The steps of some of RFC 6238's times (appendix B), long past and far ahead: the card has no clock."""
CHALLENGE = b"20261120"
NO_SUCH_ACCOUNT = 0x6984
WRONG_DATA = 0x6A80
LOCKED = 0x6982
UNTOUCHED = {0x6982, 0x6985}
RENAME_SINCE = (5, 3, 1)
SHA512_SINCE = (4, 3, 1)
NAME_MAX = 64


class Bench(Protocol):
    """A key, and whoever sits beside it."""

    password: str | None
    """The OATH password that may be set for a moment; None where none may be."""

    def connect(self) -> AbstractContextManager[SmartCardConnection]:
        """Connect to the key."""

    def unlock(self, session: OathSession) -> None:
        """Give the OATH password, if the key has one."""

    def name(self) -> str:
        """Return a new name for an account."""

    def touch(self) -> None:
        """Have the key touched when it blinks next."""

    def leave_alone(self) -> None:
        """Have the key not touched when it blinks next."""

    def report(self, finding: str) -> None:
        """Note what differs from key to key and is to be known."""


def a_stored_account_is_listed_by_its_bytes(bench: Bench) -> None:
    name = bench.name()
    put(bench, name)
    listed = listed_as(bench, name.encode())
    assert (listed.fits, listed.kind) == (True, "TOTP, SHA1")


def an_account_that_aws_does_not_make_is_listed_as_such(bench: Bench) -> None:
    name = bench.name()
    put(bench, name, algorithm=HASH_ALGORITHM.SHA256, digits=8, period=60)
    listed = listed_as(bench, b"60/" + name.encode())
    assert (listed.fits, listed.kind) == (False, "TOTP, SHA256, 60 s")


def a_code_is_that_of_rfc_6238_whatever_the_time(bench: Bench) -> None:
    name = bench.name()
    put(bench, name)
    account = listed_as(bench, name.encode())
    with bench.connect() as connection:
        key = unlocked(bench, connection)
        assert [key.calculate(account, step) for step in STEPS] == [code(step) for step in STEPS]


def digits_hash_and_period_are_those_of_the_account(bench: Bench) -> None:
    with bench.connect() as connection:
        session = OathSession(connection)
        bench.unlock(session)
        for algorithm in HASH_ALGORITHM:
            if algorithm is HASH_ALGORITHM.SHA512 and session.version < SHA512_SINCE:
                continue
            data = CredentialData(bench.name(), OATH_TYPE.TOTP, algorithm, SEED, digits=8, period=60)
            account = session.put_credential(data)
            shown = session.calculate_code(account, 59 * 60).value
            assert shown == code(59, 8, algorithm.name)


def untruncated_it_is_the_whole_hmac_of_any_8_bytes(bench: Bench) -> None:
    for algorithm in (HASH_ALGORITHM.SHA1, HASH_ALGORITHM.SHA256):
        name = bench.name()
        put(bench, name, algorithm=algorithm)
        with bench.connect() as connection:
            session = OathSession(connection)
            bench.unlock(session)
            assert session.calculate(name.encode(), CHALLENGE) == hmac.digest(SEED, CHALLENGE, algorithm.name)


def a_second_account_of_the_same_name_takes_the_place_of_the_first(bench: Bench) -> None:
    name = bench.name()
    put(bench, name)
    put(bench, name, secret=SEED[::-1])
    account = listed_as(bench, name.encode())
    with bench.connect() as connection:
        assert unlocked(bench, connection).calculate(account, 1) == code(1, secret=SEED[::-1])


def only_calculate_moves_the_counter_of_a_hotp_account(bench: Bench) -> None:
    with bench.connect() as connection:
        session = OathSession(connection)
        bench.unlock(session)
        data = CredentialData(bench.name(), OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, SEED)
        account = session.put_credential(data)
        codes = []
        for _ in range(3):
            session.list_credentials()
            codes.append(session.calculate_code(account).value)
    assert codes == ["755224", "287082", "359152"]  # RFC 4226, appendix D
    listed = listed_as(bench, account.id)
    assert (listed.fits, listed.kind) == (False, "HOTP, SHA1")


def a_renamed_account_keeps_its_secret(bench: Bench) -> None:
    old, new = bench.name(), bench.name()
    put(bench, old)
    with bench.connect() as connection:
        session = OathSession(connection)
        bench.unlock(session)
        if session.version < RENAME_SINCE:
            with pytest.raises(NotSupportedError):
                session.rename_credential(old.encode(), new)
            return
        session.rename_credential(old.encode(), new)
        assert status_of(lambda: session.calculate(old.encode(), bytes(8))) == NO_SUCH_ACCOUNT
    account = listed_as(bench, new.encode())
    with bench.connect() as connection:
        assert unlocked(bench, connection).calculate(account, 1) == code(1)


def what_is_deleted_is_gone(bench: Bench) -> None:
    name = bench.name().encode()
    put(bench, name.decode())
    with bench.connect() as connection:
        session = OathSession(connection)
        bench.unlock(session)
        session.delete_credential(name)
        assert name not in [account.id for account in session.list_credentials()]
        assert status_of(lambda: session.delete_credential(name)) == NO_SUCH_ACCOUNT
        assert status_of(lambda: session.calculate(name, bytes(8))) == NO_SUCH_ACCOUNT


def a_name_has_at_most_64_bytes(bench: Bench) -> None:
    longest = bench.name().ljust(NAME_MAX, "x")
    put(bench, longest)
    assert listed_as(bench, longest.encode()).fits
    assert status_of(lambda: put(bench, longest + "x")) == WRONG_DATA


def a_touch_gives_the_code(bench: Bench) -> None:
    name = bench.name()
    put(bench, name, touch=True)
    account = listed_as(bench, name.encode())
    with bench.connect() as connection:
        key = unlocked(bench, connection)
        bench.touch()
        assert key.calculate(account, 1) == code(1)


def a_touch_that_does_not_come_is_told_and_costs_no_more(bench: Bench) -> None:
    name = bench.name()
    put(bench, name, touch=True)
    account = listed_as(bench, name.encode())
    with bench.connect() as connection:
        key = unlocked(bench, connection)
        bench.leave_alone()
        began = time.monotonic()
        with pytest.raises(NoTouchError) as untouched:
            key.calculate(account, 1)
        refused = untouched.value.__context__
        assert isinstance(refused, ApduError)
        bench.report(f"no touch: status {refused.sw:04x} after {time.monotonic() - began:.1f} s")
        assert refused.sw in UNTOUCHED
        assert account in key.accounts()


def a_password_locks_the_accounts_until_it_is_given(bench: Bench) -> None:
    if bench.password is None:
        pytest.skip("this one sets an OATH password and removes it: --may-set-password")
    with bench.connect() as connection:
        session = OathSession(connection)
        if session.has_key:
            pytest.skip("the key has an OATH password of its owner's")
        derived = session.derive_key(bench.password)
        session.set_key(derived)
        try:
            key = YubiKey(connection)
            assert key.locked
            with pytest.raises(errors.YubiKeyFailed, match=f"{LOCKED:04x}"):
                key.accounts()
            assert not key.unlock(key.derive("not " + bench.password))
            assert key.locked
            assert key.unlock(key.derive(bench.password))
            key.accounts()
        finally:
            session = OathSession(connection)
            session.validate(derived)
            session.unset_key()
        assert not YubiKey(connection).locked


BEHAVIOURS = (
    a_stored_account_is_listed_by_its_bytes,
    an_account_that_aws_does_not_make_is_listed_as_such,
    a_code_is_that_of_rfc_6238_whatever_the_time,
    digits_hash_and_period_are_those_of_the_account,
    untruncated_it_is_the_whole_hmac_of_any_8_bytes,
    a_second_account_of_the_same_name_takes_the_place_of_the_first,
    only_calculate_moves_the_counter_of_a_hotp_account,
    a_renamed_account_keeps_its_secret,
    what_is_deleted_is_gone,
    a_name_has_at_most_64_bytes,
    a_touch_gives_the_code,
    a_touch_that_does_not_come_is_told_and_costs_no_more,
    a_password_locks_the_accounts_until_it_is_given,
)


def code(step: int, digits: int = 6, algorithm: str = "SHA1", *, secret: bytes = SEED) -> str:
    """Return RFC 6238's code, computed here."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), algorithm)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def put(  # noqa: PLR0913  # each is a property that accounts differ in
    bench: Bench,
    name: str,
    *,
    secret: bytes = SEED,
    algorithm: HASH_ALGORITHM = HASH_ALGORITHM.SHA1,
    digits: int = 6,
    period: int = 30,
    touch: bool = False,
) -> None:
    """Store a TOTP account; raises ApduError."""
    data = CredentialData(name, OATH_TYPE.TOTP, algorithm, secret, digits=digits, period=period)
    with bench.connect() as connection:
        session = OathSession(connection)
        bench.unlock(session)
        session.put_credential(data, touch_required=touch)


def unlocked(bench: Bench, connection: SmartCardConnection) -> YubiKey:
    """Return the key as vaultpy sees it, unlocked."""
    key = YubiKey(connection)
    bench.unlock(key._oath)
    return key


def listed_as(bench: Bench, account_id: bytes) -> Account:
    """Return the one account of that id as LIST has it."""
    with bench.connect() as connection:
        found = [account for account in unlocked(bench, connection).accounts() if account.id == account_id]
    assert len(found) == 1
    return found[0]


def status_of(ask: Callable[[], object]) -> int:
    """Return the status word that a request is refused with."""
    with pytest.raises(ApduError) as refused:
        ask()
    return int(refused.value.sw)
