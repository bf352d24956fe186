"""Which profiles a pattern means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vaultpy import errors
from vaultpy.config import Config
from vaultpy.each_profiles import listed_names, matching, targets
from vaultpy.index import Index
from vaultpy.plan import Options

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[default]
region = eu-central-1
[profile dev]
[profile prod-a]
role_arn = arn:aws:iam::123456789012:role/a
source_profile = dev
[profile prod-b]
role_arn = arn:aws:iam::123456789012:role/b
source_profile = dev
[profile Prod-c]
role_arn = arn:aws:iam::123456789012:role/c
source_profile = dev
[profile sso]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 123456789012
sso_role_name = Reader
[profile prod-sdk]
credential_process = vaultpy credential-process prod-a
[profile [x]]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = dev
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(CONFIG)
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }


@pytest.fixture
def config(environ: dict[str, str]) -> Config:
    return Config.load(environ)


def test_a_pattern_means_the_profiles_with_a_role_in_the_order_of_the_file(config: Config) -> None:
    assert matching(config, ["prod-*"]) == (["prod-a", "prod-b"], ["prod-sdk"])


def test_the_case_of_letters_counts(config: Config) -> None:
    assert matching(config, ["P*"])[0] == ["Prod-c"]
    assert matching(config, ["[pP]rod-?"])[0] == ["prod-a", "prod-b", "Prod-c"]


def test_a_role_of_identity_center_is_one(config: Config) -> None:
    assert matching(config, ["ss*"])[0] == ["sso"]


def test_a_name_in_full_means_its_profile_with_or_without_a_role(config: Config) -> None:
    assert matching(config, ["dev", "prod-b", "prod-sdk"]) == (["dev", "prod-b", "prod-sdk"], [])


def test_a_name_with_brackets_is_a_name(config: Config) -> None:
    if "[x]" in config.names():
        assert matching(config, ["[x]"])[0] == ["[x]"]


def test_a_profile_that_several_patterns_mean_is_taken_once(config: Config) -> None:
    assert matching(config, ["prod-b", "prod-*", "*-b"])[0] == ["prod-b", "prod-a"]
    assert matching(config, ["*", "dev"])[1] == ["default", "prod-sdk"]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("pro-a*", "did you mean prod-a"),
        ("pord-*", "did you mean "),
        ("zzz*", "see which profiles there are: vaultpy list"),
        ("d?v", "a profile without a role is named in full: vaultpy each dev -- CMD"),
    ],
)
def test_a_pattern_that_means_nothing_is_an_error_with_a_way_on(
    config: Config, pattern: str, hint: str
) -> None:
    with pytest.raises(errors.NoProfileMatches) as failure:
        matching(config, ["prod-*", pattern])
    assert failure.value.hint.startswith(hint)
    assert pattern in failure.value.message


def test_a_plan_that_cannot_be_made_is_its_targets_failure(
    config: Config, environ: dict[str, str], tmp_path: Path
) -> None:
    found = targets(config, Index(str(tmp_path / "index")), ["prod-a", "gone"], Options(), environ)
    assert [type(target.failure) for target in found] == [errors.NotEnrolled, errors.NoSuchProfile]
    assert [target.plan for target in found] == [None, None]


def test_a_list_has_a_name_a_line_and_comments() -> None:
    assert listed_names("# all of them\n\n prod-a \r\nprod#b\n", "list") == ["prod-a", "prod#b"]


@pytest.mark.parametrize("text", ["", "# none\n"])
def test_a_list_of_nothing_is_a_usage_error(text: str) -> None:
    with pytest.raises(errors.UsageError) as failure:
        listed_names(text, "list")
    assert failure.value.message == "--profiles-from list names no profile"
