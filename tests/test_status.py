"""`vaultpy status` as prompts, scripts and people meet it, in a home of its own.

The installed command answers a prompt; everything else, forks of a process that has started already.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.forks import forked
from support.pcscd import missing
from support.schemas import assert_promised
from support.secret_service import private_environment
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
SERIAL = "arn:aws:iam::123456789012:mfa/alice"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user whose home is empty, and whose keystore is a file."""
    home = tmp_path / "home"
    environment = private_environment(home)
    passphrase = home / "passphrase"
    passphrase.write_text("the passphrase\n")
    passphrase.chmod(0o600)
    environment["VAULTPY_KEYSTORE"] = "file"
    environment["VAULTPY_KEYSTORE_PASSPHRASE_FILE"] = str(passphrase)
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    return environment


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world in which `dev` and `dev-role` are enrolled, whose YubiKey is touched at once."""
    if reason := missing():
        pytest.skip(reason)
    with World(tmp_path, finger=SteadyFinger()) as world:
        world.enrol()
        yield world


def told(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Return the status and what was said, times left out."""
    assert done.stderr == ""
    return done.returncode, re.sub(r"(\d+[dhms] ?)+left", "TIME left", done.stdout)


def enrol(environment: dict[str, str], config: str) -> None:
    """Enrol a key as `dev` that AWS is not asked about, and write the config."""
    assert forked(environment | KEY, "add", "dev", "--env", "--no-verify").returncode == 0
    with open(f"{environment['HOME']}/.aws/config", "a", encoding="utf-8") as file:  # noqa: PTH123  # appended
        file.write(config)


# ---- touch or not ----------------------------------------------------------------------------------------


def test_a_prompt_learns_whether_exec_would_ask_for_a_touch_and_what_is_left(world: World) -> None:
    ask = "dev-role: exec will ask for a touch\n"
    assert told(world.vaultpy("status", "dev-role")) == (1, ask)
    assert world.vaultpy("exec", "dev-role", "true").returncode == 0
    ready = "dev-role: no touch needed, TIME left; MFA session TIME left\n"
    assert told(world.vaultpy("status", "dev-role")) == (0, ready)
    assert told(world.vaultpy("status")) == (0, "dev: no touch needed, TIME left\n" + ready)
    off = world.environment | {"VAULTPY_SESSIONS": "off"}
    assert told(world.vaultpy("status", "dev-role", env=off)) == (1, ask)
    assert world.vaultpy("clear", "dev-role").returncode == 0
    assert told(world.vaultpy("status")) == (1, "dev: exec will ask for a touch\n" + ask)


def test_no_keystore_key_or_network_is_needed(world: World) -> None:
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    calls = len(world.aws.calls)
    nothing = {name: value for name, value in world.environment.items() if "KEYSTORE" not in name}
    nothing |= {"PCSCLITE_CSOCK_NAME": "/nonexistent", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    world.card.remove()
    done = forked(nothing, "status", "dev-role")
    world.card.insert()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(world.aws.calls) == calls


def test_a_command_of_ours_learns_whose_credentials_it_has(world: World) -> None:
    done = forked(world.environment, "exec", "dev-role", "--", "sh", "-c", "vaultpy status 2>&1; echo $?")
    here, *_, status = re.sub(r"(\d+[dhms] ?)+left", "TIME left", done.stdout).splitlines()
    assert (here, status) == ("here: the credentials of dev-role, TIME left", "0")


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ({}, "here: the credentials of dev"),
        ({"AWS_CREDENTIAL_EXPIRATION": "soon"}, "here: the credentials of dev"),
        (
            {"AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"},
            "here: the credentials of dev, which have ended",
        ),
    ],
)
def test_what_is_not_known_of_the_credentials_at_hand_is_not_said(
    environment: dict[str, str], ends: dict[str, str], said: str
) -> None:
    assert told(forked(environment | ends | {"VAULTPY": "dev"}, "status")) == (0, said + "\n")


