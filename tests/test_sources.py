"""Where a profile's credentials come from that was never enrolled, and when it is vaultpy itself."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from botocore.compat import compat_shell_split
from botocore.credentials import create_credential_resolver
from botocore.session import Session
from hypothesis import example, given
from hypothesis import strategies as st

from vaultpy import sources
from vaultpy.config import Config
from vaultpy.errors import BadConfigValue, UnsupportedSource
from vaultpy.sources import ForeignSource, followed_profile, foreign_source, split_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.profile import Profile

    ReadProfile = Callable[..., Profile]

ROLE = "role_arn = arn:aws:iam::123456789012:role/dev"
KEYS = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = hidden"
TOKEN = "aws_session_token = hidden"
SSO = "sso_session = company\nsso_account_id = 123456789012\nsso_role_name = ReadOnly"
PROCESS = "credential_process = /opt/get-keys --password hidden"
WEB = "web_identity_token_file = /run/token"


@pytest.fixture
def profile(tmp_path: Path) -> ReadProfile:
    """Return what reads the profile `x` with these lines in the config file and in the credentials file."""

    def read(config: str = "", credentials: str = "", more: str = "") -> Profile:
        (tmp_path / "config").write_text(f"[profile x]\n{config}\n{more}\n")
        (tmp_path / "credentials").write_text(f"[x]\n{credentials}\n" if credentials else "")
        files = {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }
        return Config.load(files).profile("x")

    return read


def kind(profile: Profile, environ: dict[str, str] | None = None) -> str | None:
    source = foreign_source(profile, environ or {})
    return source.kind if source else None


# ---- which provider of botocore's ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "credentials", "expected"),
    [
        ("region = eu-west-1", "", None),
        (KEYS, "", sources.PLAIN_KEYS),
        ("", KEYS, sources.PLAIN_KEYS),
        (PROCESS, "", sources.PROCESS),
        (SSO, "", sources.SSO),
        (f"{ROLE}\n{WEB}", "", sources.WEB_IDENTITY),
        (f"{ROLE}\ncredential_source = Environment", "", sources.ENVIRONMENT),
        (f"{ROLE}\ncredential_source = EcsContainer", "", sources.CONTAINER),
        (f"{ROLE}\ncredential_source = Ec2InstanceMetadata", "", sources.INSTANCE),
        (f"{ROLE}\nsource_profile = x", KEYS, sources.PLAIN_KEYS),
    ],
)
def test_a_profile_takes_its_credentials_from_what_it_names(
    profile: ReadProfile, config: str, credentials: str, expected: str | None
) -> None:
    assert kind(profile(config, credentials)) == expected


@pytest.mark.parametrize(
    ("config", "credentials", "expected"),
    [
        (f"{ROLE}\n{WEB}\n{SSO}\n{PROCESS}", KEYS, sources.WEB_IDENTITY),
        (f"{SSO}\n{PROCESS}", KEYS, sources.SSO),
        (PROCESS, KEYS, sources.PLAIN_KEYS),
        (f"{PROCESS}\n{KEYS}", "", sources.PROCESS),
        ("login_session = arn", KEYS, sources.PLAIN_KEYS),
    ],
)
def test_of_several_botocore_takes_the_first_in_its_order(
    profile: ReadProfile, config: str, credentials: str, expected: str
) -> None:
    assert kind(profile(config, credentials)) == expected


METHODS = {
    "shared-credentials-file": sources.PLAIN_KEYS,
    "config-file": sources.PLAIN_KEYS,
    "custom-process": sources.PROCESS,
    "sso": sources.SSO,
    "assume-role-with-web-identity": sources.WEB_IDENTITY,
}
PRINTED = '{"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "x"}'
PARTS = (KEYS, SSO, f"credential_process = echo '{PRINTED}'", f"{ROLE}\n{WEB}")
COMPANY = "[sso-session company]\nsso_start_url = https://company.example\nsso_region = eu-west-1"


def botocores_kind(directory: Path) -> str | None:
    """Return what botocore's own chain takes for the profile, without what follows the files."""
    session = Session(profile="x")
    session.set_config_variable("config_file", str(directory / "config"))
    session.set_config_variable("credentials_file", str(directory / "credentials"))
    chain = create_credential_resolver(session)
    for method in ("ec2-credentials-file", "boto-config", "container-role", "iam-role"):
        chain.remove(method)
    found = chain.load_credentials()
    return METHODS[found.method] if found else None


@pytest.mark.parametrize("credentials", ["", KEYS])
@pytest.mark.parametrize("count", range(len(PARTS) + 1))
def test_so_botocores_own_chain_decides(
    profile: ReadProfile, tmp_path: Path, credentials: str, count: int
) -> None:
    for parts in combinations(PARTS, count):
        read = profile("\n".join(parts), credentials, more=COMPANY)
        assert kind(read) == botocores_kind(tmp_path), parts


