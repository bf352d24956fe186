"""A computer without PC/SC: everything that needs no YubiKey works, and the rest says what to install.

The library is hidden for real: in a mount namespace of the command's own an empty file lies over it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from ctypes import CDLL
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.world import BIN, World
from vaultpy.pcsc_install import remedy
from vaultpy.smart_cards import nothing_on_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = [path for root in ("/usr/lib", "/usr/lib64") for path in Path(root).rglob("libpcsclite.so.1")]
WITHOUT = ["unshare", "--map-root-user", "--mount", "sh", "-ec"]
HIDE = 'while [ "$1" != -- ]; do mount --bind /dev/null "$1"; shift; done; shift; exec "$@"'

needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world whose pcscd and YubiKey nobody can reach without the library."""
    with World(tmp_path_factory.mktemp("world")) as world:
        world.enrol()
        yield world


def bare(world: World, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command where the library is not to be had."""
    hidden = [str(path.resolve()) for path in LIBRARIES]
    return subprocess.run(
        [*WITHOUT, HIDE, "sh", *hidden, "--", str(BIN / "vaultpy"), *words],
        env=world.environment if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


@needs_pcscd
def test_what_needs_no_yubikey_works(world: World) -> None:
    key = world.with_key
    for words, env in (
        (("list",), None),
        (("add", "second", "--env"), key),
    ):
        done = bare(world, *words, env=env)
        assert (done.returncode, done.stderr) == (0, ""), words
    assert bare(world, "status", "dev-role").returncode == 1


@needs_pcscd
def test_a_typed_code_works_and_what_a_program_reads_is_clean(world: World) -> None:
    device = world.alice.mfa_device("typed")
    code = ("--mfa-serial", device.serial, "--mfa-token", device.code(time.time()), "--no-cache")
    done = bare(world, "export", "--format", "json", "dev-role", *code)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["Version"] == 1


@needs_pcscd
def test_what_needs_a_yubikey_says_what_to_install_and_nothing_on_stdout(world: World) -> None:
    done = bare(world, "exec", "dev-role", "--no-cache", "--", "true")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.splitlines() == [
        "vaultpy: error: the smart card service does not answer: service not available",
        f"vaultpy: hint: {remedy()}",
    ]


@needs_pcscd
def test_a_listing_of_mfa_devices_is_json_and_nothing_else(world: World) -> None:
    done = bare(world, "mfa", "list", "--json")
    assert isinstance(json.loads(done.stdout), list)
    assert "no YubiKey was looked at" in done.stderr


@needs_pcscd
def test_doctor_names_the_missing_service_and_looks_at_the_rest(world: World) -> None:
    done = bare(world, "doctor")
    assert "failure  the smart card service does not answer" in done.stdout
    assert remedy() in done.stdout
    assert "is in its keystore" in done.stdout


@needs_pcscd
def test_a_pyscard_that_does_not_load_is_told_like_a_missing_service(world: World, tmp_path: Path) -> None:
    broken = tmp_path / "smartcard"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('no _scard here')\n")
    done = subprocess.run(
        [BIN / "python", BIN / "vaultpy", "exec", "dev-role", "--no-cache", "--", "true"],
        env=world.environment | {"PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 125
    assert done.stderr.splitlines() == [
        "vaultpy: error: the smart card service does not answer: pyscard does not load: no _scard here",
        f"vaultpy: hint: {remedy()}",
    ]


def test_what_c_code_says_goes_nowhere_and_what_was_and_will_be_said_arrives(
    capfd: pytest.CaptureFixture[str],
) -> None:
    libc = CDLL(None)
    libc.printf(b"before ")
    with nothing_on_stdout():
        libc.printf(b"lost ")
        os.write(1, b"lost too ")
    libc.printf(b"after")
    libc.fflush(None)
    assert capfd.readouterr().out == "before after"
