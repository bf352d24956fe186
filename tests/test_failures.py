"""How the main job goes on after something went wrong: nothing is spent, and the next run works.

What each error says, and that it leaves nothing half done, is seen to in test_error_zoo.py.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from yubikit.oath import OathSession

from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN
from vaultpy import errors
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import SteadyFinger
from zoo.keeper import told_by
from zoo.templates import recognized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.world import World
    from vaultpy.errors import VaultpyError

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
EXEC = ("exec", "dev-role", "--", "true")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world with alice's key enrolled, whose YubiKey is touched as soon as it blinks."""
    with HurriedWorld(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        yield world


def told(world: World, *words: str, env: dict[str, str] | None = None) -> type[VaultpyError] | None:
    """Run the command, which must fail; return the error that it tells."""
    done = world.vaultpy(*words, env=env)
    assert done.stdout == ""
    assert done.returncode == (125 if "exec" in words else 1)
    return recognized(told_by(done.stderr, done.returncode, words).lines)


def test_a_locked_key_takes_its_password_at_a_terminal(world: World) -> None:
    session = OathSession(SimulatedConnection(world.yubikey))
    session.set_key(session.derive_key("hunter2"))
    with PseudoTerminal([str(BIN / "vaultpy"), *EXEC], world.environment) as terminal:
        terminal.expect("OATH password of YubiKey 12345678 (not shown): ")
        terminal.type("hunter2\n")
        terminal.expect("remember it in the keystore? [y/N]")
        terminal.type("y\n")
        assert terminal.wait() == 0
    assert "hunter2" not in terminal.screen
    assert world.vaultpy("exec", "--no-cache", "dev-role", "--", "true").returncode == 0


def test_a_key_that_is_plugged_in_late_is_used(world: World) -> None:
    world.card.remove()
    with PseudoTerminal([str(BIN / "vaultpy"), *EXEC], world.environment) as terminal:
        terminal.expect("plug in your YubiKey")
        world.card.insert()
        assert terminal.wait() == 0


def test_a_wrong_secret_that_was_enrolled_unverified_is_found_out_later(world: World) -> None:
    wrong = world.with_key | {"AWS_SECRET_ACCESS_KEY": "x" * 40}
    assert told(world, "add", "--env", "other", env=wrong) is errors.SecretWrong
    assert "other" not in world.vaultpy("list").stdout
    assert world.vaultpy("add", "--env", "--force", "--no-verify", "dev", env=wrong).returncode == 0
    assert told(world, *EXEC) is errors.SecretWrong


def test_a_role_that_does_not_let_the_user_in_costs_no_other_role_a_touch(world: World) -> None:
    other = world.alice.account.role("ops", external_id="wanted")
    config = world.home / ".aws" / "config"
    with config.open("a") as file:
        file.write(f"\n[profile ops]\nrole_arn = {other.arn}\nsource_profile = dev\n")
    assert told(world, "exec", "ops", "--", "true") is errors.RoleDenied
    assert world.vaultpy(*EXEC).returncode == 0
    assert world.yubikey.calculations == 1


def test_without_a_network_no_code_is_spent(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    offline = world.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    assert told(world, *EXEC, env=offline) is errors.Unreachable
    assert world.vaultpy(*EXEC).returncode == 0
