"""Which access keys other tools keep, under which name they go on, and which of them are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vaultpy.access_key_in_clear import InClear
from vaultpy.credentials import AccessKey
from vaultpy.errors import BadKeyInput, ConfigMalformed, ConfigUnreadable
from vaultpy.found_access_keys import in_files, of_aws_mfa, of_aws_vault
from vaultpy.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.found_access_keys import FoundKey

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI"))
LINES = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"


class Files:
    """AWS's two files."""

    def __init__(self, directory: Path) -> None:
        self.credentials = directory / "credentials"
        self.config = directory / "config"

    def found(self) -> list[FoundKey]:
        """Return what is in them."""
        return in_files(str(self.credentials), str(self.config))

    def of_aws_mfa(self) -> list[FoundKey]:
        """Return what aws-mfa has there."""
        return of_aws_mfa(str(self.credentials))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_without_files_there_is_nothing(files: Files) -> None:
    assert files.found() == files.of_aws_mfa() == []


def test_the_credentials_files_sections_are_profiles(files: Files) -> None:
    files.credentials.write_text(f"[default]\n{LINES}[none]\nregion = x\n[a b]\n{LINES}")
    assert [(one.name, one.access_key) for one in files.found()] == [("default", KEY), ("a b", KEY)]
    assert files.found()[0].in_clear == InClear(str(files.credentials), "default")
    assert files.found()[0].where == f"[default] of {files.credentials}"


def test_in_the_config_file_they_are_named_profile(files: Files) -> None:
    text = f"[default]\n{LINES}[profile 'a']\n{LINES}[sso-session x]\n{LINES}[plain]\n{LINES}"
    files.config.write_text(text)
    places = [(one.name, one.in_clear and one.in_clear.header) for one in files.found()]
    assert places == [("default", "default"), ("a", "profile 'a'")]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (LINES + "aws_session_token = x", "temporary credentials"),
        (LINES + "aws_security_token = x", "temporary credentials"),
        (LINES.replace("AKIA", "ASIA"), "temporary credentials"),
        ("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", "id or secret is missing"),
        ("aws_secret_access_key = wJalrXUtnFEMI", "id or secret is missing"),
        (LINES + "  more of it", "characters that no secret has"),
        (LINES.replace("AKIA", "AKIA "), "not 16 to 128"),
    ],
)
def test_what_is_no_long_term_key_is_named_as_a_problem(files: Files, lines: str, problem: str) -> None:
    files.credentials.write_text(f"[dev]\n{lines}\n")
    (found,) = files.found()
    assert (found.name, found.access_key) == ("dev", None)
    assert problem in found.problem
    assert "wJalr" not in repr(found)


def test_aws_mfas_key_goes_by_the_name_of_its_session(files: Files) -> None:
    files.credentials.write_text(f"[dev-long-term]\n{LINES}aws_mfa_device = {SERIAL}\n[dev]\n{LINES}")
    (found,) = files.of_aws_mfa()
    assert (found.name, found.access_key, found.mfa_serial) == ("dev", KEY, SERIAL)
    assert found.in_clear == InClear(str(files.credentials), "dev-long-term", whole=True)


@pytest.mark.parametrize("device", ["", "aws_mfa_device = \n", "aws_mfa_device = \u202e\n"])
def test_an_mfa_device_that_is_none_is_left_out(files: Files, device: str) -> None:
    files.credentials.write_text(f"[dev-long-term]\n{LINES}{device}", encoding="utf-8")
    assert [one.mfa_serial for one in files.of_aws_mfa()] == [""]


def test_among_plain_keys_that_of_aws_mfa_is_left_to_its_own_source(files: Files) -> None:
    files.credentials.write_text(
        f"[a-long-term]\n{LINES}aws_mfa_device = {SERIAL}\n[b-long-term]\n{LINES}[c]\n{LINES}"
    )
    names = [(one.name, one.access_key is None) for one in files.found()]
    assert names == [("a-long-term", True), ("b-long-term", False), ("c", False)]
    assert files.found()[0].problem.endswith("vaultpy import aws-mfa")


@pytest.mark.parametrize("text", [f"[dev]\n{LINES}[dev]\n", f"\ufeff[dev]\n{LINES}", f"{LINES}[dev]\n"])
def test_a_file_that_botocore_refuses_is_an_error(files: Files, text: str) -> None:
    files.credentials.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigMalformed):
        files.found()
    with pytest.raises(ConfigMalformed):
        files.of_aws_mfa()


def test_a_file_that_is_no_text_names_its_variable(files: Files) -> None:
    files.credentials.write_bytes(b"[k\xfcche]\n")
    with pytest.raises(ConfigUnreadable) as refused:
        files.found()
    assert refused.value.hint.endswith("AWS_SHARED_CREDENTIALS_FILE")


class AwsVault:
    """Keeps a key, and what is none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def names(self) -> list[str]:
        """Return the names."""
        return ["dev", "role", "ops"]

    def access_key(self, name: str) -> AccessKey:
        """Return the key."""
        self.asked.append(name)
        if name == "role":
            raise BadKeyInput(where="aws-vault", problem="it is temporary", remedy="none")
        return KEY


def test_aws_vault_is_asked_for_what_is_wanted_alone() -> None:
    aws_vault = AwsVault()
    found = of_aws_vault(aws_vault, {"dev", "role"}.__contains__)
    assert aws_vault.asked == ["dev", "role"]
    assert [(one.name, one.access_key, one.in_clear) for one in found] == [
        ("dev", KEY, None),
        ("role", None, None),
    ]
    assert found[1].problem == "no access key in aws-vault: it is temporary"
