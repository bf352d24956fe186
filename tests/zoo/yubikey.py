"""Scenarios of the YubiKey: simulated keys behind a real pcscd."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from support.pcscd import YUBIKEY_READER, Pcscd
from support.signing import enrol, put_on_key
from support.virtual_card import NFC_ATR, VirtualCard
from vaultpy import errors
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, PressedFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from zoo.keeper import AS_NOBODY, VAULTPY, newcomer, told_by
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zoo.keeper import Told, Zoo

_SEED = b"twenty bytes of seed"
_HOLD = """
import sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
how = scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
code, card, _ = scard.SCardConnect(context, sys.argv[1], *how)
print(code, flush=True)
sys.stdin.read()
scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
"""
_FIRST_MESSAGE_BYTES = 20  # its header, and the version of the client's protocol
_SYSFS_OF_A_SECURITY_KEY = 'mount --bind "$0" /sys && exec "$@"'


def _oath(yubikey: SimulatedYubiKey) -> OathSession:
    return OathSession(SimulatedConnection(yubikey))


def _locked() -> SimulatedYubiKey:
    """Return a key whose OATH password is `hunter2`."""
    yubikey = SimulatedYubiKey()
    session = _oath(yubikey)
    session.set_key(session.derive_key("hunter2"))
    return yubikey


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(path))
        service.listen()
        yield service


def _refuse(service: socket.socket) -> None:
    """Do what pcscd does when polkit has said no: close the connection, the first message unread.

    So it stands in pcsc-lite's winscard_svc.c; polkit's answer takes longer than the message's way.
    """
    client, _ = service.accept()
    with client:
        while len(client.recv(_FIRST_MESSAGE_BYTES, socket.MSG_PEEK)) < _FIRST_MESSAGE_BYTES:
            pass


@leads_to(errors.PcscMissing)
def a_machine_without_pcscd(zoo: Zoo) -> Told:
    return zoo.exec_fails(env=zoo.env(PCSCLITE_CSOCK_NAME=zoo.directory() / "nothing"))


@leads_to(errors.PcscForbidden)
def a_socket_that_the_user_may_not_open(zoo: Zoo) -> Told:
    path = zoo.directory() / "pcscd.comm"
    with _listening(path):
        path.chmod(0)
        return zoo.exec_fails(env=zoo.env(PCSCLITE_CSOCK_NAME=path), within=AS_NOBODY)


@leads_to(errors.PcscRefused)
def a_session_that_polkit_refuses(zoo: Zoo) -> Told:
    path = zoo.directory() / "pcscd.comm"
    with _listening(path) as service:
        pcscd = threading.Thread(target=_refuse, args=(service,), daemon=True)
        pcscd.start()
        told = zoo.exec_fails(env=zoo.env(PCSCLITE_CSOCK_NAME=path))
        pcscd.join()
    return told


@leads_to(errors.NoYubiKey, slow=True)
def no_key_at_all(zoo: Zoo) -> Told:
    with Pcscd(zoo.directory()) as empty:
        told = zoo.exec_fails(
            "--mfa-serial", zoo.device().serial, profile="dev", env=zoo.env(**empty.environment)
        )
    assert "vaultpy: plug in your YubiKey" in told.talk
    return told


@leads_to(errors.CardPassedOver, slow=True)
def a_token_of_another_make_whose_reader_is_not_named(zoo: Zoo) -> Told:
    with ExitStack() as stack:
        other = stack.enter_context(Pcscd(zoo.directory(), ("Somebody's Smart Token",)))
        stack.enter_context(VirtualCard(SimulatedYubiKey(), other.readers[0]))
        environment = zoo.env(**other.environment)
        return zoo.exec_fails("--mfa-serial", zoo.device().serial, profile="dev", env=environment)


@leads_to(errors.NoCardReader, slow=True)
def a_security_key_without_a_card_reader(zoo: Zoo) -> Told:
    sysfs = zoo.directory()
    (sysfs / "bus" / "usb" / "devices" / "1-1").mkdir(parents=True)
    (sysfs / "bus" / "usb" / "devices" / "1-1" / "idVendor").write_text("1050\n")
    within = ("unshare", "--map-root-user", "--mount", "sh", "-c", _SYSFS_OF_A_SECURITY_KEY, str(sysfs))
    with Pcscd(zoo.directory()) as empty:
        environment = zoo.env(**empty.environment)
        return zoo.exec_fails(
            "--mfa-serial", zoo.device().serial, profile="dev", env=environment, within=within
        )


@leads_to(errors.YubiKeyAbsent, slow=True)
def another_key_than_the_one_wanted(zoo: Zoo) -> Told:
    told = zoo.exec_fails("--yubikey", "87654321", "--mfa-serial", zoo.device().serial, profile="dev")
    assert told.lines.message.endswith("what is: YubiKey 12345678")
    return told


@leads_to(errors.ReaderAbsent, slow=True)
def a_reader_that_is_not_there(zoo: Zoo) -> Told:
    return zoo.exec_fails(
        "--mfa-serial", zoo.device().serial, profile="dev", env=zoo.env(VAULTPY_READER="ACR122U")
    )


@leads_to(errors.CardHeld)
def a_program_that_has_the_key_for_itself(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        command = [sys.executable, "-c", _HOLD, zoo.world.pcscd.readers[1].name]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout
            assert other.stdout.readline() == "0\n"
            told = zoo.exec_fails(env=environment)
            other.communicate()
    return told


@leads_to(errors.CardRemoved)
def a_key_that_is_pulled_out_while_it_blinks(zoo: Zoo) -> Told:
    finger = PressedFinger()
    yubikey = SimulatedYubiKey(finger=finger)
    yubikey.add_account(zoo.world.device.serial, zoo.world.device.seed, touch=True)
    with zoo.plugged_in(yubikey) as environment:
        command = [VAULTPY, "exec", "--no-cache", "dev-role", "--", "true"]
        run = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        finger.wait_until_blinking()
    _, text = run.communicate(timeout=60)
    return told_by(text, run.returncode, ("exec",))


@leads_to(errors.OathOff)
def a_key_whose_oath_is_off(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey(oath_enabled=False)) as environment:
        return zoo.exec_fails(env=environment)


@leads_to(errors.OathPasswordNeeded)
def a_locked_key_without_a_terminal(zoo: Zoo) -> Told:
    with zoo.plugged_in(_locked()) as environment:
        return zoo.exec_fails(env=environment)


@leads_to(errors.OathPasswordWrong)
def a_wrong_oath_password(zoo: Zoo) -> Told:
    with zoo.plugged_in(_locked()) as environment:
        told = zoo.fails_at_terminal(
            *("exec", "dev-role", "--", "true"),
            env=environment,
            dialogue={"OATH password of YubiKey 12345678 (not shown): ": "hunter3"},
        )
    assert "hunter3" not in "".join(told.talk)
    return told


@leads_to(errors.FipsWithoutPassword)
def a_fips_key_that_cannot_hold_an_account(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey(fips=True)) as environment:
        return zoo.exec_fails(env=environment)


@leads_to(errors.AccountMissing)
def a_key_with_other_accounts(zoo: Zoo) -> Told:
    stranger = SimulatedYubiKey()
    stranger.add_account("GitHub:alice", _SEED)
    with zoo.plugged_in(stranger) as environment:
        told = zoo.exec_fails(env=environment)
    assert told.lines.message.endswith("accounts there: GitHub:alice")
    assert stranger.calculations == 0
    return told


@leads_to(errors.AccountAmbiguous)
def a_key_with_two_accounts_that_may_be_meant(zoo: Zoo) -> Told:
    yubikey = SimulatedYubiKey()
    yubikey.add_account("Amazon Web Services:alice@acme", _SEED)
    yubikey.add_account("Amazon Web Services:alice@example", _SEED)
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.exec_fails(env=environment)
    assert yubikey.calculations == 0
    return told


@leads_to(errors.AccountUnfit)
def an_account_that_makes_other_codes(zoo: Zoo) -> Told:
    yubikey = SimulatedYubiKey()
    name = zoo.world.device.serial
    _oath(yubikey).put_credential(CredentialData(name, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA256, _SEED))
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.exec_fails(env=environment)
    assert yubikey.calculations == 0
    return told


@leads_to(errors.AccountUnconfirmed)
def an_account_that_a_person_must_confirm(zoo: Zoo) -> Told:
    yubikey = SimulatedYubiKey()
    yubikey.add_account("Amazon Web Services:alice@acme", _SEED)
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.exec_fails(env=environment)
    assert yubikey.calculations == 0
    return told


def _living_on_a_yubikey(zoo: Zoo, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with another index, which says that alice's secret is on a YubiKey."""
    state = zoo.directory()
    enrol(state / "vaultpy", zoo.world.access_key, zoo.world.alice.arn, zoo.world.device.serial)
    return environment | {"XDG_STATE_HOME": str(state)}


