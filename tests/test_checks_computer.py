"""What is installed, and which variables lead elsewhere, is told with what to do about it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vaultpy.checks_computer import VARIABLES, computer, environment

if TYPE_CHECKING:
    from vaultpy.findings import Finding

ROOT = Path(__file__).parent.parent


def install(directory: Path) -> Path:
    directory.mkdir()
    command = directory / "vaultpy"
    command.touch(0o700)
    return command


def looked(environ: dict[str, str], *packages: str) -> list[tuple[str, str]]:
    return [(finding.state, finding.text) for finding in computer(environ, packages)]


def test_versions_are_told(tmp_path: Path) -> None:
    install(tmp_path / "bin")
    found = looked({"PATH": str(tmp_path / "bin")}, "boto3", "keyring")
    assert {state for state, _ in found} == {"ok"}
    assert found[0][1].startswith("vaultpy ")
    assert re.fullmatch(r"boto3 [\d.]+, keyring [\d.]+", found[1][1])


def test_a_package_that_is_missing_fails() -> None:
    assert ("failure", "the package no-such-package is missing") in looked({}, "no-such-package")


def test_no_vaultpy_in_path_is_told(tmp_path: Path) -> None:
    assert looked({"PATH": f"{tmp_path}:"})[-1][0] == "warning"


def test_one_vaultpy_in_path_is_right_also_by_two_ways(tmp_path: Path) -> None:
    command = install(tmp_path / "bin")
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "vaultpy").symlink_to(command)
    path = os.pathsep.join([str(tmp_path / "local"), str(tmp_path / "bin")])
    assert looked({"PATH": path})[-1] == ("ok", f"PATH leads to {tmp_path}/local/vaultpy")


def test_several_vaultpy_in_path_are_named_the_first_one_first(tmp_path: Path) -> None:
    first, second = install(tmp_path / "b"), install(tmp_path / "a")
    state, text = looked({"PATH": f"{first.parent}:{second.parent}"})[-1]
    assert state == "warning"
    assert text.endswith(f": {first}, {second}")


def found_in(**environ: str) -> list[Finding]:
    return list(environment(environ))


def test_an_ordinary_environment_is_ok() -> None:
    assert [it.state for it in found_in(HOME="/", AWS_REGION="eu-west-1", VAULTPY_KEYSTORE="file")] == ["ok"]


@pytest.mark.parametrize(
    ("environ", "text", "remedy"),
    [
        ({"VAULTPY": "dev-role"}, "credentials of dev-role", "exit"),
        ({"VAULTPY_KEYSTOR": "file"}, "VAULTPY_KEYSTOR is no variable", "did you mean VAULTPY_KEYSTORE?"),
        ({"VAULTPY_XQZ": "1"}, "is no variable", "unset "),
        ({"VAULTPY_KEYSTORE_PASSPHRASE": "hunter2"}, "stands in the environment", "_PASSPHRASE_FILE"),
        (
            {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "hunter2"},
            "access key AKIA1 stands in the environment, in clear",
            "vaultpy add NAME --env",
        ),
        ({"AWS_MFA_SERIAL": "arn:x"}, "AWS_MFA_SERIAL = arn:x counts instead", "unset AWS_MFA_SERIAL"),
    ],
)
def test_what_leads_astray_is_warned_of(environ: dict[str, str], text: str, remedy: str) -> None:
    (finding,) = found_in(**environ)
    assert finding.state == "warning"
    assert text in finding.text
    assert remedy in finding.remedy
    assert "hunter2" not in finding.text + finding.remedy


def test_temporary_credentials_are_no_key_in_clear() -> None:
    found = found_in(AWS_ACCESS_KEY_ID="ASIA1", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t")
    assert [it.state for it in found] == ["ok"]


def test_what_is_for_others_or_on_the_way_is_told_without_passwords() -> None:
    found = found_in(
        AWS_PROFILE="dev\x1b[m",
        AWS_ENDPOINT_URL_STS="https://user:hunter2@sts.example/path",
        HTTPS_PROXY="http://me:hunter2@proxy:3128",
        all_proxy="http://[",
    )
    assert {it.state for it in found} == {"ok"}
    said = "\n".join(it.text for it in found)
    assert "hunter2" not in said
    assert "\x1b" not in said
    assert "AWS_ENDPOINT_URL_STS leads to https://sts.example" in said
    assert "HTTPS_PROXY leads through http://proxy:3128" in said
    assert "all_proxy leads through what is no URL" in said


def test_a_certificate_file_that_is_not_there_fails(tmp_path: Path) -> None:
    (finding,) = found_in(AWS_CA_BUNDLE=f"{tmp_path}/gone.pem")
    assert finding.state == "failure"
    there = tmp_path / "there.pem"
    there.touch()
    assert [it.state for it in found_in(AWS_CA_BUNDLE=str(there))] == ["ok"]


def test_the_variables_that_are_known_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    documented = re.findall(r"^\| `(VAULTPY_[A-Z_]+)`", text, flags=re.MULTILINE)
    assert set(documented) == set(VARIABLES)
