"""`mfa enroll` as a user meets it: a terminal, a virtual YubiKey behind pcscd, and AWS."""

from __future__ import annotations

import os
import signal
from base64 import b32encode
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.pcscd import YUBIKEY_READER, missing
from support.pseudo_terminal import PseudoTerminal
from support.virtual_card import VirtualCard
from support.world import BIN
from vaultpy.simulated.finger import PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vaultpy.simulated.aws_accounts import User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

SERIAL = "arn:aws:iam::123456789012:mfa/bob"
SPARE_READER = f"Spare {YUBIKEY_READER}"
VAULTPY = str(BIN / "vaultpy")


class Bobs(HurriedWorld):
    """A world with bob in it, who has an access key, no MFA device, and an empty YubiKey."""

    def __init__(self, directory: Path, finger: PressedFinger | SteadyFinger) -> None:
        super().__init__(directory, finger=finger, readers=(YUBIKEY_READER, SPARE_READER))
        self.bob: User = self.alice.account.user("bob")
        self.bobs_key = self.bob.access_key()
        self.yubikey = SimulatedYubiKey(finger=finger)

    @property
    def with_bobs_key(self) -> dict[str, str]:
        """The environment with bob's access key in it."""
        return self.environment | {
            "AWS_ACCESS_KEY_ID": self.bobs_key.id,
            "AWS_SECRET_ACCESS_KEY": self.bobs_key.secret,
        }

    def add_bob(self) -> str:
        """Enrol bob's access key; return what was said."""
        done = self.vaultpy("add", "bob", "--env", env=self.with_bobs_key)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def at_terminal(self, *words: str) -> PseudoTerminal:
        """Run the command at a terminal."""
        return PseudoTerminal([VAULTPY, *words], self.environment | {"TERM": "dumb"}, size=(50, 500))

    @property
    def config(self) -> str:
        """The text of the config file."""
        return (self.home / ".aws" / "config").read_text()

    def files(self) -> bytes:
        """Return all that is in this home."""
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bobs]:
    """Provide the world, where keys are touched at once."""
    with Bobs(tmp_path, SteadyFinger()) as world:
        yield world


@pytest.fixture
def finger() -> PressedFinger:
    """Provide a finger that waits to be told."""
    return PressedFinger()


@pytest.fixture
def slow_world(tmp_path: Path, finger: PressedFinger) -> Iterator[Bobs]:
    """Provide the world, where a key is touched when the test says so."""
    with Bobs(tmp_path, finger) as world:
        yield world


@pytest.mark.slow  # the proof waits for the next code
def test_one_command_leads_from_no_device_to_an_exec_without_a_touch(world: Bobs) -> None:
    world.add_bob()
    done = world.vaultpy("mfa", "enroll", "bob")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"MFA device {SERIAL} of bob is on YubiKey 12345678",
        f"in {world.home}/.aws/config: [profile bob] has mfa_serial = {SERIAL}",
        "AWS has taken a code of it: bob has an MFA session",
    ]
    assert world.config == f"[profile bob]\nmfa_serial = {SERIAL}\n"
    assert world.yubikey.accounts == {SERIAL: True}
    run = world.vaultpy("exec", "bob", "--role", world.role.arn, "--", "true")
    assert run.returncode == 0, run.stderr
    assert world.yubikey.calculations == 1
    seed = world.bob.account.virtual_devices[SERIAL].seed
    assert seed not in world.files()
    assert b32encode(seed).rstrip(b"=") not in world.files()


@pytest.mark.slow  # the proof waits for the next code
def test_add_at_a_terminal_offers_to_go_on_with_it(world: Bobs) -> None:
    with world.at_terminal("add", "bob") as terminal:
        terminal.expect("access key id: ")
        terminal.type(f"{world.bobs_key.id}\n")
        terminal.expect("(not shown): ")
        terminal.type(f"{world.bobs_key.secret}\n")
        terminal.expect("on the YubiKey that is plugged in? [y/N] ")
        terminal.type("y\n")
        assert terminal.wait(90) == 0, terminal.screen
    assert SERIAL in world.bob.mfa_devices
    assert world.config == f"[profile bob]\nmfa_serial = {SERIAL}\n"


