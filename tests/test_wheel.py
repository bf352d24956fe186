"""The wheel: the same bytes whenever, wherever and by whomever it is built, and nothing in it but vaultpy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling is not installed (scripts/setup)")

ROOT = Path(__file__).parent.parent
PARTS = ("LICENSE", "README.md", "pyproject.toml", "vaultpy")


def build(directory: Path, *, umask: int, age: float, environment: dict[str, str]) -> Path:
    """Build in a clone of its own, whose files are `age` seconds old; return the wheel."""
    clone = directory / "clone"
    clone.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, clone / part)
    for path in clone.rglob("*"):
        os.utime(path, (path.stat().st_mtime - age,) * 2)
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
    out = directory / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, cwd=clone, env={**os.environ, **environment}, check=True, capture_output=True)
    (wheel,) = out.iterdir()
    return wheel


def test_a_wheel_built_twice_is_the_same(tmp_path: Path) -> None:
    one = build(tmp_path / "one", umask=0o022, age=0, environment={"TZ": "UTC", "LANG": "C"})
    two = build(
        tmp_path / "another/place",
        umask=0o077,
        age=86_400 * 400,
        environment={"TZ": "Asia/Tokyo", "LANG": "C.UTF-8", "PYTHONHASHSEED": "7", "USER": "somebody"},
    )
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_a_wheel_holds_the_package_and_what_describes_it(tmp_path: Path) -> None:
    wheel = zipfile.ZipFile(build(tmp_path, umask=0o022, age=0, environment={}))
    names = set(wheel.namelist())
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "vaultpy").rglob("*") if path.is_file()}
    assert {name for name in names if ".dist-info/" not in name} == {
        name for name in package if "__pycache__" not in name
    }
    described = {name.partition(".dist-info/")[2] for name in names if ".dist-info/" in name}
    assert described == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    (entry,) = (name for name in names if name.endswith("entry_points.txt"))
    assert wheel.read(entry).decode().split() == [
        "[console_scripts]",
        "vaultpy",
        "=",
        "vaultpy.__main__:main",
    ]
