"""The keystore contract, on the simulated keystore and on both real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from keystore_contract import BEHAVIOURS

from vaultpy.keystore import open_keystore
from vaultpy.keystore_file import FileKeystore
from vaultpy.keystore_format import Argon2
from vaultpy.simulated.keystore import MemoryKeystore

if TYPE_CHECKING:
    from pathlib import Path

    from keystore_contract import OpenAgain

    from support.keystore_fixtures import Answers
    from support.secret_service import SecretService
    from vaultpy.values import Secret


@pytest.fixture
def simulated() -> OpenAgain:
    keystore: MemoryKeystore[Secret] = MemoryKeystore()
    return lambda: keystore


@pytest.fixture
def encrypted_file(tmp_path: Path, answers: Answers) -> OpenAgain:
    cheap = Argon2(memory=64, passes=1, lanes=1)
    return lambda: FileKeystore(str(tmp_path / "keystore"), {}, answers, cheap)


@pytest.fixture
def system(secret_service: SecretService, monkeypatch: pytest.MonkeyPatch, answers: Answers) -> OpenAgain:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", secret_service.environment["DBUS_SESSION_BUS_ADDRESS"])
    return lambda: open_keystore("system", {}, answers)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
@pytest.mark.parametrize("keystore", ["simulated", "encrypted_file", "system"])
def test_it_keeps_the_contract(keystore: str, behaviour: object, request: pytest.FixtureRequest) -> None:
    assert callable(behaviour)
    behaviour(request.getfixturevalue(keystore))


@pytest.mark.parametrize(
    ("keystore", "name"), [("simulated", "system"), ("encrypted_file", "file"), ("system", "system")]
)
def test_it_tells_the_name_that_opens_it(keystore: str, name: str, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue(keystore)().name == name
