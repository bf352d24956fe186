"""What profiles mean: includes, chains, near misses, values, endpoints, and files that cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from vaultpy.config import Config
from vaultpy.errors import (
    BadConfigValue,
    ConfigMalformed,
    ConfigUnreadable,
    DanglingProfile,
    MistypedProfile,
    NoSuchProfile,
    ProfileCycle,
    VaultpyError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = 65534


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    return tmp_path


def load(home: Path, config: str, credentials: str = "", **environ: str) -> Config:
    (home / ".aws" / "config").write_text(config)
    (home / ".aws" / "credentials").write_text(credentials)
    return Config.load({"HOME": str(home), **environ})


# ---- one profile -------------------------------------------------------------------------------------


def test_a_profile_says_what_its_section_says(home: Path) -> None:
    profile = load(
        home,
        """
[profile dev]
role_arn = arn:aws:iam::123456789012:role/dev
source_profile = user
mfa_serial = arn:aws:iam::123456789012:mfa/jo
external_id = e-1
role_session_name = jo
region = eu-west-1
duration_seconds = 3600
vaultpy_yubikey = 12345678
vaultpy_account = My Account
vaultpy_mfa = direct
vaultpy_session_duration = 8h
vaultpy_mfa_serials = arn:key-1, arn:key-2 arn:key-3
""",
    ).profile("dev")
    assert profile.name == "dev"
    assert profile.path == str(home / ".aws" / "config")
    assert profile.role_arn == "arn:aws:iam::123456789012:role/dev"
    assert profile.source_profile == "user"
    assert profile.mfa_serial == "arn:aws:iam::123456789012:mfa/jo"
    assert profile.external_id == "e-1"
    assert profile.role_session_name == "jo"
    assert profile.region == "eu-west-1"
    assert profile.duration_seconds == 3600
    assert profile.vaultpy_yubikey == "12345678"
    assert profile.vaultpy_account == "My Account"
    assert profile.vaultpy_mfa == "direct"
    assert profile.vaultpy_session_duration == 8 * 3600
    assert profile.vaultpy_mfa_serials == ("arn:key-1", "arn:key-2", "arn:key-3")
    assert not profile.has_plain_keys


def test_what_a_profile_does_not_say_is_none(home: Path) -> None:
    profile = load(home, "[profile dev]\n").profile("dev")
    assert profile.role_arn is None
    assert profile.duration_seconds is None
    assert profile.vaultpy_mfa is None
    assert profile.vaultpy_session_duration is None
    assert profile.vaultpy_mfa_serials == ()


def test_profiles_are_equal_by_what_they_say(home: Path) -> None:
    config = load(home, "[profile a]\nregion = x\n[profile b]\nregion = x\n")
    assert config.profile("a") == config.profile("a")
    assert hash(config.profile("a")) == hash(config.profile("a"))
    assert config.profile("a") != config.profile("b")


@pytest.mark.parametrize("value", ["899", "43201", "1h", "-900", "٩٠٠", "9" * 5000])
def test_a_role_duration_outside_of_awss_limits_is_an_error_that_names_the_profile(
    home: Path, value: str
) -> None:
    profile = load(home, f"[profile dev]\nduration_seconds = {value}\n").profile("dev")
    with pytest.raises(BadConfigValue, match=r"profile dev: duration_seconds = .* is not a number"):
        _ = profile.duration_seconds


@pytest.mark.parametrize("value", ["900", "43200"])
def test_a_role_duration_at_awss_limits_is_taken(home: Path, value: str) -> None:
    assert load(home, f"[profile dev]\nduration_seconds = {value}\n").profile("dev").duration_seconds == int(
        value
    )


def test_a_session_duration_that_is_none_is_an_error_that_names_the_key(home: Path) -> None:
    profile = load(home, "[profile dev]\nvaultpy_session_duration = soon\n").profile("dev")
    with pytest.raises(BadConfigValue, match="vaultpy_session_duration = soon is not a duration"):
        _ = profile.vaultpy_session_duration


def test_vaultpy_mfa_is_shared_or_direct_and_nothing_else(home: Path) -> None:
    config = load(home, "[profile a]\nvaultpy_mfa = shared\n[profile b]\nvaultpy_mfa = Shared\n")
    assert config.profile("a").vaultpy_mfa == "shared"
    with pytest.raises(BadConfigValue, match="vaultpy_mfa = Shared is not shared or direct"):
        _ = config.profile("b").vaultpy_mfa


def test_a_value_over_several_lines_is_refused_where_one_line_is_wanted(home: Path) -> None:
    profile = load(home, "[profile dev]\nvaultpy_account = My\n  Account\n").profile("dev")
    with pytest.raises(BadConfigValue, match="is not a single line"):
        _ = profile.vaultpy_account


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x9b"])
@pytest.mark.parametrize("key", ["source_profile", "region", "endpoint_url", "services", "vaultpy_account"])
def test_a_value_with_a_control_character_is_refused(home: Path, key: str, character: str) -> None:
    profile = load(home, f"[profile dev]\n{key} = a{character}b\n").profile("dev")
    with pytest.raises(BadConfigValue, match=f"profile dev: {key} = a.*b is not "):
        getattr(profile, key)


ARN = "arn:aws:iam::123456789012:role"


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("role_arn", "role/dev", "a role's ARN such as"),
        ("role_arn", f"{ARN}/a b", "a role's ARN such as"),
        ("role_arn", f"{ARN}/\xe9", "a role's ARN such as"),
        ("role_arn", f"{ARN}/dev/", "a role's ARN such as"),
        ("role_arn", f"{ARN}/{'x' * 65}", "a role's ARN such as"),
        ("role_arn", f"{ARN}/{'x/' * 1100}dev", "a role's ARN such as"),
        ("role_arn", "arn:aws:iam::12345678901:role/dev", "a role's ARN such as"),
        ("role_arn", "arn:aws:iam::1234567890\u0661\u0662:role/dev", "a role's ARN such as"),
        ("role_arn", "arn:aws:sts::123456789012:role/dev", "a role's ARN such as"),
        ("role_arn", "arn::iam::123456789012:role/dev", "a role's ARN such as"),
        ("role_arn", "arn:aws:iam::123456789012:user/dev", "a role's ARN such as"),
        ("role_session_name", "a b", "a session's name"),
        ("role_session_name", "a", "a session's name"),
        ("role_session_name", "x" * 65, "a session's name"),
        ("external_id", "a", "an external id"),
        ("external_id", "a#b", "an external id"),
        ("external_id", "x" * 1225, "an external id"),
        ("mfa_serial", "12345678", "an MFA device's ARN or serial number"),
        ("mfa_serial", "arn:aws:iam::123456789012:mfa/my key", "an MFA device's ARN or serial number"),
        ("mfa_serial", "x" * 257, "an MFA device's ARN or serial number"),
        ("vaultpy_mfa_serials", "GAHT12345678, 1", "a list, each of which is an MFA device's ARN"),
        ("region", "eu west 1", "the name of a region"),
        ("region", "x" * 64, "the name of a region"),
    ],
)
def test_a_value_that_aws_would_refuse_is_told_in_words(
    home: Path, key: str, value: str, wanted: str
) -> None:
    profile = load(home, f"[profile dev]\n{key} = {value}\n").profile("dev")
    with pytest.raises(BadConfigValue, match=f"^profile dev: {key} = .* is not {wanted}"):
        getattr(profile, key)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("role_arn", "arn:aws-us-gov:iam::123456789012:role/a/~!/b_+=,.@-0"),
        ("role_session_name", "a_+=,.@-Z9"),
        ("external_id", "_+=,.@:/-"),
        ("mfa_serial", "GAHT12345678"),
        ("mfa_serial", "arn:aws:iam::123456789012:mfa/a_+=,.@-b"),
        ("region", "us-gov-west-1"),
    ],
)
def test_a_value_of_aws_s_pattern_is_taken(home: Path, key: str, value: str) -> None:
    assert getattr(load(home, f"[profile dev]\n{key} = {value}\n").profile("dev"), key) == value


def test_plain_keys_are_noticed_in_either_file(home: Path) -> None:
    config = load(
        home, "[profile a]\naws_access_key_id = x\n[profile b]\n[profile c]\n", "[b]\nAWS_ACCESS_KEY_ID = x\n"
    )
    assert config.profile("a").has_plain_keys
    assert config.profile("b").has_plain_keys
    assert not config.profile("c").has_plain_keys


@pytest.mark.parametrize(
    ("config", "credentials", "in_credentials", "has_token"),
    [
        ("aws_access_key_id = x", "", False, False),
        ("aws_access_key_id = x\naws_session_token = t", "", False, True),
        ("aws_access_key_id = x\naws_session_token =", "", False, False),
        ("aws_session_token = t", "aws_access_key_id = x", True, False),
        ("", "aws_access_key_id = x\naws_security_token = t", True, True),
        ("aws_access_key_id = x", "aws_session_token = t", False, False),
    ],
)
def test_a_token_goes_with_the_key_in_the_same_file(
    home: Path, config: str, credentials: str, *, in_credentials: bool, has_token: bool
) -> None:
    profile = load(home, f"[profile a]\n{config}\n", f"[a]\n{credentials}\n").profile("a")
    assert (profile.has_keys_in_credentials, profile.has_session_token) == (in_credentials, has_token)


# ---- include_profile and [default] -------------------------------------------------------------------


def test_each_included_profile_fills_only_what_is_still_empty(home: Path) -> None:
    profile = load(
        home,
        "[profile a]\ninclude_profile = b\nregion = from-a\nexternal_id =\n"
        "[profile b]\ninclude_profile = c\nregion = from-b\nrole_arn = from-b\nexternal_id = from-b\n"
        "[profile c]\nrole_arn = from-c\nmfa_serial = from-c\n",
    ).profile("a")
    assert (profile.region, profile.external_id) == ("from-a", "from-b")
    assert (profile.settings["role_arn"], profile.settings["mfa_serial"]) == ("from-b", "from-c")


def test_default_gives_mfa_serial_and_region_and_nothing_else(home: Path) -> None:
    profile = load(
        home,
        "[default]\nmfa_serial = m\nregion = r\nrole_arn = no\nsource_profile = no\n[profile a]\n",
    ).profile("a")
    assert dict(profile.settings) == {"mfa_serial": "m", "region": "r"}


def test_an_include_comes_before_default(home: Path) -> None:
    text = "[default]\nregion = default\n[profile a]\ninclude_profile = b\n[profile b]\nregion = b\n"
    assert load(home, text).profile("a").region == "b"


def test_an_mfa_serial_is_not_taken_from_the_source_profile(home: Path) -> None:
    config = load(home, "[profile a]\nsource_profile = b\n[profile b]\nmfa_serial = m\n")
    assert config.profile("a").mfa_serial is None


def test_plain_keys_are_not_included(home: Path) -> None:
    config = load(home, "[profile a]\ninclude_profile = b\n[profile b]\naws_access_key_id = x\nregion = r\n")
    assert config.profile("a").region == "r"
    assert not config.profile("a").has_plain_keys


def test_includes_in_a_circle_are_an_error_that_shows_the_circle(home: Path) -> None:
    config = load(
        home,
        "[profile x]\ninclude_profile = a\n"
        "[profile a]\ninclude_profile = b\n"
        "[profile b]\ninclude_profile = a\n",
    )
    with pytest.raises(ProfileCycle, match="include_profile goes in a circle: a -> b -> a"):
        config.profile("x")


def test_an_included_profile_that_is_missing_is_named_with_the_one_that_wants_it(home: Path) -> None:
    config = load(home, "[profile a]\ninclude_profile = bsae\n[profile base]\n")
    with pytest.raises(DanglingProfile, match="profile a names bsae as its include_profile") as caught:
        config.profile("a")
    assert caught.value.hint == "did you mean base?"


# ---- chains ------------------------------------------------------------------------------------------


def load_roles(home: Path, config: str, credentials: str = "") -> Config:
    """Load `config` with a role beside each source profile."""
    role = f"role_arn = {ARN}/dev\n"
    return load(home, config.replace("source_profile", f"{role}source_profile"), credentials)


def test_a_source_profile_without_a_role_beside_it_does_not_count(home: Path) -> None:
    config = load(home, "[profile a]\nsource_profile = b\n[profile b]\naws_access_key_id = x\n")
    assert [profile.name for profile in config.chain("a")] == ["a"]


def test_a_chain_runs_from_the_profile_to_the_last_source(home: Path) -> None:
    config = load_roles(
        home, "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = c\n[profile c]\nregion = x\n"
    )
    assert [profile.name for profile in config.chain("a")] == ["a", "b", "c"]
    assert [profile.name for profile in config.chain("c")] == ["c"]


def test_a_source_profile_may_be_included(home: Path) -> None:
    config = load_roles(
        home, "[profile a]\ninclude_profile = base\n[profile base]\nsource_profile = user\n[profile user]\n"
    )
    assert [profile.name for profile in config.chain("a")] == ["a", "user"]


def test_a_profile_that_names_itself_as_its_source_ends_the_chain(home: Path) -> None:
    config = load_roles(
        home, "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = b\naws_access_key_id = x\n"
    )
    assert [profile.name for profile in config.chain("a")] == ["a", "b"]


def test_a_web_identity_assumes_its_role_without_a_source_profile(home: Path) -> None:
    config = load_roles(home, "[profile a]\nsource_profile = b\nweb_identity_token_file = t\n[profile b]\n")
    assert [profile.name for profile in config.chain("a")] == ["a"]


def test_sources_in_a_circle_are_an_error_that_shows_the_circle(home: Path) -> None:
    config = load_roles(
        home,
        "[profile x]\nsource_profile = a\n[profile a]\nsource_profile = b\n[profile b]\nsource_profile = a\n",
    )
    with pytest.raises(ProfileCycle, match="source_profile goes in a circle: a -> b -> a") as caught:
        config.chain("x")
    assert caught.value.hint == f"take one source_profile of these out of {home / '.aws' / 'config'}"


def test_two_sources_for_one_role_are_a_mistake(home: Path) -> None:
    config = load_roles(
        home, "[profile x]\nsource_profile = user\ncredential_source = Environment\n[profile user]\n"
    )
    with pytest.raises(BadConfigValue, match="source_profile = user is not usable beside credential_source"):
        config.chain("x")


def test_a_source_that_is_only_in_the_credentials_file_is_found(home: Path) -> None:
    config = load_roles(home, "[profile a]\nsource_profile = user\n", "[user]\naws_access_key_id = x\n")
    assert [profile.has_plain_keys for profile in config.chain("a")] == [False, True]


def test_a_missing_source_is_named_with_the_profile_that_wants_it(home: Path) -> None:
    config = load_roles(home, "[profile a]\nsource_profile = quite-another\n")
    with pytest.raises(
        DanglingProfile, match="profile a names quite-another as its source_profile"
    ) as caught:
        config.chain("a")
    assert caught.value.hint == "correct source_profile in profile a"


# ---- names -------------------------------------------------------------------------------------------


def test_an_unknown_profile_is_an_error_even_if_there_is_a_default(home: Path) -> None:
    with pytest.raises(NoSuchProfile, match="no profile zzz in "):
        load(home, "[default]\nregion = x\n").profile("zzz")


def test_near_misses_are_named(home: Path) -> None:
    with pytest.raises(MistypedProfile) as caught:
        load(home, "[profile staging]\n[profile production]\n").profile("Prodution")
    assert caught.value.hint == "did you mean production?"


def test_the_case_of_a_profiles_name_counts(home: Path) -> None:
    config = load(home, "[profile Dev]\n")
    assert config.has("Dev")
    assert not config.has("dev")
    with pytest.raises(MistypedProfile, match="no profile dev") as caught:
        config.profile("dev")
    assert caught.value.hint == "did you mean Dev?"


def test_names_come_in_the_files_order_and_those_of_the_credentials_file_last(home: Path) -> None:
    config = load(home, "[profile z]\n[default]\n[sso-session s]\n[profile 'a b']\n[other]\n", "[c]\n[z]\n")
    assert config.names() == ["z", "default", "a b", "c"]


def test_a_section_that_is_there_twice_is_an_error_with_its_line(home: Path) -> None:
    config = load(home, "[profile a]\nregion = x\n\n[profile b]\n[profile a]\n")
    with pytest.raises(ConfigMalformed, match=r"config, line 5: \[profile a\] is there twice"):
        config.profile("a")
    assert config.profile("b").region is None


def test_a_key_that_is_there_twice_is_an_error_with_its_line(home: Path) -> None:
    config = load(home, "# top\n[default]\n[profile a]\nregion = x\nREGION = y\n")
    with pytest.raises(ConfigMalformed, match="line 5: region is there twice"):
        config.profile("a")


def test_settings_before_the_first_section_are_an_error(home: Path) -> None:
    with pytest.raises(ConfigMalformed, match="line 2: a setting before the first"):
        load(home, "# top\nregion = x\n[default]\n")


def test_a_mistake_never_shows_the_line_it_is_on(home: Path) -> None:
    config = load(home, "[profile a]\n", "[a]\nwJalrXUtnFEMI\n")
    with pytest.raises(ConfigMalformed) as caught:
        config.profile("a")
    assert "wJalr" not in f"{caught.value} {caught.value.hint}"


# ---- endpoints (their order is compared with botocore's elsewhere) -----------------------------------


SERVICES = (
    "[profile a]\nservices = s\nendpoint_url = http://a\n[services s]\nsts =\n  endpoint_url = http://s\n"
)


@pytest.mark.parametrize(
    ("environ", "setting", "expected"),
    [
        ({}, "", "http://s"),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, "", None),
        ({}, "ignore_configured_endpoint_urls = true\n", None),
        (
            {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
            "ignore_configured_endpoint_urls = true\n",
            "http://s",
        ),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://e"}, "", None),
    ],
)
def test_configured_endpoints_can_be_ignored(
    home: Path, environ: dict[str, str], setting: str, expected: str | None
) -> None:
    config = load(home, SERVICES.replace("services = s\n", f"services = s\n{setting}", 1), **environ)
    assert config.endpoint_url("sts", config.profile("a")) == expected


def test_an_endpoint_beside_its_block_is_an_error_and_not_overlooked(home: Path) -> None:
    config = load(home, "[profile a]\nservices = s\n[services s]\nsts = http://s\n")
    with pytest.raises(BadConfigValue, match="services = s is not a section whose sts is a block"):
        config.endpoint_url("sts", config.profile("a"))


@pytest.mark.parametrize(
    "text",
    [
        "ca_bundle = /a\0b\n",
        "endpoint_url = http://a\x1b\n",
        "use_fips_endpoint = true\n  false\n",
        "services = s\n[services s]\ns3 =\n  endpoint_url = http://\0\n",
        "services = s\n[services s]\ns\0 3 =\n  endpoint_url = http://s3\n",
    ],
)
def test_a_setting_that_no_variable_can_hold_is_refused(home: Path, text: str) -> None:
    config = load(home, f"[profile a]\n{text}")
    with pytest.raises(BadConfigValue, match="is not text that a variable can hold"):
        config.child_settings(config.profile("a"))


def test_a_setting_that_the_locale_cannot_spell_is_refused(home: Path) -> None:
    (home / ".aws" / "config").write_text("[profile a]\nca_bundle = /\u65e5\u672c\n", encoding="utf-8")
    code = (
        "import os; from vaultpy.config import Config; config = Config.load(os.environ);"
        "config.child_settings(config.profile('a'))"
    )
    environ = {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C"}
    ascii_only = environ | {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, env=environ, check=False).returncode == 0
    refused = subprocess.run(words, env=ascii_only, capture_output=True, text=True, check=False)
    assert "ca_bundle = /\\u65e5\\u672c is not text that a variable can hold" in refused.stderr


# ---- files -------------------------------------------------------------------------------------------


def test_the_files_are_where_the_environment_says(home: Path) -> None:
    (home / "c").write_text("[profile a]\n")
    (home / "d").write_text("[b]\n")
    config = Config.load(
        {"HOME": str(home), "AWS_CONFIG_FILE": "~/c", "AWS_SHARED_CREDENTIALS_FILE": str(home / "d")}
    )
    assert config.path == str(home / "c")
    assert config.names() == ["a", "b"]


def test_missing_files_are_empty(home: Path) -> None:
    assert Config.load({"HOME": str(home / "nowhere")}).names() == []


def test_the_null_device_is_empty(home: Path) -> None:
    assert Config.load({"HOME": str(home), "AWS_CONFIG_FILE": "/dev/null"}).names() == []


@pytest.mark.parametrize("has_writer", [False, True])
def test_a_pipe_is_an_error_and_not_waited_for(home: Path, has_writer: bool) -> None:  # noqa: FBT001
    os.mkfifo(home / "pipe")
    writer = os.open(home / "pipe", os.O_RDWR) if has_writer else None
    with pytest.raises(ConfigUnreadable, match="it is a pipe or a device"):
        Config.load({"HOME": str(home), "AWS_CONFIG_FILE": str(home / "pipe")})
    if writer is not None:
        os.close(writer)


def test_a_device_without_an_end_is_an_error(home: Path) -> None:
    with pytest.raises(ConfigUnreadable, match="it is a pipe or a device"):
        Config.load({"HOME": str(home), "AWS_SHARED_CREDENTIALS_FILE": "/dev/zero"})


def test_a_directory_is_an_error_that_names_the_variable(home: Path) -> None:
    with pytest.raises(ConfigUnreadable, match=r"cannot read .*: Is a directory") as caught:
        Config.load({"HOME": str(home), "AWS_SHARED_CREDENTIALS_FILE": str(home)})
    assert "AWS_SHARED_CREDENTIALS_FILE" in caught.value.hint


def test_a_file_that_is_not_utf8_is_an_error_which_does_not_carry_its_content(home: Path) -> None:
    (home / ".aws" / "credentials").write_bytes(b"[a]\naws_secret_access_key = hush\xff\n")
    with pytest.raises(ConfigUnreadable, match="it is not UTF-8 text") as caught:
        Config.load({"HOME": str(home)})
    assert caught.value.__context__ is None


def test_a_file_of_more_than_16_mib_is_an_error(home: Path) -> None:
    with (home / ".aws" / "config").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(ConfigUnreadable, match="it is larger than 16 MiB"):
        Config.load({"HOME": str(home)})


@pytest.fixture
def open_directory() -> Iterator[str]:
    directory = tempfile.mkdtemp()
    os.chmod(directory, 0o755)  # noqa: PTH101, S103  # another user must get in
    yield directory
    shutil.rmtree(directory)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_a_file_that_may_not_be_read_is_an_error_and_not_empty(open_directory: str) -> None:
    path = f"{open_directory}/config"
    with open(path, "w") as file:  # noqa: PTH123  # a path as text, as Config takes it
        file.write("[default]\n")
    os.chmod(path, 0o000)  # noqa: PTH101  # as above
    child = os.fork()
    if child == 0:
        status = 2
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            Config.load({"HOME": open_directory, "AWS_CONFIG_FILE": path})
        except ConfigUnreadable as error:
            status = 0 if "Permission denied" in error.message else 3
        except VaultpyError:
            status = 4
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_reading_imports_nothing_that_is_slow_to_import(home: Path) -> None:
    (home / ".aws" / "config").write_text(
        f"[profile a]\nrole_arn = {ARN}/dev\nmfa_serial = GAHT12345678\n"
        "source_profile = 'b'\n[profile \"'b'\"]\nvaultpy_mfa = direct\n"
    )
    slow = {"re", "enum", "typing", "dataclasses", "configparser", "shlex", "pathlib", "json", "contextlib"}
    code = (
        "import os, sys; before = set(sys.modules); from vaultpy.config import Config;"
        "chain = Config.load(os.environ).chain('a'); assert len(chain) == 2; chain[0].mfa_serial;"
        f"print(sorted((set(sys.modules) - before) & {slow!r}))"
    )
    environ = {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
