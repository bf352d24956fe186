"""What is made from the code and kept beside it is what would be made today; if not: `make generate`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import generate
import house
import man_page
import pytest
from command_tree import commands

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "man" / "vaultpy.1"


@pytest.mark.parametrize("name", sorted(generate.MADE))
def test_it_is_current(name: str) -> None:
    """Or else: make generate."""
    assert (ROOT / name).read_text(encoding="utf-8") == generate.MADE[name](), "stale: make generate"


def test_the_manual_page_has_every_command_and_option_of_the_help() -> None:
    text = man_page.text().replace("\\-", "-")
    for command in commands():
        if command.name and not command.is_group:
            assert f"\n.SS {command.name}" in text
            assert command.summary.split()[0] in text
        assert all(f"\\fB{name}\\fR" in text for option in command.options for name in option.names)


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_finds_nothing_wrong_with_it() -> None:
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", PAGE], capture_output=True, text=True, check=False
    )
    # A date would be that of a release, which the page does not know.
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_shows_it_without_a_warning() -> None:
    environ = os.environ | {
        "MANWIDTH": "100",
        "LC_ALL": "C.UTF-8",
        "MANPAGER": "cat",
        "MAN_KEEP_FORMATTING": "",
    }
    done = subprocess.run(
        ["man", "--warnings", "--local-file", PAGE], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "become a command" not in done.stderr
    assert re.search(r"exec PROFILE \[CMD", done.stdout)


def test_the_picture_names_every_module_and_is_xml() -> None:
    nodes = ET.fromstring(house.text()).iter()  # noqa: S314  # our own text
    words = {part for node in nodes for part in (node.text or "").split()}
    names = {path.stem for path in (ROOT / "vaultpy").rglob("*.py")} - {"__init__"}
    assert names <= words
