"""The system keystore: which backend, what its failures mean, and that nothing secret shows.

What every keystore does stands in contracts/; here a real gnome-keyring fails in every way that it can.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from keyring.backend import KeyringBackend
from keyring.backends.null import Keyring as Renamed
from keyring.errors import PasswordDeleteError, PasswordSetError

from support.secret_service import private_environment
from vaultpy.errors import (
    KeystoreFailed,
    KeystoreInsecure,
    KeystoreLocked,
    KeystoreTimeout,
    KeystoreUnknown,
)
from vaultpy.keystore import KeyringKeystore, open_keystore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.keystore_fixtures import Answers
    from support.secret_service import SecretService

ITEM = "access-key/AKIAIOSFODNN7EXAMPLE"
TEXT = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

_ASK = f"""
import os, sys
from support.keystore_fixtures import Answers
from vaultpy.errors import VaultpyError
from vaultpy.keystore import open_keystore
from vaultpy.values import Secret
answers = Answers()
keystore = open_keystore("system", os.environ, answers)
for name, seconds in zip(("_prompt_after", "_give_up_after"), map(float, sys.argv[2:])):
    setattr(keystore, name, seconds)
try:
    if sys.argv[1] == "set":
        keystore.set({ITEM!r}, Secret({TEXT.reveal()!r}))
    print(keystore.get({ITEM!r}))
except VaultpyError as error:
    print(type(error).__name__, error.message, *answers.told, sep="|")
"""


def in_a_process(
    program: str, environment: Mapping[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """Run `program` as one who has `environment` does; the tests' own modules can be imported."""
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**environment, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def asked(environment: Mapping[str, str], *words: str) -> str:
    """Return what a process gets that asks the system keystore there."""
    return in_a_process(_ASK, environment, *words or ("get",)).stdout.strip()


class _Backend(KeyringBackend):
    """A backend of somebody else's, in memory."""

    priority = -1

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.items.pop((service, username), None)


class _Heir(Renamed):
    """A refused backend under a name of its own."""


class _Mended(Renamed):
    """Stands for a class whose library need not be installed: it replaces what was refused beneath it."""

    __module__ = "keyrings.cryptfile.cryptfile"
    __qualname__ = "CryptFileKeyring"