@leads_to(errors.SigningKeyAbsent, slow=True)
def no_key_where_one_has_to_sign(zoo: Zoo) -> Told:
    with Pcscd(zoo.directory()) as empty:
        environment = _living_on_a_yubikey(zoo, zoo.env(**empty.environment))
        told = zoo.exec_fails(*zoo.given_code(), env=environment)
    assert any("plug in your YubiKey" in line for line in told.talk), told.talk
    return told


@leads_to(errors.AccessKeyElsewhere)
def a_key_that_holds_another_access_key(zoo: Zoo) -> Told:
    yubikey = SimulatedYubiKey()
    put_on_key(yubikey, "AKIAANOTHER", "another secret")
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.exec_fails(env=_living_on_a_yubikey(zoo, environment))
    assert yubikey.calculations == 0
    return told


@leads_to(errors.SigningAccountUnfit)
def an_account_of_that_name_that_cannot_sign(zoo: Zoo) -> Told:
    yubikey, key = SimulatedYubiKey(), zoo.world.access_key
    put_on_key(yubikey, key.id, key.secret, algorithm=HASH_ALGORITHM.SHA1)
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.exec_fails(env=_living_on_a_yubikey(zoo, environment))
    assert yubikey.calculations == 0
    return told


@leads_to(errors.NotTouched)
def a_touch_that_never_comes(zoo: Zoo) -> Told:
    impatient = SimulatedYubiKey(finger=NoFinger(), touch_timeout=0.3)
    impatient.add_account(zoo.world.device.serial, zoo.world.device.seed, touch=True)
    with zoo.plugged_in(impatient) as environment:
        told = zoo.exec_fails(env=environment)
    assert impatient.calculations == 3
    return told


