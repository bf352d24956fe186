"""The warm path: the same command as by the long way, or a silent refusal to answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.pcscd import missing
from support.session_at_hand import session_at_hand
from support.world import BIN
from vaultpy import warm
from vaultpy.config import Config
from vaultpy.credentials import Credentials
from vaultpy.index import Index
from vaultpy.kernel_keyring import KernelKeyring, KernelPlace
from vaultpy.plan import Options, make_plan
from vaultpy.sessions import SessionStore
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.world import World

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere sessions are in a keystore"),
]
SHOW = (
    "sh",
    "-c",
    'printf "%s\\n" "$0" "$@"; env -0 | sort -z | tr "\\0" "\\n"',
    "a word",
    "",
    "--debug",
    "$x",
)
PLAIN = [["exec", "dev-role", "--", "true"], ["credential-process", "dev-role"]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world with a session of `dev-role` at hand."""
    with session_at_hand(HurriedWorld(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.1))) as world:
        yield world


def by_the_long_way(world: World, *words: str, env: dict[str, str] | None = None, verb: str = "exec") -> str:
    """Run with `--debug`, which the warm path leaves to the command line."""
    done = world.vaultpy("--debug", verb, *words, env=env)
    assert done.returncode == 0, done.stderr
    assert "session arn:aws:iam::123456789012:role/dev: found" in done.stderr
    return done.stdout


ENVIRONMENTS = [
    {},
    {"AWS_REGION": "us-west-2", "AWS_PROFILE": "other", "AWS_VAULT": "outer", "VAULTPY": "outer"},
    {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"},
    {"VAULTPY_KEYSTORE_PASSPHRASE": "never to be seen", "LC_ALL": "C", "ODD": "a\nb"},
    {"AWS_BEARER_TOKEN_BEDROCK": "never to be seen"},
]


@pytest.mark.parametrize("more", ENVIRONMENTS)
@pytest.mark.parametrize("dashes", [["--"], []])
def test_the_command_gets_the_same_words_and_environment(
    world: World, more: dict[str, str], dashes: list[str]
) -> None:
    environment = world.environment | more
    touches = world.yubikey.calculations
    done = world.vaultpy("exec", "dev-role", *dashes, *SHOW, env=environment)
    assert done.stderr == ""
    assert done.stdout == by_the_long_way(world, "dev-role", *dashes, *SHOW, env=environment)
    assert "AWS_SESSION_TOKEN=" in done.stdout
    assert "never to be seen" not in done.stdout
    assert world.yubikey.calculations == touches


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["list"],
        ["--debug", "exec", "dev-role", "--", "true"],
        ["exec"],
        ["exec", "dev-role"],
        ["exec", "--region", "us-west-2", "dev-role", "--", "true"],
        ["exec", "dev-role", "--no-cache", "--", "true"],
        ["exec", "-s", "dev-role", "--", "true"],
        ["exec", "--nonsense", "dev-role", "true"],
        ["exec", "no-such-profile", "--", "true"],
        ["exec", "dev-role", "--", "no-such-command"],
        ["exec", "dev-role", "--", "/"],
        ["exec", "dev-role", "--", "true\0"],
        ["credential-process"],
        ["credential-process", "dev-role", "true"],
        ["credential-process", "--duration", "1h", "dev-role"],
        ["credential-process", "dev-role", "--no-cache"],
        ["credential-process", "--nonsense", "dev-role"],
        ["credential-process", "no-such-profile"],
        ["credential-process", "dev\0"],
    ],
)
def test_what_is_not_plain_is_left_to_the_command_line(world: World, words: list[str]) -> None:
    assert not warm.run(words, world.environment)


@pytest.mark.parametrize("name", ["VAULTPY_SESSIONS", "VAULTPY_UNHEARD_OF", "AWS_UNHEARD_OF"])
@pytest.mark.parametrize("words", PLAIN)
def test_a_variable_that_it_does_not_know_is_left_to_the_command_line(
    world: World, words: list[str], name: str
) -> None:
    assert not warm.run(words, world.environment | {name: "auto"})


