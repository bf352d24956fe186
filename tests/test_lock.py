"""What is installed to build and to test is locked: each package in one version, by its files' hashes."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

tomllib: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LISTS = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in ("build", "dev")}
WANTED = {
    "build": [*PROJECT["build-system"]["requires"], *PROJECT["dependency-groups"]["build"]],
    "dev": [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]],
}


def locked(text: str) -> dict[str, list[Requirement]]:
    """Return the locked versions of each package; several where a marker tells Python's versions apart."""
    found: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^([^\s#].*?) \\$", text, re.MULTILINE):
        requirement = Requirement(line)
        found.setdefault(requirement.name, []).append(requirement)
    return found


@pytest.mark.parametrize("name", LISTS)
def test_each_package_that_is_wanted_is_locked_with_hashes(name: str) -> None:
    there = locked(LISTS[name])
    for wanted in map(Requirement, WANTED[name]):
        for version in there[wanted.name]:
            (exact,) = version.specifier
            assert exact.operator == "=="
            assert wanted.specifier.contains(exact.version), f"scripts/lock: {wanted}, but {version}"


@pytest.mark.parametrize("name", LISTS)
def test_every_line_is_a_version_or_a_hash_of_it(name: str) -> None:
    lines = [line for line in LISTS[name].splitlines() if not line.startswith("#")]
    assert not lines[0].startswith(" ")
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(" "):
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)
            assert line.endswith("\\") is after.startswith(" ")
        else:
            assert re.fullmatch(r"[a-z0-9.-]+==[\w.+]+( ; [^;]+)? \\", line)
            assert after.startswith("    --hash=")


@pytest.mark.parametrize("name", LISTS)
def test_no_list_says_from_where(name: str) -> None:
    assert not re.search(r"https?:|--(extra-)?index|--find-links|@", LISTS[name])


def test_what_has_no_wheel_for_linux_is_there_as_a_source_with_what_builds_it() -> None:
    assert "pyscard" in locked(LISTS["dev"])
    assert {"setuptools", "swig"} <= set(locked(LISTS["build"]))


@pytest.mark.parametrize("name", LISTS)
def test_every_supported_python_gets_one_version_of_each(name: str) -> None:
    for python in ("3.10", "3.11", "3.12", "3.13"):
        environment = {"python_version": python, "python_full_version": f"{python}.1"}
        for package, versions in locked(LISTS[name]).items():
            fit = [each for each in versions if each.marker is None or each.marker.evaluate(environment)]
            assert len(fit) <= 1, f"{package} on {python}"
