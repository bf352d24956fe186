"""What goes wrong with the main job, by the installed command: two lines, status 125, nothing half done."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
from yubikit.oath import OathSession

from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN, World
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
EXEC = ("exec", "dev-role", "--", "true")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world with alice's key enrolled, whose YubiKey is touched as soon as it blinks."""
    with World(tmp_path, finger=SteadyFinger()) as world:
        world.add()
        yield world


def told(
    world: World, *words: str, status: int = 125, env: dict[str, str] | None = None, stdin: str = ""
) -> str:
    """Run the command, which must fail with `status`; return its two lines."""
    done = world.vaultpy(*words, env=env, stdin=stdin)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    *talk, error, hint = done.stderr.splitlines()
    assert all(line.startswith("vaultpy: ") and ": error: " not in line for line in talk), done.stderr
    assert error.startswith("vaultpy: error: ")
    assert hint.startswith("vaultpy: hint: ")
    return f"{error}\n{hint}"


def sent(world: World) -> list[str]:
    return [call.action for call in world.aws.calls if call.action in {"GetSessionToken", "AssumeRole"}]


def lock(key: SimulatedYubiKey, password: str) -> None:
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key(password))


def test_a_mistyped_profile_names_the_near_miss(world: World) -> None:
    text = told(world, "exec", "dev-rolle", "--", "true")
    assert "no profile dev-rolle in" in text
    assert "did you mean dev-role?" in text


def test_a_command_that_is_missing_is_noticed_before_any_touch(world: World) -> None:
    assert "no-such-command is not found" in told(
        world, "exec", "dev-role", "--", "no-such-command", status=127
    )
    assert world.yubikey.calls == []


