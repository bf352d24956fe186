"""`mfa list`, `code`, `resync` and `remove` as people meet them: a terminal, pcscd and a virtual key."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.schemas import assert_promised
from support.world import BIN
from vaultpy.simulated.finger import PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.world import World

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
VAULTPY = str(BIN / "vaultpy")
SEED = b"twenty bytes of seed"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which alice's key is enrolled and her YubiKey is touched at once."""
    with HurriedWorld(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        yield world


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which alice's finger waits to be told."""
    with HurriedWorld(tmp_path, finger=PressedFinger()) as world:
        world.enrol()
        yield world


def press(world: World) -> None:
    assert isinstance(world.finger, PressedFinger)
    world.finger.press()


def at_a_terminal(world: World, *words: str) -> PseudoTerminal:
    return PseudoTerminal([VAULTPY, "mfa", *words], world.environment, size=(30, 300))


def actions(world: World) -> list[str]:
    return [call.action for call in world.aws.calls]


def spent(world: World) -> list[int]:
    ledger = world.home / "state" / "vaultpy" / "ledger"
    return [int(path.read_text()) for path in ledger.glob("mfa-*") if not path.name.endswith(".lock")]


# ---- list --------------------------------------------------------------------------------------------


def test_list_shows_iams_devices_beside_the_keys_without_a_touch(world: World) -> None:
    fido = world.alice.fido_device("blue")
    world.yubikey.add_account("Amazon Web Services:bob@210987654321", SEED)
    done = world.vaultpy("mfa", "list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [re.split(r" {2,}", line) for line in done.stdout.splitlines()]
    today = time.strftime("%Y-%m-%d", time.gmtime(world.device.enabled_at))
    key = "YubiKey 12345678"
    stranger = "account Amazon Web Services:bob@210987654321; of no MFA device that is known here"
    assert lines == [
        ["PROFILE", "MFA DEVICE", "SINCE", "YUBIKEY", "TOUCH", "REMARK"],
        ["dev", world.device.serial, today, key, "yes", "-"],
        ["dev", fido.serial, today, "-", "-", "FIDO: it cannot serve the API"],
        ["-", "-", "-", key, "no", f"{stranger}; any program here gets its codes without a touch"],
    ]
    assert world.yubikey.calculations == 0
    shown = json.loads(world.vaultpy("mfa", "list", "dev-role", "--json").stdout)
    assert_promised("mfa-list", shown)
    assert [(row["profile"], row["kind"]) for row in shown] == [
        ("dev", "virtual"),
        ("dev", "fido"),
        (None, None),
    ]


def test_list_says_what_is_missing_where_there_is_neither_aws_nor_a_key(world: World) -> None:
    world.card.remove()
    nowhere = world.environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = world.vaultpy("mfa", "list", "--json", env=nowhere)
    world.card.insert()
    shown = json.loads(done.stdout)
    assert_promised("mfa-list", shown)
    assert [(row["mfa_serial"], row["in_iam"], row["yubikey"]) for row in shown] == [
        (world.device.serial, None, None)
    ]
    told = done.stderr.splitlines()
    assert told[0].startswith(
        "vaultpy: warning: AWS does not tell the MFA devices of dev: cannot reach 127.0.0.1"
    )
    assert told[1:] == ["vaultpy: warning: no YubiKey is plugged in"]
    assert done.returncode == 0
    without = nowhere | {"PCSCLITE_CSOCK_NAME": "/nonexistent"}
    assert (
        "no YubiKey was looked at: the smart card service" in world.vaultpy("mfa", "list", env=without).stderr
    )


def test_list_uses_an_mfa_session_at_hand_where_iam_tells_nothing_without(world: World) -> None:
    world.alice.denied_without_mfa.add("iam:ListMFADevices")
    before = world.vaultpy("mfa", "list")
    assert "AWS does not tell the MFA devices of dev: AWS refused: AccessDenied" in before.stderr
    assert world.device.serial in before.stdout
    assert world.vaultpy("exec", "dev", "true").returncode == 0
    touches = world.yubikey.calculations
    after = world.vaultpy("mfa", "list")
    assert after.stderr == ""
    assert world.yubikey.calculations == touches


def test_list_without_anything_says_how_to_begin(world: World) -> None:
    world.plug_in(SimulatedYubiKey())
    nobody = world.environment | {"XDG_STATE_HOME": str(world.home / "elsewhere")}
    done = world.vaultpy("mfa", "list", env=nobody)
    assert done.stdout == "no MFA devices are known; make one: vaultpy mfa enroll PROFILE\n"


# ---- code --------------------------------------------------------------------------------------------


def test_code_prints_six_digits_alone_on_stdout_and_spends_them_without_aws(slow: World) -> None:
    calls = len(slow.aws.calls)
    output = slow.home / "output"
    command = ["sh", "-c", f"exec {VAULTPY} mfa code >{output}"]
    with PseudoTerminal(command, slow.environment, size=(30, 300)) as terminal:
        terminal.expect(f"touch the YubiKey: a code of {slow.alice.arn} for dev")
        terminal.expect("s left")
        press(slow)
        assert terminal.wait() == 0
    [step] = spent(slow)
    assert output.read_text() == slow.device.code(step * 30) + "\n"
    assert slow.device.code(step * 30) not in terminal.screen
    assert len(slow.aws.calls) == calls
    assert "type the six digits" not in terminal.screen


def test_the_code_is_spent_before_it_is_printed_and_exec_takes_the_next(world: World) -> None:
    first = world.vaultpy("mfa", "code", "dev-role")
    assert re.fullmatch(r"\d{6}\n", first.stdout)
    [step] = spent(world)
    assert first.stdout.strip() == world.device.code(step * 30)
    assert world.vaultpy("exec", "dev-role", "true").returncode == 0
    assert world.device.last_step == step + 1


def test_code_needs_to_know_whose(world: World) -> None:
    key = world.alice.access_key()
    env = world.environment | {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    assert world.vaultpy("add", "second", "--env", env=env).returncode == 0
    done = world.vaultpy("mfa", "code")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "vaultpy: error: PROFILE is missing: one of dev, second",
        "vaultpy: hint: see: vaultpy mfa code --help",
    ]
    other = world.alice.mfa_device("other")
    world.yubikey.add_account(other.serial, other.seed, touch=True)
    done = world.vaultpy("mfa", "code", "dev", "--mfa-serial", other.serial, "--yubikey", "12345678")
    assert done.stdout.strip() in {other.code(world.aws.clock() - ago) for ago in (0, 30)}


# ---- resync ------------------------------------------------------------------------------------------


def test_resync_takes_two_touches_and_the_device_serves_again(slow: World) -> None:
    slow.device.out_of_sync = True
    with at_a_terminal(slow, "resync", "dev-role") as terminal:
        terminal.expect(f"touch the YubiKey: resync the MFA device of {slow.alice.arn} for dev")
        press(slow)
        terminal.expect("touch the YubiKey again, AWS wants two codes in a row: resync the MFA device")
        press(slow)
        assert terminal.wait() == 0
    assert f"resynced MFA device {slow.device.serial}" in terminal.screen
    assert not slow.device.out_of_sync
    assert slow.yubikey.calculations == 2
    assert spent(slow) == [slow.device.last_step]
    assert actions(slow)[-1] == "ResyncMFADevice"


def test_resync_is_by_the_access_key_alone(world: World) -> None:
    world.alice.denied_without_mfa.add("iam:ResyncMFADevice")
    done = world.vaultpy("mfa", "resync", "dev")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("with the codes of: vaultpy mfa code dev")
    assert "GetSessionToken" not in actions(world)


# ---- remove ------------------------------------------------------------------------------------------


def test_remove_asks_and_takes_the_device_from_iam_key_and_profile(world: World) -> None:
    config = world.home / ".aws" / "config"
    text = config.read_text()
    with at_a_terminal(world, "remove", "dev") as terminal:
        terminal.expect(f"remove MFA device {world.device.serial} of alice, the only one for codes")
        terminal.type("n\n")
        assert terminal.wait() == 1
    assert world.yubikey.accounts == {world.device.serial: True}
    assert config.read_text() == text
    with at_a_terminal(world, "remove", "dev") as terminal:
        terminal.expect("for good? [y/N] ")
        terminal.type("y\n")
        assert terminal.wait() == 0
    assert (world.yubikey.accounts, world.alice.mfa_devices) == ({}, {})
    assert world.alice.account.virtual_devices == {}
    assert config.read_text() == text.replace(f"mfa_serial = {world.device.serial}\n", "")
    assert world.device.serial not in (world.home / "state" / "vaultpy" / "index").read_text()
    assert world.yubikey.calculations == 0


def test_remove_takes_one_touch_where_the_policies_want_mfa(world: World) -> None:
    world.alice.denied_without_mfa |= {"iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"}
    done = world.vaultpy("mfa", "remove", "dev", "--yes")
    assert (done.returncode, world.yubikey.calculations) == (0, 1)
    assert world.yubikey.accounts == {}


def test_remove_takes_its_touch_while_the_device_still_counts(world: World) -> None:
    world.alice.denied_without_mfa.add("iam:DeleteVirtualMFADevice")
    done = world.vaultpy("mfa", "remove", "dev", "--yes")
    assert (done.returncode, world.yubikey.calculations) == (0, 1), done.stderr
    assert world.device.serial not in world.alice.account.virtual_devices


def test_remove_without_a_terminal_wants_yes(world: World) -> None:
    done = world.vaultpy("mfa", "remove", "dev")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "vaultpy: hint: add --yes if you are sure")
    assert world.yubikey.accounts == {world.device.serial: True}


def test_a_lost_keys_device_is_removed_by_the_spare_and_the_rest_is_named(world: World) -> None:
    spare = world.alice.mfa_device("spare")
    world.alice.denied_without_mfa |= {"iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"}
    config = world.home / ".aws" / "config"
    both = f"vaultpy_mfa_serials = {world.device.serial} {spare.serial}"
    config.write_text(config.read_text().replace(f"mfa_serial = {world.device.serial}", both))
    left = SimulatedYubiKey(87654321, finger=SteadyFinger())
    left.add_account(spare.serial, spare.seed, touch=True)
    world.plug_in(left)
    several = world.vaultpy("mfa", "remove", "dev", "--yes")
    assert several.stderr.splitlines()[-1].endswith("vaultpy mfa remove dev --mfa-serial ARN")
    done = world.vaultpy("mfa", "remove", "dev", "--mfa-serial", world.device.serial, "--yes")
    assert done.returncode == 0, done.stderr
    assert list(world.alice.mfa_devices) == [spare.serial]
    assert left.accounts == {spare.serial: True}
    assert (
        done.stderr.splitlines()[-1]
        == f"vaultpy: warning: take it out of these profiles too, in {config}: dev"
    )


def test_an_administrator_removes_the_device_of_somebody_else(world: World) -> None:
    bob = world.alice.account.user("bob")
    device = bob.mfa_device()
    config = (world.home / ".aws" / "config").read_text()
    done = world.vaultpy("mfa", "remove", "dev", "--user", "bob", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"removed MFA device {device.serial} of bob from IAM\n"
    assert world.yubikey.calculations == 0
    assert bob.mfa_devices == {}
    assert list(world.alice.mfa_devices) == [world.device.serial]
    assert (world.home / ".aws" / "config").read_text() == config


def test_an_administrators_role_removes_the_device_of_somebody_else(world: World) -> None:
    bob = world.alice.account.user("bob")
    device = bob.mfa_device()
    done = world.vaultpy("mfa", "remove", "dev-role", "--user", "bob", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"removed MFA device {device.serial} of bob from IAM\n"
    assert actions(world)[-7:-5] == ["GetSessionToken", "AssumeRole"]
    assert world.yubikey.accounts == {world.device.serial: True}
