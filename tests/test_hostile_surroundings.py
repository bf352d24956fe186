"""The installed command among hostile files, variables and answers: nothing of AWS's goes to a stranger.

The stranger listens at 127.0.0.2, which is no loopback address of ours: it has to be confirmed like any host.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vaultpy
from support.hurry import HurriedWorld
from support.pcscd import missing
from support.raw_server import RawServer, saying
from support.world import BIN
from vaultpy.index import Index
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
STRANGER = "127.0.0.2"
EXEC = ("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HurriedWorld]:
    with HurriedWorld(tmp_path_factory.mktemp("world"), finger=SteadyFinger()) as world:
        world.enrol()
        yield world


@pytest.fixture
def stranger() -> Iterator[RawServer]:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with saying(lambda: [answer], STRANGER) as server:
        yield server


def run(
    world: HurriedWorld, words: tuple[str, ...], directory: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "vaultpy", *words],
        env=world.environment | more,
        cwd=directory,
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


# ---- the current directory ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory that has a module of every name that could be imported, and programs, too."""
    directory = tmp_path_factory.mktemp("traps")
    ours = {path.stem for path in Path(vaultpy.__file__).parent.rglob("*.py")}
    theirs = {
        file.parts[0].partition(".")[0] for dist in metadata.distributions() for file in dist.files or ()
    }
    for name in {*sys.stdlib_module_names, *ours, *theirs, "sitecustomize", "usercustomize", "vaultpy"}:
        if name.isidentifier():
            (directory / f"{name}.py").write_text("raise SystemExit('loaded from the current directory')")
    for name in ("true", "notify-send", "aws", "aws-vault", "ykman", "xdg-open", "sh"):
        (directory / name).write_text(f"#!/bin/sh\necho {name} of the current directory >&2; exit 99\n")
        (directory / name).chmod(0o755)
    for name in ("config", "credentials", "pyvenv.cfg", ".env", "setup.cfg", "boto.cfg"):
        (directory / name).write_text("[default]\nendpoint_url = http://127.0.0.2:1\n")
    (directory / ".aws").mkdir()
    (directory / ".aws" / "config").write_text("[default]\nendpoint_url = http://127.0.0.2:1\n")
    return directory


HERE = [
    EXEC,
    ("exec", "dev-role", "--", "true"),
    ("list",),
    ("status", "dev-role"),
    ("export", "dev-role", "--format", "json"),
    ("credential-process", "dev-role"),
    ("login", "dev-role", "--stdout"),
    ("mfa", "list", "dev"),
    ("clear",),
    EXEC,
]


def test_a_directory_full_of_modules_and_programs_changes_nothing(world: HurriedWorld, traps: Path) -> None:
    for words in HERE:
        done = run(world, words, traps)
        assert "current directory" not in done.stdout + done.stderr, words
        assert done.returncode == 0, (words, done.stderr)


def test_run_as_a_module_it_wants_an_isolated_python(world: HurriedWorld, traps: Path) -> None:
    command = [sys.executable, "-m", "vaultpy", "list"]
    taken = subprocess.run(command, env=world.environment, cwd=traps, check=False, capture_output=True)
    assert b"loaded from the current directory" in taken.stderr
    command.insert(1, "-I")
    subprocess.run(command, env=world.environment, cwd=traps, check=True)


# ---- where codes and signatures go -------------------------------------------------------------------


def config_with(world: HurriedWorld, where: str, url: str, directory: Path) -> dict[str, str]:
    """Return the variables that lead AWS's calls to `url`; the files that they name are in `directory`."""
    told = f"endpoint_url = {url}\n"
    lines = Path(world.home, ".aws", "config").read_text(encoding="utf-8")
    variables = {"AWS_ENDPOINT_URL": ""}
    if where.startswith("AWS_"):
        return {where: url}
    if where == "the role's profile":
        lines = lines.replace("[profile dev-role]\n", f"[profile dev-role]\n{told}")
    elif where == "its source":
        lines = lines.replace("[profile dev]\n", f"[profile dev]\n{told}")
    elif where == "services":
        named = "services = evil\n"
        lines = lines.replace("[profile dev]\n", f"[profile dev]\n{named}")
        lines = lines.replace("[profile dev-role]\n", f"[profile dev-role]\n{named}")
        lines += f"[services evil]\nsts =\n  {told}iam =\n  {told}signin =\n  {told}"
    elif where == "an include":
        lines = lines.replace("[profile dev-role]\n", "[profile dev-role]\ninclude_profile = evil\n")
        lines = lines.replace("[profile dev]\n", "[profile dev]\ninclude_profile = evil\n")
        lines += f"[profile evil]\n{told}"
    elif where == "the credentials file":
        (directory / "credentials").write_text(f"[dev]\n{told}[dev-role]\n{told}")
        variables["AWS_SHARED_CREDENTIALS_FILE"] = str(directory / "credentials")
    (directory / "config").write_text(lines)
    return variables | {"AWS_CONFIG_FILE": str(directory / "config")}


