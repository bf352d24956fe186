"""`rotate` as a user meets it: real pcscd, real keystore, real terminal, an AWS that verifies."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN
from vaultpy.index import Index
from vaultpy.simulated.finger import PressedFinger, SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.world import World
    from vaultpy.simulated.aws import Call

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.slow,  # three answers of AWS, two seconds apart
    pytest.mark.timeout(240),
]
VAULTPY = str(BIN / "vaultpy")


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[World]:
    """Provide a world whose YubiKey is touched as soon as it blinks."""
    with HurriedWorld(tmp_path, finger=SteadyFinger()) as world:
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


def test_rotate_asks_for_one_touch_and_says_each_step_and_exec_works_with_the_new_key(tmp_path: Path) -> None:
    finger = PressedFinger()
    with HurriedWorld(tmp_path, finger=finger) as world:
        world.enrol()
        world.aws.habits.key_propagation = 1
        with PseudoTerminal([VAULTPY, "rotate", "dev"], world.environment) as terminal:
            terminal.expect(f"touch the YubiKey: an MFA session of {world.alice.arn} for dev")
            finger.press()
            terminal.expect("s left")
            assert terminal.wait() == 0
        assert_told(world, terminal.screen)
        assert (world.yubikey.calculations, codes_sent(world)) == (1, 1)
        assert_one_key(world)
        with PseudoTerminal([VAULTPY, "exec", "dev-role", "--", "true"], world.environment) as terminal:
            finger.press()
            assert terminal.wait() == 0
        assert world.yubikey.calculations == codes_sent(world) == 2


def assert_told(world: World, screen: str) -> None:
    """Each step was told, in its order, and at the end what is now."""
    old = world.access_key.id
    (new,) = world.alice.access_keys
    assert new != old
    steps = [
        f"created access key {new} and stored it",
        f"waiting until all of AWS knows {new}, as a rule 10 to 20 s",
        f"dev has {new} from now on",
        f"{old} is inactive",
    ]
    places = [screen.index(f"vaultpy: {step}") for step in steps]
    assert places == sorted(places)
    assert screen.rstrip().endswith(f"dev has access key {new}\r\naccess key {old} is deleted")


def test_a_session_at_hand_makes_it_ask_nobody(tmp_path: Path) -> None:
    with HurriedWorld(tmp_path, finger=SteadyFinger(), secret_service=True) as world:
        world.enrol()
        assert_exec_works(world)
        done = world.vaultpy("rotate", "dev", "--keep-old")
        (new,) = world.alice.access_keys.keys() - {world.access_key.id}
        lines = [f"dev has access key {new}", f"access key {world.access_key.id} stays active in AWS"]
        assert done.returncode == 0, done.stderr
        assert [line.partition(",")[0] for line in done.stdout.splitlines()] == lines
        assert done.stdout.endswith(", and vaultpy has forgotten it\n")
        assert {each.access_key_id for each in index(world).enrolments()} == {new}
        assert world.yubikey.calculations == codes_sent(world) == 1


def test_a_key_enrolled_unasked_is_rotated_and_what_is_left_of_it_deleted_by_the_next_rotate(
    quick: World,
) -> None:
    quick.vaultpy("add", "dev", "--force", "--env", "--no-verify", env=quick.with_key)
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
    with HurriedWorld(tmp_path, finger=SteadyFinger(), heard=hunter.hear) as world:
        world.enrol()
        world.vaultpy("add", "work", "--env", "--no-verify", env=world.with_key)
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


@pytest.mark.parametrize(
    "actions",
    [
        ("CreateAccessKey", "UpdateAccessKey"),
        *(
            pytest.param((action,), marks=pytest.mark.long)
            for action in ("GetCallerIdentity", "DeleteAccessKey")
        ),
    ],
    ids=" ".join,
)
def test_killed_between_aws_and_its_answer_it_is_finished_or_taken_back_by_the_next(
    tmp_path: Path, actions: tuple[str, ...]
) -> None:
    hunter = Hunter()
    with HurriedWorld(tmp_path, finger=SteadyFinger(), heard=hunter.hear) as world:
        world.enrol()
        assert_exec_works(world)
        for action in actions:
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
