"""Fixtures for all that keeps secrets: real Secret Services, and the questions that a keystore asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.secret_service import SecretService
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Answers:
    """The user's side of a keystore's questions: knows one passphrase, and remembers what was asked."""

    def __init__(self, text: str = "correct horse") -> None:
        self.text = text
        self.asked: list[tuple[str, bool]] = []
        self.told: list[str] = []

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # always called by keyword
        """Answer with the passphrase."""
        self.asked.append((path, new))
        return Secret(self.text)

    def waiting(self, what: str) -> None:
        """Remember what the user was told."""
        self.told.append(what)


@pytest.fixture
def answers() -> Answers:
    """Return a user who knows the passphrase."""
    return Answers()


@pytest.fixture(scope="session")
def secret_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretService]:
    """Yield an unlocked Secret Service, one for all tests: do not lock it."""
    with SecretService.unlocked(tmp_path_factory.mktemp("unlocked")) as service:
        yield service


@pytest.fixture
def locked_secret_service(tmp_path: Path) -> Iterator[SecretService]:
    """Yield a locked Secret Service that cannot ask anybody: there is no display."""
    with SecretService.unlocked(tmp_path) as service:
        service.lock()
        yield service


@pytest.fixture
def asking_secret_service(tmp_path: Path) -> Iterator[SecretService]:
    """Yield a locked Secret Service that asks for its password and never gets an answer."""
    with SecretService.asking(tmp_path) as service:
        service.lock()
        yield service


@pytest.fixture
def empty_secret_service(tmp_path: Path) -> Iterator[SecretService]:
    """Yield a Secret Service that holds no keyring yet."""
    with SecretService.empty(tmp_path) as service:
        yield service


@pytest.fixture
def bus_without_secret_service(tmp_path: Path) -> Iterator[SecretService]:
    """Yield a D-Bus session on which nothing offers a Secret Service."""
    with SecretService.absent(tmp_path) as service:
        yield service