@pytest.mark.parametrize("words", PLAIN)
def test_without_a_session_it_returns_and_says_nothing(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert not warm.run(words, world.environment | {"XDG_STATE_HOME": str(tmp_path)})
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("words", PLAIN)
def test_a_broken_config_is_left_to_the_command_line(world: World, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "config").write_text("[profile\n")
    assert not warm.run(words, world.environment | {"AWS_CONFIG_FILE": str(tmp_path / "config")})


@pytest.mark.parametrize("setting", ["region = eu\0west", "ca_bundle = /a\0b"])
def test_a_setting_that_no_variable_can_hold_is_told_without_a_touch(
    world: World, tmp_path: Path, setting: str
) -> None:
    text = (world.home / ".aws" / "config").read_text()
    (tmp_path / "config").write_text(text.replace("[profile dev-role]", f"[profile dev-role]\n{setting}"))
    environment = world.environment | {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    words = ["exec", "dev-role", "--", "true"]
    assert not warm.run(words, environment)
    touches = world.yubikey.calculations
    for options in ([], ["--no-cache"]):
        done = world.vaultpy("exec", *options, *words[1:], env=environment)
        error, hint = done.stderr.splitlines()
        assert error.startswith("vaultpy: error: profile dev-role: ")
        assert "\\x00" in error
        assert hint == f"vaultpy: hint: correct it in {tmp_path / 'config'}"
        assert done.returncode == 125
    assert world.yubikey.calculations == touches


@pytest.mark.parametrize("more", ENVIRONMENTS)
def test_an_sdk_gets_the_same_json(world: World, more: dict[str, str]) -> None:
    environment = world.environment | more
    touches = world.yubikey.calculations
    done = world.vaultpy("credential-process", "dev-role", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == by_the_long_way(world, "dev-role", env=environment, verb="credential-process")
    assert json.loads(done.stdout)["AccountId"] == "123456789012"
    assert world.yubikey.calculations == touches


def test_the_json_is_written_here(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert warm.run(["credential-process", "dev-role"], world.environment)
    out, err = capfd.readouterr()
    assert json.loads(out)["Version"] == 1
    assert err == ""


@pytest.mark.parametrize(
    ("left", "made_for", "duration", "served"),
    [
        (1000, 3600, 3600, True),
        (800, 3600, 3600, False),
        (800, 900, 900, False),
        (1000, 3600, 900, True),
        (800, 3600, 900, False),
    ],
)
def test_an_sdk_gets_no_session_that_it_would_want_to_be_renewed(  # noqa: PLR0913  # what it has, and wants
    world: World, tmp_path: Path, *, left: int, made_for: int, duration: int, served: bool
) -> None:
    shutil.copytree(world.home / "state", tmp_path / "state")
    config = (world.home / ".aws" / "config").read_text()
    config += "[profile short]\nsource_profile = dev\nrole_arn = arn:aws:iam::123456789012:role/short\n"
    (tmp_path / "config").write_text(f"{config}duration_seconds = {duration}\n")
    environment = world.environment | {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    index = Index(str(tmp_path / "state" / "vaultpy" / "index"))
    sessions = SessionStore(index, [KernelPlace(KernelKeyring())], time.time)
    plan = make_plan(Config.load(environment), index, "short", Options(), environment)
    sessions.put(
        plan.question(2),
        Credentials("ASIASHORT", Secret("secret"), Secret("token"), int(time.time()) + left),
        access_key_id="of this test",
        label="short",
        profile="short",
        duration=made_for,
    )
    try:
        assert sessions.get(plan.question(2), 300) is not None
        assert warm.run(["credential-process", "short"], environment) is served
    finally:
        sessions.forget("of this test")


def test_these_refusals_would_be_noticed(world: World) -> None:
    words = ["exec", "dev-role", "--", "sh", "-c", "exit 7"]
    program = f"import os; from vaultpy import warm; warm.run({words}, os.environ)"
    done = subprocess.run([sys.executable, "-c", program], env=world.environment, check=False, timeout=60)
    assert done.returncode == 7


@pytest.mark.parametrize("words", [*PLAIN, ["list"]])
def test_a_directory_full_of_modules_changes_nothing(world: World, tmp_path: Path, words: list[str]) -> None:
    for name in ("json", "boto3", "typer", "vaultpy", "os", "_signal"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded from the current directory')")
    subprocess.run([BIN / "vaultpy", *words], env=world.environment, cwd=tmp_path, check=True, timeout=60)
