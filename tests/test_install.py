"""The package as people get it: what is in wheel and sdist, and the main job with each way of installing it.

The long forms install from the package index that pip, pipx and uv are configured with, each for itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installs import installed

from support.pcscd import missing
from support.world import World
from vaultpy import __version__
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DEBIAN = "/usr/bin/python3"
INSTALLERS = ("pip", "pipx", "uv")
INSTALLS_WITHIN = 600

needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def build(source: Path, target: str, directory: Path) -> Path:
    """Build a wheel or an sdist of `source` with the build backend that stands in pyproject.toml."""
    before = set(directory.iterdir())
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(directory)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = set(directory.iterdir()) - before
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a wheel of this code."""
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide an sdist of this code."""
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def test_the_wheel_has_the_code_what_it_reads_and_the_manual_page_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {f"vaultpy/{path.relative_to(ROOT / 'vaultpy')}" for path in (ROOT / "vaultpy").rglob("*.py")}
    data = f"vaultpy-{__version__}.data/data/share/man/man1/vaultpy.1"
    metadata = f"vaultpy-{__version__}.dist-info/"
    others = {name for name in names if not name.startswith(metadata)} - package
    assert others == {"vaultpy/commands.tsv", "vaultpy/py.typed", data}
    assert f"{metadata}licenses/LICENSE" in names


def test_the_sdist_has_what_its_tests_and_its_documentation_need(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    tracked = {
        "Makefile",
        "README.md",
        "docs/install.md",
        "mkdocs.yml",
        "tests/test_install.py",
        "scripts/setup",
    }
    assert tracked <= names
    assert not any(name.startswith((".git/", ".venv/", "build/", "dist/")) for name in names)
    (unpacked,) = tmp_path.iterdir()
    again = tmp_path / "again"
    again.mkdir()
    assert zipfile.ZipFile(build(unpacked, "wheel", again)).testzip() is None


def test_the_same_code_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert build(ROOT, "wheel", tmp_path).read_bytes() == wheel.read_bytes()


# ---- for real --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Install with each of pip, pipx and uv; provide their scripts."""
    found = {}
    for name, script in installed(tmp_path_factory.mktemp("installed")):
        if isinstance(script, Exception):
            raise script
        found[name] = script
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Provide a world whose keystore is the encrypted file."""
    with World(tmp_path, finger=SteadyFinger(0.2)) as world:
        yield world


def does_the_main_job(script: Path, world: World) -> None:
    """Enrol into the encrypted file, become a command by a touch, and again without one."""

    def run(*words: str, env: dict[str, str]) -> str:
        done = subprocess.run(
            [script, *words], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    environ = world.environment
    assert run("--version", env=environ) == f"vaultpy {__version__}\n"
    run("add", "dev", "--env", "--role", f"dev-role={world.role.arn}", env=world.with_key)
    assert run("exec", "dev-role", "--", "printenv", "VAULTPY", env=environ) == "dev-role\n"
    touches = world.yubikey.calculations
    run("exec", "dev-role", "--", "true", env=environ)
    assert world.yubikey.calculations == touches
    assert "complete" in run("shell-init", "bash", env=environ)
    run("clear", env=environ)


@needs_pcscd
@pytest.mark.long
@pytest.mark.timeout(INSTALLS_WITHIN)
@pytest.mark.parametrize("installer", INSTALLERS)
def test_what_an_installer_makes_of_the_wheel_does_the_main_job(
    installer: str, scripts: dict[str, Path], world: World
) -> None:
    does_the_main_job(scripts[installer], world)


def debians_pyscard_missing() -> str | None:
    if not Path(DEBIAN).exists():
        return f"there is no {DEBIAN}"
    done = subprocess.run([DEBIAN, "-c", "import ensurepip, smartcard"], capture_output=True, check=False)
    return "python3-pyscard or python3-venv is not installed (Debian)" if done.returncode else None


@needs_pcscd
@pytest.mark.long
@pytest.mark.timeout(INSTALLS_WITHIN)
@pytest.mark.skipif(debians_pyscard_missing() is not None, reason=str(debians_pyscard_missing()))
def test_with_debians_pyscard_no_compiler_is_wanted(wheel: Path, world: World, tmp_path: Path) -> None:
    """Its own cryptography is too old for the encrypted file; the environment brings another."""
    place = tmp_path / "venv"
    subprocess.run([DEBIAN, "-m", "venv", "--system-site-packages", place], check=True)
    without = os.environ | {"CC": "/bin/false", "CXX": "/bin/false"}
    subprocess.run([place / "bin" / "pip", "--quiet", "install", wheel], env=without, check=True)
    show = "import smartcard, cryptography; print(smartcard.__file__); print(cryptography.__file__)"
    files = subprocess.run([place / "bin" / "python", "-c", show], capture_output=True, text=True, check=True)
    pyscard, cryptography = files.stdout.splitlines()
    assert not pyscard.startswith(str(place))
    assert cryptography.startswith(str(place))
    does_the_main_job(place / "bin" / "vaultpy", world)
    assert (world.home / "data" / "vaultpy" / "keystore").exists()
