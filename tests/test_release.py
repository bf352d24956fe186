"""The release: workflows that no forge has run yet are well-formed, pinned and modest; a formula is Ruby."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import formula
import pytest
import yaml

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


def report(*packages: str) -> object:
    return {
        "install": [
            {
                "metadata": {"name": name},
                "download_info": {
                    "url": f"https://index.example/{name}.tar.gz",
                    "archive_info": {"hashes": {"sha256": name.encode().hex()}},
                },
            }
            for name in packages
        ]
    }


def test_the_formula_has_the_checksums_that_pip_tells_and_leaves_out_what_homebrew_has(
    tmp_path: Path,
) -> None:
    sdist = tmp_path / "vaultpy-1.2.3.tar.gz"
    sdist.write_bytes(b"an sdist")
    resources = formula.resources(report("Typer", "cryptography", "boto3", "vaultpy"))
    environ = {
        "GITHUB_SERVER_URL": "https://forge.example",
        "GITHUB_REPOSITORY": "someone/vaultpy",
        "GITHUB_REF_NAME": "v1.2.3",
    }
    text = formula.formula(sdist, resources, environ)
    assert re.findall(r'resource "(.*)"', text) == ["boto3", "typer"]
    assert 'url "https://forge.example/someone/vaultpy/releases/download/v1.2.3/vaultpy-1.2.3.tar.gz"' in text
    assert hashlib.sha256(b"an sdist").hexdigest() in text
    assert "@" not in re.sub(r'"python@[\d.]+"', "", text)


def test_a_resource_without_a_checksum_is_no_resource() -> None:
    with pytest.raises(KeyError):
        formula.resources(
            {"install": [{"metadata": {"name": "a"}, "download_info": {"url": "b", "archive_info": {}}}]}
        )


@pytest.mark.skipif(not shutil.which("ruby"), reason="ruby is not installed")
def test_the_formula_is_ruby(tmp_path: Path) -> None:
    (tmp_path / "filled.rb").write_text(
        formula.TEMPLATE.read_text().replace("# @RESOURCES@", formula.resources(report("a", "b")))
    )
    for file in (formula.TEMPLATE, tmp_path / "filled.rb"):
        subprocess.run(["ruby", "-wc", file], capture_output=True, check=True)
