"""The tests for a real key run on a virtual one behind the real pcscd, and leave it as it was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from yubikit.oath import OathSession

from support.keys import SEED
from support.pseudo_terminal import PseudoTerminal
from support.recordings import recorded_exchanges, replay
from support.virtual_card import VirtualCard
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import Finger, NoFinger, PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.pcscd import Pcscd

ROOT = Path(__file__).parent.parent
SERIAL = 12345678
THIS_KEY = ["--serial", str(SERIAL)]
OWNERS = "GitHub:alice"
LEFT_BEHIND = "vaultpy-hardware-test left-behind"
TEST_PASSWORD = "vaultpy-hardware-test"
ASKED = {"SELECT", "READ CONFIG", "LIST", "PUT", "CALCULATE", "DELETE", "RENAME"}
ASKED_WITH_PASSWORD = ASKED | {"SET CODE", "VALIDATE"}
PROMPT = re.compile(r"touch the YubiKey|leave the YubiKey alone")
SCENARIOS = {
    "Select",
    "PutListDelete",
    "PutNameTooLong",
    "CalculateTOTP",
    "CalculateSHA256",
    "CalculateHOTP",
    "CalculateRAW",
    "CalculateMissing",
    "Rename",
    "CalculateRequireTouch",
    "CalculateWithoutTouch",
}


def plugged_in(finger: Finger, touch_timeout: float = 15.0) -> SimulatedYubiKey:
    key = SimulatedYubiKey(SERIAL, finger=finger, touch_timeout=touch_timeout)
    key.add_account(OWNERS, SEED)
    return key


def the_tests(*options: str) -> list[str]:
    plugins = ["-p", "pytest_timeout", "-p", "no:cacheprovider"]
    return [sys.executable, "-m", "pytest", "-v", *plugins, "hardware-tests", *options]


def run(command: list[str], pcscd: Pcscd | None = None) -> subprocess.CompletedProcess[str]:
    """Run without a terminal."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(pcscd),
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )


def environment(pcscd: Pcscd | None) -> dict[str, str]:
    # Other plugins are loaded for nothing, at each of these starts.
    return {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **(pcscd.environment if pcscd else {})}


def at_a_terminal(command: list[str], pcscd: Pcscd) -> PseudoTerminal:
    in_root = ["sh", "-c", 'cd "$0" && exec "$@"', str(ROOT), *command]
    return PseudoTerminal(in_root, environment(pcscd), size=(50, 160))


def attend(terminal: PseudoTerminal, finger: PressedFinger) -> int:
    """Do with the finger what the terminal says, until the command ends; return its status."""
    obeyed = 0
    while terminal._read(60):
        for prompt in PROMPT.findall(terminal.screen)[obeyed:]:
            obeyed += 1
            if prompt.startswith("touch"):
                finger.press()
            else:
                finger.wait_until_blinking()
                finger.abort()
    return terminal.wait()


def accounts(key: SimulatedYubiKey) -> list[str]:
    return [name.decode() for name in key._oath.accounts]


def set_password(key: SimulatedYubiKey, password: str) -> None:
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key(password))


def asked(key: SimulatedYubiKey) -> set[str]:
    return {call.name for call in key.calls}


@pytest.fixture
def finger() -> PressedFinger:
    """Provide a finger that does as it is told."""
    return PressedFinger()


@pytest.fixture
def hardware(pcscd: Pcscd, finger: PressedFinger) -> Iterator[SimulatedYubiKey]:
    """Plug in a key with an account of its owner's."""
    key = plugged_in(finger)
    with VirtualCard(key, pcscd.readers[0]):
        yield key


def test_they_refuse_to_guess_which_key_they_may_write_to() -> None:
    done = run(the_tests())
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "name the YubiKey under test: --serial NUMBER" in done.stderr


def test_they_pass_and_leave_no_trace(
    pcscd: Pcscd, hardware: SimulatedYubiKey, finger: PressedFinger
) -> None:
    with at_a_terminal(the_tests(*THIS_KEY, "--may-set-password"), pcscd) as terminal:
        status = attend(terminal, finger)
    assert status == pytest.ExitCode.OK, terminal.screen
    assert "skipped" not in terminal.screen
    assert "no touch: status 6982 after " in terminal.screen
    assert accounts(hardware) == [OWNERS]
    assert asked(hardware) == ASKED_WITH_PASSWORD
    assert not hardware._oath.protected


def test_they_set_no_password_unless_they_are_told_that_they_may(
    pcscd: Pcscd, hardware: SimulatedYubiKey
) -> None:
    done = run(the_tests(*THIS_KEY, "-k", "password and not guard"), pcscd)
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert "1 skipped" in done.stdout
    assert asked(hardware) <= ASKED


def test_they_leave_no_trace_when_a_test_fails(pcscd: Pcscd) -> None:
    hardware = plugged_in(NoFinger(), touch_timeout=0.5)
    with VirtualCard(hardware, pcscd.readers[0]):
        done = run(the_tests(*THIS_KEY, "-k", "a_touch_gives_the_code or next_step"), pcscd)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "2 failed" in done.stdout
    assert accounts(hardware) == [OWNERS]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_they_leave_no_trace_when_they_are_ended_during_a_touch(
    pcscd: Pcscd, hardware: SimulatedYubiKey, finger: PressedFinger, number: signal.Signals
) -> None:
    with at_a_terminal(the_tests(*THIS_KEY, "-k", "a_touch_gives_the_code"), pcscd) as terminal:
        finger.wait_until_blinking()
        assert len(accounts(hardware)) == 2
        os.kill(terminal.pid, number)
        finger.abort()
        assert terminal.wait() != pytest.ExitCode.OK
    assert accounts(hardware) == [OWNERS]