@leads_to(errors.YubiKeyFailed)
def a_key_that_does_not_wait_for_the_touch(zoo: Zoo) -> Told:
    broken = SimulatedYubiKey(finger=NoFinger(), touch_timeout=0)
    broken.add_account(zoo.world.device.serial, zoo.world.device.seed, touch=True)
    with zoo.plugged_in(broken) as environment:
        return zoo.exec_fails(env=environment)


@leads_to(errors.SeveralYubiKeys)
def two_keys_that_could_be_written_to(zoo: Zoo) -> Told:
    with Pcscd(zoo.directory(), (f"{YUBIKEY_READER} A", YUBIKEY_READER)) as both, ExitStack() as plugged:
        for serial, reader in enumerate(both.readers, 1):
            plugged.enter_context(VirtualCard(SimulatedYubiKey(serial), reader))
        return zoo.fails("mfa", "enroll", "dev", env=zoo.env(**both.environment))


@leads_to(errors.NothingToWriteTo, slow=True)
def no_key_to_write_to(zoo: Zoo) -> Told:
    with Pcscd(zoo.directory()) as empty:
        return zoo.fails("mfa", "enroll", "dev", env=zoo.env(**empty.environment))


@leads_to(errors.NfcReadOnly)
def a_key_on_an_nfc_reader(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey(), NFC_ATR) as environment:
        return zoo.fails("mfa", "enroll", "dev", env=environment)


