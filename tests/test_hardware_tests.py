"""The tests for a real key run on a virtual one behind the real pcscd, and leave it as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.keys import SEED
from support.virtual_card import VirtualCard
from vaultpy.simulated.finger import Finger, NoFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from support.pcscd import Pcscd

ROOT = Path(__file__).parent.parent
LEFT_BEHIND = "vaultpy-hardware-test left-behind"
ALLOWED = {"SELECT", "READ CONFIG", "LIST", "PUT", "CALCULATE", "DELETE"}


def plugged_in(finger: Finger) -> SimulatedYubiKey:
    key = SimulatedYubiKey(finger=finger, touch_timeout=0.01)
    key.add_account("GitHub:alice", SEED)
    return key


def run(*options: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "hardware-tests", *options],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def accounts(key: SimulatedYubiKey) -> list[bytes]:
    return list(key._oath.accounts)


def test_they_refuse_to_guess_which_key_they_may_write_to() -> None:
    done = run()
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "name the YubiKey under test: --serial NUMBER" in done.stderr


def test_they_pass_and_leave_no_trace(pcscd: Pcscd) -> None:
    hardware = plugged_in(SteadyFinger())
    hardware.add_account(LEFT_BEHIND, SEED)
    with VirtualCard(hardware, pcscd.readers[0]):
        done = run("--serial", "12345678", environment=pcscd.environment)
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert accounts(hardware) == [b"GitHub:alice"]
    assert {call.name for call in hardware.calls} == ALLOWED


def test_they_leave_no_trace_when_a_test_fails(pcscd: Pcscd) -> None:
    hardware = plugged_in(NoFinger())
    with VirtualCard(hardware, pcscd.readers[0]):
        done = run("--serial", "12345678", environment=pcscd.environment)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert accounts(hardware) == [b"GitHub:alice"]


def test_they_do_nothing_to_another_key(pcscd: Pcscd) -> None:
    hardware = plugged_in(SteadyFinger())
    with VirtualCard(hardware, pcscd.readers[0]):
        done = run("--serial", "87654321", environment=pcscd.environment)
    assert "YubiKey 87654321 is not plugged in" in done.stdout + done.stderr
    assert {call.name for call in hardware.calls} == {"SELECT", "READ CONFIG"}
