"""Many runs at once, by the installed command: one touch, one session, and nobody left behind."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.world import BIN, World
from vaultpy.simulated.finger import PressedFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
SHOW_KEY = ("sh", "-c", "echo $AWS_ACCESS_KEY_ID")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, finger=PressedFinger()) as world:
        world.enrol()
        yield world


def start(world: World) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / "vaultpy", "exec", "dev-role", "--", *SHOW_KEY],
        env=world.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def press(world: World) -> None:
    assert isinstance(world.finger, PressedFinger)
    world.finger.press()


def sent(world: World, action: str) -> int:
    return sum(call.action == action for call in world.aws.calls)


def test_fifty_runs_at_once_cost_one_touch_and_two_calls(world: World) -> None:
    crowd = [start(world) for _ in range(50)]
    press(world)
    ends = [run.communicate(timeout=100) for run in crowd]
    assert {run.returncode for run in crowd} == {0}
    keys = {out for out, _ in ends}
    assert len(keys) == 1
    assert keys.pop().startswith("ASIA")
    assert world.yubikey.calculations == 1
    assert sent(world, "GetSessionToken") == sent(world, "AssumeRole") == 1
    told = [line for _, errors in ends for line in errors.splitlines()]
    assert sum("touch the YubiKey" in line for line in told) <= 1
    assert all("touch the YubiKey" in line or "waiting for process" in line for line in told)


def test_when_the_one_that_asks_is_killed_another_asks(world: World) -> None:
    crowd = [start(world) for _ in range(3)]
    assert isinstance(world.finger, PressedFinger)
    world.finger.wait_until_blinking()
    asking = _who_asks(crowd)
    asking.send_signal(signal.SIGKILL)
    press(world)  # what blinks for the one that was killed
    press(world)
    ends = {run: run.communicate(timeout=100) for run in crowd}
    assert asking.returncode == -signal.SIGKILL
    survivors = [run for run in crowd if run is not asking]
    assert {run.returncode for run in survivors} == {0}
    assert len({ends[run][0] for run in survivors}) == 1
    assert sent(world, "GetSessionToken") == sent(world, "AssumeRole") == 1


def _who_asks(crowd: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Return the run that waits on a second thread for the card: the others poll a lock on their only one."""
    for run in crowd:
        if "\nThreads:\t1\n" not in Path(f"/proc/{run.pid}/status").read_text(encoding="utf-8"):
            return run
    raise AssertionError("nobody reached the card")