PLACES = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "the role's profile",
    "its source",
    "services",
    "an include",
    "the credentials file",
]
DEAD = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "", "NO_PROXY": ""}  # no way out of this computer


@pytest.mark.parametrize("where", PLACES)
def test_wherever_it_is_configured_a_stranger_gets_neither_code_nor_signature(
    world: HurriedWorld, stranger: RawServer, tmp_path: Path, where: str
) -> None:
    variables = config_with(world, where, stranger.url, tmp_path)
    touches = world.yubikey.calculations
    done = run(world, ("exec", "dev-role", "--no-cache", "--", "true"), tmp_path, **variables, **DEAD)
    assert stranger.requests == []
    assert done.returncode == 125
    if f"{stranger.url}, which is not AWS's" in done.stderr:
        assert world.yubikey.calculations == touches, "nobody is asked for a touch that would be spent there"
    else:  # the role's own endpoint is not that of the calls, which go by the source's
        assert "cannot reach sts." in done.stderr


def test_once_confirmed_the_same_host_is_asked(
    world: HurriedWorld, stranger: RawServer, tmp_path: Path
) -> None:
    shutil.copytree(world.home / "state", tmp_path / "state")
    Index(str(tmp_path / "state" / "vaultpy" / "index")).confirm("endpoint", "sts", stranger.url)
    variables = {"XDG_STATE_HOME": str(tmp_path / "state"), "AWS_ENDPOINT_URL": stranger.url}
    run(world, ("exec", "dev-role", "--no-cache", "--", "true"), tmp_path, **variables)
    assert len(stranger.requests) >= 1, "else these tests would see nothing"


