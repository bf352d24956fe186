"""Scenarios of keystores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.forks import forked
from support.secret_service import SecretService
from vaultpy import errors
from zoo.scenario import leads_to

if TYPE_CHECKING:
    from zoo.keeper import Told, Zoo

ADD = ("add", "other", "--env", "--no-verify")
_FAILING_BACKEND = """
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = -1
    def get_password(self, service, username):
        raise ConnectionRefusedError(111, "Connection refused")
    set_password = delete_password = get_password
"""


def _system(zoo: Zoo, service: SecretService, **changed: str) -> dict[str, str]:
    """Return the environment with a key to add to the system keystore, which is `service`."""
    bus = service.environment["DBUS_SESSION_BUS_ADDRESS"]
    return zoo.with_key(VAULTPY_KEYSTORE="system", DBUS_SESSION_BUS_ADDRESS=bus, **changed)


@leads_to(errors.KeystoreMissing)
def a_machine_without_a_system_keystore(zoo: Zoo) -> Told:
    return zoo.fails(*ADD, env=zoo.with_key(VAULTPY_KEYSTORE=None))


@leads_to(errors.KeystoreLocked)
def a_locked_keystore_is_no_missing_key(zoo: Zoo) -> Told:
    home = zoo.directory()
    with SecretService.unlocked(home) as service:
        environment = _system(zoo, service, XDG_STATE_HOME=str(home / "state"))
        done = forked(environment, "add", "dev", "--env", "--no-verify")
        assert done.returncode == 0, done.stderr
        service.lock()
        return zoo.exec_fails(*zoo.given_code(), env=environment)


@leads_to(errors.KeystoreDismissed)
def a_window_that_is_closed(zoo: Zoo) -> Told:
    with SecretService.unlocked(zoo.directory()) as service:
        service.lock()
        return zoo.fails(*ADD, env=_system(zoo, service, DISPLAY=":0"))


@leads_to(errors.KeystoreTimeout, slow=True)
def a_window_that_nobody_answers(zoo: Zoo) -> Told:
    with SecretService.asking(zoo.directory()) as service:
        service.lock()
        told = zoo.fails(*ADD, env=_system(zoo, service, DISPLAY=":0"))
    assert told.talk == ["vaultpy: the system keystore is asking something: look for its window"]
    return told


@leads_to(errors.KeystoreInsecure)
def a_backend_that_keeps_secrets_in_clear(zoo: Zoo) -> Told:
    backend = "keyrings.alt.file.PlaintextKeyring"
    return zoo.fails(*ADD, env=zoo.with_key(VAULTPY_KEYSTORE=backend))


@leads_to(errors.KeystoreUnknown)
def a_backend_that_is_not_installed(zoo: Zoo) -> Told:
    return zoo.fails(*ADD, env=zoo.with_key(VAULTPY_KEYSTORE="company.keys.Keyring"))


@leads_to(errors.KeystoreFailed)
def a_backend_that_fails(zoo: Zoo) -> Told:
    module = zoo.file(_FAILING_BACKEND, "companykeys.py")
    environment = zoo.with_key(PYTHONPATH=module.parent, VAULTPY_KEYSTORE="companykeys.Keyring")
    return zoo.fails(*ADD, env=environment)


@leads_to(errors.KeyLost)
def a_keystore_file_that_went(zoo: Zoo) -> Told:
    state, keystore = zoo.directory(), zoo.keystore_file()
    environment = zoo.with_key(XDG_STATE_HOME=state, VAULTPY_KEYSTORE_FILE=keystore)
    assert forked(environment, "add", "dev", "--env", "--no-verify").returncode == 0
    keystore.unlink()
    return zoo.exec_fails(*zoo.given_code(), env=environment)


@leads_to(errors.PassphraseNeeded)
def a_passphrase_that_nobody_can_type(zoo: Zoo) -> Told:
    return zoo.exec_fails(*zoo.given_code(), env=zoo.env(VAULTPY_KEYSTORE_PASSPHRASE_FILE=None))


@leads_to(errors.PassphraseUnreadable)
def a_passphrase_file_that_is_missing(zoo: Zoo) -> Told:
    environment = zoo.env(VAULTPY_KEYSTORE_PASSPHRASE_FILE=zoo.directory() / "passphrase")
    return zoo.exec_fails(*zoo.given_code(), env=environment)


@leads_to(errors.PassphraseEmpty)
def an_empty_passphrase_for_a_file(zoo: Zoo) -> Told:
    environment = zoo.env(VAULTPY_KEYSTORE_PASSPHRASE_FILE=None)
    words = ("exec", "--no-cache", *zoo.given_code(), "dev-role", "--", "true")
    return zoo.fails_at_terminal(*words, env=environment, dialogue={"(not shown): ": ""})


@leads_to(errors.PassphraseWrong)
def a_wrong_passphrase(zoo: Zoo) -> Told:
    environment = zoo.env(VAULTPY_KEYSTORE_PASSPHRASE_FILE=zoo.file("not the passphrase\n"))
    return zoo.exec_fails(*zoo.given_code(), env=environment)


@leads_to(errors.KeystoreFileDamaged)
def a_keystore_file_with_a_flipped_bit(zoo: Zoo) -> Told:
    content = bytearray((zoo.world.home / "data" / "vaultpy" / "keystore").read_bytes())
    content[-1] ^= 1
    return zoo.fails(*ADD, env=zoo.with_key(VAULTPY_KEYSTORE_FILE=zoo.file(bytes(content))))


@leads_to(errors.KeystoreFileUnusable)
def a_keystore_file_that_others_may_read(zoo: Zoo) -> Told:
    file = zoo.file((zoo.world.home / "data" / "vaultpy" / "keystore").read_bytes())
    file.chmod(0o644)
    return zoo.fails(*ADD, env=zoo.with_key(VAULTPY_KEYSTORE_FILE=file))


@leads_to(errors.SessionsLeft, sends=2)
def a_session_in_a_keystore_that_is_locked(zoo: Zoo) -> Told:
    with SecretService.unlocked(zoo.directory()) as service:
        bus = service.environment["DBUS_SESSION_BUS_ADDRESS"]
        state = zoo.directory()
        environment = zoo.env(
            VAULTPY_SESSIONS="keystore", DBUS_SESSION_BUS_ADDRESS=bus, XDG_STATE_HOME=str(state)
        )
        (state / "vaultpy").mkdir(mode=0o700)
        index = zoo.world.home / "state" / "vaultpy" / "index"
        (state / "vaultpy" / "index").write_bytes(index.read_bytes())
        done = zoo.world.vaultpy("exec", *zoo.given_code(), "dev-role", "--", "true", env=environment)
        assert done.returncode == 0, done.stderr
        service.lock()
        return zoo.fails("clear", env=environment)
