"""vaultpy as people install it: a wheel built here, put in by today's pip, pipx and uv, each for itself."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


class NotInstalledError(Exception):
    """An installer did not do it; the text is the last of its own words."""


def installed(directory: Path) -> Iterator[tuple[str, Path | NotInstalledError]]:
    """Install into `directory`, all but vaultpy from the package index; return each installer's script."""
    pip, tools = _environment(directory / "pip"), _environment(directory / "tools")
    try:
        _run(f"{pip}/python", "-m", "pip", "install", "--upgrade", "pip")
        _run(f"{pip}/pip", "wheel", "--no-deps", "--wheel-dir", str(directory), str(ROOT))
        _run(f"{tools}/python", "-m", "pip", "install", "pipx", "uv")
    except NotInstalledError as error:
        yield "pip, pipx and uv", error
        return
    (wheel,) = map(str, directory.glob("*.whl"))
    yield "pip", _attempt(f"{pip}/pip", "install", wheel, place=pip)
    pipx, uv = directory / "pipx", directory / "uv"
    places = {"PIPX_HOME": f"{pipx}/home", "PIPX_BIN_DIR": f"{pipx}/bin"}
    yield (
        "pipx",
        _attempt(f"{tools}/pipx", "install", "--python", sys.executable, wheel, place=pipx / "bin", **places),
    )
    places = {"UV_TOOL_DIR": f"{uv}/home", "UV_TOOL_BIN_DIR": f"{uv}/bin"}
    yield (
        "uv",
        _attempt(
            f"{tools}/uv", "tool", "install", "--python", sys.executable, wheel, place=uv / "bin", **places
        ),
    )


def interpreter_of(script: Path) -> str:
    """Return the interpreter that the first line of `script` names, or raise NotInstalledError."""
    line = script.read_bytes().partition(b"\n")[0].decode(errors="replace")
    interpreter = line.removeprefix("#!").strip().partition(" ")[0]
    if "python" not in Path(interpreter).name:
        raise NotInstalledError(f"the first line of {script} names no Python: {line}")
    return interpreter


def _environment(place: Path) -> Path:
    venv.create(place, with_pip=True)
    return place / "bin"


def _attempt(*command: str, place: Path, **more: str) -> Path | NotInstalledError:
    """Return the script that `command` puts into `place`, or why it does not."""
    try:
        _run(*command, **more)
    except NotInstalledError as error:
        return error
    return place / "vaultpy"


def _run(*command: str, **more: str) -> None:
    done = subprocess.run(
        command, env=os.environ | more, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"]
        raise NotInstalledError(words[-1])