def test_an_offer_that_is_declined_names_the_command_for_later(world: Bobs) -> None:
    with world.at_terminal("add", "bob") as terminal:
        terminal.expect("access key id: ")
        terminal.type(f"{world.bobs_key.id}\n")
        terminal.expect("(not shown): ")
        terminal.type(f"{world.bobs_key.secret}\n")
        terminal.expect("on the YubiKey that is plugged in? [y/N] ")
        terminal.type("\n")
        terminal.expect("to do it later: vaultpy mfa enroll bob")
        assert terminal.wait() == 0
    assert world.bob.account.virtual_devices == {world.device.serial: world.device}


def test_add_offers_nothing_where_no_key_is_plugged_in(world: Bobs) -> None:
    world.card.remove()
    with world.at_terminal("add", "bob") as terminal:
        terminal.expect("access key id: ")
        terminal.type(f"{world.bobs_key.id}\n")
        terminal.expect("(not shown): ")
        terminal.type(f"{world.bobs_key.secret}\n")
        assert terminal.wait() == 0
    assert "plugged in" not in terminal.screen
    world.card.insert()


def test_add_without_questions_offers_nothing(world: Bobs) -> None:
    assert "plugged in" not in world.add_bob()


@pytest.mark.long  # the proof waits for the next code
def test_a_spare_key_is_asked_for_and_gets_the_same_secret(world: Bobs) -> None:
    world.add_bob()
    spare = SimulatedYubiKey(87654321)
    with world.at_terminal("mfa", "enroll", "bob", "--spare") as terminal:
        terminal.expect("plug in the next YubiKey")
        with VirtualCard(spare, world.pcscd.readers[1]):
            assert terminal.wait(90) == 0, terminal.screen
    assert f"{SERIAL} of bob is on YubiKey 12345678 and YubiKey 87654321" in terminal.screen
    assert (world.yubikey.calculations, spare.calculations) == (1, 1)
    assert spare.accounts == {SERIAL: True}


def test_an_administrator_enrols_somebody_elses_key(world: Bobs) -> None:
    world.enrol()
    world.bob.denied |= {"iam:CreateVirtualMFADevice"}
    world.alice.denied_without_mfa |= {"iam:CreateVirtualMFADevice", "iam:EnableMFADevice"}
    with VirtualCard(admins_key(world), world.pcscd.readers[1]):
        world.vaultpy("exec", "dev", "--", "true", "--yubikey", "1").check_returncode()
    done = world.vaultpy("mfa", "enroll", "dev", "--user", "bob", "--yubikey", "12345678")
    assert done.returncode == 0, done.stderr
    assert f"that user's profile wants: mfa_serial = {SERIAL}" in done.stdout
    assert SERIAL in world.bob.mfa_devices
    assert "mfa/bob" not in world.config


def admins_key(world: Bobs) -> SimulatedYubiKey:
    key = SimulatedYubiKey(1)
    key.add_account(world.device.serial, world.device.seed, touch=True)
    return key


@pytest.mark.long  # the proof waits for the next code
def test_a_user_whose_key_is_enrolled_here_too_gets_it_into_their_profile(world: Bobs) -> None:
    world.enrol()
    world.add_bob()
    with VirtualCard(admins_key(world), world.pcscd.readers[1]):
        world.vaultpy("exec", "dev", "--", "true").check_returncode()
    done = world.vaultpy("mfa", "enroll", "dev", "--user", "bob", "--yubikey", "12345678")
    assert done.returncode == 0, done.stderr
    assert f"[profile bob]\nmfa_serial = {SERIAL}\n" in world.config
    assert "bob has an MFA session" in done.stdout


@pytest.mark.slow  # the proof waits for the next code
def test_the_secret_of_the_console_is_typed_unseen_and_two_codes_are_shown(world: Bobs) -> None:
    world.add_bob()
    device = world.bob.account.virtual_device("bob")
    secret = b32encode(device.seed).decode()
    with world.at_terminal("mfa", "enroll", "bob", "--secret") as terminal:
        terminal.expect("(not shown): ")
        terminal.type(f"{secret}\n")
        terminal.expect("has the console taken both codes? [y/N] ")
        hand_over(world, device, terminal.screen)
        terminal.type("y\n")
        assert terminal.wait(90) == 0, terminal.screen
    assert secret not in terminal.screen
    assert world.config == f"[profile bob]\nmfa_serial = {SERIAL}\n"
    assert world.yubikey.accounts == {SERIAL: True}