def test_a_command_that_is_no_program_is_noticed_before_any_touch(world: World, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a program")
    text = told(world, "exec", "dev-role", "--", str(tmp_path / "notes"), status=126)
    assert "cannot be executed: permission denied" in text
    assert f"chmod +x {tmp_path}/notes" in text
    assert world.yubikey.calls == []


def test_a_wrong_option_is_an_error_of_exec(world: World) -> None:
    assert "no such option: --nonsense" in told(world, "exec", "--nonsense", "dev-role", "true")


def test_a_key_with_another_accounts_seed_is_refused_twice_and_explained(world: World) -> None:
    stranger = SimulatedYubiKey()
    stranger.add_account(world.device.serial, b"another twenty bytes")
    world.plug_in(stranger)
    text = told(world, *EXEC)
    assert f"AWS refused two codes in a row for {world.device.serial}" in text
    assert sent(world) == ["GetSessionToken", "GetSessionToken"]
    assert stranger.calculations == 2


def test_a_code_that_was_used_before_is_refused(world: World) -> None:
    code = world.device.code(time.time())
    assert world.device.spend(code, time.time())
    text = told(world, "exec", "--mfa-token", code, "dev-role", "true")
    assert f"AWS refused that code for {world.device.serial}" in text
    assert "wait for the next code" in text


def test_a_locked_key_without_a_terminal_says_how_to_go_on(world: World) -> None:
    lock(world.yubikey, "hunter2")
    text = told(world, *EXEC)
    assert "OATH on YubiKey 12345678 has a password, and there is no terminal to ask at" in text
    assert "run this once at a terminal" in text
    assert sent(world) == []


def test_a_locked_key_takes_its_password_at_a_terminal(world: World) -> None:
    lock(world.yubikey, "hunter2")
    with PseudoTerminal([str(BIN / "vaultpy"), *EXEC], world.environment) as terminal:
        terminal.expect("OATH password of YubiKey 12345678 (not shown): ")
        terminal.type("hunter2\n")
        terminal.expect("remember it in the keystore? [y/N]")
        terminal.type("y\n")
        assert terminal.wait() == 0
    assert "hunter2" not in terminal.screen
    assert world.vaultpy("exec", "--no-cache", "dev-role", "--", "true").returncode == 0


def test_a_key_that_is_not_plugged_in_is_waited_for_and_then_named(world: World) -> None:
    world.card.remove()
    text = told(world, *EXEC)
    assert "no YubiKey was plugged in within 15 s" in text
    assert "--mfa-token" in text


def test_a_key_that_is_plugged_in_late_is_used(world: World) -> None:
    world.card.remove()
    with PseudoTerminal([str(BIN / "vaultpy"), *EXEC], world.environment) as terminal:
        terminal.expect("plug in your YubiKey")
        world.card.insert()
        assert terminal.wait() == 0


def test_a_key_that_is_pulled_out_while_it_blinks_is_named(tmp_path: Path) -> None:
    with World(tmp_path, finger=PressedFinger()) as world:
        world.add()
        with PseudoTerminal([str(BIN / "vaultpy"), *EXEC], world.environment) as terminal:
            terminal.expect("touch the YubiKey")
            world.card.remove()
            assert terminal.wait() == 125
        assert "error: the YubiKey was pulled out before it answered" in terminal.screen
        assert sent(world) == []


def test_a_key_without_the_account_lists_what_it_has_and_uses_none(world: World) -> None:
    stranger = SimulatedYubiKey()
    stranger.add_account("GitHub:alice", b"twenty bytes of seed")
    world.plug_in(stranger)
    text = told(world, *EXEC)
    assert f"no account for {world.device.serial} on YubiKey 12345678; accounts there: GitHub:alice" in text
    assert stranger.calculations == 0


def test_a_touch_that_never_comes_is_asked_for_three_times(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        impatient = SimulatedYubiKey(finger=NoFinger(), touch_timeout=0.3)
        impatient.add_account(world.device.serial, world.device.seed, touch=True)
        world.add()
        world.plug_in(impatient)
        assert "the YubiKey was not touched, 3 times" in told(world, *EXEC)
        assert impatient.calculations == 3
        assert sent(world) == []


def test_without_pcscd_the_remedy_is_to_install_it(world: World, tmp_path: Path) -> None:
    nowhere = world.environment | {"PCSCLITE_CSOCK_NAME": str(tmp_path / "nothing")}
    text = told(world, *EXEC, env=nowhere)
    assert "the smart card service does not answer" in text
    assert "apt install pcscd" in text


def test_a_wrong_secret_is_told_from_a_wrong_role(world: World) -> None:
    wrong = world.with_key | {"AWS_SECRET_ACCESS_KEY": "x" * 40}
    assert "the secret does not belong to access key" in told(
        world, "add", "--env", "other", env=wrong, status=1
    )
    assert "other" not in world.vaultpy("list").stdout
    assert world.vaultpy("add", "--env", "--force", "--no-verify", "dev", env=wrong).returncode == 0
    assert f"the secret does not belong to access key {world.access_key.id}" in told(world, *EXEC)


def test_a_clock_that_is_an_hour_off_is_named_before_a_code_is_spent(tmp_path: Path) -> None:
    with World(tmp_path, finger=SteadyFinger(), clock=lambda: time.time() + 3630) as world:
        done = world.vaultpy("add", "--env", "--no-verify", "dev", env=world.with_key)
        assert done.returncode == 0
        text = told(world, "exec", "--mfa-serial", world.device.serial, "dev", "--", "true")
        assert "this computer's clock is 1h 00m behind AWS's" in text
        assert "timedatectl set-ntp true" in text
        assert sent(world) == []


def test_a_role_that_does_not_let_the_user_in_is_named(world: World) -> None:
    other = world.alice.account.role("ops", external_id="wanted")
    config = world.home / ".aws" / "config"
    with config.open("a") as file:
        file.write(f"\n[profile ops]\nrole_arn = {other.arn}\nsource_profile = dev\n")
    text = told(world, "exec", "ops", "--", "true")
    assert f"AWS does not let {world.alice.arn} assume {other.arn}" in text
    assert "external_id" in text
    assert world.vaultpy(*EXEC).returncode == 0
    assert world.yubikey.calculations == 1


def test_without_a_network_no_code_is_spent(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    offline = world.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    text = told(world, *EXEC, env=offline)
    assert "cannot reach 127.0.0.1: connection refused" in text
    assert world.vaultpy(*EXEC).returncode == 0


def test_a_locked_keystore_is_no_missing_key(tmp_path: Path) -> None:
    with World(tmp_path, finger=SteadyFinger(), secret_service=True) as world:
        world.add()
        world.secret_service.lock()
        assert "the system keystore is locked" in told(world, *EXEC)
        assert world.yubikey.calculations == 0


def test_a_machine_without_a_keystore_is_told_of_the_encrypted_file(world: World) -> None:
    bare = {name: value for name, value in world.with_key.items() if "KEYSTORE" not in name}
    text = told(world, "add", "--env", "other", env=bare, status=1)
    assert "no system keystore answers" in text
    assert "export VAULTPY_KEYSTORE=file" in text
    assert "other" not in world.vaultpy("list").stdout


def test_a_wrong_passphrase_is_named(world: World, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("not the passphrase\n")
    wrong = world.environment | {"VAULTPY_KEYSTORE_PASSPHRASE_FILE": str(tmp_path / "wrong")}
    assert "the passphrase does not open" in told(world, *EXEC, env=wrong)
    assert world.yubikey.calculations == 0
