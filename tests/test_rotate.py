"""`rotate` by the installed command: real pcscd, real keystore, real terminal, an AWS that verifies."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN, World
from vaultpy.index import Index
from vaultpy.simulated.finger import PressedFinger, SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vaultpy.simulated.aws import Call

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.slow,  # three answers of AWS, two seconds apart
    pytest.mark.timeout(240),
]
VAULTPY = str(BIN / "vaultpy")


@pytest.fixture(params=["file", "gnome-keyring"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Provide a world in which alice's key is enrolled and her finger waits to be told."""
    with World(tmp_path, secret_service=request.param == "gnome-keyring") as world:
        world.enrol()
        yield world


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[World]:
    """Provide a world whose YubiKey is touched as soon as it blinks."""
    with World(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        yield world


def index(world: World) -> Index:
    return Index(str(world.home / "state" / "vaultpy" / "index"))


def codes_sent(world: World) -> int:
    return sum("TokenCode" in call.parameters for call in world.aws.calls)


def assert_one_key(world: World) -> None:
    """AWS has one key, every name has it, and no other is listed."""
    (key_id,) = world.alice.access_keys
    assert {each.access_key_id for each in index(world).enrolments()} == {key_id}
    assert index(world).rotations() == []


def assert_exec_works(world: World) -> None:
    done = world.vaultpy("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")
    assert done.returncode == 0, done.stderr
    assert world.aws.session(done.stdout.strip()).principal.arn.endswith(":assumed-role/dev/alice")


def test_rotate_asks_for_one_touch_and_says_each_step(world: World) -> None:
    assert isinstance(world.finger, PressedFinger)
    world.aws.habits.key_propagation = 1
    old = world.access_key.id
    with PseudoTerminal([VAULTPY, "rotate", "dev"], world.environment) as terminal:
        terminal.expect(f"touch the YubiKey: an MFA session of {world.alice.arn} for dev")
        world.finger.press()
        terminal.expect("s left")
        assert terminal.wait() == 0
    (new,) = world.alice.access_keys
    assert new != old
    steps = [
        f"created access key {new} and stored it",
        f"waiting until all of AWS knows {new}, as a rule 10 to 20 s",
        f"dev has {new} from now on",
        f"{old} is inactive",
    ]
    places = [terminal.screen.index(f"vaultpy: {step}") for step in steps]
    assert places == sorted(places)
    assert terminal.screen.rstrip().endswith(f"dev has access key {new}\r\naccess key {old} is deleted")
    assert (world.yubikey.calculations, codes_sent(world)) == (1, 1)


def test_exec_after_it_works_with_the_new_key_and_one_touch(quick: World) -> None:
    done = quick.vaultpy("rotate", "dev")
    (new,) = quick.alice.access_keys
    lines = [f"dev has access key {new}", f"access key {quick.access_key.id} is deleted"]
    assert (done.returncode, done.stdout.splitlines()) == (0, lines)
    assert quick.yubikey.calculations == 1
    assert_one_key(quick)
    assert_exec_works(quick)
    assert quick.yubikey.calculations == codes_sent(quick) == 2


def test_a_session_at_hand_makes_it_ask_nobody(quick: World) -> None:
    assert_exec_works(quick)
    done = quick.vaultpy("rotate", "dev", "--keep-old")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("stays active in AWS, and vaultpy has forgotten it\n")
    assert quick.yubikey.calculations == codes_sent(quick) == 1


def test_a_key_that_was_enrolled_unasked_is_rotated_too(quick: World) -> None:
    quick.vaultpy("add", "dev", "--force", "--env", "--no-verify", env=quick.with_key)
    done = quick.vaultpy("rotate", "dev")
    assert done.returncode == 0, done.stderr
    assert_one_key(quick)


def test_an_inactive_leftover_is_named_and_deleted_by_the_next_rotate(quick: World) -> None:
    quick.alice.denied_without_mfa.add("iam:DeleteAccessKey")
    done = quick.vaultpy("rotate", "dev")
    assert done.returncode == 0, done.stderr
    assert f"{quick.access_key.id} is inactive; AWS did not let this run delete it" in done.stdout
    assert done.stderr.endswith("vaultpy: warning: it is deleted by the next: vaultpy rotate dev\n")
    again = quick.vaultpy("rotate", "dev")
    assert again.stdout.endswith(f"access key {quick.access_key.id} is deleted\n"), again.stderr
    assert_one_key(quick)


class Hunter:
    """Kills a command when AWS has carried out a call of it and has not answered yet."""

    def __init__(self) -> None:
        self.waits_for = ""
        self.kill: Callable[[], None] = lambda: None

    def hear(self, call: Call) -> None:
        """Strike."""
        if call.action == self.waits_for and call.signed:
            self.waits_for = ""
            self.kill()


def test_what_changes_a_key_waits_for_a_rotation_and_leaves_what_that_made(tmp_path: Path) -> None:
    hunter = Hunter()
    with World(tmp_path, finger=SteadyFinger(), heard=hunter.hear) as world:
        world.enrol()
        world.vaultpy("add", "work", "--env", "--no-verify", env=world.with_key)
        assert_exec_works(world)
        old = world.access_key.id
        add = ["add", "dev", "--force", "--no-verify", "--env"]
        others = [["remove", "dev", "--yes"], ["remove", "work", "--yes"], add, ["rotate", "work"]]
        waiting: list[subprocess.Popen[str]] = []

        def begin() -> None:
            for words in others:
                started = subprocess.Popen(
                    [VAULTPY, *words],
                    env=world.with_key,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
                waiting.append(started)
                assert started.stderr
                assert ", which is changing access keys" in started.stderr.readline()

        hunter.waits_for, hunter.kill = "GetCallerIdentity", begin  # which may be slow to answer
        done = world.vaultpy("rotate", "dev")
        assert done.returncode == 0, done.stderr
        told = [each.communicate(timeout=60)[1] for each in waiting]
        (new,) = world.alice.access_keys
        assert [each.returncode for each in waiting] == [1, 1, 1, 0]
        assert all(f"access key {new} in the place of {old} meanwhile" in text for text in told[:3])
        assert told[3] == f"vaultpy: work got {new} in the place of {old} meanwhile: nothing is left to do\n"
        assert_one_key(world)
        assert_exec_works(world)


@pytest.mark.parametrize(
    "action",
    [
        "CreateAccessKey",
        *(
            pytest.param(action, marks=pytest.mark.long)
            for action in ("GetCallerIdentity", "DeleteAccessKey")
        ),
        "UpdateAccessKey",
    ],
)
def test_killed_between_aws_and_its_answer_it_is_finished_or_taken_back_by_the_next(
    tmp_path: Path, action: str
) -> None:
    hunter = Hunter()
    with World(tmp_path, finger=SteadyFinger(), heard=hunter.hear) as world:
        world.enrol()
        assert_exec_works(world)
        hunter.waits_for = action
        command = [VAULTPY, "rotate", "dev"]
        with subprocess.Popen(command, env=world.environment, start_new_session=True) as process:
            hunter.kill = lambda: os.kill(process.pid, signal.SIGKILL)
            assert process.wait(60) == -signal.SIGKILL
        assert_exec_works(world)
        again = world.vaultpy("rotate", "dev")
        assert again.returncode == 0, again.stderr
        assert "interrupted rotation" in again.stderr or "finishing the rotation" in again.stderr
        assert_one_key(world)
