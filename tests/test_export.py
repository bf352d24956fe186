"""`export` gives what `exec`'s command would have, out of the same sessions, to whoever reads its format."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.session_at_hand import session_at_hand
from support.world import ACCOUNT, BIN
from vaultpy.argv import EXPORT_FLAGS, EXPORT_VALUES
from vaultpy.export import FORMATS
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.world import World

VAULTPY = str(BIN / "vaultpy")
WHOAMI = "aws sts get-caller-identity --query Arn --output text"
ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/alice"
POISON = {
    "AWS_PROFILE": "other",
    "AWS_ROLE_ARN": "x",
    "AWS_SECURITY_TOKEN": "x",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_BEARER_TOKEN_BEDROCK": "x",
}

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world whose YubiKey is touched soon after it blinks, with a session of `dev-role` at hand."""
    with session_at_hand(HurriedWorld(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.1))) as world:
        yield world


def sh(world: World, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-euc", script],
        env=world.environment | more,
        cwd=world.home,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


def test_a_shell_has_what_the_command_of_exec_would_have(world: World) -> None:
    dump = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    exported = sh(world, f'eval "$(vaultpy export dev-role)"; {dump}', **POISON)
    executed = sh(world, f"vaultpy exec dev-role -- {dump}", **POISON)
    here, there = json.loads(exported.stdout), json.loads(executed.stdout)
    assert here["AWS_VAULT"] == "dev-role"
    # The passphrase is the user's own shell's to keep.
    assert {name for name in here if here[name] != there.get(name)} == {"VAULTPY_KEYSTORE_PASSPHRASE_FILE"}
    assert set(there) - set(here) == set()


def test_the_session_of_exec_serves(world: World) -> None:
    before = world.yubikey.calculations
    for name in FORMATS:
        assert world.vaultpy("export", "--format", name, "dev-role").returncode == 0
    assert world.yubikey.calculations == before


def test_the_aws_cli_takes_the_section(world: World) -> None:
    section = (
        "vaultpy export --format ini dev-role > creds; AWS_SHARED_CREDENTIALS_FILE=creds AWS_PROFILE=dev-role"
    )
    done = sh(world, f"{section} AWS_CONFIG_FILE=none {WHOAMI}")
    assert done.stdout.strip() == ARN, done.stderr


def test_json_is_that_of_credential_process(world: World) -> None:
    exported = world.vaultpy("export", "dev-role", "--format", "json")
    assert exported.stdout == world.vaultpy("credential-process", "dev-role").stdout


def test_options_stand_anywhere_and_count(world: World) -> None:
    text = world.vaultpy("export", "--region=eu-west-3", "dev", "--format=dotenv", "--role", "dev").stdout
    assert {"AWS_REGION=eu-west-3", "AWS_DEFAULT_REGION=eu-west-3", "VAULTPY=dev"} <= set(text.splitlines())
    key_id = re.findall(r"^AWS_ACCESS_KEY_ID=(.*)$", text, re.MULTILINE)[0]
    assert world.aws.session(key_id).principal.arn == ARN


def test_settings_of_the_profile_are_exported_as_variables(world: World) -> None:
    config = world.home / ".aws" / "config"
    text = config.read_text()
    try:
        config.write_text(text.replace("[profile dev-role]\n", "[profile dev-role]\nca_bundle = /ca's\n"))
        done = world.vaultpy("export", "dev-role")
        assert "export AWS_CA_BUNDLE='/ca'\\''s'" in done.stdout.splitlines()
    finally:
        config.write_text(text)


@pytest.mark.parametrize(
    ("name", "region"), [(name, region) for name in ("env", "ini") for region in ("a\nb", "a\x1b[2J")]
)
def test_what_a_format_cannot_hold_is_refused_before_the_touch(world: World, name: str, region: str) -> None:
    before = world.yubikey.calculations
    words = ("export", "--no-cache", "--format", name, "--region", region, "dev-role")
    done = world.vaultpy(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot be exported as {name}: it has a control character in it" in done.stderr
    assert world.yubikey.calculations == before


def test_a_region_is_never_a_command(world: World) -> None:
    region = "'; touch executed; $(touch executed)"
    done = sh(world, 'eval "$(vaultpy export --region "$EVIL" dev-role)"; echo "$AWS_REGION"', EVIL=region)
    assert done.stdout == f"{region}\n"
    assert not (world.home / "executed").exists()


def test_on_a_screen_the_user_is_told_how_to_do_without(world: World) -> None:
    for name, words in (
        ("env", 'eval "$(vaultpy export --format env dev-role)"'),
        ("fish", "vaultpy export --format fish dev-role | source"),
        ("powershell", "vaultpy export --format powershell dev-role | Out-String | Invoke-Expression"),
    ):
        with PseudoTerminal(
            [VAULTPY, "export", "--format", name, "dev-role"], world.environment, size=(50, 400)
        ) as terminal:
            assert terminal.wait() == 0
        assert "warning:\x1b[0m this shows secrets; read it unseen: " + words in terminal.screen
        assert "ASIA" in terminal.screen
    assert "warning" not in world.vaultpy("export", "dev-role").stderr


def test_a_screen_gets_no_text_that_could_move_its_cursor_or_reorder_a_line(world: World) -> None:
    command = [VAULTPY, "export", "--region", "a\u202eb", "dev-role"]
    assert "a\u202eb" in world.vaultpy(*command[1:]).stdout
    with PseudoTerminal(command, world.environment, size=(50, 4000)) as terminal:
        assert terminal.wait() == 0
    assert "export AWS_REGION='a\\u202eb'" in terminal.screen


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "missing argument 'PROFILE'"),
        (("dev-role", "aws"), "export takes no command, and there is aws"),
        (("--format", "xml", "dev-role"), f"--format xml is none of {', '.join(FORMATS)}"),
        (("--format=", "dev-role"), f"--format  is none of {', '.join(FORMATS)}"),
        (("--format", "-t", "dev-role"), "--format needs a value"),
    ],
)
def test_wrong_usage_has_status_2(world: World, words: tuple[str, ...], problem: str) -> None:
    done = world.vaultpy("export", *words)
    error, hint = done.stderr.splitlines()
    assert error == f"vaultpy: error: {problem}"
    assert hint == "vaultpy: hint: see: vaultpy export --help"
    assert (done.returncode, done.stdout) == (2, "")