def test_what_a_killed_run_left_behind_goes_at_the_next_start(
    pcscd: Pcscd, hardware: SimulatedYubiKey
) -> None:
    hardware.add_account(LEFT_BEHIND, SEED)
    hardware.add_account("60/" + LEFT_BEHIND, SEED)
    set_password(hardware, TEST_PASSWORD)
    done = run(the_tests(*THIS_KEY, "-k", "what_is_deleted_is_gone"), pcscd)
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert accounts(hardware) == [OWNERS]
    assert not hardware._oath.protected


def test_a_password_of_the_owners_is_left_alone(pcscd: Pcscd, hardware: SimulatedYubiKey) -> None:
    set_password(hardware, "open sesame")
    done = run(the_tests(*THIS_KEY, "--may-set-password"), pcscd)
    assert done.returncode == 1
    assert "OATH has a password; let ykman know it: ykman oath access remember" in done.stdout + done.stderr
    assert hardware._oath.protected
    assert accounts(hardware) == [OWNERS]


def test_they_do_nothing_to_another_key(pcscd: Pcscd, hardware: SimulatedYubiKey) -> None:
    done = run(the_tests("--serial", "87654321"), pcscd)
    assert "YubiKey 87654321 is not plugged in" in done.stdout + done.stderr
    assert asked(hardware) == {"SELECT", "READ CONFIG"}


# ---- record ------------------------------------------------------------------------------------------


def recorder(directory: Path, serial: str = str(SERIAL)) -> list[str]:
    script = str(ROOT / "hardware-tests" / "record.py")
    return [sys.executable, script, "--serial", serial, "--out", str(directory)]


def test_recordings_say_nothing_of_whose_key_it_was_and_the_simulated_one_is_held_to_them(
    pcscd: Pcscd, hardware: SimulatedYubiKey, finger: PressedFinger, tmp_path: Path
) -> None:
    for number in range(8):  # so many that LIST answers in parts
        hardware.add_account(f"arn:aws:iam::123456789012:mfa/user-{number}", SEED)
    before = accounts(hardware)
    with at_a_terminal(recorder(tmp_path / "out"), pcscd) as terminal:
        assert attend(terminal, finger) == 0, terminal.screen
    assert "vaultpy: the recordings are in " in terminal.screen
    recorded = {
        path.stem.partition("yk-5.4.3-")[2]: path.read_text() for path in (tmp_path / "out").iterdir()
    }
    assert set(recorded) == SCENARIOS
    for name, text in recorded.items():
        finger_there: Finger = NoFinger() if name == "CalculateWithoutTouch" else SteadyFinger()
        conversation = recorded_exchanges(text)
        assert replay(conversation, finger_there) == conversation, name
    everything = "".join(recorded.values())
    assert not [word for word in revealing(hardware) if word in everything]
    assert accounts(hardware) == before
    assert asked(hardware) == ASKED | {"SEND REMAINING"}


def revealing(key: SimulatedYubiKey) -> list[str]:
    """Return what would tell whose key it was, as it would stand in a recording."""
    words = [os.uname().nodename, str(SERIAL), SERIAL.to_bytes(4, "big").hex(), key._oath._salt.hex()]
    return words + [name.encode().hex() for name in accounts(key)]


def test_a_recording_has_the_form_of_those_that_are_shared(
    pcscd: Pcscd, hardware: SimulatedYubiKey, finger: PressedFinger, tmp_path: Path
) -> None:
    with at_a_terminal(recorder(tmp_path), pcscd) as terminal:
        assert attend(terminal, finger) == 0, terminal.screen
    assert hardware.calculations
    head, _, lines = (tmp_path / "yk-5.4.3-Select.txt").read_text().partition("#     start      end method\n")
    assert head == (
        "mockfile\n\nfile version v3\n\nmeta attr.channel.type usb\nmeta yubikey.version 5.4.3\n\n"
    )
    began, selected, ended = lines.splitlines()
    assert began == "on    0.000    0.000 BeginTransaction"
    assert re.fullmatch(
        r"on +\d+\.\d{3} +\d+\.\d{3} Transmit 00a4040007a0000005272101(00)? 79030504037108(00){8}9000",
        selected,
    )
    assert re.fullmatch(r"on +\d+\.\d{3} +\d+\.\d{3} EndTransaction", ended)


def test_a_key_with_a_password_is_not_recorded(
    pcscd: Pcscd, hardware: SimulatedYubiKey, tmp_path: Path
) -> None:
    set_password(hardware, "open sesame")
    done = run(recorder(tmp_path / "out"), pcscd)
    assert done.returncode == 1
    assert done.stderr.startswith("record: error: OATH has a password")
    assert list((tmp_path / "out").iterdir()) == []


def test_another_key_is_not_recorded(pcscd: Pcscd, hardware: SimulatedYubiKey, tmp_path: Path) -> None:
    done = run(recorder(tmp_path / "out", "87654321"), pcscd)
    assert (done.returncode, done.stderr) == (1, "record: error: YubiKey 87654321 is not plugged in\n")
    assert asked(hardware) == {"SELECT", "READ CONFIG"}
