"""The release: workflows that no forge has run yet are well-formed, pinned and modest; a formula is Ruby."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import formula
import pytest
import yaml

from vaultpy import __version__

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent


def test_the_workflows_are_such_by_their_schema() -> None:
    command = [
        str(BIN / "check-jsonschema"),
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, WORKFLOWS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_auditor_of_workflows_finds_nothing() -> None:
    command = [
        str(BIN / "zizmor"),
        "--offline",
        "--no-progress",
        "--persona",
        "auditor",
        str(ROOT / ".github"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_uses_of_others_is_pinned_and_its_shell_is_shell(workflow: Path) -> None:
    text = workflow.read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert all(re.fullmatch(r"\./\S+|[\w/-]+@[0-9a-f]{40}", name) for name in used)
    assert "secrets." not in text
    jobs = yaml.safe_load(text)["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    tests = {name for script in scripts for name in re.findall(r"tests/\w+\.py", script)}
    assert all((ROOT / name).exists() for name in tests)


def script_of(workflow: str, job: str, step: str) -> str:
    """Return the shell of a step."""
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())["jobs"][job]["steps"]
    (script,) = (it["run"] for it in steps if it.get("name") == step)
    return str(script)


def test_the_tag_has_to_be_the_version_and_to_have_a_chapter(tmp_path: Path) -> None:
    (tmp_path / "vaultpy").mkdir()
    (tmp_path / "vaultpy" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [1.2.3] - 2027-01-01\n")
    script = script_of("release.yml", "build", "The tag is the version, and the changelog knows it")
    for tag, status in (("v1.2.3", 0), ("v1.2.4", 1), ("v1.2", 1)):
        environ = {"TAG": tag, "PATH": os.environ["PATH"]}
        done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environ, check=False)
        assert done.returncode == status, tag


def test_the_notes_of_a_release_are_its_chapter_of_the_changelog(tmp_path: Path) -> None:
    chapters = "# Log\n\n## [Unreleased]\n\n## [1.2.3] - 2027-01-01\n\n- New.\n\n## [1.2.2]\n\n- Old.\n"
    (tmp_path / "CHANGELOG.md").write_text(chapters)
    forge = tmp_path / "gh"
    forge.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > asked\n')
    forge.chmod(0o700)
    script = script_of("release.yml", "notes", "A release with this version's chapter of the changelog")
    environ = {"TAG": "v1.2.3", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environ, check=True)
    assert (tmp_path / "notes.md").read_text().split() == ["-", "New."]
    assert (tmp_path / "asked").read_text().split("\n")[:3] == ["release", "create", "v1.2.3"]


def locked(*packages: str) -> object:
    """Return a pylock.toml as uv writes it, of which only what is used is here."""
    return {
        "packages": [
            {
                "name": name,
                "sdist": {
                    "url": f"https://index.example/{name}.tar.gz",
                    "hashes": {"sha256": name.encode().hex()},
                },
            }
            for name in packages
        ]
    }


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Provide the formula of a release of this version, with some of its resources."""
    sdist = tmp_path / f"vaultpy-{__version__}.tar.gz"
    sdist.write_bytes(b"an sdist")
    resources = formula.resources(locked("typer", "cryptography", "boto3", "pyscard", "pydantic-core"))
    environ = {
        "GITHUB_SERVER_URL": "https://forge.example",
        "GITHUB_REPOSITORY": "someone/vaultpy",
        "GITHUB_REF_NAME": f"v{__version__}",
    }
    written = tmp_path / "vaultpy.rb"
    written.write_text(formula.formula(sdist, resources, environ))
    return written


def test_the_formula_has_the_checksums_that_uv_tells_and_leaves_out_what_homebrew_has(filled: Path) -> None:
    text = filled.read_text()
    assert re.findall(r'resource "(.*)" do', text) == ["boto3", "pyscard", "typer"]
    release = f"v{__version__}/vaultpy-{__version__}.tar.gz"
    assert f'url "https://forge.example/someone/vaultpy/releases/download/{release}"' in text
    assert hashlib.sha256(b"an sdist").hexdigest() in text
    assert "@" not in re.sub(r'"python@[\d.]+"', "", text)


def test_what_homebrew_brings_is_what_the_formula_depends_on() -> None:
    text = formula.TEMPLATE.read_text()
    assert all(f'depends_on "{name}" => :no_linkage' in text for name in formula.FROM_HOMEBREW)
    classifiers = "".join(re.findall(r"python: \[(.*)\]", (ROOT / ".github/workflows/test.yml").read_text()))
    assert f'"{formula.python_of(text)}"' in classifiers


def test_a_resource_without_a_checksum_is_no_resource() -> None:
    with pytest.raises(KeyError):
        formula.resources({"packages": [{"name": "a", "sdist": {"url": "b", "hashes": {}}}]})


@pytest.mark.skipif(not shutil.which("ruby"), reason="ruby is not installed")
def test_the_formula_uses_what_homebrew_has_and_its_own_test_passes(filled: Path, tmp_path: Path) -> None:
    checked = subprocess.run(["ruby", "-wc", filled], capture_output=True, text=True, check=True)
    assert checked.stderr == ""
    done = subprocess.run(
        ["ruby", ROOT / "tests" / "support" / "homebrew.rb", filled, BIN],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["installed"] == ["boto3", "typer", "pyscard", False]
    assert len(told["desc"]) <= 80
    assert "shell-init" in told["caveats"]