def test_a_failure_prints_nothing_that_a_shell_would_run(world: World) -> None:
    done = world.vaultpy("export", "nobody")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_full_disk_is_told_in_two_lines(world: World) -> None:
    done = sh(world, "vaultpy export dev-role > /dev/full")
    error, hint = done.stderr.splitlines()
    assert error.startswith("vaultpy: error: cannot write to standard output: ")
    assert hint.startswith("vaultpy: hint: ")
    assert done.returncode == 1


def test_a_reader_that_has_gone_is_no_bug(world: World) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stdout:
        done = subprocess.run(
            [VAULTPY, "export", "dev-role"],
            env=world.environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_the_code_may_be_given_and_no_touch_is_asked_for(world: World) -> None:
    before = world.yubikey.calculations
    device = world.alice.mfa_device("typed")
    code = device.code(world.aws.clock())
    words = ("--no-cache", "--mfa-serial", device.serial, "-t", "-", "dev-role")
    done = world.vaultpy("export", *words, stdin=f"{code}\n")
    assert done.stdout.count("export AWS_SESSION_TOKEN=") == 1
    assert world.yubikey.calculations == before


def test_the_help_shows_the_options_that_its_words_are_split_by() -> None:
    shown = subprocess.run([VAULTPY, "export", "--help"], capture_output=True, text=True, check=True)
    options = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", shown.stdout.partition("Options:")[2])
    assert set(options) == EXPORT_FLAGS | EXPORT_VALUES