@leads_to(errors.TouchUnknown)
def firmware_that_knows_no_touch(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey(version=(4, 2, 5))) as environment:
        return zoo.fails("mfa", "enroll", "dev", env=environment)


@leads_to(errors.OathUnprotected)
def a_key_that_answers_whoever_finds_it(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        key = zoo.with_key()
        told = zoo.fails("add", "other", "--on-yubikey", "--env", env=key | environment)
    assert "vaultpy rotate other --on-yubikey" in told.talk[0]
    return told


@leads_to(errors.YubiKeyFull)
def a_key_without_a_free_place(zoo: Zoo) -> Told:
    yubikey = SimulatedYubiKey()
    for number in range(32):
        yubikey.add_account(f"GitHub:user-{number}", _SEED)
    with zoo.plugged_in(yubikey) as environment:
        return zoo.fails("mfa", "enroll", "dev", env=environment)


@leads_to(errors.AccountExists)
def an_account_that_would_be_overwritten(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    serial = user.account.arn(f"mfa/{user.name}")
    yubikey = SimulatedYubiKey()
    yubikey.add_account(serial, _SEED)
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.fails("mfa", "enroll", "new", env=environment | enrolled)
    assert yubikey.accounts == {serial: False}
    return told


@leads_to(errors.AccountNameTooLong)
def a_user_whose_name_is_too_long_for_a_key(zoo: Zoo) -> Told:
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        return zoo.fails("mfa", "enroll", "dev", "--user", "x" * 64, env=environment)


@leads_to(errors.PutRefused)
def a_key_that_refuses_the_account(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    yubikey = SimulatedYubiKey()
    yubikey.refusals = {"PUT": 0x6985}
    with zoo.plugged_in(yubikey) as environment:
        told = zoo.fails("mfa", "enroll", "new", env=environment | enrolled)
    assert user.account.arn(f"mfa/{user.name}") not in user.account.virtual_devices
    return told


@leads_to(errors.BadSeed)
def half_of_a_secret_key(zoo: Zoo) -> Told:
    _, enrolled = newcomer(zoo)
    with zoo.plugged_in(SimulatedYubiKey()) as environment:
        told = zoo.fails_at_terminal(
            *("mfa", "enroll", "new", "--secret"),
            env=environment | enrolled,
            dialogue={"(not shown): ": "GEZDGNBVGY"},
        )
    assert "GEZDGNBVGY" not in "".join(told.talk)
    return told


@leads_to(errors.NoYubiKeyForCode, slow=True)
def a_code_without_a_key(zoo: Zoo) -> Told:
    with Pcscd(zoo.directory()) as empty:
        environment = zoo.env(**empty.environment)
        return zoo.fails("mfa", "code", "dev", "--mfa-serial", zoo.device().serial, env=environment)


@leads_to(errors.NoMfaDevice)
def a_token_that_no_key_can_stand_for(zoo: Zoo) -> Told:
    return zoo.fails("mfa", "code", "dev", "--mfa-serial", "GAHT12345678")


@leads_to(errors.SeveralMfaDevices)
def a_removal_that_may_mean_any(zoo: Zoo) -> Told:
    user, enrolled = newcomer(zoo)
    for name in ("one", "two"):
        user.mfa_device(f"{user.name}-{name}")
    return zoo.fails("mfa", "remove", "new", "--yes", env=zoo.env(**enrolled))


@leads_to(errors.NoCode)
def a_hardware_token_whose_code_nobody_can_type(zoo: Zoo) -> Told:
    return zoo.exec_fails("--mfa-serial", "GAHT12345678")


@leads_to(errors.BadCode)
def a_code_of_five_digits(zoo: Zoo) -> Told:
    return zoo.exec_fails("--mfa-token", "12345")