@pytest.mark.parametrize("config", [ROLE, f"{ROLE}\n{PROCESS}", f"{ROLE}\n{SSO}", f"{ROLE}\n{KEYS}"])
def test_beside_a_role_that_names_no_source_nothing_counts(profile: ReadProfile, config: str) -> None:
    assert kind(profile(config)) is None


@pytest.mark.parametrize("config", [PROCESS, SSO])
def test_a_profile_that_is_its_own_source_has_plain_keys_or_nothing(
    profile: ReadProfile, config: str
) -> None:
    assert kind(profile(f"{ROLE}\nsource_profile = x\n{config}")) is None


@pytest.mark.parametrize("config", ["credential_source = Environment", "sso_session = company"])
def test_half_of_what_a_source_needs_is_no_source(profile: ReadProfile, config: str) -> None:
    assert kind(profile(config), {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"}) is None


def test_a_profile_that_says_nothing_gets_neither_variables_nor_the_machines_role(
    profile: ReadProfile,
) -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token",
    }
    assert kind(profile(), environ) is None


def test_an_empty_value_is_no_source(profile: ReadProfile) -> None:
    assert kind(profile("credential_process =\nweb_identity_token_file =\nsso_account_id =")) is None


def test_a_source_may_be_included(profile: ReadProfile) -> None:
    assert kind(profile("include_profile = y", more=f"[profile y]\n{PROCESS}")) == sources.PROCESS


def test_a_credential_source_that_botocore_does_not_know_is_a_mistake(profile: ReadProfile) -> None:
    with pytest.raises(BadConfigValue, match="credential_source = environment is not one of Environment"):
        kind(profile(f"{ROLE}\ncredential_source = environment"))


def test_a_login_that_needs_a_library_which_is_not_there_is_told_with_the_way_around_it(
    profile: ReadProfile,
) -> None:
    with pytest.raises(UnsupportedSource) as told:
        kind(profile("login_session = arn:aws:iam::123456789012:user/alice"))
    assert "credential_process = aws configure export-credentials --profile x" in told.value.hint


# ---- what is known of it beforehand ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "credentials", "temporary"),
    [
        (KEYS, "", False),
        ("", KEYS, False),
        (f"{KEYS}\n{TOKEN}", "", True),
        ("", f"{KEYS}\naws_security_token = hidden", True),
        (TOKEN, KEYS, False),
        (KEYS, TOKEN, False),
        (f"{KEYS}\naws_session_token =", "", False),
        (PROCESS, "", True),
        (SSO, "", True),
        (f"{ROLE}\n{WEB}", "", True),
        (f"{ROLE}\ncredential_source = EcsContainer", "", True),
        (f"{ROLE}\ncredential_source = Ec2InstanceMetadata", "", True),
    ],
)
def test_only_a_plain_key_without_a_token_beside_it_is_surely_long_term(
    profile: ReadProfile, config: str, credentials: str, *, temporary: bool
) -> None:
    source = foreign_source(profile(config, credentials), {})
    assert source is not None
    assert source.is_temporary is temporary


@pytest.mark.parametrize(
    ("environ", "temporary"),
    [({}, False), ({"AWS_SESSION_TOKEN": "t"}, True), ({"AWS_SECURITY_TOKEN": "t"}, True)],
)
def test_a_key_in_the_environment_is_long_term_without_a_token(
    profile: ReadProfile, environ: dict[str, str], *, temporary: bool
) -> None:
    source = foreign_source(profile(f"{ROLE}\ncredential_source = Environment"), environ)
    assert source is not None
    assert source.is_temporary is temporary


def test_the_role_of_a_web_identity_is_not_assumed_again(profile: ReadProfile) -> None:
    web = foreign_source(profile(f"{ROLE}\n{WEB}"), {})
    environment = foreign_source(profile(f"{ROLE}\ncredential_source = Environment"), {})
    assert web is not None
    assert environment is not None
    assert (web.has_role, environment.has_role) == (True, False)


# ---- its question ----------------------------------------------------------------------------------------


def question(profile: Profile, environ: dict[str, str] | None = None) -> str:
    source = foreign_source(profile, environ or {})
    assert source is not None
    return source.question()


ENVIRONMENT = f"{ROLE}\ncredential_source = Environment"
CONTAINER = f"{ROLE}\ncredential_source = EcsContainer"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (KEYS, KEYS.replace("AKIAEXAMPLE", "AKIAOTHER")),
        (PROCESS, PROCESS.replace("hidden", "other")),
        (SSO, SSO.replace("ReadOnly", "Admin")),
        (SSO, SSO.replace("123456789012", "210987654321")),
        (SSO, SSO.replace("company", "other")),
        (f"{ROLE}\n{WEB}", f"{ROLE}2\n{WEB}"),
        (KEYS, PROCESS),
    ],
)
def test_other_credentials_are_another_question(profile: ReadProfile, one: str, other: str) -> None:
    first = question(profile(one))
    assert question(profile(one)) == first
    assert question(profile(other)) != first


