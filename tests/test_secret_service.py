"""The state of the system keystore is told without a question, and without changing it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.secret_service import SecretService

if TYPE_CHECKING:
    from pathlib import Path

_TELL = """
from vaultpy.errors import KeystoreMissing
from vaultpy.secret_service import state
try:
    print(state())
except KeystoreMissing as error:
    print(error.message)
"""


def told(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _TELL], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.strip()


def test_an_open_keyring_is_open(secret_service: SecretService) -> None:
    assert told(secret_service.environment) == "open"


def test_a_locked_keyring_is_locked_and_stays_so(locked_secret_service: SecretService) -> None:
    environment = locked_secret_service.environment
    assert (told(environment), told(environment)) == ("locked", "locked")


def test_a_locked_keyring_that_could_ask_is_not_let_ask(asking_secret_service: SecretService) -> None:
    assert told(asking_secret_service.environment) == "locked"


def test_where_there_is_no_keyring_yet_nobody_is_asked_to_make_one(tmp_path: Path) -> None:
    SecretService.asking(tmp_path)  # not started: of it only the prompter is used, which never ends
    with SecretService.empty(tmp_path) as service:
        assert told(service.environment) == "empty"


def test_a_bus_without_a_secret_service_has_none(bus_without_secret_service: SecretService) -> None:
    assert told(bus_without_secret_service.environment).startswith("no system keystore answers: ")


@pytest.mark.parametrize("address", ["", "unix:path=/nonexistent", "nonsense"])
def test_no_bus_is_no_keystore(secret_service: SecretService, address: str) -> None:
    environment = secret_service.environment | {"DBUS_SESSION_BUS_ADDRESS": address}
    if not address:
        del environment["DBUS_SESSION_BUS_ADDRESS"]
    assert told(environment).startswith("no system keystore answers: ")