VERBS = [
    ("exec", "dev", "--no-cache", "--", "true"),
    ("export", "dev-role", "--no-cache", "--format", "json"),
    ("credential-process", "dev-role", "--no-cache"),
    ("write", "dev-role", "--to", "elsewhere", "--no-cache"),
    ("login", "dev-role", "--stdout", "--no-cache"),
    ("each", "dev-role", "--no-cache", "--", "true"),
    ("rotate", "dev"),
    ("mfa", "list", "dev"),
    ("mfa", "resync", "dev"),
    ("mfa", "remove", "dev", "--yes"),
    ("mfa", "enroll", "dev"),
    ("add", "other", "--env"),
    ("add", "other", "--env", "--force"),
    ("import", "credentials", "--all"),
    ("doctor",),
]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_verb_sends_a_stranger_anything(
    world: HurriedWorld, stranger: RawServer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    key = {"AWS_ACCESS_KEY_ID": "AKIAOTHEREXAMPLE1234", "AWS_SECRET_ACCESS_KEY": world.access_key.secret}
    if words[0] == "import":
        (tmp_path / "credentials").write_text(
            f"[x]\naws_access_key_id = {key['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {'s' * 40}\n"
        )
        key = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    touches = world.yubikey.calculations
    done = world.vaultpy(*words, env=world.environment | DEAD | key | {"AWS_ENDPOINT_URL": stranger.url})
    assert stranger.requests == []
    assert world.yubikey.calculations == touches
    assert done.returncode != 0 or "not AWS's" in done.stderr, done.stdout
    assert "a bug in vaultpy" not in done.stderr


@pytest.mark.parametrize("url", ["{}", "{}/federation", "https://signin.aws.amazon.com@127.0.0.2:1"])
def test_a_console_session_goes_to_no_stranger(world: HurriedWorld, stranger: RawServer, url: str) -> None:
    signin = {"VAULTPY_SIGNIN_ENDPOINT": url.format(stranger.url)}
    done = world.vaultpy("login", "dev-role", "--stdout", env=world.environment | signin)
    assert stranger.requests == []
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_answer_leads_no_request_to_a_stranger(
    world: HurriedWorld, stranger: RawServer, status: int
) -> None:
    location = f"{stranger.url}/?Action=GetCallerIdentity"
    head = f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nx-amz-bucket-region: eu-west-1\r\n"
    with saying(lambda: [f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()]) as aws:
        endpoints = {"AWS_ENDPOINT_URL": aws.url, "VAULTPY_SIGNIN_ENDPOINT": aws.url}
        words = ("exec", "dev-role", "--no-cache", "--", "true")
        done = world.vaultpy(*words, env=world.environment | endpoints)
        assert len(aws.requests) >= 1
    assert stranger.requests == []
    assert done.returncode == 125


def test_a_proxy_that_breaks_tls_gets_nothing(
    world: HurriedWorld, stranger: RawServer, tmp_path: Path
) -> None:
    stranger.said = lambda: [b"HTTP/1.1 200 Connection established\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    variables = {"AWS_ENDPOINT_URL": "", "HTTPS_PROXY": stranger.url, "https_proxy": stranger.url}
    done = run(world, ("exec", "dev-role", "--no-cache", "--", "true"), tmp_path, **variables)
    assert done.returncode == 125
    assert {request.split(b" ", 1)[0] for request in stranger.requests} == {b"CONNECT"}
    seen = b"".join(stranger.requests)
    for part in (b"Authorization", b"TokenCode", b"Signature", world.access_key.id.encode()):
        assert part not in seen


def test_a_proxy_that_could_open_tls_is_not_even_connected_to(
    world: HurriedWorld, stranger: RawServer, tmp_path: Path
) -> None:
    variables = {"AWS_ENDPOINT_URL": "", "HTTPS_PROXY": stranger.url, "AWS_CA_BUNDLE": f"{tmp_path}/own.pem"}
    for words in ("exec dev-role --no-cache -- true", "mfa list dev", "rotate dev"):
        done = run(world, tuple(words.split()), tmp_path, **variables)
        assert "could read MFA codes and sessions" in done.stderr, words
    assert stranger.requests == []


def test_planted_models_lead_nothing_to_a_stranger(
    world: HurriedWorld, stranger: RawServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    for service in ("sts/2011-06-15", "iam/2010-05-08"):
        directory = home / ".aws" / "models" / service
        directory.mkdir(parents=True)
        endpoint = {"conditions": [], "type": "endpoint", "endpoint": {"url": stranger.url}}
        rules = {"version": "1.0", "parameters": {}, "rules": [endpoint]}
        (directory / "endpoint-rule-set-1.json").write_text(json.dumps(rules))
    (home / ".aws" / "models" / "endpoints.json").write_text("{}")
    (home / ".aws" / "models" / "_retry.json").write_text("{}")
    variables = {
        "HOME": str(home),
        "AWS_CONFIG_FILE": str(Path(world.home, ".aws", "config")),
        "AWS_DATA_PATH": str(home / ".aws" / "models"),
    }
    for more in ({}, {"AWS_ENDPOINT_URL": "", **DEAD}):
        done = run(world, ("exec", "dev-role", "--no-cache", "--", "true"), tmp_path, **variables, **more)
        assert stranger.requests == []
        assert done.returncode in {0, 125}, done.stderr
        assert not re.search("a bug in vaultpy", done.stderr)


def test_other_ways_to_write_a_loopback_address_are_strangers_too(
    world: HurriedWorld, tmp_path: Path
) -> None:
    with saying(list) as here:
        port = here.url.rpartition(":")[2]
        for host in (
            "2130706433",
            "0x7f.1",
            "127.1",
            "0",
            "[::ffff:127.0.0.1]",
            "localhost.",
            "127.0.0.1.",
            "user@127.0.0.1",
        ):
            done = run(
                world,
                ("exec", "dev-role", "--no-cache", "--", "true"),
                tmp_path,
                AWS_ENDPOINT_URL=f"http://{host}:{port}",
            )
            assert here.requests == [], host
            assert done.returncode == 125
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # nothing is left there
