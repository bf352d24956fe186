"""`add --credential-process`: profiles in which SDKs ask vaultpy, each under a name of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.world import World
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.config_edit import NewProfile
from vaultpy.sdk_profiles import parse_sdk_profile, sdk_profiles
from vaultpy.simulated.finger import SteadyFinger

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = dev\n"


def config(tmp_path: Path, text: str, credentials: str = "") -> Config:
    (tmp_path / "config").write_text(text)
    (tmp_path / "credentials").write_text(credentials)
    return Config.load(
        {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }
    )


def test_a_new_profile_asks_for_another(tmp_path: Path) -> None:
    found = sdk_profiles(config(tmp_path, ""), [("dev-sdk", "dev")], {"dev"})
    assert found == [NewProfile("dev-sdk", (("credential_process", "vaultpy credential-process dev"),))]


def test_it_has_the_region_of_the_one_that_it_stands_for(tmp_path: Path) -> None:
    files = config(tmp_path, f"[profile 'my role']\nregion = eu-west-1\n{ROLE}")
    [found] = sdk_profiles(files, [("sdk", "my role")], {"dev"})
    assert found.settings == (
        ("credential_process", "vaultpy credential-process 'my role'"),
        ("region", "eu-west-1"),
    )


@pytest.mark.parametrize(
    ("section", "credentials", "key"),
    [
        (ROLE, "", "role_arn"),
        ("source_profile = dev", "", "source_profile"),
        ("sso_session = x", "", "sso_session"),
        ("sso_start_url = x", "", "sso_start_url"),
        ("web_identity_token_file = x", "", "web_identity_token_file"),
        ("login_session = x", "", "login_session"),
        ("", "[taken]\naws_access_key_id = x\n", "aws_access_key_id"),
    ],
)
def test_a_name_with_another_source_is_refused(
    tmp_path: Path, section: str, credentials: str, key: str
) -> None:
    files = config(tmp_path, f"[profile taken]\n{section}\n", credentials)
    with pytest.raises(errors.NameInUse, match=f"taken has {key} already") as caught:
        sdk_profiles(files, [("taken", "dev")], {"dev"})
    assert caught.value.hint.endswith("--credential-process dev-sdk=dev")


@pytest.mark.parametrize("name", ["dev", "dev-role"])
def test_a_profile_that_is_added_too_cannot_be_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.NameInUse):
        sdk_profiles(config(tmp_path, ""), [(name, "dev")], {"dev", "dev-role"})


def test_it_stands_for_a_profile_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(errors.NoSuchProfile):
        sdk_profiles(config(tmp_path, ""), [("sdk", "nothing-like-it")], {"dev"})


def test_what_cannot_be_written_is_known_at_once(tmp_path: Path) -> None:
    with pytest.raises(errors.BadProfileName):
        sdk_profiles(config(tmp_path, ""), [("my sdk", "dev")], {"dev"})
    files = config(tmp_path, "[profile sdk]\ncredential_process = another\n")
    with pytest.raises(errors.ProfileExists):
        sdk_profiles(files, [("sdk", "dev")], {"dev"})


@pytest.mark.parametrize("text", ["", "sdk", "=dev", "sdk="])
def test_the_option_wants_both_names(text: str) -> None:
    with pytest.raises(errors.UsageError, match="is not NAME=PROFILE"):
        parse_sdk_profile(text)


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_an_sdk_gets_credentials_by_the_profile_that_add_wrote(tmp_path: Path) -> None:
    with World(tmp_path, finger=SteadyFinger(0.1)) as world:
        role = f"dev-role={world.role.arn}"
        done = world.vaultpy(
            *("add", "dev", "--env", "--role", role, "--credential-process", "dev-sdk=dev-role"),
            env=world.with_key,
        )
        assert done.returncode == 0, done.stderr
        script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
        asked = subprocess.run(
            [sys.executable, "-c", script],
            env=world.environment | {"AWS_PROFILE": "dev-sdk", "AWS_DEFAULT_REGION": "eu-central-1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "assumed-role/dev/alice" in asked.stdout, asked.stderr
