"""The key under test, named on the command line, as pytest's fixture."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from key_under_test import KeyUnderTest, KeyUnusableError

from vaultpy.errors import VaultpyError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOUND = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the key's serial number, and what may be done with it."""
    parser.addoption("--serial", help="serial number of the YubiKey under test, as `ykman list` shows it")
    parser.addoption(
        "--may-set-password",
        action="store_true",
        help="set an OATH password for a moment, if the key has none",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to guess which key may be written to; let signals end the tests in order."""
    if not config.getoption("--serial"):
        raise pytest.UsageError("name the YubiKey under test: --serial NUMBER (see: ykman list)")
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was found out about the key."""
    if findings := config.stash.get(FOUND, []):
        terminalreporter.section("findings")
        for finding in findings:
            terminalreporter.line(finding)


@pytest.fixture(scope="session")
def plugged_in(request: pytest.FixtureRequest) -> Iterator[KeyUnderTest]:
    """Provide the key, without anything of ours before and after."""
    options = request.config
    found = KeyUnderTest(
        str(options.getoption("--serial")), may_set_password=bool(options.getoption("--may-set-password"))
    )
    options.stash[FOUND] = found.findings
    try:
        found.remove_ours()
    except (KeyUnusableError, VaultpyError) as problem:
        pytest.exit(str(problem), returncode=1)
    yield found
    found.remove_ours()


@pytest.fixture
def key(plugged_in: KeyUnderTest) -> Iterator[KeyUnderTest]:
    """Provide the key, and take away afterwards what the test has put on it."""
    yield plugged_in
    plugged_in.remove_ours()
