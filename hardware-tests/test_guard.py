"""The guard lets nothing through to a key that its owner would mind."""

from __future__ import annotations

import pytest
from guard import PREFIX, ForbiddenError, Guard
from yubikit.core import TRANSPORT
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey

SEED = b"12345678901234567890"
OURS = PREFIX + b"guarded"
THEIRS = b"GitHub:alice"
BOTH_FORMATS = pytest.mark.parametrize("transport", [TRANSPORT.USB, TRANSPORT.NFC])


def guarded(transport: TRANSPORT, *, may_set_password: bool = False) -> tuple[SimulatedYubiKey, OathSession]:
    key = SimulatedYubiKey()
    key.add_account(THEIRS.decode(), SEED)
    return key, OathSession(Guard(SimulatedConnection(key, transport), may_set_password=may_set_password))


def data(name: bytes) -> CredentialData:
    return CredentialData(name.decode(), OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, SEED)


@BOTH_FORMATS
def test_accounts_of_ours_may_be_put_calculated_renamed_and_deleted(transport: TRANSPORT) -> None:
    _, session = guarded(transport)
    account = session.put_credential(data(OURS))
    assert session.calculate_code(account, 59).value == "287082"
    renamed = session.rename_credential(OURS, (OURS + b" again").decode())
    session.delete_credential(renamed)
    assert [account.id for account in session.list_credentials()] == [THEIRS]


@BOTH_FORMATS
def test_nothing_else_reaches_the_key(transport: TRANSPORT) -> None:
    key, session = guarded(transport)
    session.put_credential(data(OURS))
    before = len(key.calls)
    for ask in (
        lambda: session.put_credential(data(THEIRS)),
        lambda: session.calculate(THEIRS, bytes(8)),
        lambda: session.delete_credential(THEIRS),
        lambda: session.rename_credential(THEIRS, OURS.decode()),
        lambda: session.rename_credential(OURS, THEIRS.decode()),
        session.calculate_all,
        session.reset,
        session.unset_key,
        lambda: session.set_key(bytes(16)),
        lambda: session.protocol.send_apdu(0x10, 0xA1, 0, 0),
        lambda: session.protocol.send_apdu(0, 0xA2, 0, 1, b"\x74\x08" + bytes(8)),
    ):
        with pytest.raises(ForbiddenError):
            ask()
    assert len(key.calls) == before


@BOTH_FORMATS
def test_a_password_is_set_only_where_that_is_allowed(transport: TRANSPORT) -> None:
    key, session = guarded(transport, may_set_password=True)
    session.set_key(bytes(16))
    session.unset_key()
    assert [call.name for call in key.calls] == ["SELECT", "SET CODE", "SET CODE"]