@pytest.mark.parametrize(
    ("config", "variable"),
    [
        (ENVIRONMENT, "AWS_ACCESS_KEY_ID"),
        (CONTAINER, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        (CONTAINER, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    ],
)
def test_other_variables_are_another_question(profile: ReadProfile, config: str, variable: str) -> None:
    assert question(profile(config), {variable: "a"}) != question(profile(config), {variable: "b"})


@pytest.mark.parametrize(
    "config", [KEYS, f"{KEYS}\n{TOKEN}", PROCESS, SSO, f"{ROLE}\n{WEB}", ENVIRONMENT, CONTAINER]
)
def test_a_question_is_one_line_with_the_profiles_name_and_without_a_secret(
    profile: ReadProfile, config: str
) -> None:
    environ = {
        "AWS_SECRET_ACCESS_KEY": "hidden",
        "AWS_SESSION_TOKEN": "hidden",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/?token=hidden",
    }
    asked = question(profile(config), environ)
    assert asked.startswith("source\t'x'\t")
    assert asked.isprintable() is False  # the tabs
    assert asked.replace("\t", "").isprintable()
    assert "hidden" not in asked
    assert "hidden" not in repr(foreign_source(profile(config), environ))


def test_two_profiles_never_share_a_question() -> None:
    one = ForeignSource("a", sources.SSO, ("b",), is_temporary=True)
    other = ForeignSource("a'\t'b", sources.SSO, (), is_temporary=True)
    assert one.question() != other.question()


# ---- vaultpy itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "vaultpy credential-process dev",
        "/home/alice/.local/bin/vaultpy credential-process dev",
        '"/home/my user/bin/vaultpy" credential-process dev',
        "vaultpy credential-process 'dev'",
        "python -m vaultpy credential-process dev",
        "/usr/bin/python3.12 -I -m vaultpy credential-process dev",
        "vaultpy.exe credential-process dev",
    ],
)
def test_a_credential_process_that_is_vaultpy_leads_to_the_profile_that_it_names(
    profile: ReadProfile, command: str
) -> None:
    read = profile(f"credential_process = {command}")
    assert followed_profile(read) == "dev"
    assert foreign_source(read, {}) is None


@pytest.mark.parametrize(
    "command",
    [
        "aws-vault exec dev",
        "get-keys vaultpy credential-process dev",
        "python get-keys -m vaultpy credential-process dev",
        "python -m keys vaultpy credential-process dev",
        "env vaultpy credential-process dev",
        "vaultpy export credential-process",
        "vaultpy 'credential-process",
        "/opt/vaultpy/get credential-process",
    ],
)
def test_another_program_is_run_and_not_followed(profile: ReadProfile, command: str) -> None:
    read = profile(f"credential_process = {command}")
    assert followed_profile(read) is None
    assert kind(read) == sources.PROCESS


@pytest.mark.parametrize(
    "words",
    ["--no-cache dev", "dev --no-cache", "", "-- dev", "dev other", "--help"],
)
def test_vaultpy_with_options_or_without_a_name_is_a_mistake(profile: ReadProfile, words: str) -> None:
    read = profile(f"credential_process = vaultpy credential-process {words}")
    for ask in (followed_profile, kind):
        with pytest.raises(BadConfigValue, match="is not vaultpy credential-process NAME without options"):
            ask(read)


def test_global_options_are_options_too(profile: ReadProfile) -> None:
    with pytest.raises(BadConfigValue):
        followed_profile(profile("credential_process = vaultpy --debug credential-process dev"))


def test_a_profile_that_leads_to_itself_leads_nowhere(profile: ReadProfile) -> None:
    read = profile("credential_process = vaultpy credential-process x")
    assert followed_profile(read) is None
    assert foreign_source(read, {}) is None


@pytest.mark.parametrize("others", [(SSO, ""), ("", KEYS), (f"{ROLE}\n{WEB}", "")])
def test_nothing_is_followed_that_botocore_would_not_ask(
    profile: ReadProfile, others: tuple[str, str]
) -> None:
    config, credentials = others
    read = profile(f"credential_process = vaultpy credential-process dev\n{config}", credentials)
    assert followed_profile(read) is None


@pytest.mark.parametrize("config", ["", KEYS, SSO])
def test_without_a_credential_process_nothing_is_followed(profile: ReadProfile, config: str) -> None:
    assert followed_profile(profile(config)) is None


@given(st.text(alphabet="ab '\"\\#\t", max_size=12))
@example("'a b' \"c d\" e\\ f #g")
def test_a_command_is_split_as_botocore_splits_it(command: str) -> None:
    try:
        expected = compat_shell_split(command, "linux")
    except ValueError:
        expected = []
    assert split_command(command, "linux") == expected


@pytest.mark.parametrize(
    "command", [r"C:\bin\vaultpy.exe credential-process dev", '"C:\\my bin\\x.exe" a', "a 'b c' #d"]
)
def test_so_it_is_on_windows(command: str) -> None:
    assert split_command(command, "win32") == compat_shell_split(command, "win32")