def hand_over(world: Bobs, device: MfaDevice, screen: str) -> None:
    """Give AWS the two codes on the screen, as the console does."""
    (line,) = (line for line in screen.splitlines() if "first code: " in line)
    first, second = (part.strip()[:6] for part in line.split("code: ")[1:])
    assert device.synchronize([first, second], world.aws.clock())
    world.bob.mfa_devices[device.serial] = device


ENDS: dict[str, Callable[[PseudoTerminal], None]] = {
    "Ctrl-C": lambda terminal: terminal.type("\x03"),
    "SIGTERM": lambda terminal: os.kill(terminal.pid, signal.SIGTERM),
    "SIGHUP": lambda terminal: os.kill(terminal.pid, signal.SIGHUP),
    "a terminal that is closed": lambda terminal: terminal.close(),
}
STATUSES = (-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGHUP)


def test_whatever_ends_it_at_the_touch_leaves_nothing(slow_world: Bobs, finger: PressedFinger) -> None:
    slow_world.add_bob()
    for (name, end), status in zip(ENDS.items(), STATUSES, strict=True):
        with slow_world.at_terminal("mfa", "enroll", "bob") as terminal:
            terminal.expect("touch the YubiKey: ")
            end(terminal)
            finger.press()
            assert terminal.wait() == status, name
        assert SERIAL not in slow_world.bob.account.virtual_devices, name
        assert slow_world.yubikey.accounts == {}, name


def test_of_two_keys_the_one_that_the_profile_names_is_written_to(world: Bobs) -> None:
    world.add_bob()
    config = world.home / ".aws" / "config"
    config.write_text("[profile bob]\nvaultpy_yubikey = 87654321\n")
    world.bob.denied.add("iam:EnableMFADevice")  # it ends there: the proof would wait for the next code
    named = SimulatedYubiKey(87654321, finger=SteadyFinger())
    with VirtualCard(named, world.pcscd.readers[1]):
        done = world.vaultpy("mfa", "enroll", "bob")
    assert f"account {SERIAL} is on YubiKey 87654321, and its code is right" in done.stderr
    assert (world.yubikey.calculations, named.calculations) == (0, 1)


@pytest.mark.long  # the proof waits for the next code
def test_what_a_killed_run_has_left_the_next_one_asks_about(slow_world: Bobs, finger: PressedFinger) -> None:
    slow_world.add_bob()
    with slow_world.at_terminal("mfa", "enroll", "bob") as terminal:
        finger.wait_until_blinking()
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait() == -signal.SIGKILL
    assert SERIAL in slow_world.bob.account.virtual_devices
    finger.press()
    with slow_world.at_terminal("mfa", "enroll", "bob") as terminal:
        terminal.expect("is nobody's, as after a run that was interrupted: delete it? [y/N] ")
        terminal.type("y\n")
        terminal.expect("for good? [y/N] ")
        terminal.type("y\n")
        finger.press()
        assert terminal.wait(90) == 0, terminal.screen
    assert SERIAL in slow_world.bob.mfa_devices
    assert slow_world.config == f"[profile bob]\nmfa_serial = {SERIAL}\n"


def test_a_mistake_in_the_words_and_a_profile_without_an_access_key_are_two_lines(world: Bobs) -> None:
    for words, message in (
        ("enroll bob --secret --user x", "--secret and --user exclude each other"),
        ("enrol bob", "no such command 'enrol'; did you mean 'enroll'?"),
        ("", "missing command"),
    ):
        done = world.vaultpy("mfa", *words.split())
        assert done.returncode == 2, words
        problem, hint = done.stderr.splitlines()[:2]
        assert problem == f"vaultpy: error: {message}"
        assert hint.startswith("vaultpy: hint: see: vaultpy mfa"), words
    done = world.vaultpy("mfa", "enroll", "bob")
    assert done.returncode == 1
    assert "bob" in done.stderr.splitlines()[0]