class _Slow(_Backend):
    """Answers once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.let_go.wait()
        return super().get_password(service, username)


class _Forgetful(_Backend):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password)
        self.items.clear()


class _Stubborn(_Backend):
    """Deletes nothing."""

    def delete_password(self, service: str, username: str) -> None:
        self.get_password(service, username)


class _Failing(_Backend):
    """Fails to store, with the error that it is given; `{}` in its text stands for the secret."""

    def __init__(self, kind: type[BaseException], text: str) -> None:
        super().__init__()
        self.kind = kind
        self.text = text

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password)
        raise self.kind(self.text.format(password))


def keystore_on(
    backend: KeyringBackend, answers: Answers, *, display: bool = True, prompt_after: float = 30.0
) -> KeyringKeystore:
    return KeyringKeystore(
        "system",
        backend,
        answers,
        display=display,
        prompt_after=prompt_after,
        give_up_after=prompt_after + 0.05,
    )


# ---- a real Secret Service ---------------------------------------------------------------------------


def test_an_open_keyring_keeps_the_secret_and_neither_logs_it_nor_loads_another_backend(
    secret_service: SecretService,
) -> None:
    log_all = "import logging; logging.basicConfig(level=0); logging.debug('on')"
    program = f"{log_all}\n{_ASK}\nprint(*(m for m in sys.modules if m.startswith('keyring.backends.')))"
    done = in_a_process(program, secret_service.environment, "set")
    assert "on" in done.stderr
    assert TEXT.reveal() not in done.stdout + done.stderr
    shown, imported = done.stdout.splitlines()
    assert shown == "<secret>"
    assert imported.split() == ["keyring.backends.fail", "keyring.backends.SecretService"]  # no other one
    assert asked(secret_service.environment) == "<secret>"


def test_a_locked_keyring_fails_at_once_where_no_window_is_or_can_open(
    locked_secret_service: SecretService,
) -> None:
    environment = locked_secret_service.environment
    assert asked(environment) == "KeystoreLocked|the system keystore is locked"
    assert asked(environment, "set") == "KeystoreLocked|the system keystore is locked"
    dismissed = "KeystoreDismissed|the question of the system keystore was dismissed"
    assert asked({**environment, "DISPLAY": ":99"}) == dismissed


def test_a_keyring_that_asks_is_announced_and_in_the_end_given_up_and_without_a_display_counts_as_locked(
    asking_secret_service: SecretService,
) -> None:
    environment = asking_secret_service.environment
    assert asked({**environment, "WAYLAND_DISPLAY": "wayland-0"}, "get", "0.5", "1") == (
        "KeystoreTimeout|the system keystore did not answer within 1 s"
        "|the system keystore is asking something: look for its window"
    )
    assert asked(environment, "get", "0.5", "60") == "KeystoreLocked|the system keystore is locked"


def test_a_secret_service_without_a_keyring_says_that_none_can_be_made_without_a_display(
    empty_secret_service: SecretService,
) -> None:
    assert asked(empty_secret_service.environment) == (
        "KeystoreMissing|no system keystore answers: "
        "it holds no keyring yet, and no window can open here to make one"
    )


def test_a_desktop_without_a_secret_service_is_told_so(bus_without_secret_service: SecretService) -> None:
    assert asked(bus_without_secret_service.environment).startswith(
        "KeystoreMissing|no system keystore answers: "
        "InitError: Failed to create the collection: The name org.freedesktop.secrets was not provided"
    )


def test_a_machine_without_d_bus_is_told_so(tmp_path: Path) -> None:
    assert asked(private_environment(tmp_path)) == (
        "KeystoreMissing|no system keystore answers: SecretServiceNotAvailableException: "
        "Environment variable DBUS_SESSION_BUS_ADDRESS is unset"
    )


def test_a_d_bus_that_has_ended_is_told_so(tmp_path: Path) -> None:
    environment = {**private_environment(tmp_path), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/bus"}
    assert asked(environment) == "KeystoreMissing|no system keystore answers: No such file or directory"


# ---- which backend -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("keyring.backends.null.Keyring", "it keeps nothing"),
        ("keyring.backends.fail.Keyring", "it keeps nothing"),
        ("keyring.backends.chainer.ChainerBackend", "it hands secrets to any other backend that it finds"),
        ("keyrings.alt.file.PlaintextKeyring", "it keeps secrets in clear"),
        ("keyrings.alt.file.EncryptedKeyring", "its encryption is weak and notices no change"),
    ],
)
def test_a_backend_that_does_not_protect_is_refused(backend: str, reason: str, answers: Answers) -> None:
    with pytest.raises(KeystoreInsecure) as refused:
        open_keystore(backend, {}, answers)
    assert refused.value.message == f"keyring backend {backend} is refused: {reason}"


def test_another_name_for_a_refused_backend_does_not_help(answers: Answers) -> None:
    assert Renamed.__name__ == "Keyring"
    with pytest.raises(KeystoreInsecure):
        open_keystore(f"{__name__}.Renamed", {}, answers)


def test_a_subclass_of_a_refused_backend_is_refused(answers: Answers) -> None:
    with pytest.raises(KeystoreInsecure) as refused:
        open_keystore(f"{__name__}._Heir", {}, answers)
    told = f"keyring backend {__name__}._Heir is refused: it keeps nothing"
    assert refused.value.message == told


def test_a_backend_that_mends_the_refused_one_beneath_it_serves(answers: Answers) -> None:
    assert open_keystore(f"{__name__}._Mended", {}, answers).name == f"{__name__}._Mended"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gnome", "it is neither system, file nor a dotted path"),
        ("", "it is neither system, file nor a dotted path"),
        ("../evil.Keyring", "it is neither system, file nor a dotted path"),
        ("no_such_package.Keyring", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("keyring.backends.SecretService.Nothing", "AttributeError: module"),
        ("collections.OrderedDict", "it is no subclass of keyring.backend.KeyringBackend"),
        ("keyring.backend.KeyringBackend", "TypeError: Can't instantiate abstract class KeyringBackend"),
    ],
)
def test_a_name_without_a_backend_is_told_so(name: str, reason: str, answers: Answers) -> None:
    with pytest.raises(KeystoreUnknown) as unknown:
        open_keystore(name, {}, answers)
    assert unknown.value.message.startswith(f"{name} names no keyring backend: {reason}")


def test_a_backend_of_somebody_elses_serves_by_its_dotted_path(answers: Answers) -> None:
    keystore = open_keystore(f"{__name__}._Backend", {}, answers)
    keystore.set(ITEM, TEXT)
    assert keystore.get(ITEM) == TEXT
    assert keystore.name == f"{__name__}._Backend"


# ---- what a backend may do ---------------------------------------------------------------------------


def test_an_answer_after_the_question_is_still_taken() -> None:
    backend = _Slow()

    class User:
        def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # always called by keyword
            raise NotImplementedError

        def waiting(self, what: str) -> None:
            assert what == "the system keystore is asking something: look for its window"
            backend.let_go.set()

    keystore = KeyringKeystore("system", backend, User(), display=True, prompt_after=0.05, give_up_after=30.0)
    assert keystore.get(ITEM) is None


def test_a_backend_that_never_answers_is_announced_once_and_given_up(answers: Answers) -> None:
    backend = _Slow()
    with pytest.raises(KeystoreTimeout):
        keystore_on(backend, answers, prompt_after=0.05).get(ITEM)
    backend.let_go.set()
    assert answers.told == ["the system keystore is asking something: look for its window"]


def test_without_a_display_nothing_is_announced_or_waited_for(answers: Answers) -> None:
    backend = _Slow()
    with pytest.raises(KeystoreLocked):
        keystore_on(backend, answers, display=False, prompt_after=0.05).get(ITEM)
    backend.let_go.set()
    assert answers.told == []


def test_a_backend_that_forgets_what_it_took_is_found_out(answers: Answers) -> None:
    with pytest.raises(KeystoreFailed, match="what was stored does not come back"):
        keystore_on(_Forgetful(), answers).set(ITEM, TEXT)


def test_a_backend_that_does_not_delete_is_found_out(answers: Answers) -> None:
    keystore = keystore_on(_Stubborn(), answers)
    keystore.set(ITEM, TEXT)
    with pytest.raises(KeystoreFailed, match="what was deleted still comes back"):
        keystore.delete(ITEM)


@pytest.mark.parametrize("kind", [PasswordSetError, PasswordDeleteError, ValueError, SystemExit])
def test_an_error_that_quotes_the_secret_is_not_passed_on(
    kind: type[BaseException], answers: Answers
) -> None:
    with pytest.raises(KeystoreFailed) as failed:
        keystore_on(_Failing(kind, "cannot store {}"), answers).set(ITEM, TEXT)
    assert failed.value.message == f"the keystore system refused: {kind.__name__}"
    assert TEXT.reveal() not in "".join(traceback.format_exception(failed.value))


def test_the_reason_of_keyring_itself_is_passed_on(answers: Answers) -> None:
    with pytest.raises(KeystoreFailed, match="PasswordSetError: no room"):
        keystore_on(_Failing(PasswordSetError, "no room"), answers).set(ITEM, TEXT)


def test_a_simulated_keystore_fails_as_it_is_told() -> None:
    keystore: MemoryKeystore[Secret] = MemoryKeystore(failure=KeystoreLocked())
    with pytest.raises(KeystoreLocked):
        keystore.get(ITEM)
    assert keystore.asked == 1
