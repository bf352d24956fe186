"""The main job by the installed command: real pcscd, real keystore, real terminal, an AWS that verifies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.session_at_hand import forget_all, session_at_hand
from support.world import BIN, PASSPHRASE, World
from vaultpy.simulated.finger import PressedFinger, SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
VAULTPY = str(BIN / "vaultpy")


# Which keystore it is matters to few of these tests.
in_every_keystore = pytest.mark.parametrize("world", ["file", "gnome-keyring"], indirect=True)


@pytest.fixture(params=["file", pytest.param("gnome-keyring", marks=pytest.mark.long)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Provide a world in which alice's key is enrolled and her finger waits to be told."""
    with World(tmp_path, secret_service=request.param == "gnome-keyring") as world:
        world.enrol()
        yield world


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world whose YubiKey is touched as soon as it blinks, with a session at hand."""
    with session_at_hand(World(tmp_path_factory.mktemp("quick"), finger=SteadyFinger())) as world:
        yield world


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("built")) as world:
        world.enrol()
        yield world


@pytest.fixture
def shared(built: World) -> World:
    """Provide a world of many tests as `world` is, with a keystore file."""
    forget_all(built)
    return built


def at_a_terminal(world: World, *command: str) -> PseudoTerminal:
    return PseudoTerminal([VAULTPY, "exec", "dev-role", "--", *command], world.environment)


def finger_of(world: World) -> PressedFinger:
    assert isinstance(world.finger, PressedFinger)
    return world.finger


def actions(world: World) -> list[str]:
    return [call.action for call in world.aws.calls]


@in_every_keystore
def test_exec_asks_for_one_touch_and_the_child_is_the_role(world: World) -> None:
    checks = actions(world)
    with at_a_terminal(world, "aws", "sts", "get-caller-identity", "--output", "json") as terminal:
        terminal.expect(f"touch the YubiKey: {world.role.arn} for dev-role")
        terminal.expect("s left")
        finger_of(world).press()
        assert terminal.wait() == 0
    answer = json.loads(terminal.screen[terminal.screen.index("{") : terminal.screen.rindex("}") + 1])
    assert answer["Arn"] == f"arn:aws:sts::{world.alice.account.id}:assumed-role/dev/alice"
    assert world.yubikey.calculations == 1
    assert actions(world)[len(checks) :] == ["GetSessionToken", "AssumeRole", "GetCallerIdentity"]


def test_a_second_exec_asks_nobody_for_anything_and_nothing_readable_lies_in_the_home(shared: World) -> None:
    with at_a_terminal(shared, "printenv", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN") as terminal:
        finger_of(shared).press()
        assert terminal.wait() == 0
    asked, touches = actions(shared), shared.yubikey.calculations
    done = shared.vaultpy("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")
    assert done.stdout.startswith("ASIA")
    assert (done.returncode, done.stderr) == (0, "")
    assert shared.yubikey.calculations == touches
    assert actions(shared) == asked
    secrets = [line.encode() for line in terminal.screen.split()[-2:]] + [shared.access_key.secret.encode()]
    files = [path for path in shared.home.rglob("*") if path.is_file()]
    assert any(path.name == "index" for path in files)
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []


def test_the_prompt_is_seen_also_when_the_output_is_captured(shared: World) -> None:
    read, write = os.pipe()
    command = [VAULTPY, "exec", "dev-role", "--", "sh", "-c", "echo out; echo err >&2"]
    with PseudoTerminal(command, shared.environment, stdout=write) as terminal:
        os.close(write)
        terminal.expect("touch the YubiKey")
        finger_of(shared).press()
        assert terminal.wait() == 0
    with os.fdopen(read) as captured:
        assert captured.read() == "out\nerr\n"


def test_the_child_has_the_exit_status_and_the_pid_of_exec_and_the_code_can_be_given(shared: World) -> None:
    touches = shared.yubikey.calculations
    words = ["exec", "--mfa-token", shared.device.code(time.time()), "dev-role"]
    command = [VAULTPY, *words, "--", "sh", "-c", "echo $$; exit 42"]
    with subprocess.Popen(command, env=shared.environment, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate(timeout=60)
    assert int(out) == process.pid
    assert process.returncode == 42
    assert shared.yubikey.calculations == touches


def test_a_signal_reaches_the_child_itself(quick: World) -> None:
    trap = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    command = [VAULTPY, "exec", "dev-role", "--", "sh", "-c", trap]
    with subprocess.Popen(command, env=quick.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "caught\n"
    assert process.returncode == 9


def test_standard_input_and_output_pass_untouched(quick: World) -> None:
    data = bytes(range(256)) * 4096
    done = subprocess.run(
        [VAULTPY, "exec", "dev-role", "--", "cat"],
        env=quick.environment,
        input=data,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == data


def test_typed_digits_are_taken_while_the_key_blinks(shared: World) -> None:
    before = len(actions(shared))
    with at_a_terminal(shared, "true") as terminal:
        finger_of(shared).wait_until_blinking()
        terminal.expect("type the six digits")
        terminal.type(shared.device.code(time.time()))
        assert terminal.wait() == 0
    assert "GetSessionToken" in actions(shared)[before:]


def test_ctrl_c_during_the_touch_gives_the_prompt_back_at_once(shared: World) -> None:
    before = len(actions(shared))
    with at_a_terminal(shared, "true") as terminal:
        terminal.expect("s left")
        terminal.type("\x03")
        assert terminal.wait() == -signal.SIGINT
        finger_of(shared).wait_until_blinking(within=0)  # it was not waited for
    assert "GetSessionToken" not in actions(shared)[before:]


def test_a_holder_that_is_killed_while_the_key_blinks_stops_nobody(world: World) -> None:
    with at_a_terminal(world, "true") as first:
        finger_of(world).wait_until_blinking()
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
    with at_a_terminal(world, "true") as second:
        second.expect("still blinks for a run that ended")
        finger_of(world).press()
        second.expect("touch the YubiKey")
        finger_of(world).press()
        assert second.wait() == 0


def _searched(log: str, secrets: dict[str, str]) -> list[str]:
    """Return which secrets stand in a trace: in an argv, an environment, or what was written to a file."""
    found = []
    for line in log.splitlines():
        to_a_file = "write" in line and "</" in line and "<socket:" not in line and "<pipe:" not in line
        if "execve(" in line or to_a_file:
            found += [f"{name}: {line[:80]}" for name, secret in secrets.items() if secret in line]
    return found


@in_every_keystore
@pytest.mark.parametrize("verb", ["add", "exec"])
def test_no_secret_reaches_an_argv_an_environment_or_a_clear_file(
    world: World, verb: str, tmp_path: Path
) -> None:
    log = tmp_path / "trace"
    tracer = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-v",
        "-y",
        "-s",
        "1000000",
        "-o",
        str(log),
        "-e",
        "trace=execve,/write,/pwrite",
    ]
    environment = dict(world.environment)
    environment.pop("VAULTPY_KEYSTORE_PASSPHRASE_FILE", None)
    environment["VAULTPY_KEYSTORE_PASSPHRASE"] = PASSPHRASE
    words = ["exec", "dev-role", "--", "sh", "-c", "env >/dev/null; true"]
    if verb == "add":
        words = ["add", "other", "--stdin"]
    given = json.dumps({"AccessKeyId": world.access_key.id, "SecretAccessKey": world.access_key.secret})
    with subprocess.Popen(
        [*tracer, VAULTPY, *words], env=environment, stdin=subprocess.PIPE, text=True, stdout=subprocess.PIPE
    ) as process:
        if verb == "exec":
            finger_of(world).press()
        out, _ = process.communicate(given, timeout=100)
    assert process.returncode == 0, out
    secrets = {"secret": world.access_key.secret, "passphrase": PASSPHRASE}
    first, *rest = log.read_text(errors="replace").splitlines()
    assert "execve(" in first
    assert _searched("\n".join(rest), secrets) == []
    assert any("execve(" in line for line in rest) == (verb == "exec")


def test_the_tracer_would_see_a_secret(tmp_path: Path) -> None:
    log = tmp_path / "trace"
    command = ["strace", "-f", "-v", "-y", "-s", "1000", "-o", str(log), "-e", "trace=execve,/write"]
    script = "import subprocess, sys; subprocess.run(['/bin/true', 'hunter2']); "
    script += "open(sys.argv[1], 'w').write('hunter3')"
    subprocess.run([*command, sys.executable, "-c", script, str(tmp_path / "x")], check=True, timeout=60)
    rest = log.read_text().splitlines()[1:]
    assert len(_searched("\n".join(rest), {"one": "hunter2", "two": "hunter3"})) == 2
