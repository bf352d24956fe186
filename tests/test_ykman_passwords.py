"""OATH passwords that ykman remembers are read from its real store, in a home and a keyring of the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.secret_service import SecretService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICE = "r8sd3vQmHXJ0EzG1m4qZ2w"
DERIVED = bytes(range(16))
REMEMBER = """
import sys
from ykman.settings import AppData
store = AppData("oath_keys")
store.put_secret(sys.argv[1], sys.argv[2])
store.write()
"""
REMEMBERED = """
import logging, os, sys
logging.disable()  # as vaultpy does
from support.keystore_fixtures import Answers
from vaultpy.keystore import open_foreign
from vaultpy.ykman_passwords import remembered
found = remembered(sys.argv[1], lambda service: open_foreign(service, os.environ, Answers()))
print(None if found is None else found.hex())
"""
WRAP_KEY = "import keyring; print(keyring.get_password('ykman', 'wrap_key'))"
FORGET_WRAP_KEY = "import keyring; keyring.delete_password('ykman', 'wrap_key')"
NO_KEYRING = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
NOSY = """
from keyring.backends.null import Keyring as Nothing
class Keyring(Nothing):
    def get_password(self, service, username):
        open({told!r}, "w").write(service)
"""


class Computer:
    """A user's home with ykman's store in it, and a keyring."""

    def __init__(self, home: Path, service: SecretService) -> None:
        self.service = service
        self.environment = service.environment
        self.store = home / "data" / "ykman" / "oath_keys.json"

    def run(self, script: str, *words: str, under: str = "", **environment: str) -> str:
        """Run a script there, silent on stderr, and return what it prints; `under` is a command before it."""
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [*under.split(), sys.executable, "-c", script, *words],
            env=self.environment | path | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.strip()

    def ykman_remembers(self, text: str = DERIVED.hex()) -> None:
        """Have ykman remember `text` for DEVICE."""
        self.run(REMEMBER, DEVICE, text)


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    with SecretService.unlocked(tmp_path) as service:
        yield Computer(tmp_path, service)


def test_what_ykman_remembered_is_found(computer: Computer) -> None:
    computer.ykman_remembers()
    assert computer.run(REMEMBERED, DEVICE) == DERIVED.hex()


def test_nothing_is_found_for_another_key_and_the_keyring_is_not_asked(computer: Computer) -> None:
    computer.ykman_remembers()
    assert computer.run(REMEMBERED, "another", **NO_KEYRING) == "None"


def test_where_ykman_remembers_nothing_nothing_is_created(computer: Computer) -> None:
    assert computer.run(REMEMBERED, DEVICE) == "None"
    assert not computer.store.exists()
    assert computer.run(WRAP_KEY) == "None"


def test_a_lost_wrapping_key_is_not_replaced_by_a_new_one(computer: Computer) -> None:
    computer.ykman_remembers()
    computer.run(FORGET_WRAP_KEY)
    assert computer.run(REMEMBERED, DEVICE) == "None"
    assert computer.run(WRAP_KEY) == "None"


def test_a_keyring_that_cannot_be_reached_gives_nothing(computer: Computer) -> None:
    computer.ykman_remembers()
    assert computer.run(REMEMBERED, DEVICE, **NO_KEYRING) == "None"


def test_a_locked_keyring_gives_nothing(computer: Computer) -> None:
    computer.ykman_remembers()
    computer.service.lock()
    assert computer.run(REMEMBERED, DEVICE) == "None"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: strace)")
def test_no_program_is_started_to_find_the_key(computer: Computer, tmp_path: Path) -> None:
    computer.ykman_remembers()
    log = tmp_path / "strace.log"
    strace = f"strace -f -qq -e trace=execve -e signal=none -o {log}"
    assert computer.run(REMEMBERED, DEVICE, under=strace) == DERIVED.hex()
    assert [line.split("execve(")[1].split(",")[0] for line in log.read_text().splitlines()] == [
        f'"{sys.executable}"'
    ]


def test_another_backend_that_is_installed_is_not_asked(computer: Computer, tmp_path: Path) -> None:
    computer.ykman_remembers()
    told = tmp_path / "told"
    (tmp_path / "nosy.py").write_text(NOSY.format(told=str(told)))
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    found = computer.run(REMEMBERED, DEVICE, PYTHONPATH=path, PYTHON_KEYRING_BACKEND="nosy.Keyring")
    assert found == DERIVED.hex()
    assert not told.exists()


def test_a_value_that_is_no_derived_password_gives_nothing(computer: Computer) -> None:
    computer.ykman_remembers("not hexadecimal")
    assert computer.run(REMEMBERED, DEVICE) == "None"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", f'{{"{DEVICE}": 7}}', f'{{"{DEVICE}": "x"}}', f'{{"{DEVICE}": null}}']
)
def test_a_store_that_somebody_else_wrote_gives_nothing(computer: Computer, text: str) -> None:
    computer.ykman_remembers()
    computer.store.write_text(text)
    assert computer.run(REMEMBERED, DEVICE) == "None"
