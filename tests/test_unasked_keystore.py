"""The system keystore for a cache asks nobody, and keeps nobody waiting."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from keyring.backends.null import Keyring

from support import remembering
from support.pcscd import missing
from support.secret_service import SecretService
from support.world import BIN, World
from vaultpy.errors import KeystoreTimeout
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.unasked_keystore import unasked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["support.keystore_fixtures"]

_ASK = """
from vaultpy.errors import VaultpyError
from vaultpy.unasked_keystore import open_unasked
from vaultpy.values import Secret
keystore = open_unasked()
for ask in (lambda: keystore.set("x", Secret("s")), lambda: keystore.get("x"), lambda: keystore.delete("x")):
    try:
        print(ask())
    except VaultpyError as error:
        print(type(error).__name__)
"""


def asked(service: SecretService) -> list[str]:
    """Return what set, get and delete come to for a process with a display."""
    more = {"DISPLAY": ":99", "PYTHONPATH": ":".join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, "-c", _ASK],
        env=service.environment | more,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()


def test_an_open_keyring_serves(secret_service: SecretService) -> None:
    assert asked(secret_service) == ["None", "<secret>", "None"]


def test_a_locked_keyring_stays_locked_and_its_window_shut(asking_secret_service: SecretService) -> None:
    assert asked(asking_secret_service) == ["KeystoreLocked"] * 3


def test_where_there_is_no_keyring_yet_none_is_made(empty_secret_service: SecretService) -> None:
    assert asked(empty_secret_service) == ["KeystoreMissing"] * 3


def test_without_a_secret_service_there_is_none(bus_without_secret_service: SecretService) -> None:
    assert asked(bus_without_secret_service) == ["KeystoreMissing"] * 3


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Provide an event that never comes while the test lasts."""
    event = threading.Event()
    yield event
    event.set()


def test_a_keystore_that_does_not_answer_is_given_up_soon(never: threading.Event) -> None:
    def look() -> None:
        never.wait()

    keystore = unasked(Keyring(), look, seconds=0.2)  # type: ignore[no-untyped-call]  # keyring's
    with pytest.raises(KeystoreTimeout):
        keystore.get("x")


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_session_that_finds_no_place_costs_neither_a_window_nor_the_touch(tmp_path: Path) -> None:
    (tmp_path / "desktop").mkdir()
    with (
        World(tmp_path, finger=SteadyFinger()) as world,
        SecretService.asking(tmp_path / "desktop") as desktop,
    ):
        world.enrol()
        desktop.lock()
        bus = desktop.environment["DBUS_SESSION_BUS_ADDRESS"]
        done = subprocess.run(
            [BIN / "vaultpy", "exec", "dev-role", "--", "echo", "done"],
            env=world.environment | {"DBUS_SESSION_BUS_ADDRESS": bus, "DISPLAY": ":99"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,  # a keyring's window would be waited for for two minutes
            start_new_session=True,
            check=False,
            preexec_fn=lambda: remembering._refuse_keyring_calls(errno.EPERM),
        )
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
        assert "keystore" not in done.stderr
        assert world.yubikey.calculations == 1