# ---- for machines ----------------------------------------------------------------------------------------


def test_the_json_keeps_its_promise_and_the_exit_status_is_the_same(world: World) -> None:
    assert forked(world.environment, "exec", "dev-role", "true").returncode == 0
    config = world.home / ".aws" / "config"
    twin = f"\n[profile direct\x1b[31m]\nrole_arn = {world.role.arn}\nsource_profile = dev\n"
    config.write_text(
        config.read_text() + twin + f"vaultpy_mfa = direct\nmfa_serial = {SERIAL}\n"
        "role_session_name = another\n"
    )
    done = forked(world.environment, "status", "--json")
    shown = json.loads(done.stdout)
    assert_promised("status", shown)
    assert done.returncode == 1
    assert [(one["profile"], one["touch"]) for one in shown] == [
        ("dev", False),
        ("dev-role", False),
        ("direct\x1b[31m", True),
    ]
    assert "\x1b" not in done.stdout
    one = forked(world.environment, "status", "dev-role", "--json")
    assert (one.returncode, json.loads(one.stdout)) == (0, shown[1:2])
    assert_promised("list", json.loads(forked(world.environment, "list", "--json").stdout))


def test_names_with_escape_sequences_are_escaped(environment: dict[str, str]) -> None:
    name = "\x1b]0;owned\x07\u202e"
    enrol(
        environment, f"[profile {name}]\nrole_arn = {SERIAL.replace('mfa', 'role')}\nsource_profile = dev\n"
    )
    done = forked(environment, "status", name)
    assert told(done) == (0, r"\x1b]0;owned\x07\u202e: no touch needed" + "\n")


# ---- nothing there, and errors -----------------------------------------------------------------------------


def test_without_profiles_nothing_would_ask(environment: dict[str, str]) -> None:
    hint = "no profiles that exec can use yet; enrol an access key: vaultpy add NAME\n"
    assert told(forked(environment, "status")) == (0, hint)
    assert told(forked(environment, "status", "--json")) == (0, "[]\n")


@pytest.mark.parametrize(
    ("words", "variables", "problem"),
    [
        (("nobody",), {}, "no profile nobody in "),
        (("lonely",), {}, ""),
        (("",), {}, "PROFILE is empty"),
        (("--bogus",), {}, "no such option: --bogus"),
        (("dev", "extra"), {}, "got unexpected extra argument"),
        ((), {"VAULTPY_SESSIONS": "somewhere"}, ""),
        ((), {"AWS_MFA_SERIAL": "no serial at all"}, ""),
        ((), {"AWS_CONFIG_FILE": "/"}, ""),
    ],
)
def test_every_error_is_two_lines_and_status_3(
    environment: dict[str, str], words: tuple[str, ...], variables: dict[str, str], problem: str
) -> None:
    enrol(environment, "[profile lonely]\nregion = eu-west-1\n")
    done = forked(environment | variables, "status", *words)
    error, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (3, "")
    assert error.startswith(f"vaultpy: error: {problem}")
    assert hint.startswith("vaultpy: hint: ")


def test_a_damaged_index_is_status_3(environment: dict[str, str]) -> None:
    enrol(environment, "")
    with open(f"{environment['HOME']}/state/vaultpy/index", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("garbage")
    assert forked(environment, "status").returncode == 3


def test_a_reader_that_has_gone_is_status_3_and_no_answer(environment: dict[str, str]) -> None:
    # The second program ends only after it has closed the pipe, and the first starts only then.
    script = "{ read -r < go; vaultpy status; echo $? > status; } | { exec <&-; echo > go; }; cat status"
    done = subprocess.run(
        ["bash", "-c", f"cd $HOME && mkfifo go && {script}"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_an_empty_profile_does_not_clear_all_sessions(environment: dict[str, str]) -> None:
    done = forked(environment, "clear", "")
    assert done.returncode == 2
    assert done.stderr == "vaultpy: error: PROFILE is empty\nvaultpy: hint: see: vaultpy clear --help\n"
